"""Does the command predict in every format, and report what it can't predict for?"""

import json
import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
from PIL import Image

import multitask
from multitask.contracts import catalog
from multitask.contracts.run import NETWORK
from multitask.networks import archive, build
from multitask.networks.predictions import FORMATS
from multitask.networks.spec import NetworkSpec
from multitask.predict import main

ROOT = Path(__file__).parents[2]
HEADS = ("age", "gender", "attributes[Smiling]")
COLUMNS = [
    "path", "status", "box", "age", "age_low", "age_high", "gender",
    "gender_confidence", "Smiling", "Smiling_confidence",
]  # fmt: skip
NOTE = "Faces were drawn."


@pytest.fixture(scope="module")
def run(tiny_trunk, tmp_path_factory):
    keras.utils.set_random_seed(0)
    heads = tuple(catalog.heads(HEADS))
    spec = NetworkSpec(trunk=tiny_trunk, size=16, heads=heads, notes=(NOTE,))
    folder = tmp_path_factory.mktemp("run")
    archive.save(build.build(spec), spec, folder / NETWORK)
    return folder


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    """Three pictures, one of them in a folder below, and a broken one."""
    folder = tmp_path_factory.mktemp("faces")
    (folder / "more é").mkdir()
    rng = np.random.default_rng(0)
    for name in ("a.png", "b,c.PNG", "more é/d.png"):
        Image.fromarray(rng.integers(0, 256, (20, 20, 3), np.uint8)).save(folder / name)
    (folder / "e.jpg").write_bytes(b"a letter")
    (folder / "notes.txt").write_text("a letter")
    return folder


NAMES = ["a.png", "b,c.PNG", "e.jpg", "more é/d.png"]


@pytest.fixture
def paths(faces):
    return [str(faces / name) for name in NAMES]


@pytest.fixture
def expected(run, paths):
    return multitask.load(run).predict(paths)


def output(capsys, *arguments, status=0):
    """What the command prints when it ends with this status."""
    assert main([str(a) for a in arguments]) == status
    return capsys.readouterr()


def assert_answers(answers, expected):
    assert list(answers) == COLUMNS
    assert answers["path"].tolist() == expected["path"].tolist()
    assert answers["status"].tolist() == expected["status"].tolist()
    for name in COLUMNS[3:]:
        if name == "gender":
            texts = [t[name].fillna("").tolist() for t in (answers, expected)]
            assert texts[0] == texts[1]
        else:
            one, other = (np.array(t[name].astype(float)) for t in (answers, expected))
            np.testing.assert_allclose(one, other, rtol=1e-4)


# Formats


def test_csv_parses_back(run, faces, expected, capsys):
    out = output(capsys, run, faces, "--format", "csv").out
    assert_answers(pd.read_csv(StringIO(out)), expected)
    smiling = pd.read_csv(StringIO(out), dtype=str)["Smiling"]
    assert set(smiling.dropna()) <= {"0", "1"}


def test_json_parses_back(run, faces, expected, capsys):
    rows = json.loads(output(capsys, run, faces, "--format", "json").out)
    assert_answers(pd.DataFrame(rows), expected)
    broken = rows[2]
    assert broken["status"].startswith("no picture that can be read")
    assert {broken[name] for name in COLUMNS[2:]} == {None}
    assert isinstance(rows[0]["Smiling"], int)


def test_jsonl_is_one_row_per_line(run, faces, expected, capsys):
    lines = output(capsys, run, faces, "--format", "jsonl").out.splitlines()
    assert_answers(pd.DataFrame(map(json.loads, lines)), expected)
    assert "more é" in lines[3]  # as it is, not \u00e9


def test_a_table_is_for_reading(run, faces, expected, capsys):
    out = output(capsys, run, faces).out
    head, *rows = out.splitlines()
    assert head.split() == COLUMNS
    assert len(rows) == 4
    for row, name, answer in zip(rows, NAMES, expected.itertuples(), strict=True):
        assert name in row
        if answer.status == "ok":
            assert f"{answer.age:.3f}" in row
            assert answer.gender in row


@pytest.mark.parametrize("form", [f for f in FORMATS if f != "parquet"])
def test_a_file_holds_what_would_be_printed(form, run, faces, tmp_path, capsys):
    printed = output(capsys, run, faces, "--format", form).out
    silent = output(capsys, run, faces, "--format", form, "--out", tmp_path / "out")
    assert silent.out == ""
    assert (tmp_path / "out").read_text(encoding="utf-8") == printed


def test_a_file_that_cannot_be_written_is_an_error(run, faces, tmp_path, capsys):
    out = tmp_path / "none" / "out.csv"
    err = output(capsys, run, faces, "--out", out, status=2).err
    assert f"{out}: can't be written: No such file or directory; free some" in err


def test_notes_go_to_standard_error(run, faces, capsys):
    result = output(capsys, run, faces / "a.png", "--format", "csv")
    assert result.err.splitlines() == [NOTE]
    assert NOTE not in result.out


# Inputs


def test_a_glob_without_match_is_an_error(faces, run, capsys):
    text = f"{faces}/*.tiff"
    assert output(capsys, run, text, status=2).err == f"{text}: matches no file\n"


def test_a_missing_file_is_a_row(run, faces, capsys):
    files = [faces / "none.jpg", faces / "a.png"]
    rows = json.loads(output(capsys, run, *files, "--format", "json").out)
    assert [row["status"] for row in rows] == ["no such file", "ok"]
    # Status 1: no prediction at all.
    alone = output(capsys, run, files[0], "--format", "json", status=1)
    [row] = json.loads(alone.out)
    assert (row["status"], row["gender"]) == ("no such file", None)


def test_the_names_of_files_need_not_be_text(run, tmp_path, capsys):
    name = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.png")  # Latin-1, not UTF-8
    Image.new("RGB", (9, 9)).save(name)
    for form in ("table", "csv", "json", "jsonl"):
        out = output(capsys, run, tmp_path, "--format", form).out
        assert "caf�.png" in out
        out.encode()


# Options


def test_only_the_named_heads_are_read(run, faces, capsys):
    out = output(capsys, run, faces, "--heads", "gender", "--format", "csv").out
    columns = ["path", "status", "box", "gender", "gender_confidence"]
    assert list(pd.read_csv(StringIO(out))) == columns


def test_names_of_heads_may_have_spaces_between_them(run, faces, capsys):
    out = output(capsys, run, faces, "--heads", "age, gender", "--format", "csv").out
    columns = list(pd.read_csv(StringIO(out)))
    assert columns == [name for name in COLUMNS if not name.startswith("Smiling")]


def test_an_unknown_head_names_the_nearest(run, faces, capsys):
    err = output(capsys, run, faces, "--heads", "gender,smile", status=2).err
    assert err == (
        "--heads: this network has no head 'smile'; known: age, gender, attributes\n"
    )


def test_a_batch_of_none_is_refused(run, faces, capsys):
    err = output(capsys, run, faces, "--batch-size", "0", status=2).err
    assert "is 0, must be 1 or more" in err


# As a command of its own


def started(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "multitask.predict", *map(str, arguments)],
        cwd=ROOT,
        env={k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


def test_standard_output_is_nothing_but_answers(run, faces, expected):
    done = started(run, faces, "--format", "json")
    assert done.returncode == 0, done.stderr
    assert_answers(pd.DataFrame(json.loads(done.stdout)), expected)
    assert done.stderr.splitlines() == [NOTE]


def test_what_is_no_network_is_one_line(faces):
    done = started(faces / "a.png", faces)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"{faces / 'a.png'}: is no network file, or is truncated (File is not a zip "
        "file); must be a network.keras that multitask.fit wrote\n"
    )
