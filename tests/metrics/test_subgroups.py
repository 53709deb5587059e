"""For whom is a head worse: are groups, gaps and p-values right?"""

import numpy as np
import pytest
from scipy import stats

from multitask.contracts.errors import UserError
from multitask.metrics.assessment import assess
from multitask.metrics.groupings import groupings, requested
from multitask.metrics.significance import corrected, p_value
from tests.metrics.faces import FACE, drawn, of_classes


def test_groups_are_the_classes_bands_and_labels_of_other_columns():
    drawing = drawn()
    groups = assess(drawing).heads["gender"].subgroups
    by_column: dict[str, list[str]] = {}
    for group in groups:
        by_column.setdefault(group.column, []).append(group.group)
    assert by_column == {
        "age": ["0 to 9", "10 to 19", "20 to 39", "40 or more"],
        "race": ["white", "black", "asian"],
        "Smiling": ["no", "yes"],
        "Bald": ["no", "yes"],
        "Hat": ["no", "yes"],
    }
    assert {group.title for group in groups} >= {
        "age 0 to 9", "race white", "Smiling", "not Smiling",
    }  # fmt: skip
    # No head is divided by its own labels.
    columns = {group.column for group in assess(drawing).heads["face"].subgroups}
    assert columns == {"age", "gender", "race"}


def test_a_groups_score_is_that_of_its_rows_alone():
    drawing = drawn()
    labels, answers = drawing.labels, drawing.answers
    for head in drawing.heads:
        for group in assess(drawing).heads[head.name].subgroups:
            if group.column != "race":
                continue
            rows = labels["race"] == group.group
            summary = head.summary(
                labels[rows].reset_index(drop=True),
                answers[rows].reset_index(drop=True),
            )
            assert group.score.value == pytest.approx(summary[head.metric], abs=1e-9)
            assert group.n == summary["n"]
            low, high = group.score.ci or (np.nan, np.nan)
            assert low < group.score.value < high
            others = labels["race"].notna() & ~rows
            rest = head.summary(
                labels[others].reset_index(drop=True),
                answers[others].reset_index(drop=True),
            )
            difference = summary[head.metric] - rest[head.metric]
            assert group.difference == pytest.approx(difference, abs=1e-9)


def test_the_constant_of_a_group_is_the_best_one_there():
    truth = ["male"] * 60 + ["female"] * 40 + ["male"] * 10 + ["female"] * 90
    race = ["white"] * 100 + ["black"] * 100
    drawing = of_classes(truth, truth, race=race)
    groups = {g.group: g for g in assess(drawing).heads["gender"].subgroups}
    assert groups["white"].score.baseline == 0.6
    assert groups["black"].score.baseline == 0.9


def test_columns_that_no_head_answers_are_groups_if_they_have_few_values():
    truth = np.tile(["male", "female"], 60)
    others = {
        "light": np.tile(["day", "night", "dusk"], 40),
        "blurred": np.tile([0.0, 1.0, np.nan], 40),
        "photographer": [f"name {number}" for number in range(120)],
        "size": np.arange(120) % 24,
        "source": np.repeat(["one", "two"], 60),
        "identity": np.repeat(np.arange(12), 10),
        "split": "test",
        "box": "0 0 9 9",
    }
    drawing = of_classes(truth, truth, **others)
    known = groupings(drawing.labels, drawing.heads)
    assert list(known) == ["gender", "light", "blurred", "source"]
    assert known["light"].groups == ("day", "dusk", "night")
    assert known["blurred"].titles == ("not blurred", "blurred")
    assert known["source"].titles == ("data set one", "data set two")
    one = of_classes(truth, truth, source="one")
    assert list(groupings(one.labels, one.heads)) == ["gender"]


def test_a_product_has_a_group_for_each_pair():
    drawing = drawn()
    head = assess(drawing, by=["race*gender"]).heads["age"]
    groups = [g for g in head.subgroups if g.column == "race*gender"]
    assert [g.group for g in groups[:3]] == [
        "white, male", "white, female", "black, male",
    ]  # fmt: skip
    assert groups[0].title == "race white × gender male"
    labels = drawing.labels
    rows = (labels["race"] == "white") & (labels["gender"] == "male")
    assert groups[0].n == (rows & labels["age"].notna()).sum()
    # Asked for, a product may contain the head's own classes, as Gender Shades does.
    own = assess(drawing, by=["race*gender"]).heads["gender"]
    assert "race*gender" in {group.column for group in own.subgroups}
    # That women are called female more often than men is no gap.
    parity = {gap.column: gap.demographic_parity for gap in own.gaps}
    assert parity["race*gender"] is None
    assert parity["race"] is not None


@pytest.mark.parametrize(
    ("by", "error"),
    [
        ("race*gendre", "--by: 'gendre' is no labelled column.*mean 'gender'"),
        ("race*race", "--by: 'race.race' names a column twice"),
        ("path", "--by: 'path' does not divide the pictures into 2 to 20 groups"),
    ],
)
def test_a_column_that_divides_nothing_is_an_error_with_the_nearest(by, error):
    drawing = drawn(50)
    known = groupings(drawing.labels, drawing.heads)
    with pytest.raises(UserError, match=error):
        requested(known, [by], drawing.labels)


def test_a_small_group_is_marked_and_not_hidden():
    truth = np.tile(["male", "female"], 100)
    race = ["white"] * 171 + ["black"] * 29
    groups = assess(of_classes(truth, truth, race=race)).heads["gender"].subgroups
    assert {group.group: group.is_small for group in groups} == {
        "white": False,
        "black": True,
    }


def test_a_single_group_is_none():
    truth = np.tile(["male", "female"], 50)
    wrong = np.where(np.arange(100) < 10, "male", truth)
    head = assess(of_classes(truth, wrong, race="white")).heads["gender"]
    assert (head.subgroups, head.gaps) == ((), ())
    assert "group" not in head.sentence


def test_the_weakest_group_is_the_worst_of_those_shown_to_be_weaker():
    truth = np.tile(["male", "female"], 300)
    race = np.repeat(["white", "black", "asian"], 200)
    wrong = np.zeros(600, bool)
    wrong[:10], wrong[200:260], wrong[400:410] = True, True, True
    wrong[::97] = True
    answers = np.where(wrong, np.roll(truth, 1), truth)
    head = assess(of_classes(truth, answers, race=race)).heads["gender"]
    assert "Weakest: race black, 69 in 100 (62 to 75), n = 200." in head.sentence
    fair = assess(
        of_classes(truth, np.where(np.arange(600) % 9, truth, "male"), race=race)
    )
    assert fair.heads["gender"].sentence.endswith("No group was shown to be weaker.")


def test_a_weakest_group_that_a_constant_serves_as_well_is_called_so():
    # Of 200 black, 100 are male: always "male" is right for 100, the head for 80.
    truth = np.tile(["male", "female"], 300)
    race = np.repeat(["white", "black", "asian"], 200)
    wrong = np.zeros(600, bool)
    wrong[:10], wrong[200:320], wrong[400:410] = True, True, True
    answers = np.where(wrong, np.where(truth == "male", "female", "male"), truth)
    head = assess(of_classes(truth, answers, race=race)).heads["gender"]
    assert head.sentence.endswith(
        "Weakest: race black, 40 in 100 (33 to 46), no better than a constant there "
        "(50), n = 200."
    )
    useless = {
        g.group: head.is_useless_for(g) for g in head.subgroups if g.column == "race"
    }
    assert useless == {"white": False, "black": True, "asian": False}


def test_a_sentence_counts_the_groups_that_are_too_small_to_tell():
    truth = np.tile(["male", "female"], 100)
    race = ["white"] * 90 + ["black"] * 90 + ["asian"] * 12 + ["indian"] * 8
    answers = np.where(np.arange(200) % 9, truth, "male")
    sentence = assess(of_classes(truth, answers, race=race)).heads["gender"].sentence
    assert sentence.endswith(
        "No group was shown to be weaker; 2 of 4 are too small to tell."
    )


def test_gaps_are_fairlearns():
    fairlearn = pytest.importorskip("fairlearn.metrics")
    from sklearn import metrics

    drawing = drawn(3000, missing=0.1)
    labels, answers = drawing.labels, drawing.answers
    heads = assess(drawing).heads
    known = labels["gender"].notna() & labels["race"].notna()
    truth, given = labels["gender"][known], answers["gender"][known]
    groups = labels["race"][known]
    frame = fairlearn.MetricFrame(
        metrics=metrics.accuracy_score,
        y_true=truth,
        y_pred=given,
        sensitive_features=groups,
    )
    [gap] = [gap for gap in heads["gender"].gaps if gap.column == "race"]
    between = "between_groups"
    assert gap.difference == pytest.approx(frame.difference(method=between))
    assert gap.ratio == pytest.approx(frame.ratio(method=between))
    assert (gap.worst, gap.best) == (frame.by_group.idxmin(), frame.by_group.idxmax())
    yes = (truth == "female").astype(int), (given == "female").astype(int)
    assert gap.demographic_parity == pytest.approx(
        fairlearn.demographic_parity_difference(*yes, sensitive_features=groups)
    )
    assert gap.equalized_odds == pytest.approx(
        fairlearn.equalized_odds_difference(*yes, sensitive_features=groups)
    )


def test_gaps_of_several_classes_and_of_numbers_are_fairlearns():
    fairlearn = pytest.importorskip("fairlearn.metrics")
    from sklearn import metrics

    drawing = drawn(3000, missing=0.1)
    labels, answers = drawing.labels, drawing.answers
    heads, between = assess(drawing).heads, "between_groups"
    # More than two classes: the largest gap of one against the rest.
    known = labels["gender"].notna() & labels["race"].notna()
    [gap] = [gap for gap in heads["race"].gaps if gap.column == "gender"]
    parities = [
        fairlearn.demographic_parity_difference(
            (labels["race"][known] == one).astype(int),
            (answers["race"][known] == one).astype(int),
            sensitive_features=labels["gender"][known],
        )
        for one in ("white", "black", "asian")
    ]
    assert gap.demographic_parity == pytest.approx(max(parities))
    known = labels["age"].notna() & labels["race"].notna()
    frame = fairlearn.MetricFrame(
        metrics=metrics.mean_absolute_error,
        y_true=labels["age"][known],
        y_pred=answers["age"][known],
        sensitive_features=labels["race"][known],
    )
    [gap] = [gap for gap in heads["age"].gaps if gap.column == "race"]
    assert gap.difference == pytest.approx(frame.difference(method=between))
    assert gap.ratio == pytest.approx(frame.ratio(method=between))
    assert gap.worst == frame.by_group.idxmax()


def test_gaps_by_hand():
    """Of 40 white pictures 36 are right, of 40 black 30, of 5 asian none."""
    right = [1] * 36 + [0] * 4 + [1] * 30 + [0] * 10 + [0] * 5
    race = ["white"] * 40 + ["black"] * 40 + ["asian"] * 5
    truth = np.tile(["male", "female"], 43)[:85]
    answers = np.where(right, truth, np.where(truth == "male", "female", "male"))
    [gap] = assess(of_classes(truth, answers, race=race)).heads["gender"].gaps
    assert gap.difference == pytest.approx(0.9 - 0.75)  # five are too few to count
    assert gap.ratio == pytest.approx(0.75 / 0.9)
    assert (gap.worst, gap.best) == ("black", "white")


def test_p_values_are_those_of_scipy():
    rng = np.random.default_rng(0)
    group = np.arange(200) < 60
    members = np.arange(200)
    right = (rng.random(200) < np.where(group, 0.6, 0.8)).astype(float)
    table = [[right[rows].sum(), (1 - right[rows]).sum()] for rows in (group, ~group)]
    assert p_value(right, group, ~group, members) == pytest.approx(
        stats.fisher_exact(table).pvalue
    )
    errors = rng.gamma(2, 3, 200) + 2 * group
    welch = stats.ttest_ind(errors[group], errors[~group], equal_var=False)
    assert p_value(errors, group, ~group, members) == pytest.approx(welch.pvalue)
    # Two copies of each row, of one person, tell as much as one row.
    twice = np.repeat(np.arange(200), 2)
    both = p_value(
        np.repeat(errors, 2), np.repeat(group, 2), np.repeat(~group, 2), twice
    )
    assert both == pytest.approx(welch.pvalue, rel=0.15)
    assert np.isnan(p_value(errors, members < 1, members > 0, members))


def test_the_p_value_of_persons_who_are_all_right_or_all_wrong_is_known():
    """Such scores do not vary in a set; the difference may be chance all the same."""
    members = np.concatenate(
        [np.repeat([0, 1, 2], 12), 3 + np.repeat(np.arange(500), 2)]
    )
    group = members < 3
    right = np.ones(len(members))
    right[36:86] = 0  # 95% of 1,000
    # If each person is right throughout in 95 of 100, three are in 86 of 100 (.95^3).
    assert p_value(right, group, ~group, members) > 0.2
    halves = np.repeat([0.0, 1.0], 100)
    persons = np.repeat(np.arange(100), 2)
    assert p_value(halves, halves == 0, halves == 1, persons) < 1e-6
    assert np.isnan(p_value(np.ones(200), halves == 0, halves == 1, persons))


def test_a_p_value_of_rows_that_are_not_alike_is_that_of_a_t_test():
    """Rows of a unit that do not correlate, and alike variances: Student's test."""
    rng = np.random.default_rng(1)
    scores, members = rng.normal(size=4000), np.repeat(np.arange(2000), 2)
    group = members < 1000
    expected = stats.ttest_ind(scores[group], scores[~group]).pvalue
    p = p_value(scores, group, ~group, members)
    assert p == pytest.approx(expected, abs=0.03)


def test_p_values_are_corrected_for_how_many_groups_there_are():
    """Benjamini and Hochberg by hand: the k-th smallest of m times m / k."""
    p_values = corrected(np.array([0.01, np.nan, 0.04, 0.03]))
    np.testing.assert_allclose(p_values, [0.03, np.nan, 0.04, 0.04])


def test_labels_with_other_gaps_in_each_row_have_the_mean_over_labels():
    drawing = drawn(400)
    labels, answers = drawing.labels, drawing.answers
    assert labels[list(FACE.columns)].isna().any(axis=1).mean() > 0.3
    [female] = [
        group
        for group in assess(drawing).heads["face"].subgroups
        if group.group == "female"
    ]
    rows = labels["gender"] == "female"
    right = [
        (labels.loc[rows, name] == answers.loc[rows, name])[labels[name].notna()].mean()
        for name in FACE.columns
    ]
    assert female.score.value == pytest.approx(np.mean(right))
    draws = []
    rng = np.random.default_rng(0)
    for _ in range(300):
        drawn_rows = labels.index[rng.integers(0, 400, 400)]
        one, given = labels.loc[drawn_rows], answers.loc[drawn_rows]
        female_rows = one["gender"] == "female"
        means = [
            (one[name] == given[name])[female_rows & one[name].notna()].mean()
            for name in FACE.columns
        ]
        draws.append(np.mean(means))
    np.testing.assert_allclose(
        female.score.ci or (), np.quantile(draws, [0.025, 0.975]), atol=0.012
    )


def test_a_table_of_one_picture_has_neither_intervals_nor_groups():
    drawing = of_classes(["male"], ["male"], race=["white"])
    head = assess(drawing).heads["gender"]
    assert head.scores["accuracy"].ci is None
    assert head.subgroups == ()
