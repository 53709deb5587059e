"""Do the tables on trained networks say what was measured?"""

import numpy as np
import pandas as pd
import pytest

from benchmarks import bundle, groups, head_start, model_card
from multitask import fit
from multitask.contracts.errors import UserError
from multitask.networks.archive import load_spec
from tests import layouts


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


def test_a_face_without_an_age_is_in_no_band(labels):
    right = pd.DataFrame({"gender": [1.0]})
    people = labels.iloc[:1].assign(age_low=np.nan)
    text = model_card.tables(right, people)
    assert "70 or more" not in text
    assert "| white, male | 1 |" in text


def test_figures_of_few_pictures_are_in_brackets(labels):
    right = pd.DataFrame({"gender": [1.0] * 29})
    people = pd.concat([labels.iloc[:1]] * 29, ignore_index=True)
    assert "| all | 29 | [1.000 (0.883 to 1.000)] |" in model_card.tables(right, people)


def scores(values, groups=None):
    values = np.asarray(values, float)[:, None]
    groups = np.arange(len(values)) if groups is None else np.asarray(groups)
    return head_start.Scores("lower", values, groups)


def test_groups_count_their_own_pictures_only():
    labels = pd.DataFrame(
        {
            "gender": ["male", "female", "male", None],
            "race": ["others", "others", "white", "white"],
            "age": [2.0, 3.0, 40.0, np.nan],
        }
    )
    answers = pd.DataFrame(
        {
            "gender": ["male", "male", "male", "male"],
            "race": ["white", "others", "white", "white"],
            "age": [4.0, 5.0, 30.0, 9.0],
        }
    )
    rows = {
        name: text.partition(" (")[0] for name, text in groups.groups(labels, answers)
    }
    assert rows == {
        "gender, age 0 to 2 (1)": "[1.000",
        "gender, age 3 to 12 (1)": "[0.000",
        "gender, age 13 or more (1)": "[1.000",
        "race, others (2)": "[0.500",
        "race, white (2)": "[1.000",
        "gender, all (3)": "[0.667",
        "race, all (4)": "[0.750",
        "age 0 to 2 (1): bias, error": "+2.0, 2.00",
        "age 3 to 12 (1): bias, error": "+2.0, 2.00",
        "age 40 to 49 (1): bias, error": "-10.0, 10.00",
        "age all (3): bias, error": "-2.0 ± 4.0, 4.67",
    }
    assert [*groups.groups(labels[["age"]], answers[["race"]])] == []


def test_difference_is_paired():
    # The same pictures are hard for both: the interval holds only the difference.
    hard = np.repeat([1.0, 9.0], 50)
    pair = head_start.Pair("utkface", "age", [scores(hard)], [scores(hard - 0.5)])
    assert "| 5.000 | 4.500 | -0.500 (-0.500 to -0.500)" in head_start.line(pair)


def test_each_seed_is_paired_with_its_own():
    nothing = [scores(np.full(20, 4.0)), scores(np.full(20, 6.0))]
    start = [scores(np.full(20, 3.0)), scores(np.full(20, 5.0))]
    line = head_start.line(head_start.Pair("ck", "x", nothing, start))
    assert "-1.000 (-1.000 to -1.000)" in line


def test_pictures_of_a_person_are_drawn_together():
    def width(groups):
        gains = np.repeat([0.0, 1.0] * 5, 10)
        pair = head_start.Pair(
            "ck", "x", [scores(np.ones(100), groups)], [scores(1 + gains, groups)]
        )
        low, high = head_start.line(pair).split("(")[-1].split(")")[0].split(" to ")
        return float(high) - float(low)

    assert width(np.repeat(range(10), 10)) > 2 * width(None)


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


@pytest.mark.slow
def test_both_sides_are_trained_once_and_a_card_is_printed(
    tmp_path, capsys, monkeypatch
):
    layouts.write(tmp_path / "U", "utkface", count=80)
    layouts.write(tmp_path / "F", "fairface", count=80)
    data = f"fairface={tmp_path / 'F'}"
    start = tmp_path / "start"
    fit(data=data, heads="age,gender,race7", epochs=1, image_size=32, out=start)
    quick = {"heads": "age,gender", "epochs": 1}
    monkeypatch.setitem(head_start.SETTINGS, "utkface", quick)
    options = ["--data", f"utkface={tmp_path / 'U'}", "--only", "utkface"]
    options += ["--weights", str(start), "--out", str(tmp_path / "runs")]
    assert head_start.main(options) == 0
    first = capsys.readouterr().out
    assert first.count("\ntraining utkface-1-") == 2
    assert "| utkface | gender (higher is better) | " in first
    assert head_start.main(options) == 0
    again = capsys.readouterr().out
    assert "training" not in again
    assert first.endswith(again.partition("| --- |")[2].partition("\n")[2])
    card = ["--data", data, "--out", str(tmp_path / "card"), "--split", "all"]
    assert model_card.main([str(start), *card]) == 0
    both = [str(start), str(start), "--out", str(tmp_path / "groups")]
    assert groups.main(both) == 0
    assert "\n| all | 80 | " in capsys.readouterr().out
    options = ["--into", str(tmp_path / "box"), "--compare", data]
    assert bundle.main([str(start), "faces", *options]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "80 pictures, float16 and float32:"
    names = ["age: differs by 0.", "gender: equal in ", "race7: equal in "]
    assert all(map(str.startswith, lines[2:], names))
    copy = tmp_path / "box" / "faces" / "network.keras"
    assert copy.stat().st_size < 0.6 * (start / "network.keras").stat().st_size
    spec = load_spec(copy)
    assert spec.storage == "float16"
    assert str(tmp_path) not in spec.to_json()
