"""Does `report.json` keep what its JSON Schema promises, whatever was measured?"""

import json
from importlib.resources import files

import numpy as np
import pandas as pd
import pytest
from multitask.reports import numbers

from multitask.contracts.evaluation import Evaluation
from tests.evaluations import by_hand, random_evaluation
from tests.metrics.faces import drawn, evaluation, of_classes

jsonschema = pytest.importorskip("jsonschema")


def schema():
    text = (files("multitask.reports") / "report.schema.json").read_text("utf-8")
    return json.loads(text)


def known_to_intervals():
    labels = pd.DataFrame({"path": list("abc"), "age": np.nan})
    labels["age_low"], labels["age_high"] = [20, 20, 60], [29, 29, 69]
    answers = pd.DataFrame(
        {"age": [22.0, 40.0, 61.0], "age_low": 0.0, "age_high": 90.0}
    )
    return evaluation(labels, answers, drawn(10).heads[:1])


def with_probabilities():
    drawing = drawn(400)
    chance = np.linspace(0.05, 0.95, 400)
    drawing.answers.insert(5, "gender_male", chance)
    drawing.answers.insert(6, "gender_female", 1 - chance)
    return drawing


def not_finite():
    drawing = drawn(100)
    drawing.answers["age"] = np.nan
    return drawing


EVALUATIONS = {
    "few pictures": by_hand,
    "many groups": lambda: drawn(400, by=("race*gender",)),
    "no label": lambda: by_hand(labels=pd.DataFrame({"path": list("abcd")})),
    "intervals": known_to_intervals,
    "probabilities": with_probabilities,
    "not finite": not_finite,
    "one class": lambda: of_classes(["male"] * 40, ["male"] * 40),
    "folds": lambda: drawn(200, folds=(drawn(100), drawn(100, seed=1))),
}


@pytest.mark.parametrize("make", EVALUATIONS.values(), ids=EVALUATIONS)
def test_every_report_is_valid(make, tmp_path):
    measured: Evaluation = make()
    numbers.write(measured, tmp_path)
    report = json.loads((tmp_path / "report.json").read_text("utf-8"))
    jsonschema.Draft202012Validator(schema()).validate(report)


def test_the_schema_is_one_and_refuses_what_is_not_a_report():
    jsonschema.Draft202012Validator.check_schema(schema())
    report = numbers.report(by_hand())
    validator = jsonschema.Draft202012Validator(schema())
    for head in ("age", "gender"):
        wrong = json.loads(json.dumps(report))
        del wrong["heads"][head]["sentence"]
        assert not validator.is_valid(wrong)
        wrong = json.loads(json.dumps(report))
        wrong["heads"][head]["ci"]["bias"] = [1.0]
        assert not validator.is_valid(wrong)


def test_it_has_all_keys_of_a_report(tmp_path):
    """A key that the schema does not know is one that nobody described."""
    head = schema()["$defs"]["head"]["properties"]
    for measured in (random_evaluation(tmp_path), with_probabilities()):
        for answers in numbers.report(measured)["heads"].values():
            assert set(answers) <= set(head)
    gender = numbers.report(with_probabilities())["heads"]["gender"]
    assert {"log_loss", "brier", "calibration", "curves"} <= set(gender)


def test_intervals_stand_under_the_keys_of_their_scores():
    report = numbers.report(drawn(300))["heads"]
    assert set(report["age"]["ci"]) == {
        "mae", "rmse", "bias", "within_share", "bands", "coverage_80", "width_80",
    }  # fmt: skip
    low, high = report["age"]["ci"]["bands"]["0+"]["mae"]
    assert low <= report["age"]["bands"]["0+"]["mae"] <= high
    low, high = report["face"]["ci"]["per_label"]["Smiling"]["f1"]
    assert low <= report["face"]["per_label"]["Smiling"]["f1"] <= high
    report_ci = report["gender"]["ci"]["classification_report"]
    assert set(report_ci["male"]) == {"precision", "recall", "f1-score"}
