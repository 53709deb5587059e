"""Does a comparison call better what is better, for each kind of score?

Each network's scores are written by hand. There are ten people with two pictures each,
whose scores are alike, so an interval comes from ten people drawn with replacement. Six
of them change, so how many of the ten drawn do is binomial, B(10, 0.6):
P(up to 2) = 0.012 and P(up to 3) = 0.055, so its 2.5% point is 3;
P(up to 8) = 0.954 and P(up to 9) = 0.994, so its 97.5% point is 9.
The scores of gender are rights and wrongs, the higher the better; those of age are
errors in years, the lower the better.
"""

import numpy as np
import pytest

from multitask.comparison.differences import to_single
from multitask.comparison.runner import SCORES
from multitask.contracts import catalog

PEOPLE = np.repeat(np.arange(10), 2)  # of each test picture


def _difference(folder, head, alone, shared):
    """What a comparison tells of a head, whose scores are given by person."""
    cells = []
    for design, people in (("single", alone), ("multi", shared)):
        (folder / design).mkdir()
        right = np.array(people, float)[PEOPLE][:, None]
        np.savez(folder / design / SCORES, **{head: right})  # type: ignore[arg-type]
        cells.append(
            {
                "design": design,
                "trunk": "tiny",
                "seed": 0,
                "networks": [design],
                "heads": {head: {}},
            }
        )
    [result] = to_single(folder, cells, catalog.heads([head]), {"tiny": PEOPLE})
    assert (result["design"], result["head"]) == ("multi", head)
    return result


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
def test_a_verdict_tells_what_the_interval_shows(
    tmp_path, head, alone, shared, difference, ci, saved, verdict
):
    result = _difference(tmp_path, head, alone, shared)
    assert result["verdict"] == verdict
    assert result["difference"] == pytest.approx(difference)
    assert result["ci"] == pytest.approx(ci)
    assert result["saved"] == pytest.approx(saved)


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
    assert result["ci"][end] == 0
    assert result["ci"][0] < result["ci"][1]
    assert result["verdict"] == "no difference shown"


@pytest.mark.parametrize(("head", "score"), [("gender", 1), ("age", 5)])
def test_equal_scores_show_no_difference(tmp_path, head, score):
    result = _difference(tmp_path, head, [score] * 10, [score] * 10)
    assert result["verdict"] == "no difference shown"
    assert (result["difference"], result["ci"], result["saved"]) == (0, [0, 0], 0)
