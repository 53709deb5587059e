"""Does the report on a sweep show its trials, the best first, in every form?"""

import json
from dataclasses import replace

import pandas as pd
import pytest
from multitask.reports import sweep as report

from multitask.contracts import plugins
from tests.reports.results import sweep_result, trial

RESULT = sweep_result()


def test_it_is_the_report_on_sweeps_and_writes_four_files(tmp_path):
    plugins.write_reports(RESULT, tmp_path)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["index.html", "sweep.csv", "sweep.json", "sweep.png"]
    assert json.loads((tmp_path / "sweep.json").read_text()) == RESULT.plain()
    assert (tmp_path / "sweep.png").stat().st_size > 5000


def test_the_table_has_a_row_per_trial_the_best_first(tmp_path):
    report.write(RESULT, tmp_path)
    table = pd.read_csv(tmp_path / "sweep.csv")
    assert list(table) == [
        "trial", "folder", "state", "learning-rate", "augment", "score", "age mae",
        "gender accuracy", "best epoch", "epochs", "seconds", "reason",
    ]  # fmt: skip
    assert table["trial"].tolist() == [2, 1, 0, 3, 4]
    assert table["score"].tolist()[:2] == [0.75, 0.5]
    assert table["epochs"].tolist() == [2, 2, 0, 1, 0]


def test_its_cells_are_short_and_columns_that_are_empty_left_out():
    cells = report.cells(RESULT)
    assert cells.iloc[0].to_dict() == {
        "trial": "2", "state": "done", "learning-rate": "0.001", "augment": "flip",
        "score": "0.7500", "age, mae": "6.50", "gender, accuracy": "0.750",
        "best epoch": "2 of 2", "seconds": "13", "reason": "",
    }  # fmt: skip
    states = ["done", "done", "failed", "given up", "running"]
    assert cells["state"].tolist() == states
    assert cells["best epoch"].tolist()[2:] == ["", "- of 1", ""]
    assert "reason" not in report.cells(replace(RESULT, trials=RESULT.trials[1:]))


def test_errors_have_two_digits_and_shares_three_whatever_the_metric():
    result = replace(RESULT, metrics={"age": "rmse", "gender": "f1"})
    best = report.cells(result).iloc[0]
    assert (best["age, rmse"], best["gender, f1"]) == ("6.50", "0.750")


@pytest.mark.parametrize("importance", [{}, RESULT.importance])
def test_a_setting_is_shown_with_its_best_value_and_how_much_it_matters(importance):
    table = report.settings(replace(RESULT, importance=importance))
    assert table["best"].tolist() == ["0.001", "flip"]
    assert ("importance" in table) == bool(importance)
    if importance:
        assert table["importance"].tolist() == ["0.88", "0.12"]


def test_of_no_finished_trial_nothing_is_best(tmp_path):
    failed = replace(RESULT, trials=RESULT.trials[:1])
    assert report.settings(failed)["best"].tolist() == ["", ""]
    report.write(failed, tmp_path)  # also a picture without a point


def test_the_text_ends_after_fifteen_trials():
    assert not plugins.text(RESULT).endswith("more")
    many = tuple(trial(n, 0.01, 0.5) for n in range(17))
    assert plugins.text(replace(RESULT, trials=many)).endswith("\nand 2 more")


def test_the_page_shows_notes_reasons_and_links_and_escapes_names(tmp_path):
    (tmp_path / "best.toml").touch()
    report.write(RESULT, tmp_path)
    page = (tmp_path / "index.html").read_text()
    for text in (
        "runs/&lt;b&gt;",
        "The best may be the &lt;luckiest&gt;.",
        "epoch 1: the loss is nan",
        "judged by the mean score of the heads",
        '<a href="best.toml">',
        "importance",
    ):
        assert text in page
