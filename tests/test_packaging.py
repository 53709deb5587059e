"""Is what gets installed what the folders hold, and nothing else, in every mode?"""

import ast
import json
import os
import resource
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from multitask.__main__ import COMMANDS, main

ROOT = Path(__file__).resolve().parent.parent
MODES = ("wheel", "editable", "sdist", pytest.param("folder", marks=pytest.mark.slow))
TREE = (
    *("multitask", "heads", "datasets", "reports", "tests"),
    *("setup.cfg", "pyproject.toml", "LICENSE"),
)
FOUND = """
import json, multitask
from multitask.contracts import plugins
import multitask.heads.softmax
for name in plugins.names("datasets"):
    plugins.reader(name)
print(json.dumps({group: plugins.names(group) for group in plugins.GROUPS}))
"""


def files(folder, pattern):
    """What a folder of the checkout holds, under the name it is installed by."""
    return {path.relative_to(ROOT).as_posix() for path in (ROOT / folder).glob(pattern)}


def commands():
    """Files of multitask/ that define `main`, by the syntax tree alone."""
    package = ROOT / "multitask"
    for path in sorted([*package.glob("[!_]*.py"), *package.glob("*/__main__.py")]):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if any(isinstance(n, ast.FunctionDef) and n.name == "main" for n in tree.body):
            yield path.stem if path.stem != "__main__" else path.parent.name


def run(*command, cwd):
    """Standard output of a process that inherits nothing of this one's Python."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=clean | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A copy to build in, so that the checkout stays clean."""
    copy = tmp_path_factory.mktemp("tree")
    for name in TREE:
        if (ROOT / name).is_dir():
            ignore = shutil.ignore_patterns("__pycache__", "*.pyc")
            shutil.copytree(ROOT / name, copy / name, ignore=ignore)
        else:
            shutil.copy(ROOT / name, copy)
    (copy / "README.md").write_text("# multitask\n", encoding="utf-8")
    return copy


@pytest.fixture(scope="module")
def wheel(tree):
    build = ("wheel", "--no-deps", "--no-index", "--no-build-isolation", "-w", "dist")
    run(sys.executable, "-m", "pip", *build, ".", cwd=tree)
    return next((tree / "dist").glob("*.whl"))


@pytest.fixture(scope="module")
def sdist(tree):
    program = "from setuptools.build_meta import build_sdist; build_sdist('dist')"
    run(sys.executable, "-c", program, cwd=tree)
    return next((tree / "dist").glob("*.tar.gz"))


@pytest.fixture(scope="module", params=MODES)
def python(request, tree, wheel, sdist, tmp_path_factory):
    """The interpreter of an environment with the package and another's `datasets`.

    It sees the site-packages of this one, so that no dependency is fetched.
    """
    place = tmp_path_factory.mktemp(request.param)
    venv.create(place, with_pip=False)
    python = place / "bin" / "python"
    site = next(place.glob("lib/python*/site-packages"))
    (site / "parent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    theirs = site / "datasets" / "__init__.py"
    theirs.parent.mkdir()
    theirs.write_text("WHOSE = 'theirs'\n")
    what = {"wheel": [wheel], "folder": ["."], "editable": ["-e", "."]}
    what["sdist"] = [sdist]
    run(
        *(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps"),
        *("--no-index", "--no-build-isolation", *what[request.param]),
        cwd=tree,
    )
    return python


def test_wheel_holds_every_source_file_under_the_package_and_nothing_beside_it(wheel):
    with zipfile.ZipFile(wheel) as archive:
        members = {m for m in archive.namelist() if ".dist-info/" not in m}
        meta = {m.split("/", 1)[1] for m in archive.namelist() if ".dist-info/" in m}
    expected = {"multitask/py.typed"} | files("multitask", "**/*.py")
    expected |= files("multitask", "contracts/recipes/*.toml")
    expected |= files("multitask", "networks/bundled/*/*")
    expected |= files("multitask", "service/*.html")
    assert wheel.stat().st_size < 10e6
    for folder in ("heads", "datasets", "reports"):
        for pattern in ("**/*.py", "*.toml", "*.html", "*.json"):
            expected |= {f"multitask/{name}" for name in files(folder, pattern)}
    assert members == expected
    assert {"multitask/heads/softmax.py", "multitask/heads/catalog.toml"} <= members
    assert any(name.endswith("LICENSE") for name in meta)


def test_sdist_holds_what_the_wheel_is_built_from(sdist):
    with tarfile.open(sdist) as archive:
        members = {m.split("/", 1)[-1] for m in archive.getnames()}
    assert {"setup.cfg", "pyproject.toml", "heads/catalog.toml", "LICENSE"} <= members
    assert {"multitask/py.typed", "heads/softmax.py"} <= members


def test_every_mode_finds_the_plug_ins_of_the_checkout(python, tmp_path):
    found = json.loads(run(python, "-c", FOUND, cwd=tmp_path))
    for group, names in found.items():
        expected = {path.stem for path in (ROOT / group).glob("[!_]*.py")}
        if group == "datasets":  # also layouts that are declared
            expected |= {path.stem for path in (ROOT / group).glob("*.toml")}
        assert set(names) == expected


def test_every_mode_leaves_another_package_called_datasets_alone(python, tmp_path):
    program = "import multitask.heads, multitask.datasets, datasets\nprint(%s)"
    assert run(python, "-c", program % "datasets.WHOSE", cwd=tmp_path) == "theirs\n"


def test_every_mode_has_the_command(python, tmp_path):
    script = python.parent / "multitask"
    by_script = run(script, "--help", cwd=tmp_path)
    assert by_script == run(python, "-m", "multitask", "--help", cwd=tmp_path)
    assert all(f"  {name} " in by_script for name, _ in COMMANDS)


def test_every_mode_knows_its_version(python, tmp_path):
    program = "import importlib.metadata as m; print(m.version('multitask'))"
    version = run(python, "-c", program, cwd=tmp_path).strip()
    said = run(python, "-m", "multitask", "--version", cwd=tmp_path)
    assert said == f"multitask {version}\n"


def test_a_checkout_works_uninstalled_from_its_root(tmp_path):
    helped = run(sys.executable, "-m", "multitask", "--help", cwd=ROOT)
    assert helped.startswith("usage: python -m multitask.")
    program = "import multitask.heads.softmax as m; print(m.__file__)"
    assert run(sys.executable, "-c", program, cwd=ROOT).strip() == str(
        ROOT / "heads" / "softmax.py"
    )


def test_an_installed_datasets_wins_over_the_folder_even_in_the_root(python):
    # The folder has no __init__.py, and a regular package wins over a namespace.
    program = "import datasets; print(datasets.WHOSE)"
    assert run(python, "-c", program, cwd=ROOT) == "theirs\n"


def test_every_file_with_a_main_is_a_command_and_has_a_line_in_the_help():
    assert set(commands()) == {name for name, _ in COMMANDS}


def test_an_unknown_command_is_one_line_naming_the_nearest_and_exit_status_2(capsys):
    assert main(["reprot", "--data"]) == 2
    said, error = capsys.readouterr()
    assert said == ""
    assert error.startswith(
        "multitask: unknown command 'reprot'; did you mean 'report'? Known: fit, "
    )
    assert error.count("\n") == 1


def test_no_arguments_ask_for_the_help(capsys):
    assert main([]) == 0
    without = capsys.readouterr().out
    assert main(["--help"]) == 0
    assert capsys.readouterr().out == without


def test_a_command_gets_the_arguments_after_its_name(monkeypatch, tmp_path):
    module = type(sys)("multitask.fit")
    module.main = lambda argv: len(argv)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "multitask.fit", module)
    assert main(["fit", "--help", "--heads"]) == 2
    assert main(["fit"]) == 0


@pytest.mark.parametrize(
    "program",
    ["import multitask", "from multitask.__main__ import main; main(['--help'])"],
)
def test_neither_import_nor_help_loads_a_heavy_library(program):
    heavy = {"tensorflow", "keras", "pandas", "numpy", "sklearn", "pydantic"}
    program += "; import sys; print(*sys.modules)"
    loaded = run(sys.executable, "-c", program, cwd=ROOT).splitlines()[-1].split()
    assert "multitask" in loaded
    assert not heavy & set(loaded)


@pytest.mark.parametrize("command", ["", *commands()])
def test_help_takes_less_than_a_second_and_no_tensorflow(command):
    program = (
        "import sys\nfrom multitask.__main__ import main\n"
        "try: main([*sys.argv[1:], '--help'])\nexcept SystemExit: pass\n"
        "print('tensorflow' in sys.modules, 'keras' in sys.modules)"
    )
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        said = run(sys.executable, "-c", program, *command.split(), cwd=ROOT)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        # Processor time: the machine may be busy with other work.
        seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        assert said.splitlines()[-1] == "False False"
        assert "usage: python -m multitask." in said
        if seconds < 1.0:
            break
    assert seconds < 1.0


@pytest.mark.parametrize(("before", "after"), [(None, "1"), ("0", "0")])
def test_onednn_computes_unless_the_environment_says_no(before, after):
    name = "TF_ENABLE_ONEDNN_OPTS"
    known = {key: value for key, value in os.environ.items() if key != name}
    done = subprocess.run(
        [sys.executable, "-c", f"import multitask, os; print(os.environ[{name!r}])"],
        env=known | ({name: before} if before else {}),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == after


def test_all_tests_that_need_pyarrow_run_once_with_it():
    """It is no requirement of the development, and they are skipped without it."""
    with_it = (ROOT / ".ci" / "run").read_text().partition("with pyarrow")[2]
    patterns = [word for word in with_it.split() if word.startswith("tests/")]
    found = [path for pattern in patterns for path in ROOT.glob(pattern)]
    files = [path for path in found if path.is_file()]
    files += [file for path in found for file in path.rglob("test_*.py")]
    needs = 'importorskip("' + 'pyarrow")'
    needing = {p for p in ROOT.glob("tests/**/test_*.py") if needs in p.read_text()}
    assert needing
    assert needing <= set(files)
