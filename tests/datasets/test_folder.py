"""Do the names of folders become labels, whatever else lies beside and above them?"""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from multitask.datasets import folder

from multitask.contracts import catalog, table
from multitask.contracts.catalog import to_config
from multitask.contracts.errors import UserError
from multitask.contracts.recipe import Recipe
from multitask.data import sources
from multitask.data.labels import describe_skipped
from multitask.experiments.run import fit
from tests import layouts

REAL = Path(__file__).parents[3] / "shared" / "data"

pytestmark = pytest.mark.usefixtures("numbers_alone")


def files(root: Path, *names: str) -> Path:
    """Empty files: the reader goes by names and opens none."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def rows(reading: table.Reading, root: Path, *columns: str) -> dict[str, object]:
    """The cells of each picture, by its path in the folder."""
    table = reading.table
    names = [Path(path).relative_to(root).as_posix() for path in table["path"]]
    cells = table[list(columns)].itertuples(index=False, name=None)
    values = [cell[0] if len(columns) == 1 else cell for cell in cells]
    return dict(zip(names, values, strict=True))


def aside(reading: table.Reading, root: Path) -> dict[str, str]:
    skipped = reading.skipped.itertuples(index=False, name=None)
    return {Path(p).relative_to(root).as_posix(): reason for p, reason in skipped}


# Classes


def test_a_folder_is_a_class_and_the_classes_are_a_head(tmp_path):
    files(tmp_path, "drama/a.jpg", "comedy/b.png", "comedy/c.jpg")
    reading = folder.read(tmp_path, name="genre")
    names = ["comedy/b.png", "comedy/c.jpg", "drama/a.jpg"]
    assert reading.table.to_dict("list") == {
        "path": [str(tmp_path / name) for name in names],
        "genre": ["comedy", "comedy", "drama"],
        "source": ["genre"] * 3,
    }
    softmax = {"kind": "softmax", "classes": ["comedy", "drama"]}
    assert reading.heads == {"genre": softmax}
    assert reading.skipped.empty


def test_deeper_folders_belong_to_their_class(tmp_path):
    files(tmp_path, "drama/1990/x/a.jpg", "drama/test/b.jpg", "comedy/c.jpg")
    reading = folder.read(tmp_path, name="genre")
    assert rows(reading, tmp_path, "genre") == {
        "comedy/c.jpg": "comedy",
        "drama/1990/x/a.jpg": "drama",
        "drama/test/b.jpg": "drama",
    }
    assert "split" not in reading.table


def test_names_with_blanks_accents_and_endings_in_any_case(tmp_path):
    files(tmp_path, "film noir/a b.JPG", "comédie/ü.PnG", "日本/c.WebP")
    labels = rows(folder.read(tmp_path, name="genre"), tmp_path, "genre")
    assert list(labels.values()) == ["comédie", "film noir", "日本"]


def test_two_ways_to_write_an_accent_are_one_class(tmp_path):
    # é as one character, and as e with the accent that follows it
    files(tmp_path, "train/com\u00e9die/a.jpg", "test/come\u0301die/b.jpg", "x/c.jpg")
    reading = folder.read(tmp_path, name="genre")
    assert reading.heads["genre"]["classes"] == ["com\u00e9die", "x"]


def test_hidden_files_are_ignored_and_other_files_of_classes_listed(tmp_path):
    files(tmp_path, "a/1.jpg", "b/1.jpg", "a/.2.jpg", ".c/1.jpg", "a/x.txt", "README")
    reading = folder.read(tmp_path, name="genre")
    assert rows(reading, tmp_path, "genre") == {"a/1.jpg": "a", "b/1.jpg": "b"}
    assert [*aside(reading, tmp_path)] == ["a/x.txt"]


def test_links_and_a_leading_tilde(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    files(tmp_path, "stills/drama/a.jpg", "elsewhere/b.jpg")
    (tmp_path / "stills" / "comedy").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "stills" / "drama" / "loop").symlink_to(tmp_path / "stills")
    (tmp_path / "stills" / "train").symlink_to(tmp_path / "stills")
    reading = folder.read(Path("~/stills"), name="genre")
    labels = rows(reading, tmp_path / "stills", "genre")
    assert labels == {"comedy/b.jpg": "comedy", "drama/a.jpg": "drama"}


# Parts


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train", "train"), ("Training", "train"), ("TRAIN", "train"),
        ("val", "val"), ("valid", "val"), ("Validation", "val"),
        ("test", "test"), ("TESTING", "test"),
    ],
)  # fmt: skip
def test_folders_above_the_classes_are_parts(tmp_path, name, split):
    files(tmp_path, f"{name}/drama/a.jpg", f"{name}/comedy/1/b.jpg", "drama/c.jpg")
    table = folder.read(tmp_path, name="genre").table
    assert table["genre"].tolist().count("drama") == 2
    assert table["split"].dropna().tolist() == [split] * 2


def test_parts_may_lie_in_each_other(tmp_path):
    # As an archive `train.zip` that holds a folder `train` is mostly unpacked.
    files(tmp_path, "train/train/a/1.jpg", "test/test/b/2.jpg", "train/train/b/3.jpg")
    labels = rows(folder.read(tmp_path, name="genre"), tmp_path, "genre", "split")
    assert labels == {
        "test/test/b/2.jpg": ("b", "test"),
        "train/train/a/1.jpg": ("a", "train"),
        "train/train/b/3.jpg": ("b", "train"),
    }


# What is set aside


def test_pictures_in_no_class_folder_are_listed(tmp_path):
    files(tmp_path, "a/1.jpg", "b/1.jpg", "cover.jpg", "test/x.jpg", "test/a/2.jpg")
    reading = folder.read(tmp_path, name="genre")
    assert len(reading.table) == 3
    assert aside(reading, tmp_path) == {
        "cover.jpg": "lies in no class folder",
        "test/x.jpg": "lies in no class folder, only in that of part 'test'",
    }


def test_a_folder_without_a_picture_is_told_and_no_class(tmp_path):
    files(tmp_path, "train/a/1.jpg", "train/b/deep/1.jpg", "train/c/notes.txt")
    (tmp_path / "d").mkdir()
    reading = folder.read(tmp_path, name="genre")
    assert reading.heads["genre"]["classes"] == ["a", "b"]
    reason = "the folder holds no picture of its own"
    skipped = aside(reading, tmp_path)
    assert skipped.pop("train/c/notes.txt").startswith("ends in .txt; pictures end in")
    assert skipped == {"d": reason, "train/c": reason}
    assert describe_skipped(reading.skipped, reading.table) == "3 entries"


# Named heads


def test_folders_of_a_named_head_are_translated(tmp_path):
    words = {
        "Happy": "happiness", "ANGRY": "anger", "sad": "sadness", "Fear": "fear",
        "surprised": "surprise", "disgusted": "disgust", "neutral": "neutral",
    }  # fmt: skip
    files(tmp_path, *(f"{word}/{word}.jpg" for word in words))
    reading = folder.read(tmp_path, name="expression")
    labels = rows(reading, tmp_path, "expression")
    assert labels == {f"{word}/{word}.jpg": c for word, c in words.items()}
    assert reading.heads == {}
    assert reading.skipped.empty


def test_a_folder_that_is_no_class_of_a_named_head_is_set_aside(tmp_path):
    files(tmp_path, "happy/1.jpg", "sad/1.jpg", "happines/2.jpg", "contempt/3.jpg")
    reading = folder.read(tmp_path, name="expression")
    assert len(reading.table) == 2
    reasons = aside(reading, tmp_path)
    assert reasons["happines/2.jpg"].startswith(
        "folder 'happines' is no class of expression; did you mean 'happiness'?"
    )
    assert "is no class of expression; known: anger, " in reasons["contempt/3.jpg"]


@pytest.mark.parametrize(
    ("name", "names", "what"),
    [
        (
            "expression",
            ["happy/1.jpg", "sad/1.jpg", "contempt/1.jpg", "contempt/2.jpg"],
            "left out, as head expression has no such class: folder 'contempt' (2 "
            "pictures)",
        ),
        (
            "age",
            ["4/1.jpg", "31/1.jpg", "117/1.jpg", "old/1.jpg", "old/2.jpg"],
            "left out, as head age goes from 0 to 116: folder '117' (1 picture), "
            "folder 'old' (2 pictures)",
        ),
    ],
)
def test_a_note_names_the_folders_that_a_named_head_leaves_out(
    tmp_path, name, names, what
):
    [note] = folder.read(files(tmp_path, *names), name=name).notes
    todo = f"give another name, as in {name}_class=folder:PATH, or rename the folders"
    assert note == f"--data {name}: {what}; to keep them, {todo}"


def test_a_folder_of_which_every_class_is_known_has_no_note(tmp_path):
    files(tmp_path, "happy/1.jpg", "sad/1.jpg", "cover.jpg")
    assert folder.read(tmp_path, name="expression").notes == ()


def test_folders_of_a_number_are_numbers(tmp_path):
    files(tmp_path, "004/a.jpg", "31/b.jpg", "117/c.jpg", "old/d.jpg")
    reading = folder.read(tmp_path, name="age")
    assert rows(reading, tmp_path, "age") == {"004/a.jpg": 4.0, "31/b.jpg": 31.0}
    assert aside(reading, tmp_path) == {
        "117/c.jpg": "folder '117' is not a number from 0 to 116",
        "old/d.jpg": "folder 'old' is not a number from 0 to 116",
    }


def test_frames_of_one_cohn_kanade_subject_stay_together(tmp_path):
    names = ["happy/S010_006_00000013.png", "sad/S010_002_00000014.png", "sad/x.png"]
    reading = folder.read(files(tmp_path, *names), name="expression")
    assert reading.table["identity"].fillna("").tolist() == ["S010", "S010", ""]


@pytest.mark.parametrize("head", ["expression", "occlusion", "race"])
def test_the_sample_s_folders_are_read_back(tmp_path, head):
    layouts.write(tmp_path / "drawn", "folders", count=40, head=head)
    reading = folder.read(tmp_path / "drawn", name=head)
    labels = rows(reading, tmp_path / "drawn", head)
    assert len(labels) == 40
    assert all(name.split("/")[0] == label for name, label in labels.items())
    assert reading.skipped.empty


# Mistakes


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "is empty"),
        (["a/x.txt"], "holds 1 file such as 'a/x.txt' but no picture"),
        (["a/1.jpg"], "holds only the class folder 'a'; must hold two or more"),
        (["1.jpg"], "holds no class folder .1 set aside, the first: lies in no class"),
        (
            ["wrapper/a/1.jpg", "wrapper/b/1.jpg"],
            "only the class folder 'wrapper'; must hold two or",
        ),
        (
            ["a/1.jpg", "accuracy/1.jpg"],
            "has a class 'accuracy', which is also a row of every report",
        ),
    ],
)
def test_folder_that_holds_no_classes(tmp_path, names, message):
    with pytest.raises(UserError, match=message) as error:
        folder.read(files(tmp_path, *names), name="genre")
    assert "\n" not in str(error.value)


def test_classes_of_a_named_head_of_which_none_is_known(tmp_path):
    files(tmp_path, "drama/1.jpg", "comedy/1.jpg")
    with pytest.raises(UserError, match="folder 'comedy' is no class of expression"):
        folder.read(tmp_path, name="expression")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("folder", "write NAME=folder:PATH, where NAME is the head"),
        ("attributes", "attributes is a head of many labels"),
        ("Smiling", "attributes is a head of many labels"),
        ("my-genre", "is not a name; use letters"),
        ("género", "is not a name; use letters"),
        ("path", "'path' is a column of every table"),
    ],
)
def test_names_that_no_head_can_have(tmp_path, name, message):
    with pytest.raises(UserError, match=message):
        folder.read(files(tmp_path, "a/1.jpg", "b/1.jpg"), name=name)


def test_no_such_folder(tmp_path):
    with pytest.raises(
        UserError, match=r"^--data genre: there is no folder '.*nowhere'"
    ):
        sources.read_all([f"genre=folder:{tmp_path / 'nowhere'}"])


def test_a_reader_without_a_name_says_how_to_give_one(tmp_path):
    for text in (f"folder:{tmp_path}", f"folder={tmp_path}"):
        with pytest.raises(
            UserError, match="write NAME=folder:PATH, where NAME is the head"
        ):
            sources.read_all([text])


def test_a_name_that_is_not_utf8_is_no_class(tmp_path):
    try:
        files(tmp_path, "a/1.jpg", os.fsdecode(b"caf\xe9/1.jpg"))
    except OSError:
        pytest.skip("this file system has UTF-8 names only")
    with pytest.raises(UserError, match="is not UTF-8; rename it"):
        folder.read(tmp_path, name="genre")


# In use


def test_two_folders_of_one_head_unite_their_classes(tmp_path):
    files(tmp_path, "one/a/1.jpg", "one/b/1.jpg", "other/b/2.jpg", "other/c/2.jpg")
    sets = [f"genre=folder:{tmp_path / name}" for name in ("one", "other")]
    assert sources.read_all(sets).heads["genre"]["classes"] == ["a", "b", "c"]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory, tiny_trunk):
    root = tmp_path_factory.mktemp("drawn") / "faces"
    layouts.write(root, "folders", count=60, head="gender")
    return root


@pytest.mark.parametrize(
    ("heads", "kind", "units"),
    [((), "softmax", 2), (("who",), "softmax", 2), (("who:sigmoid",), "sigmoid", 1)],
)
def test_a_fit_learns_the_head_of_the_folders(drawn, tmp_path, heads, kind, units):
    recipe = Recipe(
        heads=heads, data=(f"who=folder:{drawn}",), trunk="tiny", epochs=1,
        batch_size=16, precision="float32",
    )  # fmt: skip
    run = fit(recipe, tmp_path / "run", say=lambda line: None)
    (head,) = run.evaluation.heads
    config = to_config(head)
    assert (config["kind"], config["classes"]) == (kind, ("female", "male"))
    assert set(run.evaluation.answers["who"]) <= {"female", "male"}
    import multitask

    output = multitask.load(run.folder).model.output["who"]
    assert output.shape == (None, units)


# The real ones


@pytest.mark.skipif(not (REAL / "CK+48").is_dir(), reason="CK+48 is not here")
def test_real_ck48():
    reading = folder.read(REAL / "CK+48", name="expression")
    assert len(reading.table) + len(reading.skipped) == 981
    folders = reading.skipped["path"].map(lambda path: Path(path).parent.name)
    assert folders.unique().tolist() == ["contempt"]
    assert reading.table["expression"].nunique() == 6  # all but neutral
    # Of its 118 subjects some are seen in contempt only.
    assert reading.table["identity"].notna().all()
    every = folder.read(REAL / "CK+48", name="feeling")
    assert every.table["identity"].nunique() == 118
    assert (len(every.table), every.table["feeling"].nunique()) == (981, 7)


@pytest.mark.skipif(not (REAL / "HappySad").is_dir(), reason="HappySad is not here")
def test_real_happy_sad():
    own = folder.read(REAL / "HappySad", name="mood")
    assert own.heads == {"mood": {"kind": "softmax", "classes": ["happy", "sad"]}}
    assert len(own.table) == 107
    named = folder.read(REAL / "HappySad", name="expression")
    assert set(named.table["expression"]) == {"happiness", "sadness"}
    pd.testing.assert_series_equal(own.table["path"], named.table["path"])


def test_classes_of_left_and_right_change_places_in_a_mirror(tmp_path):
    names = ("Left turn", "Right turn", "leftover", "rightover", "front")
    files(tmp_path, *(f"{name}/a.png" for name in names))
    [head] = catalog.heads(["side"], folder.read(tmp_path, name="side").heads)
    classes = to_config(head)["classes"]
    swapped = [classes[i] for i in head.mirrored(np.arange(5))]
    places = dict(zip(classes, swapped, strict=True))
    assert places == {n: n for n in names} | {
        "Left turn": "Right turn", "Right turn": "Left turn",
    }  # fmt: skip
