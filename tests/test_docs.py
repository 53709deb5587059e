"""Do the README and the site say what holds: links, commands, settings?

`./check` builds the site, which checks the links between its pages.
"""

import configparser
import logging
import re
import shlex
import textwrap
import tomllib
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace

import pytest

from docs import hooks
from multitask.__main__ import COMMANDS, module
from multitask.cli import options
from multitask.contracts import recipe
from multitask.tables.declaration import Column, Declaration, declared

ROOT = Path(__file__).resolve().parent.parent
BESIDE = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
PAGES = [*BESIDE[:2], *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\]\(([^)\s]+)\)")
# Options of a training that must hold together are tried by making the recipe.
TRAINS = ("fit", "compare", "sweep")


def shown(page):
    """How a test is named after a page."""
    return page.relative_to(ROOT).as_posix()


def anchors(page):
    """The headings of a Markdown file as a link names them."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE):
        words = re.sub(r"[^\w\- ]", "", heading.lower())
        yield words.strip().replace(" ", "-")


@pytest.mark.parametrize("page", BESIDE, ids=shown)
def test_every_link_beside_the_site_leads_somewhere(page):
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        if target.startswith("https://"):
            continue
        file, _, anchor = target.partition("#")
        linked = page.parent / file if file else page
        assert linked.exists(), target
        assert not anchor or anchor in set(anchors(linked)), target


def test_commands_are_spelled_in_one_way():
    names = "|".join(name for name, _ in COMMANDS)
    code = [*(ROOT / "multitask").rglob("*.py")]
    for folder in ("heads", "datasets", "reports"):
        code += (ROOT / folder).glob("*.*")
    for file in [*code, *PAGES, *(ROOT / "docs").glob("*.ipynb")]:
        other = re.findall(rf"\bmultitask (?:{names})\b", file.read_text("utf-8"))
        assert not other, shown(file)


def test_every_decision_is_in_the_list_of_decisions():
    folder = ROOT / "docs" / "decisions"
    listed = LINK.findall((folder / "README.md").read_text(encoding="utf-8"))
    assert sorted(listed) == sorted(path.name for path in folder.glob("0*.md"))


def test_the_install_without_a_gpu_names_every_requirement_but_tensorflow():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    required = setup["options"]["install_requires"].split()
    page = joined_lines(ROOT / "docs" / "install.md")
    (line,) = re.findall(r"pip install (\"tensorflow-cpu.*)", page)
    named = shlex.split(line)
    assert named[0].replace("-cpu", "") == required[0]
    assert named[1:] == required[1:]


def joined_lines(page):
    """The text of a page with lines that end in a backslash joined to the next."""
    return re.sub(r"\\\n\s*", "", page.read_text(encoding="utf-8"))


def commands(page):
    """The command lines of a page, as lists of words."""
    pattern = r"\bpython -m multitask[. ](\S.*)$"
    for line in re.findall(pattern, joined_lines(page), re.MULTILINE):
        if "`" not in line:  # else it is part of a sentence
            yield shlex.split(line.partition(" | ")[0], comments=True)


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_every_command_shown_is_one_that_its_parser_and_recipe_take(
    page, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)  # where the recipe that a page repeats is
    run = Path("runs/faces")
    run.mkdir(parents=True)
    (run / "recipe.toml").write_text(recipe.Recipe().to_toml(), encoding="utf-8")
    for name, *arguments in commands(page):
        assert name in dict(COMMANDS)
        if make := getattr(module(name), "parser", None):
            parsed = make().parse_args(arguments)
            if name in TRAINS:
                assert isinstance(options.read(parsed), recipe.Recipe)


def test_the_page_of_commands_lists_every_option_once_or_refers_to_fit():
    sections = dict(
        section.split("\n", 1) for section in hooks.commands().split("## ")[1:]
    )
    assert list(sections) == [name for name, _ in COMMANDS]
    for name in TRAINS[1:]:
        assert sections[name].count("All settings of [`fit`](#fit) work, too") == 1
        assert "--epochs" not in sections[name]
        assert "--folds" in sections[name].rpartition("except")[2]
    assert sections["fit"].count(">--epochs") == 1


def test_the_page_of_the_recipe_lists_every_setting_with_its_default():
    rows = re.findall(r">(\w+)</code> \| <code.*?>(.*?)</code>", hooks.settings())
    assert sorted(name for name, _ in rows) == sorted(n for n, *_ in recipe.settings())
    assert dict(rows)["epochs"] == "16"
    assert dict(rows)["data"] == "['sample']"


def test_the_page_of_tables_shows_everything_that_a_table_may_declare(tmp_path):
    page = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
    first, *others = re.findall(r"```toml.*?\n(.*?)```", page, re.DOTALL)
    (votes,) = [text for text in others if "[votes." in text]
    shown = f"{first}\n{textwrap.dedent(votes)}"
    (tmp_path / "labels.csv.toml").write_text(shown, encoding="utf-8")
    read = declared(tmp_path / "labels.csv", "--data mine")
    assert {f.name for f in fields(Declaration)} == tomllib.loads(shown).keys()
    columns = tomllib.loads(shown)["column"].values()
    assert {f.name for f in fields(Column)} == {key for one in columns for key in one}
    kinds = {type(column.classes) for column in read.column.values() if column.classes}
    assert kinds == {list, dict}


@pytest.mark.parametrize(
    ("loads", "html"),
    [
        (1, '<script src="https://example.org/a.js"></script>'),
        (1, '<link rel="stylesheet" href="//example.org/a.css">'),
        (0, '<a href="https://example.org/">a link</a>'),
        (0, '<link rel="stylesheet" href="assets/a.css"><img src="a.png">'),
    ],
)
def test_a_page_that_loads_from_another_server_is_warned_of(loads, html, caplog):
    page = SimpleNamespace(file=SimpleNamespace(src_path="a.md"))
    with caplog.at_level(logging.WARNING, "mkdocs.hooks"):
        hooks.on_post_page(html, page)
    assert len(caplog.records) == loads
