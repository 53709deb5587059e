"""Does the command check data sets, report what is wrong, and refuse mistakes early?"""

import os
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path

import pandas as pd
import pytest

from multitask.audit import main
from multitask.contracts import run
from multitask.contracts.errors import UserError
from multitask.contracts.table import read_csv
from multitask.inspection import audit as library
from multitask.inspection.audit import audit
from multitask.inspection.clean import clean as clean_rows
from multitask.inspection.clean import write_table
from tests import layouts
from tests.planted import TIME, document, scene

ROOT = Path(__file__).parents[2]
UTKFACE = ROOT.parent / "shared" / "data" / "UTKFace"


def test_command_prints_a_table_and_strict_says_what_is_wrong(
    planted_faces, tmp_path, capsys
):
    arguments = ["--data", f"utkface={planted_faces}", "--out"]
    assert main([*arguments, str(tmp_path / "one")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["rows", "10", "utkface", "10"]
    assert any(line.startswith("conflicting pairs") for line in lines)
    assert main([*arguments, str(tmp_path / "two"), "--strict"]) == 1
    output = capsys.readouterr().out.splitlines()[-1]
    assert output == (
        "strict: 1 unreadable, 1 malformed, 2 conflicting pairs, 1 blank, 1 tiny"
    )
    assert (tmp_path / "two" / "index.html").exists()


def test_strict_passes_what_is_flawless(tmp_path, capsys):
    folder = tmp_path / "faces"
    folder.mkdir()
    for number in range(3):
        scene(number).save(folder / f"{number}_0_0_{TIME}.png")
    arguments = [
        "--data",
        f"utkface={folder}",
        "--out",
        str(tmp_path / "out"),
        "--strict",
    ]
    assert main(arguments) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "strict: nothing wrong"
    assert document(tmp_path / "out")["pairs"] == []


def test_the_next_step_keeps_the_heads_and_names_a_new_file(
    planted_faces, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    data = f"utkface={planted_faces}"
    arguments = ["--data", data, "--heads", "age"]
    for number, new in enumerate(("clean.csv", "clean-2.csv", "clean-3.csv")):
        assert main([*arguments, "--out", f"out-{number}"]) == 0
        step = capsys.readouterr().out.splitlines()[-1]
        command = f"python -m multitask.audit --data {data} --heads age --fix {new}"
        assert step == f"  write a table without these faults  {command}"
        Path(new).touch()
    assert main([*arguments, "--out", "fixed", "--fix", "fixed.csv"]) == 0
    step = capsys.readouterr().out.splitlines()[-1]
    assert step.endswith("  python -m multitask.fit --data table=fixed.csv --heads age")


def test_only_the_requested_heads_are_checked(planted_faces, tmp_path):
    audit([f"utkface={planted_faces}"], tmp_path / "out", heads=["race"])
    facts = document(tmp_path / "out")
    assert list(facts["heads"]) == ["race"]
    assert facts["other_columns"] == ["age", "gender"]
    assert facts["conflicting_pairs"] == 0


def test_mistakes_are_one_line_before_the_work(planted_faces, tmp_path, capsys):
    data = ["--data", f"utkface={planted_faces}"]
    there = tmp_path / "there.csv"
    there.touch()
    declared, declaration = tmp_path / "new.csv", tmp_path / "new.csv.toml"
    declaration.touch()
    out = ["--out", str(tmp_path / "out")]
    for arguments, line in (
        (out, "--data: no data set given; write --data NAME=FOLDER"),
        ([*data, "--out", str(planted_faces)], f"{planted_faces}: already exists"),
        (
            [*data, *out, "--heads", "rase"],
            "--heads: unknown head 'rase'; did you mean",
        ),
        ([*data, *out, "--heads", "pose"], "head pose: the data has no column 'pose'"),
        ([*data, *out, "--fix", "a.txt"], "--fix: 'a.txt' must end in .csv"),
        ([*data, *out, "--fix", str(there)], f"--fix: '{there}' already exists"),
        (
            [*data, *out, "--fix", str(declared)],
            f"--fix: '{declaration}' already exists; name a new file",
        ),
    ):
        assert main(arguments) == 2
        output, error = capsys.readouterr()
        assert output == ""
        assert error.startswith(line)
        assert error.count("\n") == 1
        assert not (tmp_path / "out").exists()


def test_if_no_picture_can_be_read_the_findings_say_so_and_there_is_no_fix(tmp_path):
    folder = tmp_path / "faces"
    folder.mkdir()
    (folder / f"1_0_0_{TIME}.jpg").touch()
    with pytest.raises(UserError, match="^--fix: no rows are left"):
        audit([f"utkface={folder}"], tmp_path / "out", fix=tmp_path / "f.csv")
    facts = document(tmp_path / "out")
    assert facts["unreadable_files"][0]["reason"].startswith("empty file")
    assert facts["pictures"]["sizes"] == {}
    assert not (tmp_path / "f.csv").exists()


@pytest.mark.parametrize("last", ["page", "table"])
def test_an_audit_that_was_killed_is_made_again_by_the_same_command(
    last, planted_audit, planted_faces, tmp_path, monkeypatch
):
    def killed(*_, **__):
        raise KeyboardInterrupt

    def write_and_die(*arguments, **keywords):
        write_table(*arguments, **keywords)
        killed()

    out, fixed = tmp_path / "again", tmp_path / "again.csv"
    work = [f"utkface={planted_faces}"], out
    with monkeypatch.context() as patch:
        # As a kill does, this leaves the journal.
        patch.setattr(run, "whole", lambda out: nullcontext(start_journal(out)))
        dies = killed if last == "page" else write_and_die
        patch.setattr(library, "write_table", dies)
        with pytest.raises(KeyboardInterrupt):
            audit(*work, fix=fixed)
    assert fixed.exists() == (last == "table")
    (tmp_path / "link").symlink_to(tmp_path)
    audit(*work, fix=tmp_path / "link" / fixed.name)
    assert fixed.read_text() == (tmp_path / "fixed.csv").read_text()
    assert names(out) == names(planted_audit)


def test_a_table_that_somebody_makes_during_an_audit_stays(
    planted_faces, tmp_path, monkeypatch
):
    usual, fixed = clean_rows, tmp_path / "new.csv"

    def clean(*arguments):
        fixed.write_text("mine")
        return usual(*arguments)

    monkeypatch.setattr("multitask.inspection.audit.clean", clean)
    with pytest.raises(UserError, match=r"new\.csv' already exists"):
        audit([f"utkface={planted_faces}"], tmp_path / "out", fix=fixed)
    assert fixed.read_text() == "mine"


def start_journal(out):
    (out / ".part-journal").write_text("{}")


def names(folder):
    return {path.name for path in folder.iterdir()}


def test_file_names_that_are_not_utf8_are_counted_like_others(tmp_path):
    folder = tmp_path / "faces"
    folder.mkdir()
    for name in (b"20", b"21"):
        path = os.fsencode(folder) + b"/" + name + b"_0_0_\xff.png"
        with open(path, "wb") as file:
            scene(1).save(file, "PNG")
    audit([f"utkface={folder}"], tmp_path / "out", fix=tmp_path / "f.csv")
    assert document(tmp_path / "out")["conflicting_pairs"] == 1
    assert os.path.exists(read_csv(tmp_path / "f.csv")["path"][0])


def test_tensorflow_stays_away(planted_faces, tmp_path):
    program = (
        "import sys; from multitask.audit import main; main(sys.argv[1:]); "
        "print('tensorflow' in sys.modules, 'keras' in sys.modules)"
    )
    arguments = ["--data", f"utkface={planted_faces}", "--out", str(tmp_path / "out")]
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "False False"


@pytest.mark.slow
@pytest.mark.skipif(not UTKFACE.is_dir(), reason="needs the data set UTKFace")
def test_utkface_is_audited_in_a_minute_and_mended(tmp_path):
    start = time.process_time()
    findings = audit(
        [f"utkface={UTKFACE}"], tmp_path / "out", fix=tmp_path / "fixed.csv"
    )
    assert time.process_time() - start < 120  # of two cores
    facts = document(tmp_path / "out")
    assert facts["rows"] + facts["malformed"] == 18_979
    assert (facts["malformed"], facts["unreadable"]) == (3, 0)
    assert 300 < facts["duplicate_pairs"] < 1000
    assert 0.5 < facts["conflicting_pairs"] / facts["duplicate_pairs"] < 1
    assert facts["pictures"]["sizes"] == {"200x200": 18_976}
    fixed = read_csv(tmp_path / "fixed.csv")
    dropped = facts["rows"] - len(fixed)
    assert 0 < dropped <= facts["duplicate_pairs"] + facts["blank"]
    assert fixed["age"].isna().sum() > 100
    assert len(findings.table) == facts["rows"]


def test_heads_declared_by_the_data_are_checked(tmp_path):

    layouts.write(tmp_path / "faces", "folders", count=20, head="pose")
    audit([f"side=folder:{tmp_path / 'faces'}"], tmp_path / "out")
    assert document(tmp_path / "out")["heads"]["side"]["n"] == 20


def test_numbers_that_are_all_out_of_range_are_malformed_and_no_traceback(
    tables, tmp_path, capsys
):
    for number in (1, 2):
        scene(number).save(tmp_path / f"{number}.png")
    paths = [str(tmp_path / f"{number}.png") for number in (1, 2)]
    table = pd.DataFrame({"path": paths, "age": [1985.0, 1990.0]})
    out = tmp_path / "audit"
    assert main(["--data", tables(table, tmp_path), "--out", str(out)]) == 0
    assert document(out)["malformed"] == 2
    [note] = document(out)["notes"]
    assert note.startswith("fit refuses head age: 2 labels of column 'age' lie outside")
    assert note in capsys.readouterr().out
