"""Is a column of a file kept apart from those that questions are made into?"""

import pytest

from multitask.contracts import catalog
from multitask.contracts.errors import UserError
from multitask.data import sources
from tests.datasets.label_files import label_file
from tests.tables.typed_in import read

pytestmark = pytest.mark.usefixtures("no_pictures")
VOTES = '[votes.mood]\ncolumns = ["happy", "sad"]\n'


@pytest.mark.parametrize(
    ("header", "rows", "toml", "names"),
    [
        ("happy,sad,mood_happy", ["3,1,1", "2,4,0"], VOTES, "'mood' .* 'mood_happy'"),
        ("genre,genre_Drama", ["Drama|Noir,1", "Noir,0"], "", "'genre' .* 'genre_Dram"),
        ("a,a_b", ["b_c|d,c|e", "d,e"], "", "'a_b' makes a column 'a_b_c'"),
    ],
)
def test_a_column_of_the_name_of_a_generated_one_is_refused(
    tmp_path, header, rows, toml, names
):
    if not toml:
        toml = "".join(
            f'[column.{column}]\nseveral = "|"\n'
            for column in header.split(",")
            if column != "genre_Drama"
        )
    with pytest.raises(UserError, match=f"{names}.* and there is one; rename it"):
        read(tmp_path, header, *rows, toml=toml)


def test_a_column_of_the_name_of_generated_votes_of_rows_is_refused(tmp_path):
    rows = "path,mood,mood_sad\na,happy,1\na,sad,1\nb,sad,0\nb,sad,0\n"
    file = label_file(tmp_path, rows, "a", "b")
    (tmp_path / "labels.csv.toml").write_text("[votes.mood]")
    with pytest.raises(
        UserError, match=r"votes.mood.: 'mood' makes .* 'mood_sad', and"
    ):
        sources.read_all([f"mine=table:{file}"])


def test_left_out_as_advised_the_other_column_is_no_hindrance(tmp_path):
    toml = VOTES + '[column.mood_happy]\nrole = "none"'
    reading = read(tmp_path, "happy,sad,mood_happy", "3,1,1", "2,4,0", toml=toml)
    assert reading.table["mood_happy"].tolist() == [3, 2]


def test_columns_of_every_table_are_no_questions(tmp_path):
    toml = VOTES.replace("mood", "split")
    with pytest.raises(UserError, match="'split' is a column of every table; call it"):
        read(tmp_path, "happy,sad", "3,1", "2,4", toml=toml)


def sets(folder, *texts, toml=""):
    """Read CSV files, of which the first has a declaration beside it."""
    data = []
    for number, text in enumerate(texts):
        name = f"s{number}"
        file = label_file(folder, text, *"abcd", file=f"{name}.csv")
        data.append(f"{name}=table:{file}")
    (folder / "s0.csv.toml").write_text(toml)
    return sources.read_all(data)


@pytest.mark.parametrize(
    ("one", "other", "toml", "column", "question"),
    [
        (
            "happy,sad\na,3,2\nb,1,4",
            "mood_happy\nc,1\nd,0",
            VOTES,
            "mood_happy",
            "mood",
        ),
        (
            "genre\na,x|y\nb,y",
            "genre_x,genre_z\nc,1,0\nd,0,1",
            '[column.genre]\nseveral = "|"',
            *("genre_x", "genre"),
        ),
    ],
)
def test_a_column_that_is_generated_in_another_data_set_is_refused(
    tmp_path, one, other, toml, column, question
):
    message = (
        f"column '{column}' of data set s1: is called as one that is made of "
        f"'{question}' in s0; rename one of them"
    )
    with pytest.raises(UserError, match=message):
        sets(tmp_path, f"path,{one}\n", f"path,{other}\n", toml=toml)


@pytest.mark.parametrize(
    ("plain", "todo"),
    [
        ("x\nd,y", 'a single label is a list of one: write several = ","'),
        ("1\nd,0", 'rename it in s1, or leave it out: role = "none"'),
    ],
)
def test_lists_and_single_labels_of_one_column_are_told_apart(tmp_path, plain, todo):
    tables = ["path,genre\na,x|y\nb,y\n", f"path,genre\nc,{plain}\n"]
    toml = '[column.genre]\nseveral = "|"'
    message = (
        "head genre: reads lists of labels in data set s0, and a single label in s1; "
        rf"{todo} under \[column.genre\] in the TOML beside the table of s1"
    )
    with pytest.raises(UserError, match=message):
        sets(tmp_path, *tables, toml=toml)
    (tmp_path / "s1.csv.toml").write_text(
        "[column.genre]\n" + todo.split(": ")[1].removeprefix("write ")
    )
    reading = sets(tmp_path, *tables, toml=toml)
    [head] = catalog.heads(["genre"], reading.heads)
    assert head.labelled(reading.table)[:2].all()
    assert head.labelled(reading.table)[2:].all() == ("several" in todo)


def test_lists_of_one_label_are_lists(tmp_path):
    toml = '[column.genre]\nseveral = "|"'
    (tmp_path / "s1.csv.toml").write_text(toml)
    tables = ["path,genre\na,x|y\nb,y\n", "path,genre\nc,x\nd,x\n"]
    reading = sets(tmp_path, *tables, toml=toml)
    assert {*reading.heads} == {"genre"}
    assert reading.heads["genre"]["columns"] == ["genre_x", "genre_y"]


def test_two_heads_can_not_share_a_column_of_votes():
    votes: catalog.Config = {
        "kind": "softmax",
        "classes": ["happy", "sad"],
        "votes": True,
    }
    declared = {"mood": votes, "mood_sad": {"kind": "sigmoid"}}
    with pytest.raises(
        UserError, match="mood_sad: reads column 'mood_sad', which head"
    ):
        catalog.heads(["mood", "mood_sad"], declared)
