"""Are pictures that are in the cells of a table made into files, once?"""

import base64
import os
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from multitask.contracts.errors import UserError
from multitask.contracts.table import Reading
from multitask.images.decode import decode
from multitask.tables import read as table
from tests.datasets.label_files import label_file

PIXELS = np.random.default_rng(0).integers(0, 256, (3, 8, 8), np.uint8)


def numbers(picture: np.ndarray, separator: str = " ") -> str:
    return separator.join(map(str, picture.ravel()))


def encoded(picture: np.ndarray, form: str = "PNG") -> bytes:
    file = BytesIO()
    Image.fromarray(picture).save(file, form)
    return file.getvalue()


def read(
    folder: Path, cells: list[str], column: str = "pixels", **options: str
) -> Reading:
    frame = pd.DataFrame({"emotion": [*range(len(cells))], column: cells})
    file = label_file(folder, frame.to_csv(index=False))
    return table.read(file, name="mine", **options)


def check_pictures(reading: Reading, pictures: np.ndarray) -> None:
    assert reading.table["emotion"].tolist() == [*range(len(pictures))]
    for path, picture in zip(reading.table["path"], pictures, strict=True):
        expected = picture if picture.ndim == 3 else np.stack([picture] * 3, -1)
        np.testing.assert_array_equal(decode(path), expected)


@pytest.mark.parametrize("separator", [" ", ",", ", "])
def test_pixels(tmp_path, separator):
    reading = read(tmp_path, [numbers(picture, separator) for picture in PIXELS])
    check_pictures(reading, PIXELS)
    folder = tmp_path / "labels.csv.pictures"
    remark = reading.decisions.set_index("column").loc["path", "remarks"]
    told = f"column 'pixels': 3 pictures of 8x8 pixels are files in '{folder}'"
    assert remark == told
    assert list(reading.heads) == ["emotion"]


def test_pixels_of_colours(tmp_path):
    colours = np.random.default_rng(1).integers(0, 256, (2, 6, 6, 3), np.uint8)
    check_pictures(read(tmp_path, [numbers(picture) for picture in colours]), colours)


def test_a_column_per_pixel(tmp_path):
    names = [f"pixel{n}" for n in range(1, 65)]
    frame = pd.DataFrame(PIXELS.reshape(3, 64), columns=names)
    frame.insert(0, "emotion", range(3))
    file = label_file(tmp_path, frame.to_csv(index=False))
    check_pictures(table.read(file, name="mine"), PIXELS)


@pytest.mark.parametrize("start", ["", "data:image/png;base64,"])
def test_base64(tmp_path, start):
    cells = [start + base64.b64encode(encoded(p)).decode() for p in PIXELS]
    check_pictures(read(tmp_path, cells, "image"), PIXELS)


@pytest.mark.parametrize("with_path", [False, True])
def test_bytes_of_parquet(tmp_path, with_path):
    pytest.importorskip("pyarrow")
    cells: list[object] = [encoded(picture) for picture in PIXELS]
    if with_path:  # as data sets of Hugging Face have them
        cells = [{"bytes": cell, "path": None} for cell in cells]
    frame = pd.DataFrame({"image": cells, "emotion": [0, 1, 2]})
    frame.to_parquet(tmp_path / "labels.parquet")
    check_pictures(table.read(tmp_path / "labels.parquet", name="mine"), PIXELS)


def test_pictures_are_made_once(tmp_path):
    cells = [numbers(picture) for picture in PIXELS]
    paths = read(tmp_path, cells).table["path"].tolist()
    for path in paths:
        os.utime(path, (0, 0))
    changed = [cells[0], cells[1], cells[0]]
    again = read(tmp_path, changed).table["path"].tolist()
    assert again[:2] == paths[:2]
    assert [Path(path).stat().st_mtime == 0 for path in again] == [True, True, False]


def test_another_folder_for_the_pictures(tmp_path):
    cells = [numbers(picture) for picture in PIXELS]
    (tmp_path / "data").mkdir()
    reading = read(tmp_path / "data", cells, root=str(tmp_path / "made"))
    folders = {str(Path(path).parent) for path in reading.table["path"]}
    assert folders == {str(tmp_path / "made" / "labels.csv.pictures")}


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        (numbers(PIXELS[2])[:-4], "has 63 numbers, must have 64 as others do"),
        (numbers(PIXELS[2]).replace("1", "9", 1) + " 7", "has 65 numbers"),
        (
            "999 " + numbers(PIXELS[2]).partition(" ")[2],
            "has the number 999, must have 0",
        ),
        ("black", "says 'black', must be the pixels or the base64 text of a picture"),
        ("", "is empty, must be"),
    ],
)
def test_a_broken_cell_is_listed(tmp_path, cell, reason):
    reading = read(tmp_path, [numbers(PIXELS[0]), cell, numbers(PIXELS[1])])
    assert reading.table["emotion"].tolist() == [0, 2]
    assert len(reading.skipped) == 1
    assert f"row 2: column 'pixels' {reason}" in reading.skipped["reason"].iloc[0]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_a_folder_that_cannot_be_written(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(UserError, match="can't be written into .*,root=FOLDER"):
        read(tmp_path, [numbers(picture) for picture in PIXELS])


def test_a_file_in_the_way_of_the_folder(tmp_path):
    (tmp_path / "labels.csv.pictures").touch()
    with pytest.raises(UserError, match="can't be written into .*,root=FOLDER"):
        read(tmp_path, [numbers(picture) for picture in PIXELS])


def test_names_of_files_come_first(tmp_path):
    frame = pd.DataFrame({"path": ["a.jpg"], "pixels": [numbers(PIXELS[0])]})
    file = label_file(tmp_path, frame.to_csv(index=False), "a.jpg")
    reading = table.read(file, name="mine")
    assert reading.table["path"].tolist() == [str(tmp_path / "a.jpg")]
