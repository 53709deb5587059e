"""Are pictures found by names that another machine wrote, and never by a wrong one?"""

import os
from pathlib import Path

import pytest

from multitask.contracts.errors import UserError
from multitask.contracts.table import Reading
from multitask.tables import read as table
from multitask.tables.similar import located
from tests.datasets.label_files import label_file


def read(folder: Path, names: list[str], *files: str, **options: str) -> Reading:
    """Read a table of these names, the nth with the label n."""
    rows = [f'"{name}",{number}' for number, name in enumerate(names)]
    text = "\n".join(["path,year", *rows])
    return table.read(label_file(folder, text, *files), name="mine", **options)


def found(reading: Reading, folder: Path) -> dict[str, int]:
    """The label by the file, relative to `folder`."""
    paths = [os.path.relpath(path, folder) for path in reading.table["path"]]
    return dict(zip(paths, reading.table["year"].astype(int), strict=True))


def remarks(reading: Reading, column: str = "path") -> str:
    decisions = reading.decisions.set_index("column")["remarks"]
    return str(decisions.get(column, ""))


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("A.JPG", "a.jpg"),
        ("x/a.jpg", "X/A.Jpeg"),
        ("a", "a.png"),
        ("face.v2", "face.v2.jpg"),
        ("a.png", "a.jpeg"),
        (" a.jpg ", "a.jpg"),
        ("a.jpg\t", "a.jpg"),
        (r"x\a.jpg", "x/a.jpg"),
        (r".\x\a.jpg", "x/a.jpg"),
        ("./x//a.jpg", "x/a.jpg"),
        ("a.jpg", "pictures/a.jpg"),
        ("pictures/a.jpg", "a.jpg"),
        ("data/x/a.jpg", "x/a.jpg"),
        ("/home/eve/faces/x/a.jpg", "x/a.jpg"),
        ("/home/eve/faces/a.jpg", "images/a.jpg"),
        (r"C:\Users\Eve\faces\x\A.JPG", "faces/x/a.jpg"),
        ("file:///content/drive/x/a.jpg", "x/a.jpg"),
        ("a\u0308.jpg", "\u00e4.jpg"),
        ("https://x.org/7/a.jpg", "a.jpg"),
        ("HTTP://x.org/a.jpg", "posters/A.png"),
        ("s3://bucket/x/a.jpg", "x/a.jpg"),
    ],
)
def test_a_name_that_can_mean_one_picture_is_that(tmp_path, name, file):
    reading = read(tmp_path, ["z.jpg", name], "z.jpg", file)
    assert found(reading, tmp_path) == {"z.jpg": 0, file: 1}
    assert reading.skipped.empty
    assert (name == "./x//a.jpg") or "1 name matches a file" in remarks(reading)


@pytest.mark.parametrize(
    ("names", "files"),
    [
        (["train/a.jpg"], ["test/a.jpg"]),  # a part of a split is no other
        (["x/a.jpg"], ["x/b.jpg", "y/a.jpg"]),  # x is here, without it
        (["cat/a.jpg"], ["dog/a.jpg"]),
        (["a.1", "a.2"], ["a.jpg"]),  # numbers are no endings
        (["a.png", "a.gif"], ["a.jpg"]),  # two names, one picture
        (["cat/a.jpg", "dog/a.jpg"], ["a.jpg"]),
        (["a"], ["a.txt"]),  # no picture
        (["https://x.org/a.jpg", "https://y.org/a.jpg"], ["a.jpg"]),
        (["gs://faces/train/a.jpg"], ["test/a.jpg"]),
        (["ab.jpg"], ["b.jpg"]),
        (["a.jpg"], [".hidden/a.jpg"]),
    ],
)
def test_a_name_that_may_mean_another_picture_is_none(tmp_path, names, files):
    reading = read(tmp_path, ["z.jpg", *names], "z.jpg", *files)
    assert found(reading, tmp_path) == {"z.jpg": 0}
    assert len(reading.skipped) == len(names)
    assert reading.skipped["reason"].tolist()[0] == "row 2: no such file"


@pytest.mark.parametrize("name", ["a.jpg", "https://x.org/a.jpg", "A.png"])
def test_a_name_that_fits_two_pictures_is_set_aside_with_both(tmp_path, name):
    reading = read(tmp_path, ["z.jpg", name, "no.jpg"], "z.jpg", "x/a.jpg", "y/a.jpg")
    assert found(reading, tmp_path) == {"z.jpg": 0}
    assert reading.skipped["reason"].tolist() == [
        "row 2: may mean 'x/a.jpg' or 'y/a.jpg'; write its folder, too",
        "row 3: no such file",
    ]
    assert remarks(reading) == (
        f"1 name fits several files: {name!r} may mean 'x/a.jpg' or 'y/a.jpg'; write "
        "the folder, too; 1 name has no file: 'no.jpg'"
    )
    (tmp_path / "z.jpg").unlink()
    message = r"column 'path' may mean 'x/a.jpg' or 'y/a.jpg'; write .*root=FOLDER"
    with pytest.raises(UserError, match=f"{name!r} of {message}"):
        read(tmp_path, ["z.jpg", name, "no.jpg"])


def test_pictures_beside_a_folder_of_labels_are_found(tmp_path):
    for folder, names in (("labels", ["a.jpg", "no"]), ("Annotations", ["x/a.jpg"])):
        reading = read(tmp_path / folder, names, "../x/a.jpg")
        assert found(reading, tmp_path) == {"x/a.jpg": 0}
        assert f"relative to '{tmp_path}', the folder above" in remarks(reading)
    with pytest.raises(UserError, match=r'add ,root=FOLDER .* root = "FOLDER" into'):
        read(
            tmp_path / "mine", ["a.jpg"], "../x/a.jpg"
        )  # may lie beside another data set
    (tmp_path / "labels/b.jpg").touch()
    reading = read(tmp_path / "labels", ["a.jpg", "b.jpg"])
    assert found(reading, tmp_path) == {"labels/b.jpg": 1}


def test_another_machines_folders_are_told_once(tmp_path):
    names = [f"/mnt/d/faces/{part}/{n}.jpg" for part in ("train", "test") for n in "12"]
    files = [f"{part}/{n}.jpg" for part in ("train", "test") for n in "12"]
    reading = read(tmp_path, names, *files)
    assert found(reading, tmp_path) == {file: n for n, file in enumerate(files)}
    assert remarks(reading) == (
        "4 names match a file by the end of the path, for example "
        "'/mnt/d/faces/train/1.jpg' -> 'train/1.jpg'"
    )


@pytest.mark.parametrize(
    ("name", "file", "how"),
    [
        ("A.jpg", "a.jpg", "in another case or folder"),
        ("a.jpg", "x/a.jpg", "in another case or folder"),
        ("old/a.jpg", "a.jpg", "by the end of the path"),
        ("a", "a.jpg", "without its ending"),
        ("a.png", "a.jpg", "with another ending"),
        ("x\\a.jpg", "x/a.jpg", "in another spelling"),
        ("a\u0308.jpg", "\u00e4.jpg", "in another spelling"),
    ],
)
def test_how_a_picture_was_found_is_told(tmp_path, name, file, how):
    reading = read(tmp_path, [name, "z.jpg"], file, "z.jpg")
    example = f"for example '{name}' -> '{file}'"
    assert remarks(reading) == f"1 name matches a file {how}, {example}"


def test_folders_of_another_name_elsewhere(tmp_path):
    names = [r"..\far\A.jpg", "../far/b"]
    reading = read(tmp_path / "labels", names, "../far/a.jpg", "../far/b.png")
    assert found(reading, tmp_path) == {"far/a.jpg": 0, "far/b.png": 1}


def test_the_folder_of_pictures_is_an_option(tmp_path):
    (tmp_path / "else/where").mkdir(parents=True)
    (tmp_path / "else/where/a.JPG").touch()
    reading = read(tmp_path, ["a.jpg"], root=str(tmp_path / "else"))
    assert found(reading, tmp_path) == {"else/where/a.JPG": 0}


def test_the_first_three_of_those_not_found_are_named(tmp_path):
    names = ["a.jpg", *(f"no{n}.jpg" for n in range(5))]
    reading = read(tmp_path, names, "a.jpg")
    assert "5 names have no file: 'no0.jpg', 'no1.jpg', 'no2.jpg'" in remarks(reading)
    assert len(reading.skipped) == 5
    (tmp_path / "a.jpg").unlink()
    with pytest.raises(UserError) as error:
        read(tmp_path, names)
    assert str(error.value) == (
        f"--data mine: none of the 6 pictures in '{tmp_path / 'labels.csv'}' was "
        "found: column 'path' has 'a.jpg', 'no0.jpg', 'no1.jpg'; paths are relative to "
        f"'{tmp_path}'; if the pictures are elsewhere, add ,root=FOLDER to --data, or "
        "write root = \"FOLDER\" into 'labels.csv.toml' beside the file"
    )


def test_a_link_to_a_folder_above_ends(tmp_path):
    (tmp_path / "x").mkdir()
    (tmp_path / "x/loop").symlink_to(tmp_path)
    reading = read(tmp_path, ["a", "gone"], "x/a.jpg")
    assert found(reading, tmp_path) == {"x/a.jpg": 0}


def test_pictures_behind_links_have_their_real_path(tmp_path):
    label_file(tmp_path, "", "real/in/a.jpg", "real/in/b.jpg", "real/out.jpg")
    (tmp_path / "outer").symlink_to(tmp_path / "real")
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain/link").symlink_to(tmp_path / "real/in")
    names = ["outer/in/a.jpg", "plain/link/b.jpg", "plain/link/../out.jpg"]
    reading = read(tmp_path, names)
    assert found(reading, tmp_path) == {
        "real/in/a.jpg": 0,
        "real/in/b.jpg": 1,
        "real/out.jpg": 2,
    }


@pytest.mark.parametrize("files", [2, 3, 9])
def test_a_missing_picture_is_not_taken_for_one_beside_it(tmp_path, files):
    names = ["x/0.jpg", "x/1.jpg", "x/gone.jpg", "y/0.jpg"]
    reading = read(tmp_path, names, *(f"x/{n}.jpg" for n in range(files)), "y/0.jpg")
    assert found(reading, tmp_path) == {"x/0.jpg": 0, "x/1.jpg": 1, "y/0.jpg": 3}
    assert reading.skipped["reason"].tolist() == ["row 3: no such file"]


def test_readers_of_publishers_find_by_the_same_rules():
    pictures = {"a.jpg": "/x/a.jpg", "B.jpg": "/x/B.jpg", "c.png": "/x/c.png"}
    names = ["a.jpg", "A.JPG", "b.jpg", "c.jpg", "d.jpg"]
    assert located(names, pictures) == ["/x/a.jpg", None, "/x/B.jpg", "/x/c.png", None]


# The column of pictures


@pytest.mark.parametrize(
    "column", ["file", "Path", "img_path", "image_id", "Unnamed: 0", ""]
)
def test_the_one_column_of_pictures_is_taken_and_told(tmp_path, column):
    text = f"{column},year\na.jpg,3\nb.jpg,4\n"
    reading = table.read(label_file(tmp_path, text, "a.jpg", "b.jpg"), name="mine")
    assert found(reading, tmp_path) == {"a.jpg": 3, "b.jpg": 4}
    assert f"is column {column or 'Unnamed: 0'!r}" in remarks(reading)


def test_names_without_endings(tmp_path):
    files = [f"part_{n % 2}/ISIC_{n}.jpg" for n in range(6)]
    text = "\n".join(["image_id,year", *(f"ISIC_{n},{n}" for n in range(6))])
    reading = table.read(label_file(tmp_path, text, *files), name="mine")
    assert found(reading, tmp_path) == {file: n for n, file in enumerate(files)}


def test_two_columns_of_pictures_are_asked_about(tmp_path):
    text = "image,mask,year\na.jpg,b.jpg,3\n"
    file = label_file(tmp_path, text, "a.jpg", "b.jpg")
    message = "columns 'image', 'mask' hold names of pictures; rename"
    with pytest.raises(UserError, match=message):
        table.read(file, name="mine")
    (tmp_path / "labels.csv.toml").write_text('[column.image]\nrole = "path"')
    reading = table.read(file, name="mine")
    assert found(reading, tmp_path) == {"a.jpg": 3}


@pytest.mark.parametrize(
    ("text", "files", "expected"),
    [
        ("url,file\nhttps://x.org/1.jpg,a.jpg\nhttps://x.org/2.jpg,b.jpg", "ab", "ab"),
        ("s3,image_id\ns3://x/1.png,a\ns3://x/2.png,b\n", "ab", "ab"),
        ("old,link\n8.png,https://x.org/a.jpg\n9.png,https://x.org/b.jpg", "ab", "ab"),
        ("raw,id,link\n7.png,a,gs://x/7.jpg\n8.png,b,gs://x/8.jpg\n", "ab", "ab"),
        (
            "link,file\nhttps://x.org/a.jpg,old/A.JPG\nhttps://x.org/c.jpg,c.jpg",
            "a",
            "a",
        ),
    ],
)
def test_pictures_that_are_here_come_before_links(tmp_path, text, files, expected):
    names = [f"{name}.jpg" for name in files]
    reading = table.read(label_file(tmp_path, text, *names), name="mine")
    assert [Path(path).stem for path in reading.table["path"]] == list(expected)


def test_links_are_not_shown_as_local_paths(tmp_path):
    links = [f"https://x.org/{n}.jpg" for n in range(4)]
    text = "\n".join(["Poster,year", *(f"{link},3" for link in links)])
    file = label_file(tmp_path, text)
    with pytest.raises(UserError) as error:
        table.read(file, name="mine")
    assert str(error.value) == (
        f"--data mine: none of the 4 pictures in '{file}' was found: column 'Poster' "
        f"has '{links[0]}', '{links[1]}', '{links[2]}'; links are not downloaded: save "
        f"their pictures below '{tmp_path}'; if another column names the pictures, "
        'write role = "path" under its [column.NAME] into '
        "'labels.csv.toml'"
    )


def test_a_declared_column_of_pictures_is_told_as_path(tmp_path):
    text = "mask,Poster,year\na.jpg,b.JPG,3\n"
    file = label_file(tmp_path, text, "a.jpg", "b.jpg")
    (tmp_path / "labels.csv.toml").write_text('[column.Poster]\nrole = "path"')
    decisions = table.read(file, name="mine").decisions
    rows = decisions[["column", "role"]].itertuples(index=False, name=None)
    assert list(rows) == [("mask", "left out"), ("path", "path"), ("year", "label")]
    assert decisions["remarks"][1].startswith("is column 'Poster'; 1 name matches")


def test_a_file_of_stems_without_a_header(tmp_path):
    file = label_file(
        tmp_path, "f1,sad\nf2,calm\nf3,sad\n", "f1.jpg", "f2.jpg", "f3.jpg"
    )
    with pytest.raises(UserError, match="the first line has the picture 'f1', not the"):
        table.read(file, name="mine")


@pytest.mark.parametrize(
    ("header", "row"),
    [
        (",file,year", "0,a.jpg,1"),
        ("year,,file", "1,x,a.jpg"),
        ("mask,year,path,Unnamed: 3", "m.png,1,a.jpg,4"),
    ],
)
def test_columns_are_told_in_the_order_of_the_file(tmp_path, header, row):
    file = label_file(tmp_path, f"{header}\n{row}\n", "a.jpg")
    columns = table.read(file, name="mine").decisions["column"].tolist()
    expected = [name or f"Unnamed: {n}" for n, name in enumerate(header.split(","))]
    assert columns == ["path" if name == "file" else name for name in expected]


def test_a_column_of_pictures_that_do_not_exist(tmp_path):
    file = label_file(tmp_path, "photo,year\nno.jpg,3\n")
    message = "the only picture in .* was not found: column 'photo' has 'no.jpg'"
    with pytest.raises(UserError, match=message):
        table.read(file, name="mine")


def test_pictures_that_occur_often_and_columns_of_few_texts(tmp_path):
    rows = [(f"{n % 4}.jpg", f"{n} {n} 90 90", "bca"[n % 3]) for n in range(24)]
    lines = [",".join(row) for row in rows]
    text = "\n".join(["image,box,mood", *lines, ""])
    file = label_file(tmp_path, text, *[f"{n}.jpg" for n in range(4)])
    reading = table.read(file, name="mine")
    names = [os.path.basename(path) for path in reading.table["path"]]
    assert list(zip(names, reading.table["box"], strict=True)) == [r[:2] for r in rows]
    assert reading.table["mood"].tolist() == [row[2] for row in rows]
    assert reading.heads["mood"]["classes"] == ["a", "b", "c"]
