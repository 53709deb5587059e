"""How good is the answer to each picture, where answers are yes/no labels?"""

import numpy as np
import pandas as pd

from multitask.contracts.head import Array, Head
from multitask.metrics.kinds.rows import HeadRows, f1, precision
from multitask.metrics.resampling import mean_of_known, ratio


class LabelRows(HeadRows):
    """Yes/no labels and answers (rows, labels); a label is `known` or not."""

    def __init__(self, head: Head, labels: pd.DataFrame, answers: pd.DataFrame):
        targets, weights = head.encode(labels)
        self.names = head.columns
        self.known = weights > 0
        self.truth = (targets > 0.5) & self.known
        numbers = answers[list(self.names)].to_numpy(float, na_value=np.nan)
        self.answers = (numbers == 1) & self.known
        self.main = "mean_accuracy"
        self.values = (self.known & (self.truth == self.answers)).astype(float)

    def constant(self, rows: Array) -> Array:
        yes, count = self.truth[rows].sum(axis=0), self.known[rows].sum(axis=0)
        return np.asarray(2 * yes > count)

    def constant_values(self, constant: Array) -> Array:
        return np.asarray(self.known & (self.truth == constant), float)

    def columns(self) -> Array:
        hits = self.truth & self.answers
        parts = [self.values, self.known, hits, self.truth, self.answers]
        return np.hstack(parts).astype(np.float32)

    def from_sums(self, sums: Array) -> dict[str, Array]:
        right, known, hits, truths, answers = np.split(sums.astype(float), 5, axis=1)
        scores = {
            "accuracy": ratio(right, known),
            "precision": precision(hits, answers),
            "recall": ratio(hits, truths),
            "f1": f1(hits, truths, answers),
        }
        result = {
            "mean_accuracy": mean_of_known(scores["accuracy"]),
            "macro_f1": mean_of_known(scores["f1"]),
        }
        for place, label in enumerate(self.names):
            for name, values in scores.items():
                result[f"per_label/{label}/{name}"] = values[:, place]
        return result

    def counts(self) -> dict[str, int]:
        counts = {}
        columns = zip(
            self.names, self.known.T, self.truth.T, self.answers.T, strict=True
        )
        for label, known, truth, answers in columns:
            counts[f"per_label/{label}/accuracy"] = int(known.sum())
            counts[f"per_label/{label}/precision"] = int(answers.sum())
            counts[f"per_label/{label}/recall"] = int(truth.sum())
            counts[f"per_label/{label}/f1"] = int(truth.sum())
        return counts
