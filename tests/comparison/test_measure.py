"""Are answers and costs of a network measured as they are said to be?"""

import time

import numpy as np
import psutil
import pytest

import multitask
from multitask.comparison import measure
from multitask.comparison.designs import plans
from multitask.comparison.notes import unanswered_notes
from multitask.comparison.results import read_scores
from multitask.comparison.runner import design_runner
from multitask.contracts.results.design_comparison import Cell, HeadScores


def test_a_combination_that_training_lacks_is_answered_wrong(compared):
    merged = compared.result.cells[1]
    whole, *parts = (
        read_scores(compared.out, merged, name)
        for name in ("gender+illumination", "gender", "illumination")
    )
    np.testing.assert_array_equal(
        np.isnan(whole), np.isnan(parts[0]) | np.isnan(parts[1])
    )


def test_scores_are_those_of_the_answers_of_the_saved_network(compared):
    cell = compared.result.cells[2]
    analyzer = multitask.load(compared.out / cell.networks[0])
    split = compared.out / "split.csv"
    runner = design_runner(compared.recipe, compared.out, (), lambda line: None, split)
    for part in ("val", "test"):  # of training it is a sample
        table = runner.table[runner.table["split"] == part]
        answers = analyzer.predict(table["path"])
        for name, scores in cell.heads.items():
            right = answers[name].to_numpy() == table[name].to_numpy()
            expected = right[table[name].notna()].mean()
            assert getattr(scores, part) == pytest.approx(expected), (part, name)


def test_a_peak_holds_what_was_freed_before_the_end():
    before = psutil.Process().memory_info().rss
    with measure.PeakMemory() as memory:
        held = np.ones(50_000_000)  # 400 MB
        time.sleep(0.5)
        del held
    assert memory.peak > before + 200e6


def test_a_head_that_gives_no_numbers_is_counted_and_has_no_score(compared):
    cell = compared.result.cells[2]
    analyzer = multitask.load(compared.out / cell.networks[0])
    bias = analyzer.model.get_layer("core").get_layer("gender").bias
    bias.assign(np.full(bias.shape, np.nan))
    split = compared.out / "split.csv"
    runner = design_runner(compared.recipe, compared.out, (), lambda line: None, split)
    (plan,) = plans("multi", runner.heads, ())
    prepared, _ = runner.prepare(plan, 0)
    heads, scores = measure.measure_scores(
        analyzer, prepared, plan, runner.table, runner.groups, lambda line: None
    )
    labelled = runner.table.loc[runner.table["split"] == "test", "gender"].count()
    assert heads["gender"] == HeadScores(unanswered=labelled)
    assert HeadScores.from_json(heads["gender"].to_json()) == heads["gender"]
    assert np.isnan(scores["gender"]).all()
    assert heads["illumination"] == cell.heads["illumination"]
    (note,) = unanswered_notes(
        [
            Cell(
                design="multi",
                trunk="tiny",
                seed=0,
                precision="",
                networks=(),
                heads=heads,
            )
        ]
    )
    assert "gives no answer (not a number) of gender for" in note
