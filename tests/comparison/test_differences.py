"""Does a comparison call better what is better, for each kind of score?

Each network's scores are written by hand. There are ten people with two pictures each,
whose scores are alike, so an interval comes from ten people drawn with replacement. Six
of them change, so how many of the ten drawn do is binomial, B(10, 0.6):
P(up to 2) = 0.012 and P(up to 3) = 0.055, so its 2.5% point is 3;
P(up to 8) = 0.954 and P(up to 9) = 0.994, so its 97.5% point is 9.
The scores of gender are rights and wrongs, the higher the better; those of age are
errors in years, the lower the better.
"""

from dataclasses import replace

import numpy as np
import pytest

from multitask.comparison.differences import errors_saved, means, to_single
from multitask.comparison.results import SCORES
from multitask.contracts import catalog
from multitask.contracts.results.design_comparison import Cell, HeadScores

PEOPLE = np.repeat(np.arange(10), 2)  # of each test picture


def _cell(out, design, scores, seed=0):
    """A cell with a network per head, whose scores (test rows, labels) are stored."""
    networks = []
    for head, values in scores.items():
        networks.append(f"{design}-{seed}-{head}")
        (out / networks[-1]).mkdir()
        np.savez(out / networks[-1] / SCORES, **{head: np.array(values, float)})  # type: ignore[arg-type]
    return Cell(
        design=design,
        trunk="tiny",
        seed=seed,
        precision="float32",
        networks=tuple(networks),
        heads=dict.fromkeys(scores, HeadScores()),
    )


def _difference(folder, head, alone, shared):
    """The difference of two designs, whose scores of a head are listed by person."""
    cells = [
        _cell(folder, design, {head: np.array(people)[PEOPLE][:, None]})
        for design, people in (("single", alone), ("multi", shared))
    ]
    [result] = to_single(folder, cells, catalog.heads([head]), {"tiny": PEOPLE})
    assert (result.design, result.head) == ("multi", head)
    return result


def _means(folder, cells, heads, groups):
    """The means, beside a constant answer that nothing is known of."""
    unknown = np.full((len(groups["tiny"]), 1), np.nan)
    constants = {head.name: unknown for head in heads}
    return means(folder, cells, heads, groups, constants)


@pytest.mark.parametrize(
    ("head", "alone", "shared", "difference", "ci", "saved", "verdict"),
    [
        pytest.param(
            "gender",
            # 2 of 10 are right alone, 8 together: 6 of 8 errors are saved.
            [0] * 6 + [0, 0, 1, 1],
            [1] * 6 + [0, 0, 1, 1],
            0.6,
            [0.3, 0.9],  # of ten, 3 to 9 are gained
            6 / 8,
            "better",
            id="more right answers are better",
        ),
        pytest.param(
            "gender",
            # The other way round: 6 errors are added to 2.
            [1] * 6 + [0, 0, 1, 1],
            [0] * 6 + [0, 0, 1, 1],
            -0.6,
            [-0.9, -0.3],
            -6 / 2,
            "worse",
            id="fewer right answers are worse",
        ),
        pytest.param(
            "gender",
            # Six are gained and four lost, of 4 right alone: 2 of 6 errors are saved.
            # With n gained of ten drawn the difference is (2 n - 10) / 10, n from 3
            # to 9.
            [0] * 6 + [1] * 4,
            [1] * 6 + [0] * 4,
            0.2,
            [-0.4, 0.8],
            2 / 6,
            "no difference shown",
            id="a gain of right answers may be chance",
        ),
        pytest.param(
            "gender",
            [1] * 6 + [0] * 4,
            [0] * 6 + [1] * 4,
            -0.2,
            [-0.8, 0.4],
            -2 / 4,
            "no difference shown",
            id="a loss of right answers may be chance",
        ),
        pytest.param(
            "age",
            # Six err by 2 years less: 12 of 50 years are saved.
            [5] * 10,
            [3] * 6 + [5] * 4,
            -1.2,
            [-1.8, -0.6],  # 2 years times 9 and 3 of ten
            12 / 50,
            "better",
            id="smaller errors are better",
        ),
        pytest.param(
            "age",
            [5] * 10,
            [7] * 6 + [5] * 4,
            1.2,
            [0.6, 1.8],
            -12 / 50,
            "worse",
            id="larger errors are worse",
        ),
        pytest.param(
            "age",
            # Six err by a year more and four by one less: 2 of 50 years are added.
            [5] * 10,
            [6] * 6 + [4] * 4,
            0.2,
            [-0.4, 0.8],
            -2 / 50,
            "no difference shown",
            id="larger errors may be chance",
        ),
        pytest.param(
            "age",
            [5] * 10,
            [4] * 6 + [6] * 4,
            -0.2,
            [-0.8, 0.4],
            2 / 50,
            "no difference shown",
            id="smaller errors may be chance",
        ),
    ],
)
def test_a_verdict_says_what_the_interval_shows(
    tmp_path, head, alone, shared, difference, ci, saved, verdict
):
    result = _difference(tmp_path, head, alone, shared)
    assert result.verdict == verdict
    assert result.difference == pytest.approx(difference)
    assert result.ci == pytest.approx(ci)
    assert result.saved == pytest.approx(saved)


@pytest.mark.parametrize(
    ("head", "alone", "shared", "end"),
    [
        ("gender", [0] * 10, [1, 1] + [0] * 8, 0),
        ("gender", [1] * 10, [0, 0] + [1] * 8, 1),
        ("age", [5] * 10, [6, 6] + [5] * 8, 0),
        ("age", [5] * 10, [4, 4] + [5] * 8, 1),
    ],
)
def test_an_interval_that_ends_at_zero_shows_no_difference(
    tmp_path, head, alone, shared, end
):
    # Two of ten people change; a draw has neither in 0.8 ** 10 = 11% of cases, which is
    # more than 2.5%.
    result = _difference(tmp_path, head, alone, shared)
    assert result.ci[end] == 0
    assert result.ci[0] < result.ci[1]
    assert result.verdict == "no difference shown"


@pytest.mark.parametrize(("head", "score"), [("gender", 1), ("age", 5)])
def test_equal_scores_show_no_difference(tmp_path, head, score):
    result = _difference(tmp_path, head, [score] * 10, [score] * 10)
    assert result.verdict == "no difference shown"
    assert (result.difference, result.ci, result.saved) == (0, (0, 0), 0)


def test_differences_over_seeds_are_wider_where_seeds_differ(tmp_path):
    [gender] = catalog.heads(["gender"])
    right = (np.random.default_rng(0).random((400, 1)) < 0.8).astype(float)
    cells = []
    for seed, lost in enumerate((0, 60)):
        fewer = right.copy()
        fewer[:lost] = 0
        cells.append(_cell(tmp_path, "single", {"gender": right}, seed))
        cells.append(_cell(tmp_path, "multi", {"gender": fewer}, seed))
    groups = {"tiny": np.arange(400)}
    [both] = to_single(tmp_path, cells, [gender], groups)
    assert both.difference < 0
    assert both.verdict == "no difference shown"  # one of two seeds shows none
    assert -1 <= both.ci[0] < both.ci[1] <= 1
    for mean in _means(tmp_path, cells, [gender], groups):
        assert 0 <= mean.ci[0] < mean.test < mean.ci[1] <= 1
    [second] = to_single(tmp_path, [c for c in cells if c.seed], [gender], groups)
    assert second.verdict == "worse"


def test_the_mean_of_a_design_is_that_of_its_seeds(tmp_path):
    cells = [
        _cell(tmp_path, "multi", {"age": np.full((4, 1), years)}, seed)
        for seed, years in enumerate((2.0, 4.0))
    ]
    [mean] = _means(tmp_path, cells, catalog.heads(["age"]), {"tiny": np.arange(4)})
    assert mean.test == 3.0
    assert mean.ci[1] > 4  # years have no upper end, as shares of right answers have


@pytest.mark.parametrize(
    ("head", "ours", "constant", "is_useful"),
    [
        # Of ten people, 3 to 9 of those drawn are gained.
        ("gender", [1] * 6 + [0, 0, 1, 1], [0] * 6 + [0, 0, 1, 1], True),
        ("gender", [1] * 6 + [0] * 4, [0] * 6 + [1] * 4, False),  # it may be chance
        ("gender", [0] * 10, [1] * 6 + [0] * 4, False),
        ("gender", [1] * 10, [1] * 10, None),  # all labels are alike
        ("age", [1.0] * 10, [2.0] * 8 + [3.0] * 2, True),
        ("age", [3.0] * 10, [2.0] * 8 + [3.0] * 2, False),
        ("age", [0.5] * 10, [0.0] * 10, None),
    ],
)
@pytest.mark.parametrize("seeds", [1, 2])
def test_a_design_is_useful_if_it_is_shown_to_beat_a_constant(
    tmp_path, head, ours, constant, is_useful, seeds
):
    scores, fixed = (
        np.array(each, float)[PEOPLE][:, None] for each in (ours, constant)
    )
    cells = [_cell(tmp_path, "multi", {head: scores}, seed) for seed in range(seeds)]
    groups = {"tiny": PEOPLE}
    [mean] = means(tmp_path, cells, catalog.heads([head]), groups, {head: fixed})
    assert mean.is_useful is is_useful


def test_a_merged_head_is_not_compared_with_a_constant(tmp_path):
    right = np.ones((20, 1))
    cells = [_cell(tmp_path, "merged", {"gender": right, "gender+makeup": right})]
    constants = {"gender": np.zeros((20, 1))}
    heads = catalog.heads(["gender"])
    useful = {
        mean.head: mean.is_useful
        for mean in means(tmp_path, cells, heads, {"tiny": PEOPLE}, constants)
    }
    assert useful == {"gender": True, "gender+makeup": None}


def test_a_head_that_no_test_picture_is_labelled_for_has_no_mean(tmp_path):
    scores = {"gender": np.ones((4, 1)), "gender+makeup": np.full((4, 1), np.nan)}
    cells = [_cell(tmp_path, "merged", scores)]
    heads = catalog.heads(["gender"])
    results = _means(tmp_path, cells, heads, {"tiny": np.arange(4)})
    assert [mean.head for mean in results] == ["gender"]


def test_a_head_that_nothing_was_merged_with_has_no_difference(tmp_path):
    right = np.eye(4)[:, :1]
    single = _cell(tmp_path, "single", {"gender": right, "makeup": right})
    merged = _cell(tmp_path, "merged", {"gender": right})
    alone = single.networks[1]  # of makeup, trained for both designs
    merged = replace(
        merged, networks=(*merged.networks, alone), heads=dict(single.heads)
    )
    heads = catalog.heads(["gender", "makeup"])
    differences = to_single(tmp_path, [single, merged], heads, {"tiny": np.arange(4)})
    assert [one.head for one in differences] == ["gender"]


@pytest.mark.parametrize(
    ("head", "difference", "alone", "saved"),
    [
        ("age", -1.0, 5.0, 0.2),  # years: less is better
        ("gender", 0.02, 0.9, 0.2),  # of 10% errors 2 are saved
        ("gender", -0.02, 0.9, -0.2),
        ("gender", 0.0, 1.0, 0.0),
    ],
)
def test_errors_saved_are_a_share_of_the_errors(head, difference, alone, saved):
    [head] = catalog.heads([head])
    assert errors_saved(head, difference, alone) == pytest.approx(saved)


@pytest.mark.parametrize("silent", ["single", "multi"])
def test_a_design_without_numbers_is_not_compared(tmp_path, silent):
    """Of seed 1 it has no score, so a mean over seeds would be one over seed 0."""
    cells = []
    for design in ("single", "multi"):
        for seed in (0, 1):
            value = np.nan if (design, seed) == (silent, 1) else 1.0
            scores = {"gender": np.full((20, 1), value)}
            cells.append(_cell(tmp_path, design, scores, seed))
    heads, groups = catalog.heads(["gender"]), {"tiny": PEOPLE}
    assert not to_single(tmp_path, cells, heads, groups)
    (mean,) = _means(tmp_path, cells, heads, groups)
    assert {mean.design, silent} == {"single", "multi"}


def test_pictures_that_one_design_has_no_number_for_are_left_out_of_both(tmp_path):
    """Of the other ten, both answer all wrong: a difference of 0, and not of -0.5."""
    single = np.repeat([1.0, 0.0], 10)[:, None]
    multi = np.where(np.arange(20)[:, None] < 10, np.nan, 0.0)
    cells = [
        _cell(tmp_path, design, {"gender": scores})
        for design, scores in (("single", single), ("multi", multi))
    ]
    (one,) = to_single(tmp_path, cells, catalog.heads(["gender"]), {"tiny": PEOPLE})
    assert one.difference == 0
    assert one.ci == (0.0, 0.0)
