"""Are predictions written as they come, and does a stopped file end up the same?"""

import json
import os
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from filelock import FileLock

from multitask.contracts.errors import UserError
from multitask.networks.prediction.file import same_work, writing

WORK: dict[str, object] = {
    "multitask": "1",
    "network": "a",
    "heads": None,
    "probabilities": False,
    "options": {},
    "pictures": "b",
    "files": "c",
}
FORMS = {"a.csv": "csv", "a.json": "json", "a.jsonl": "jsonl", "a.txt": "table"}


def rows(start, stop):
    """The predictions of some pictures; number 4 and 5 have none."""
    numbers = np.arange(start, stop)
    bad = (numbers == 4) | (numbers == 5)
    return pd.DataFrame(
        {
            "path": [f"{n}.png" for n in numbers],
            "status": np.where(bad, "no such file", "ok").astype(object),
            "box": np.full(len(numbers), None),
            "age": np.where(bad, np.nan, numbers + 0.5),
            "gender": pd.Series([None if b else "male" for b in bad], dtype=object),
            "gender_confidence": np.where(bad, np.nan, 0.7).astype(np.float32),
            "Smiling": pd.array([None if b else 1 for b in bad], dtype="Int64"),
        }
    )


PARTS = [rows(0, 2), rows(2, 4), rows(4, 6), rows(6, 7)]


def write(path, form, parts, work=WORK):
    """Write the parts that the file does not hold yet; returns how many those were."""
    with writing(path, form, work) as file:
        missing = [
            part for part in parts if int(part["path"].iloc[0][0]) >= file.tally.rows
        ]
        for part in missing:
            file.append(part)
        file.finish()
    return len(missing)


def stop(path, form, parts):
    """Write some parts and no end, as a command that is killed."""
    with writing(path, form, WORK) as file:
        for part in parts:
            file.append(part)


def files(folder):
    return sorted(os.listdir(folder))


@pytest.fixture(params=[*FORMS, "a.parquet"])
def out(request, tmp_path):
    if request.param == "a.parquet":
        pytest.importorskip("pyarrow")
    return tmp_path / request.param


def form_of(out):
    return FORMS.get(out.name, "parquet")


def test_rows_are_on_the_disk_before_the_next_ones_are_known(out):
    sizes = []
    with writing(out, form_of(out), WORK) as file:
        for number, part in enumerate(PARTS, 1):
            file.append(part)
            sizes.append(file.part.stat().st_size)
            state = json.loads(file.state.read_text())
            assert state["size"] == sizes[-1]
            assert state["tally"]["rows"] == sum(map(len, PARTS[:number]))
            assert not out.exists()
        file.finish()
    assert sizes == sorted(set(sizes))
    assert files(out.parent) == [out.name]


@pytest.mark.parametrize("done", [0, 1, 3, 4])
def test_a_stopped_file_goes_on_to_the_same_bytes(out, done, tmp_path):
    form = form_of(out)
    (tmp_path / "whole").mkdir()
    whole = tmp_path / "whole" / out.name
    assert write(whole, form, PARTS) == 4
    stop(out, form, PARTS[:done])
    assert write(out, form, PARTS) == 4 - done
    if form == "parquet":
        pd.testing.assert_frame_equal(pd.read_parquet(out), pd.read_parquet(whole))
    assert out.read_bytes() == whole.read_bytes()
    assert files(tmp_path) == sorted([out.name, "whole"])


def test_half_a_row_is_written_anew(out, tmp_path):
    (tmp_path / "whole").mkdir()
    whole = tmp_path / "whole" / out.name
    write(whole, form_of(out), PARTS)
    stop(out, form_of(out), PARTS[:2])
    part = out.with_name(f"{out.name}.part")
    part.write_bytes(part.read_bytes() + b"4.png,no su")
    assert write(out, form_of(out), PARTS) == 2
    assert out.read_bytes() == whole.read_bytes()


def test_rows_that_a_machine_lost_are_written_anew(out, tmp_path):
    stop(out, form_of(out), PARTS[:2])
    part = out.with_name(f"{out.name}.part")
    part.write_bytes(part.read_bytes()[:-1])
    assert write(out, form_of(out), PARTS) == 4


def test_a_finished_file_stays_until_the_new_one_is_whole(out):
    write(out, form_of(out), PARTS[:1])
    before = out.read_bytes()
    if out.suffix == ".txt":  # which nothing tells from another text
        with pytest.raises(UserError, match="not one of predictions"):
            write(out, form_of(out), PARTS)
        return
    stop(out, form_of(out), PARTS[:1])
    assert out.read_bytes() == before
    write(out, form_of(out), PARTS)
    assert out.read_bytes() != before


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "path,age\na.jpg,31\n"),
        ("a.csv", "path;age\na.jpg;31\n"),
        ("a.csv", "path\ta.jpg\n"),
        ("a.csv", "path\na.jpg\n"),
        ("a.csv", "path,marital_status,age\na.jpg,single,3\n"),
        ("a.json", '[\n{"path": "a.jpg", "age": 3}\n]\n'),
        ("a.json", '{"metainfo": {"tasks": ["status"]}, "data_list": ["path"]}'),
        ("a.jsonl", '{"path": "a.jpg", "marital_status": "single"}\n'),
        ("a.jsonl", "\x00"),
        ("a.txt", "path status age\n"),
    ],
)
def test_a_file_of_anything_else_is_never_replaced(tmp_path, name, content):
    labels = tmp_path / name
    labels.write_text(content)
    with pytest.raises(UserError, match="is a file, but not one of predictions; name"):
        write(labels, form_of(labels), PARTS)
    assert labels.read_text() == content
    assert files(tmp_path) == [name]
    labels.write_text("")
    write(labels, form_of(labels), PARTS)


def test_a_parquet_file_is_told_by_its_columns_however_many(tmp_path):
    pytest.importorskip("pyarrow")
    wide = tmp_path / "wide.parquet"
    names = [f"column_{number}" for number in range(300)]
    many = [
        pd.concat([part, pd.DataFrame(0.5, part.index, names)], axis=1)
        for part in PARTS
    ]
    for _ in range(2):
        assert write(wide, "parquet", many) == len(PARTS)
    labels = tmp_path / "labels.parquet"
    for columns in ({"path": ["a.jpg"], "age": [3], "status": ["ok"]}, {"path": ["a"]}):
        pd.DataFrame(columns).to_parquet(labels)
        with pytest.raises(UserError, match="not one of predictions"):
            write(labels, "parquet", PARTS)


def test_parquet_keeps_the_types_even_of_parts_without_an_answer(tmp_path):
    pytest.importorskip("pyarrow")
    out = tmp_path / "a.parquet"
    write(out, "parquet", [rows(4, 6), *PARTS])
    table = pd.read_parquet(out)
    assert len(table) == 9
    assert table["Smiling"].dtype == "Int64"
    assert table["age"].dtype == "float64"
    assert table["gender_confidence"].dtype == "float32"
    assert table["gender"].isna().tolist() == [True] * 2 + [False] * 4 + [True] * 2 + [
        False
    ]


@pytest.mark.parametrize(
    ("key", "what"),
    [
        ("network", "network"),
        ("heads", "choice of heads"),
        ("probabilities", "choice of --probabilities"),
        ("options", "choice of options, such as --faces"),
        ("pictures", "list of pictures"),
        ("files", "version of the picture files"),
        ("multitask", "version of multitask"),
    ],
)
def test_rows_of_other_work_are_never_gone_on_with(tmp_path, key, what):
    out = tmp_path / "a.csv"
    stop(out, "csv", PARTS[:1])
    with pytest.raises(
        UserError, match=f"a.csv.part: holds rows of another {what}; resume"
    ):
        write(out, "csv", PARTS, {**WORK, key: "other"})
    assert write(out, "csv", PARTS) == 3


def test_a_part_of_unknown_origin_is_left_alone(tmp_path):
    (tmp_path / "a.csv.part").write_text("mine")
    with pytest.raises(UserError, match="a.csv.part: is of unknown origin; resume "):
        write(tmp_path / "a.csv", "csv", PARTS)
    (tmp_path / "a.csv.part.json").write_text("{}")
    with pytest.raises(UserError, match="a.csv.part.json: can't be read; resume with"):
        write(tmp_path / "a.csv", "csv", PARTS)
    assert (tmp_path / "a.csv.part").read_text() == "mine"


def test_deleting_the_file_that_the_message_names_starts_over(tmp_path):
    out = tmp_path / "a.csv"
    stop(out, "csv", PARTS[:2])
    with pytest.raises(UserError) as raised:
        write(out, "csv", PARTS, {**WORK, "heads": ["age"]})
    part = tmp_path / "a.csv.part"
    assert f"delete '{part}' to start over" in str(raised.value)
    part.unlink()
    assert write(out, "csv", PARTS, {**WORK, "heads": ["age"]}) == 4
    assert files(tmp_path) == ["a.csv"]


def test_two_processes_do_not_write_one_file(tmp_path):
    out = tmp_path / "a.csv"
    with (
        writing(out, "csv", WORK),
        pytest.raises(UserError, match="is being written by another process; wait"),
    ):
        write(out, "csv", PARTS)
    assert write(out, "csv", PARTS) == 4


def test_who_takes_the_lock_just_before_it_is_removed_does_not_share_it(
    tmp_path, monkeypatch
):
    out, usual = tmp_path / "a.csv", FileLock.release
    late: list[Any] = []

    def release(self, *arguments, **options):
        usual(self, *arguments, **options)
        if not late:  # whoever comes at this very moment
            late.append(ExitStack())
            late[0].enter_context(writing(out, "csv", WORK))

    monkeypatch.setattr(FileLock, "release", release)
    with writing(out, "csv", WORK):
        pass
    with late[0], pytest.raises(UserError, match="being written by another process"):
        write(out, "csv", PARTS)


def test_what_can_not_be_a_file_is_said_at_once(tmp_path):
    for path, line in (
        (tmp_path / "none" / "a.csv", f"no folder '{tmp_path / 'none'}'; make it, or"),
        (tmp_path, "is a folder; name a file in a folder"),
        (os.devnull, "is no regular file; name a file in a folder"),
    ):
        with pytest.raises(UserError, match=f"^--out {path}: {line}"):
            write(tmp_path / path, "csv", PARTS)
    assert files(tmp_path) == []


def test_a_folder_that_can_not_be_written_is_said_at_once(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied", str(tmp_path))

    monkeypatch.setattr("filelock.FileLock.acquire", refuse)
    with pytest.raises(UserError, match=r"a\.csv: can't be written: Permission"):
        write(tmp_path / "a.csv", "csv", PARTS)


def test_a_file_system_without_files_is_not_taken_for_another_process():
    if not os.path.isdir("/proc/self"):
        pytest.skip("no /proc")
    with pytest.raises(UserError, match=r"^/proc/x\.csv: can't be written: No su"):
        write(Path("/proc/x.csv"), "csv", PARTS)


def named(*paths):
    return pd.DataFrame({"path": paths}, dtype=object)


def test_the_work_is_the_network_the_heads_and_the_pictures(tmp_path, monkeypatch):
    network, other = tmp_path / "a.keras", tmp_path / "b.keras"
    network.write_bytes(b"weights")
    other.write_bytes(b"other weights")
    table = named("/x/a.png")
    work = same_work(network, table, None, False)
    assert same_work(network, table, None, False) == work
    boxed = table.assign(box=["1 2 3 4"])
    assert same_work(network, boxed, None, False)["pictures"] != work["pictures"]
    for changed in (
        same_work(other, named("/x/a.png"), None, False),
        same_work(network, named("/x/b.png"), None, False),
        same_work(network, named("/x/a.png", "/x/b.png"), None, False),
        same_work(network, named("/x/a.png"), ["age"], False),
        same_work(network, named("/x/a.png"), None, True),
    ):
        assert changed != work
    # A relative name is another picture in another folder.
    here = same_work(network, named("a.png"), None, False)
    monkeypatch.chdir(tmp_path)
    assert same_work(network, named("a.png"), None, False) != here


def test_a_picture_that_has_changed_is_other_work(tmp_path):
    network, picture = tmp_path / "a.keras", tmp_path / "a.png"
    network.write_bytes(b"weights")
    missing = same_work(network, named(str(picture)), None, False)
    picture.write_bytes(b"one")
    os.utime(picture, ns=(0, 1_000))
    work = same_work(network, named(str(picture)), None, False)
    assert work != missing
    assert same_work(network, named(str(picture)), None, False) == work
    os.utime(picture, ns=(0, 2_000))
    later = same_work(network, named(str(picture)), None, False)
    assert {key for key in work if work[key] != later[key]} == {"files"}
    os.utime(picture, ns=(0, 1_000))
    assert same_work(network, named(str(picture)), None, False) == work
    picture.write_bytes(b"other")
    os.utime(picture, ns=(0, 1_000))
    assert same_work(network, named(str(picture)), None, False) != work
