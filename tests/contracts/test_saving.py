"""Are files written whole or not at all, and is a full disk one line for the user?"""

import errno
import os
from pathlib import Path

import pytest

from multitask.contracts.errors import UserError
from multitask.contracts.saving import (
    replacing,
    replacing_files,
    reporting_write_errors,
    write_text,
)

FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.fixture
def full_disk(monkeypatch):
    """Have the disk be full when the first half of a text file is written."""

    def write(path, text, **options):
        path.write_bytes(text[: len(text) // 2].encode())
        raise FULL

    monkeypatch.setattr(Path, "write_text", write)


def test_a_text_is_written_in_utf_8_and_replaces_the_one_before(tmp_path):
    file = tmp_path / "notes.txt"
    write_text(file, "one and two")
    write_text(file, "café")
    assert file.read_bytes() == "café".encode()
    assert os.listdir(tmp_path) == ["notes.txt"]


def test_an_interrupted_write_leaves_no_part(tmp_path):
    with pytest.raises(KeyboardInterrupt), replacing(tmp_path / "notes.txt") as part:  # noqa: PT012
        part.write_text("half")
        raise KeyboardInterrupt
    assert os.listdir(tmp_path) == []


def test_a_full_disk_leaves_the_file_before_as_it_was(tmp_path, request):
    file = tmp_path / "notes.txt"
    write_text(file, "before")
    request.getfixturevalue("full_disk")
    with pytest.raises(UserError) as caught:
        write_text(file, "longer than before")
    assert str(caught.value) == (
        f"{file}: can't be saved (No space left on device), the previous one is kept; "
        "free some space or save it elsewhere"
    )
    assert os.listdir(tmp_path) == ["notes.txt"]
    assert file.read_text() == "before"


@pytest.mark.usefixtures("full_disk")
def test_a_full_disk_leaves_no_part_of_a_new_file(tmp_path):
    with pytest.raises(UserError, match="No space left on device.*nothing was written"):
        write_text(tmp_path / "notes.txt", "some text")
    assert os.listdir(tmp_path) == []


def test_a_folder_that_is_gone_is_told(tmp_path):
    with pytest.raises(UserError, match="can't be saved .No such file or directory."):
        write_text(tmp_path / "none" / "notes.txt", "text")


def test_the_file_is_at_its_place_only_when_it_is_whole(tmp_path):
    file = tmp_path / "network.bin"
    with replacing(file) as part:
        part.write_bytes(b"whole")
        assert part.parent == file.parent  # so that it can be moved in one step
        assert not file.exists()
    assert file.read_bytes() == b"whole"


def test_an_error_that_is_no_disk_error_passes_and_leaves_the_file_before(tmp_path):
    file = tmp_path / "notes.txt"
    file.write_text("before")
    with pytest.raises(ZeroDivisionError), replacing(file) as part:
        part.write_text(str(1 / 0))
    assert file.read_text() == "before"


def test_a_write_error_names_its_file_or_else_the_folder(tmp_path):
    with pytest.raises(UserError) as caught, reporting_write_errors(tmp_path):
        raise FULL
    assert str(caught.value) == (
        f"{tmp_path}: can't be written: No space left on device; free some space or "
        "choose another folder"
    )
    missing = tmp_path / "none" / "a.csv"
    with pytest.raises(UserError) as caught, reporting_write_errors(tmp_path):
        missing.write_text("a")
    assert str(caught.value).startswith(f"{missing}: can't be written: No such file")


# Several files


@pytest.fixture
def report(tmp_path):
    """A folder with the files of a report, and a folder."""
    for name in ("numbers.json", "curves.png", "grid.png"):
        (tmp_path / name).write_text("old")
    (tmp_path / "trial-0001").mkdir()
    (tmp_path / "trial-0001" / "network.keras").write_text("network")
    return tmp_path


def texts(folder):
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in folder.rglob("*")
        if path.is_file()
    }


OLD = {
    "numbers.json": "old",
    "curves.png": "old",
    "grid.png": "old",
    "trial-0001/network.keras": "network",
}


def test_files_are_replaced_and_removed_when_all_are_whole(report):
    with replacing_files(report) as stage:
        assert (stage / "grid.png").read_text() == "old"
        (stage / "numbers.json").write_text("new")
        (stage / "tables").mkdir()
        (stage / "tables" / "scores.csv").write_text("new")
        (stage / "curves.png").unlink()
        assert {**texts(report), **OLD} == texts(report)
    assert texts(report) == {
        "numbers.json": "new",
        "grid.png": "old",
        "tables/scores.csv": "new",
        "trial-0001/network.keras": "network",
    }
    assert not list(report.glob(".part-*"))


def test_files_take_their_places_in_the_order_of_writing(report, monkeypatch):
    placed, usual = list[str](), os.replace

    def replace(file, place):
        placed.append(place.name)
        usual(file, place)

    monkeypatch.setattr(os, "replace", replace)
    with replacing_files(report) as stage:
        for number, name in enumerate(["z.json", "numbers.json", "a.html"]):
            (stage / name).write_text("new")
            os.utime(stage / name, ns=(number, number))
    assert placed == ["z.json", "numbers.json", "a.html"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ZeroDivisionError(), FULL])
def test_what_fails_leaves_all_files_as_they_were(report, error):
    with pytest.raises(type(error)), replacing_files(report) as stage:  # noqa: PT012
        (stage / "numbers.json").write_text("new")
        (stage / "curves.png").unlink()
        raise error
    assert texts(report) == OLD


def test_a_stop_while_files_take_their_places_leaves_none_of_the_new_ones(
    report, monkeypatch
):
    usual = os.replace

    def replace(file, place):
        if place.name == "last.html":
            raise KeyboardInterrupt
        usual(file, place)

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(KeyboardInterrupt), replacing_files(report) as stage:  # noqa: PT012
        (stage / "tables").mkdir()
        for number, name in enumerate(["a.csv", "tables/b.csv", "last.html"]):
            (stage / name).write_text("new")
            os.utime(stage / name, ns=(number, number))
    assert texts(report) == OLD
    assert not (report / "tables").exists()


def test_a_stop_removes_no_file_that_others_made_meanwhile(report, monkeypatch):
    def replace(file, place):
        place.write_text("mine")
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(KeyboardInterrupt), replacing_files(report) as stage:
        (stage / "new.csv").write_text("new")
    assert texts(report) == {**OLD, "new.csv": "mine"}


def test_an_error_names_the_file_where_it_was_to_be(report):
    with (
        pytest.raises(UserError) as caught,
        reporting_write_errors(report),
        replacing_files(report) as stage,
    ):
        (stage / "none" / "a.csv").write_text("new")
    assert str(caught.value).startswith(
        f"{report / 'none' / 'a.csv'}: can't be written: No such file"
    )


def test_what_a_kill_left_is_no_part_of_the_next_report(report):
    (report / ".part-files").mkdir()
    (report / ".part-files" / "half.png").write_text("ha")
    with replacing_files(report) as stage:
        (stage / "numbers.json").write_text("new")
    assert texts(report) == {**OLD, "numbers.json": "new"}
