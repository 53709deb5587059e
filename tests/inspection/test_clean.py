"""Does cleaning a table keep the rows that its rules keep?"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from multitask.contracts import catalog, plugins
from multitask.contracts.errors import UserError
from multitask.contracts.saving import locked
from multitask.contracts.table import read_csv
from multitask.inspection.audit import audit
from multitask.inspection.clean import clean, write_table
from multitask.inspection.label_intervals import label_intervals
from tests.planted import TIME, document, inspected, scene


def test_fix_keeps_one_of_each_and_empties_what_is_in_doubt(planted_audit, tmp_path):
    fixed = read_csv(tmp_path / "fixed.csv")
    rows = {
        Path(path).name.partition(f"_{TIME}")[0]: tuple(labels)
        for path, *labels, _ in fixed.fillna("").to_numpy().tolist()
    }
    assert rows == {
        "20_0_0": ("20.0", "", "white"),
        "30_0_1": ("", "male", "black"),
        "40_1_2": ("40.0", "female", "asian"),
        "50_0_3": ("50.0", "male", "indian"),
    }
    assert list(fixed) == ["path", "age", "gender", "race", "source"]


def test_what_was_fixed_has_nothing_left_to_fix(planted_audit, tables, tmp_path):
    fixed = pd.read_csv(tmp_path / "fixed.csv")
    findings = audit([tables(fixed, tmp_path)], tmp_path / "second")
    assert findings.wrong() == {}
    assert document(tmp_path / "second")["duplicate_pairs"] == 0


def test_the_ends_of_a_chain_both_stay_and_intervals_are_emptied_whole(ages):
    # a - b - c - d: each 4 bits from the next; a stays, b goes for it, c stays as b
    # is gone, d goes for c. Both a and c are contradicted by none or one that went.
    hashes = [0, 0xF, 0xFF, 0xFFF, 2**64 - 2**30]
    labels = label_intervals(catalog.heads(["age"]), ages)
    left = clean(ages, inspected(hashes), labels)
    assert left["path"].tolist() == ["a", "c", "e"]
    # b (20-29) fits a (25) and c (29-40), d (30) fits c.
    assert left["age"].tolist()[0] == 25
    assert left[["age_low", "age_high"]].to_numpy()[1].tolist() == [29, 40]
    other = ages.assign(age=[25, np.nan, np.nan, 50, np.nan])
    labels = label_intervals(catalog.heads(["age"]), other)
    left = clean(other, inspected(hashes), labels)
    assert left.loc[1, ["age", "age_low", "age_high"]].isna().all()


def test_text_that_looks_like_numbers_is_read_again_as_text(tmp_path):
    (tmp_path / "a.jpg").touch()
    rows = pd.DataFrame({"path": [str(tmp_path / "a.jpg")], "code": ["01"]})
    write_table(rows, tmp_path / "fixed.csv", work=tmp_path)
    again = plugins.reader("table")(tmp_path / "fixed.csv", name="mine").table
    assert again["code"].tolist() == ["01"]


def test_parquet_by_its_ending(planted_faces, tmp_path):
    pytest.importorskip("pyarrow")
    audit([f"utkface={planted_faces}"], tmp_path / "out", fix=tmp_path / "f.parquet")
    assert len(pd.read_parquet(tmp_path / "f.parquet")) == 4


def test_a_table_whose_folder_can_not_be_made_is_the_users_mistake(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="can't be written: File exists"):
        write_table(
            pd.DataFrame({"path": ["a"]}), tmp_path / "file" / "f.csv", work=tmp_path
        )


def test_a_place_that_can_not_be_written_is_said_before_the_pictures_are_read(
    tmp_path, monkeypatch
):
    (tmp_path / "file").touch()
    monkeypatch.setattr("multitask.inspection.audit.read_all", lambda data: 1 / 0)
    with pytest.raises(UserError, match=r"is a file; choose another file with --fix$"):
        audit(["sample=x"], tmp_path / "out", fix=tmp_path / "file" / "fixed.csv")


def test_a_class_in_doubt_is_emptied_with_its_votes():
    head = catalog.from_config(
        "mood", {"kind": "softmax", "classes": ["sad", "glad"], "votes": True}
    )
    votes = {"mood_sad": [3.0, 1.0, 2.0], "mood_glad": [1.0, 2.0, 0.0]}
    table = pd.DataFrame({"path": list("abc"), "mood": ["sad", "glad", "sad"], **votes})
    left = clean(
        table, inspected([0, 0xF, 2**64 - 2**30]), label_intervals([head], table)
    )
    assert left["path"].tolist() == ["a", "c"]
    assert not head.labelled(left)[0]
    assert left[[*votes]].to_numpy()[1].tolist() == [2, 0]


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_votes_are_read_again_as_votes(tmp_path, ending):
    if ending == "parquet":
        pytest.importorskip("pyarrow")
    names = [str(tmp_path / f"{n}.png") for n in range(3)]
    for n, name in enumerate(names):
        scene(n, 32).save(name)
    rows = [
        "path,low,high",
        *(f"{n},{v}" for n, v in zip(names, ("3,1", "1,4", "2,2"), strict=True)),
    ]
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    (tmp_path / "labels.csv.toml").write_text('[votes.level]\ncolumns=["low","high"]')
    fixed = tmp_path / f"fixed.{ending}"
    audit([f"mine=table:{tmp_path / 'labels.csv'}"], tmp_path / "out", fix=fixed)
    read = plugins.reader("table")
    first, again = (read(f, name="mine") for f in (tmp_path / "labels.csv", fixed))
    assert again.heads == first.heads
    assert again.heads["level"]["votes"]
    order = list(first.table)
    pd.testing.assert_frame_equal(
        again.table[order], first.table[order], check_dtype=False
    )


def test_lists_are_read_again_as_one_head(tmp_path):
    names = [str(tmp_path / f"{n}.png") for n in range(4)]
    for n, name in enumerate(names):
        scene(n, 32).save(name)
    # One label each: alone, the columns would be the classes of one question.
    cells = ("a", "b", "low", "")
    rows = ["path,genre", *(f"{n},{c}" for n, c in zip(names, cells, strict=True))]
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    (tmp_path / "labels.csv.toml").write_text('[column.genre]\nseveral = "|"')
    data, fixed = f"mine=table:{tmp_path / 'labels.csv'}", tmp_path / "fixed.csv"
    audit([data], tmp_path / "out", fix=fixed)
    first, again = (
        plugins.reader("table")(file, name="mine")
        for file in (tmp_path / "labels.csv", fixed)
    )
    assert again.heads == first.heads
    assert again.heads["genre"]["columns"] == ["genre_a", "genre_b", "genre_low_"]
    columns = [*first.table]
    pd.testing.assert_frame_equal(
        again.table[columns], first.table[columns], check_dtype=False
    )


def test_a_table_that_another_process_writes_is_refused(tmp_path):
    file = tmp_path / "fixed.csv"
    with (
        locked(file),
        pytest.raises(UserError, match=r"fixed\.csv: is being written by another"),
    ):
        write_table(pd.DataFrame({"path": ["a"]}), file, work=tmp_path)
    write_table(pd.DataFrame({"path": ["a"]}), file, work=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["fixed.csv"]
