"""Do grids show the right pictures, with the right answers below?"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from multitask.reports import _grid, _tiles
from PIL import Image

from tests.evaluations import AGE, FACE, GENDER, by_hand, random_evaluation


def test_captions_name_answer_and_label_and_whether_they_agree():
    evaluation = by_hand()
    assert _grid.caption(evaluation, 1) == [
        ("age: 20, is 30", False),
        ("gender: male 80%, is female", False),
        ("face: 2 yes, 2 wrong", False),
        ("Bald, Smiling", False),  # the surer one first
    ]
    assert _grid.caption(evaluation, 3) == [
        ("age: 5", None),
        ("gender: female 70%", True),
        ("face: 2 yes", True),
        ("Bald, Smiling", True),
    ]


def test_captions_of_intervals_agree_inside_them():
    evaluation = by_hand(heads=(AGE,))
    evaluation.labels["age"] = np.nan
    evaluation.labels["age_low"], evaluation.labels["age_high"] = 10.0, 19.0
    assert _grid.caption(evaluation, 0) == [("age: 12, is 10 to 19", True)]
    assert _grid.caption(evaluation, 1) == [("age: 20, is 10 to 19", False)]


def test_captions_stop_at_six_lines():
    heads = tuple(replace(GENDER, name=f"g{i}", columns=("gender",)) for i in range(8))
    lines = _grid.caption(by_hand(heads=heads), 0)
    assert len(lines) == 6
    assert lines[-1] == ("+3 more", None)
    assert len(_grid.caption(by_hand(heads=heads[:6]), 0)) == 6
    assert _grid.caption(by_hand(heads=heads[:6]), 0)[-1].text == "g5: male 90%"


def test_a_caption_of_many_labels_names_the_surest_that_fit():
    names = tuple(f"Label_number_{i:02}" for i in range(40))
    head = replace(FACE, columns=names)
    row = {n: 1 for n in names} | {f"{n}_confidence": 0.5 for n in names}
    row["Label_number_33_confidence"] = 0.9
    evaluation = by_hand(
        heads=(head,),
        labels=pd.DataFrame({"path": ["a.png"]}),
        answers=pd.DataFrame([row]),
    )
    first, second = _grid.caption(evaluation, 0)
    assert first == ("face: 40 yes", None)
    assert second.text.startswith("Label_number_…, ")
    assert second.text.endswith(" +38")


def test_an_unreadable_picture_is_left_out_of_the_grid(tmp_path):
    evaluation = random_evaluation(tmp_path, rows=5)
    whole = _grid.grid(evaluation)
    Path(evaluation.labels["path"][1]).write_bytes(b"no picture")
    part = _grid.grid(evaluation)
    assert whole is not None
    assert part is not None
    shown = [sum(bool(axes.images) for axes in f.axes) for f in (whole, part)]
    assert shown == [5, 4]


def test_the_errors_take_each_head_in_turn(tmp_path):
    evaluation = by_hand()
    for row, name in enumerate(evaluation.labels["path"]):
        evaluation.labels.loc[row, "path"] = str(tmp_path / name)
        Image.new("RGB", (8, 8)).save(tmp_path / name)
    figure = _grid.errors(evaluation)
    assert figure is not None
    # One mistake of age, one of gender, three of the face.
    texts = [axes.texts[0].get_text() for axes in figure.axes if axes.images]
    assert texts == [
        "age: 20, is 30", "gender: male 80%, is female", "Smiling: no 95%, is yes",
        "Bald: yes 75%, is no", "Smiling: yes 55%, is no",
    ]  # fmt: skip


def test_a_grid_shows_the_box_of_an_upright_picture(tmp_path):
    image = Image.new("RGB", (40, 20), "white")
    image.paste("red", (0, 0, 20, 20))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned right: what is left here is at the top upright
    image.save(tmp_path / "a.png", exif=exif)
    labels = pd.DataFrame({"path": [str(tmp_path / "a.png")], "box": ["0 0 20 20"]})
    pixels = _tiles.read(labels, 0)
    assert pixels.shape[0] == pixels.shape[1]
    assert set(map(tuple, pixels.reshape(-1, 3).tolist())) == {(255, 0, 0)}
