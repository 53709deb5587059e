"""Does `import multitask` give what README says, whichever import came before?"""

import subprocess
import sys
from pathlib import Path

import pytest

import multitask

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize(
    "program",
    [
        "import multitask; function = multitask.report",
        "import multitask.report; function = multitask.report",
        "from multitask.report import report; import multitask as m; function=m.report",
        "from multitask.report import report as function",
    ],
)
def test_a_command_is_a_function_whichever_import_came_before(program):
    wrong = "\ntry: function(no_such=1)\nexcept TypeError as error: print(error)"
    run = subprocess.run(
        [sys.executable, "-c", program + wrong],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert run.stdout.startswith("report() "), run.stderr


@pytest.mark.parametrize("name", ["audit", "compare", "fit", "report", "sweep"])
def test_every_command_with_a_function_can_be_called(name):
    with pytest.raises(TypeError, match=rf"^{name}\(\) "):
        getattr(multitask, name)(no_such=1)


def test_all_names_are_there():
    for name in multitask.__all__:
        assert getattr(multitask, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'fitt'"):
        multitask.fitt  # noqa: B018
