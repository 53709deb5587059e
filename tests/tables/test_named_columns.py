"""Do columns feed the named heads whose columns they are, but for their spelling?"""

import pytest

from tests.tables.typed_in import decided, read

pytestmark = pytest.mark.usefixtures("no_pictures")


@pytest.mark.parametrize(
    ("written", "name", "cells", "expected"),
    [
        ("Gender", "gender", ["Male", "f", "?"], ["male", "female", None]),
        ("AGE GROUP", "age_group", ["Old", "child"], ["old", "child"]),
        ("Age", "age", ["31", "060Y", "unknown"], [31.0, 60.0, None]),
        ("ageGroup", "age_group", ["young", "kid"], ["young", "child"]),
        ("Expression", "expression", ["happy", "sad"], ["happiness", "sadness"]),
    ],
)
def test_a_column_is_that_of_a_named_head(tmp_path, written, name, cells, expected):
    reading = read(tmp_path, written, *cells)
    values = [None if v != v else v for v in reading.table[name]]
    assert values == expected
    assert name not in reading.heads  # its own one would replace the named head
    role, remarks = decided(reading)[name]
    assert role == "label"
    assert remarks.startswith(f"is column {written!r}")


@pytest.mark.parametrize(
    ("written", "cells", "odd"),
    [
        ("Gender", ["der", "die", "das", "die"], "der"),
        ("Age", ["Bronze", "Iron", "Bronze"], "Bronze"),
        ("Race", ["5 km", "10 km", "10 km"], "5 km"),
    ],
)
def test_cells_that_are_no_labels_of_the_head_keep_it_another(
    tmp_path, written, cells, odd
):
    reading = read(tmp_path, written, *cells)
    assert reading.table[written].tolist() == cells
    assert reading.heads[written]["classes"] == sorted(set(cells))
    assert f"{odd!r} is no label of the head" in decided(reading)[written][1]


def test_one_faulty_cell_is_set_aside_as_in_the_column_itself(tmp_path):
    cells = ["Male", "F", "m", "f", "male", "F", "m", "f", "Male", "F", "m", "truck"]
    reading = read(tmp_path, "Gender", *cells)
    assert reading.table["gender"].notna().sum() == 11
    [reason] = reading.skipped["reason"]
    assert reason == "row 12: gender is 'truck', left empty; must be male or female"


def test_a_column_beside_the_named_one_or_with_a_declared_role_stays(tmp_path):
    both = read(tmp_path, "Gender,gender", "f,male", "m,female")
    assert both.table["gender"].tolist() == ["male", "female"]
    assert both.table["Gender"].tolist() == ["f", "m"]
    toml = '[column.Gender]\nrole = "label"\n'
    own = read(tmp_path, "Gender", "f", "m", toml=toml)
    assert own.heads["Gender"]["classes"] == ["f", "m"]


# Columns of every table


@pytest.mark.parametrize(
    ("written", "name", "cells"),
    [
        ("Identity", "identity", ["7", "8", "7"]),
        ("IDENTITY", "identity", ["ann", "bob", "cem"]),
        ("Source", "source", ["web", "lab", "web"]),
        ("SOURCE", "source", ["lab", "lab", "lab"]),
    ],
)
def test_a_reserved_name_in_another_case_is_it(tmp_path, written, name, cells):
    rows = [f"{cell},{n % 2}" for n, cell in enumerate(cells)]
    reading = read(tmp_path, f"{written},indoor", *rows)
    assert reading.table[name].tolist() == cells
    assert decided(reading)[name] == (name, f"is column {written!r}")
    assert set(reading.heads) == {"indoor"}


def test_a_column_beside_the_reserved_one_or_declared_otherwise_is_not_it(tmp_path):
    both = read(tmp_path, "Identity,identity", "x,ann", "y,bob", "x,ann")
    assert both.table["identity"].tolist() == ["ann", "bob", "ann"]
    assert both.table["Identity"].tolist() == ["x", "y", "x"]
    toml = '[column.Identity]\nrole = "label"\n'
    own = read(tmp_path, "Identity", "goth", "punk", "goth", toml=toml)
    assert own.heads["Identity"]["classes"] == ["goth", "punk"]
    toml = '[column.who]\nrole = "identity"\n'
    other = read(tmp_path, "Identity,who", "a,ann", "b,bob", "a,cem", toml=toml)
    assert other.table["identity"].tolist() == ["ann", "bob", "cem"]


def test_links_and_places_of_each_picture_are_no_data_sets(tmp_path):
    links = [f"https://example.org/{n},{n % 2}" for n in range(3)]
    reading = read(tmp_path, "Source,indoor", *links)
    assert decided(reading)["Source"] == ("left out", "links")
    assert set(reading.table["source"]) == {"mine"}


@pytest.mark.parametrize(
    ("toml", "last"),
    [
        ('missing = ["9"]', None),
        ('classes = {f = "female", male = "male", "9" = "male"}', "male"),
    ],
)
def test_what_is_declared_holds_for_the_new_name(tmp_path, toml, last):
    cells, toml = ["male", "f", "9"], f"[column.Gender]\n{toml}"
    table = read(tmp_path, "Gender", *cells, toml=toml).table
    labels = [None if v != v else v for v in table["gender"]]
    assert labels == ["male", "female", last]
    people = read(
        tmp_path, "Identity", *cells, toml='[column.Identity]\nmissing = ["9"]'
    )
    assert people.table["identity"].isna().tolist() == [False, False, True]
