"""Does `import multitask` give what README says, whichever import came before?"""

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import multitask

ROOT = Path(__file__).resolve().parents[1]
COMMANDS = ["audit", "compare", "fit", "report", "search", "sweep"]


def run(program):
    """What a Python program prints, in a process of its own; and its errors."""
    return subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True
    )


@pytest.mark.parametrize(
    "program",
    [
        "import multitask; function = multitask.report",
        "import multitask.report; function = multitask.report",
        "from multitask.report import report; import multitask as m; function=m.report",
        "from multitask.report import report as function",
        "from multitask import report as function",
        "import multitask.report as function",
    ],
)
def test_a_command_is_its_function_whichever_import_came_before(program):
    done = run(f"{program}\nhelp(function)")
    # Unlike that of a module, a function's help names what it belongs to and takes.
    assert done.stdout.startswith("Help on function report in module"), done.stderr
    assert "report(network: " in done.stdout
    assert "Measure a trained network" in done.stdout


@pytest.mark.parametrize("name", [*COMMANDS, "load"])
def test_every_function_says_what_it_takes_gives_and_raises(name):
    function = getattr(multitask, name)
    text = inspect.getdoc(function) or ""
    for section in ("Args:", "Returns:", "Raises:", "Example:"):
        assert f"\n{section}\n" in text
    other = "`recipe`, `data`, `heads`, `say`, `machine` and `**settings` are those"
    shared = other.replace("`", "").replace("**", "").split() if other in text else ()
    for parameter in inspect.signature(function).parameters:
        assert f"    {parameter}: " in text.replace("**", "") or (
            parameter in " ".join(shared)
        ), parameter


@pytest.mark.parametrize("name", COMMANDS)
def test_the_module_of_a_command_is_still_there(name):
    module = sys.modules.get(f"multitask.{name}") or __import__(
        f"multitask.{name}", fromlist=["main"]
    )
    assert getattr(module, name) is getattr(multitask, name)
    assert callable(module.main)


def test_all_names_are_there():
    for name in multitask.__all__:
        assert getattr(multitask, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'fitt'"):
        multitask.fitt  # noqa: B018


def test_completion_offers_what_it_offers():
    assert dir(multitask) == sorted(multitask.__all__)


def test_importing_it_imports_nothing_that_takes_long():
    slow = "{'pandas', 'numpy', 'tensorflow', 'keras', 'PIL', 'pydantic'}"
    done = run(f"import multitask, sys\nprint(sorted({slow} & set(sys.modules)))")
    assert done.stdout == "[]\n", done.stderr
