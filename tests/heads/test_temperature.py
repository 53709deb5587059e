"""Does a temperature fit confidences to how often answers are right, and alter none?"""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, log_softmax, softmax
from sklearn.metrics import log_loss

from multitask.contracts.errors import UserError
from multitask.metrics.calibration import reliability
from tests.head_losses import make_head

NAN = np.nan
CLASSES = ("a", "b", "c")


def moods(rows: int, temperature: float, seed: int = 0) -> Any:
    """A table, and outputs whose logits are `temperature` times those of the truth."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1.5, (rows, 3))
    shares = softmax(logits, axis=1)
    drawn = [rng.choice(3, p=row) for row in shares]
    table = pd.DataFrame({"trait": np.array(CLASSES, object)[drawn]})
    return table, softmax(logits * temperature, axis=1).astype(np.float32)


def labels(rows: int, temperature: float, seed: int = 0) -> Any:
    """The same for three yes/no labels, a third of which nobody annotated."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(-1, 2, (rows, 3))
    yes = (rng.random((rows, 3)) < expit(logits)).astype(float)
    yes[rng.random((rows, 3)) < 1 / 3] = NAN
    table = pd.DataFrame(yes, columns=list("ABC"))
    return table, expit(logits * temperature).astype(np.float32)


SOFTMAX = make_head("softmax", classes=CLASSES)
SIGMOID = make_head("sigmoid", columns=list("ABC"))
both = pytest.mark.parametrize(
    ("head", "data"), [(SOFTMAX, moods), (SIGMOID, labels)], ids=["softmax", "sigmoid"]
)


@both
@pytest.mark.parametrize("temperature", [0.6, 2.0])
def test_the_temperature_by_which_logits_are_too_large_is_found(
    head, data, temperature
):
    table, outputs = data(4000, temperature)
    found = head.calibrate(table, outputs).temperature
    assert found == pytest.approx(temperature, rel=0.08)


@both
def test_it_lowers_the_calibration_error_of_other_pictures_and_changes_no_answer(
    head, data
):
    calibrated = head.calibrate(*data(1000, 2.5))
    table, outputs = data(4000, 2.5, seed=1)
    before, after = head.read(outputs), calibrated.read(outputs)
    for name in head.columns:
        assert before[name].tolist() == after[name].tolist()
    found: Any = reliability(calibrated, table, after, before)
    assert found.ece < 0.025 < 0.08 < found.ece_before
    pd.testing.assert_frame_equal(calibrated.uncalibrated().read(outputs), before)


@both
def test_probabilities_that_are_right_as_they_are_stay_as_they_are(head, data):
    found = [head.calibrate(*data(500, 1.0, seed)).temperature for seed in range(20)]
    assert found.count(1.0) >= 8  # where it did not help in the other half
    assert found == pytest.approx([1.0] * 20, abs=0.25)


@both
def test_few_labels_fit_no_temperature(head, data):
    table, outputs = data(99, 3.0)
    assert head.calibrate(table, outputs) == head
    table, outputs = data(140, 3.0)
    assert head.calibrate(table, outputs).temperature > 1.5
    table.loc[table.index[90:]] = NAN
    assert head.calibrate(table, outputs) == head


def test_the_temperature_minimizes_the_log_loss():
    table, outputs = moods(2000, 1.7)
    head = SOFTMAX.calibrate(table, outputs)
    logs = np.log(outputs.astype(float))

    def loss(temperature: float) -> float:
        shares = np.exp(log_softmax(logs / temperature, axis=1))
        return float(log_loss(table["trait"], shares, labels=list(CLASSES)))

    best = loss(head.temperature)
    assert best <= min(loss(head.temperature * factor) for factor in (0.97, 1.03))
    answers = pd.concat([head.read(outputs), head.probabilities(outputs)], axis=1)
    assert head.summary(table, answers)["log_loss"] == pytest.approx(best, abs=1e-5)


def test_answers_without_an_error_do_not_become_certain():
    rng = np.random.default_rng(5)
    true = rng.integers(0, 3, 400)
    outputs = softmax(np.eye(3)[true] * 2 + rng.normal(0, 0.1, (400, 3)), axis=1)
    table = pd.DataFrame({"trait": np.array(CLASSES, object)[true]})
    head = SOFTMAX.calibrate(table, outputs)
    confidences = head.read(outputs)["trait_confidence"]
    # As if one of the 401 answers had been wrong in two of three cases.
    assert confidences.mean() == pytest.approx(1 - 2 / 3 / 401, abs=1e-3)


def test_votes_fit_the_temperature_of_their_shares():
    _, outputs = moods(1500, 1.0)
    rng = np.random.default_rng(8)
    counts = np.stack([rng.multinomial(10, row / row.sum()) for row in outputs + 0.0])
    table = pd.DataFrame(counts, columns=[f"trait_{name}" for name in CLASSES])
    head = make_head("softmax", classes=CLASSES, votes=True)
    sharp = softmax(2 * np.log(outputs), axis=1)
    assert head.calibrate(table, sharp).temperature == pytest.approx(2, rel=0.08)


def test_the_temperature_comes_after_the_priors():
    table, outputs = moods(2000, 2.0)
    table.loc[table["trait"] == "c", "trait"] = "a"
    head = make_head("softmax", classes=CLASSES, prior_power=0.5)
    found = head.calibrate(table, outputs)
    assert found.priors
    assert found.temperature > 1
    answers = found.read(outputs)
    shares = found.probabilities(outputs).to_numpy()
    adjusted = outputs / np.array(found.priors) ** 0.5
    assert answers["trait"].tolist() == [CLASSES[i] for i in adjusted.argmax(axis=1)]
    expected = softmax(np.log(adjusted) / found.temperature, axis=1)
    np.testing.assert_allclose(shares, expected, rtol=1e-5)
    np.testing.assert_array_equal(shares.max(axis=1), answers["trait_confidence"])


def test_thresholds_are_those_of_calibrated_probabilities():
    _, outputs = labels(200, 1.0)
    head = make_head("sigmoid", columns=list("ABC"), temperature=2.0)
    head = head.with_thresholds({"A": 0.2, "B": 0.5, "C": 0.9})
    shares = head.probabilities(outputs)
    answers, before = head.read(outputs), head.uncalibrated().read(outputs)
    for name, least in zip("ABC", head.thresholds, strict=True):
        yes = shares[f"{name}_probability"] >= least
        assert (answers[name] == 1).tolist() == yes.tolist()
        assert before[name].tolist() == answers[name].tolist()
    # Certain outputs stay finite.
    certain = np.array([[0.0, 1.0, 0.5]], np.float32)
    assert head.probabilities(certain).to_numpy()[0, :2] == pytest.approx(
        [0, 1], abs=1e-3
    )


@both
@pytest.mark.parametrize("temperature", [0, -1, float("nan"), float("inf")])
def test_a_temperature_that_is_none_is_refused(head, data, temperature):
    with pytest.raises(UserError, match="^head trait: temperature is"):
        make_head(
            "softmax" if head is SOFTMAX else "sigmoid",
            classes=("a", "b"),
            temperature=temperature,
        )
