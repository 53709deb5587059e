"""Does `predict` find faces, draw them, and say what it did not do?"""

import io
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from multitask.__main__ import main
from multitask.contracts.errors import UserError
from multitask.predict import main as predict

data = pytest.importorskip("skimage.data", reason="needs scikit-image")
pytestmark = pytest.mark.usefixtures("opened_once")


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """A folder with a portrait, the same below it as BMP, and a picture of a cup."""
    folder = tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    portrait = Image.fromarray(data.astronaut())
    portrait.save(folder / "portrait.jpg")
    portrait.save(folder / "more" / "portrait.bmp")
    Image.fromarray(data.coffee()).save(folder / "cup.png")
    monkeypatch.chdir(tmp_path)
    return folder


def refused(capsys, command, message):
    """Whether a command is a mistake, told in one line that matches."""
    capsys.readouterr()
    return predict(command) == 2 and re.search(message, capsys.readouterr().err)


def test_rows_are_counted_as_faces_and_pictures(photos, capsys):
    assert predict(["faces", "photos", "--out", "answers.csv"]) == 0
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("3 pictures: 2 faces answered, 1 picture not (no face: ")
    rows = pd.read_csv("answers.csv")
    assert rows["face"].dropna().tolist() == [0, 0]
    assert rows.loc[rows["status"] == "no face", "path"].str.endswith("cup.png").all()


def test_files_of_several_pictures_are_told_once(photos, capsys):
    first, second = (Image.new("RGB", (8, 8), color) for color in ("red", "blue"))
    several: dict[str, Any] = {"save_all": True, "append_images": [second]}
    for name in ("a.gif", "b.webp", "c.tif", "d.png"):
        first.save(name, **several)
    first.save("one.gif")
    first.save("one.jpg", "MPO", **several)  # as cameras write them: a JPEG
    names = ["a.gif", "b.webp", "c.tif", "d.png", "one.gif", "one.jpg"]
    assert predict(["faces", *names, "--faces", "whole", "--format", "csv"]) == 0
    told = [line for line in capsys.readouterr().err.splitlines() if "several" in line]
    assert told == [
        "of 4 files with several pictures, such as a.gif, only the first is answered "
        "for"
    ]
    assert predict(["faces", "a.gif", "--faces", "whole", "--format", "csv"]) == 0
    line = "a.gif holds several pictures: only the first is answered for\n"
    assert line in capsys.readouterr().err
    assert predict(["faces", "photos", "--faces", "whole", "--format", "csv"]) == 0
    assert "several" not in capsys.readouterr().err


def test_annotated_pictures_keep_their_names_and_places(photos, capsys):
    assert predict(["faces", "photos", "--annotate", "drawn"]) == 0
    folder = photos.parent / "drawn"
    names = sorted(str(p.relative_to(folder)) for p in folder.rglob("*.*"))
    assert names == ["cup.png", "more/portrait.bmp.png", "portrait.jpg"]
    before = np.asarray(Image.open(photos / "portrait.jpg"), np.int16)
    after = np.asarray(Image.open(folder / "portrait.jpg"), np.int16)
    changed = np.abs(after[: len(before), : before.shape[1]] - before).max(axis=2) > 60
    assert 0.005 < changed.mean() < 0.3


def test_letters_that_no_font_has_are_told_once(photos):
    from multitask.networks.prediction.drawn import AnnotatedFolder, ContactSheet

    rows = pd.DataFrame(
        {
            "status": "ok",
            "path": [str(photos / "cup.png")] * 2,
            "box": ["0 0 50 50", "200 200 250 250"],
            "class": "女",
            "class_confidence": 0.9,
        }
    )
    lines: list[str] = []
    for drawing in (
        AnnotatedFolder(
            folder=Path("drawn"), paths=list(rows["path"]), say=lines.append
        ),
        ContactSheet(path=Path("out.jpg"), say=lines.append),
    ):
        drawing.write(rows)
        drawing.finish()
    told = r"1 letter missing in the font, drawn as code: \u5973"
    assert lines == [f"drawn: {told}", f"out.jpg: {told}"]


def test_a_folder_that_can_not_be_written_is_said_before_the_work(tmp_path):
    from multitask.networks.prediction.drawn import AnnotatedFolder

    (tmp_path / "file").touch()
    folder = tmp_path / "file" / "drawn"
    drawing = AnnotatedFolder(folder=folder, paths=["a.png"], say=print)
    with pytest.raises(UserError, match=f"^--annotate {folder}: can't be a folder: "):
        drawing.check(resumed=False)


def test_drawings_among_the_pictures_are_told(photos, capsys):
    command = ["faces", "photos", "--annotate", "photos/drawn", "--sheet", "s.jpg"]
    assert predict(command) == 0
    lines = capsys.readouterr().err.splitlines()
    assert [line for line in lines if "inside" in line] == [
        "photos/drawn is inside photos: the next predict for photos reads it, too"
    ]


def test_annotated_pictures_replace_nothing(photos, capsys):
    assert refused(
        capsys,
        ["faces", "photos", "--annotate", "photos"],
        "--annotate photos: would replace photos/cup",
    )


def test_no_annotated_picture_takes_the_place_of_another(photos, capsys):
    Image.open("photos/cup.png").save("photos/more/portrait.bmp.png")
    for same in ("photos/more/portrait.bmp.png", "photos/../photos/more/portrait.bmp"):
        assert refused(
            capsys,
            ["faces", "photos/more/portrait.bmp", same, "--annotate", "drawn"],
            "drawn/portrait.bmp.png would be the copy of both photos/more/portrait.bmp "
            f"and {same}; leave one of them out",
        )
    assert not Path("drawn").exists()


def test_a_stopped_command_goes_on_with_its_drawings(photos, monkeypatch, capsys):
    from multitask.networks.prediction.file import PredictionFile

    def stop(self):
        raise KeyboardInterrupt

    command = ["faces", "photos", "--out", "answers.csv", "--annotate", "drawn"]
    with monkeypatch.context() as stopped:
        stopped.setattr(PredictionFile, "finish", stop)
        assert predict(command) == 130
    assert predict(command) == 0
    assert len(list((photos.parent / "drawn").rglob("*.*"))) == 3


def test_a_sheet_shows_every_row(photos, capsys):
    assert predict(["faces", "photos", "--sheet", "sheet.png"]) == 0
    with Image.open("sheet.png") as image:
        assert image.width > 3 * 160
    assert refused(
        capsys,
        ["faces", "photos", "--sheet", "a.doc"],
        r"--sheet a.doc: has the unknown ending",
    )


def test_paths_come_from_standard_input(photos, monkeypatch, capsys):
    lines = "photos/portrait.jpg\n\nphotos/cup.png\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines.encode())))
    assert predict(["faces", "-", "--format", "jsonl"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["path"] for row in rows] == ["photos/portrait.jpg", "photos/cup.png"]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\n")))
    assert refused(capsys, ["faces", "-"], "^standard input: holds no path")
    assert refused(capsys, ["faces", "-", "photos", "-"], "^-: is given 2 times")


@pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="names are UTF-8")
def test_names_on_standard_input_may_be_any_bytes(photos, monkeypatch, capsys):
    name = b"caf\xe9.png"
    Path(os.fsdecode(name)).write_bytes(Path("photos/cup.png").read_bytes())
    lines = io.TextIOWrapper(io.BytesIO(name + b"\n"), encoding="utf-8")
    monkeypatch.setattr(sys, "stdin", lines)
    assert predict(["faces", "-", "--faces", "whole", "--format", "jsonl"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert row["path"] == "caf\N{REPLACEMENT CHARACTER}.png"
    assert row["status"] == "ok"


def test_rows_of_other_faces_are_never_gone_on_with(photos, monkeypatch, capsys):
    from multitask.networks.prediction.file import PredictionFile

    def stop(self):
        raise KeyboardInterrupt

    with monkeypatch.context() as stopped:
        stopped.setattr(PredictionFile, "finish", stop)
        assert predict(["faces", "photos", "--out", "answers.csv"]) == 130
    assert refused(
        capsys,
        ["faces", "photos", "--out", "answers.csv", "--faces", "whole"],
        "another choice of options, such as --faces",
    )


def test_yes_no_labels_are_needed_for_a_list(photos, capsys):
    assert main(["predict", "faces", "photos", "--labels"]) == 2
    assert "--labels: no head that is read has yes/no labels" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--faces", "whole", "--detector", "haar"], "--detector: has no effect, as"),
        (["--detector", "mtcn"], "^--detector: unknown detector 'mtcn'; did you mean"),
        (["--box", "xywh"], "--box: is for a table, and none is given"),
        (["--heads", ""], "--heads: is empty; name heads, or leave it out"),
        (["--out", "~no-such-user/a.csv"], "a.csv: no folder '~no-such-user'"),
        (["--sheet", "~no-such-user/a.png"], "a.png: no folder '~no-such-user'"),
    ],
)
def test_options_without_effect_or_place_are_refused(photos, capsys, options, message):
    assert refused(capsys, ["faces", "photos/portrait.jpg", *options], message)


@pytest.mark.skipif(sys.platform == "win32", reason="no name has a line break")
def test_a_name_with_a_line_break_stays_in_its_line(photos, capsys):
    Path("photos/a\nb.png").write_text("a letter")
    assert predict(["faces", "photos", "--faces", "whole"]) == 0
    printed = capsys.readouterr()
    assert len(printed.out.splitlines()) == 5  # with the heading
    assert "photos/a\N{REPLACEMENT CHARACTER}b.png)" in printed.err.splitlines()[-1]


def test_a_sheet_never_replaces_a_photo(photos, capsys):
    photo = photos / "portrait.jpg"
    before = photo.read_bytes()
    command = ["faces", "photos", "--sheet", str(photo)]
    assert refused(capsys, command, "is no contact sheet of multitask")
    assert photo.read_bytes() == before
