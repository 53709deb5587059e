"""Does `predict` take folders, globs and tables with boxes, one row per picture?"""

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from multitask.contracts import catalog
from multitask.contracts.errors import UserError
from multitask.networks import build
from multitask.networks.analyzer import Analyzer
from multitask.networks.prediction.inputs import read_inputs
from multitask.networks.spec import NetworkSpec


@pytest.fixture(scope="module")
def network(tiny_trunk):
    keras.utils.set_random_seed(0)
    heads = tuple(catalog.heads(("age", "gender")))
    spec = NetworkSpec(trunk=tiny_trunk, size=16, heads=heads)
    return Analyzer(build.build(spec), spec)


def picture(number, height=20, width=24):
    rng = np.random.default_rng(number)
    return rng.integers(0, 256, (height, width, 3), np.uint8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("faces")
    (folder / "below").mkdir()
    for number, name in enumerate(("a.png", "b.png", "below/c.png")):
        Image.fromarray(picture(number)).save(folder / name)
    return folder


def test_a_folder_and_a_glob_stand_for_their_pictures(network, folder):
    names = ["a.png", "b.png", "below/c.png"]
    expected = [str(folder / name) for name in names]
    for given in (folder, str(folder), [folder], f"{folder}/**/*.png"):
        assert network.predict(given)["path"].tolist() == expected
    mixed = network.predict([f"{folder}/a*", picture(5), folder / "below"])
    assert mixed["path"].tolist() == [expected[0], None, expected[2]]
    assert mixed["status"].tolist() == ["ok"] * 3
    assert mixed.index.tolist() == [0, 1, 2]


def test_a_path_stays_as_it_was_written(folder, monkeypatch):
    monkeypatch.chdir(folder)
    assert read_inputs(["./a.png", "./none.jpg", ""]).pictures == [
        "./a.png",
        "./none.jpg",
        "",
    ]
    monkeypatch.setenv("HOME", str(folder))
    assert read_inputs("~/a.png").pictures == [str(folder / "a.png")]


def test_a_picture_named_twice_has_two_rows(network, folder):
    answers = network.predict([folder / "a.png", picture(9), folder / "a.png"])
    assert len(answers) == 3
    pd.testing.assert_frame_equal(
        answers.iloc[[0]].reset_index(drop=True),
        answers.iloc[[2]].reset_index(drop=True),
    )


def test_a_table_keeps_its_index_and_may_hold_any_kind_of_picture(network, folder):
    data = (folder / "b.png").read_bytes()
    pictures = [folder / "a.png", data, Image.fromarray(picture(2)), picture(3), folder]
    table = pd.DataFrame({"path": pictures, "note": "x"}, index=list("edcba"))
    answers = network.predict(table)
    assert answers.index.tolist() == list("edcba")
    # A folder is one row here: a table has one picture per row.
    assert answers["status"].tolist() == ["ok"] * 4 + ["is a folder, no picture"]
    assert answers["path"].isna().tolist() == [False, True, True, True, False]
    assert "note" not in answers
    alone = network.predict([picture(n) for n in range(4)])
    np.testing.assert_allclose(answers["age"][:4], alone["age"], atol=1e-4)


def test_the_index_is_kept_over_several_parts_and_without_a_row(network):
    index = pd.Index(range(1000, 1600, 2), name="id")
    table = pd.DataFrame({"path": [picture(0)] * 300}, index=index)
    pd.testing.assert_index_equal(network.predict(table).index, index)
    none = network.predict(table[:0])
    assert len(none) == 0
    assert "age" in none


def test_paths_may_be_the_index_or_begin_with_tilde(network, folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder))
    table = pd.DataFrame({"path": ["~/a.png", "~/b.png"]})
    assert network.predict(table)["status"].tolist() == ["ok", "ok"]
    by_path = network.predict(table.set_index("path"))
    assert by_path["status"].tolist() == ["ok", "ok"]
    assert by_path.index.tolist() == ["~/a.png", "~/b.png"]


@pytest.mark.parametrize(
    "box",
    [
        "4 2 20 18",
        (4, 2, 20, 18),
        [4.0, 2, 20, 18],
        np.array([4, 2, 20, 18]),
        pd.Series([4, 2, 20, 18]),
    ],
)
def test_a_box_is_cut_out(network, box):
    whole = picture(1)
    table = pd.DataFrame({"path": [whole, whole], "box": [box, None]})
    answers = network.predict(table)
    cut = network.predict([whole[2:18, 4:20], whole])
    np.testing.assert_allclose(answers["age"], cut["age"], atol=1e-4)
    assert answers["age"].nunique() == 2
    assert [float(n) for n in answers["box"][0].split()] == [4, 2, 20, 18]
    assert answers["box"][1] is None


@pytest.mark.parametrize("column", ["box", "bbox", "Face Box"])
def test_boxes_with_width_and_height_are_asked_for(network, column):
    frame = pd.DataFrame({"path": [picture(1)] * 2, column: ["1 1 5 6", None]})
    assert network.predict(frame)["box"].tolist() == ["1 1 5 6", None]
    sized = network.predict(frame, box="xywh")
    assert sized["box"].tolist() == ["1 1 6 7", None]
    cut = network.predict(picture(1)[1:7, 1:6])
    np.testing.assert_allclose(sized["age"][0], cut["age"][0], atol=1e-4)
    with pytest.raises(UserError, match="box: is 'cxcywh', must be 'xyxy' or 'xywh'"):
        network.predict(frame, box="cxcywh")


def test_a_network_of_such_boxes_does_not_guess_what_others_are(network):
    spec = replace(network.spec, box="xywh")
    trained = Analyzer(network.model, spec)
    frame = pd.DataFrame({"path": [picture(1)], "bbox": [(1, 1, 5, 6)]})
    with pytest.raises(UserError, match=r"column 'bbox' may be .*box='xyxy' or box="):
        trained.predict(frame)
    assert trained.predict(frame, box="xyxy")["box"].tolist() == ["1 1 5 6"]
    assert trained.predict(frame, box="xywh")["box"].tolist() == ["1 1 6 7"]
    four = pd.DataFrame({"path": [picture(1)], "x": 1, "y": 1, "w": 5, "h": 6})
    assert trained.predict(four)["box"].tolist() == ["1 1 6 7"]  # names say it
    assert trained.predict(picture(1))["box"].tolist() == [None]


@pytest.mark.parametrize(
    ("box", "status"),
    [
        ("here", "box is 'here', must be 'left top right bottom'"),
        ((1, 2, 3), "box is '1 2 3', must be 'left top right bottom'"),
        ((1, 2, 3, np.nan), "box is '1 2 3 nan', must be 'left top right bottom'"),
        (7, "box is '7', must be 'left top right bottom'"),
        ((90, 0, 99, 9),
         "box '90 0 99 9' lies outside the picture, which has 24 x 20 pixels"),
        ((9, 9, 1, 1),
         "box '9 9 1 1' has right 1 before left 9: must be 'left top right bottom', or "
         "--box xywh: 'left top width height'"),
    ],
)  # fmt: skip
def test_a_wrong_box_is_the_status_of_its_row(network, box, status):
    table = pd.DataFrame({"path": [picture(1)] * 2, "box": [box, "  "]})
    answers = network.predict(table)
    assert answers["status"].tolist() == [status, "ok"]
    assert pd.isna(answers["age"][0])


def test_an_empty_path_of_a_table_is_the_status_of_its_row(network):
    table = pd.DataFrame({"path": [picture(1), None, "", np.nan, pd.NA]})
    answers = network.predict(table)
    assert answers["status"].tolist() == ["ok", *["has no path"] * 4]
    assert answers["path"].isna().all()
    for column in (table["path"], table["path"].to_numpy()):
        assert network.predict(column)["status"].equals(answers["status"])
    with pytest.raises(
        UserError, match=r"^pictures: has no path \(the first of 2 pict"
    ):
        network.predict(table.iloc[1:3])


def test_a_table_without_paths_names_its_columns_and_the_nearest(network):
    with pytest.raises(UserError) as caught:
        network.predict(pd.DataFrame({"Path": ["a.png"], "age": [3]}))
    assert str(caught.value) == (
        "pictures: has no column 'path', only Path, age; rename 'Path' to 'path'"
    )


@pytest.mark.parametrize("text", ["x" * 5000, "/9j/4AAQ" * 1000, "/9j/4AA/" * 1000])
def test_a_text_too_long_for_a_path_is_not_repeated(network, text):
    message = rf"^{text[:60]} \.\.\. {text[-60:]}: no such f.*; check the path$"
    with pytest.raises(UserError, match=message):
        network.predict(text)
    (gone, _) = network.predict([text.rstrip("/"), picture(1)])["status"]
    assert gone == "can't be decoded: File name too long"


@pytest.mark.parametrize("wrong", [3, None, {"path": ["a.png"]}])
def test_what_holds_no_pictures_is_named(network, wrong):
    name = type(wrong).__name__
    with pytest.raises(
        UserError, match=f"^pictures: is of type {name}, must be a path, fo"
    ):
        network.predict(wrong)


def test_a_glob_without_a_match_is_an_error_at_once(network, folder):
    with pytest.raises(UserError, match="matches no file$"):
        network.predict_chunks(f"{folder}/*.tiff")


@pytest.mark.parametrize("heads", ["gender", "gender,", ["gender"], ("gender",)])
def test_a_text_names_heads_as_on_the_command_line(network, heads):
    table = network.predict([picture(1)], heads=heads)
    assert list(table)[3:] == ["gender", "gender_confidence"]
    both = network.predict([picture(1)], heads="gender, age")
    assert list(both)[3:] == [
        "gender", "gender_confidence", "age", "age_low", "age_high",
    ]  # fmt: skip


def test_probabilities_are_added_when_asked_for(network):
    table = network.predict([picture(1), "none.jpg"], probabilities=True)
    assert list(table)[3:] == [
        "age", "age_low", "age_high",
        "gender", "gender_confidence", "gender_male", "gender_female",
    ]  # fmt: skip
    row = table.iloc[0]
    assert row["gender_male"] + row["gender_female"] == pytest.approx(1, abs=1e-6)
    best = max(row["gender_male"], row["gender_female"])
    assert row["gender_confidence"] == best
    assert table.iloc[1, 3:].isna().all()


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (np.zeros((4, 6, 3), np.float32),
         "pictures: is an array of float32, must be uint8 from 0 to 255; scale arrays "
         'to 0..255 and convert them by .astype("uint8")'),
        (np.zeros((2, 4, 6, 3)),
         "pictures: is an array of float64, must be uint8 from 0 to 255 (the first of "
         "2 pictures, none of which can be used); scale arrays to 0..255 and convert "
         'them by .astype("uint8")'),
        (np.zeros((4, 6, 5), np.uint8),
         "pictures: is an array of shape (4, 6, 5), must be (height, width, 3)"),
        (np.zeros((4, 6, 3), np.uint16),
         "pictures: is an array of uint16, must be uint8 from 0 to 255; divide arrays "
         'by 257 and convert them by .astype("uint8")'),
        ("none", "none: no such file or folder; check the path"),
        (pd.DataFrame({"path": ["none.jpg"]}),
         "none.jpg: no such file or folder; check the path"),
        (Path("https://example.org/a.jpg"),
         "https://example.org/a.jpg: is a web address, and none is read; download the "
         "picture, and name its file"),
        ([3], "pictures: is of type int, must be a path, bytes, PIL image or array"),
    ],
)  # fmt: skip
def test_if_no_picture_can_be_used_predict_says_so_at_once(network, given, line):
    with pytest.raises(UserError) as caught:
        network.predict_chunks(given)
    assert str(caught.value) == line


def test_a_video_among_no_pictures_is_told(network, tmp_path):
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"a film")
    line = f"^{clip}: is a video, no picture; videos are for the command `predict`, or "
    with pytest.raises(UserError, match=line):
        network.predict(clip)
    mixed = network.predict([clip, picture(0)])
    assert mixed["status"].str.startswith("no picture").tolist() == [True, False]
