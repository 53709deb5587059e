"""Does the command predict in every format, and report what it can't predict for?"""

import json
import os
import subprocess
import sys
import time
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
from multitask.networks import analyzer, archive, build
from multitask.networks.analyzer import Analyzer
from multitask.networks.prediction.formats import ENDINGS
from multitask.networks.spec import NetworkSpec
from multitask.predict import main

pytestmark = pytest.mark.usefixtures("opened_once")

ROOT = Path(__file__).parents[2]
HEADS = ("age", "gender", "attributes[Smiling]")
COLUMNS = [
    "status", "path", "box", "age", "age_low", "age_high", "gender",
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


def test_litert_gives_the_same_answers(run, paths, expected, capsys):
    pytest.importorskip("ai_edge_litert", reason="needs the extra litert")
    printed = output(capsys, run, *paths, "--engine", "litert", "--format", "csv")
    answers = pd.read_csv(StringIO(printed.out))
    assert_answers(answers, expected)
    numbers = ["age", "gender_confidence", "Smiling_confidence"]
    np.testing.assert_allclose(answers[numbers], expected[numbers], rtol=1e-4)
    # LiteRT's own notices are not shown.
    assert all(NOTE in one or "picture" in one for one in printed.err.splitlines())


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
    assert head.split() == ["path", "status", "age", "gender", "Smiling"]
    assert len(rows) == 4
    for row, name, answer in zip(rows, NAMES, expected.itertuples(), strict=True):
        assert name in row
        if answer.status == "ok":
            assert f"{answer.age:.1f} (" in row
            assert f"{answer.gender} .{100 * answer.gender_confidence:.0f}" in row


@pytest.mark.parametrize(("ending", "form"), ENDINGS.items())
def test_the_ending_of_a_file_is_its_format(
    ending, form, run, faces, expected, tmp_path, capsys
):
    out = tmp_path / f"faces{ending}"
    if form == "parquet":
        pytest.importorskip("pyarrow")
    silent = output(capsys, run, faces, "--out", out)
    assert silent.out == ""
    assert os.listdir(tmp_path) == [out.name]
    if form == "parquet":
        table = pd.read_parquet(out)
        assert table.dtypes.astype(str)[3:].tolist() == [
            "float64", "float64", "float64", str(table["path"].dtype), "float32",
            "Int64", "float32",
        ]  # fmt: skip
        assert_answers(table, expected)
    else:
        printed = output(capsys, run, faces, "--format", form).out
        assert out.read_text(encoding="utf-8") == printed


def test_pandas_reads_a_csv_file_back(run, faces, expected, tmp_path, capsys):
    output(capsys, run, faces, "--out", tmp_path / "faces.csv")
    back = pd.read_csv(tmp_path / "faces.csv", dtype=expected.dtypes.to_dict())
    empty = [table["box"].isna().all() for table in (back, expected)]
    assert empty == [True, True]  # NaN in one and None in the other
    pd.testing.assert_frame_equal(
        back.drop(columns="box"), expected.drop(columns="box"), rtol=1e-5
    )


def test_notes_and_a_summary_go_to_standard_error(run, faces, capsys):
    result = output(capsys, run, faces / "a.png", "--format", "csv")
    assert result.err.splitlines() == [NOTE, "1 picture: 1 answered"]
    assert NOTE not in result.out
    err = output(capsys, run, faces, faces / "none.jpg").err
    assert err.splitlines()[-1] == (
        "5 pictures: 3 answered, 2 not (no picture that can be read: must be JPEG, "
        f"PNG, BMP, GIF, WEBP, TIFF, AVIF: {faces / 'e.jpg'}; no such file: "
        f"{faces / 'none.jpg'})"
    )


# Before any work


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--out", "a.pdf"], "--out a.pdf: has the unknown ending '.pdf'; known: .csv"),
        (["--out", "a.csv", "--format", "json"], "--format json: contradicts --out"),
        (["--format", "parquet"], "--format parquet: needs a file; write --out FILE"),
        (
            ["--out", "none/a.csv"],
            "--out none/a.csv: no folder 'none'; make it, or",
        ),
        (["--out", "folder.csv"], "--out folder.csv: is a folder; name a file in a"),
        (["--batch-size", "0"], "--batch-size: is 0, must be 1 or more"),
    ],
)
def test_a_mistake_is_one_line_before_tensorflow_is_imported(
    options, line, run, faces, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.csv").mkdir()
    monkeypatch.setattr("multitask.predict.import_tensorflow", None)
    err = output(capsys, run, faces, *options, status=2).err
    assert err.startswith(line)
    assert err.count("\n") == 1
    assert os.listdir(tmp_path) == ["folder.csv"]


def test_a_wrong_head_leaves_no_file(run, faces, tmp_path, capsys):
    output(capsys, run, faces, "--heads", "x", "--out", tmp_path / "a.csv", status=2)
    assert os.listdir(tmp_path) == []


# Stopped, and on


def test_a_stopped_command_says_how_it_goes_on_and_does(
    run, faces, tmp_path, monkeypatch, capsys
):
    out = tmp_path / "faces.csv"
    monkeypatch.setattr(analyzer, "_CHUNK", 2)
    output(capsys, run, faces, "--out", out)
    whole = out.read_bytes()
    real, seen = Analyzer.predict_chunks, []

    def stopped(*arguments, **options):
        yield next(real(*arguments, **options))
        raise KeyboardInterrupt

    def counted(self, paths, *, start, **options):
        seen.extend(paths[start:])
        return real(self, paths, start=start, **options)

    monkeypatch.setattr(Analyzer, "predict_chunks", stopped)
    err = output(capsys, run, faces, "--out", out, status=130).err
    assert err.splitlines()[-1] == (
        "stopped after 2 of 4 pictures; the same command resumes from there: "
        f"python -m multitask.predict {run} {faces} --out {out}"
    )
    assert out.read_bytes() == whole  # that of the time before
    part = tmp_path / "faces.csv.part"
    assert part.read_bytes() == b"".join(whole.splitlines(True)[:3])

    monkeypatch.setattr(Analyzer, "predict_chunks", counted)
    other = output(capsys, run, faces, "--heads", "age", "--out", out, status=2).err
    assert other.startswith(f"{part}: holds rows of another choice of heads; resume w")
    err = output(capsys, run, faces, "--out", out).err
    assert err.splitlines()[-2] == "resuming after 2 of 4 pictures"
    assert err.splitlines()[-1].startswith("4 pictures: 3 answered, 1 not (no picture")
    assert [Path(path).name for path in seen] == ["e.jpg", "d.png"]
    assert out.read_bytes() == whole
    assert os.listdir(tmp_path) == ["faces.csv"]


def test_a_command_of_many_names_is_not_printed(
    run, faces, tmp_path, monkeypatch, capsys
):
    real = Analyzer.predict_chunks

    def stopped(*arguments, **options):
        yield next(real(*arguments, **options))
        raise KeyboardInterrupt

    monkeypatch.setattr(Analyzer, "predict_chunks", stopped)
    names = [faces / "a.png", *(tmp_path / f"{number}.jpg" for number in range(19))]
    out = tmp_path / "faces.csv"
    err = output(capsys, run, *names, "--out", out, status=130).err
    assert err.splitlines()[-1] == (
        "stopped after 20 of 20 pictures; the same command resumes from there"
    )


def test_what_is_printed_comes_part_by_part_and_stops(run, faces, monkeypatch, capsys):
    monkeypatch.setattr(analyzer, "_CHUNK", 2)
    whole = output(capsys, run, faces, "--format", "jsonl").out
    real = Analyzer.predict_chunks

    def stopped(*arguments, **options):
        yield next(real(*arguments, **options))
        raise KeyboardInterrupt

    monkeypatch.setattr(Analyzer, "predict_chunks", stopped)
    out, err = output(capsys, run, faces, "--format", "jsonl", status=130)
    assert out.splitlines() == whole.splitlines()[:2]
    assert err.splitlines()[-1] == "stopped after 2 of 4 pictures"


@pytest.mark.slow
def test_a_killed_command_goes_on_to_the_same_file(run, tmp_path):
    pytest.importorskip("pyarrow")
    folder = tmp_path / "faces"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(3000):
        pixels = rng.integers(0, 256, (40, 40, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.jpg")
    for name in ("faces.csv", "faces.parquet"):
        whole, out = tmp_path / f"whole-{name}", tmp_path / name
        assert started(run, folder, "--out", whole).returncode == 0
        killed = subprocess.Popen(command(run, folder, "--out", out), cwd=ROOT)
        state = tmp_path / f"{name}.part.json"
        deadline = time.monotonic() + 120
        while (
            not state.exists() or json.loads(state.read_text())["tally"]["rows"] < 512
        ):
            assert killed.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        killed.kill()
        killed.wait()
        assert not out.exists()
        done = started(run, folder, "--out", out)
        assert "resuming after " in done.stderr
        assert out.read_bytes() == whole.read_bytes()


# Inputs


def test_a_glob_without_match_is_an_error(faces, run, capsys):
    text = f"{faces}/*.tiff"
    assert output(capsys, run, text, status=2).err == f"{text}: matches no file\n"


def test_a_missing_file_is_a_row(run, faces, capsys):
    files = [faces / "none.jpg", faces / "a.png"]
    rows = json.loads(output(capsys, run, *files, "--format", "json").out)
    assert [row["status"] for row in rows] == ["no such file", "ok"]
    # Status 1: no prediction at all.
    alone = output(capsys, run, faces / "e.jpg", "--format", "json", status=1)
    [row] = json.loads(alone.out)
    assert (row["status"][:10], row["gender"]) == ("no picture", None)


def test_if_nothing_given_exists_nothing_is_written(run, faces, tmp_path, capsys):
    out = tmp_path / "answers.csv"
    for names, line in (
        (["none"], "none: no such file or folder; check the path\n"),
        (["none", "b.jpg"],
         "none: no such file or folder (the first of 2 pictures, none of which can be "
         "used); check the path\n"),
        # What can only be a folder is refused beside others, as a glob is.
        (["none/", faces / "a.png"], "none/: no such folder; check the path\n"),
    ):  # fmt: skip
        assert output(capsys, run, *names, "--out", out, status=2).err == line
    assert not any(tmp_path.iterdir())


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
    columns = ["status", "path", "box", "gender", "gender_confidence"]
    assert list(pd.read_csv(StringIO(out))) == columns


def test_names_of_heads_may_have_spaces_between_them(run, faces, capsys):
    out = output(capsys, run, faces, "--heads", "age, gender", "--format", "csv").out
    columns = list(pd.read_csv(StringIO(out)))
    assert columns == [name for name in COLUMNS if not name.startswith("Smiling")]


def test_an_unknown_head_names_the_nearest(run, faces, capsys):
    err = output(capsys, run, faces, "--heads", "gender,gendr", status=2).err
    assert err == (
        f"--heads: {run} has no head 'gendr'; did you mean 'gender'? Known: age, "
        "gender, attributes\n"
    )
    err = output(capsys, run, faces, "--heads", "race", status=2).err
    assert err == (
        f"--heads: {run} has no head 'race'; it has age, gender, attributes; train one "
        "on data that labels it: python -m multitask.fit --heads race --data NAME=PATH "
        f"--weights {run} --out runs/race\n"
    )


def test_probabilities_are_added_and_sum_to_1(run, faces, capsys):
    options = [run, faces, "--heads", "gender", "--probabilities", "--format", "csv"]
    table = pd.read_csv(StringIO(output(capsys, *options).out))
    assert list(table)[3:] == [
        "gender", "gender_confidence", "gender_male", "gender_female",
    ]  # fmt: skip
    answered = table[table["status"] == "ok"]
    sums = answered["gender_male"] + answered["gender_female"]
    np.testing.assert_allclose(sums, 1, atol=1e-6)


# As a command of its own


def command(*arguments):
    return [sys.executable, "-m", "multitask.predict", *map(str, arguments)]


def started(*arguments):
    return subprocess.run(
        command(*arguments),
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
    assert done.stderr.splitlines()[:-1] == [NOTE]


def test_what_is_no_network_is_one_line(faces, tmp_path, capsys):
    text = tmp_path / "notes.keras"
    text.write_text("a letter")
    printed = output(capsys, text, faces, status=2)
    assert printed.out == ""
    assert printed.err == (
        f"{text}: is not a network file, or is truncated (File is not a zip "
        "file); give a network.keras that `python -m multitask.fit` wrote\n"
    )


def test_the_boxes_of_a_table_are_cut_out(run, paths, tmp_path, capsys):
    first, other = [path for path in paths if os.path.exists(path)][:2]
    none, good = (None,) * 4, (2, 2, 20, 20)
    frame = pd.DataFrame([*[good] * 10, none, none, (9, 9, -3, 5)], columns=[*"xywh"])
    frame.insert(0, "picture", [*[first] * 10, other, "x.png", first])
    table = tmp_path / "faces.csv"
    frame.to_csv(table, index=False)
    text = output(capsys, run, table, "--format", "jsonl").out
    answers = pd.read_json(StringIO(text), lines=True)
    assert answers["box"].fillna("").tolist()[9:11] == ["2 2 22 22", ""]
    assert answers["status"].tolist()[9:11] == ["ok", "ok"]
    assert "no such file" in answers["status"][11]
    assert "has right -3 before left 9: must be" in answers["status"][12]
    whole = multitask.load(run).predict([other])
    assert answers["age"][10] == pytest.approx(whole["age"][0], abs=1e-3)


def test_a_table_beside_other_input_is_refused(run, faces, tmp_path, capsys):
    table = tmp_path / "faces.csv"
    table.write_text("path\na.png\n")
    assert main([str(run), str(table), str(faces)]) == 2
    assert "give one table, without other input" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("toml", "options"),
    [
        ("", ["--box", "xywh"]),
        ('box = "xywh"', []),
        ('box = "xywh"', ["--box", "xywh"]),
        ('box = "xyxy"', ["--box", "xywh"]),
        ('[column.bbox]\nrole = "box"', ["--box", "xywh"]),
    ],
)
def test_what_boxes_of_a_table_are_is_an_option_or_declared(
    run, paths, tmp_path, capsys, toml, options
):
    first = next(path for path in paths if os.path.exists(path))
    table = tmp_path / "faces.csv"
    frame = pd.DataFrame({"path": [first] * 2, "bbox": ["2 2 20 20", None]})
    frame.to_csv(table, index=False)
    (tmp_path / "faces.csv.toml").write_text(toml)
    text = output(capsys, run, table, "--format", "jsonl", *options).out
    answers = pd.read_json(StringIO(text), lines=True)
    assert answers["box"].fillna("").tolist() == ["2 2 22 22", ""]


def test_a_wrong_box_of_a_declared_column_is_no_whole_picture(
    run, paths, tmp_path, capsys
):
    first = next(path for path in paths if os.path.exists(path))
    table = tmp_path / "faces.csv"
    frame = pd.DataFrame({"path": [first] * 11, "face": ["2 2 9 9"] * 10 + ["9 9 1 1"]})
    frame.to_csv(table, index=False)
    (tmp_path / "faces.csv.toml").write_text('[column.face]\nrole = "box"')
    text = output(capsys, run, table, "--format", "jsonl").out
    statuses = pd.read_json(StringIO(text), lines=True)["status"].tolist()
    assert statuses[:10] == ["ok"] * 10
    assert statuses[10] == (
        "box '9 9 1 1' has right 1 before left 9: must be 'left top right bottom', or "
        "--box xywh: 'left top width height'"
    )
