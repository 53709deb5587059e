"""Does a prepared recipe become a trained network in a folder, with its split?"""

import errno
import os

import numpy as np
import pandas as pd
import pytest

import multitask
from multitask.contracts.errors import UserError
from multitask.experiments import train as module
from multitask.experiments.prepare import prepare
from multitask.experiments.train import train_prepared
from tests.runs import quiet, tiny_recipe


@pytest.fixture
def prepared(drawn_faces, tmp_path):
    return prepare(tiny_recipe(drawn_faces, epochs=1), tmp_path / "run", quiet)


def test_a_folder_gets_a_network_its_history_and_its_split(prepared, tmp_path):
    table = prepared.table.assign(split=prepared.split())
    lines: list[str] = []
    histories: list[int] = []
    training = train_prepared(
        prepared, table, tmp_path / "run", say=lines.append,
        each_epoch=lambda history: histories.append(len(history)),
    )  # fmt: skip
    assert histories == [1]
    assert training.outcome.best_epoch == 1
    assert not training.outcome.interrupted
    np.testing.assert_array_equal(
        np.sort(training.batches.rows), table.index[table["split"] == "train"]
    )
    listed = pd.read_csv(tmp_path / "run" / "split.csv")
    assert list(listed) == ["path", "split"]
    assert listed["path"].tolist() == table["path"].tolist()
    assert listed["split"].tolist() == table["split"].tolist()
    assert len(pd.read_csv(tmp_path / "run" / "history.csv")) == 1
    assert [head.name for head in multitask.load(tmp_path / "run").heads] == ["gender"]
    assert any(line.startswith("an epoch shows: sample ") for line in lines)


def test_the_split_may_list_pictures_that_are_not_trained_on(prepared, tmp_path):
    table = prepared.table.assign(split=prepared.split())
    others = table[["path", "split"]]
    train_prepared(prepared, table[:-5], tmp_path / "run", parts=others, say=quiet)
    listed = pd.read_csv(tmp_path / "run" / "split.csv")
    assert listed["path"].tolist() == table["path"].tolist()


def test_a_full_disk_leaves_the_split_of_a_run_that_is_resumed(
    prepared, tmp_path, monkeypatch
):
    def full(table, file):
        file.write_text("path,sp")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    (tmp_path / "run").mkdir()
    file = tmp_path / "run" / "split.csv"
    file.write_text("before")
    monkeypatch.setattr(module, "write_csv", full)
    table = prepared.table.assign(split=prepared.split())
    with pytest.raises(UserError, match="split.csv: can't be saved .No space left"):
        train_prepared(prepared, table, tmp_path / "run", resume=True, say=quiet)
    assert file.read_text() == "before"
    assert os.listdir(file.parent) == ["split.csv"]
