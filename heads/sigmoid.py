"""Which of several yes/no labels hold? Or which of two classes is it?"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from multitask.heads import _temperature
from multitask.heads.softmax import class_summary
from scipy.special import expit, logit
from sklearn.metrics import classification_report

from multitask.contracts.errors import UserError, counted, listed, nearest
from multitask.contracts.head import (
    Array,
    Columns,
    Head,
    Targets,
    check_classes,
    class_shares,
    elementwise_loss,
)
from multitask.contracts.table import as_text, classes_of, column
from multitask.metrics.probabilities import proper_scores


@dataclass(frozen=True, kw_only=True)
class Sigmoid(Head):
    """One yes/no unit per column (1 yes, 0 no), each with its own empty cells.

    With two `classes` it is one unit over one text column, whose output is the
    probability of the second class. Outputs, targets and weights are (rows, columns);
    outputs are probabilities, and the loss is the binary cross-entropy of each cell.

    Calibration divides the logits by `temperature`, the same for all labels, where that
    says better how often answers are right (see `heads/_temperature.py`). An answer is
    yes from a probability of .5 on, or of its label in `thresholds`, one per column.
    The confidence is the probability of the answer either way: with a threshold of .2,
    a yes may have one of .3.
    """

    classes: tuple[str, ...] = ()
    temperature: float = 1.0
    thresholds: tuple[float, ...] = ()

    metric = "mean_accuracy"

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(set(self.columns)) != len(self.columns):
            raise UserError(self.where, "lists a label twice")
        check_classes(self.where, self.classes)
        _temperature.check(self.where, self.temperature)
        if self.classes and len(set(self.classes)) != 2:
            what = counted(len(self.classes), "class", "classes")
            raise UserError(
                self.where,
                f"has {what} ({listed(self.classes)}), but kind sigmoid takes two",
                f"use kind softmax, as in --heads {self.name}:softmax",
            )
        if self.classes and len(self.columns) != 1:
            what = f"has two classes and {len(self.columns)} columns, must have one"
            raise UserError(self.where, what, "give it one column, or no classes")
        self._check_thresholds()

    def _check_thresholds(self) -> None:
        count = len(self.thresholds)
        if count and (self.classes or count != len(self.columns)):
            what = f"has {counted(count, 'threshold')}"
            todo = "give one per column, or none if there are classes"
            raise UserError(self.where, what, todo)
        for value in self.thresholds:
            if not 0 <= value < 1:  # with 0, the answer is always yes
                what = f"has a threshold of {value}, must be from 0 to below 1"
                raise UserError(self.where, what)

    @property
    def answer_type(self) -> Literal["class", "labels"]:
        return "class" if self.classes else "labels"

    def resolve(self, table: pd.DataFrame) -> Self:
        """Drop columns without any label, and take the classes of a text column."""
        labelled = tuple(c for c in self.columns if column(table, c).notna().any())
        if labelled and labelled != self.columns:
            at = dict(zip(self.columns, self.thresholds, strict=False))
            thresholds = tuple(at[name] for name in labelled if name in at)
            return replace(self, columns=labelled, thresholds=thresholds)
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
        """The labels (rows,) of one column as 1, 0 and NaN."""
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
                f"{counted(len(bad), 'label')} of column {name!r} "
                f"{'is' if len(bad) == 1 else 'are'} neither {known[0]} nor "
                f"{known[1]}, first {as_text(bad).iloc[0]!r}",
                nearest(as_text(bad).iloc[0], known),
                fault=f"neither {known[0]} nor {known[1]}",
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
        """Balance each label by itself: the weights of yes and no have the same sum."""
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

    def initial_bias(self, targets: Targets) -> Array:
        yes = (targets.targets * targets.weights).sum(axis=0)
        no = targets.weights.sum(axis=0) - yes
        return np.asarray(logit(class_shares(np.stack([no, yes], axis=-1))[:, 1]))

    def loss(self) -> Any:
        import keras

        # Unlike `keras.losses`, `keras.ops` does not average over the last axis: each
        # label has its own weight. It computes with the logits of y_pred, which is the
        # output of the layer itself.
        return elementwise_loss(keras.ops.binary_crossentropy)

    def imitation(self, teacher: Any, outputs: Any) -> Any:
        from keras import ops

        return ops.mean(ops.binary_crossentropy(teacher, outputs), axis=-1)

    def metrics(self) -> list[Any]:
        import keras

        def right(y_true: Any, y_pred: Any) -> Any:
            return keras.ops.cast(y_true == keras.ops.round(y_pred), "float32")

        return [keras.metrics.MeanMetricWrapper(right, name="accuracy")]

    def from_probabilities(self, probabilities: Array) -> Array:
        return probabilities[:, 1:] if self.classes else probabilities

    def calibrate(self, table: pd.DataFrame, outputs: Array) -> Self:
        targets, weights = self.encode(table)
        pictures, _ = cells = np.nonzero(weights > 0)
        temperature = _temperature.fit(
            _temperature.of_no_and_yes(outputs[cells]),
            np.stack([1 - targets[cells], targets[cells]], axis=1),
            pictures,
        )
        return replace(self, temperature=temperature)

    def uncalibrated(self) -> Self:
        logits = self.temperature * logit(np.array(self.thresholds))
        thresholds = tuple(expit(logits).tolist())
        return replace(self, temperature=1.0, thresholds=thresholds)

    def with_thresholds(self, thresholds: Mapping[str, float]) -> Self:
        if self.classes:
            return self
        before = self.thresholds or (0.5,) * len(self.columns)
        values = dict(zip(self.columns, before, strict=True)) | dict(thresholds)
        return replace(self, thresholds=tuple(values[name] for name in self.columns))

    def read(self, outputs: Array) -> pd.DataFrame:
        return pd.DataFrame(self.read_columns(outputs))

    def read_columns(self, outputs: Array) -> Columns:
        answers: dict[str, Array] = {}
        thresholds = self.thresholds or (0.5,) * len(self.columns)
        shares = _temperature.scale_each(outputs, self.temperature)
        for name, yes, least in zip(self.columns, shares.T, thresholds, strict=True):
            index = (yes >= least).astype(int)
            answers[name] = (
                np.array(self.classes, dtype=object)[index] if self.classes else index
            )
            answers[f"{name}_confidence"] = np.where(index == 1, yes, 1 - yes)
        return answers

    def probabilities(self, outputs: Array) -> pd.DataFrame:
        return pd.DataFrame(self.probability_columns(outputs))

    def probability_columns(self, outputs: Array) -> Columns:
        shares = _temperature.scale_each(outputs, self.temperature)
        columns = [f"{name}_probability" for name in self.columns]
        if self.classes:
            columns = [f"{self.columns[0]}_{name}" for name in self.classes]
            shares = np.hstack([1 - shares, shares])
        return dict(zip(columns, shares.T, strict=True))

    def summary(self, labels: pd.DataFrame, answers: pd.DataFrame) -> dict[str, Any]:
        if self.classes:
            labelled = column(labels, self.columns[0])
            summary: dict[str, Any] = class_summary(labelled, answers, self.classes)
            if summary["n"]:
                summary["mean_accuracy"] = summary["accuracy"]
            return summary | proper_scores(self, labels, answers)
        per_label = {}
        for name in self.columns:
            values = self._values(labels, name)
            known = ~np.isnan(values)
            if known.any():
                numbers = answers.loc[known, name].to_numpy(float, na_value=np.nan)
                predictions = numbers == 1
                per_label[name] = _label_summary(values[known] == 1, predictions)
        if not per_label:
            return {"n": 0}
        scores = pd.DataFrame(per_label).T
        return {
            "n": int(self.labelled(labels).sum()),
            "mean_accuracy": float(scores["accuracy"].mean()),
            "macro_f1": float(scores["f1"].mean()),
            **proper_scores(self, labels, answers),
            "per_label": per_label,
        }


def _label_summary(truth: Array, predictions: Array) -> dict[str, Any]:
    """Scores of one label; precision, recall and F1 are those of *yes*.

    Without a picture labelled yes, recall and F1 are undefined, which is NaN.
    """
    report = classification_report(
        truth, predictions, labels=[False, True], output_dict=True, zero_division=0.0
    )
    yes = report["True"]
    return {
        "n": len(truth),
        "positive": int(truth.sum()),
        "accuracy": float((truth == predictions).mean()),
        "precision": yes["precision"],
        "recall": yes["recall"] if truth.any() else np.nan,
        "f1": yes["f1-score"] if truth.any() else np.nan,
    }
