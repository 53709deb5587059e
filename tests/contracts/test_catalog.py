"""Does `--heads` make the heads it names, with what was asked for and no others?"""

import pandas as pd
import pytest

from multitask.contracts import catalog
from multitask.contracts.catalog import to_config
from multitask.contracts.errors import UserError
from multitask.contracts.table import NO_LABELS


def error(*asked, declared=None):
    with pytest.raises(UserError) as caught:
        catalog.heads(asked, declared)
    return str(caught.value)


def names(*asked):
    return [head.name for head in catalog.heads(asked)]


@pytest.mark.parametrize("name", catalog.named())
def test_every_named_head_can_be_made_and_weighs_0_without_labels(name, unlabelled):
    (head,) = catalog.heads([name])
    assert head.name == name
    assert not head.encode(unlabelled).weights.any()


def test_every_group_is_of_named_heads_and_takes_no_heads_name():
    for group, members in catalog.groups().items():
        assert set(members) <= set(catalog.named())
        assert group not in catalog.named()


def test_the_named_heads_are_those_of_the_design():
    assert {name: len(h.get("classes", ())) for name, h in catalog.named().items()} == {
        **{"age": 0, "gender": 2, "race": 5, "race7": 7},
        **{"expression": 7, "illumination": 3},
        **{"pose": 5, "occlusion": 7, "age_group": 4, "makeup": 2, "attributes": 0},
    }
    assert len(catalog.named()["attributes"]["columns"]) == 40


def test_a_group_is_its_heads_each_once_in_the_order_asked():
    assert names("race", "utkface", "gender") == ["race", "age", "gender"]


def test_another_kind_keeps_what_it_has_a_field_for():
    (age,) = catalog.heads(["age:regression"])
    config = to_config(age)
    assert (config["kind"], config["high"], config["unit"]) == (
        "regression",
        116,
        "years",
    )
    (gender,) = catalog.heads(["gender:sigmoid"])
    assert to_config(gender)["classes"] == ("male", "female")


def test_part_of_a_head_reads_the_columns_asked_for_in_their_order():
    (head,) = catalog.heads(["attributes[Young, Smiling]"])
    assert head.columns == ("Young", "Smiling")


def test_a_declared_head_wins_over_the_named_one():
    declared = {"gender": {"kind": "softmax", "classes": ["f", "m", "x"]}}
    (head,) = catalog.heads(["gender"], declared)
    assert to_config(head)["classes"] == ("f", "m", "x")
    (named,) = catalog.heads(["gender"])
    assert to_config(named)["classes"] == ("male", "female")


def test_an_unknown_head_tells_the_nearest_head_or_group():
    assert error("gendre").startswith(
        "--heads: unknown head 'gendre'; did you mean 'gender'? Known: age, gender, "
    )
    assert "did you mean 'celeba'?" in error("celebA")


def test_a_head_that_is_not_mistyped_says_which_data_it_needs():
    own = (
        "; a head of your own needs data that labels it: --data NAME=table:FILE with a "
        "column {0}, or --data {0}=folder:PATH"
    )
    assert error("smile").startswith("--heads: unknown head 'smile'; known: age, ")
    assert error("smile").endswith(
        ", imfdb; attributes[Smiling] is a label like it" + own.format("smile")
    )
    assert error("mood").endswith(", imfdb" + own.format("mood"))


def test_an_unknown_column_tells_the_nearest():
    assert error("attributes[Smilling]") == (
        "--heads attributes: has no label 'Smilling'; did you mean 'Smiling'?"
    )


def test_an_unknown_kind_tells_the_nearest():
    assert "unknown kind 'sofmax'; did you mean 'softmax'?" in error("age:sofmax")


def test_a_kind_that_cannot_hold_the_columns_says_so():
    assert error("attributes:softmax") == (
        "head attributes: reads 40 columns, must read one"
    )


@pytest.mark.parametrize(
    ("asked", "line"),
    [
        ("age regression", "'age regression' is not NAME, NAME:KIND or NAME[A,B]"),
        ("attributes[Young", "'attributes[Young' is not NAME, NAME:KIND or NAME[A,B]"),
        ("attributes[]", "attributes[]: no label given"),
    ],
)
def test_what_cannot_be_read_says_how_it_must_look(asked, line):
    assert line in error(asked)


def test_asking_for_nothing_lists_what_there_is():
    assert error().startswith("--heads: no head given; known: age, gender, race")


def test_what_is_asked_for_by_name_wins_over_what_a_group_brings():
    made = {head.name: head for head in catalog.heads(["utkface", "age:regression"])}
    assert list(made) == ["age", "gender", "race"]
    assert type(made["age"]).__name__ == "Regression"


def test_a_declared_head_takes_its_columns_from_a_named_one():
    table = pd.DataFrame({"Smiling": [1.0, 0.0], "gender": ["male", "female"]})
    smile = {"kind": "sigmoid", "columns": ["Smiling"]}
    assert catalog.labelled(table, {"smile": smile}) == ("smile", "gender")


@pytest.mark.parametrize("column", NO_LABELS)
def test_no_head_reads_a_column_of_the_table_or_of_its_predictions(column):
    line = error("mood", declared={"mood": {"kind": "sigmoid", "columns": [column]}})
    assert line.startswith(f"head mood: reads column '{column}', which the table its")
