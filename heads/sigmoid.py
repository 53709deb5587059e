"""Which of several labels hold, each by itself? Or one question with two answers."""

from dataclasses import dataclass, replace
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from multitask.heads.softmax import class_summary
from sklearn.metrics import classification_report

from multitask.contracts.errors import UserError, nearest
from multitask.contracts.head import (
    Array,
    Head,
    Targets,
    check_classes,
    elementwise_loss,
)
from multitask.contracts.table import as_text, classes_of, column


@dataclass(frozen=True, kw_only=True)
class Sigmoid(Head):
    """A yes/no unit a column (1 yes, 0 no), every one with its own empty cells.

    With two `classes` it is one unit over one text column: the output is the
    probability of the second class. Outputs, targets and weights: (rows, columns).
    """

    classes: tuple[str, ...] = ()

    metric = "mean_accuracy"

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(set(self.columns)) != len(self.columns):
            raise UserError(self.where, "names a label twice")
        check_classes(self.where, self.classes)
        if self.classes and (len(set(self.classes)), len(self.columns)) != (2, 1):
            raise UserError(
                self.where,
                f"has {len(self.classes)} classes over {len(self.columns)} columns, "
                "must have two over one",
                "use kind softmax for more classes",
            )

    @property
    def answer_type(self) -> Literal["class", "labels"]:
        return "class" if self.classes else "labels"

    def resolve(self, table: pd.DataFrame) -> Self:
        """Leave out labels that nothing can be learnt of, and find out the classes."""
        held = tuple(c for c in self.columns if column(table, c).notna().any())
        if held and held != self.columns:
            return replace(self, columns=held)
        values = column(table, self.columns[0]).dropna()
        if self.classes or pd.api.types.is_numeric_dtype(values):
            return self
        return replace(self, classes=classes_of(values))

    def encode(self, table: pd.DataFrame) -> Targets:
        values = np.stack([self._values(table, c) for c in self.columns], axis=1)
        known = ~np.isnan(values)
        targets = np.where(known, values, 0.0).astype(np.float32)
        return Targets(targets, known.astype(np.float32))

    def _values(self, table: pd.DataFrame, name: str) -> Array:
        """Labels of one column as 1, 0 and NaN."""
        labels = column(table, name)
        if self.classes:
            codes = {c: i for i, c in enumerate(self.classes)}
            values = as_text(labels).map(codes)
        else:
            values = pd.to_numeric(labels, errors="coerce")
            values = values.where(values.isin([0, 1]))
        bad = labels[values.isna() & labels.notna()]
        if len(bad):
            known = self.classes or (0, 1)
            raise UserError(
                self.where,
                f"{len(bad)} labels of column {name!r} are neither "
                f"{known[0]} nor {known[1]}, first {bad.tolist()[0]!r}",
                nearest(bad.iloc[0], known),
            )
        return values.to_numpy(dtype=float, na_value=np.nan)

    def strata(self, table: pd.DataFrame) -> pd.DataFrame:
        parts = {}
        for name in self.columns:
            values = self._values(table, name)
            no, yes = self.classes or (f"not {name}", name)
            parts[no], parts[yes] = values == 0, values == 1
        return pd.DataFrame(parts, index=table.index)

    def balanced(self, table: pd.DataFrame, encoded: Targets) -> Targets:
        """Balance each label by itself: its yes and its no weigh the same in sum."""
        targets, weights = encoded
        known = weights > 0
        n = known.sum(axis=0)
        yes = (targets * known).sum(axis=0)
        both = (yes > 0) & (yes < n)
        half = np.where(both, n / 2, 1.0)
        factor = np.where(
            targets > 0,
            half / np.where(both, yes, 1),
            half / np.where(both, n - yes, 1),
        )
        return Targets(targets, (weights * factor).astype(np.float32))

    def layers(self, features: Any) -> Any:
        import keras

        return keras.layers.Dense(
            len(self.columns), activation="sigmoid", dtype="float32", name=self.name
        )(features)

    def loss(self) -> Any:
        import keras

        # A last axis of 1 keeps Keras from averaging over the labels, so that each
        # has its own weight.  # (batch, labels)
        return elementwise_loss(
            lambda true, said: keras.losses.binary_crossentropy(
                true[..., None], said[..., None]
            )
        )

    def metrics(self) -> list[Any]:
        import keras

        def right(true: Any, said: Any) -> Any:
            return keras.ops.cast(true == keras.ops.round(said), "float32")

        return [keras.metrics.MeanMetricWrapper(right, name="accuracy")]

    def from_probabilities(self, probabilities: Array) -> Array:
        return probabilities[:, 1:] if self.classes else probabilities

    def read(self, outputs: Array) -> pd.DataFrame:
        answers: dict[str, Array] = {}
        for name, yes in zip(self.columns, outputs.T, strict=True):
            said = (yes >= 0.5).astype(int)
            answers[name] = (
                np.array(self.classes, dtype=object)[said] if self.classes else said
            )
            answers[f"{name}_confidence"] = np.where(said == 1, yes, 1 - yes)
        return pd.DataFrame(answers)

    def summary(self, labels: pd.DataFrame, answers: pd.DataFrame) -> dict[str, Any]:
        if self.classes:
            labelled = column(labels, self.columns[0])
            summary: dict[str, Any] = class_summary(labelled, answers, self.classes)
            if summary["n"]:
                summary["mean_accuracy"] = summary["accuracy"]
            return summary
        per_label = {}
        for name in self.columns:
            values = self._values(labels, name)
            known = ~np.isnan(values)
            if known.any():
                truth, said = values[known] == 1, answers.loc[known, name] == 1
                per_label[name] = _label_summary(truth, said.to_numpy())
        if not per_label:
            return {"n": 0}
        scores = pd.DataFrame(per_label).T
        return {
            "n": int(self.labelled(labels).sum()),
            "mean_accuracy": float(scores["accuracy"].mean()),
            "macro_f1": float(scores["f1"].mean()),
            "per_label": per_label,
        }


def _label_summary(truth: Array, said: Array) -> dict[str, Any]:
    """Scores of one label; precision, recall and F1 are those of *yes*.

    Where no picture is labelled yes, recall and F1 are NaN: nobody could get it right.
    """
    report = classification_report(
        truth, said, labels=[False, True], output_dict=True, zero_division=0.0
    )
    yes = report["True"]
    return {
        "n": len(truth),
        "positive": int(truth.sum()),
        "accuracy": float((truth == said).mean()),
        "precision": yes["precision"],
        "recall": yes["recall"] if truth.any() else np.nan,
        "f1": yes["f1-score"] if truth.any() else np.nan,
    }
