"""May a folder be written to, and is work that was begun in it recognized?"""

import errno
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from multitask.contracts.errors import UserError
from multitask.contracts.recipe import Recipe
from multitask.contracts.run import (
    LOCK,
    READING,
    RECIPE,
    begin,
    discard,
    has_epoch,
    is_abandoned,
    new_folder,
    new_work,
    only_process,
    same_work,
)
from multitask.contracts.saving import replacing, replacing_files

SETTINGS = {"epochs": 2, "features": "0", "compare": {"seeds": 3}}


def test_a_folder_that_does_not_exist_is_new_and_not_made(tmp_path):
    assert new_folder(tmp_path / "run") == tmp_path / "run"
    assert not (tmp_path / "run").exists()


def test_a_folder_with_drawings_frames_and_locks_alone_counts_as_new(tmp_path):
    (tmp_path / "sample").mkdir()
    (tmp_path / "data").mkdir()
    (tmp_path / LOCK).touch()
    (tmp_path / READING).touch()
    assert new_folder(tmp_path) == tmp_path


def test_discarding_a_run_removes_only_what_it_wrote(tmp_path):
    own = ["recipe.toml", "split.csv", "skipped.csv", "fold-1/recipe.toml"]
    own += ["logs/train/events.out.tfevents.1.host", "fold-1/split.csv"]
    own += ["checkpoint/trunk.weights.h5", "fold-1/checkpoint/epoch-1.weights.h5"]
    own += ["checkpoint/state.part", "fold-1/checkpoint/state.json"]
    own += [".part-split.csv", "fold-1/.part-recipe.toml"]
    foreign = ["notes.txt", "logs/mine.txt", "data/table.csv"]
    for name in (*own, *foreign):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    discard(tmp_path)
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")}
    assert left == {*foreign, "logs", "data"}
    for name in foreign:
        (tmp_path / name).unlink()
    discard(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
    assert new_folder(tmp_path) == tmp_path


def test_a_run_has_an_epoch_if_it_or_a_fold_of_it_has(tmp_path):
    assert not has_epoch(tmp_path / "nowhere")
    assert not has_epoch(tmp_path)
    (tmp_path / "fold-2").mkdir()
    (tmp_path / "fold-2" / "history.csv").touch()
    assert has_epoch(tmp_path)
    assert has_epoch(tmp_path / "fold-2")


@pytest.mark.parametrize("name", ["notes.txt", RECIPE])
def test_a_folder_that_holds_anything_else_is_refused(tmp_path, name):
    (tmp_path / "sample").mkdir()
    (tmp_path / name).touch()
    with pytest.raises(UserError) as caught:
        new_folder(tmp_path)
    resume = ", or add --resume to continue" if name == RECIPE else ""
    assert str(caught.value) == (
        f"{tmp_path}: already exists; choose another folder with --out{resume}"
    )


def test_an_empty_folder_counts_as_new_and_a_file_is_refused(tmp_path):
    # A process may be killed just when it has made the folder.
    (tmp_path / "empty").mkdir()
    assert new_folder(tmp_path / "empty") == tmp_path / "empty"
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="already exists"):
        new_folder(tmp_path / "file")


# One process


WAITING = """
import sys
from pathlib import Path
from multitask.contracts.run import only_process
with only_process(Path(sys.argv[1])):
    print("working", flush=True)
    sys.stdin.read()
"""


def start(out):
    """Start a process that works in the folder `out` until its input ends."""
    return subprocess.Popen(
        [sys.executable, "-c", WAITING, out],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def working(tmp_path):
    """A process that works in the folder `run`."""
    process = start(tmp_path / "run")
    assert process.stdout
    assert process.stdout.readline() == "working\n"
    yield process
    process.kill()
    process.communicate()


def test_a_second_process_is_refused_and_removes_nothing(tmp_path, working):
    out = tmp_path / "run"
    with pytest.raises(UserError) as caught, only_process(out):
        raise AssertionError("two processes in a folder")
    assert str(caught.value) == (
        f"{out}: another process is working in it; wait until it ends, or choose "
        "another folder with --out"
    )
    assert (out / LOCK).exists()


def test_the_folder_of_a_process_that_was_killed_is_taken_over(tmp_path, working):
    out = tmp_path / "run"
    (out / ".part-recipe.toml").write_text("half")
    (out / ".part-a1b2").mkdir()
    working.kill()
    working.wait()
    assert (out / LOCK).exists()
    assert new_folder(out) == out
    with only_process(out):
        assert [path.name for path in out.iterdir()] == [LOCK]


def test_the_lock_and_folders_that_stay_empty_go_with_the_process(tmp_path):
    with only_process(tmp_path / "runs" / "a"):
        assert (tmp_path / "runs" / "a" / LOCK).exists()
    assert not (tmp_path / "runs").exists()
    with only_process(tmp_path / "runs" / "a"):
        (tmp_path / "runs" / "a" / RECIPE).touch()
    assert [path.name for path in (tmp_path / "runs" / "a").iterdir()] == [RECIPE]


def test_of_processes_that_begin_at_once_one_works(tmp_path):
    processes = [start(tmp_path / "run") for _ in range(4)]
    # Whoever waits for the end of its input works; the others end by themselves.
    deadline = time.monotonic() + 60
    while sum(process.poll() is None for process in processes) > 1:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    outcomes = [process.communicate() for process in processes]
    assert sum(out == "working\n" for out, _ in outcomes) == 1
    refused = [errors for out, errors in outcomes if not out]
    assert len(refused) == 3
    assert all("another process is working in it" in errors for errors in refused)


# New work, all of it or nothing


KILLED = """
import os, signal, sys
from pathlib import Path
from multitask.contracts.run import new_work
from multitask.contracts.saving import replacing, replacing_files

def kill(event, arguments):
    if event == "os.rename" and str(arguments[1]).endswith(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(kill)
out = Path(sys.argv[1])
with new_work(out):
    with replacing_files(out, work=out) as stage:
        (stage / "tables").mkdir()
        for name in ("a.json", "tables/b.csv", "page.html"):
            (stage / name).write_text(name)
    for name in ("clean.csv.toml", "clean.csv"):
        with replacing(out.with_name(name), work=out) as part:
            part.write_text(name)
    with replacing(out / "last") as part:
        part.write_text("of the work")
"""


@pytest.fixture
def killed(tmp_path):
    """A function that gives a folder in which a work was killed before a file of it."""

    def work(before):
        out = tmp_path / "run"
        command = [sys.executable, "-c", KILLED, out, before]
        assert subprocess.run(command, check=False).returncode == -9
        return out

    return work


@pytest.mark.parametrize("before", [".part-journal", "a.json", "page.html", "last"])
def test_what_a_killed_work_put_in_place_makes_way_for_the_next(killed, before):
    out = killed(before)
    (out / "sample").mkdir()  # which any work may use again
    assert new_folder(out) == out
    assert is_abandoned(out) == (before != ".part-journal")
    with new_work(out):
        assert {path.name for path in out.iterdir()} == {
            LOCK, ".part-journal", "sample",
        }  # fmt: skip
        assert not list(out.parent.glob("clean.csv*"))
        assert not is_abandoned(out)  # another process may look
    assert [path.name for path in out.iterdir()] == ["sample"]


@pytest.mark.parametrize("name", ["mine.txt", "tables/mine.txt"])
def test_what_others_put_beside_a_killed_work_stays(name, killed):
    out = killed("last")
    (out / name).write_text("mine")
    with pytest.raises(UserError, match="already exists; choose another folder"):
        new_folder(out)
    with pytest.raises(UserError), new_work(out):
        raise AssertionError("begun among the files of others")
    assert (out / name).read_text() == "mine"


def test_a_killed_work_is_known_by_any_path_of_its_folder(killed, tmp_path):
    out = killed("last")
    (tmp_path / "link").symlink_to(out, target_is_directory=True)
    assert new_folder(tmp_path / "link")
    other_name = out / ".." / out.name
    with new_work(other_name):
        assert not list(out.parent.glob("clean.csv*"))
    assert not list(out.iterdir())


def test_the_journal_in_a_copy_removes_no_files_of_the_killed_work(killed, tmp_path):
    out = killed("last")
    copy = shutil.copytree(out, tmp_path / "copy")
    with pytest.raises(UserError, match="already exists"):
        new_folder(copy)
    for path in copy.glob("[!.]*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    with new_work(copy):
        pass
    assert (out / "a.json").exists()
    assert out.with_name("clean.csv").exists()


@pytest.mark.parametrize("text", ["{", "[1]", '{"report.json": 1}', '{"files": [1]}'])
def test_a_damaged_journal_names_no_files(text, tmp_path):
    (tmp_path / ".part-journal").write_text(text)
    (tmp_path / "report.json").touch()
    with pytest.raises(UserError, match="already exists"):
        new_folder(tmp_path)
    (tmp_path / "report.json").unlink()
    assert new_folder(tmp_path) == tmp_path


def test_files_of_a_killed_work_that_somebody_changed_stay(killed):
    out = killed("last")
    table = out.with_name("clean.csv")
    table.write_text("a table, corrected")
    (out / "a.json").write_text("corrected")
    with pytest.raises(UserError, match="already exists"):
        new_folder(out)
    (out / "a.json").unlink()
    with new_work(out):
        assert table.read_text() == "a table, corrected"
        assert out.with_name("clean.csv.toml").exists()


def test_files_of_others_in_the_folder_of_a_killed_work_are_not_its_own(killed):
    """A resumed fit writes its report where a killed `report` had begun."""
    out = killed("a.json")
    with replacing_files(out) as stage:
        (stage / "report.json").write_text("of the run")
    assert not is_abandoned(out)
    with pytest.raises(UserError, match="already exists"):
        new_folder(out)


def test_what_cannot_be_removed_of_a_killed_work_is_told(killed, monkeypatch):
    def refuse(file, *, missing_ok=False):
        raise PermissionError(errno.EACCES, "Permission denied", str(file))

    out = killed("last")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", refuse)
        refused = pytest.raises(UserError, match="can't be written: Permission denied")
        with refused, only_process(out):
            raise AssertionError("begun beside what is left")
    assert new_folder(out) == out


def test_a_work_that_the_user_stops_leaves_nothing(tmp_path):
    out = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt), new_work(out):  # noqa: PT012
        with replacing_files(out, work=out) as stage:
            (stage / "report.json").touch()
        with replacing(tmp_path / "clean.csv", work=out) as part:
            part.touch()
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())


def test_an_error_leaves_the_folder_of_a_work_as_a_finished_one(tmp_path):
    out = tmp_path / "run"
    with pytest.raises(ZeroDivisionError), new_work(out):  # noqa: PT012
        (out / "report.json").touch()
        raise ZeroDivisionError
    assert [path.name for path in out.iterdir()] == ["report.json"]


def test_a_kill_while_a_folder_is_tried_leaves_nothing_for_long(tmp_path):
    (tmp_path / ".part-probe").mkdir()
    new_folder(tmp_path / "run")
    assert not list(tmp_path.iterdir())


# Work that goes on


def test_work_that_was_begun_goes_on_with_the_same_settings(tmp_path):
    out = tmp_path / "some" / "comparison"
    assert not same_work(out, SETTINGS, "comparison", "compare")
    begin(out, SETTINGS)
    assert same_work(out, SETTINGS, "comparison", "compare")


def test_other_settings_are_another_comparison(tmp_path):
    begin(tmp_path, SETTINGS)
    with pytest.raises(UserError) as caught:
        same_work(tmp_path, {**SETTINGS, "epochs": 3}, "comparison", "compare")
    assert str(caught.value) == (
        f"{tmp_path}: contains another comparison; choose another folder with --out"
    )
    with pytest.raises(UserError, match="contains other work"):
        same_work(tmp_path, {"epochs": 2, "sweep": {}}, "sweep", "sweep")


def test_a_damaged_recipe_is_no_work_to_go_on_with(tmp_path):
    (tmp_path / RECIPE).write_text("epochs = ")
    with pytest.raises(UserError, match="recipe.toml: is not valid TOML"):
        same_work(tmp_path, SETTINGS, "comparison", "compare")


def test_work_begun_by_an_earlier_version_is_the_same_if_its_settings_mean_the_same(
    tmp_path,
):
    before = "epochs = 2\nfeatures = 0\nlooks = 2\nmemory = 4.0\n[compare]\nseeds = 3\n"
    (tmp_path / RECIPE).write_text(before)
    assert same_work(tmp_path, {**SETTINGS, "tta": 2}, "comparison", "compare")
    with pytest.raises(UserError, match="contains another comparison"):
        same_work(tmp_path, {**SETTINGS, "tta": 4}, "comparison", "compare")


def test_a_sweep_over_a_setting_that_has_another_name_today_goes_on_by_that(tmp_path):
    vary = '["average=0.9,0.99", "features-l2=0..1", "cap.race=1,2"]'
    (tmp_path / RECIPE).write_text(f"average = 0.0\n[sweep]\nvary = {vary}\n")
    texts = ["ema=0.9,0.99", "features.l2=0..1", "cap.race=1,2"]
    assert same_work(tmp_path, {"sweep": {"vary": texts}}, "sweep", "sweep")
    other = {"sweep": {"vary": ["ema=0.9,0.95", *texts[1:]]}}
    with pytest.raises(UserError, match="contains another sweep"):
        same_work(tmp_path, other, "sweep", "sweep")


def test_a_folder_below_a_file_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError) as caught:
        begin(tmp_path / "file" / "run", SETTINGS)
    assert str(caught.value) == (
        f"{tmp_path}/file/run: can't be written: Not a directory; choose another folder"
    )


def test_what_an_output_folder_cannot_be_is_said_by_trying(tmp_path):
    (tmp_path / "file").touch()
    below = tmp_path / "file" / "runs" / "a"
    with pytest.raises(UserError) as caught:
        new_folder(below)
    assert str(caught.value) == (
        f"{below}: can't be a folder: '{tmp_path / 'file'}' is a file; choose "
        "another folder with --out"
    )
    # Nobody may write there, not even those whom permissions don't bind.
    with pytest.raises(UserError, match="^/proc/runs/a: can't be written: '/proc': "):
        new_folder(Path("/proc/runs/a"))
    new_folder(tmp_path / "runs" / "a")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]  # trying left nothing


def test_what_is_discarded_may_hold_a_folder_of_one_that_tries_to_write(tmp_path):
    begin(tmp_path, Recipe().plain())
    (tmp_path / ".part-probe").mkdir()
    discard(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [".part-probe"]
