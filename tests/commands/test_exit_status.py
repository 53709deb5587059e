"""Does each command say by its exit status and its last line how it ended?

Mistakes in the data, heads and settings of fit, report, audit, sweep, compare and
predict have tests with what finds them.
"""

import argparse
import shlex
from pathlib import Path

import pytest

from multitask import recipes, trunks
from multitask.__main__ import COMMANDS, module
from multitask.contracts import recipe_files
from multitask.networks.trunks import TRUNKS
from tests import layouts

NAMES = [name for name, _ in COMMANDS]


def main(name):
    return module(name).main


def last_line(capsys):
    return capsys.readouterr().out.rstrip("\n").splitlines()[-1]


@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_option_is_one_line_and_status_2(name, capsys):
    assert main(name)(["--nonsense"]) == 2
    output, error = capsys.readouterr()
    assert output == ""
    assert error.count("\n") == 1


@pytest.mark.parametrize("name", [name for name in NAMES if name != "recipes"])
def test_an_option_that_is_cut_short_names_the_whole(name, capsys):
    parser = module(name).parser()
    shown = [action for action in parser._actions if action.help != argparse.SUPPRESS]
    wholes = [action.option_strings[-1] for action in shown if action.option_strings]
    assert "--help" in wholes
    for whole, short in [(w, w[:-1]) for w in wholes if w[:-1] not in wholes]:
        assert main(name)([short, "1", "a.jpg", "b.jpg"]) == 2
        line = f"{short}: unknown option; did you mean {whole!r}?\n"
        assert capsys.readouterr().err == line


@pytest.mark.parametrize(
    ("name", "arguments", "line"),
    [
        ("fit", ["--resume"], "--resume: needs a run to resume; add --out, its"),
        ("report", [], "python -m multitask.report: the following arguments are req"),
        ("sweep", ["--trials", "few"], "--trials: is 'few', must be a whole number"),
        ("recipes", ["thoro"], "thoro: is no recipe of this package; did you "),
        ("trunks", ["cnn"], "cnn: unexpected argument; see python -m multitask.trunks"),
        ("predict", [], "python -m multitask.predict: the following arguments are req"),
        ("predict", ["net.keras"], "net.keras: is a network, and no picture is given"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_arguments_is_told_and_status_2(name, arguments, line, capsys):
    assert main(name)(arguments) == 2
    output, error = capsys.readouterr()
    assert output == ""
    assert error.startswith(line)
    assert error.count("\n") == 1


@pytest.mark.parametrize("name", NAMES)
def test_help_is_status_0(name, capsys):
    with pytest.raises(SystemExit) as ended:
        main(name)(["--help"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: python -m multitask.{name} ")


def test_recipes_end_with_the_last_one(capsys):
    assert recipes.main([]) == 0
    text = recipe_files.path(recipe_files.names()[-1]).read_text(encoding="utf-8")
    comments = [line for line in text.splitlines() if line.startswith("#")]
    assert last_line(capsys).strip() == comments[-1].removeprefix("#").strip()


def test_trunks_end_with_the_last_one(capsys):
    assert trunks.main([]) == 0
    assert last_line(capsys).split()[0] == list(TRUNKS)[-1]


def test_an_audit_ends_with_its_page(planted_faces, tmp_path, capsys):
    out = tmp_path / "out"
    assert main("audit")(["--data", f"utkface={planted_faces}", "--out", str(out)]) == 0
    *_, page, title, step = capsys.readouterr().out.splitlines()
    assert page == f"written to {out}, see {out / 'index.html'}"
    assert title == "Next:"
    command = f"audit --data utkface={planted_faces} --fix clean.csv"
    assert (
        step == f"  write a table without these faults  python -m multitask.{command}"
    )


def test_a_fit_and_a_report_end_with_their_pages(
    tiny_trunk, no_pictures, tmp_path, capsys
):
    layouts.write(tmp_path / "faces", "utkface", count=60, seed=0)
    run = tmp_path / "my run"
    options = [
        "--heads", "gender", "--data", f"utkface={tmp_path / 'faces'}",
        "--trunk", tiny_trunk, "--epochs", "1", "--precision", "float32",
    ]  # fmt: skip
    assert main("fit")([*options, "--out", str(run)]) == 0
    page = run / "report" / "index.html"
    lines = capsys.readouterr().out.splitlines()
    assert f"written to {run}, see {page}" in lines
    assert page.exists()
    steps = [line.partition("  python -m multitask.")[2] for line in lines[-3:]]
    assert shlex.split(steps[0])[:2] == ["predict", str(run)]
    assert Path(shlex.split(steps[0])[2]).is_file()
    assert steps[1:] == [
        f"report '{run}' --data NAME=FOLDER",
        f"compare --recipe '{run}/recipe.toml'",
    ]
    assert main("report")([str(run)]) == 0
    page = run / "report-2" / "index.html"
    assert last_line(capsys) == f"written to {page.parent}, see {page}"
    assert page.exists()
