"""Are the classes of votes spelled as those of a column beside them, and compared?"""

import numpy as np
import pytest

from multitask.contracts import catalog
from multitask.contracts.errors import UserError
from multitask.data import sources
from multitask.data.labels import check_reading
from tests.datasets.label_files import label_file
from tests.tables.typed_in import decided, read

pytestmark = pytest.mark.usefixtures("no_pictures")
VOTES = '[votes.mood]\ncolumns = ["happy", "sad"]\n'


def test_a_class_beside_its_votes_is_respelled_and_compared(tmp_path):
    rows = ["5,1,Happy", "5,1,sad", "2,2,SAD", "0,0,happy", "1,4,", "1,4,neutral"]
    reading = read(tmp_path, "happy,sad,mood", *rows, toml=VOTES)
    assert reading.table["mood"].fillna("").tolist() == [
        "happy", "", "sad", "happy", "sad", ""
    ]  # fmt: skip
    [head] = catalog.heads(["mood"], reading.heads)
    np.testing.assert_allclose(
        head.encode(reading.table).targets,
        np.array([[5 / 6, 1 / 6], [0, 0], [0.5, 0.5], [1, 0], [0.2, 0.8], [0, 0]]),
    )
    first, second = reading.skipped["reason"]
    assert first.startswith(
        "mood is 'sad' in row 2, left empty; most votes are for happy. role = "
    )
    assert "mood is 'neutral' in row 6, left empty; must be happy or sad" in second
    remarks = decided(reading)["mood"][1]
    assert "'Happy' is happy, 'SAD' is sad" in remarks
    assert "1 row left empty, as class and votes differ" in remarks


def test_many_classes_that_contradict_votes_are_refused_and_may_be_left_out(tmp_path):
    rows = ["5,1,sad", "1,3,happy", "4,0,happy"]
    reading = read(tmp_path, "happy,sad,mood", *rows, toml=VOTES)
    with pytest.raises(
        UserError, match=r"2 of 3 labels of mood .*\[column.mood\] lets"
    ):
        check_reading(reading, "--data mine")
    toml = VOTES + '[column.mood]\nrole = "none"'
    reading = read(tmp_path, "happy,sad,mood", *rows, toml=toml)
    assert reading.table["mood"].tolist() == ["happy", "sad", "happy"]


def test_declared_spellings_of_the_class_count(tmp_path):
    toml = VOTES + '[column.mood]\nclasses = {"0" = "happy", "1" = "sad"}'
    reading = read(tmp_path, "happy,sad,mood", "3,1,0", "2,2,1", toml=toml)
    assert reading.table["mood"].tolist() == ["happy", "sad"]


def test_votes_for_the_classes_of_a_named_head_are_its_own(tmp_path):
    first = label_file(tmp_path, "path,happy,sad\na,3,1\nb,1,4\n", "a", "b")
    (tmp_path / "labels.csv.toml").write_text(VOTES.replace("mood", "expression"))
    rows = "path,expression\nc,happiness\nd,fear\n"
    second = label_file(tmp_path, rows, "c", "d", file="plain.csv")
    reading = sources.read_all([f"s0=table:{first}", f"s1=table:{second}"])
    [head] = catalog.heads(["expression"], reading.heads)
    assert list(head.classes) == catalog.named()["expression"]["classes"]
    assert reading.table["expression"].tolist() == [
        "happiness", "sadness", "happiness", "fear"
    ]  # fmt: skip
    voted = [*map(head.classes.index, ("happiness", "sadness", "fear"))]
    np.testing.assert_allclose(
        head.encode(reading.table).targets[:, voted],
        np.array([[0.75, 0.25, 0], [0.2, 0.8, 0], [1, 0, 0], [0, 0, 1]]),
    )
    remarks = reading.decisions["remarks"]
    assert remarks.str.contains("'happy' is happiness, 'sad' is sadness").sum() == 1
