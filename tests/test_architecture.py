"""Does the package keep its plan: who imports whom, no circles, nothing too big?"""

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PLUGINS = ("heads", "datasets", "reports")
# What each room may import, beside itself. The face and the commands (multitask/*.py)
# may import everything, and nobody imports them.
MAY_IMPORT = {
    "contracts": (),
    "terminal": ("contracts",),
    "images": ("contracts", "terminal"),
    "tables": ("contracts", "terminal"),
    "cli": ("contracts", "terminal"),
    "data": ("contracts", "terminal", "images", "tables"),
    "networks": ("contracts", "terminal", "images"),
    "retrieval": ("contracts", "images"),
    "service": ("contracts", "images", "networks"),
    "inspection": ("contracts", "terminal", "images", "tables", "data"),
    "training": ("contracts", "terminal", "images", "tables", "data", "networks"),
    "metrics": ("contracts",),
    "experiments": (
        *("contracts", "terminal", "images", "data", "networks"),
        *("training", "metrics"),
    ),
    "comparison": (
        *("contracts", "images", "data", "networks", "training"),
        *("experiments", "metrics"),
    ),
    "tuning": (
        *("contracts", "images", "data", "networks", "training"),
        *("experiments", "metrics"),
    ),
    "heads": ("contracts", "metrics"),
    "datasets": ("contracts", "terminal", "tables"),
    "reports": ("contracts", "images", "inspection", "metrics"),
}
MOST_LINES, MOST_FUNCTION_LINES, MOST_FILES, MOST_FLOORS = 350, 50, 20, 9


def modules():
    """Every module of the package by its import name, plug-in folders followed."""
    paths = [*(ROOT / "multitask").rglob("*.py")]
    paths += [path for folder in PLUGINS for path in (ROOT / folder).rglob("*.py")]
    for path in paths:
        parts = path.relative_to(ROOT).with_suffix("").parts
        if parts[0] in PLUGINS:
            parts = ("multitask", *parts)
        yield ".".join(parts).removesuffix(".__init__"), path


FILES = dict(modules())


@cache
def imports(name):
    """The modules of the package that a module imports, anywhere in it."""
    targets = set()
    for node in ast.walk(ast.parse(FILES[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            targets |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert not node.level, f"{name}: relative import"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                targets.add(whole if whole in FILES else node.module)
    return {target for target in targets if target in FILES} - {name}


def room(name):
    """The room that a module is in; empty for the face and the commands."""
    parts = name.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in MAY_IMPORT else ""


def lines(node):
    """How many lines a function has, but for its docstring."""
    documented = ast.get_docstring(node, clean=False)
    return (
        node.end_lineno
        - node.lineno
        + 1
        - (documented.count("\n") + 1 if documented else 0)
    )


def test_every_folder_of_the_package_is_a_room_of_the_plan():
    folders = {path.parent.name for path in (ROOT / "multitask").glob("*/*.py")}
    assert folders | set(PLUGINS) == set(MAY_IMPORT)


@pytest.mark.parametrize("name", sorted(MAY_IMPORT))
def test_a_room_imports_only_what_the_plan_allows(name):
    wrong = [
        f"{module} imports {target}"
        for module in FILES
        if room(module) == name
        for target in sorted(imports(module))
        if room(target) not in (name, *MAY_IMPORT[name])
    ]
    assert not wrong


def floors(names, below):
    """The floor of each name: 1 if nothing is below it, else one above the highest.

    Fails on a circle.
    """
    known = {}

    def floor(name, path=()):
        assert name not in path, " -> ".join([*path[path.index(name) :], name])
        if name not in known:
            known[name] = 1 + max(
                (floor(other, (*path, name)) for other in sorted(below(name))),
                default=0,
            )
        return known[name]

    return {name: floor(name) for name in names}


def test_no_file_imports_one_that_imports_it():
    assert floors(FILES, imports)["multitask.contracts.errors"] == 1


def test_rooms_stand_on_few_floors():
    rooms = {room(name) for name in FILES}  # "" are the face and the commands

    def below(name):
        targets = {t for f in FILES if room(f) == name for t in imports(f)}
        return {room(target) for target in targets} - {name}

    numbers = floors(rooms, below)
    assert numbers[""] == max(numbers.values()) <= MOST_FLOORS


def test_the_core_imports_no_plug_in_by_name():
    wrong = [
        f"{module} imports {target}"
        for module in FILES
        if room(module) not in PLUGINS
        for target in imports(module)
        if room(target) in PLUGINS
    ]
    assert not wrong


def test_each_room_says_which_question_it_answers_and_what_it_may_import():
    for name in set(MAY_IMPORT) - set(PLUGINS):
        tree = ast.parse(FILES[f"multitask.{name}"].read_text(encoding="utf-8"))
        text = ast.get_docstring(tree) or ""
        assert "?" in text.splitlines()[0], name
        assert "Imports" in text, name


def test_no_module_and_no_function_is_too_long():
    long = []
    for name, path in FILES.items():
        text = path.read_text(encoding="utf-8")
        if text.count("\n") > MOST_LINES:
            long.append(f"{name}: {text.count(chr(10))} lines")
        long += [
            f"{name}.{node.name}: {lines(node)} lines"
            for node in ast.walk(ast.parse(text))
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
            and lines(node) > MOST_FUNCTION_LINES
        ]
    assert not long


def test_no_folder_holds_too_many_files():
    counts = Counter(path.parent for path in FILES.values())
    assert max(counts.values()) <= MOST_FILES


def test_no_module_imports_a_private_name_of_another():
    private = [
        f"{name}: from {node.module} import {alias.name}"
        for name, path in FILES.items()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and f"{node.module}".startswith("multitask")
        for alias in node.names
        if alias.name.startswith("_") and not alias.name.endswith("__")
        if f"{node.module}.{alias.name}" not in FILES
    ]
    assert not private


def test_tests_are_short_and_have_names_of_their_own():
    paths = list((ROOT / "tests").rglob("*.py"))
    long = [path for path in paths if len(path.read_text().splitlines()) > 500]
    assert not long
    names = Counter(path.name for path in paths if path.name.startswith("test_"))
    assert names.most_common(1)[0][1] == 1


def test_files_that_the_docs_name_exist():
    named = re.compile(
        r"(?<![\w./])(?:multitask|heads|datasets|tests|docs)/[\w./-]+\.\w+"
    )
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    missing = [
        f"{path.relative_to(ROOT)} names {name}"
        for path in documents
        for name in named.findall(path.read_text(encoding="utf-8"))
        if not (ROOT / name).exists() and "NAME" not in name and "KIND" not in name
    ]
    assert not missing


def test_no_two_modules_of_the_tests_share_a_name():
    # pytest would take one for the other.
    names = Counter(path.name for path in (ROOT / "tests").rglob("*.py"))
    assert {name for name, count in names.items() if count > 1} <= {"conftest.py"}
