"""Do the tables, the picture and the page show what a comparison measured?"""

import json
from dataclasses import replace

import pandas as pd
import pytest

from multitask.contracts import plugins
from multitask.contracts.results.design_comparison import DesignComparison
from tests.reports.results import comparison_result


@pytest.fixture
def result():
    return comparison_result()


@pytest.fixture
def report():
    """The module of the report."""
    [module] = [m for m in plugins.reports() if m.OF is DesignComparison]
    return module


def test_scores_have_a_row_per_cell_and_head(result, report):
    scores = report.scores(result)
    assert list(scores) == [
        "design", "trunk", "seed", "head", "metric", "train", "val", "test", "ci_low",
        "ci_high", "parameters", "bytes", "train_seconds", "pictures_trained",
        "forward_ms_1", "forward_ms_32", "peak_mb",
    ]  # fmt: skip
    assert len(scores) == 6 * 2 + 2
    merged = scores[scores["head"] == "gender+race"].iloc[0]
    assert (merged["design"], merged["metric"]) == ("merged", "accuracy")
    assert merged[["test", "ci_low", "ci_high"]].isna().all()


def test_quality_is_the_mean_over_seeds_with_its_interval(result, report):
    quality = report.quality(result)
    assert quality.to_numpy().tolist() == [
        ["age, mae", "single", "4.50", "", "5.50 (5.00 to 6.00)"],
        ["age, mae", "merged", "4.50", "", "5.50 (5.00 to 6.00)"],
        ["age, mae", "multi", "3.50", "", "4.50 (4.00 to 5.00)"],
        ["gender, accuracy", "single", "1.000", "0.750", "0.800 (0.500 to 1.000)"],
        ["gender, accuracy", "merged", "1.000", "0.750", "0.500 (0.250 to 0.750)"],
        ["gender, accuracy", "multi", "1.000", "0.750", "0.800 (0.500 to 1.000)"],
        ["gender+race, accuracy", "merged", "0.500", "", ""],
    ]
    assert list(quality) == ["head", "design", "cnn train", "cnn val", "cnn test"]


def test_differences_stand_with_their_intervals_and_verdicts(result, report):
    assert report.differences(result).to_numpy().tolist() == [
        ["age", "cnn", "multi", "-1.000", "-1.500 to -0.500", "better"]
    ]


def test_costs_stand_above_their_ratios_to_single(result, report):
    costs = report.costs(result).set_index("design")
    assert list(costs.index) == [
        "single", "merged", "multi", "merged / single", "multi / single",
    ]  # fmt: skip
    assert costs.loc["single"].tolist() == [
        "cnn", "2", "8", "20", "64", "4", "40", "800.5",
    ]  # fmt: skip
    # The peak depends on what was trained before, and has no ratio.
    assert costs.loc["multi / single"].tolist() == ["cnn", *["0.50"] * 6, ""]


def test_an_unknown_peak_leaves_its_cell_empty(result, report):
    cells = [
        replace(cell, cost=replace(cell.cost, peak_mb=None))
        if cell.design == "multi"
        else cell
        for cell in result.cells
    ]
    shown = report.costs(replace(result, cells=tuple(cells)))["peak memory, MB"]
    assert list(shown == "") == [False, False, True, True, True]


def test_without_single_there_are_no_ratios(result, report):
    cells = tuple(cell for cell in result.cells if cell.design == "multi")
    assert list(report.costs(replace(result, cells=cells))["design"]) == ["multi"]


def test_the_folder_gets_data_a_table_a_picture_and_a_page(result, tmp_path):
    plugins.write_reports(result, tmp_path / "new")
    folder = tmp_path / "new"
    assert json.loads((folder / "compare.json").read_text()) == result.to_json()
    assert len(pd.read_csv(folder / "compare.csv")) == 14
    assert (folder / "compare.png").read_bytes()[:4] == b"\x89PNG"
    page = (folder / "index.html").read_text()
    assert "Faces &lt;were&gt; drawn." in page
    assert "5.50 (5.00 to 6.00)" in page
    verdict, table = page.index("errors are 18% smaller"), page.index("<table")
    assert page.index("<h1>") < verdict < table < page.index("How this was measured")


def test_the_picture_has_a_panel_per_head_and_a_point_per_design(result, report):
    figure = report.plot(result)
    axes = [axis for axis in figure.axes if axis.get_visible()]
    assert [axis.get_title() for axis in axes] == ["age", "gender"]
    for axis, multi in zip(axes, (4.5, 0.8), strict=True):
        points = {bar.get_label(): bar[0].get_xydata()[0] for bar in axis.containers}
        assert list(points) == ["single, cnn", "merged, cnn", "multi, cnn"]
        assert points["single, cnn"][0] == 4.0
        assert points["multi, cnn"].tolist() == [2.0, multi]
    assert axes[0].get_ylabel() == "mae (less is better)"


def test_direction_and_digits_are_those_of_the_head_whatever_its_metric(result, report):
    result = replace(result, metrics={"age": "rmse", "gender": "f1"})
    axes = [axis for axis in report.plot(result).axes if axis.get_visible()]
    assert [axis.get_ylabel() for axis in axes] == [
        "rmse (less is better)",
        "f1 (more is better)",
    ]
    first = report.quality(result).iloc[0]
    assert (first["head"], first["cnn train"]) == ("age, rmse", "4.50")


def test_merged_heads_are_those_the_comparison_names(result, report):
    # The name of a head may look like anything.
    result = replace(result, merged=("gender+race", "age"))
    heads = list(dict.fromkeys(report.quality(result)["head"]))
    assert heads == ["gender, accuracy", "age, mae", "gender+race, accuracy"]
    axes = [axis for axis in report.plot(result).axes if axis.get_visible()]
    assert [axis.get_title() for axis in axes] == ["gender"]


def test_the_command_prints_the_verdict_above_the_tables(result):
    shown = plugins.text(result)
    assert shown.startswith("One network costs half of two (2 instead of 4 ms per")
    assert "more than single" in shown
    assert "multi / single" in shown


def test_a_dry_run_prints_the_networks_of_each_cell(result):
    cells = tuple(replace(cell, heads={}, cost=None) for cell in result.cells[:2])
    planned = replace(result, cells=cells, means=(), differences=())
    assert plugins.text(planned).splitlines() == [
        "single   cnn: cnn-0-single, cnn-0-single1",
        "merged   cnn: cnn-0-merged",
    ]
