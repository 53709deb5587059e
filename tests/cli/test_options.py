"""Do options make the recipe and the machine that they say, and name what has moved?"""

import re
from argparse import SUPPRESS
from dataclasses import fields
from importlib import import_module
from pathlib import Path

import pytest

from multitask.cli import options
from multitask.compare import parser as compare_parser
from multitask.contracts.errors import Parser, UserError
from multitask.contracts.machine import Machine
from multitask.contracts.reading import TABLES
from multitask.contracts.recipe import GROUPS, Recipe
from multitask.contracts.recipe_files import GONE, MACHINE
from multitask.contracts.settings import option
from multitask.fit import parser as fit_parser
from multitask.report import parser as report_parser
from multitask.sweep import parser as sweep_parser


def parsed(*words):
    parser = Parser(prog="python -m multitask.fit")
    options.add(parser)
    return parser.parse_args(words)


def error(*words, read=options.read):
    with pytest.raises(UserError) as caught:
        read(parsed(*words))
    return caught.value.line


def sections(parser):
    """The options that each section of a command's help lists, by its title."""
    parts = re.split(r"^(\w+):\n", parser.format_help(), flags=re.MULTILINE)[1:]
    return {
        title: re.findall(r"^  (?:-\w, )?(--[\w-]+)", text, re.MULTILINE)
        for title, text in zip(parts[::2], parts[1::2], strict=True)
    }


# Help


def test_help_lists_every_setting_in_the_section_of_its_group():
    listed = sections(fit_parser())
    assert list(listed) == ["options", *GROUPS]
    for setting in fields(Recipe):
        if setting.name != "head":  # tables, for which a file is needed
            assert option(setting.name) in listed[setting.metadata["group"]]
    assert listed["output"] == [
            "--storage", "--cache", "--memory", "--damaged", "--out", "--resume",
        ]  # fmt: skip


@pytest.mark.parametrize(
    "name", ["fit", "predict", "report", "audit", "compare", "sweep"]
)
def test_help_says_the_default_of_every_option_that_takes_a_value(name):
    actions = import_module(f"multitask.{name}").parser()._actions
    without = ("recipe", "fix", "merge", "vary")  # which do nothing if left out
    for action in actions:
        takes_value = action.option_strings and action.nargs != 0
        if takes_value and action.help != SUPPRESS and action.dest not in without:
            is_audited = name == "audit" and action.dest == "data"  # which is required
            assert ("default" in action.help) is not is_audited, action.dest


def test_help_says_zero_and_the_values_within_a_text():
    shown = " ".join(fit_parser().format_help().split())
    assert "0 turns it off (default 0)" in shown  # --ema
    assert "for everything random (default 0)" in shown  # --seed
    assert "--features N[,l2=X][,norm=yes]" in shown


@pytest.mark.parametrize("name", ["fit", "report", "audit", "compare", "sweep"])
def test_help_lists_the_ways_to_give_data(name):
    shown = import_module(f"multitask.{name}").parser().format_help()
    text = " ".join(shown.split())
    assert "NAME=FOLDER, in the publishers' layout of adience, affectnet," in text
    assert f"NAME=table:FILE, a table ({', '.join(TABLES)}) with a column that" in text
    assert "imfdb, rafdb, utkface; NAME=table:FILE" in text
    assert "NAME=table:FILE" in text
    assert "HEAD=folder:FOLDER" in text


def test_help_lists_no_option_twice_and_none_that_has_moved():
    listed = [name for part in sections(fit_parser()).values() for name in part]
    assert len(listed) == len(set(listed))
    assert not {option(name) for name in set(GONE) - set(MACHINE)} & set(listed)


def test_a_command_does_not_list_what_it_is_without():
    parser = Parser(prog="python -m multitask.compare")
    options.add(parser, without=["folds"])
    assert "--folds" not in parser.format_help()
    assert parser.parse_args(["--folds", "3"]).folds == "3"  # which it may refuse


@pytest.mark.parametrize("parser", [compare_parser, sweep_parser])
def test_commands_that_refuse_folds_do_not_list_them(parser):
    assert "--folds" not in parser().format_help()
    assert parser().parse_args(["--folds", "3"]).folds == "3"


def test_a_recipe_has_at_most_39_settings():
    # Each one more is one more to read about: an option of the machine, or a key of
    # another setting's text, may do.
    assert len(fields(Recipe)) <= 39


@pytest.mark.parametrize("parser", [fit_parser, compare_parser, sweep_parser])
def test_commands_that_train_take_the_machine(parser):
    output = sections(parser())["output"]
    assert {"--cache", "--memory", "--out"} <= set(output)


def test_a_report_takes_memory():
    arguments = report_parser().parse_args(["run", "--memory", "0.5"])
    assert options.machine(arguments) == Machine(memory=0.5)


# Recipes


def test_without_options_it_is_the_default_recipe():
    assert options.read(parsed()) == Recipe()
    assert options.explicit(parsed()) == {}


def test_options_are_read_as_the_types_of_their_settings():
    words = [
        *("--heads", "age, attributes[Young,Smiling]"),
        *("--data", "utkface=U", "--data", "celeba=C"),
        *("--epochs", "3", "--dropout", "0", "--features", "64,l2=0.001"),
        *("--loss-weights", "age=2, race=1.5", "--class-weights", "balanced"),
        *("--cap", "race=500,20"),
    ]
    assert options.read(parsed(*words)) == Recipe(
        heads=("age", "attributes[Young,Smiling]"),
        data=("utkface=U", "celeba=C"),
        epochs=3,
        dropout=0.0,
        features="64,l2=0.001",
        loss_weights={"age": 2.0, "race": 1.5},
        class_weights={"all": "balanced"},
        cap={"race": 500, "all": 20},
    )


def test_options_win_over_the_recipe_file(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text('epochs = 3\nheads = ["age"]\nschedule = "constant"\n')
    recipe = options.read(parsed("--recipe", str(file), "--epochs", "5"))
    assert recipe == Recipe(epochs=5, heads=("age",), schedule="constant")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("--epochs many", "--epochs: is 'many', must be a whole number"),
        ("--seed -1", "--seed: is -1, must be 0 or more"),
        ("--optimizer adamm", "--optimizer: is 'adamm', must be 'muon', 'adamw', "),
        ("--cap race=few", "--cap.race: is 'few', must be a whole number"),
        ("--cap =3", "--cap: '=3' has no head; write HEAD=VALUE"),
        ("--schedule cosinus", "--schedule: is 'cosinus', must be 'cosine', "),
    ],
)
def test_a_wrong_value_names_its_option(words, line):
    assert error(*words.split()).startswith(line)


def test_a_mistake_in_the_recipe_file_names_the_file(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text("epochs = true\n")
    assert error("--recipe", str(file), "--epochs", "3") == (
        f"{file}: epochs is True, must be a whole number"
    )


# Options of an earlier version


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("--looks 2", "--looks: is now called --tta; write --tta"),
        ("--average 0.9", "--average: is now called --ema; write --ema"),
        (
            "--warmup 0",
            "--warmup: is now part of --schedule; write --schedule "
            "cosine,warmup=EPOCHS",
        ),
        (
            "--least-learning-rate=1e-3",
            "--least-learning-rate: is now part of --schedule; write --schedule "
            "plateau,min_learning_rate=X",
        ),
        (
            "--oversample race",
            "--oversample: is now part of --mix; write --mix classes=HEAD",
        ),
        (
            "--then-epochs 8",
            "--then-epochs: is now part of --then; write --then all,epochs=N",
        ),
        (
            "--features-norm yes",
            "--features-norm: is now part of --features; write --features N,norm=yes",
        ),
        (
            "--cache-precision float16",
            "--cache-precision: no longer exists; leave it out",
        ),
    ],
)
def test_an_option_of_an_earlier_version_says_what_to_write_today(words, line):
    assert error(*words.split()) == line


@pytest.mark.parametrize("name", sorted(set(GONE) - set(MACHINE)))
def test_no_option_of_an_earlier_version_is_unknown(name):
    line = error(option(name), "1")
    assert line.startswith(f"{option(name)}: ")
    assert "unknown option" not in line


# The machine


def test_the_machine_has_its_defaults_or_what_is_asked_for(tmp_path):
    assert options.machine(parsed()) == Machine()
    arguments = parsed("--cache", str(tmp_path), "--memory", "4")
    assert options.machine(arguments) == Machine(cache=tmp_path, memory=4.0)
    assert options.read(arguments) == Recipe()  # of which it is no part


@pytest.mark.parametrize(
    ("memory", "line"),
    [
        ("much", "--memory: is 'much', must be a number"),
        ("0", "--memory: is 0.0, must be above 0"),
    ],
)
def test_memory_that_can_not_be_is_told(memory, line):
    assert error("--memory", memory, read=options.machine) == line


# The folder


def test_a_folder_is_named_by_the_kind_of_work_and_the_time():
    assert options.default_folder("here") == Path("here")
    name = options.default_folder(None, "sweep-")
    assert name.parent == Path("runs")
    assert re.fullmatch(r"sweep-\d{8}-\d{6}", name.name)


@pytest.mark.parametrize("text", ["", ",", " , "])
def test_heads_that_name_none_are_not_all_heads(text):
    assert error("--heads", text) == "--heads: is empty; name heads, or leave it out"
