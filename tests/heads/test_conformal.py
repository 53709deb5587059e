"""Do intervals of 80% hold 80% of new labels, whatever the network thinks of them?"""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from multitask.contracts.catalog import from_config, to_config
from multitask.contracts.errors import UserError
from tests.head_losses import make_head

NAN = np.nan
P = np.array([[0.1, 0.2, 0.4, 0.2, 0.1]], np.float32)  # of the values 0 to 4


def ages(rows: int, seed: int, spread: float = 2.0) -> Any:
    """Ages, and outputs that are `spread` times as wide as they should be."""
    rng = np.random.default_rng(seed)
    truth = rng.uniform(0, 100, rows)
    error = rng.gamma(4, 1.5, rows)
    centre = truth + rng.normal(0, error)
    values = np.arange(0.0, 117.0)
    width = (spread * error)[:, None]
    outputs = np.exp(-(((values - centre[:, None]) / width) ** 2) / 2) + 1e-30
    outputs /= outputs.sum(axis=1, keepdims=True)
    return pd.DataFrame({"trait": truth.round()}), outputs.astype(np.float32)


def numbers(rows: int, seed: int, spread: float = 0.0) -> Any:
    """Ages, and answers to them that err by more the older someone is."""
    rng = np.random.default_rng(seed)
    truth = rng.uniform(0, 100, rows)
    answers = truth + rng.gamma(2, 3, rows) * truth / 50 - 4
    return pd.DataFrame({"trait": truth}), answers.clip(0, 116)[:, None]


AGE = make_head("distribution", low=0, high=116)
NUMBER = make_head("regression", low=0, high=116)


def coverage(head: Any, table: pd.DataFrame, outputs: np.ndarray) -> float:
    return float(head.summary(table, head.read(outputs))["coverage_80"])


# By hand


def test_the_ends_are_a_tenth_of_the_labels_and_one_from_the_extremes():
    truth = np.random.default_rng(1).permutation(np.arange(29.0))
    outputs = np.full((29, 1), 10.0)
    head = NUMBER.calibrate(pd.DataFrame({"trait": truth}), outputs)
    # A tenth of 30 is 3: the third lowest of -10 to 18 is -8, the third highest 16.
    assert head.residuals == (-8, 16)
    # A new label is below, inside or above in 3, 24 and 3 of 30 cases: 80%.


def test_the_ends_are_the_quantiles_that_numpy_has_for_new_values():
    """Those of p (n + 1), which `numpy.quantile` calls Weibull's."""
    truth = np.random.default_rng(2).normal(50, 10, 199)
    outputs = np.full((199, 1), 40.0)
    head = NUMBER.calibrate(pd.DataFrame({"trait": truth}), outputs)
    expected = np.quantile(truth - 40, [0.1, 0.9], method="weibull")
    np.testing.assert_allclose(head.residuals, expected)


def test_levels_are_the_sums_of_probabilities_up_to_the_labels():
    head = make_head("distribution", low=0, high=4)
    # The probability of 2 lies from 1.5 to 2.5. So up to 0 the sum is .05, up to 1
    # it is .2, up to 2 .5, up to 3 .8 and up to 4 .95.
    truth = [0.0, 1, 1, 2, 2, 2, 3, 3, 4]
    outputs = P.repeat(9, axis=0)
    found = head.calibrate(pd.DataFrame({"trait": truth}), outputs)
    assert found.levels == pytest.approx((0.05, 0.95))
    answers = found.read(P)
    assert answers["trait_low"][0] == pytest.approx(0)
    assert answers["trait_high"][0] == pytest.approx(4)
    narrow = make_head("distribution", low=0, high=4, levels=[0.2, 0.6])
    answers = narrow.read(P)
    assert answers["trait_low"][0] == pytest.approx(1)
    assert answers["trait_high"][0] == pytest.approx(2.25)  # .3 of .4 after 1.5
    assert narrow.uncalibrated() == head


def test_an_interval_stays_in_the_range():
    head = make_head("distribution", low=0, high=4, levels=[0.0, 1.0])
    sure = np.array([[1, 0, 0, 0, 0], [0, 0, 0, 0, 1]], np.float32)
    # Labels that the network thinks impossible were among a tenth: all may come.
    assert head.read(sure)["trait_low"].tolist() == [0, 0]
    assert head.read(sure)["trait_high"].tolist() == [4, 4]
    head = make_head("distribution", low=0, high=4, levels=[0.25, 0.75])
    assert head.read(sure)["trait_low"].tolist() == [0, 3.75]
    assert head.read(sure)["trait_high"].tolist() == [0.25, 4]
    wide = make_head("regression", low=0, high=10, residuals=[-4, 4])
    answers = wide.read(np.array([[1.0], [9.0]]))
    assert answers["trait_low"].tolist() == [0, 5]
    assert answers["trait_high"].tolist() == [5, 10]


@pytest.mark.parametrize("head", [AGE, NUMBER], ids=["distribution", "regression"])
def test_fewer_than_9_labels_can_not_tell(head):
    table, outputs = (ages if head is AGE else numbers)(8, 1)
    before, after = head.read(outputs), head.calibrate(table, outputs).read(outputs)
    for name in ("trait_low", "trait_high"):
        pd.testing.assert_series_equal(after[name], before[name])
    table, outputs = (ages if head is AGE else numbers)(9, 1)
    found = head.calibrate(table, outputs)
    assert found != head
    assert coverage(found, table, outputs) == 1.0  # from the lowest to the highest
    assert from_config("trait", to_config(found)) == found


@pytest.mark.parametrize("levels", [(0.9, 0.1), (-0.1, 0.9), (0.1, float("nan"))])
def test_levels_that_are_none_are_refused(levels):
    with pytest.raises(UserError, match="levels are .*, must ascend from 0 to 1"):
        make_head("distribution", levels=levels)


# Labels known as intervals


@pytest.mark.parametrize("head", [AGE, NUMBER], ids=["distribution", "regression"])
def test_labels_known_as_intervals_calibrate_nearly_as_exact_ones(head):
    data = ages if head is AGE else numbers
    table, outputs = data(1500, 1)
    start = (table["trait"] // 5) * 5
    end = start + 4 if head is AGE else start + 5  # whole years, or all between
    known = pd.DataFrame({"trait_low": start, "trait_high": end})
    found = head.calibrate(known, outputs)
    assert found != head
    assert coverage(found, *data(4000, 2)) == pytest.approx(0.8, abs=0.04)
    summary = found.summary(known, found.read(outputs))
    assert "coverage_80" not in summary
    assert summary["width_80"] > 0
    # Where a label is exact, it alone counts.
    mixed = known.assign(trait=NAN)
    mixed.loc[:8, "trait"] = table["trait"]
    alone = head.calibrate(table[:9], outputs[:9])
    again = head.calibrate(mixed, outputs)
    assert again == alone


# On average over many networks


@pytest.mark.slow
@pytest.mark.parametrize("spread", [0.5, 1.0, 2.0])
def test_80_percent_intervals_of_ages_hold_78_to_82_percent(spread):
    shares, before = [], []
    for seed in range(60):
        head = AGE.calibrate(*ages(500, seed, spread))
        table, outputs = ages(1000, 1000 + seed, spread)
        shares.append(coverage(head, table, outputs))
        before.append(coverage(head.uncalibrated(), table, outputs))
    assert 0.78 <= np.mean(shares) <= 0.82
    assert np.std(shares) < 0.03  # of one network, by its 500 labels
    if spread != 1:  # what calibration is for
        assert abs(np.mean(before) - 0.8) > 0.1


@pytest.mark.slow
@pytest.mark.parametrize("rows", [20, 100, 500])
def test_80_percent_intervals_of_numbers_hold_78_to_82_percent(rows):
    shares = [
        coverage(NUMBER.calibrate(*numbers(rows, seed)), *numbers(500, 10_000 + seed))
        for seed in range(200)
    ]
    # With 20 labels, a tenth of 21 is 2, and each side leaves out 2/21: 81%.
    assert 0.78 <= np.mean(shares) <= 0.83
    assert np.mean(shares) == pytest.approx(
        1 - 2 * ((rows + 1) // 10) / (rows + 1), abs=0.012
    )


@pytest.mark.parametrize("kind", ["distribution", "regression"])
@pytest.mark.parametrize("labelled", ["exact", "interval"])
def test_answers_that_are_no_numbers_are_left_out(kind, labelled):
    table, outputs = ages(60, 3) if kind == "distribution" else numbers(60, 3)
    if labelled == "interval":
        low = table["trait"] // 10 * 10
        table = pd.DataFrame({"trait": NAN, "trait_low": low, "trait_high": low + 9})
    broken = outputs.copy()
    broken[[4, 9]] = NAN
    head = AGE if kind == "distribution" else NUMBER
    without = np.delete(np.arange(60), [4, 9])
    expected = head.calibrate(table.iloc[without], outputs[without])
    assert head.calibrate(table, broken) == expected
    # What is no number has no interval either.
    read = expected.read(broken)
    assert read.loc[[4, 9]].isna().all(axis=None)
    assert read.drop(index=[4, 9]).notna().all(axis=None)
