"""Do the tables on trained networks say what was measured?"""

import numpy as np
import pandas as pd
import pytest

from benchmarks import head_start, model_card
from multitask.contracts.errors import UserError


@pytest.fixture
def labels():
    return pd.DataFrame(
        {
            "gender": ["male", "female", "female", None],
            "race7": ["white", "black", "black", "black"],
            "age_low": [0, 3, 20, 70],
            "age_high": [2, 9, 29, 116],
        },
        index=[4, 5, 6, 7],
    )


@pytest.fixture
def answers(labels):
    return pd.DataFrame(
        {
            "gender": ["male", "male", "female", "male"],
            "race7": ["white", "white", "black", "black"],
            "age": [2.4, 9.6, 20.0, 69.4],
        },
        index=labels.index,
    )


def test_an_age_is_right_within_its_class_when_rounded_to_years(labels, answers):
    right = model_card.rights(labels, answers)
    assert right["age class"].tolist() == [1, 0, 1, 0]


def test_a_missing_label_is_neither_right_nor_wrong(labels, answers):
    right = model_card.rights(labels, answers)["gender"]
    assert right.tolist()[:3] == [1, 0, 1]
    assert np.isnan(right.iloc[3])


def test_card_lists_every_group_that_has_pictures(labels, answers):
    text = model_card.tables(model_card.rights(labels, answers), labels)
    rows = [line.split(" | ")[0] for line in text.splitlines() if "[" in line]
    assert "| 0 to 2" in rows
    assert "| black, female, 20 to 39" in rows
    assert not any("white, female" in row for row in rows)


def test_card_shows_the_wilson_interval(labels):
    # 8 of 10, as computed by hand from Wilson 1927.
    right = pd.DataFrame({"gender": [1.0] * 32 + [0.0] * 8})
    people = pd.concat([labels.iloc[:1]] * 40, ignore_index=True)
    assert "| all | 40 | 0.800 (0.652 to 0.895) |" in model_card.tables(right, people)


def test_figures_of_few_pictures_are_in_brackets(labels):
    right = pd.DataFrame({"gender": [1.0] * 29})
    people = pd.concat([labels.iloc[:1]] * 29, ignore_index=True)
    assert "| all | 29 | [1.000 (0.883 to 1.000)] |" in model_card.tables(right, people)


def test_difference_is_paired():
    # The same pictures are hard for both: the interval holds only the difference.
    hard = np.repeat([1.0, 9.0], 50)[:, None]
    pair = head_start.Pair("utkface", "age", "lower", [hard], [hard - 0.5])
    assert head_start.line(pair).endswith(
        "| 5.000 | 4.500 | -0.500 (-0.500 to -0.500) |"
    )


def test_each_seed_is_paired_with_its_own():
    one, other = np.full((20, 1), 4.0), np.full((20, 1), 6.0)
    pair = head_start.Pair("ck", "x", "lower", [one, other], [one - 1, other - 1])
    assert "-1.000 (-1.000 to -1.000)" in head_start.line(pair)


def test_tasks_are_those_of_the_data_given():
    data = {"utkface": "utkface=U"}
    assert head_start.tasks(None, data)[0] == "utkface"
    assert "celeba" not in head_start.tasks(None, data)
    assert head_start.tasks("utkface-500", data) == ["utkface-500"]


@pytest.mark.parametrize(
    ("only", "part"), [("utkface-50", "did you mean"), ("ck", "needs --data ck=")]
)
def test_a_task_that_cannot_be_run_is_refused(only, part):
    with pytest.raises(UserError, match=part):
        head_start.tasks(only, {"utkface": "utkface=U"})
