"""Does the reader of FairFace read ages as intervals, also if they became dates?"""

import csv
import time
from collections import Counter
from pathlib import Path

import pytest
from multitask.datasets import fairface
from multitask.datasets._truth import truth

from multitask.contracts import catalog
from multitask.contracts.errors import UserError
from multitask.contracts.table import check
from multitask.data import sources
from tests import layouts

REAL = Path(__file__).parents[3] / "shared" / "data" / "FairFace"
HEADER = "file,age,gender,race,service_test"
TRAIN = "fairface_label_train.csv"
VAL = "fairface_label_val.csv"


def folder(path: Path, *rows: str, part="train", header=HEADER, pictures=None) -> Path:
    """A part of FairFace with empty pictures: the reader opens none."""
    named = [row.split(",")[0] for row in rows] if pictures is None else pictures
    for name in named:
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).touch()
    text = "".join(f"{line}\n" for line in (header, *rows))
    (path / f"fairface_label_{part}.csv").write_text(text, encoding="utf-8")
    return path


def one(path: Path, *, age="20-29", gender="Male", race="White"):
    """The reading of one picture with these labels."""
    return fairface.read(folder(path, f"train/1.jpg,{age},{gender},{race},TRUE"))


def skipped(reading) -> list[tuple[str, str]]:
    rows = reading.skipped.itertuples(index=False)
    return [(Path(row.path).name, row.reason) for row in rows]


def test_labels_of_both_parts(tmp_path):
    folder(tmp_path, "train/1.jpg,3-9,Female,East Asian,FALSE")
    folder(tmp_path, "val/1.jpg,more than 70,Male,Latino_Hispanic,TRUE", part="val")
    reading = fairface.read(tmp_path)
    assert reading.table.to_dict("records") == [
        {
            "path": str(tmp_path / "train" / "1.jpg"),
            **{"age_low": 3.0, "age_high": 9.0, "gender": "female"},
            **{"race": "asian", "race7": "east_asian"},
            **{"split": "train", "source": "fairface"},
        },
        {
            "path": str(tmp_path / "val" / "1.jpg"),
            **{"age_low": 70.0, "age_high": 116.0, "gender": "male"},
            **{"race": "others", "race7": "latino_hispanic"},
            **{"split": "val", "source": "fairface"},
        },
    ]
    assert reading.skipped.empty


def test_what_the_sample_writes_is_read_as_the_truth(tmp_path):
    layouts.write(tmp_path / "new", "fairface", count=60)
    reading = fairface.read(tmp_path / "new")
    assert reading.skipped.empty
    faces = [truth(0, number) for number in range(60)]
    # Every fifth is for validation; those for training come first.
    order = [f for n, f in enumerate(faces) if n % 5 != 4] + faces[4::5]
    table = reading.table
    assert table["split"].tolist() == ["train"] * 48 + ["val"] * 12
    for column in ("gender", "race", "race7"):
        assert table[column].tolist() == [getattr(face, column) for face in order]
    for low, high, face in zip(table["age_low"], table["age_high"], order, strict=True):
        assert low <= face.age <= high
        assert high - low <= 9 or low == 70
    for head in catalog.heads(["fairface"]):
        assert head.encode(table).weights.all()


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("0-2", 0, 2),
        ("3-9", 3, 9),
        ("10-19", 10, 19),
        ("20-29", 20, 29),
        ("30-39", 30, 39),
        ("40-49", 40, 49),
        ("50-59", 50, 59),
        ("60-69", 60, 69),
        ("more than 70", 70, 116),
    ],
)
def test_a_class_of_age_is_an_interval_of_years(tmp_path, text, low, high):
    reading = one(tmp_path, age=text)
    assert reading.table.loc[0, ["age_low", "age_high"]].tolist() == [low, high]
    assert skipped(reading) == []


@pytest.mark.parametrize(
    "text",
    ["03-Sep", "3-Sep", "Sep-03", "Sep-3", "9-Mar", "09-Mar", "Mar-09", "03. Sep."]
    + ["03-09", "3/9", "3/9/2024", "2024-03-09 00:00:00", "9-M\u00e4r", "3 \u2013 9"]
    + ["03-SEPT", "9-March"],
)
def test_a_spreadsheets_date_for_3_to_9(tmp_path, text):
    table = one(tmp_path, age=text).table
    assert table.loc[0, ["age_low", "age_high"]].tolist() == [3, 9]


@pytest.mark.parametrize(
    "text",
    [
        "Oct-19",
        "19-Oct",
        "October-19",
        "10/19/2024",
        "2019-10-01",
        "Okt 19",
        "10/1/2019",
    ],
)
def test_a_spreadsheets_date_for_10_to_19(tmp_path, text):
    table = one(tmp_path, age=text).table
    assert table.loc[0, ["age_low", "age_high"]].tolist() == [10, 19]


@pytest.mark.parametrize("text", ["70+", "> 70", "More than 70 ", "70 or more"])
def test_other_words_for_more_than_70(tmp_path, text):
    table = one(tmp_path, age=text).table
    assert table.loc[0, ["age_low", "age_high"]].tolist() == [70, 116]


@pytest.mark.parametrize("text", ["31", "12-Mar", "3-Oct", "unknown", "20-39", "NA"])
def test_another_age_is_left_empty_and_told(tmp_path, text):
    reading = one(tmp_path, age=text)
    assert reading.table[["age_low", "age_high"]].isna().all(axis=None)
    assert reading.table["gender"].tolist() == ["male"]
    ((name, reason),) = skipped(reading)
    assert name == "1.jpg"
    assert reason.startswith(f"age is {text!r}, left empty")


@pytest.mark.parametrize(
    ("text", "race", "race7"),
    [
        ("White", "white", "white"),
        ("Black", "black", "black"),
        ("Indian", "indian", "indian"),
        ("East Asian", "asian", "east_asian"),
        ("Southeast Asian", "asian", "southeast_asian"),
        ("Middle Eastern", "others", "middle_eastern"),
        ("Latino_Hispanic", "others", "latino_hispanic"),
        ("southeast_asian ", "asian", "southeast_asian"),
        ("Latino Hispanic", "others", "latino_hispanic"),
    ],
)
def test_seven_races_fold_into_five(tmp_path, text, race, race7):
    table = one(tmp_path, race=text).table
    assert table.loc[0, ["race", "race7"]].tolist() == [race, race7]


def test_what_is_no_gender_or_race_is_left_empty_and_told(tmp_path):
    reading = one(tmp_path, gender="Femal", race="Martian")
    assert reading.table[["gender", "race", "race7"]].isna().all(axis=None)
    (_, gender), (_, race) = skipped(reading)
    assert gender == (
        "gender is 'Femal', left empty; did you mean 'Female'? Known: Male, Female"
    )
    assert race.startswith("race is 'Martian', left empty;")


def test_an_empty_cell_is_nobody_said(tmp_path):
    reading = one(tmp_path, age="", gender="", race="")
    labels = ["age_low", "age_high", "gender", "race", "race7"]
    assert reading.table[labels].isna().all(axis=None)
    assert skipped(reading) == []


# Parts


def test_a_stray_quote_costs_its_own_line_only(tmp_path):
    rows = [f'train/{n}.jpg,"50-59,Male,Black,TRUE' for n in (1, 2)]
    good = "train/3.jpg,0-2,Male,Black,TRUE"
    reading = fairface.read(folder(tmp_path, *rows, good))
    assert len(reading.table) == 1
    reason = "has 2 fields, must have 5"
    lines = [text for name, text in skipped(reading) if name == TRAIN]
    assert lines == [f"line 2 {reason}", f"line 3 {reason}"]


def test_lines_of_an_old_mac_and_a_field_of_any_length_are_read(tmp_path):
    folder(tmp_path, "train/1.jpg,", "train/2.jpg,")
    rows = ("1.jpg,20-29,Male,White,TRUE", f"2.jpg,3-9,Female,{'x' * 140_000},TRUE")
    (tmp_path / TRAIN).write_bytes("\r".join((HEADER, *rows)).encode())
    reading = fairface.read(tmp_path)
    assert reading.table["gender"].tolist() == ["male", "female"]
    assert reading.table["race7"].isna().tolist() == [False, True]


@pytest.mark.parametrize("part", ["train", "val"])
def test_one_part_alone_is_no_split(tmp_path, part):
    row = f"{part}/1.jpg,0-2,Male,Black,TRUE"
    reading = fairface.read(folder(tmp_path, row, part=part))
    assert "split" not in reading.table
    note = f"every picture is in part {part!r}, so the split is left to chance."
    assert reading.notes == (f"--data fairface: {note}",)
    assert skipped(reading) == []


def test_pictures_of_a_part_without_labels_are_set_aside(tmp_path):
    folder(tmp_path, "train/1.jpg,0-2,Male,Black,TRUE")
    (tmp_path / "val").mkdir()
    (tmp_path / "val" / "1.jpg").touch()
    reading = fairface.read(tmp_path)
    assert reading.table["path"].tolist() == [str(tmp_path / "train" / "1.jpg")]
    assert skipped(reading) == [("1.jpg", f"{TRAIN} does not list it")]
    assert reading.skipped["path"][0] == str(tmp_path / "val" / "1.jpg")


def test_labels_of_a_part_without_pictures_are_set_aside(tmp_path):
    folder(tmp_path, "train/1.jpg,0-2,Male,Black,TRUE")
    folder(tmp_path, "val/1.jpg,0-2,Male,Black,TRUE", part="val", pictures=[])
    reading = fairface.read(tmp_path)
    assert len(reading.table) == 1
    reason = f"{TRAIN} or {VAL} lists it, there is no such picture"
    assert skipped(reading) == [("1.jpg", reason)]
    assert reading.skipped["path"][0] == str(tmp_path / "val" / "1.jpg")


# Files


@pytest.mark.parametrize(
    ("listed", "there"),
    [
        ("train/1.jpg", "train/1.JPG"),
        ("train/1.jpg", "train/1.png"),
        ("1.jpg", "train/1.jpg"),
        ("train\\1.jpg", "train/1.jpg"),
        ("train/\u00e9 1.jpg", "train/e\u0301 1.jpg"),
    ],
)
def test_a_picture_spelt_otherwise_is_found(tmp_path, listed, there):
    row = f"{listed},0-2,Male,Black,TRUE"
    reading = fairface.read(folder(tmp_path, row, pictures=[there]))
    assert reading.table["path"].tolist() == [str(tmp_path / there)]
    assert skipped(reading) == []


def test_a_picture_listed_twice_keeps_what_both_lines_say(tmp_path):
    rows = ["train/1.jpg,0-2,Male,Black,TRUE", "train/1.jpg,3-9,,Black,TRUE"]
    reading = fairface.read(folder(tmp_path, *rows))
    (row,) = reading.table.to_dict("records")
    assert (row["gender"], row["race"], row["race7"]) == ("male", "black", "black")
    assert reading.table[["age_low", "age_high"]].isna().all(axis=None)
    assert [reason for _, reason in skipped(reading)] == [
        "age_low is 0 and 3 of one picture, left empty; must be the same in all",
        "age_high is 2 and 9 of one picture, left empty; must be the same in all",
    ]
    assert len(check(reading.table)) == 1


def test_a_copy_that_a_spreadsheet_saved(tmp_path):
    rows = ["train/1.jpg;03-Sep;Male;White;WAHR", "", "train/2.jpg;19-Okt;Female;Black"]
    header = "File;Age;Gender;Race;Service_Test"
    path = folder(tmp_path, *rows, header=header, pictures=["train/1.jpg"])
    text = (path / TRAIN).read_text().replace("\n", "\r\n")
    (path / TRAIN).write_bytes(b"\xef\xbb\xbf" + text.encode())
    reading = fairface.read(path)
    (row,) = reading.table.to_dict("records")
    assert (row["age_low"], row["age_high"], row["race7"]) == (3, 9, "white")
    assert skipped(reading) == [(TRAIN, "line 4 has 4 fields, must have 5")]


def test_a_column_that_is_missing_is_told(tmp_path):
    path = folder(tmp_path, "train/1.jpg,Male", header="file,gender")
    reading = fairface.read(path)
    assert reading.table["gender"].tolist() == ["male"]
    assert reading.table["race"].isna().all()
    reason = "has no column age, race: these labels stay empty"
    assert skipped(reading) == [(TRAIN, reason)]


def test_blanks_unicode_tilde_and_links(tmp_path, monkeypatch):
    name = "my faces \u00e9\u4e2d"
    folder(tmp_path / name, "train/1.jpg,0-2,Male,Black,TRUE")
    (tmp_path / name / "train").rename(tmp_path / "elsewhere")
    (tmp_path / name / "train").symlink_to(tmp_path / "elsewhere")
    monkeypatch.setenv("HOME", str(tmp_path))
    paths = sources.read_all([f"fairface=~/{name}"]).table["path"]
    assert paths.tolist() == [str(tmp_path / name / "train" / "1.jpg")]


# Mistakes


def error(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        fairface.read(path)
    return str(caught.value)


def test_no_such_folder_and_a_file_instead(tmp_path):
    assert error(tmp_path / "no").startswith("--data fairface: there is no folder '")
    (tmp_path / "fairface.zip").touch()
    assert "is a file, not a folder" in error(tmp_path / "fairface.zip")


def test_no_labels(tmp_path):
    assert error(tmp_path) == (
        f"--data fairface: '{tmp_path}' contains neither {TRAIN} nor {VAL}; give "
        "the folder that contains one of them, beside train/ and val/"
    )


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("", "has no column 'file', only none; "),
        ("files,age", "has no column 'file', only files, age; did you mean 'file'?"),
    ],
)
def test_labels_without_names_of_files(tmp_path, header, message):
    folder(tmp_path, header=header, pictures=["train/1.jpg"])
    assert f"{TRAIN}': {message}" in error(tmp_path)


def test_labels_that_are_there_twice(tmp_path):
    rows = ("train/1.jpg,3-9,Male,White,20-29",)
    folder(tmp_path, *rows, header="file,age,gender,race,Age")
    assert "has column 'age' twice; rename one of them" in error(tmp_path)
    folder(tmp_path, *rows, header="file,age,gender,,")  # as spreadsheets leave them
    assert fairface.read(tmp_path).table["gender"].tolist() == ["male"]


def test_no_picture_at_all(tmp_path):
    row = "train/1.jpg,0-2,Male,Black,TRUE"
    message = error(folder(tmp_path, row, pictures=[]))
    assert f"holds 1 file such as '{TRAIN}' but no picture" in message


def test_no_picture_that_is_listed(tmp_path):
    row = "train/1.jpg,0-2,Male,Black,TRUE"
    message = error(folder(tmp_path, row, pictures=["train/2.jpg"]))
    assert "2 things were set aside, the first 'train/1.jpg': " in message


# As it is published, and as large


@pytest.mark.skipif(not REAL.is_dir(), reason="the real FairFace is not here")
def test_real_labels():
    reading = fairface.read(REAL)
    assert skipped(reading) == []
    labels = ["age_low", "age_high", "gender", "race", "race7"]
    assert reading.table[labels].notna().all(axis=None)
    with (REAL / "fairface_label_train.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert len(check(reading.table)) == len(lines)
    race7 = Counter(line["race"] for line in lines)
    counts = reading.table["race7"].value_counts()
    assert counts["southeast_asian"] == race7["Southeast Asian"]
    assert counts["middle_eastern"] == race7["Middle Eastern"]
    assert counts["latino_hispanic"] == race7["Latino_Hispanic"]
    asian = race7["East Asian"] + race7["Southeast Asian"]
    assert (reading.table["race"] == "asian").sum() == asian
    oldest = sum(line["age"] == "more than 70" for line in lines)
    assert (reading.table["age_low"] == 70).sum() == oldest


@pytest.mark.slow
def test_200000_pictures_are_read_in_seconds(tmp_path, monkeypatch):
    count = 200_000
    names = [f"train/{n}.jpg" for n in range(count)]
    path = folder(tmp_path, *(f"{n},20-29,Male,White,TRUE" for n in names), pictures=[])
    # Said to be there: to make so many files takes longer than all else.
    paths = [str(path / name) for name in names]
    monkeypatch.setattr(fairface, "pictures", lambda folder, where: paths)
    start = time.process_time()
    assert len(fairface.read(path).table) == count
    assert time.process_time() - start < 20


MARGINS = ("fairface-img-margin025-trainval", "fairface-img-margin125-trainval")


def archives(path: Path, *margins: str) -> Path:
    """The files of labels beside the folders of these archives."""
    rows = {"train": ["train/1.jpg", "train/2.jpg"], "val": ["val/1.jpg"]}
    for part, names in rows.items():
        labelled = [f"{name},20-29,Male,White,TRUE" for name in names]
        inside = [f"{margin}/{name}" for margin in margins for name in names]
        folder(path, *labelled, part=part, pictures=inside)
    return path


@pytest.mark.parametrize("given", ["", MARGINS[0], MARGINS[1]])
def test_the_folder_of_an_archive_and_the_one_above_are_read(tmp_path, given):
    archives(tmp_path, given or MARGINS[0])
    reading = fairface.read(tmp_path / given)
    found = [Path(path).relative_to(tmp_path) for path in reading.table["path"]]
    inside = given or MARGINS[0]
    names = ["train/1.jpg", "train/2.jpg", "val/1.jpg"]
    assert [path.as_posix() for path in found] == [f"{inside}/{n}" for n in names]
    assert reading.table["split"].tolist() == ["train", "train", "val"]
    assert (skipped(reading), reading.notes) == ([], ())


def test_of_both_archives_the_faces_with_less_margin_are_read_as_a_note_says(tmp_path):
    archives(tmp_path, *MARGINS)
    reading = fairface.read(tmp_path)
    assert len(reading.table) == 3
    assert all(f"/{MARGINS[0]}/" in path for path in reading.table["path"])
    assert skipped(reading) == []
    assert reading.notes == (
        f"--data fairface: '{MARGINS[1]}' has pictures that '{MARGINS[0]}' has, too: "
        "these are read. Give the folder to read the others.",
    )
    table = fairface.read(tmp_path / MARGINS[1]).table
    assert all(f"/{MARGINS[1]}/" in path for path in table["path"])


def test_the_folder_of_one_part_has_the_labels_of_this_part(tmp_path):
    archives(tmp_path, MARGINS[0])
    reading = fairface.read(tmp_path / MARGINS[0] / "val")
    assert [Path(path).parent.name for path in reading.table["path"]] == ["val"]
    assert skipped(reading) == []


def test_files_of_labels_may_lie_in_a_folder_of_their_own(tmp_path):
    archives(tmp_path, MARGINS[0])
    (tmp_path / "labels").mkdir()
    for name in (TRAIN, VAL):
        (tmp_path / name).rename(tmp_path / "labels" / name)
    assert len(fairface.read(tmp_path).table) == 3
