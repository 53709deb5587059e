"""Are scores those of scikit-learn, and are constants and verdicts what they say?"""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn import dummy, metrics

from multitask.contracts.catalog import from_config
from multitask.contracts.errors import UserError
from multitask.metrics import scores
from multitask.metrics.assessment import assess
from multitask.metrics.baselines import constant_answers
from multitask.metrics.kinds.head_rows import head_rows
from multitask.metrics.resampling import Resampling, units
from tests.metrics.faces import AGE, FACE, HEADS, drawn, evaluation, of_classes


def masked(evaluation, name):
    """The labels and answers of a column where there is a label."""
    known = evaluation.labels[name].notna()
    assert 0 < known.sum() < len(known)
    return evaluation.labels.loc[known, name], evaluation.answers.loc[known, name]


def constant_of(head):
    """The answer and the rule of a head's constant."""
    assert head.baseline is not None
    return head.baseline.answer, head.baseline.rule


def width(score):
    """How wide the interval of a score is."""
    assert score.ci is not None
    return score.ci[1] - score.ci[0]


def close(value):
    return pytest.approx(value, abs=1e-9, rel=1e-9)


@pytest.mark.parametrize("name", ["gender", "race"])
def test_scores_of_classes_are_scikit_learns_on_the_labelled_rows(name):
    drawing = drawn()
    scores = assess(drawing).heads[name].scores
    truth, answers = masked(drawing, name)
    assert scores["accuracy"].value == close(metrics.accuracy_score(truth, answers))
    macro = metrics.f1_score(truth, answers, average="macro")
    assert scores["macro_f1"].value == close(macro)
    report = metrics.classification_report(truth, answers, output_dict=True)
    for one in truth.unique():
        for score in ("precision", "recall", "f1-score"):
            key = f"classification_report/{one}/{score}"
            assert scores[key].value == close(report[one][score])
    assert scores["accuracy"].n == len(truth)


def test_scores_of_labels_are_scikit_learns_on_the_labelled_rows():
    drawing = drawn()
    scores = assess(drawing).heads["face"].scores
    means = []
    for name in FACE.columns:
        truth, answers = masked(drawing, name)
        means.append(metrics.accuracy_score(truth, answers))
        assert scores[f"per_label/{name}/accuracy"].value == close(means[-1])
        assert scores[f"per_label/{name}/recall"].value == close(
            metrics.recall_score(truth, answers)
        )
        assert scores[f"per_label/{name}/f1"].value == close(
            metrics.f1_score(truth, answers)
        )
    assert scores["mean_accuracy"].value == close(np.mean(means))


def test_scores_of_numbers_are_scikit_learns_on_the_labelled_rows():
    drawing = drawn()
    scores = assess(drawing).heads["age"].scores
    truth, answers = masked(drawing, "age")
    assert scores["mae"].value == close(metrics.mean_absolute_error(truth, answers))
    assert scores["rmse"].value == close(
        metrics.root_mean_squared_error(truth, answers)
    )
    assert scores["bias"].value == close((answers - truth).mean())
    children = truth < 10
    assert scores["bands/0+/mae"].value == close(
        metrics.mean_absolute_error(truth[children], answers[children])
    )
    assert scores["bands/0+/mae"].n == children.sum()


def test_every_score_has_an_interval_around_it():
    assessment = assess(drawn())
    assert assessment.unit == "pictures"
    for head in assessment.heads.values():
        for score in head.scores.values():
            assert score.ci is not None, score.name
            low, high = score.ci
            assert low <= score.value <= high, score.name
            assert low < high, score.name


def test_resampled_scores_are_those_of_a_table_with_repeated_rows():
    """One draw after another, as slowly as a summary is made."""
    drawing = drawn(60)
    members, _ = units(drawing.labels)
    resampling = Resampling(members, draws=8)
    times = resampling.sums(np.eye(60)).astype(int)
    for head in HEADS:
        rows = head_rows(head, drawing.labels, drawing.answers)
        draws = rows.from_sums(resampling.sums(rows.columns()))
        for place, counts in enumerate(times):
            repeated = np.repeat(np.arange(60), counts)
            summary = head.summary(
                drawing.labels.iloc[repeated].reset_index(drop=True),
                drawing.answers.iloc[repeated].reset_index(drop=True),
            )
            for name in (
                "accuracy",
                "mean_accuracy",
                "macro_f1",
                "mae",
                "rmse",
                "bias",
            ):
                if name in summary:
                    expected = pytest.approx(summary[name], rel=1e-5)
                    assert draws[name][place] == expected, (head.name, name)


def test_constants_are_scikit_learns_dummies():
    drawing = drawn()
    heads = assess(drawing).heads
    truth, _ = masked(drawing, "race")
    always = dummy.DummyClassifier().fit(np.zeros((len(truth), 1)), truth)
    assert constant_of(heads["race"]) == ("white", "majority class")
    assert heads["race"].scores["accuracy"].baseline == close(
        always.score(np.zeros((len(truth), 1)), truth)
    )
    ages, _ = masked(drawing, "age")
    median, mean = heads["age"].baselines
    assert heads["age"].baseline == median
    assert (median.rule, mean.rule) == ("median", "mean")
    zeros = np.zeros((len(ages), 1))
    for one, strategy in ((median, "median"), (mean, "mean")):
        numbers = dummy.DummyRegressor(strategy=strategy).fit(zeros, ages)
        errors = numbers.predict(zeros) - ages
        assert one.scores["mae"] == close(np.abs(errors).mean())
        assert one.scores["rmse"] == close(np.sqrt((errors**2).mean()))
        assert float(one.answer) == pytest.approx(numbers.predict(zeros)[0], abs=0.1)
    scores = heads["age"].scores
    assert scores["mae"].baseline == median.scores["mae"]
    assert scores["rmse"].baseline == mean.scores["rmse"]
    assert scores["bias"].baseline is None
    for name in FACE.columns:
        labels, _ = masked(drawing, name)
        most = max(labels.mean(), 1 - labels.mean())
        assert heads["face"].scores[f"per_label/{name}/accuracy"].baseline == close(
            most
        )


def test_numbers_known_as_intervals_are_compared_with_the_best_guess_of_all():
    """Of 20-29 twice, 25-34 and 60-69, what lies in 25 to 29 is in three."""
    labels = pd.DataFrame({"path": list("abcd"), "age": np.nan})
    labels["age_low"], labels["age_high"] = [20, 20, 25, 60], [29, 29, 34, 69]
    answers = pd.DataFrame({"age": [22.0, 40.0, 30.0, 61.0], "age_low": 0.0})
    answers["age_high"] = 90.0
    head = assess(evaluation(labels, answers, (AGE,))).heads["age"]
    assert head.main == "interval_accuracy"
    assert head.scores["interval_accuracy"].value == 0.75
    assert constant_of(head) == ("27", "most frequent interval")
    assert head.scores["interval_accuracy"].baseline == 0.75
    assert head.is_useful is False


def test_a_head_is_useful_if_the_same_pictures_show_it():
    """Seven of ten are right, a constant in five; only many pictures show it."""
    for copies, useful in ((1, False), (30, True)):
        truth = np.tile(["male"] * 5 + ["female"] * 5, copies)
        answers = np.tile(["male"] * 4 + ["female"] * 4 + ["male"] * 2, copies)
        head = assess(of_classes(truth, answers)).heads["gender"]
        assert head.scores["accuracy"].value == pytest.approx(0.7)
        assert head.scores["accuracy"].baseline == 0.5
        assert head.is_useful is useful


def test_constant_predictions_are_no_better_than_a_constant():
    head = assess(of_classes(["male", "female", "female"] * 40, "female")).heads[
        "gender"
    ]
    assert head.is_useful is False
    assert head.sentence.startswith(
        "Gender: no better than always answering female: right 67 times in 100 ("
    )
    assert head.sentence.endswith(", the constant 67.")


def test_guesses_are_not_said_to_tell_classes_apart():
    # Their macro F1 of about a third is far above the constant's, 0.19.
    rng = np.random.default_rng(0)
    names = ("calm", "tense", "happy")
    truth = rng.choice(names, 700, p=[0.4, 0.3, 0.3])
    guesses = rng.choice(names, 700)
    head = assess(of_classes(truth, guesses, names)).heads["gender"]
    macro = head.scores["macro_f1"]
    assert macro.ci
    assert macro.baseline
    assert macro.ci[0] > macro.baseline + 0.05
    assert head.sentence.startswith("Gender: no better than always answering calm: ")
    assert "apart" not in head.sentence


@pytest.mark.parametrize("names", [("male", "female"), ("male", "female", "none")])
def test_fewer_right_answers_than_a_constant_may_still_tell_classes_apart(names):
    # Of 400 men it finds 280, of 100 women 90: on average 80 in 100, and guesses 50,
    # whether or not there is a class that no picture has.
    truth = np.repeat(["male", "female"], [400, 100])
    answers = np.repeat(["male", "female", "male"], [280, 210, 10])
    sentence = assess(of_classes(truth, answers, names)).heads["gender"].sentence
    assert sentence.startswith(
        "Gender: no better than always answering male: right 74 times in 100 ("
    )
    assert "It does tell classes apart, though: it finds 80 in 100 of each" in sentence
    assert sentence.endswith("), guesses 50.")


def test_of_three_labels_no_rare_class_is_said_to_be_told_apart():
    truth = ["male", "female", "female"]
    sentence = assess(of_classes(truth, truth)).heads["gender"].sentence
    assert sentence.endswith(
        "(44 to 100), the constant 67. 3 labels only, too few to rely on."
    )


def test_where_all_labels_are_alike_nothing_can_be_told():
    head = assess(of_classes(["male"] * 50, ["male"] * 40 + ["female"] * 10)).heads
    assert head["gender"].is_useful is None
    # It is wrong 10 times of 50, which "male" never is: no constant is called as good.
    assert head["gender"].sentence.startswith("Gender: right 80 times in 100 (")
    assert head["gender"].sentence.endswith(
        "; all labels are the same, male, so it isn't known what it tells apart."
    )
    # Nobody is female, so precision is 0, and recall and F1 have no interval.
    scores = head["gender"].scores
    assert scores["classification_report/female/recall"].ci is None
    assert scores["macro_f1"].value == pytest.approx(40 / 45)


def test_a_split_without_a_label_says_so():
    drawing = drawn(50)
    empty = replace(drawing, labels=drawing.labels[["path"]])
    for name, head in assess(empty).heads.items():
        assert (head.scores, head.baseline, head.is_useful) == ({}, None, None)
        assert head.sentence.lower() == (
            f"{name}: no labels, so nothing is known of its answers."
        )


def test_answers_that_are_not_numbers_are_counted():
    drawing = drawn(300)
    known = drawing.labels.index[drawing.labels["age"].notna()]
    drawing.answers.loc[known[:3], "age"] = np.nan
    drawing.answers.loc[:4, "gender_confidence"] = np.nan
    labelled = int(drawing.labels["gender"][:5].notna().sum())
    heads = assess(drawing).heads
    age, gender = heads["age"], heads["gender"]
    assert age.invalid == 3
    assert np.isnan(age.scores["mae"].value)
    assert age.scores["mae"].ci is None
    assert age.is_useful is False
    assert age.sentence == (
        f"Age: 3 of {len(known)} answers are not numbers, so its error is unknown."
    )
    assert gender.invalid == labelled
    assert f"{labelled} of " in gender.sentence
    assert gender.is_useful


def test_a_label_that_the_network_does_not_know_is_an_error_that_names_it():
    strange = of_classes(["male", "femail", "female"], "male")
    with pytest.raises(UserError, match="'femail'.*did you mean 'female'"):
        assess(strange)


def test_two_hundred_classes_each_have_their_interval():
    rng = np.random.default_rng(0)
    names = [f"person {number:03d}" for number in range(200)]
    truth = rng.choice(names[:-1], 5000)
    answers = np.where(rng.random(5000) < 0.3, rng.choice(names, 5000), truth)
    head = assess(of_classes(truth, answers, names)).heads["gender"]
    known = [
        score
        for score in head.scores.values()
        if score.name.endswith("/recall") and score.ci is not None
    ]
    assert len(known) == 199 + 2  # and two averages; the last class has no label
    assert head.scores["macro_f1"].value == close(
        metrics.f1_score(truth, answers, average="macro", labels=names[:-1])
    )


def test_pictures_of_one_person_are_drawn_together():
    """Ten copies of each picture, of one person each, tell no more than one."""
    rng = np.random.default_rng(0)
    truth = np.repeat(rng.choice(["male", "female"], 80), 10)
    wrong = np.repeat(rng.random(80) < 0.25, 10)
    answers = np.where(wrong, np.where(truth == "male", "female", "male"), truth)
    single = assess(of_classes(truth[::10], answers[::10])).heads["gender"]
    together = assess(of_classes(truth, answers, identity=np.repeat(np.arange(80), 10)))
    assert together.unit == "identities"
    of_persons = together.heads["gender"].scores["accuracy"]
    apart = assess(of_classes(truth, answers)).heads["gender"].scores["accuracy"]
    assert of_persons.value == apart.value == single.scores["accuracy"].value
    assert width(of_persons) == pytest.approx(width(single.scores["accuracy"]), rel=0.1)
    assert width(of_persons) > 2.5 * width(apart)  # sqrt(10) is 3.2


def test_where_all_are_right_the_interval_is_wilsons():
    head = assess(of_classes(["male", "female"] * 15, ["male", "female"] * 15))
    score = head.heads["gender"].scores["accuracy"]
    # 30 / (30 + 1.96^2) = 0.8865
    np.testing.assert_allclose(score.ci or (), (0.8865, 1), atol=1e-4)


def test_it_is_computed_once():
    drawing = drawn(50)
    assert assess(drawing) is assess(drawing)
    assert assess(drawing, by=["race*gender"]) is not assess(drawing)
    by = replace(drawing, by=("race*gender",))
    assert {group.column for group in assess(by).heads["age"].subgroups} > {
        "race*gender"
    }


def test_labels_that_beat_no_constant_are_named():
    drawing = drawn(2000)
    drawing.answers["Hat"] = 0
    head = assess(drawing).heads["face"]
    # Bald is so rare that 10% wrong answers are worse than always no.
    assert head.useless_labels == ("Bald", "Hat")
    assert "2 labels are not shown to be better than a constant: Bald, Hat." in (
        head.sentence
    )


def test_soft_labels_are_measured_by_the_class_with_most_votes():
    settings = {"kind": "softmax", "classes": ["glad", "sad"], "votes": True}
    head = from_config("mood", settings)
    labels = pd.DataFrame({"path": list("abcd"), "mood": ["glad", None, None, None]})
    labels["mood_glad"], labels["mood_sad"] = [np.nan, 3, 1, 2], [np.nan, 1, 4, 2]
    answers = pd.DataFrame({"mood": ["glad", "glad", "glad", "sad"]})
    answers["mood_confidence"] = 0.9
    score = (
        assess(evaluation(labels, answers, (head,))).heads["mood"].scores["accuracy"]
    )
    assert score.n == 3
    assert score.value == pytest.approx(2 / 3)


def test_five_pictures_show_nothing_and_six_may():
    """With the same sign five times, the chance is 2 / 2 ** 5 = 6%, six times 3%."""
    truth = np.tile([20.0, 40.0], 3)

    def of_ages(count, **others):
        labels = pd.DataFrame({"path": [f"{row}.jpg" for row in range(count)]})
        labels = labels.assign(age=np.resize(truth, count), **others)
        answers = pd.DataFrame({"age": labels["age"] + 1.0})
        return assess(evaluation(labels, answers, heads=(AGE,))).heads["age"]

    assert of_ages(6).is_useful is True
    assert of_ages(5).is_useful is False
    # A hundred pictures of two persons tell as much as two.
    assert of_ages(100, identity=np.tile(["one", "two"], 50)).is_useful is False


def test_an_infinite_answer_leaves_no_error_and_the_other_scores():
    drawing = drawn(100, missing=0.0)
    drawing.answers.loc[3, "age"] = np.inf
    head = assess(drawing).heads["age"]
    assert head.scores["mae"].ci is None
    assert head.invalid == 1
    assert head.is_useful is False
    assert "1 of 100 answers is not a number" in head.sentence
    low, high = head.scores["within_share"].ci or (np.nan, np.nan)
    assert low < head.scores["within_share"].value < high


def test_an_index_with_a_row_twice_changes_nothing():
    """That of a user's data frame, such as of two that were put together."""
    drawing = drawn(100)
    persons = (np.arange(100) // 3).astype(str)
    drawing.labels["identity"] = persons
    drawing.labels.loc[::5, "identity"] = None
    twice = np.arange(100) // 2
    same = replace(
        drawing,
        labels=drawing.labels.set_axis(twice),
        answers=drawing.answers.set_axis(twice),
    )
    expected, found = assess(drawing), assess(same)
    assert found.unit == expected.unit == "identities"
    for name, head in expected.heads.items():
        assert found.heads[name].scores == head.scores
        assert found.heads[name].sentence == head.sentence


def test_intervals_are_those_of_scipys_bootstrap():
    drawing = drawn(600, missing=0)
    heads = assess(drawing).heads
    right = drawing.labels["gender"] == drawing.answers["gender"]
    errors = (drawing.labels["age"] - drawing.answers["age"]).abs()
    for values, score in (
        (right.to_numpy(float), heads["gender"].scores["accuracy"]),
        (errors.to_numpy(float), heads["age"].scores["mae"]),
    ):
        expected = stats.bootstrap(
            (values,), np.mean, n_resamples=9999, method="percentile", rng=0
        )
        # Both ends are known to a tenth of the standard error, as of 1,000 draws.
        ends = expected.confidence_interval
        tolerance = 0.3 * expected.standard_error
        assert score.ci is not None
        np.testing.assert_allclose(score.ci, ends, rtol=0, atol=tolerance)


def test_constant_answers_score_as_the_constant_of_a_report():
    drawing = drawn()
    assert {head.answer_type for head in drawing.heads} == {"class", "labels", "number"}
    for head in drawing.heads:
        answers = constant_answers(head, drawing.labels)
        assert (answers.iloc[1:] == answers.iloc[0])[[*head.columns]].all().all()
        score = scores.mean(scores.scores(head, drawing.labels, answers))
        baseline = assess(drawing).heads[head.name].baseline
        assert baseline is not None
        assert score == close(baseline.scores[head.metric])
