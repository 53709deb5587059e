"""Does a page on several networks begin with what was shown of them?"""

import csv
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from multitask.reports import side_by_side

from multitask.contracts.results.side_by_side import (
    MeasuredNetwork,
    NetworkDifference,
    NetworkScore,
    SideBySide,
)
from tests.evaluations import Page, strict
from tests.metrics.faces import of_classes


def network(name, heads=("age", "gender")):
    return MeasuredNetwork(name=name, trunk="cnn", parameters=1000, heads=heads)


def score(head, network, value, half):
    ci = (value - half, value + half)
    return NetworkScore(head=head, network=network, value=value, ci=ci, n=1200)


def difference(head, value, half, verdict, network="b", other="a"):
    return NetworkDifference(
        head=head,
        network=network,
        other=other,
        difference=value,
        ci=(value - half, value + half),
        verdict=verdict,
    )


def result(differences, **changes):
    settings: dict[str, Any] = {
        "title": "a and b on <utkface>",
        "split": "test",
        "rows": 1200,
        "networks": (network("a"), network("b")),
        "metrics": {"age": "mae", "gender": "accuracy"},
        "units": {"age": "years", "gender": ""},
        "better": {"age": "lower", "gender": "higher"},
        "scores": (
            score("age", "a", 4.9, 0.2),
            score("age", "b", 4.6, 0.2),
            score("gender", "a", 0.92, 0.02),
            score("gender", "b", 0.93, 0.02),
        ),
        "differences": tuple(differences),
        "notes": ("12 that <a> learned from.",),
    }
    return SideBySide(**(settings | changes))


BOTH = (
    difference("age", -0.3, 0.1, "better"),
    difference("gender", 0.01, 0.02, "no difference shown"),
)


@pytest.mark.parametrize(
    ("verdicts", "sentence"),
    [
        (
            ("better", "no difference shown"),
            "b is better than a in age (4.6 against 4.9 years); no difference was "
            "shown in gender.",
        ),
        (
            ("better", "worse"),
            "b is better than a in age (4.6 against 4.9 years); a is better than b in "
            "gender (92.0 against 93.0%).",
        ),
        (
            ("no difference shown", "no difference shown"),
            "No difference between b and a was shown in age and gender.",
        ),
    ],
)
def test_the_verdict_is_one_sentence(verdicts, sentence):
    one = difference("age", -0.3, 0.1, verdicts[0])
    other = difference("gender", 0.01, 0.02, verdicts[1])
    (line,) = side_by_side.verdicts(result([one, other]))
    assert line == sentence


def test_files_hold_all_scores_and_the_page_begins_with_the_verdict(tmp_path):
    shown = result(BOTH)
    side_by_side.write(shown, tmp_path)
    assert strict((tmp_path / "side_by_side.json").read_text()) == shown.to_json()
    with (tmp_path / "side_by_side.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["head"], row["network"], row["score"]) for row in rows] == [
        ("age", "a", "4.9"),
        ("age", "b", "4.6"),
        ("gender", "a", "0.92"),
        ("gender", "b", "0.93"),
    ]
    page = Page((tmp_path / "index.html").read_text(encoding="utf-8"))
    assert page.links == {"side_by_side.json", "side_by_side.csv"}
    order = [
        "a and b on <utkface>",
        "b is better than a in age (4.6 against 4.9 years)",
        "age, MAE (years)",
        "4.9 (4.7 to 5.1)",
        "-0.3 (-0.4 to -0.2)",
        "12 that <a> learned from.",
    ]
    places = [page.text.index(text) for text in order]
    assert places == sorted(places)


def test_three_networks_are_compared_pair_by_pair(tmp_path):
    pairs = [("b", "a"), ("c", "a"), ("c", "b")]
    shown = result(
        [difference("age", -0.3, 0.1, "better", *pair) for pair in pairs],
        networks=(network("a"), network("b"), network("c", ("age",))),
        scores=(
            score("age", "a", 4.9, 0.2),
            score("age", "b", 4.6, 0.2),
            score("age", "c", 4.3, 0.2),
        ),
        metrics={"age": "mae"},
    )
    lines = side_by_side.verdicts(shown)
    assert [line.partition(" in ")[0] for line in lines] == [
        "b is better than a",
        "c is better than a",
        "c is better than b",
    ]
    assert list(side_by_side.table(shown)) == ["head", "a", "b", "c", "pictures"]
    text = side_by_side.text(shown)
    assert text.startswith("Note: 12 that <a> learned from.\na and b on")
    side_by_side.write(shown, tmp_path)
    page = Page((tmp_path / "index.html").read_text(encoding="utf-8"))
    assert "Differences of all pairs" in page.text


def test_networks_that_a_constant_serves_as_well_are_named():
    truth = np.tile(["male", "female"], 200)
    right = of_classes(truth, np.where(np.arange(400) % 9, truth, "male"))
    useless = of_classes(truth, ["male"] * 400)
    one = result(
        BOTH[1:],
        evaluations={"a": useless, "b": right},
        metrics={"gender": "accuracy"},
        units={"gender": ""},
        better={"gender": "higher"},
    )
    assert side_by_side.verdicts(one)[1:] == [
        "In gender, a was not shown to be better than always giving the same answer."
    ]
    one = replace(one, evaluations={"a": useless, "b": useless})
    assert "In gender, a and b were not shown" in side_by_side.verdicts(one)[1]
    one = replace(one, evaluations={"a": right, "b": right})
    assert side_by_side.verdicts(one)[1:] == []
