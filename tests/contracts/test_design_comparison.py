"""Is the result of a comparison the plain data that scripts rely on?"""

import json
from dataclasses import replace

from multitask.contracts.results.design_comparison import (
    Cell,
    Cost,
    DesignComparison,
    DesignMean,
    Difference,
    HeadScores,
)

COST = Cost(
    parameters=3, bytes=100, train_seconds=1.5, pictures_trained=64,
    forward_ms_1=2.0, forward_ms_32=8.0, peak_mb=700.0,
)  # fmt: skip
COMPARISON = DesignComparison(
    title="faces",
    rows={"train": 6, "val": 0, "test": 3},
    metrics={"gender": "accuracy"},
    better={"gender": "higher"},
    merged=("gender+race",),
    cells=(
        Cell(
            design="multi", trunk="cnn", seed=0, precision="float32",
            networks=("cnn-0-gender",),
            heads={
                "gender": HeadScores(train=1.0, test=0.5, ci=(0.25, 0.75)),
                "gender+race": HeadScores(train=1.0),
            },
            cost=COST,
        ),
    ),
    means=(
        DesignMean(
            trunk="cnn", design="multi", head="gender", test=0.5, ci=(0, 1),
            is_useful=False,
        ),
    ),
    differences=(
        Difference(
            trunk="cnn", design="multi", head="gender", difference=0.1,
            ci=(-0.1, 0.2), saved=0.5, verdict="no difference shown",
        ),
    ),
    notes=("Drawn faces.",),
    constants={"gender": 0.75},
)  # fmt: skip
PLAIN = {
    "title": "faces",
    "rows": {"train": 6, "val": 0, "test": 3},
    "metrics": {"gender": "accuracy"},
    "better": {"gender": "higher"},
    "constants": {"gender": 0.75},
    "merged": ["gender+race"],
    "cells": [
        {
            "design": "multi",
            "trunk": "cnn",
            "seed": 0,
            "precision": "float32",
            "networks": ["cnn-0-gender"],
            "heads": {
                "gender": {"train": 1.0, "test": 0.5, "ci": [0.25, 0.75]},
                "gender+race": {"train": 1.0, "ci": [None, None]},
            },
            "cost": {
                "parameters": 3,
                "bytes": 100,
                "train_seconds": 1.5,
                "pictures_trained": 64,
                "forward_ms_1": 2.0,
                "forward_ms_32": 8.0,
                "peak_mb": 700.0,
            },
        }
    ],
    "means": [
        {
            "trunk": "cnn",
            "design": "multi",
            "head": "gender",
            "test": 0.5,
            "ci": [0, 1],
            "is_useful": False,
        }
    ],
    "differences": [
        {
            "trunk": "cnn",
            "design": "multi",
            "head": "gender",
            "difference": 0.1,
            "ci": [-0.1, 0.2],
            "saved": 0.5,
            "verdict": "no difference shown",
        }
    ],
    "notes": ["Drawn faces."],
}


def test_its_plain_data_has_the_keys_of_compare_json_in_their_order():
    assert json.dumps(COMPARISON.to_json()) == json.dumps(PLAIN)


def test_scores_are_read_from_their_plain_data():
    for scores in COMPARISON.cells[0].heads.values():
        assert HeadScores.from_json(scores.to_json()) == scores


def test_costs_add_up_but_for_the_peak_of_trainings_one_after_the_other():
    other = replace(COST, parameters=4, peak_mb=900.0)
    assert Cost.total([COST, other]) == Cost(
        parameters=7, bytes=200, train_seconds=3.0, pictures_trained=128,
        forward_ms_1=4.0, forward_ms_32=16.0, peak_mb=900.0,
    )  # fmt: skip
    assert Cost.total([COST, replace(COST, peak_mb=None)]).peak_mb is None


def test_a_merged_head_is_measured_by_its_accuracy():
    comparison = replace(COMPARISON, metrics={"age": "mae"})
    assert comparison.metric("age") == "mae"
    assert comparison.metric("gender+race") == "accuracy"


def test_a_dry_run_is_not_measured():
    assert COMPARISON.measured
    cell = replace(COMPARISON.cells[0], heads={}, cost=None)
    assert not replace(COMPARISON, cells=(cell,)).measured
