"""Do reports hold for kinds of heads that know no more than the contract asks?"""

import json
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from multitask.contracts import plugins
from multitask.contracts.evaluation import Evaluation
from multitask.contracts.head import Head, Targets
from multitask.metrics.assessment import assess

ROWS = 100


@dataclass(frozen=True, kw_only=True)
class Minimal(Head):
    """What the contract asks of every kind, and a metric of its own."""

    metric = "kappa"

    def layers(self, features):
        raise AssertionError("unused")

    def loss(self):
        raise AssertionError("unused")

    def metrics(self):
        raise AssertionError("unused")

    def read(self, outputs):
        raise AssertionError("unused")

    def summary(self, labels, answers):
        count = int(self.labelled(labels).sum())
        return {"n": count} | ({"kappa": 0.5} if count else {})

    def targets(self, values):
        raise AssertionError("each kind has its own")

    def encode(self, table):
        values = table[list(self.columns)]
        weights = values.notna().to_numpy(np.float32)
        return Targets(self.targets(values), weights)


class SomeClass(Minimal):
    answer_type = "class"

    def targets(self, values):
        return (values == "yes").to_numpy(np.int32)

    def strata(self, table):
        values = table[self.columns[0]]
        return pd.DataFrame({"no": values == "no", "yes": values == "yes"})


class SomeLabels(Minimal):
    answer_type = "labels"

    def targets(self, values):
        """Smoothed: a no is 0.05."""
        return values.fillna(0).to_numpy(np.float32) * 0.9 + 0.05

    def strata(self, table):
        return pd.DataFrame({name: table[name] == 1 for name in self.columns})


class LogNumber(Minimal):
    answer_type = "number"

    def targets(self, values):
        return np.log1p(values.fillna(0).to_numpy(np.float32))

    def strata(self, table):
        values = table[self.columns[0]]
        return pd.DataFrame({"small": values < 20, "large": values >= 20})


HEADS = (
    SomeClass(name="smile"),
    SomeLabels(name="face", columns=("Hat", "Bald")),
    LogNumber(name="size"),
)


@pytest.fixture
def drawn():
    """Sizes are answered one too high; of other answers, those to ten rows are no."""
    rng = np.random.default_rng(0)
    labels = pd.DataFrame({"path": [f"{row}.jpg" for row in range(ROWS)]})
    labels["smile"] = np.tile(["yes", "no"], ROWS // 2)
    labels["size"] = rng.integers(1, 50, ROWS).astype(float)
    for name in ("Hat", "Bald"):
        labels[name] = np.tile([1.0, 0.0], ROWS // 2)
    answers = pd.DataFrame({"size": labels["size"] + 1})
    answers["size_low"], answers["size_high"] = labels["size"] - 3, labels["size"] + 3
    answers["smile"] = labels["smile"].where(labels.index >= 10, "no")
    for name in ("Hat", "Bald"):
        answers[name] = labels[name].where(labels.index >= 10, 0).astype(int)
    for name in ("smile", "Hat", "Bald"):
        answers[f"{name}_confidence"] = 0.9
    return Evaluation(
        title="drawn", split="test", labels=labels, answers=answers, heads=HEADS
    )


def test_their_main_scores_are_known_and_those_of_their_own_have_no_direction(drawn):
    heads = assess(drawn).heads
    # Of the ten rows, five are labelled yes.
    assert heads["smile"].scores["accuracy"].value == 0.95
    assert heads["face"].scores["mean_accuracy"].value == 0.95
    # The error is in the label's unit, not in that of the targets.
    assert heads["size"].scores["mae"].value == pytest.approx(1.0)
    assert all(head.is_useful for head in heads.values())
    assert heads["smile"].scores["kappa"].better is None
    assert "2 labels" in heads["face"].sentence


def test_strata_that_are_no_bands_are_groups_by_their_names(drawn):
    groups = {g.title for g in assess(drawn).heads["smile"].subgroups}
    assert {"size small", "size large"} <= groups


def test_every_report_on_them_is_written(drawn, tmp_path):
    plugins.write_reports(drawn, tmp_path)
    document = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert document["heads"]["smile"]["kappa"] == 0.5
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    for name in ("smile", "face", "size"):
        assert document["heads"][name]["sentence"] in page
