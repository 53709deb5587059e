"""Are the numbers of a report those derived by hand or by scikit-learn?"""

import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from multitask.reports import _frames, numbers
from sklearn import metrics

from tests.evaluations import (
    AGE,
    FACE,
    GENDER,
    MOOD,
    by_hand,
    random_evaluation,
    strict,
)


def test_the_json_has_the_keys_that_scripts_rely_on(tmp_path):
    numbers.write(by_hand(notes=("drawings",)), tmp_path)
    report = strict((tmp_path / "report.json").read_text("utf-8"))
    assert (report["rows"], report["split"], report["title"]) == (4, "test", "four")
    assert report["notes"] == ["drawings"]
    assert list(report["heads"]) == ["age", "gender", "face"]
    # |12-10|, |20-30|, |51-50| -> 13/3; signed 2 - 10 + 1 -> -7/3; two of three <= 5.
    # 10 lies in 9..20; 30 not in 15..25; 50 not in 52..60 -> 1/3.
    age = report["heads"]["age"]
    assert age["n"] == 3
    assert age["mae"] == pytest.approx(13 / 3)
    assert age["bias"] == pytest.approx(-7 / 3)
    assert age["within_share"] == pytest.approx(2 / 3)
    assert age["coverage_80"] == pytest.approx(1 / 3)
    gender = report["heads"]["gender"]
    # Of male, female, female two are right. F1 male = 2*1/(2+1) = 2/3, female the same.
    assert (gender["n"], gender["accuracy"]) == (3, pytest.approx(2 / 3))
    assert gender["macro_f1"] == pytest.approx(2 / 3)
    assert "male" in gender["classification_report"]
    face = report["heads"]["face"]
    # Smiling 1 0 1 1 against 1 1 0 1: half right; Bald 0 0 1 against 0 1 1: 2/3.
    assert (face["n"], face["mean_accuracy"]) == (4, pytest.approx((1 / 2 + 2 / 3) / 2))
    assert set(face["per_label"]) == {"Smiling", "Bald"}


def test_a_number_that_is_not_finite_becomes_null(tmp_path):
    evaluation = by_hand()
    evaluation.answers.loc[0, "age"] = np.nan
    numbers.write(evaluation, tmp_path)
    report = strict((tmp_path / "report.json").read_text("utf-8"))
    assert report["heads"]["age"]["mae"] is None


def test_the_table_has_one_row_per_head_and_nan_where_a_score_does_not_apply():
    table = numbers.table(by_hand()).set_index("head")
    assert table["rows"].tolist() == [3, 3, 4]
    assert table.loc["age", ["MAE", "bias", "within", "80% holds"]].tolist() == [
        4.33, -2.33, 0.667, 0.333,
    ]  # fmt: skip
    assert table.loc["age", ["accuracy", "macro F1"]].isna().all()
    assert table.loc["gender", ["accuracy", "macro F1"]].tolist() == [0.667, 0.667]
    # Smiling: 2 hits, 3 answers, 3 true -> 2/3; Bald: 1 hit, 2 answers, 1 true -> 2/3.
    assert table.loc["face", ["accuracy", "macro F1"]].tolist() == [0.583, 0.667]
    assert table.loc["gender", ["MAE", "bias", "within", "80% holds"]].isna().all()


def test_the_terminal_text_begins_with_notes_and_a_sentence_on_each_head():
    lines = numbers.text(by_hand(notes=("These are drawings.",))).splitlines()
    assert lines[:3] == ["Note: These are drawings.", "four: test, 4 pictures", ""]
    # The median of 10, 30 and 50 is 30, which is off by 20, 0 and 20.
    assert lines[3].startswith(
        "Age: not shown to be better than always answering 30: off by 4 years (1 to 10)"
        " on average, the constant by 13."
    )
    # Of male, female, female a constant answers two.
    assert lines[4].startswith(
        "Gender: no better than always answering female: right 67 times in 100 (0 to "
    )
    assert all(line.endswith("too few to rely on.") for line in lines[3:6])
    assert lines[7:] == [
        "head    rows  score                         value  constant",
        "age        3  MAE, years              4 (1 to 10)        13",
        "              bias, years          -2 (-10 to +2)",
        "              within 5 years  0.67 (0.00 to 1.00)      0.33",
        "              80% holds       0.33 (0.00 to 1.00)",
        "gender     3  accuracy        0.67 (0.00 to 1.00)      0.67",
        "              macro F1        0.67 (0.00 to 1.00)      0.40",
        "face       4  mean accuracy   0.58 (0.00 to 1.00)      0.71",
        "              macro F1        0.67 (0.00 to 1.00)      0.43",
        "in brackets: 95% intervals, from resampled pictures",
    ]


def test_the_terminal_text_leaves_out_columns_without_number():
    text = numbers.text(by_hand(heads=(GENDER,)))
    assert "macro F1" in text
    assert "MAE" not in text
    assert "within" not in text


def test_a_number_without_a_tolerance_has_no_share_within_it():
    age = replace(AGE, within=0.0)  # type: ignore[call-arg]
    evaluation = by_hand(heads=(age,))
    assert "within" not in numbers.text(evaluation)
    assert "within" not in numbers.classification(evaluation)
    assert "within" not in json.dumps(numbers.report(evaluation))


def cells(text, name):
    """The numbers of the row `name` in a table as text, without the intervals."""
    [row] = [line for line in text.splitlines() if re.match(rf"{name}\s", line)]
    return re.sub(r" \(.*?\)", "", row.removeprefix(name)).split()


def test_the_class_section_is_scikit_learns_report_of_the_labelled_rows(tmp_path):
    evaluation = random_evaluation(tmp_path, heads=(MOOD,))
    known = evaluation.labels["mood"].notna()
    assert 0 < known.sum() < len(known)
    names = ["glad", "sad", "so so"]
    oracle = metrics.classification_report(
        evaluation.labels.loc[known, "mood"],
        evaluation.answers.loc[known, "mood"],
        labels=names,
        output_dict=True,
    )
    text = numbers.classification(evaluation)
    for name in (*names, "macro avg", "weighted avg"):
        *scores, support = cells(text, name)
        expected = list(oracle[name].values())
        assert int(support) == expected[-1]
        # With 20 labels an interval is that wide that two digits are all there is.
        assert scores == [f"{value:.2f}" for value in expected[:-1]]


def test_the_label_section_agrees_with_scikit_learn(tmp_path):
    evaluation = random_evaluation(tmp_path, heads=(FACE,))
    scores = FACE.summary(evaluation.labels, evaluation.answers)["per_label"]
    text = numbers.classification(evaluation)
    for name in ("Smiling", "Bald"):
        known = evaluation.labels[name].notna()
        truth, answers = (
            evaluation.labels.loc[known, name],
            evaluation.answers.loc[known, name],
        )
        assert scores[name]["f1"] == pytest.approx(metrics.f1_score(truth, answers))
        assert scores[name]["positive"] == truth.sum()
        assert cells(text, name)[-3:] == [
            f"{metrics.f1_score(truth, answers):.2f}",
            str(len(truth)),
            f"{truth.sum():.0f}",
        ]


def test_the_number_section_lists_the_errors_by_band():
    text = numbers.classification(by_hand(heads=(AGE,), notes=("drawings",)))
    start, _, rest = text.partition("constant:")
    assert start.startswith(
        "Note: drawings\nfour: test, 4 pictures\n\n\n"
        "age: 3 labelled rows\n"
        "====================\n\n"
        "Age: not shown to be better than always answering 30"
    )
    # RMSE = sqrt((4 + 100 + 1) / 3) = 5.9; one label a band, so without an interval.
    # That of the constant is sqrt((400 + 0 + 400) / 3) = 16.3. The intervals are 11, 10
    # and 8 wide, so their mean is 9.7.
    assert rest == (
        " always 30 (the median and the mean)\n\n"
        "score                           value  constant\n"
        "MAE, years                4 (1 to 10)        13\n"
        "RMSE, years               6 (1 to 10)        16\n"
        "bias, years            -2 (-10 to +2)\n"
        "within 5 years    0.67 (0.00 to 1.00)      0.33\n"
        "80% holds         0.33 (0.00 to 1.00)\n"
        "80% width, years         10 (8 to 11)\n\n"
        "from     MAE  n\n"
        "0+     2.000  1\n"
        "20+   10.000  1\n"
        "40+    1.000  1\n"
    )


def test_classes_without_label_are_noted_below_their_average():
    evaluation = by_hand(heads=(GENDER,))
    assert "macro avg counts" not in numbers.classification(evaluation)
    females = by_hand(heads=(GENDER,))
    females.labels["gender"] = "female"
    assert "macro avg counts a class without label as 0" in numbers.classification(
        females
    )


def test_numbers_known_to_an_interval_are_counted_by_whether_it_was_hit():
    evaluation = by_hand(heads=(AGE,))
    evaluation.labels["age"] = np.nan
    evaluation.labels["age_low"] = [10.0, 20.0, 50.0, np.nan]
    evaluation.labels["age_high"] = [19.0, 29.0, 59.0, np.nan]
    table = numbers.table(evaluation)
    # 12, 20 and 51 lie inside theirs.
    assert "age      3  in interval  1.00" in numbers.text(evaluation)
    assert (table.loc[0, "rows"], table.loc[0, "within"]) == (3, 1.0)
    assert cells(numbers.classification(evaluation), "in interval") == ["1.00", "0.33"]
    assert _frames.pairs(AGE, evaluation.labels, evaluation.answers).empty
    columns = list(numbers.answers(evaluation))
    assert columns[2:5] == ["age_label", "age_label_low", "age_label_high"]


def test_the_csv_has_each_label_beside_its_answer(tmp_path):
    numbers.write(by_hand(), tmp_path)
    table = pd.read_csv(tmp_path / "answers.csv")
    assert list(table) == [
        "path", "split", "age_label", "age", "age_low", "age_high",
        "gender_label", "gender", "gender_confidence",
        "Smiling_label", "Smiling", "Smiling_confidence",
        "Bald_label", "Bald", "Bald_confidence",
    ]  # fmt: skip
    assert table["gender_label"].tolist()[1::2] == ["female", "female"]
    assert table["gender"].tolist()[1::2] == ["male", "female"]
    assert set(table["split"]) == {"test"}
    assert table["age_label"].isna().tolist() == [False, False, False, True]


def test_the_csv_ends_with_the_probabilities_of_the_classes(tmp_path):
    evaluation = by_hand()
    evaluation.answers["gender_male"] = [0.75, 0.5, 0.875, 0.25]
    evaluation.answers["gender_female"] = 1 - evaluation.answers["gender_male"]
    numbers.write(evaluation, tmp_path)
    table = pd.read_csv(tmp_path / "answers.csv")
    assert list(table)[-3:] == ["Bald_confidence", "gender_male", "gender_female"]
    assert table["gender_female"].tolist() == [0.25, 0.5, 0.125, 0.75]


def test_the_csv_of_all_pictures_names_the_split_of_each():
    evaluation = by_hand(split="all")
    assert numbers.answers(evaluation)["split"].isna().all()
    evaluation.labels["split"] = ["train", "val", "test", "test"]
    assert numbers.answers(evaluation)["split"].tolist() == [
        "train",
        "val",
        "test",
        "test",
    ]
