"""Does the verdict of a comparison say what was measured, and no more?"""

from dataclasses import replace

import pytest
from multitask.reports._page import comparison_table
from multitask.reports._page.comparison_words import share, verdict

from multitask.contracts.results.design_comparison import Difference
from tests.reports.results import comparison_result


def difference(head, verdict, value, saved):
    return Difference(
        trunk="cnn", design="multi", head=head, difference=value,
        ci=(value - 0.1, value + 0.1), saved=saved, verdict=verdict,
    )  # fmt: skip


def test_equal_heads_come_before_those_that_differ():
    # Errors of 5.5 years become 4.5: 18% smaller.
    none = difference("gender", "no difference shown", 0.0, 0.0)
    result = comparison_result()
    result = replace(result, differences=(*result.differences, none))
    assert verdict(result)[0] == (
        "One network costs half of two (2 instead of 4 ms per picture, 1 instead of 2 "
        "million parameters). No difference was shown in gender; in age, errors are "
        "18% smaller (MAE 4.50 instead of 5.50)."
    )


def test_mistakes_in_classes_are_counted_not_their_accuracy():
    # 0.8 of the answers of single are right, 0.2 wrong; 0.22 are 10% more.
    worse = difference("gender", "worse", -0.02, -0.1)
    result = replace(comparison_result(), differences=(worse,))
    assert "In gender there are 10% more mistakes (accuracy" in verdict(result)[0]


def test_time_and_parameters_are_told_apart_where_they_differ():
    result = comparison_result()
    cells = [
        replace(cell, cost=replace(cell.cost, forward_ms_1=3.0))
        if cell.design == "multi"
        else cell
        for cell in result.cells
    ]
    assert verdict(replace(result, cells=tuple(cells)))[0].startswith(
        "One network takes three quarters of the time of two (3 instead of 4 ms per "
        "picture) and has half of their parameters (1 instead of 2 million)."
    )


def test_each_trunk_has_its_verdict():
    result = comparison_result()
    others = [replace(cell, trunk="vgg16") for cell in result.cells]
    result = replace(result, cells=(*result.cells, *others))
    starts = [line.partition(":")[0] for line in verdict(result)[:-1]]
    assert starts == ["cnn", "cnn", "vgg16", "vgg16"]
    assert "No head was compared." in verdict(result)[2]


@pytest.mark.parametrize("designs", [{"multi"}, {"single"}])
def test_one_design_alone_is_no_comparison(designs):
    result = comparison_result()
    cells = [cell for cell in result.cells if cell.design in designs]
    result = replace(result, cells=tuple(cells), differences=())
    assert verdict(result) == [
        "Nothing was compared: that takes the design single and another one."
    ]


def test_one_seed_leaves_out_chance_in_training():
    result = comparison_result()
    assert "2 seeds" in verdict(result)[-1]
    cells = [cell for cell in result.cells if cell.seed == 0]
    assert (
        "Chance in training is left out"
        in verdict(replace(result, cells=tuple(cells)))[-1]
    )


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (1 / 3, "a third of"),
        (0.355, "a third of"),
        (0.37, "37% of"),
        (0.25, "a quarter of"),
        (0.02, "2% of"),
        (1.05, "as much as"),
        (2.5, "2.5 times"),
        (float("nan"), "an unknown share of"),
    ],
)
def test_a_ratio_is_a_fraction_only_where_it_is_near_one(ratio, text):
    assert share(ratio) == text


def test_the_table_has_scores_then_costs_with_their_ratio():
    table = comparison_table.overview(comparison_result()).set_index("")
    assert list(table.index[:3]) == ["age, MAE", "gender, accuracy", "ms for 1 picture"]
    age = table.loc["age, MAE"]
    assert age["multi"] == "4.50 (4.00 to 5.00)"
    assert age["multi beside single"] == "-1.00 (-1.50 to -0.50)"
    assert (age["multi is"], age["merged is"]) == ("better", "")
    assert table.loc["ms for 1 picture", "multi beside single"] == "× 0.50"
    assert table.loc["peak memory, MB", "multi beside single"] == ""


def test_a_head_that_a_constant_answers_as_well_is_named():
    result = comparison_result()
    useful = {
        ("age", "multi"): True,
        ("age", "single"): False,
        ("age", "merged"): False,
    }
    means = [
        replace(mean, is_useful=useful.get((mean.head, mean.design), False))
        for mean in result.means
    ]
    constants = {"age": 5.25, "gender": 0.75}
    result = replace(result, means=tuple(means), constants=constants)
    assert verdict(result)[2:-1] == [
        "In age, single and merged are not shown to be better than the same answer for "
        "every picture (MAE 5.25).",
        "In gender, no design is shown to be better than the same answer for every "
        "picture (accuracy 0.750).",
    ]
    table = comparison_table.overview(result)
    assert table["best constant"].tolist()[:2] == ["5.25", "0.750"]
    assert set(table["best constant"][2:]) == {""}


def test_a_head_whose_labels_are_all_alike_is_not_judged():
    result = replace(comparison_result(), constants={"gender": 1.0})
    assert not any("the same answer" in line for line in verdict(result))
