"""Are pictures without a face and with several found, shown, and kept?"""

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import multitask
from multitask.audit import main
from multitask.contracts.errors import UserError
from multitask.contracts.table import read_csv
from multitask.inspection.audit import audit
from tests.planted import document, scene
from tests.runs import quiet

data = pytest.importorskip("skimage.data", reason="needs scikit-image")


def photo(*others):
    """A portrait of 300 pixels at (30, 30), and others: side, x, y."""
    canvas = Image.fromarray(data.coffee()).resize((1200, 700))
    portrait = Image.fromarray(data.astronaut()).crop((120, 0, 340, 220))
    for side, x, y in ((300, 30, 30), *others):
        canvas.paste(portrait.resize((side, side)), (x, y))
    return canvas


@pytest.fixture(scope="module")
def labels(tmp_path_factory):
    """The CSV of five photos: one face, none, two, two alike, two with a box."""
    folder = tmp_path_factory.mktemp("photos")
    photo().save(folder / "one.png")
    Image.fromarray(data.coffee()).save(folder / "none.png")
    photo((150, 500, 300)).save(folder / "two.png")
    photo((280, 500, 300)).save(folder / "alike.png")
    photo((281, 600, 200)).save(folder / "boxed.png")
    Image.new("RGB", (90, 90), "white").save(folder / "blank.png")
    (folder / "text.png").write_text("no picture")
    rows: list[tuple[str, str, str | None]]
    rows = [(f"{name}.png", "calm", None) for name in ("one", "none", "two", "alike")]
    rows += [("boxed.png", "calm", "30 30 330 330")]
    rows += [("blank.png", "tense", None), ("text.png", "tense", None)]
    table = pd.DataFrame(rows, columns=["path", "mood", "box"])
    table.to_csv(folder / "labels.csv", index=False)
    return folder / "labels.csv"


@pytest.fixture(scope="module")
def found(labels, tmp_path_factory):
    """The findings of `detect`; beside their folder is fixed.csv."""
    out = tmp_path_factory.mktemp("audit") / "out"
    return audit(
        [f"mine=table:{labels}"], out, faces="detect", fix=out.parent / "fixed.csv"
    )


def named(faces):
    """Findings by the names of their files, without the ending."""
    return faces.set_index(faces["path"].str.extract(r"(\w+)\.png$")[0])


def test_pictures_are_told_by_their_faces(found):
    faces = named(found.faces)
    assert faces["faces"].to_dict() == {"one": 1, "none": 0, "two": 2, "alike": 2}
    assert faces["alike"].to_dict() == {
        "one": False, "none": False, "two": False, "alike": True,
    }  # fmt: skip
    assert found.faces["path"].equals(found.table["path"][found.faces.index])


def test_boxes_are_where_the_faces_are_from_large_to_small(found):
    first, second = (list(map(int, b.split())) for b in named(found.faces).boxes["two"])
    assert 30 < first[0] < first[2] < 330
    assert 30 < first[1] < first[3] < 330
    assert 500 < second[0] < second[2] < 650
    assert 300 < second[1] < second[3] < 450
    # The same portrait at half the side.
    assert second[2] - second[0] == pytest.approx((first[2] - first[0]) / 2, rel=0.1)


def test_boxed_blank_and_unreadable_pictures_are_not_searched(found):
    assert len(found.files) == 7
    assert found.files["blank"].sum() == 1
    assert len(found.unreadable) == 1
    assert len(found.faces) == 4


def test_the_report_counts_lists_and_shows_them(found):
    facts = document(found.folder)["faces"]
    counts = {"searched": 4, "none": 1, "several": 2, "alike": 1}
    assert {name: facts[name] for name in counts} == counts
    assert [path.rpartition("/")[2] for path in facts["none_files"]] == ["none.png"]
    assert [row["faces"] for row in facts["several_files"]] == [2, 2]
    page = (found.folder / "index.html").read_text(encoding="utf-8")
    for name in ("no_face.png", "several_faces.png"):
        assert (found.folder / name).exists()
        assert f'<img src="{name}"' in page
    for box in facts["several_files"][0]["boxes"]:
        assert box in page
    lines = repr(found).splitlines()
    assert any(re.match(r"no face +1  of 4 pictures that were", line) for line in lines)
    assert any(re.match(r"several faces +2  in 1 of them", line) for line in lines)


def test_they_are_no_faults_and_the_cleaned_table_keeps_them(found):
    assert found.wrong() == {"unreadable": 1, "blank": 1}
    fixed = read_csv(found.folder.parent / "fixed.csv")
    names = fixed["path"].str.extract(r"(\w+)\.png$")[0].tolist()
    assert names == ["one", "none", "two", "alike", "boxed"]


def test_no_faces_are_looked_for_by_default(labels, tmp_path):
    findings = audit([f"mine=table:{labels}"], tmp_path / "out")
    assert findings.faces.empty
    assert document(tmp_path / "out")["faces"] is None
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "Faces<small>" not in page
    assert "no face" not in repr(findings)


def test_auto_gives_up_data_sets_that_show_few_faces(tables, tmp_path):
    """Two of 45 pictures show a face, so that of 40 of them at most two do."""
    rows = []
    for name, count in (("scenes", 43), ("photos", 2)):
        for number in range(count):
            path = tmp_path / f"{name}{number}.png"
            image = (
                scene(number) if name == "scenes" else photo().crop((0, 0, 340, 340))
            )
            image.save(path)
            rows.append((str(path), "some"))
    people = [(path.replace("photos0", "people"), "people") for path, _ in rows[-2:-1]]
    photo((280, 500, 300)).save(people[0][0])
    frame = pd.DataFrame(rows + people, columns=["path", "source"])
    used = [tables(frame.assign(gender="male"), tmp_path)]
    findings = audit(used, tmp_path / "out", faces="auto")
    assert findings.faces["path"].tolist() == [people[0][0]]
    (note,) = findings.notes
    assert re.fullmatch(
        r"some: [0-2] of 40 pictures show a face, so the others are not searched for "
        "any",
        note,
    )
    assert note in document(tmp_path / "out")["notes"]
    patient = audit(used, tmp_path / "patient", faces="detect")
    assert not patient.notes
    assert len(patient.faces) == 46
    assert patient.faces["faces"].astype(bool).sum() == 3


def test_the_command_takes_the_option_and_strict_passes(tmp_path, capsys):
    Image.fromarray(data.coffee()).save(tmp_path / "cup.png")
    photo().save(tmp_path / "one.png")
    (tmp_path / "labels.csv").write_text("path,mood\ncup.png,calm\none.png,tense\n")
    command = ["--data", f"mine=table:{tmp_path / 'labels.csv'}", "--faces", "auto"]
    assert main([*command, "--strict", "--out", str(tmp_path / "out")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "strict: nothing wrong"
    assert any(re.match(r"no face +1  of 2 pictures", line) for line in lines)


def test_a_wrong_word_is_told_before_the_work(tmp_path, capsys):
    frame = pd.DataFrame({"path": [np.zeros((40, 40, 3), np.uint8)], "mood": ["calm"]})
    wrong: dict[str, Any] = {"faces": "all"}
    with pytest.raises(UserError, match="^faces: is 'all', must be 'auto', 'detect'"):
        multitask.audit(frame, out=tmp_path / "out", say=quiet, **wrong)
    assert main(["--data", "a=b", "--faces", "all"]) == 2
    assert "--faces: " in capsys.readouterr().err
    assert not list(tmp_path.rglob("audit.json"))
