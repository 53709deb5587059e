"""Does a check of picture files tell sizes, modes, boxes and unreadable files?"""

from pathlib import Path

import pandas as pd
from PIL import Image

from multitask.inspection.audit import audit
from multitask.inspection.files import inspect_file
from tests.planted import document, scene


def test_sizes_and_modes_are_those_of_the_files(planted_audit):
    pictures = document(planted_audit)["pictures"]
    assert pictures["n"] == 9
    assert pictures["modes"] == {"RGB": 8, "L": 1}
    assert pictures["sizes"] == {"48x48": 7, "40x30": 1, "12x12": 1}


def test_only_the_pixels_in_a_box_are_compared(tables, tmp_path):
    both = Image.new("RGB", (96, 48))
    both.paste(scene(1), (0, 0))
    both.paste(scene(2), (48, 0))
    both.save(tmp_path / "a.png")
    both.save(tmp_path / "b.png")
    scene(2).save(tmp_path / "c.png")
    table = pd.DataFrame(
        {
            "path": [str(tmp_path / f"{name}.png") for name in "abc"],
            "box": ["0 0 48 48", "48 0 96 48", None],
            "gender": "male",
        }
    )
    audit([tables(table, tmp_path)], tmp_path / "out")
    [pair] = document(tmp_path / "out")["pairs"]
    assert [Path(path).name for path in pair["paths"]] == ["b.png", "c.png"]
    assert pair["kind"] == "exact"
    assert document(tmp_path / "out")["pictures"]["sizes"] == {"96x48": 2, "48x48": 1}


def test_a_file_that_is_gone_has_a_reason(tmp_path):
    assert inspect_file(str(tmp_path / "gone.png")).reason == "no such file"
