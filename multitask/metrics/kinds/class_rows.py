"""How good is the answer to each picture, where answers are classes?"""

import numpy as np
import pandas as pd

from multitask.contracts.head import Array, Head
from multitask.contracts.table import as_text
from multitask.metrics.kinds.rows import HeadRows, f1, precision
from multitask.metrics.resampling import mean_of_known, ratio

_REPORT = "classification_report"


class ClassRows(HeadRows):
    """Class indices (rows,): `truth`, -1 without a label, and `answers`."""

    def __init__(self, head: Head, labels: pd.DataFrame, answers: pd.DataFrame):
        strata = head.strata(labels)
        self.classes = tuple(map(str, strata.columns))
        one_hot = strata.to_numpy(bool)
        labelled = np.asarray(one_hot.any(axis=1))
        self.truth = np.where(labelled, one_hot.argmax(axis=1), -1)
        texts = as_text(answers[head.columns[0]])
        self.answers: Array = pd.Index(self.classes).get_indexer(pd.Index(texts))
        self.main = "accuracy"
        self.known = np.asarray(labelled)[:, None]
        self.values = np.asarray(labelled & (self.truth == self.answers), float)[
            :, None
        ]

    def constant(self, rows: Array) -> Array:
        return np.array([self._counts(self.truth[rows]).argmax()])

    def constant_values(self, constant: Array) -> Array:
        return np.asarray(self.truth == constant[0], float)[:, None]

    def _counts(self, codes: Array) -> Array:
        """How often each class (classes,) occurs; -1 is none."""
        return np.bincount(codes[codes >= 0], minlength=len(self.classes))

    def columns(self) -> Array:
        classes = np.arange(len(self.classes))
        truth = self.truth[:, None] == classes
        answers = (self.answers[:, None] == classes) & self.known
        return np.hstack([truth & answers, truth, answers]).astype(np.float32)

    def from_sums(self, sums: Array) -> dict[str, Array]:
        hits, truths, answers = np.split(sums.astype(float), 3, axis=1)
        total = truths.sum(axis=1)
        scores = {
            "precision": precision(hits, answers),
            "recall": ratio(hits, truths),
            "f1-score": f1(hits, truths, answers),
        }
        accuracy = ratio(hits.sum(axis=1), total)
        result = dict.fromkeys(
            ("accuracy", "mean_accuracy", f"{_REPORT}/accuracy"), accuracy
        )
        result["macro_f1"] = mean_of_known(scores["f1-score"])
        for name, values in scores.items():
            for place, one in enumerate(self.classes):
                result[f"{_REPORT}/{one}/{name}"] = values[:, place]
            filled = np.nan_to_num(values)
            result[f"{_REPORT}/macro avg/{name}"] = filled.mean(axis=1)
            weighted = ratio((filled * truths).sum(axis=1), total)
            result[f"{_REPORT}/weighted avg/{name}"] = weighted
        return result

    def counts(self) -> dict[str, int]:
        supports = self._counts(self.truth)
        answered = self._counts(self.answers[self.labelled])
        counts = {}
        for place, one in enumerate(self.classes):
            counts[f"{_REPORT}/{one}/precision"] = int(answered[place])
            counts[f"{_REPORT}/{one}/recall"] = int(supports[place])
            counts[f"{_REPORT}/{one}/f1-score"] = int(supports[place])
        return counts

    def confusion(self, rows: Array) -> Array:
        """Counts (classes, classes) of answers (columns) by label, on some rows.

        Answers that are no class are left out.
        """
        size = len(self.classes)
        truth, answers = self.truth[rows], self.answers[rows]
        both = (truth >= 0) & (answers >= 0)
        cells = truth[both] * size + answers[both]
        return np.bincount(cells, minlength=size * size).reshape(size, size)
