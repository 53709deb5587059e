"""Do rows of several raters make soft labels?"""

import numpy as np
import pandas as pd
import pytest
from multitask.datasets import table

from multitask.contracts import catalog
from multitask.contracts.errors import UserError
from multitask.contracts.table import check
from tests.datasets.label_files import label_file
from tests.tables.typed_in import decided

pytestmark = pytest.mark.usefixtures("no_pictures")
NAN = np.nan


def rated(folder, rows, toml="[votes.mood]", header="path,mood"):
    """The reading of rows such as `a happy`: a picture and what one rater says."""
    lines = [f"{name}.jpg,{label}" for name, label in map(str.split, rows)]
    names = sorted({line.split(",")[0] for line in lines})
    file = label_file(folder, "\n".join([header, *lines, ""]), *names)
    (folder / "labels.csv.toml").write_text(toml)
    return table.read(file, name="mine")


def test_each_row_of_a_picture_is_a_vote(tmp_path):
    rows = ["a happy", "b sad", "a happy", "c sad", "a sad", "c happy", "b Sad"]
    reading = rated(tmp_path, rows)
    labels = reading.table
    assert labels["mood"].fillna("").tolist() == ["happy", "sad", ""]
    votes = labels[["mood_happy", "mood_sad"]].to_numpy()
    np.testing.assert_equal(votes, [[2, 1], [0, 2], [1, 1]])
    assert reading.skipped.empty
    [head] = catalog.heads(["mood"], reading.heads)
    shares = np.array([[2 / 3, 1 / 3], [0, 1], [1 / 2, 1 / 2]])
    np.testing.assert_allclose(head.encode(labels).targets, shares, rtol=1e-6)
    remarks = decided(reading)["mood"][1]
    assert "1 row with a tie: no class has most votes" in remarks
    assert "shares of the votes for happy, sad" in remarks


def test_a_named_head_keeps_its_classes_and_spellings(tmp_path):
    rows = ["a happy", "a Happiness", "a sad", "b fear", "b unsure", "b unsure"]
    toml = '[votes.expression]\nleave_out = ["unsure"]'
    reading = rated(tmp_path, rows, toml, "path,expression")
    classes = catalog.named()["expression"]["classes"]
    assert reading.heads["expression"]["classes"] == classes
    first, second = reading.table.to_dict("records")
    assert (first["expression_happiness"], first["expression_sadness"]) == (2, 1)
    assert first["expression"] == "happiness"
    assert np.isnan(second["expression_fear"])  # more raters were not sure
    assert pd.isna(second["expression"])


def test_low_and_high_are_classes_as_others(tmp_path):
    rows = ["a low", "a high", "a low", "b high"]
    reading = rated(tmp_path, rows, "[votes.level]", "path,level")
    assert check(reading.table)["level_low_"].tolist() == [2, 0]
    rows = ["a good", "a high", "a Bad", "b medium"]
    reading = rated(tmp_path, rows, "[votes.illumination]", "path,illumination")
    votes = reading.table[[f"illumination_{n}" for n in ("bad", "medium", "high_")]]
    assert votes.to_numpy().tolist() == [[1, 0, 2], [0, 1, 0]]


def test_a_label_that_is_no_class_is_no_vote_and_listed(tmp_path):
    toml = '[votes.mood]\n[column.mood]\nclasses = ["happy", "sad"]'
    rows = [f"{name} happy" for name in "abcdefghij"] + ["a sad", "b sda"]
    reading = rated(tmp_path, rows, toml)
    assert reading.table["mood_sad"].tolist() == [1.0] + 9 * [0.0]
    [reason] = reading.skipped["reason"]
    assert "row 12: mood is 'sda'" in reason
    assert "must be happy or sad" in reason


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("[votes.mod]", "votes.mod.: has no columns, .*; did you mean 'mood'"),
        ("[votes.path]", "there is no column 'path'"),
        ('[votes.mood]\nleave_out = ["sad"]', "has fewer than two classes"),
    ],
)
def test_a_wrong_declaration_is_refused(tmp_path, toml, message):
    with pytest.raises(UserError, match=message):
        rated(tmp_path, ["a happy", "a sad", "b sad"], toml)
