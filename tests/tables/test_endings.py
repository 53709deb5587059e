"""Is every picture that Pillow reads a picture, and every other file counted?"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from multitask.datasets import folder
from PIL import Image

from multitask.contracts.reading import pictures
from multitask.images.decode import decode
from multitask.tables import read as table
from tests.datasets.label_files import label_file

FORMATS = {
    ".jfif": "JPEG", ".jpe": "JPEG", ".tif": "TIFF", ".tiff": "TIFF", ".avif": "AVIF",
}  # fmt: skip


@pytest.mark.parametrize("ending", FORMATS)
def test_a_picture_of_another_ending(tmp_path, ending):
    path = tmp_path / f"A{ending.upper()}"
    Image.new("RGB", (20, 10), (200, 0, 0)).save(path, FORMATS[ending])
    assert pictures(tmp_path, "here") == [str(path)]
    pixels = decode(path)
    assert pixels.shape == (10, 20, 3)
    assert np.abs(pixels.mean((0, 1)) - [200, 0, 0]).max() < 4
    file = label_file(tmp_path, f"path,x\na{ending},1\n")
    assert table.read(file, name="mine").table["path"].tolist() == [str(path)]


def test_a_tiff_of_floats_or_16_bits_is_no_black_picture(tmp_path):
    floats = np.full((4, 4), 0.5, np.float32)
    Image.fromarray(floats).save(tmp_path / "a.tif")
    assert decode(tmp_path / "a.tif").mean() == pytest.approx(127.5, abs=0.5)
    Image.fromarray(np.full((4, 4), 32768, np.uint16)).save(tmp_path / "b.tif")
    assert decode(tmp_path / "b.tif").mean() == pytest.approx(127.5, abs=0.5)


def counted(root: Path) -> pd.DataFrame:
    """What is set aside of a folder of class folders, and that nothing else is."""
    reading = folder.read(root, name="genre")
    below = [path for path in root.glob("*/*") if not path.name.startswith(".")]
    assert len(reading.table) + len(reading.skipped) == len(below)
    names = reading.skipped["path"].map(lambda path: Path(path).name)
    skipped: pd.DataFrame = reading.skipped.set_index(names)
    return skipped


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("b.heic", "ends in .heic; pictures end in .jpg, .jpeg, .jpe, .jfif"),
        ("b.PPM", "ends in .PPM"),
        ("0001", "has no ending"),
        ("b.jpg.download", "ends in .download"),
    ],
)
def test_every_file_of_a_class_folder_is_counted(tmp_path, name, reason):
    for path in ("x/a.jpg", "y/a.tif", f"x/{name}", "readme.txt", "x/.hidden"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).touch()
    skipped = counted(tmp_path)
    assert skipped.index.tolist() == [name]
    assert skipped["reason"].iloc[0].startswith(reason)
