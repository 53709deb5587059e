"""Which columns become heads, which ones the split, and is the rest left out aloud?"""

import pytest
from multitask.datasets import table

from multitask.contracts.errors import UserError
from multitask.contracts.recipe import Recipe
from multitask.data import sources
from multitask.data.joint_heads import with_asked
from tests.datasets.label_files import label_file
from tests.tables.typed_in import decided, read

pytestmark = pytest.mark.usefixtures("no_pictures")


def left_out(reading):
    return {c: why for c, (role, why) in decided(reading).items() if role == "left out"}


def test_ids_files_dates_boxes_and_texts_are_left_out(tmp_path):
    header = "image_id,original,taken,caption,eye x,eye y,eye w,eye h,mood"
    rows = [
        f"{n * 7},orig_{n}.png,2020-01-{n:02},A text no {n},3,4,{n},{n},{n % 2}"
        for n in range(1, 9)
    ]
    reading = read(tmp_path, header, *rows)
    assert left_out(reading) == {
        "image_id": "ids",
        "original": "names of files",
        "taken": "dates",
        "caption": "8 different texts in 8 rows",
        **dict.fromkeys(("eye x", "eye y", "eye w", "eye h"), "a box"),
    }
    assert reading.heads == {"mood": {"kind": "sigmoid"}}
    assert {"caption", "image_id"} <= set(reading.table)


@pytest.mark.parametrize(
    ("column", "cells", "why"),
    [
        ("subjectID", ["S1", "S2", "S3", "S4"], "ids"),
        ("id_num", ["9054", "9055", "9056", "9057"], "ids"),
        ("picture_num", ["0", "1", "0", "1"], "ids"),
        ("face_id_in_image", ["0", "1", "0", "2"], "ids"),
        ("annotator", ["ann0", "ann1", "ann0"], "who labelled"),
        ("meta.rater", ["1", "2", "1"], "who labelled"),
        ("labeled_by", ["Eve", "Bob", "Eve"], "who labelled"),
        ("Labeller", ["a", "b", "a"], "who labelled"),
        ("lead_time", ["3.5", "12.25", "4"], "how long the labelling took"),
        ("WorkTimeInSeconds", ["31", "45", "31"], "how long the labelling took"),
        ("Seconds", ["3.5", "12.25", "4"], "how long the labelling took"),
        ("timeTaken", ["84713", "89466", "11"], "how long the labelling took"),
        ("duration_ms", ["310", "452", "310"], "how long the labelling took"),
        ("verified_by", ["Eve", "Bob", "Eve"], "who labelled"),
        ("face_box_confidence", ["77.6", "42.7", "97"], "confidence of a box"),
        ("box_score", ["0.9", "0.8", "0.9"], "confidence of a box"),
        ("detConf", ["0.9", "0.8", "0.9"], "confidence of a box"),
        ("uuid", ["a1", "a1", "b2"], "ids"),
        ("number", list(map(str, range(1, 8))), "numbers of the rows"),
        ("seen", ["12:30", "12:31:05", "8:15"], "dates"),
        ("page", ["https://x.org/1", "https://x.org/2"], "links"),
        ("mask", ["s3://faces/1.png", "s3://faces/2.png"], "links"),
        ("thumbnail", ["gs://b/1.jpg", "gs://b/2.jpg", ""], "links"),
        ("created", ["1583020800", "1583020801", "1583020800"], "times"),
        ("meta.ts", ["1700000000", "1700000001", "1700000002"], "times"),
        ("note", [f"note {n}" for n in range(60)], "60 different texts"),
        ("blank", ["", "", ""], "has no label"),
    ],
)
def test_what_is_no_question(tmp_path, column, cells, why):
    rows = [f"{cell},{n % 2}" for n, cell in enumerate(cells)]
    reading = read(tmp_path, f"{column},indoor", *rows)
    assert left_out(reading) == {column: why}
    assert set(reading.heads) == {"indoor"}


@pytest.mark.parametrize(
    ("column", "cells"),
    [
        ("class_id", ["0", "1", "2", "0"]),
        ("weather", ["rain", "sun", "rain", "fog"]),
        ("year", ["1950", "1960", "1971", "1983", "1990"]),
        ("grid", ["1-2", "3-4", "1-2"]),
        ("rater_1", ["1", "2", "3", "1"]),
        ("worker", ["yes", "no", "no"]),
        ("person", ["0", "1", "1"]),
        ("num_faces", ["1", "2", "1"]),
        ("score", ["0.5", "0.75", "0.25"]),
        ("confidence", ["0.5", "0.75", "0.25"]),
        ("exposure_seconds", ["0.5", "0.75", "0.25"]),
        ("lit_by", ["sun", "lamp", "sun"]),
        ("height", ["170", "182", "170"]),
    ],
)
def test_what_is_a_question(tmp_path, column, cells):
    reading = read(tmp_path, column, *cells)
    assert set(reading.heads) == {column}
    assert not left_out(reading)


@pytest.mark.parametrize("column", ["conf", "Confidence"])
def test_confidence_beside_a_box_is_that_of_the_box(tmp_path, column):
    header, box = f"{column},box,indoor", "1 2 30 40"
    reading = read(tmp_path, header, f"0.5,{box},0", f"0.75,{box},1", f",{box},0")
    assert left_out(reading) == {column: "confidence of a box"}
    reading = read(
        tmp_path, header, f"sure,{box},0", f"unsure,{box},1", f"sure,{box},0"
    )
    assert set(reading.heads) == {column, "indoor"}


ADVICE = (
    'role = "identity" under [column.{}] in the TOML beside the table keeps each '
    "person in one part of the split"
)


@pytest.mark.parametrize(
    ("column", "section", "cells"),
    [
        ("subject_id", "subject_id", ["S1", "S1", "S2", "S2"]),
        ("person", "person", ["ann", "bob", "ann", "cem"]),
        ("celeb_id", "celeb_id", ["2880", "2937", "2880"]),
        ("identity_id", "identity_id", ["0", "1", "1", "0"]),
        ("meta.actor id", '"meta.actor id"', ["7", "8", "7"]),
    ],
)
def test_ids_of_persons_are_left_out_with_advice(tmp_path, column, section, cells):
    rows = [f"{cell},{n % 2}" for n, cell in enumerate(cells)]
    reading = read(tmp_path, f"{column},indoor", *rows)
    assert left_out(reading) == {column: f"ids of persons; {ADVICE.format(section)}"}
    toml = f'[column.{section}]\nrole = "identity"'
    declared = read(tmp_path, f"{column},indoor", *rows, toml=toml)
    assert declared.table["identity"].tolist() == cells
    assert decided(declared)["identity"] == ("identity", f"is column {column!r}")


@pytest.mark.parametrize(
    ("column", "cells"),
    [
        ("subject", ["portrait", "landscape", "portrait"]),
        ("celebrity", ["Heath Ledger", "Idris Elba", "Idris Elba"]),
        ("actor", ["eve", "bob", "bob"]),
    ],
)
def test_a_column_that_may_be_of_persons_is_a_head_with_advice(tmp_path, column, cells):
    reading = read(tmp_path, column, *cells)
    assert set(reading.heads) == {column}
    advice = f"if it says who is shown, {ADVICE.format(column)}"
    assert decided(reading)[column] == ("label", advice)


def test_there_is_no_advice_if_the_identity_is_known(tmp_path):
    rows = ["S1,ann,0", "S2,bob,1", "S1,ann,0"]
    reading = read(tmp_path, "subject_id,identity,indoor", *rows)
    assert left_out(reading) == {"subject_id": "ids of persons"}


@pytest.mark.parametrize(
    ("header", "sizes"),
    [
        ("width,height,box", ["width", "height"]),
        ("width,height,xmin,ymin,xmax,ymax", ["width", "height"]),
        ("image_width,image_height", ["image_width", "image_height"]),
        ("img_w,img_h", ["img_w", "img_h"]),
        ("width,height", []),
        ("w,h", []),
        ("height,box", []),
    ],
)
def test_the_size_of_the_picture_is_no_label(tmp_path, header, sizes):
    sides = {"box": "1 2 3 4", "xmin": "1", "ymin": "2", "xmax": "3", "ymax": "4"}
    rows = [
        ",".join(sides.get(name, size) for name in header.split(","))
        for size in ("640", "480", "640")
    ]
    reading = read(tmp_path, header, *rows)
    assert left_out(reading) == dict.fromkeys(sizes, "the size of the picture")


def test_a_declaration_or_heads_overrules_what_is_left_out(tmp_path):
    rows = [f"text {n},{n % 2}" for n in range(6)]
    toml = '[column.caption]\nrole = "label"\n[column.indoor]\nrole = "none"'
    declared = read(tmp_path, "caption,indoor", *rows, toml=toml)
    assert set(declared.heads) == {"caption"}
    assert "indoor" not in declared.table
    (tmp_path / "labels.csv.toml").unlink()
    asked = with_asked(read(tmp_path, "caption,indoor", *rows), ["caption:softmax"], {})
    assert len(asked["caption"]["classes"]) == 6


def test_roles_may_be_declared(tmp_path):
    toml = '[column.who]\nrole = "identity"\n[column.side]\nrole = "split"'
    rows = ["ann,train,1", "bob,dev,0"]
    table = read(tmp_path, "who,side,indoor", *rows, toml=toml).table
    assert table["identity"].tolist() == ["ann", "bob"]
    assert table["split"].tolist() == ["train", "val"]
    toml = '[column.who]\nrole = "identity"\n[column.side]\nrole = "identity"'
    with pytest.raises(UserError, match="'side' is declared as 'identity', .*only one"):
        read(tmp_path, "who,side,indoor", *rows, toml=toml)


def test_two_data_sets_leave_out_what_each_does(tmp_path):
    rows = [f"{n * 3},{n % 2}" for n in range(6)]
    files = []
    for name in ("one", "two"):
        read(tmp_path / name, "face_id,indoor", *rows)
        files.append(f"{name}=table:{tmp_path / name / 'labels.csv'}")
    assert set(sources.read_all(files).heads) == {"indoor"}
    assert Recipe(data=tuple(files), heads=("face_id",)).heads == ("face_id",)


# Splits


@pytest.mark.parametrize(
    ("column", "cells", "expected"),
    [
        ("Usage", ["Training", "PublicTest", "PrivateTest"], ["train", "val", "test"]),
        ("subset", ["train", "dev", "eval"], ["train", "val", "test"]),
        ("subset", ["train", "eval", "test"], ["train", "val", "test"]),
        ("partition", ["0", "1", "2"], ["train", "val", "test"]),
        ("partition", ["1", "3", "2"], ["train", "test", "val"]),
        ("fold", ["train", "val", "Test "], ["train", "val", "test"]),
        ("split", ["Dev", "TRAIN", "holdout"], ["val", "train", "test"]),
        ("is_valid", ["True", "False", "FALSE"], ["val", "train", "train"]),
        ("is_test", ["0", "1", "0"], ["train", "test", "train"]),
        ("valid", ["no", "no", "yes"], ["train", "train", "val"]),
        ("is_train", ["1", "0", "1"], ["train", "test", "train"]),
    ],
)
def test_a_column_is_the_split(tmp_path, column, cells, expected):
    rows = [f"{cell},{n % 2}" for n, cell in enumerate(cells)]
    reading = read(tmp_path, f"{column},indoor", *rows)
    assert reading.table["split"].tolist() == expected
    assert decided(reading)[column][0] == "split"
    assert set(reading.heads) == {"indoor"}


def test_two_columns_of_yes_and_no_are_one_split(tmp_path):
    rows = ["1,0,a", "0,1,b", "0,0,a", ",,b"]
    reading = read(tmp_path, "is_val,is_test,genre", *rows)
    assert reading.table["split"].tolist()[:3] == ["val", "test", "train"]
    assert reading.table["split"].isna().tolist() == [False] * 3 + [True]
    assert decided(reading)["is_val"] == ("split", "true is val; false is train")
    with pytest.raises(UserError, match="row 5: is_val and is_test are true"):
        read(tmp_path, "is_val,is_test,genre", *rows, "1,1,a")


def test_a_column_that_does_not_fit_is_no_split(tmp_path):
    folds = read(tmp_path, "fold,genre", "0,a", "1,b", "2,a", "3,b")
    assert left_out(folds) == {"fold": "numbers of folds, not train, val and test"}
    assert "split" not in folds.table
    subset = read(tmp_path, "subset", "films", "plays", "films", "train")
    assert subset.heads["subset"]["classes"] == ["films", "plays", "train"]
    valid = read(tmp_path, "valid,genre", "1,a", "1,b", "1,a", "0,b")
    assert left_out(valid) == {
        "valid": "is true in 75% of the rows, too many for a part"
    }


def test_only_one_column_is_the_split(tmp_path):
    reading = read(tmp_path, "Usage,split,is_test", "a,train,1", "b,test,0")
    assert reading.table["split"].tolist() == ["train", "test"]
    assert left_out(reading) == {"is_test": "'split' is the split"}


@pytest.mark.parametrize(
    ("column", "cells", "message"),
    [
        ("Usage", ["Training", "Test", "Test", "Privat"], "row 4: Usage is 'Privat'"),
        ("split", ["train", "tset"], "row 2: split is 'tset', must be one of train"),
        ("partition", ["0", "1", "2", "7"], "row 4: partition is '7', must be one"),
        ("is_valid", ["0", "1", "O", "0"], "row 3: is_valid is 'O', must be true or"),
    ],
)
def test_a_broken_cell_of_a_split_is_named(tmp_path, column, cells, message):
    with pytest.raises(UserError, match=message):
        read(tmp_path, column, *cells)


# Splits and numbers among other cells


def test_an_unknown_word_in_a_split_is_an_error_that_says_how_to_leave_it_out(tmp_path):
    cells = ["TRAIN"] * 8 + ["Test"] * 3 + ["unused"] * 4
    rows = [f"{cell},{n % 2}" for n, cell in enumerate(cells)]
    message = r"row 12: Split is 'unused', must be one of .*missing = \["
    with pytest.raises(UserError, match=message):
        read(tmp_path, "Split,indoor", *rows)
    toml = '[column.Split]\nmissing = ["unused"]'
    parts = read(tmp_path, "Split,indoor", *rows, toml=toml).table["split"]
    assert parts.fillna("").tolist() == ["train"] * 8 + ["test"] * 3 + [""] * 4


def test_numbers_with_many_words_are_an_error_not_classes(tmp_path):
    cells = [f"{n}.25" for n in range(20)] + ["n.b."] * 5
    message = r"score is 'n.b.', must be a number .and so must 4 others"
    with pytest.raises(UserError, match=message):
        read(tmp_path, "score", *cells)
    grades = ["1", "2", "3", "K", "K", "1", "2", "3"]
    classes = read(tmp_path, "grade", *grades).heads["grade"]["classes"]
    assert classes == ["1", "2", "3", "K"]


def test_whole_numbers_with_few_labels_each_are_a_range(tmp_path):
    many = read(tmp_path, "Alter", *map(str, range(18, 58)))
    assert many.heads["Alter"] == {"kind": "regression", "low": 18, "high": 57}
    few = read(tmp_path, "stars", *map(str, [1, 2, 3, 4, 5, 5]))
    assert few.heads["stars"]["kind"] == "softmax"


def test_columns_that_questions_make_are_labels(tmp_path):
    toml = '[votes.mood]\ncolumns = ["Happy", "Sad"]'
    rows = [f"{10 - n},{n}" for n in range(1, 7)]  # Sad counts the rows
    reading = read(tmp_path, "Happy,Sad", *rows, toml=toml)
    assert "left out" not in [role for role, _ in decided(reading).values()]
    assert not {"mood_Happy", "mood_Sad"} & {*decided(reading)}


def test_a_column_whose_rows_vote_is_a_label(tmp_path):
    names = ["a", "b", "c", "d", "e"]
    rows = [f"{name},{n}-{name}" for n in range(5) for name in names]
    file = label_file(tmp_path, "\n".join(["path,what", *rows, ""]), *names)
    (tmp_path / "labels.csv.toml").write_text("[votes.what]")
    assert decided(table.read(file, name="mine"))["what"][0] == "label"


def test_contradictions_in_a_column_that_is_left_out_are_told(tmp_path):
    rows = ["a,calm,W1", "b,calm,W2", "a,calm,W3", "c,wild,W1"]
    file = label_file(tmp_path, "\n".join(["path,mood,worker_id", *rows]), *"abc")
    reading = table.read(file, name="mine")
    role, remarks = decided(reading)["worker_id"]
    assert (role, "1 picture left empty, as rows" in remarks) == ("left out", True)
    assert reading.skipped.empty
