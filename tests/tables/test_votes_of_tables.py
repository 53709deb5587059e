"""Are columns of votes, and one-hot columns, one question?"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from multitask.datasets import table

from multitask.contracts import catalog
from multitask.contracts.errors import UserError
from multitask.contracts.recipe import Recipe
from multitask.contracts.table import check
from multitask.data import sources
from multitask.experiments.run import fit
from tests.datasets.label_files import label_file
from tests.planted import scene

NAN = np.nan


def read(folder: Path, text: str, toml: str = "") -> Any:
    """What a CSV file of these rows, without paths, is read as."""
    header, *rows = text.split()
    names = [f"{number}.jpg" for number in range(len(rows))]
    lines = [f"{name},{row}" for name, row in zip(names, rows, strict=True)]
    file = label_file(folder, "\n".join([f"path,{header}", *lines]), *names)
    (folder / "labels.csv.toml").write_text(toml)
    return table.read(file, name="mine")


def remarks(reading: Any, column: str) -> str:
    decisions = reading.decisions.set_index("column")
    return str(decisions.loc[column, "remarks"])


FERPLUS = """
neutral,happiness,anger,unknown,NF
4,6,0,0,0
5,5,0,0,0
0,0,1,3,6
0,0,8,2,0
"""
DECLARED = """
[votes.expression]
columns = {calm = "neutral", happy = "happiness", angry = "anger"}
leave_out = ["unknown", "NF"]
"""


def test_votes_are_soft_labels_and_their_most_frequent_class(tmp_path):
    reading = read(tmp_path, FERPLUS, DECLARED)
    labels = reading.table
    classes = ["calm", "happy", "angry"]
    assert reading.heads == {
        "expression": {"kind": "softmax", "classes": classes, "votes": True}
    }
    # A tie has no one class; in row 3 most votes are for no class at all.
    assert labels["expression"].fillna("").tolist() == ["happy", "", "", "angry"]
    votes = labels[[f"expression_{name}" for name in classes]].to_numpy()
    np.testing.assert_equal(votes, [[4, 6, 0], [5, 5, 0], [NAN] * 3, [0, 0, 8]])
    [head] = catalog.heads(["expression"], reading.heads)
    targets, weights = head.encode(labels)
    shares = np.array([[0.4, 0.6, 0], [0.5, 0.5, 0], [0, 0, 0], [0, 0, 1]])
    np.testing.assert_allclose(targets, shares)
    assert weights.tolist() == [1, 1, 0, 1]
    assert "shares of the votes for calm, happy, angry" in (
        remarks(reading, "expression")
    )
    told = remarks(reading, "expression")
    assert "1 row with most votes for what is left out: empty" in told
    assert "1 row with a tie: no class has most votes" in told
    roles = reading.decisions.set_index("column")["role"]
    assert (roles["neutral"], roles["unknown"]) == ("votes", "left out")


def test_a_list_of_columns_names_the_classes(tmp_path):
    toml = '[votes.mood]\ncolumns = ["m_sad", "m_glad", "m_odd"]\nleave_out = ["m_odd"]'
    labels = read(tmp_path, "m_sad,m_glad,m_odd\n1,2,0\n3,0,1\n0,0,0", toml).table
    assert labels["mood"].fillna("").tolist() == ["glad", "sad", ""]
    np.testing.assert_equal(labels["mood_sad"].tolist(), [1, 3, NAN])
    assert "m_odd" not in labels


@pytest.mark.parametrize(
    ("text", "toml"),
    [
        ("is_happy,is_sad,age\n1,0,3\n0,1,4\n,,5", ""),
        ("is_happy,is_sad,age\nTrue,False,3\nFalse,True,4\n,,5", ""),
        ("happy,sad,age\n1,0,3\n0,1,4\n,,5", '[votes.is]\ncolumns=["happy","sad"]'),
    ],
)
def test_one_hot_columns_are_classes(tmp_path, text, toml):
    reading = read(tmp_path, text, toml)
    assert reading.heads == {"is": {"kind": "softmax", "classes": ["happy", "sad"]}}
    assert reading.table["is"].fillna("").tolist() == ["happy", "sad", ""]
    assert set(reading.table) == {"path", "is", "age", "source"}


def test_columns_of_get_dummies_are_classes(tmp_path):
    reading = read(tmp_path, "mood_happy,mood_sad,mood_odd\n1,0,0\n0,0,1\n0,1,0\n,,")
    classes = ["happy", "sad", "odd"]
    assert reading.heads == {"mood": {"kind": "softmax", "classes": classes}}
    assert reading.table["mood"].fillna("").tolist() == ["happy", "odd", "sad", ""]
    assert remarks(reading, "mood_sad") == "for a class of mood"


def test_the_longest_name_that_columns_share_is_the_question(tmp_path):
    names = ["black", "dark_brown", "red"]
    header = ",".join(f"hair_color_{n}" for n in names) + ",hair_long"
    reading = read(tmp_path, f"{header}\n1,0,0,1\n0,1,0,0\n0,0,1,1\n0,1,0,0")
    assert reading.heads["hair_color"]["classes"] == names
    assert reading.heads["hair_long"]["kind"] == "sigmoid"


def test_a_bad_cell_of_one_hot_columns_empties_its_row(tmp_path):
    rows = ["1,0,0", "0,1,0", "0,0,1", "0,x,0", "1,0,0"]
    reading = read(tmp_path, "\n".join(["mood_a,mood_b,mood_c", *rows]))
    assert reading.table["mood"].fillna("").tolist() == ["a", "b", "c", "", "a"]
    [reason] = reading.skipped["reason"]
    assert reason.startswith("mood is left empty in row 4: mood_b is 'x', must be")


def test_classes_may_be_called_as_the_ends_of_an_interval(tmp_path):
    toml = '[votes.stress]\ncolumns = {low = "calm", high = "tense"}'
    reading = read(tmp_path, "calm,tense\n3,1\n1,3", toml)
    assert reading.table["stress"].tolist() == ["low", "high"]
    assert reading.table[["stress_low_", "stress_high_"]].to_numpy().tolist() == [
        [3, 1],
        [1, 3],
    ]
    [head] = catalog.heads(["stress"], reading.heads)
    assert head.encode(check(reading.table)).targets.tolist() == [
        [0.75, 0.25],
        [0.25, 0.75],
    ]


def test_one_hot_columns_may_be_called_as_the_ends_of_an_interval(tmp_path):
    reading = read(tmp_path, "q_low,q_high,q_mid\n1,0,0\n0,1,0\n0,0,1")
    assert reading.table["q"].tolist() == ["low", "high", "mid"]
    interval = read(tmp_path, "q_low,q_high,q_mid\n0,1,0\n0,1,0\n0,0,1")
    assert {"q_low", "q_high"} <= {*interval.table}


@pytest.mark.parametrize(
    "text",
    [
        "mood_a,mood_b\n1,0\n0,1\n1,0",  # two: each may be the other's opposite
        "m_a,m_b,m_c,m\n1,0,0,x\n0,1,0,y\n0,0,1,x",  # there is an m
        "is_happy,is_sad,is_odd\n1,0,0\n0,1,1\n0,0,1",  # two at once
        "is_happy,is_sad,is_odd\n1,0,0\n0,1,0\n0,0,0",  # none of them
        "happy,sad,odd\n1,0,0\n0,1,0\n0,0,1",  # not called is_
    ],
)
def test_other_columns_of_0_and_1_stay_yes_no_labels(tmp_path, text):
    heads = read(tmp_path, text).heads
    heads.pop("m", None)
    assert {head["kind"] for head in heads.values()} == {"sigmoid"}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("happy,sad,odd\n1,0,0\n0,1,0\n0,0,1", "one 1"),
        ("happy,sad,odd\n7,2,1\n0,10,0\n0,4,6", "the same sum"),
    ],
)
def test_a_declaration_is_suggested_for_what_seem_to_be_classes(tmp_path, text, kind):
    todo = '[votes.NAME] columns = ["happy", "sad", "odd"]'
    text = remarks(read(tmp_path, text), "happy")
    assert f"each row of happy, sad, odd has {kind}" in text
    assert todo in text


@pytest.mark.parametrize("bad", ["-2", "many"])
def test_one_cell_that_is_no_number_of_votes_is_told(tmp_path, bad):
    reading = read(tmp_path, FERPLUS.replace("4,6,0,0,0", f"4,{bad},0,0,0"), DECLARED)
    assert reading.table["expression"].fillna("").tolist() == ["", "", "", "angry"]
    [reason] = reading.skipped["reason"]
    assert reason == (
        f"expression is left empty in row 1: happiness is '{bad}', must be a number "
        "of votes, 0 or more"
    )


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        (
            '[votes.x]\ncolumns = ["neutral", "happyness"]',
            r"\[votes.x\]: names no column 'happyness'; did you mean 'happiness'\?",
        ),
        ('[votes.x]\ncolumns = ["neutral"]', "has fewer than two classes"),
        ("[votes.x]", "has no columns, and there is no column 'x'"),
        (DECLARED + '[votes.y]\ncolumns = ["NF", "anger"]', "as .votes.expression. do"),
        ('[votes.x]\ncolumns = ["anger", "NF"]\nleave = []', "unknown key 'leave'"),
    ],
)
def test_a_wrong_declaration_is_refused(tmp_path, toml, message):
    with pytest.raises(UserError, match=message):
        read(tmp_path, FERPLUS, toml)


def test_two_data_sets_one_with_votes_and_one_with_classes(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
    read(tmp_path / "a", FERPLUS, DECLARED.replace("expression", "mood"))
    read(tmp_path / "b", "mood\nhappy\nodd")
    data = [f"{name}=table:{tmp_path / name / 'labels.csv'}" for name in "ab"]
    reading = sources.read_all(data)
    assert reading.heads["mood"] == {
        "kind": "softmax",
        "classes": ["angry", "calm", "happy", "odd"],
        "votes": True,
    }
    assert list(reading.heads) == ["mood"]
    [head] = catalog.heads(["mood"], reading.heads)
    assert head.encode(reading.table).targets[-2:].tolist() == [
        [0, 0, 1, 0],
        [0, 0, 0, 1],
    ]


@pytest.mark.slow
def test_a_network_learns_votes_and_reports_on_them(tmp_path, tiny_trunk):
    rows = ["9,1,0", "1,9,0"] * 12
    names = [f"{number}.png" for number in range(len(rows))]
    lines = [f"{name},{row}" for name, row in zip(names, rows, strict=True)]
    file = label_file(tmp_path, "\n".join(["path,a,b,NF", *lines]))
    (tmp_path / "labels.csv.toml").write_text(
        '[votes.mood]\ncolumns = ["a", "b"]\nleave_out = ["NF"]'
    )
    for number, name in enumerate(names):
        scene(number, 32).save(tmp_path / name)
    recipe = Recipe(
        data=(f"mine=table:{file}",),
        trunk=tiny_trunk,
        epochs=2,
        batch_size=8,
        precision="float32",
        augment="flip",
        class_weights={"mood": "balanced"},
    )
    run = fit(recipe, tmp_path / "run", say=lambda line: None)
    assert {"val_mood_loss", "val_mood_accuracy"} <= {*run.history}
    # Nothing can be learnt from noise: the entropy of (0.9, 0.1) is 0.33, and giving
    # both classes 1/2 costs ln 2 = 0.69.
    assert 0.3 < run.history["mood_loss"].iloc[0] < 1.5
    assert run.evaluation.summaries()["mood"]["n"] == len(run.evaluation.labels)
    answers = (tmp_path / "run" / "report" / "answers.csv").read_text()
    assert "mood_label,mood,mood_confidence" in answers
