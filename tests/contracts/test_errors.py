"""Is a user's mistake one line and exit status 2, and a bug still a traceback?"""

import os
import subprocess
import sys

import pytest

from multitask.__main__ import main
from multitask.contracts.errors import (
    Parser,
    UserError,
    as_python,
    command,
    nearest,
    python_spelling,
)


def test_an_error_is_one_line_even_if_its_parts_hold_line_breaks():
    error = UserError("a\nfile.toml", "is\n\n  broken", "mend  it")
    assert str(error) == "a file.toml: is broken; mend it"


def test_an_error_holds_nothing_that_a_terminal_would_obey():
    error = UserError("a.keras", "has the head '\x1b[2J\x9b31mred\x07'")
    assert error.line == "a.keras: has the head '\ufffd[2J\ufffd31mred\ufffd'"


def test_without_advice_an_error_ends_after_what_is():
    assert str(UserError("--epochs", "is 0")) == "--epochs: is 0"


def test_nearest_names_one_close_name_and_lists_all():
    assert nearest("Smilling", ["Young", "Smiling"]) == (
        "did you mean 'Smiling'? Known: Young, Smiling"
    )


def test_nearest_takes_upper_and_lower_case_alike():
    assert nearest("path", ["age", "Path"]) == "did you mean 'Path'? Known: age, Path"
    assert nearest("RESNET51", ["resnet50"]).startswith("did you mean 'resnet50'?")


def test_a_long_list_of_names_is_cut():
    many = [f"label{number}" for number in range(50)]
    text = nearest("zzz", many)
    assert text.startswith("known: label0, label1, ")
    assert text.endswith(", label19 and 30 others")
    assert nearest("zzz", many[:30]).endswith("label29")


def test_nearest_of_nothing_close_only_lists():
    assert nearest("zzz", ["Young", 3]) == "known: Young, 3"
    assert nearest("zzz", []) == "known: none"


def test_a_user_error_is_printed_on_standard_error_and_returns_2(capsys):
    @command
    def main(argv=None):
        raise UserError("--epochs", "is 0", "give 20")

    assert main() == 2
    assert capsys.readouterr() == ("", "--epochs: is 0; give 20\n")


def test_the_status_and_the_arguments_pass_through():
    @command
    def main(argv=None):
        return len(argv)

    assert main(["a", "b", "c"]) == 3


def test_a_bug_keeps_its_traceback():
    @command
    def main(argv=None):
        raise KeyError("bug")

    with pytest.raises(KeyError, match="bug"):
        main()


@pytest.mark.parametrize("lines", [1, 100_000])  # within and beyond a pipe's buffer
def test_a_reader_that_stops_reading_is_no_error(lines):
    program = (
        "import sys\nfrom multitask.contracts.errors import command\n"
        f"def main(argv=None):\n    sys.stdin.read()\n    print('x\\n' * {lines})\n"
        "    return 0\n"
        "sys.exit(command(main)())"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        env={k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()  # before the program, which waits for us, writes
        process.stdin.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("fit --epohcs 3", "--epohcs: unknown option; did you mean '--epochs'?"),
        (
            "fit --frobnicate=3",
            "--frobnicate: unknown option; see python -m multitask.fit --help",
        ),
        (
            "report a.keras --limit 9",
            "--limit: unknown option; see python -m multitask",
        ),
        ("fit --epochs", "--epochs: expected one argument"),
        ("fit age", "age: unexpected argument; see python -m multitask.fit --help"),
        ("predict net a.jpg --format xml", "--format: is 'xml', must be one of "),
        ("sweep --trials many", "--trials: is 'many', must be a whole number"),
        ("predict", "python -m multitask.predict: the following arguments are"),
    ],
)
def test_a_wrong_option_is_told_in_one_line(words, told, capsys):
    assert main(words.split()) == 2
    shown = capsys.readouterr()
    assert shown.err.startswith(told)
    assert shown.err.count("\n") == 1
    assert not shown.out


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("-- -x.jpg b.jpg", ["-x.jpg", "b.jpg"]),
        ("--size 3 a.jpg -- -x.jpg", ["a.jpg", "-x.jpg"]),
        ("-- --size a --", ["--size", "a", "--"]),
        ("a.jpg b.jpg --", ["a.jpg", "b.jpg"]),
        ("a --size 3 b", ["a", "b"]),
        ("-- -9 -x=3", ["-9", "-x=3"]),
    ],
)
def test_what_follows_two_dashes_is_no_option(words, expected):
    parser = Parser(prog="x")
    parser.add_argument("first")
    parser.add_argument("rest", nargs="*")
    parser.add_argument("--size", type=int)
    parsed = parser.parse_args(words.split())
    assert [parsed.first, *parsed.rest] == expected
    assert parsed.size == (3 if "--size 3" in words else None)


def test_a_word_too_many_after_two_dashes_is_named_as_it_is():
    with pytest.raises(UserError, match="^-x: unexpected argument; see x --help"):
        Parser(prog="x").parse_args(["--", "-x"])


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("--batch-size: is 0, must be 1", "batch_size: is 0, must be 1"),
        ("with --freeze all: --epochs", "with freeze all: epochs"),
        ("--data: is none; write --data NAME=FOLDER",
         'data: is none; write data={"NAME": "FOLDER"}'),
        ("stopped; resume with: python -m multitask.fit --resume --out 'my runs/a'",
         "stopped; resume with: multitask.fit(out='my runs/a', resume=True)"),
        ("""python -m multitask.fit --resume --out 'it'"'"'s'""",
         """multitask.fit(out="it's", resume=True)"""),
        ("add --merge A+B", "add merges A+B"),
        # What is the user's stays as it is, as does what is no keyword of Python.
        ("/tmp/--out: is --out", "/tmp/--out: is out"),
        ("~/--out/x, a--out, ./--out, b.--out", "~/--out/x, a--out, ./--out, b.--out"),
        ("can't be '--out', \"--out\", --out", "can't be '--out', \"--out\", out"),
        ("run python -m multitask.report runs/a --data x=y",
         "run python -m multitask.report runs/a --data x=y"),
        ("run python -m multitask.fit --recipe x.toml --epochs 3",
         "run python -m multitask.fit --recipe x.toml --epochs 3"),
        ("--data utkface=/a/b: --heads", "data utkface=/a/b: heads"),
        ("pip --upgrade, --na--, --outs", "pip --upgrade, --na--, --outs"),
        ("'/a--b/c' -- is -- no option", "'/a--b/c' -- is -- no option"),
    ],
)  # fmt: skip
def test_settings_are_named_as_in_python(line, expected):
    assert as_python(line) == expected


def test_a_function_may_name_settings_as_in_python(capsys):
    @python_spelling
    def one(own_keyword):
        if not own_keyword:
            raise UserError("--own-keyword", "is 0")
        return own_keyword

    assert one(3) == 3
    with pytest.raises(UserError, match="^own_keyword: is 0$") as caught:
        one(0)
    assert caught.value.line == "--own-keyword: is 0"
    # A command that calls the function speaks of its option all the same.
    assert command(lambda argv: one(0))([]) == 2
    assert capsys.readouterr().err == "--own-keyword: is 0\n"


def test_a_keyword_that_a_function_lacks_names_the_nearest():
    @python_spelling
    def predict(self, pictures, *, heads=None, probabilities=False):
        return heads

    with pytest.raises(UserError) as caught:
        predict(None, [], probs=True)  # type: ignore[call-arg]
    assert str(caught.value) == (
        "probs: unknown setting; did you mean 'probabilities'? "
        "Known: pictures, heads, probabilities"
    )
    assert predict(None, [], heads="age") == "age"

    @python_spelling
    def fit(**settings):
        return settings

    assert fit(probs=1) == {"probs": 1}
