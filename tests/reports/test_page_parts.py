"""Does each part of the page of a report say what was measured?"""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
from multitask.reports import page
from multitask.reports._charts import lines, matrix, svg
from multitask.reports._page import calibration, groups, sections, uses, words

from multitask.metrics.assessment import assess
from multitask.metrics.calibration import Bin, Reliability
from multitask.metrics.results import Baseline, HeadAssessment, Score, Subgroup
from multitask.metrics.thresholds import Threshold
from tests.evaluations import AGE, GENDER, HISTORY, by_hand, random_evaluation
from tests.metrics.faces import of_classes


def score(name, value, ci=None, baseline=None, better="higher", n=100):
    return Score(name=name, value=value, ci=ci, baseline=baseline, n=n, better=better)


def group(name, n, value, p=1.0, main="accuracy", better="higher", whole=0.9):
    return Subgroup(
        column="race", group=name, title=f"race {name}", n=n,
        score=score(main, value, (value - 0.05, value + 0.05), better=better, n=n),
        difference=value - whole, p_value=p, is_small=n < 30,
    )  # fmt: skip


def assessed(main="accuracy", value=0.9, better="higher", **changes):
    """A useful head with one score."""
    one = HeadAssessment(
        head="gender", summary={"n": 100, main: value}, main=main,
        scores={main: score(main, value, (value - 0.03, value + 0.03), better=better)},
        baseline=Baseline(answer="male", rule="majority class", scores={main: 0.5}),
        is_useful=True, subgroups=(), gaps=(), sentence="Gender: right.",
    )  # fmt: skip
    return replace(one, **changes)


# Groups


def test_colours_say_better_or_worse_than_the_whole_and_small_groups_have_none():
    whole = assessed(
        subgroups=(
            group("a", 50, 0.95, 0.01), group("b", 50, 0.8, 0.01), group("c", 29, 0.1)
        )
    )  # fmt: skip
    [row] = groups.heat_map(whole, "")
    better, worse, small = row["cells"]
    assert (better["kind"], worse["kind"], small["kind"]) == ("above", "below", "small")
    # The farthest from 0.9, small ones left out, is 0.1 off; 0.05 is half as much.
    assert worse["share"] == pytest.approx(2 * better["share"], abs=0.02)
    assert small["share"] == 0
    assert (small["n"], small["value"]) == ("29", "10%")


def test_colours_are_pale_where_no_difference_was_shown():
    shown, chance = group("a", 50, 0.95, 0.01), group("b", 50, 0.8, 0.3)
    [row] = groups.heat_map(assessed(subgroups=(shown, chance)), "")
    # Though it is farther off, by 0.1, it is below half of the other's.
    assert 0 < row["cells"][1]["share"] < row["cells"][0]["share"] / 2


def test_the_constant_of_a_squared_error_is_the_mean():
    median = Baseline(answer="29", rule="median", scores={"mae": 16.0, "rmse": 23.0})
    mean = Baseline(answer="33", rule="mean", scores={"mae": 17.0, "rmse": 22.0})
    errors = {
        "mae": score("mae", 5.3, (4.5, 6.3), baseline=16.0, better="lower"),
        "rmse": score("rmse", 7.7, (6.0, 9.0), baseline=22.0, better="lower"),
        "bias": score("bias", -0.5, (-1.6, 0.4), better=None),
    }
    one = assessed(scores=errors, baseline=median, baselines=(median, mean))
    rows = sections.scores(AGE, one).set_index("score")
    assert rows["always 29 (median)"].tolist() == ["16.0 years", "22 years", ""]
    assert rows.index[1] == "root mean squared error (constant: 33, the mean)"
    assert rows["value (95% interval)"].tolist() == [
        "5.3 years (4.5 to 6.3)", "8 years (6 to 9)", "0 years (-2 to 0)",
    ]  # fmt: skip


def test_of_errors_the_smaller_ones_are_better():
    ages = [
        group(g, 50, v, main="mae", better="lower") for g, v in (("a", 4), ("b", 9))
    ]
    whole = assessed("mae", 6.0, "lower", subgroups=tuple(ages))
    kinds = [cell["kind"] for cell in groups.heat_map(whole, "years")[0]["cells"]]
    assert kinds == ["above", "below"]


def test_many_pairs_without_a_difference_are_folded():
    def pair(column, p):
        return [replace(group(g, 50, 0.9, p), column=column) for g in ("no", "yes")]

    nine = [one for n in range(9) for one in pair(f"label {n}", 0.01 if n == 3 else 1)]
    rows = groups.heat_map(assessed(subgroups=tuple(nine)), "")
    assert [row["column"] for row in rows if not row["folded"]] == ["label 3"]
    rows = groups.heat_map(assessed(subgroups=tuple(nine[:16])), "")
    assert not any(row["folded"] for row in rows)


def test_the_table_of_groups_marks_small_ones_and_differences():
    rows = (group("a", 50, 0.8, 0.0004), group("b", 20, 0.5, np.nan))
    table = groups.table(rows, GENDER)
    assert table["marks"] == ["strong", "small"]
    first = ["race", "a", "50", "80%", "75% to 85%", "-10 points", "<0.001"]
    assert table["rows"][0] == first
    assert table["rows"][1][-1] == ""


# Uses


def test_a_useless_head_is_for_nothing():
    found = uses.uses(GENDER, by_hand(), assessed(is_useful=False))
    assert found.good == []
    assert found.bad[0].startswith("For nothing: always answering male was not shown")


def test_without_labels_nobody_knows():
    found = uses.uses(GENDER, by_hand(), assessed(is_useful=None, scores={}))
    assert found.bad == [
        "For nothing yet: there are no labels, so nobody knows what it can do."
    ]


def test_confident_answers_may_go_unchecked_where_they_are_right():
    # 100 answers of 0.6, of which half are right, and 100 of 0.9, of which 98 are.
    right = np.array([True] * 50 + [False] * 50 + [True] * 98 + [False] * 2)
    labels = pd.DataFrame({"path": "a.png", "gender": ["male"] * 200})
    answers = pd.DataFrame(
        {
            "gender": np.where(right, "male", "female"),
            "gender_confidence": [0.6] * 100 + [0.9] * 100,
        }
    )
    evaluation = by_hand(labels=labels, answers=answers, heads=(GENDER,))
    good = uses.uses(GENDER, evaluation, assessed()).good
    assert "confidence of 70% or more: they are 50% of all, and 98% of" in good[0]
    # All are labelled male: errors don't cancel out, and counts are far off.
    assert "it answers female for 26% where 0% are labelled so" in good[1]
    answers["gender_confidence"] = 0.9
    evaluation = replace(evaluation, answers=answers)
    assert (
        "only where a person checks"
        in uses.uses(GENDER, evaluation, assessed()).good[0]
    )


def test_weak_groups_labels_and_too_few_pictures_are_named():
    report = {
        f"classification_report/{name}/recall": score("", value, ci)
        for name, value, ci in (("male", 0.95, (0.9, 1)), ("female", 0.5, (0.4, 0.6)))
    }
    report = {name: replace(one, name=name) for name, one in report.items()}
    whole = assessed(
        subgroups=(group("a", 50, 0.8, 0.01), group("b", 20, 0.5)), invalid=2
    )
    whole = replace(whole, scores=whole.scores | report, useless_labels=("Bald",))
    bad = " ".join(uses.uses(GENDER, by_hand(), whole).bad)
    assert "For race a (80%) without a check" in bad
    assert "To find female (50%): of these labels it finds fewer" in bad
    assert "male (95%)" not in bad
    assert "For race b: fewer than 30 pictures say too little." in bad
    assert "For Bald: no better" in bad
    assert "2 answers had no value" in bad


def test_a_class_with_a_slash_in_its_name_is_named_whole():
    truth = ["yes/no"] * 100 + ["other"] * 100
    answers = ["other"] * 50 + ["yes/no"] * 50 + ["other"] * 100
    drawing = of_classes(truth, answers, classes=("yes/no", "other"))
    assessed = assess(drawing).heads["gender"]
    bad = uses.uses(drawing.heads[0], drawing, assessed).bad
    assert any(line.startswith("To find yes/no (50%): of these") for line in bad)


def test_few_labels_ask_for_more_to_measure_on_not_for_a_longer_training():
    few = {"accuracy": score("accuracy", 1.0, (0.44, 1.0), baseline=0.67, n=3)}
    bad = uses.uses(GENDER, by_hand(), assessed(is_useful=False, scores=few)).bad
    assert bad == [
        "For nothing yet: 3 labels can't show that it is better than always answering "
        "male. Measure it on more labelled pictures."
    ]
    many = {"accuracy": score("accuracy", 0.6, (0.5, 0.7), baseline=0.6, n=100)}
    bad = uses.uses(GENDER, by_hand(), assessed(is_useful=False, scores=many)).bad
    assert bad[0].startswith("For nothing: always answering male was not shown")


def test_answers_on_a_group_that_a_constant_serves_as_well_are_good_for_nothing():
    useless, weak = group("a", 50, 0.4, 0.01), group("b", 50, 0.8, 0.01)
    useless = replace(useless, score=replace(useless.score, baseline=0.5))
    weak = replace(weak, score=replace(weak.score, baseline=0.5))
    bad = uses.uses(GENDER, by_hand(), assessed(subgroups=(useless, weak))).bad
    assert bad[0].startswith("For race a (40%) at all: it is worse there")
    assert bad[0].endswith("and no better than one constant answer.")
    assert bad[1].startswith("For race b (80%) without a check")


# Calibration


@pytest.mark.parametrize(
    ("n", "verdict"), [(1000, "Confidences are too high"), (20, "On average, confid")]
)
def test_confidences_are_wrong_only_where_it_is_more_than_chance(n, verdict):
    # With 20 answers the error of a share of 0.75 is 0.1, with 1,000 it is 0.014.
    one = Bin(low=0.8, high=0.9, n=n, confidence=0.85, accuracy=0.75)
    found = Reliability(bins=(one,), ece=0.1, ece_before=0.2, temperature=1.5)
    shown = calibration.calibration(found, GENDER)
    assert shown.sentences[0].startswith(verdict)
    assert "0.100, in 15 bins of equal width (1 holds answers)" in shown.sentences[0]
    assert shown.sentences[1] == (
        "Before calibration on the validation part (temperature 1.50), the error was "
        "0.200."
    )
    # Folds have a temperature each.
    folds = calibration.calibration(replace(found, temperature=None), GENDER)
    assert folds.sentences[1] == (
        "Before calibration on the validation part of each fold, the error was 0.200."
    )


def test_thresholds_stand_beside_a_half():
    half = {"precision": 0.5, "recall": 0.9, "f1": 0.64}
    one = Threshold(
        label="Bald", value=0.3, precision=0.75, recall=np.nan, f1=0.7, at_half=half
    )
    row = calibration.thresholds([one]).iloc[0]
    assert (row["threshold"], row["precision"], row["precision at 0.5"]) == (
        "0.30", "0.75", "0.50",
    )  # fmt: skip
    assert (row["recall"], row["recall at 0.5"]) == ("", "0.90")


# Words


def test_digits_are_those_that_the_interval_allows():
    assert words.parts(score("accuracy", 0.9312, (0.90, 0.96)), "")[:2] == (
        "93%", "90% to 96%",
    )  # fmt: skip
    exact = score("accuracy", 0.93124, (0.9310, 0.9315), baseline=0.5)
    assert words.parts(exact, "") == ("93.1%", "93.1% to 93.2%", "50.0%")
    assert words.parts(score("mae", 5.678, (5.2, 6.1)), "years")[0] == "5.7 years"
    assert words.parts(score("mae", np.nan), "years") == ("", "", "")


def test_the_title_asks_a_question_and_names_data_and_date():
    evaluation = by_hand()
    assert page.title(evaluation) == "How good are the answers to age, gender and face?"
    labels = evaluation.labels.assign(source="utkface")
    evaluation = replace(evaluation, labels=labels, split="all")
    assert page.measured(evaluation, date(2025, 3, 1)) == (
        "four, measured on all pictures of utkface: 4 pictures. 1 March 2025."
    )


# Charts


def test_names_in_charts_are_text():
    counts = pd.DataFrame([[3, 1], [0, 2]], ["<b>", "ok"], ["<b>", "ok"])
    drawn = matrix.confusion(counts, "<i>title</i>")
    assert "<b>" not in drawn
    assert "<i>" not in drawn
    assert drawn.count("&lt;b&gt;") >= 2
    assert ">75%<" in drawn


def test_a_matrix_of_very_many_classes_is_one_picture():
    names = [f"c{n}" for n in range(200)]
    counts = pd.DataFrame(np.eye(200, dtype=int), names, names)
    drawn = matrix.confusion(counts, "")
    assert drawn.count("<rect") == 1
    assert "data:image/png;base64," in drawn
    assert len(drawn) < 30_000


def test_many_points_are_squares():
    few, many = np.arange(10.0), np.arange(1000.0)
    assert lines.answers_over_labels(few, few).count("<circle") == 10
    drawn = lines.answers_over_labels(many, many)
    assert "<circle" not in drawn
    assert "data:image/png" in drawn


def test_ticks_are_round_and_within_the_axis():
    fifths = [0, 0.2, 0.4, 0.6, 0.8, 1]
    assert svg.Scale(0, 1, 0, 100).ticks() == pytest.approx(fifths)
    assert svg.Scale(1e-4, 1e-1, 0, 100, log=True).ticks() == [1e-4, 1e-3, 1e-2, 1e-1]
    assert svg.Scale(1, 3, 0, 100, whole=True).ticks() == [1, 2, 3]


def test_every_kind_of_head_has_its_charts(tmp_path):
    evaluation = random_evaluation(tmp_path, 60, history=HISTORY)
    heads = assess(evaluation).heads
    counts = {
        head.name: len(sections.charts(head, evaluation, heads[head.name]))
        for head in evaluation.heads
    }
    assert counts == {"age": 2, "gender": 1, "face": 2, "mood": 1}
    assert len(page.curves(evaluation)) == 4  # loss, age loss and MAE, gender accuracy
    assert page.curves(replace(evaluation, history=None)) == []


def test_a_head_without_labels_has_no_charts():
    evaluation = by_hand()
    labels = evaluation.labels.drop(columns="age")
    evaluation = replace(evaluation, labels=labels)
    shown = sections.section(AGE, evaluation, assess(evaluation).heads["age"])
    assert (shown["labelled"], shown["kind"]) == (0, "unknown")
    assert "charts" not in shown
