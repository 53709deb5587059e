"""Are heads calibrated on the validation part, stored so, and compared with before?"""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

import multitask
from multitask.contracts.catalog import from_config
from multitask.contracts.errors import UserError
from multitask.contracts.evaluation import Evaluation
from multitask.contracts.recipe_texts import parse_thresholds
from multitask.experiments.calibrate import (
    calibrate,
    joined_uncalibrated,
    uncalibrated,
)
from multitask.experiments.evaluate import report
from multitask.experiments.names import check_recipe
from multitask.experiments.run import Run, fit
from multitask.metrics.calibration import calibration
from multitask.metrics.thresholds import measured
from tests.runs import HEADS, SHOWN, leave_out_reports, quiet, tiny_recipe

pytestmark = pytest.mark.usefixtures("numbers_alone", "opened_once")
FACE: Any = from_config("face", {"kind": "sigmoid", "columns": ["Smiling", "Bald"]})
AGE: Any = from_config("age", {"kind": "regression", "low": 0, "high": 100})


@pytest.fixture(scope="module")
def calibrated_run(drawn_faces, tmp_path_factory) -> Run:
    """A run whose validation part has enough labels for all that is calibrated."""
    recipe = tiny_recipe(
        drawn_faces, heads=HEADS, thresholds="f1", split="12/76/12", epochs=3
    )
    with pytest.MonkeyPatch.context() as patch:
        leave_out_reports(patch, *SHOWN)
        return fit(recipe, tmp_path_factory.mktemp("runs") / "run", say=quiet)


def test_the_network_stores_what_calibration_found_and_predict_follows_it(
    calibrated_run,
):
    network = multitask.load(calibrated_run.folder)
    heads: dict[str, Any] = {head.name: head for head in network.heads}
    assert heads["gender"].temperature != 1
    assert heads["attributes"].temperature != 1
    assert len(heads["attributes"].thresholds) == len(heads["attributes"].columns)
    assert set(heads["attributes"].thresholds) != {0.5}
    evaluation = calibrated_run.evaluation
    assert evaluation.heads == network.heads
    rows = network.predict(evaluation.labels["path"].tolist(), probabilities=True)
    for name in evaluation.answers.select_dtypes("number"):
        np.testing.assert_allclose(
            rows[name].to_numpy(float),
            evaluation.answers[name].to_numpy(float),
            atol=2e-4,
            err_msg=str(name),
        )
    for name, least in zip(
        heads["attributes"].columns, heads["attributes"].thresholds, strict=True
    ):
        yes = rows[f"{name}_probability"] >= least
        assert (rows[name] == 1).tolist() == yes.tolist()


def test_both_reports_can_tell_what_was_before(calibrated_run, tmp_path):
    again = report(calibrated_run.folder, out=tmp_path / "report")
    for evaluation in (calibrated_run.evaluation, again):
        before = evaluation.uncalibrated
        assert before is not None
        assert before.index.equals(evaluation.answers.index)
        for head in evaluation.heads:
            found: Any = calibration(head, evaluation)
            if head.answer_type == "number":
                assert found.coverage_before is not None
                assert found.width != found.width_before
            else:
                assert found.ece_before is not None
                assert found.ece != found.ece_before
            name = head.columns[0]
            assert before[name].tolist() == evaluation.answers[name].tolist()
        face = next(h for h in evaluation.heads if h.answer_type == "labels")
        shown = measured(face, evaluation.labels, evaluation.answers)
        assert [one.value for one in shown] == list(face.thresholds)
    recipe = multitask.load(calibrated_run.folder).spec.recipe
    assert recipe["thresholds"] == "f1"


def test_the_report_has_the_probability_of_every_class(calibrated_run):
    answers = pd.read_csv(calibrated_run.folder / "report" / "answers.csv")
    shares = answers[["gender_male", "gender_female"]]
    assert shares.sum(axis=1).to_numpy() == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(shares.max(axis=1), answers["gender_confidence"])
    assert answers["Smiling_probability"].between(0, 1).all()
    document = json.loads(
        (calibrated_run.folder / "report" / "report.json").read_text()
    )
    for name in ("gender", "attributes"):
        assert {"log_loss", "brier"} <= set(document["heads"][name])
    assert {"coverage_80", "width_80"} <= set(document["heads"]["age"])


def test_a_head_that_calibration_left_has_no_before():
    outputs: Any = {"face": np.full((3, 2), 0.4, np.float32)}
    assert uncalibrated([FACE], outputs, np.arange(3)) is None
    warm: Any = from_config(
        "face", {"kind": "sigmoid", "columns": ["Smiling", "Bald"], "temperature": 2}
    )
    outputs["age"] = np.full((3, 1), 30.0)
    table = uncalibrated([warm, AGE], outputs, np.array([7, 3, 5]))
    assert table is not None
    assert table.index.tolist() == [7, 3, 5]
    assert set(table) == {"Smiling", "Smiling_confidence", "Bald", "Bald_confidence"}
    assert table["Smiling_confidence"].tolist() == pytest.approx([0.6] * 3)


def test_thresholds_follow_calibrated_probabilities_and_leave_other_heads():
    rng = np.random.default_rng(1)
    logits = rng.normal(-1.5, 1.5, (600, 2))
    true = (rng.random((600, 2)) < 1 / (1 + np.exp(-logits))).astype(float)
    table = pd.DataFrame(true, columns=["Smiling", "Bald"]).assign(age=30.0)
    sure = (1 / (1 + np.exp(-3 * logits))).astype(np.float32)
    outputs: Any = {"face": sure, "age": rng.uniform(0, 100, (600, 1))}
    rule = parse_thresholds("f1")
    heads, notes = calibrate([FACE, AGE], table, outputs, rule)
    face, age = heads
    assert notes == ()
    assert age == AGE.calibrate(table, outputs["age"])
    assert face.temperature == pytest.approx(3, rel=0.2)
    # The logits are right, so the best F1 is from a probability of half of it on
    # (Lipton et al. 2014, "Optimal Thresholding of Classifiers to Maximize F1").
    shown = measured(
        face, table, pd.concat([face.read(sure), face.probabilities(sure)], axis=1)
    )
    for one in shown:
        assert one.value == pytest.approx(one.f1 / 2, abs=0.08)
        assert one.f1 > one.at_half["f1"]
    without, _ = calibrate([FACE, AGE], table, outputs, None)
    assert without[0].thresholds == ()


def test_folds_are_joined_with_their_answers_where_nothing_changed():
    def fold(rows, uncalibrated):
        answers = pd.DataFrame({"a_confidence": 0.9, "b_confidence": 0.8}, index=rows)
        return Evaluation(
            title="", split="test", labels=answers, answers=answers, heads=(),
            uncalibrated=uncalibrated,
        )  # fmt: skip

    before = pd.DataFrame({"a_confidence": [0.7, 0.6]}, index=[2, 1])
    folds = [fold([0, 3], None), fold([1, 2], before)]
    joined = joined_uncalibrated(folds)
    assert joined is not None
    assert joined.index.tolist() == [0, 3, 1, 2]
    assert joined.to_dict("list") == {"a_confidence": [0.9, 0.9, 0.6, 0.7]}
    assert joined_uncalibrated(folds[:1]) is None


@pytest.mark.parametrize("heads", [("gender",), ("gender:sigmoid", "age")])
def test_thresholds_without_a_yes_or_no_head_are_an_error(drawn_faces, heads, tmp_path):
    recipe = tiny_recipe(drawn_faces, heads=heads, thresholds="f1")
    with pytest.raises(UserError, match="^--thresholds: is given, but no head has yes"):
        fit(recipe, tmp_path / "run", say=quiet)
    with pytest.raises(UserError, match="^--thresholds: is given, but no head has yes"):
        check_recipe(recipe)
    assert not (tmp_path / "run").exists()
