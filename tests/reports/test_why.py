"""Does the figure show the heat on the picture, and what was answered?"""

import numpy as np
from multitask.reports import why
from PIL import Image

from multitask.contracts.results.explained import Explanation
from tests.evaluations import AGE, FACE, GENDER, by_hand


def explained(row, column, is_right, heat):
    pixels = np.full((20, 20, 3), 128, np.uint8)
    return Explanation(
        row=row, column=column, is_right=is_right, pixels=pixels, heat=heat
    )


CORNER = np.zeros((4, 4), np.float32)
CORNER[0, 0] = 1


def test_the_picture_is_warm_where_the_heat_is_and_as_it_was_elsewhere():
    shown = why.overlay(explained(0, "gender", True, CORNER)).astype(int)
    assert shown[5, 5, 0] - shown[5, 5, 2] > 50
    assert (shown[-20:, -20:] == 128).all()


def test_each_head_has_a_figure_that_fits_a_phone(tmp_path):
    evaluation = by_hand(
        explanations={
            "gender": (
                explained(0, "gender", True, CORNER),
                explained(1, "gender", False, 0 * CORNER),
            ),
            "age": (explained(1, "age", False, CORNER),),
            "face": (explained(3, "Bald", True, CORNER),),
        }
    )
    why.write(evaluation, tmp_path)
    for head in (AGE, GENDER, FACE):
        with Image.open(tmp_path / why.file(head)) as image:
            assert image.width <= 440
    texts = {
        head.name: [
            [line.text for line in why.lines(evaluation, head, one)]
            for one in evaluation.explanations[head.name]
        ]
        for head in (AGE, GENDER, FACE)
    }
    assert texts == {
        "gender": [
            ["male 90%"],
            ["male 80%, is female", "nothing raises it: no heat"],
        ],
        "age": [["20, is 30"]],
        "face": [["Bald 80%"]],
    }
    # A report without any removes what an earlier one left.
    why.write(by_hand(), tmp_path)
    assert not list(tmp_path.glob("why_*"))


def test_the_text_says_what_a_map_can_not_show():
    assert "proves nothing" in why.TEXT
