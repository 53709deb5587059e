"""Do the drawn faces show what their labels say, and say which labels are wrong?"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from multitask.datasets import _truth, sample
from multitask.datasets._drawing import draw
from multitask.datasets._truth import Truth, truth
from PIL import Image

from multitask.contracts import catalog
from multitask.contracts.errors import UserError
from multitask.contracts.table import check

COUNT = 300
PLAIN = Truth(
    age=30,
    gender="female",
    race7="white",
    expression="neutral",
    illumination="medium",
    pose="frontal",
    occlusion="none",
    makeup="partial",
    marks=frozenset({"No_Beard"}),
    appearance_seed=5,
)


@pytest.fixture(scope="module")
def reading(tmp_path_factory):
    return sample.read(tmp_path_factory.mktemp("sample") / "new", count=COUNT)


def pixels(face: Truth):
    return np.asarray(draw(face), dtype=int)


def tree(folder: Path) -> dict[str, bytes]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


# The table


def test_sample_is_a_table_of_pictures(reading):
    assert len(check(reading.table)) == COUNT
    assert set(reading.table["source"]) == {"sample"}
    with Image.open(reading.table["path"][COUNT - 1]) as image:
        assert (image.size, image.mode) == ((96, 96), "RGB")


def test_every_head_finds_every_answer(reading):
    for head in catalog.heads(catalog.named()):
        for column in head.columns:
            seen = set(reading.table[column].dropna())
            if head.answer_type == "class":
                assert seen == set(catalog.named()[head.name]["classes"])
            elif head.answer_type == "labels":
                assert seen == {0.0, 1.0}
            else:
                assert seen <= set(range(117))
                assert len(seen) > 80


def test_every_head_encodes_the_labels(reading):
    for head in catalog.heads(catalog.named()):
        weights = head.encode(reading.table).weights
        # 5% of 300 cells are empty: 15, give or take 5 standard deviations of 3.8.
        assert 1 - 34 / COUNT < weights.mean() < 1


def test_attributes_are_those_of_the_catalog_in_their_order():
    assert list(_truth.COLUMNS) == catalog.named()["attributes"]["columns"]


def test_noise_and_empty_cells_are_as_stated():
    noisy, true = [], []
    for number in range(1500):
        labels = truth(0, number).labels()
        true += labels.values()
        noisy += sample.noisy(labels, 0, number).values()
    empty = [label is None for label in noisy]
    # 1500 faces have 1 + 9 + 40 labels: n = 75,000 cells. The standard deviation of a
    # rate p is sqrt(p (1 - p) / n): 0.0008 for 0.05, and with the 71,250 cells that
    # are left 0.0005 for 0.02. Five of them are allowed.
    assert np.mean(empty) == pytest.approx(sample.EMPTY, abs=0.0040)
    wrong = [n != t for n, t in zip(noisy, true, strict=True) if n is not None]
    assert np.mean(wrong) == pytest.approx(sample.NOISE, abs=0.0027)


def test_note_says_that_these_are_drawings_and_how_noisy(reading):
    (note,) = reading.notes
    for part in ("drawings made by this program", "nothing about people", "2%", "5%"):
        assert part in note
    readme = Path(reading.table["path"][0]).parents[1] / "README.txt"
    assert readme.read_text().startswith(note)


# The truth


def test_truth_is_consistent_between_heads():
    faces = [truth(0, number) for number in range(500)]
    for face in faces:
        attributes = face.attributes()
        assert attributes["Male"] == (face.gender == "male")
        assert attributes["Young"] == (face.age_group in ("child", "young"))
        assert attributes["Eyeglasses"] or face.occlusion != "glasses"
        assert not (attributes["No_Beard"] and face.occlusion == "beard")
        assert sum(attributes[colour] for colour in _truth.HAIR_COLOURS) <= 1
        assert not (attributes["Straight_Hair"] and attributes["Wavy_Hair"])
    happy = [f.attributes()["Smiling"] for f in faces if f.expression == "happiness"]
    assert np.mean(happy) > 0.85
    grey = pd.DataFrame({"age": [f.age for f in faces]}).assign(
        grey=["Gray_Hair" in f.marks for f in faces]
    )
    assert not grey[grey["age"] < 35]["grey"].any()
    assert grey[grey["age"] > 60]["grey"].mean() > 0.3


@pytest.mark.parametrize(
    ("race7", "race"),
    [
        ("white", "white"),
        ("black", "black"),
        ("indian", "indian"),
        ("east_asian", "asian"),
        ("southeast_asian", "asian"),
        ("middle_eastern", "others"),
        ("latino_hispanic", "others"),
    ],
)
def test_race_follows_from_race7(race7, race):
    assert replace(PLAIN, race7=race7).race == race


@pytest.mark.parametrize(
    ("age", "group"),
    [(0, "child"), (12, "child"), (13, "young"), (40, "middle"), (116, "old")],
)
def test_age_group_follows_from_age(age, group):
    assert replace(PLAIN, age=age).age_group == group


# The drawing


def changed(column: str, answer: str) -> tuple[Truth, Truth]:
    """Two faces that differ in one answer only, the second of which has it."""
    if column == "age_group":
        before = replace(PLAIN, age=45 if answer != "middle" else 30)
        return before, replace(PLAIN, age=_truth.AGES[answer][0])
    if column == "race":  # it follows from race7
        one = {"asian": "east_asian", "others": "latino_hispanic"}.get(answer, answer)
        before = replace(PLAIN, race7="black" if answer != "black" else "white")
        return before, replace(PLAIN, race7=one)
    others = [other for other in _truth.CHOICES[column] if other != answer]
    return replace(PLAIN, **{column: others[0]}), replace(PLAIN, **{column: answer})


@pytest.mark.parametrize(
    ("column", "answer"),
    [
        (head.columns[0], answer)
        for head in catalog.heads(catalog.named())
        if head.answer_type == "class"
        for answer in catalog.named()[head.name]["classes"]
    ],
)
def test_every_class_is_visible(column, answer):
    before, after = changed(column, answer)
    assert after.labels()[column] == answer != before.labels()[column]
    assert visible(before, after)


@pytest.mark.parametrize("name", catalog.named()["attributes"]["columns"])
def test_every_attribute_is_visible(name):
    after = replace(PLAIN, marks=PLAIN.marks ^ {name})
    if name == "Male":
        after = replace(PLAIN, gender="male")
    if name == "Young":
        after = replace(PLAIN, age=45)
    assert after.attributes()[name] != PLAIN.attributes()[name]
    assert visible(PLAIN, after)


def visible(before: Truth, after: Truth) -> bool:
    """Whether 12 pixels or more, what an earring covers, differ by an eighth."""
    difference = abs(pixels(before) - pixels(after)).max(axis=-1)
    return bool((difference > 32).sum() >= 12)


def test_every_year_of_age_is_visible():
    drawn = [draw(replace(PLAIN, age=age)).tobytes() for age in range(117)]
    assert len(set(drawn)) == 117


def test_race_is_the_pattern_behind_the_head_and_nothing_of_the_face():
    faces = [pixels(replace(PLAIN, race7=race)) for race in _truth.CHOICES["race7"]]
    for face in faces[1:]:
        assert (face[30:65, 35:60] == faces[0][30:65, 35:60]).all()


def test_light_orders_brightness():
    means = [
        pixels(replace(PLAIN, illumination=light)).mean()
        for light in ("bad", "medium", "high")
    ]
    assert means[0] < means[1] / 2
    assert means[2] > means[1] + 25


def test_left_is_the_left_of_the_picture():
    plain, left, right = (
        pixels(replace(PLAIN, pose=pose)) for pose in ("frontal", "left", "right")
    )
    eye = slice(33, 46)  # rows: only the whites of the eyes are white there
    x_plain, x_left, x_right = (
        np.argwhere((face[eye] > 240).all(axis=-1))[:, 1].mean()
        for face in (plain, left, right)
    )
    assert x_left < x_plain - 5
    assert x_right > x_plain + 5


# Files


def test_same_seed_draws_the_same_and_more_begins_with_less(tmp_path):
    few = sample.read(tmp_path / "few", count=4, seed=3).table
    more = sample.read(tmp_path / "more", count=6, seed=3).table
    other = sample.read(tmp_path / "other", count=4, seed=4).table
    for number in range(4):
        drawn, same, different = (
            Path(t["path"][number]).read_bytes() for t in (few, more, other)
        )
        assert drawn == same != different
    labels = [column for column in few if column != "path"]
    pd.testing.assert_frame_equal(few[labels], more[labels][:4])


def test_finished_sample_is_read_back_as_it_was(tmp_path):
    first = sample.read(tmp_path, count=5)
    before = tree(tmp_path)
    second = sample.read(tmp_path, count=9, seed=1)
    pd.testing.assert_frame_equal(first.table, second.table)
    assert first.notes == second.notes
    assert tree(tmp_path) == before


def test_an_interrupted_drawing_is_finished(tmp_path):
    sample.read(tmp_path, count=3)
    before = tree(tmp_path)
    (tmp_path / "labels.csv").unlink()
    sample.read(tmp_path, count=3)
    assert tree(tmp_path) == before


def test_lost_picture_is_set_aside(tmp_path):
    lost = sample.read(tmp_path, count=3).table["path"][1]
    Path(lost).unlink()
    reading = sample.read(tmp_path)
    assert len(reading.table) == 2
    assert reading.skipped["path"].tolist() == [lost]


def test_tilde_is_expanded(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    path = sample.read(Path("~/drawn"), count=1).table["path"][0]
    assert path == str(tmp_path / "drawn" / "faces" / "00000.png")


# Mistakes


def test_folder_with_other_files_is_left_alone(tmp_path):
    (tmp_path / "thesis.doc").touch()
    with pytest.raises(UserError, match="contains other files"):
        sample.read(tmp_path)
    assert list(tree(tmp_path)) == ["thesis.doc"]


def test_file_instead_of_folder(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="is a file, not a folder"):
        sample.read(tmp_path / "file")


def test_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="can't be written: Not a directory"):
        sample.read(tmp_path / "file" / "faces")


@pytest.mark.parametrize("count", [0, -1])
def test_count_must_be_positive(tmp_path, count):
    with pytest.raises(UserError, match=f"count is {count}, must be at least 1"):
        sample.read(tmp_path, count=count)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,age\nfaces/00000.png,3\n", "has no column 'gender'"),
        ("path,age\nfaces/00000.png,three\n", "three"),
    ],
)
def test_foreign_labels_are_refused(tmp_path, text, message):
    (tmp_path / "labels.csv").write_text(text)
    with pytest.raises(UserError, match=f"labels.csv.*{message}"):
        sample.read(tmp_path)


def test_sample_without_any_picture_is_refused(tmp_path):
    for path in sample.read(tmp_path, count=2).table["path"]:
        Path(path).unlink()
    with pytest.raises(UserError, match="none of the pictures of .* exist;"):
        sample.read(tmp_path)


def test_command_draws_a_sample_by_default(tmp_path):
    assert sample.main([str(tmp_path / "faces"), "--count", "2", "--seed", "7"]) == 0
    assert len(sample.read(tmp_path / "faces").table) == 2


def test_the_command_prints_a_mistake_in_one_line(tmp_path, capsys):
    assert sample.main([str(tmp_path), "--count", "0"]) == 2
    assert capsys.readouterr().err.startswith("--data sample: count is 0, must be")
