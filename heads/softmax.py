"""Which one of several classes is it?"""

from dataclasses import dataclass, replace
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from sklearn.metrics import classification_report

from multitask.contracts.errors import UserError, counted, listed, nearest
from multitask.contracts.head import (
    Array,
    Head,
    Targets,
    check_classes,
    class_shares,
    elementwise_loss,
)
from multitask.contracts.table import as_text, classes_of, column


@dataclass(frozen=True, kw_only=True)
class Softmax(Head):
    """One of `classes`; by default those that occur in the labels, sorted.

    Outputs (batch, classes) are probabilities, targets (rows,) class indices, and the
    loss is the cross-entropy. `mirror` holds pairs of classes that change places in a
    mirrored picture. `label_smoothing` is the share of a label that is spread over all
    classes, as labels are uncertain (Szegedy et al. 2016, "Rethinking the Inception
    Architecture for Computer Vision").
    """

    classes: tuple[str, ...] = ()
    label_smoothing: float = 0.0
    mirror: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.columns) != 1:
            raise UserError(
                self.where, f"reads {len(self.columns)} columns, must read one"
            )
        if len(set(self.classes)) != len(self.classes) or len(self.classes) == 1:
            raise UserError(
                self.where,
                f"classes are {', '.join(self.classes)}, must be two or more names, "
                "each once",
            )
        check_classes(self.where, self.classes)
        if not 0 <= self.label_smoothing < 1:
            raise UserError(
                self.where,
                f"label_smoothing is {self.label_smoothing}, must be 0 or more, "
                "below 1",
            )
        for name in sum(self.mirror, ()):
            if name not in self.classes:
                raise UserError(
                    self.where,
                    f"mirror contains {name!r}, which is not a class",
                    nearest(name, self.classes),
                )

    @property
    def answer_type(self) -> Literal["class"]:
        return "class"

    def resolve(self, table: pd.DataFrame) -> Self:
        if self.classes:
            return self
        classes = classes_of(column(table, self.columns[0]))
        if len(classes) < 2:
            raise UserError(
                self.where,
                f"its labels have fewer than two classes: {listed(classes)}",
                "label pictures of another class, or leave the head out",
            )
        return replace(self, classes=classes)

    def encode(self, table: pd.DataFrame) -> Targets:
        codes = self._codes(table)
        return Targets(
            np.maximum(codes, 0).astype(np.int32), (codes >= 0).astype(np.float32)
        )

    def _codes(self, table: pd.DataFrame) -> Array:
        """Class indices (rows,), -1 for an empty cell."""
        labels = column(table, self.columns[0])
        codes: Array = pd.Index(self.classes).get_indexer(pd.Index(as_text(labels)))
        unknown = labels[(codes < 0) & labels.notna()]
        if len(unknown):
            first = as_text(unknown).iloc[0]
            raise UserError(
                self.where,
                f"{counted(len(unknown), 'label')} of column {self.columns[0]!r} "
                f"{'is' if len(unknown) == 1 else 'are'} not among its classes, first "
                f"{first!r}{_origin(table, unknown)}",
                nearest(first, self.classes),
            )
        return codes

    def strata(self, table: pd.DataFrame) -> pd.DataFrame:
        codes = self._codes(table)
        return pd.DataFrame(
            codes[:, None] == np.arange(len(self.classes)),
            index=table.index,
            columns=list(self.classes),
        )

    def mirrored(self, targets: Array) -> Array:
        return np.array(self._mirrored_classes())[targets].astype(targets.dtype)

    def unmirrored(self, outputs: Any) -> Any:
        from keras import ops

        return (
            ops.take(outputs, self._mirrored_classes(), axis=1)
            if self.mirror
            else outputs
        )

    def _mirrored_classes(self) -> list[int]:
        """The index of the class that each class becomes in a mirror."""
        indices = list(range(len(self.classes)))
        for one, other in self.mirror:
            i, j = self.classes.index(one), self.classes.index(other)
            indices[i], indices[j] = j, i
        return indices

    def layers(self, features: Any) -> Any:
        import keras

        return keras.layers.Dense(
            len(self.classes), activation="softmax", dtype="float32", name=self.name
        )(features)

    def initial_bias(self, targets: Targets) -> Array:
        counts = np.bincount(targets.targets, targets.weights, len(self.classes))
        return np.log(class_shares(counts))

    def loss(self) -> Any:
        return elementwise_loss(self._loss)

    def _loss(self, y_true: Any, y_pred: Any) -> Any:
        import keras

        return keras.losses.categorical_crossentropy(
            keras.ops.one_hot(y_true, len(self.classes)),
            y_pred,
            label_smoothing=self.label_smoothing,
        )

    def metrics(self) -> list[Any]:
        import keras

        return [keras.metrics.SparseCategoricalAccuracy(name="accuracy")]

    def read(self, outputs: Array) -> pd.DataFrame:
        name = self.columns[0]
        best = outputs.argmax(axis=1)
        return pd.DataFrame(
            {
                name: np.array(self.classes, dtype=object)[best],
                f"{name}_confidence": outputs.max(axis=1),
            }
        )

    def probabilities(self, outputs: Array) -> pd.DataFrame:
        columns = [f"{self.columns[0]}_{name}" for name in self.classes]
        return pd.DataFrame(outputs, columns=columns)

    def summary(self, labels: pd.DataFrame, answers: pd.DataFrame) -> dict[str, Any]:
        return class_summary(column(labels, self.columns[0]), answers, self.classes)


def _origin(table: pd.DataFrame, labels: "pd.Series[Any]") -> str:
    """The data set of the first of some labels, as the end of a sentence."""
    source = column(table, "source")[labels.index[0]]
    return "" if pd.isna(source) else f" in data set {source}"


def class_summary(
    labels: "pd.Series[Any]", answers: pd.DataFrame, classes: tuple[str, ...]
) -> dict[str, Any]:
    """Accuracy, macro F1 and scikit-learn's report over the labelled rows."""
    known = labels.notna()
    if not known.any():
        return {"n": 0}
    truth, predictions = as_text(labels[known]), answers.loc[known, str(labels.name)]
    report = classification_report(
        truth, predictions, labels=list(classes), output_dict=True, zero_division=0.0
    )
    occurring = [c for c in classes if report[c]["support"] > 0]
    return {
        "n": int(known.sum()),
        "accuracy": float((truth == predictions).mean()),
        # Over the classes that occur: others have no label to get right.
        "macro_f1": float(np.mean([report[c]["f1-score"] for c in occurring])),
        "classification_report": report,
    }
