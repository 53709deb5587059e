"""Is a table with one row per label refused, with the way out?"""

import pytest

from multitask.contracts.errors import UserError
from tests.tables.typed_in import read

pytestmark = pytest.mark.usefixtures("no_pictures")


@pytest.mark.parametrize(
    ("header", "rows"),
    [
        ("attribute,value", ["age,31", "gender,female", "age,40"]),
        ("LabelName,Confidence", ["/m/01,1", "/m/02,0", "/m/01,1"]),
        ("variable,value", ["smile,yes", "hat,no", "hat,yes"]),
    ],
)
def test_one_row_per_label_is_refused(tmp_path, header, rows):
    with pytest.raises(UserError) as error:
        read(tmp_path, header, *rows)
    message = str(error.value)
    name, value = header.split(",")
    assert (
        f"has one row per label, not per picture: '{name}' names questions" in message
    )
    assert f"frame.pivot(index='path', columns='{name}', values='{value}')" in message


def test_a_column_of_that_name_can_be_a_question(tmp_path):
    rows = ["kind,3", "mean,4", "kind,5"]
    toml = '[column.attribute]\nrole = "label"'
    reading = read(tmp_path, "attribute,value", *rows, toml=toml)
    assert reading.heads["attribute"]["classes"] == ["kind", "mean"]
    alone = read(tmp_path, "attribute,stars", *rows)
    assert alone.heads["attribute"]["classes"] == ["kind", "mean"]
