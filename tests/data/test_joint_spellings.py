"""Are classes that data sets spell in another case one, and is it told?"""

import pandas as pd
import pytest

from multitask.data.sources import read_all
from tests.datasets.label_files import label_file

pytestmark = pytest.mark.usefixtures("no_pictures")


def joined(folder, column, *sets):
    """The reading of several CSVs with these cells, each with pictures of its own."""
    texts = []
    for number, cells in enumerate(sets):
        paths = [f"{number}-{n}.jpg" for n in range(len(cells))]
        csv = pd.DataFrame({"path": paths, column: cells}).to_csv(index=False)
        file = label_file(folder, csv, *paths, file=f"s{number}.csv")
        texts.append(f"s{number}=table:{file}")
    return read_all(texts)


@pytest.mark.parametrize(
    ("first", "second", "classes", "told"),
    [
        (["Drama", "Comedy"], ["drama", "comedy"], ["Comedy", "Drama"],
         "'drama' is Drama, 'comedy' is Comedy"),
        (["Drama", "Comedy"], ["drama", "drama", "war"], ["Comedy", "drama", "war"],
         "'Drama' is drama"),
        (["sci fi", "war"], ["SciFi", "war"], ["sci fi", "war"], "'SciFi' is sci fi"),
        (["from LEFT", "from right"], ["from left", "from right"],
         ["from LEFT", "from right"], "'from left' is from LEFT"),
    ],
)  # fmt: skip
def test_classes_of_data_sets_that_differ_in_case_are_one(
    tmp_path, first, second, classes, told
):
    reading = joined(tmp_path, "genre", first * 2, second * 2)
    assert reading.heads["genre"]["classes"] == classes
    assert set(reading.table["genre"]) == set(classes)
    assert reading.notes == (
        f"Classes of genre that data sets spell in another case are the same: {told}.",
    )


def test_what_one_data_set_keeps_apart_stays_apart(tmp_path):
    for name in ("films/Drama/a.jpg", "films/drama/b.jpg", "films/war/c.jpg"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    csv = "path,genre\nx.jpg,DRAMA\ny.jpg,War\n"
    file = label_file(tmp_path, csv, "x.jpg", "y.jpg")
    reading = read_all([f"genre=folder:{tmp_path}/films", f"mine=table:{file}"])
    classes = reading.heads["genre"]["classes"]
    assert classes == ["DRAMA", "Drama", "drama", "war"]
    assert "the same: 'War' is war." in reading.notes[-1]


def test_labels_in_lists_that_differ_in_case_are_one(tmp_path):
    first, second = ["Red|Blue", "Blue", "Red"] * 2, ["red|blue", "blue", "green"] * 2
    reading = joined(tmp_path, "tags", first, second)
    assert reading.heads["tags"]["columns"] == ["tags_Blue", "tags_Red", "tags_green"]
    is_first = reading.table["source"] == "s0"
    assert reading.table["tags_Red"][is_first].tolist() == [1, 0, 1] * 2
    assert reading.table["tags_Red"][~is_first].tolist() == [1, 0, 0] * 2
    assert "tags_red" not in reading.table
    assert "'tags_red' is tags_Red" in reading.notes[0]
