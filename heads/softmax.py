"""Which one of several classes is it?"""

from dataclasses import dataclass, replace
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from multitask.heads import _temperature
from sklearn.metrics import classification_report

from multitask.contracts.errors import UserError, counted, listed, nearest
from multitask.contracts.head import (
    Array,
    Columns,
    Head,
    Targets,
    check_classes,
    class_column,
    class_shares,
    elementwise_loss,
    most_votes,
)
from multitask.contracts.table import as_text, classes_of, column
from multitask.metrics.probabilities import proper_scores


@dataclass(frozen=True, kw_only=True)
class Softmax(Head):
    """One of `classes`; by default those that occur in the labels, sorted.

    Outputs (batch, classes) are probabilities, targets (rows,) class indices, and the
    loss is the cross-entropy. `mirror` holds pairs of classes that change places in a
    mirrored picture. `label_smoothing` is the share of a label that is spread over all
    classes, as labels are uncertain (Szegedy et al. 2016, "Rethinking the Inception
    Architecture for Computer Vision").

    Calibration divides the logits of the probabilities by `temperature`, the same for
    all classes, where that says better how often answers are right (see
    `heads/_temperature.py`). It changes no answer, only how probable it is.

    Where some classes are rare, the most probable class is seldom one of them. With
    `prior_power` p, from 0 to 1, answers follow the probabilities divided by
    `priors` ** p and normalized (Menon et al. 2021, "Long-tail Learning via Logit
    Adjustment"): at 1 as if all classes were equally frequent. Calibration sets
    `priors` to the class shares of the validation part, but not for `balanced` class
    weights, with which the network has learned to answer so. The temperature comes
    after the priors.

    With `votes`, a picture may have soft labels: the columns `COLUMN_CLASS`, one per
    class, hold votes for each class, and the target is their shares (Barsoum et al.
    2016, "Training Deep Networks for Facial Expression Recognition with Crowd-Sourced
    Label Distribution"). Those of classes `low` and `high`, which end an interval, have
    a `_` after it. Targets are then (rows, classes). A picture without votes has the
    class in the column itself, which must otherwise be the one with most votes: answers
    are compared with it.
    """

    classes: tuple[str, ...] = ()
    label_smoothing: float = 0.0
    mirror: tuple[tuple[str, str], ...] = ()
    votes: bool = False
    prior_power: float = 0.0
    priors: tuple[float, ...] = ()
    temperature: float = 1.0

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
        _temperature.check(self.where, self.temperature)
        if not 0 <= self.label_smoothing < 1:
            raise UserError(
                self.where,
                f"label_smoothing is {self.label_smoothing}, must be 0 or more, "
                "below 1",
            )
        if not 0 <= self.prior_power <= 1:
            what = f"prior_power is {self.prior_power}, must be from 0 to 1"
            raise UserError(self.where, what)
        if self.priors and (
            len(self.priors) != len(self.classes) or min(self.priors) <= 0
        ):
            what = f"priors are {self.priors}, must be a number above 0 per class"
            raise UserError(self.where, what)
        if self.votes and not self.classes:
            raise UserError(
                self.where,
                "has votes without classes",
                f"list the classes; the votes are in {self.columns[0]}_CLASS",
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

    @property
    def vote_columns(self) -> tuple[str, ...]:
        """The columns with the votes for each class; empty without `votes`."""
        names = self.classes if self.votes else ()
        return tuple(class_column(self.columns[0], name) for name in names)

    @property
    def label_columns(self) -> tuple[str, ...]:
        return (*super().label_columns, *self.vote_columns)

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
        if self.votes:
            shares = self._shares(table)
            hard = codes[:, None] == np.arange(len(self.classes))
            targets = np.where(shares.any(axis=1, keepdims=True), shares, hard)
            known = np.asarray(targets.any(axis=1))
            return Targets(targets.astype(np.float32), known.astype(np.float32))
        return Targets(
            np.maximum(codes, 0).astype(np.int32), (codes >= 0).astype(np.float32)
        )

    def _codes(self, table: pd.DataFrame) -> Array:
        """Class indices (rows,), -1 for an empty cell."""
        labels = self._labels(table)
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
                fault=f"not among its classes{_origin(table, unknown)}",
            )
        return codes

    def _shares(self, table: pd.DataFrame) -> Array:
        """The share of the votes (rows, classes) of each class, 0 without any vote."""
        votes = np.zeros((len(table), len(self.classes)))
        for place, name in enumerate(self.vote_columns):
            labels = column(table, name)
            values = pd.to_numeric(labels, errors="coerce").to_numpy(float)
            bad = labels[~((values >= 0) & (values < np.inf)) & labels.notna()]
            if len(bad):
                what = f"{len(bad)} cells of column {name!r} are no votes, first "
                what += f"{as_text(bad).iloc[0]!r}{_origin(table, bad)}"
                todo = "write how many voted for this class: 0 or more"
                raise UserError(self.where, what, todo, fault=f"no votes in {name!r}")
            votes[:, place] = np.nan_to_num(values)
        sums = votes.sum(axis=1, keepdims=True)
        return np.asarray(votes / np.where(sums > 0, sums, 1))

    def _labels(self, table: pd.DataFrame) -> "pd.Series[Any]":
        """The class of each row (rows,): its own, else the one with most votes."""
        labels = column(table, self.columns[0])
        if not self.votes:
            return labels
        voted = most_votes(self._shares(table), self.classes)
        filled = labels.astype(object).where(labels.notna(), voted)
        return filled.set_axis(table.index).rename(self.columns[0])

    def strata(self, table: pd.DataFrame) -> pd.DataFrame:
        codes = self._codes(table)
        return pd.DataFrame(
            codes[:, None] == np.arange(len(self.classes)),
            index=table.index,
            columns=list(self.classes),
        )

    def balanced(self, table: pd.DataFrame, encoded: Targets) -> Targets:
        """Balance soft labels by the shares of their classes, in the same way."""
        if not self.votes:
            return super().balanced(table, encoded)
        targets, weights = encoded
        counts = targets.sum(axis=0)
        present = counts > 0
        factors = np.zeros(len(counts))
        factors[present] = counts.sum() / (present.sum() * counts[present])
        return Targets(targets, (weights * (targets @ factors)).astype(np.float32))

    def mirrored(self, targets: Array) -> Array:
        if self.votes:
            return np.asarray(targets[:, self._mirrored_classes()])
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
        shares, weights = targets
        if self.votes:
            counts = weights.astype(float) @ shares
        else:
            counts = np.bincount(shares, weights, len(self.classes))
        return np.log(class_shares(counts))

    def loss(self) -> Any:
        return elementwise_loss(self._loss)

    def _loss(self, y_true: Any, y_pred: Any) -> Any:
        import keras

        return keras.losses.categorical_crossentropy(
            y_true if self.votes else keras.ops.one_hot(y_true, len(self.classes)),
            y_pred,
            label_smoothing=self.label_smoothing,
        )

    def imitation(self, teacher: Any, outputs: Any) -> Any:
        import keras

        return keras.losses.categorical_crossentropy(teacher, outputs)

    def metrics(self) -> list[Any]:
        import keras

        if self.votes:
            return [keras.metrics.CategoricalAccuracy(name="accuracy")]
        return [keras.metrics.SparseCategoricalAccuracy(name="accuracy")]

    def calibrate(self, table: pd.DataFrame, outputs: Array) -> Self:
        head = self._with_priors(table)
        targets, weights = self.encode(table)
        known = np.flatnonzero(weights > 0)
        shares = targets if self.votes else np.eye(len(self.classes))[targets]
        temperature = _temperature.fit(
            head._adjusted(outputs[known]), shares[known], known
        )
        if temperature == head.temperature:
            return head
        return replace(head, temperature=temperature)

    def _with_priors(self, table: pd.DataFrame) -> Self:
        counts = self.strata(table).to_numpy().sum(axis=0)
        if not self.prior_power or self.class_weights == "balanced" or not counts.any():
            return self
        shares = class_shares(counts).round(6)
        return replace(self, priors=tuple(shares.tolist()))

    def uncalibrated(self) -> Self:
        return replace(self, temperature=1.0)

    def _adjusted(self, outputs: Array) -> Array:
        """The probabilities (rows, classes) that answers follow."""
        if not self.priors or not self.prior_power:
            return outputs
        adjusted = outputs / np.array(self.priors, np.float32) ** self.prior_power
        return np.asarray(adjusted / adjusted.sum(axis=1, keepdims=True))

    def read(self, outputs: Array) -> pd.DataFrame:
        return pd.DataFrame(self.read_columns(outputs))

    def read_columns(self, outputs: Array) -> Columns:
        name = self.columns[0]
        adjusted = self._adjusted(outputs)
        best = adjusted.argmax(axis=1)
        probabilities = _temperature.scale(adjusted, self.temperature)
        return {
            name: np.array(self.classes, dtype=object)[best],
            f"{name}_confidence": probabilities.max(axis=1),
        }

    def probabilities(self, outputs: Array) -> pd.DataFrame:
        return pd.DataFrame(self.probability_columns(outputs))

    def probability_columns(self, outputs: Array) -> Columns:
        columns = [f"{self.columns[0]}_{name}" for name in self.classes]
        adjusted = self._adjusted(outputs)
        probabilities = _temperature.scale(adjusted, self.temperature)
        return dict(zip(columns, probabilities.T, strict=True))

    def summary(self, labels: pd.DataFrame, answers: pd.DataFrame) -> dict[str, Any]:
        summary = class_summary(self._labels(labels), answers, self.classes)
        return summary | proper_scores(self, labels, answers)


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
