"""Is what is stored of a network read back, also that of older versions?"""

import json

import numpy as np
import pytest

from multitask.comparison.results import (
    NetworkResult,
    read_result,
    read_scores,
    write_result,
)
from multitask.contracts.results.design_comparison import Cell, Cost, HeadScores

# As version 0.1.0 wrote it.
OLD = """{
 "name": "cnn-0-2-heads",
 "heads": {
  "gender": {"train": 0.5, "val": 0.75, "test": 0.25, "ci": [0.0, 0.5]},
  "gender+race": {"train": 0.5, "ci": [null, null]}
 },
 "cost": {
  "parameters": 293, "bytes": 116487, "train_seconds": 1.35, "pictures_trained": 96,
  "forward_ms_1": 2.644, "forward_ms_32": 5.421, "peak_mb": null
 }
}"""
RESULT = NetworkResult(
    name="cnn-0-2-heads",
    heads={
        "gender": HeadScores(train=0.5, val=0.75, test=0.25, ci=(0.0, 0.5)),
        "gender+race": HeadScores(train=0.5),
    },
    cost=Cost(
        parameters=293, bytes=116487, train_seconds=1.35, pictures_trained=96,
        forward_ms_1=2.644, forward_ms_32=5.421, peak_mb=None,
    ),
)  # fmt: skip


def test_a_result_of_an_older_version_is_read(tmp_path):
    (tmp_path / "result.json").write_text(OLD)
    assert read_result(tmp_path) == RESULT


def test_a_result_is_written_as_older_versions_did(tmp_path):
    write_result(tmp_path, RESULT, {"gender": np.eye(2)})
    assert json.loads((tmp_path / "result.json").read_text()) == json.loads(OLD)


def test_a_folder_without_a_result_has_none(tmp_path):
    assert read_result(tmp_path) is None


def test_scores_are_those_of_the_network_that_answers_the_head(tmp_path):
    networks = ("tiny-0-gender", "tiny-0-age")
    for name, value in zip(networks, (1.0, 2.0), strict=True):
        (tmp_path / name).mkdir()
        head = name.removeprefix("tiny-0-")
        write_result(tmp_path / name, RESULT, {head: np.full((3, 1), value)})
    cell = Cell(
        design="single", trunk="tiny", seed=0, precision="float32", networks=networks
    )
    assert read_scores(tmp_path, cell, "age").tolist() == [[2.0]] * 3
    with pytest.raises(KeyError):
        read_scores(tmp_path, cell, "race")
