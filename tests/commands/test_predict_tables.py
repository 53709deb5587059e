"""Do lines about a table that `predict` is given help to find the mistake?"""

import numpy as np
import pytest
from PIL import Image

import multitask
from multitask.predict import main

pytestmark = pytest.mark.usefixtures("opened_once")


@pytest.fixture(scope="module")
def run(tiny_trunk, tmp_path_factory):
    path = tmp_path_factory.mktemp("run") / "network.keras"
    multitask.save(multitask.build("gender", trunk=tiny_trunk), path)
    return path


@pytest.fixture
def faces(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (20, 20, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    return tmp_path


def output(capsys, *arguments, status=0):
    """What the command prints when it ends with this status."""
    assert main([str(a) for a in arguments]) == status
    return capsys.readouterr()


def test_lines_about_tables_name_the_file_once(run, faces, tmp_path, capsys):
    table = tmp_path / "faces.csv"
    for text, line in (
        (None, f"input: there is no file '{table}'; check the path\n"),
        ("", f"input: '{table}': is empty; begin it with a line of column names, one "
         "of them path\n"),
        ("path\n", f"input: '{table}': has no rows\n"),
    ):  # fmt: skip
        if text is not None:
            table.write_text(text)
        assert output(capsys, run, table, status=2).err == line
    table.write_text(f"path,box\n{faces / 'a.png'},\n,1 2 3 4\n")
    printed = output(capsys, run, table)
    assert printed.err.endswith("2 pictures: 1 answered, 1 not (has no path)\n")


def test_an_empty_path_does_not_keep_the_others_from_being_drawn(run, faces, capsys):
    table, drawn, sheet = (faces / name for name in ("faces.csv", "drawn", "s.png"))
    table.write_text(f"path,age\n,1\n{faces / 'a.png'},2\n,3\n")
    output(capsys, run, table, "--annotate", drawn, "--sheet", sheet)
    assert [str(path.relative_to(drawn)) for path in drawn.rglob("*")] == ["a.png"]
    with Image.open(sheet) as image:
        assert image.width > 3 * 160  # a tile for each row
