"""Does every picture get its own prediction, of whatever type and among whatever?"""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
from PIL import Image

import multitask
from multitask.contracts import catalog
from multitask.contracts.errors import UserError
from multitask.contracts.run import NETWORK
from multitask.images.decode import decode
from multitask.networks import analyzer, archive, build
from multitask.networks.spec import NetworkSpec

HEADS = ("age", "gender", "pose", "attributes[Smiling,Young]")
COLUMNS = [
    "status", "path", "box", "age", "age_low", "age_high", "gender",
    "gender_confidence", "pose", "pose_confidence", "Smiling", "Smiling_confidence",
    "Young", "Young_confidence",
]  # fmt: skip
ANSWERS = COLUMNS[3:]
NUMBERS = [name for name in ANSWERS if name not in ("gender", "pose")]


@pytest.fixture(scope="module")
def run(tiny_trunk, tmp_path_factory):
    """A run folder with an untrained network."""
    keras.utils.set_random_seed(0)
    spec = NetworkSpec(
        trunk=tiny_trunk,
        size=16,
        crop=0.8,
        heads=tuple(catalog.heads(HEADS)),
        notes=("Faces were drawn.",),
    )
    model = build.build(spec)
    rng = np.random.default_rng(1)
    for weight in model.weights:  # so that answers differ
        if weight.path.endswith("kernel"):
            weight.assign(rng.normal(0, 1, weight.shape))
    folder = tmp_path_factory.mktemp("run")
    archive.save(model, spec, folder / NETWORK)
    return folder


@pytest.fixture(scope="module")
def faces(run):
    return multitask.load(run)


def image(number, height=20, width=24):
    rng = np.random.default_rng(number)
    small = Image.fromarray(rng.integers(0, 256, (4, 4, 3), np.uint8))
    return np.asarray(small.resize((width, height)))


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """Eight pictures of every accepted kind; 2 and 6 are unusable."""
    folder = tmp_path_factory.mktemp("faces")
    for i in (0, 1, 4):
        Image.fromarray(image(i)).save(folder / f"{i} é.png")
    Image.fromarray(image(7)).save(folder / "7.jpg")
    return [
        str(folder / "0 é.png"),
        folder / "1 é.png",
        str(folder / "none.jpg"),
        Image.fromarray(image(3)),
        (folder / "4 é.png").read_bytes(),
        image(5),
        np.zeros((4, 4, 3)),
        str(folder / "7.jpg"),
    ]


GOOD = [0, 1, 3, 4, 5, 7]
BAD = [2, 6]


def assert_same(one, other):
    # Text without a single answer is of another type in pandas 3.
    pd.testing.assert_frame_equal(
        one.reset_index(drop=True),
        other.reset_index(drop=True),
        atol=1e-4,
        rtol=0,
        check_dtype=False,
    )


def test_the_columns_are_those_of_the_design_in_the_labels_spelling(faces, mixed):
    answers = faces.predict(mixed)
    assert list(answers) == COLUMNS
    assert answers.index.tolist() == list(range(8))
    good = answers.iloc[GOOD]
    assert set(good["gender"]) <= {"male", "female"}
    assert good["age"].between(0, 116).all()
    assert (good["age_low"] <= good["age_high"]).all()
    assert set(good["Smiling"]) <= {0, 1}
    for name in ("gender", "pose", "Smiling", "Young"):
        least = 1 / {"gender": 2, "pose": 5}.get(name, 2)
        assert good[f"{name}_confidence"].between(least, 1).all()
    assert answers["box"].isna().all()


def test_order_is_kept_and_what_is_no_path_has_none(faces, mixed):
    answers = faces.predict(mixed)
    expected = [str(p) if isinstance(p, (str, Path)) else None for p in mixed]
    assert [None if pd.isna(p) else p for p in answers["path"]] == expected
    for i in GOOD:
        assert_same(answers.loc[[i], ANSWERS], faces.predict(mixed[i])[ANSWERS])


def test_a_broken_one_is_a_row_and_leaves_the_others_alone(faces, mixed):
    answers = faces.predict(mixed)
    assert answers["status"].tolist() == [
        "ok", "ok", "no such file", "ok", "ok", "ok",
        "is an array of float64, must be uint8 from 0 to 255", "ok",
    ]  # fmt: skip
    assert answers.loc[BAD, ANSWERS].isna().all(axis=None)
    assert answers.loc[GOOD, ANSWERS].notna().all(axis=None)
    alone = faces.predict([mixed[i] for i in GOOD])
    assert_same(answers.iloc[GOOD], alone)
    # Written out, a 1 stays a 1 beside a row without answer.
    assert set(answers["Smiling"].iloc[GOOD].map(str)) <= {"0", "1"}


def test_only_broken_ones_have_rows_without_answers(faces):
    answers = faces.predict([b"", b"a letter"])
    assert list(answers) == COLUMNS
    assert answers[ANSWERS].isna().all(axis=None)
    assert answers["status"].iloc[0].startswith("empty file")


def test_a_printed_table_shows_why_a_row_has_no_answer(faces, mixed):
    with pd.option_context("display.width", 80, "display.max_columns", 0):
        *rows, _, _ = str(faces.predict(mixed)).splitlines()
    assert "no such file" in rows[1 + BAD[0]]
    assert "is an array of float64, must be uint8" in rows[1 + BAD[1]]


def test_rows_before_the_start_are_left_out(faces, mixed):
    whole = faces.predict(mixed)
    # The one that is left is missing, but it is not all that was given.
    rest = pd.concat(faces.predict_chunks(mixed[:3], start=2))
    assert rest["status"].tolist() == ["no such file"]
    rest = pd.concat(faces.predict_chunks(mixed, start=5))
    assert_same(rest, whole.iloc[5:])
    assert rest.index.tolist() == [5, 6, 7]


@pytest.mark.parametrize(
    "nothing", [[], (), iter(()), np.zeros((0, 8, 8, 3), np.uint8)]
)
def test_no_pictures_give_a_table_without_rows(faces, nothing):
    answers = faces.predict(nothing)
    assert list(answers) == COLUMNS
    assert len(answers) == 0


def test_one_alone_is_a_table_of_one_row(faces, mixed):
    for i in GOOD:
        assert len(faces.predict(mixed[i])) == 1


def test_many_may_come_as_any_sequence(faces):
    images = np.stack([image(i) for i in range(5)])
    expected = faces.predict(list(images))
    assert len(expected) == 5
    assert_same(faces.predict(images), expected)
    assert_same(faces.predict(iter(images)), expected)
    assert_same(faces.predict(tuple(images)), expected)


def test_the_column_of_a_table_is_a_list_of_paths(faces, mixed):
    paths = pd.Series([mixed[0], mixed[7]])
    expected = faces.predict(paths.tolist())
    assert expected["status"].tolist() == ["ok", "ok"]
    assert_same(faces.predict(paths), expected)
    assert_same(faces.predict(paths.to_numpy(dtype=object)), expected)
    assert_same(faces.predict(paths.to_numpy(dtype=str)), expected)


@pytest.mark.parametrize("batch_size", [1, 3, 6, 100])
def test_answers_do_not_depend_on_the_batch_size(faces, mixed, batch_size):
    assert_same(faces.predict(mixed, batch_size=batch_size), faces.predict(mixed))


def test_answers_do_not_depend_on_the_other_pictures(faces, mixed):
    answers = faces.predict(mixed)
    turned = faces.predict(mixed[::-1])
    assert_same(turned.iloc[::-1], answers)


@pytest.mark.parametrize("chunk", [1, 3, 8])
def test_answers_come_in_chunks_of_any_length(faces, mixed, chunk, monkeypatch):
    expected = faces.predict(mixed)
    monkeypatch.setattr(analyzer, "_CHUNK", chunk)
    done: list[int] = []
    answers = faces.predict(mixed, progress=done.append)
    assert_same(answers, expected)
    assert answers["Smiling"].dtype == expected["Smiling"].dtype
    assert sum(done) == 8
    assert len(done) == -(-8 // chunk)


def test_answers_are_those_of_plain_keras(faces, run, mixed):
    model = keras.models.load_model(run / NETWORK)
    answers = faces.predict(mixed)
    years = np.arange(117)
    for i in GOOD:
        outputs = model.predict(decode(mixed[i])[None], verbose=0)
        answer = answers.iloc[i]
        assert answer["age"] == pytest.approx(
            float(outputs["age"][0] @ years), abs=1e-3
        )
        gender = outputs["gender"][0]
        assert answer["gender"] == ("male", "female")[gender.argmax()]
        assert answer["gender_confidence"] == pytest.approx(gender.max(), abs=1e-5)
        assert answer["Young"] == (outputs["attributes"][0, 1] >= 0.5)
    # Else the pictures would not tell one network from another.
    assert answers["age"].iloc[GOOD].nunique() == len(GOOD)


def test_only_the_named_heads_are_read(faces, mixed):
    answers = faces.predict(mixed, heads=["pose", "age", "pose"])
    assert list(answers) == [
        "status", "path", "box", "pose", "pose_confidence", "age", "age_low", "age_high"
    ]  # fmt: skip
    assert_same(answers, faces.predict(mixed)[list(answers)])


def test_an_unknown_head_names_the_nearest(faces):
    with pytest.raises(UserError) as caught:
        faces.predict([], heads=["gendre"])
    assert str(caught.value) == (
        "heads: this network has no head 'gendre'; did you mean 'gender'? "
        "Known: age, gender, pose, attributes"
    )
    empties: tuple[Any, ...] = ([], "", ())
    for empty in empties:
        with pytest.raises(UserError, match="^heads: is empty; name heads, or leave"):
            faces.predict([], heads=empty)
    number: Any = [1]
    with pytest.raises(UserError, match="^heads: name 1, which is no text; known: age"):
        faces.predict([], heads=number)


@pytest.mark.parametrize(
    ("batch_size", "what"),
    [
        (0, "is 0, must be 1 or more"),
        ("x", "is 'x', must be a whole number"),
        (None, "is None, must be a whole number"),
        (2.5, "is 2.5, must be a whole number"),
        (True, "is True, must be a whole number"),
    ],
)
def test_a_batch_size_is_a_number_of_pictures(batch_size, what, faces):
    for method in (faces.predict, faces.embed, faces.stream, faces.predict_video):
        with pytest.raises(UserError, match=f"^batch_size: {what}$"):
            method([], batch_size=batch_size)
    with pytest.raises(UserError, match=f"^batch_size: {what}$"):
        faces.warm_up(batch_size=batch_size)


@pytest.mark.parametrize("size", [10**12, 10**18, 10**30])
def test_a_batch_that_is_larger_than_memory_is_told(size, faces):
    for method in (faces.predict, faces.embed):
        with pytest.raises(UserError) as caught:
            method([image(0)], batch_size=size)
        line = f"batch_size: is {size}, which takes too much memory: "
        assert str(caught.value).startswith(line)


def test_it_knows_its_heads_and_notes(faces):
    assert [head.name for head in faces.heads] == [
        "age",
        "gender",
        "pose",
        "attributes",
    ]
    assert faces.notes == ("Faces were drawn.",)


def test_answers_can_be_averaged_over_fewer_crops(faces):
    pictures = [image(number) for number in range(3)]
    assert len(faces.spec.crops()) == 4
    one = faces.with_tta(1)
    assert len(one.spec.crops()) == 1
    assert one.predict(pictures)["gender"].notna().all()
    again = one.with_tta(4).predict(pictures)
    pd.testing.assert_frame_equal(again, faces.predict(pictures))
    assert not again["age"].equals(one.predict(pictures)["age"])
    with pytest.raises(UserError, match="^tta: is 3, must be 1, 2, 4 or 16"):
        faces.with_tta(3)
