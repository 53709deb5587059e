"""Does the reader of CelebA say what its lists say, and tell where they disagree?"""

import time
from pathlib import Path

import pandas as pd
import pytest
from multitask.datasets import celeba
from multitask.datasets._truth import COLUMNS, truth

from multitask.contracts import catalog
from multitask.contracts.errors import UserError
from multitask.contracts.table import any_file_name, check
from multitask.data import sources
from multitask.data.labels import describe_skipped
from tests import layouts

REAL = Path(__file__).parents[3] / "shared" / "data" / "CelebA"
NAMES = ("Male", "Smiling", "Young")
# One picture a row: a young man who smiles, an old woman who does not.
ROWS = {"000001.jpg": (1, 1, 1), "000002.jpg": (-1, -1, -1)}


def folder(
    path: Path,
    rows=ROWS,
    *,
    pictures=None,
    count=None,
    names=NAMES,
    images="img_align_celeba",
) -> Path:
    """A folder of CelebA with empty pictures: the reader opens none."""
    (path / images).mkdir(parents=True)
    for name in rows if pictures is None else pictures:
        (path / images / name).touch()
    lines = [f"{name} {'  '.join(map(str, signs))}" for name, signs in rows.items()]
    head = [str(len(rows) if count is None else count), f"{' '.join(names)} "]
    write(path / "list_attr_celeba.txt", *head, *lines)
    return path


def write(path: Path, *lines: str) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def skipped(reading) -> list[tuple[str, str]]:
    rows = reading.skipped.itertuples(index=False)
    return [(Path(row.path).name, row.reason) for row in rows]


def cells(reading, *columns: str) -> list[list[object]]:
    table = reading.table.assign(name=reading.table["path"].map(lambda p: Path(p).name))
    return list(map(list, table[["name", *columns]].itertuples(index=False)))


def test_signs_are_attributes_and_male_is_gender(tmp_path):
    reading = celeba.read(folder(tmp_path))
    assert reading.table.to_dict("records") == [
        {
            "path": str(tmp_path / "img_align_celeba" / "000001.jpg"),
            **{"Male": 1.0, "Smiling": 1.0, "Young": 1.0},
            **{"gender": "male", "source": "celeba"},
        },
        {
            "path": str(tmp_path / "img_align_celeba" / "000002.jpg"),
            **{"Male": 0.0, "Smiling": 0.0, "Young": 0.0},
            **{"gender": "female", "source": "celeba"},
        },
    ]
    assert reading.skipped.empty


def test_what_the_sample_writes_is_read_as_the_truth(tmp_path):
    layouts.write(tmp_path / "new", "celeba", count=48)
    reading = celeba.read(tmp_path / "new")
    assert reading.skipped.empty
    faces = [truth(0, number) for number in range(48)]
    attributes = [[float(so) for so in face.attributes().values()] for face in faces]
    assert reading.table[list(COLUMNS)].values.tolist() == attributes
    assert reading.table["gender"].tolist() == [face.gender for face in faces]
    # Four pictures a person: 48 are 12, the ninth for validation, the tenth a test.
    assert reading.table["identity"].tolist() == [str(n // 4 + 1) for n in range(48)]
    parts = ["train"] * 32 + ["val"] * 4 + ["test"] * 4 + ["train"] * 8
    assert reading.table["split"].tolist() == parts
    (head,) = catalog.heads(["attributes"])
    assert head.encode(reading.table).weights.all()


def test_data_marks_identities_with_the_name_of_the_set(tmp_path):
    write(folder(tmp_path) / "identity_CelebA.txt", "000001.jpg 7", "000002.jpg 8")
    table = sources.read_all([f"celeba={tmp_path}"]).table
    assert table["identity"].tolist() == ["celeba:7", "celeba:8"]


def test_csv_edition_with_pictures_a_folder_deeper(tmp_path):
    path = folder(tmp_path, images="img_align_celeba/img_align_celeba")
    (path / "list_attr_celeba.txt").unlink()
    rows = ["image_id,Male,Smiling", "000001.jpg,1,-1", "000002.jpg,-1,1"]
    write(path / "list_attr_celeba.csv", *rows)
    parts = ["image_id,partition", "000001.jpg,0", "000002.jpg,2"]
    write(path / "list_eval_partition.csv", *parts)
    reading = celeba.read(path)
    assert cells(reading, "Smiling", "gender", "split") == [
        ["000001.jpg", 0.0, "male", "train"],
        ["000002.jpg", 1.0, "female", "test"],
    ]
    assert reading.skipped.empty


def test_the_publishers_own_folders(tmp_path):
    path = folder(tmp_path, images="Img/img_align_celeba")
    for place, name in (("Anno", "list_attr_celeba"), ("Eval", "list_eval_partition")):
        (path / place).mkdir()
        if place == "Eval":
            write(path / f"{name}.txt", "000001.jpg 1", "000002.jpg 0")
        (path / f"{name}.txt").rename(path / place / f"{name}.txt")
    assert cells(celeba.read(path), "split") == [
        ["000001.jpg", "val"],
        ["000002.jpg", "train"],
    ]


def test_a_part_of_the_attributes_in_any_order_is_read_by_name(tmp_path):
    reading = celeba.read(folder(tmp_path, {"a.jpg": (-1, 1)}, names=("Young", "bald")))
    assert cells(reading, "Young", "Bald") == [["a.jpg", 0.0, 1.0]]
    assert "gender" not in reading.table


def test_a_column_that_is_no_attribute_is_left_out_and_told(tmp_path):
    reading = celeba.read(folder(tmp_path, {"a.jpg": (1, 1)}, names=("Male", "split")))
    assert list(reading.table) == ["path", "Male", "gender", "source"]
    assert skipped(reading) == [
        ("list_attr_celeba.txt", "split: no attribute of CelebA, left out")
    ]


# Lists and folder that disagree


def test_lines_without_a_picture_and_pictures_without_a_line(tmp_path):
    path = folder(tmp_path, pictures=["000002.jpg", "000003.jpg"])
    reading = celeba.read(path)
    assert cells(reading) == [["000002.jpg"]]
    skipped_rows = reading.skipped.to_dict("records")
    images = path / "img_align_celeba"
    assert [Path(row["path"]) for row in skipped_rows] == [
        images / "000001.jpg",
        images / "000003.jpg",
    ]
    assert (
        skipped_rows[0]["reason"]
        == "list_attr_celeba.txt lists it, there is no such picture"
    )
    assert skipped_rows[1]["reason"] == "list_attr_celeba.txt does not list it"


@pytest.mark.parametrize("count", [1, 3, 202599])
def test_a_count_that_lies_is_told_and_the_lines_are_read(tmp_path, count):
    reading = celeba.read(folder(tmp_path, count=count))
    assert len(reading.table) == 2
    reason = f"the first line promises {count} pictures, 2 lines follow"
    assert skipped(reading) == [("list_attr_celeba.txt", reason)]
    assert describe_skipped(reading.skipped, reading.table) == "1 entry"


def test_lines_of_another_length_are_set_aside(tmp_path):
    rows = {**ROWS, "000003.jpg": (1, 1), "000004.jpg": (1, 1, 1, 1)}
    reading = celeba.read(folder(tmp_path, rows, pictures=ROWS))
    assert cells(reading) == [["000001.jpg"], ["000002.jpg"]]
    assert skipped(reading) == [
        ("list_attr_celeba.txt", "line 5 has 3 fields, must have 4"),
        ("list_attr_celeba.txt", "line 6 has 5 fields, must have 4"),
    ]


def test_a_malformed_line_and_its_picture_are_one_entry(tmp_path):
    path = folder(tmp_path, {**ROWS, "000003.jpg": (1, 1), "000004.jpg": (1,)}, count=4)
    write(
        path / "list_attr_celeba.txt",
        *(path / "list_attr_celeba.txt").read_text().splitlines(),
        "000004.jpg 1 -1 1",  # a second line, which is right
    )
    reading = celeba.read(path)
    assert cells(reading) == [["000001.jpg"], ["000002.jpg"], ["000004.jpg"]]
    assert skipped(reading) == [
        ("000003.jpg", "list_attr_celeba.txt: line 5 has 3 fields, must have 4"),
        ("list_attr_celeba.txt", "line 6 has 2 fields, must have 4"),
        ("list_attr_celeba.txt", "the first line promises 4 pictures, 5 lines follow"),
    ]
    assert describe_skipped(reading.skipped, reading.table) == (
        "1 picture and 2 other entries"
    )


def test_a_sign_that_is_none_is_left_empty_and_told(tmp_path):
    reading = celeba.read(folder(tmp_path, {**ROWS, "000003.jpg": (1, 0, "NA")}))
    row = reading.table.iloc[2]
    assert row[["Smiling", "Young"]].isna().all()
    assert (row["Male"], row["gender"]) == (1.0, "male")
    assert skipped(reading) == [
        ("000003.jpg", "Smiling is '0', left empty; known: 1, -1"),
        ("000003.jpg", "Young is 'NA', left empty; known: 1, -1"),
    ]


def test_0_is_no_in_a_list_without_any_minus_one(tmp_path):
    rows = {f"{n}.jpg": (n % 2, 0, 1) for n in range(1, 5)}
    reading = celeba.read(folder(tmp_path, rows))
    assert reading.table["Male"].tolist() == [1, 0, 1, 0]
    assert reading.table["gender"].tolist() == ["male", "female"] * 2
    assert reading.table["Smiling"].tolist() == [0] * 4
    assert reading.skipped.empty
    [remark] = reading.decisions["remarks"]
    assert remark == "0 is no, as the list holds no -1"


def test_0_is_no_in_a_csv_list_without_any_minus_one(tmp_path):
    path = folder(tmp_path, {"1.jpg": (1, 1, 1), "2.jpg": (1, 1, 1)})
    (path / "list_attr_celeba.txt").unlink()
    lines = ["image_id,Male,Smiling,Young", "1.jpg,1,0,0", "2.jpg,0,1,0"]
    write(path / "list_attr_celeba.csv", *lines)
    labels = celeba.read(path).table[["Male", "Smiling", "Young"]]
    assert labels.values.tolist() == [[1, 0, 0], [0, 1, 0]]


def test_more_than_a_tenth_of_the_labels_set_aside_is_an_error(tmp_path):
    rows = {f"{n}.jpg": (1, -1, 1) for n in range(8)}
    bad = {"8.jpg": (1, -1, 1), "9.jpg": (0, -1, 1)}  # 1 of 10 is a tenth
    reading = sources.read_all([f"celeba={folder(tmp_path / 'a', rows | bad)}"])
    assert reading.table["Male"].isna().sum() == 1
    bad["8.jpg"] = (0, -1, 1)
    message = "--data celeba: 2 of 10 labels of Male can't be used, the first, of .*8"
    with pytest.raises(UserError, match=message):
        sources.read_all([f"celeba={folder(tmp_path / 'b', rows | bad)}"])


def test_a_picture_listed_twice_keeps_what_both_lines_say(tmp_path):
    path = folder(tmp_path)
    with (path / "list_attr_celeba.txt").open("a") as file:
        file.write("000001.jpg  1 -1  1\n")
    reading = celeba.read(path)
    assert cells(reading, "Male", "Young") == [
        ["000001.jpg", 1.0, 1.0],
        ["000002.jpg", 0.0, 0.0],
    ]
    assert reading.table["Smiling"].isna().tolist() == [True, False]
    reason = "Smiling is 1 and 0 of one picture, left empty; must be the same in all"
    assert ("000001.jpg", reason) in skipped(reading)


def test_a_partition_and_identities_that_lack_pictures_leave_cells_empty(tmp_path):
    rows = {f"{n}.jpg": (1, 1, 1) for n in range(4)}
    path = folder(tmp_path, rows)
    write(path / "list_eval_partition.txt", "0.jpg 0", "1.jpg 1")
    write(path / "identity_CelebA.txt", "0.jpg 12", "1.jpg 12", "2.jpg 13")
    reading = celeba.read(path)
    assert reading.table["identity"].tolist()[:3] == ["12", "12", "13"]
    assert reading.table["split"].tolist()[:2] == ["train", "val"]
    assert reading.table["split"].isna().tolist() == [False, False, True, True]
    assert reading.table["identity"].isna().tolist() == [False] * 3 + [True]
    assert skipped(reading) == [
        (
            "identity_CelebA.txt",
            "lacks 1 of 4 pictures, first '3.jpg': their identity stays empty",
        ),
        (
            "list_eval_partition.txt",
            "lacks 2 of 4 pictures, first '2.jpg': their split stays empty",
        ),
    ]


def test_a_partition_that_says_something_else(tmp_path):
    path = folder(tmp_path, {f"{n}.jpg": (1, 1, 1) for n in range(3)})
    lines = ["0.jpg 0", "1.jpg 2", "1.jpg 1", "2.jpg 5", "2.jpg"]
    write(path / "list_eval_partition.txt", *lines)
    reading = celeba.read(path)
    assert reading.table["split"].tolist()[:2] == ["train", "test"]
    assert pd.isna(reading.table["split"][2])
    partition = "list_eval_partition.txt"
    assert skipped(reading) == [
        (partition, "line 3 contradicts an earlier one about 1.jpg, left out"),
        (partition, "line 5 has 1 fields, must have 2"),
        ("2.jpg", "split is '5', left empty; known: 0, 1, 2"),
    ]


def test_a_partition_with_one_part_is_no_split(tmp_path):
    write(folder(tmp_path) / "list_eval_partition.txt", "000001.jpg 0", "000002.jpg 0")
    reading = celeba.read(tmp_path)
    assert "split" not in reading.table
    note = "every picture is in part 'train', so the split is left to chance."
    assert reading.notes == (f"--data celeba: {note}",)
    assert skipped(reading) == []


# Names of files


@pytest.mark.parametrize(
    ("listed", "there"),
    [
        ("000001.jpg", "000001.JPG"),
        ("000001.jpg", "000001.png"),  # the publishers' other edition
        ("Zo\u00eb.jpg", "Zoe\u0308.jpg"),  # composed here, decomposed there
    ],
)
def test_a_picture_spelt_otherwise_is_found(tmp_path, listed, there):
    reading = celeba.read(folder(tmp_path, {listed: (1, 1, 1)}, pictures=[there]))
    assert cells(reading, "Smiling") == [[there, 1.0]]
    assert reading.skipped.empty


def test_two_pictures_of_one_name_are_not_guessed_between(tmp_path):
    names = ["a.JPG", "a.png", "b.jpg"]
    rows = {"a.jpeg": (1, 1, 1), "b.jpg": (1, 1, 1)}
    reading = celeba.read(folder(tmp_path, rows, pictures=names))
    assert cells(reading) == [["b.jpg"]]
    assert sorted(name for name, _ in skipped(reading)) == ["a.JPG", "a.jpeg", "a.png"]


def test_a_second_copy_of_the_pictures_is_set_aside(tmp_path):
    path = folder(tmp_path)
    inner = path / "img_align_celeba" / "img_align_celeba"
    inner.mkdir()
    (inner / "000001.jpg").touch()
    reading = celeba.read(path)
    assert len(reading.table) == 2
    first = path / "img_align_celeba" / "000001.jpg"
    assert reading.skipped.values.tolist() == [
        [str(inner / "000001.jpg"), f"'{first}' has the same name"]
    ]


def test_blanks_unicode_tilde_and_links(tmp_path, monkeypatch):
    home = folder(tmp_path / "my faces \u00e9\u4e2d") / "img_align_celeba"
    home.rename(tmp_path / "elsewhere")
    home.symlink_to(tmp_path / "elsewhere")
    monkeypatch.setenv("HOME", str(tmp_path))
    reading = celeba.read(Path("~/my faces \u00e9\u4e2d"))
    assert reading.table["path"].tolist() == [str(home / name) for name in ROWS]


def test_windows_line_ends_blank_lines_and_a_byte_order_mark(tmp_path):
    path = folder(tmp_path) / "list_attr_celeba.txt"
    text = path.read_text().replace("\n", "\r\n")
    path.write_bytes(b"\xef\xbb\xbf" + f"{text}\r\n\r\n".encode())
    reading = celeba.read(tmp_path)
    assert cells(reading, "Young") == [["000001.jpg", 1.0], ["000002.jpg", 0.0]]
    assert reading.skipped.empty


@any_file_name()
def test_names_that_are_not_utf8(tmp_path):
    name = b"Zo\xeb.jpg".decode("utf-8", "surrogateescape")
    path = folder(tmp_path, pictures=["000001.jpg", name])
    text = path / "list_attr_celeba.txt"
    text.write_bytes(text.read_bytes() + b"Zo\xeb.jpg -1 1 1\n")
    assert [row[0] for row in cells(celeba.read(path))] == ["000001.jpg", name]


@any_file_name()
def test_a_sign_that_is_not_utf8_is_left_empty_and_told(tmp_path):
    text = folder(tmp_path) / "list_attr_celeba.txt"
    head, first, second = text.read_bytes().rpartition(b"000002.jpg")
    text.write_bytes(head + first + second.replace(b"1", b"\xe9", 1))
    reading = celeba.read(tmp_path)
    assert len(reading.table) == 2
    told = [name for name, reason in skipped(reading) if r"\udce9" in reason]
    assert told == ["000002.jpg"]


# Mistakes


def error(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        celeba.read(path)
    return str(caught.value)


def test_no_such_folder_and_a_file_instead(tmp_path):
    assert error(tmp_path / "no").startswith("--data celeba: there is no folder '")
    (tmp_path / "celeba.zip").touch()
    assert "is a file, not a folder" in error(tmp_path / "celeba.zip")


def test_no_file_of_attributes(tmp_path):
    (folder(tmp_path) / "list_attr_celeba.txt").unlink()
    assert error(tmp_path) == (
        f"--data celeba: '{tmp_path}' contains no list_attr_celeba.txt or .csv; give "
        "the folder that contains it, beside img_align_celeba/"
    )


def test_no_picture_at_all(tmp_path):
    assert "is empty; pictures end in .jpg" in error(folder(tmp_path, pictures=[]))


def test_no_picture_that_is_listed(tmp_path):
    message = error(folder(tmp_path, pictures=["9.jpg"]))
    assert message == (
        f"--data celeba: no picture in '{tmp_path}' can be used; 3 things were set "
        "aside, the first 'img_align_celeba/000001.jpg': list_attr_celeba.txt lists "
        "it, there is no such picture"
    )


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "is empty, must name attributes and pictures"),
        (["2"], "is empty, must name attributes and pictures"),
        (
            ["000001.jpg 1 1 1"],
            "line '000001.jpg 1 1 1' contains no attribute of CelebA",
        ),
        (["1", "Male Young Male", "000001.jpg 1 1 1"], "lists an attribute twice"),
        (["1", "Male Young"], "none of its 0 lines has 3 fields, one per name"),
        (["1", "Male Young", "000001.jpg 1"], "none of its 1 lines has 3 fields"),
    ],
)
def test_a_list_that_is_none(tmp_path, lines, message):
    path = folder(tmp_path) / "list_attr_celeba.txt"
    write(path, *lines)
    assert error(tmp_path).startswith(f"--data celeba: '{path}': {message}")


def test_a_list_that_cannot_be_read(tmp_path, monkeypatch):
    folder(tmp_path)

    def refuse(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert "list_attr_celeba.txt' can't be read (Permission denied)" in error(tmp_path)


# As it is published, and as large


@pytest.mark.skipif(not REAL.is_dir(), reason="the real CelebA is not here")
def test_real_lists():
    reading = celeba.read(REAL)
    assert len(check(reading.table)) == 7976
    assert reading.table["identity"].nunique() == 4328
    assert reading.table[list(COLUMNS)].isin([0.0, 1.0]).all(axis=None)
    # All of this part is the publishers' training part, which divides nothing.
    assert skipped(reading) == []
    assert "every picture is in part 'train'" in reading.notes[0]
    # The first line of the list: 000001.jpg -1 1 1 -1 ..., Male -1, ..., Young 1.
    first = reading.table.iloc[0]
    assert Path(first["path"]).name == "000001.jpg"
    assert first[list(COLUMNS[:4])].tolist() == [0.0, 1.0, 1.0, 0.0]
    assert (first["gender"], first["Young"], first["identity"]) == (
        "female",
        1.0,
        "2880",
    )


@pytest.mark.slow
def test_200000_pictures_are_read_in_seconds(tmp_path, monkeypatch):
    count = 200_000
    signs = [[1, -1][n % 2] for n in range(len(COLUMNS))]
    rows = dict.fromkeys((f"{n:06d}.jpg" for n in range(count)), signs)
    path = folder(tmp_path, rows, pictures=[], names=COLUMNS)
    # Said to be there: to make so many files takes longer than all else.
    paths = [str(path / "img_align_celeba" / name) for name in rows]
    monkeypatch.setattr(celeba, "pictures", lambda folder, where: paths)
    write(
        path / "list_eval_partition.txt",
        *(f"{n:06d}.jpg {n % 3}" for n in range(count)),
    )
    write(path / "identity_CelebA.txt", *(f"{name} {name[:4]}" for name in rows))
    start = time.process_time()
    assert len(celeba.read(path).table) == count
    assert time.process_time() - start < 20
