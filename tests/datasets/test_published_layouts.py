"""Are published layouts read with the right labels, and is one broken cell told?"""

import json
from pathlib import Path

import pytest

from multitask.audit import main
from multitask.contracts import plugins
from multitask.contracts.errors import UserError
from multitask.data import sources
from multitask.with_data import audit
from tests.datasets import published
from tests.datasets.published import EXAMPLES


def counts(table, column):
    """How often each cell occurs; None is empty."""
    filled = table[column].dropna().value_counts().to_dict()
    empty = int(table[column].isna().sum())
    return filled | ({None: empty} if empty else {})


def named(reading):
    """The names of skipped files, and their reasons."""
    pairs = reading.skipped[["path", "reason"]].itertuples(index=False)
    return [(Path(path).name, reason) for path, reason in pairs]


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_layout_has_the_labels_parts_and_persons_that_it_was_drawn_with(
    name, tmp_path
):
    example = EXAMPLES[name]
    example.draw(tmp_path)
    reading = plugins.reader(example.reader)(tmp_path)
    found = {column: counts(reading.table, column) for column in example.counts}
    assert found == example.counts
    assert all(Path(path).is_file() for path in reading.table["path"])
    assert set(reading.table["source"]) == {example.reader}


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_broken_cell_is_skipped_with_its_file_row_and_what_it_must_be(name, tmp_path):
    example = EXAMPLES[name]
    example.draw(tmp_path)
    skipped = named(plugins.reader(example.reader)(tmp_path))
    assert len(skipped) == len(example.skipped)
    for file, text in example.skipped:
        assert any(
            text in reason and found.endswith(file) for found, reason in skipped
        ), skipped


@pytest.mark.parametrize("name", EXAMPLES)
def test_audit_counts_what_was_drawn(name, tmp_path, capsys):
    example = EXAMPLES[name]
    example.draw(tmp_path / "data")
    data, out = f"{example.reader}={tmp_path / 'data'}", tmp_path / "out"
    assert main(["--data", data, "--out", str(out)]) == 0
    report = json.loads((out / "audit.json").read_text())
    assert report["malformed"] == len(example.skipped)
    assert (report["unreadable"], report["leaks"]) == (0, 0)
    for column, drawn in example.counts.items():
        known = {cell: count for cell, count in drawn.items() if cell is not None}
        head = report["heads"].get(column)
        if head and "classes" in head:
            found = {c: n for c, n in head["classes"].items() if n}
            assert found == known
        elif head and column != "age":
            assert head["n"] == sum(known.values())
    ages = [example.counts.get(column, {}) for column in ("age", "age_low")]
    total = sum(n for found in ages for age, n in found.items() if age is not None)
    assert report["heads"].get("age", {"n": 0})["n"] == total
    assert f"malformed{' ' * 3}" in capsys.readouterr().out


def rewrite(path, change):
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")


def refusal(reader, folder):
    with pytest.raises(UserError) as error:
        plugins.reader(reader)(folder)
    return error.value.line


def test_more_than_a_tenth_of_wrong_classes_is_an_error(tmp_path):
    published.rafdb(tmp_path)
    labels = tmp_path / "basic" / "EmoLabel" / "list_patition_label.txt"
    rewrite(labels, lambda text: text.replace(".jpg 1\n", ".jpg 0\n"))
    assert refusal("rafdb", tmp_path) == (
        "--data rafdb: 'basic/EmoLabel/list_patition_label.txt' row 1: expression is "
        "'0', must be 1 (surprise), 2 (fear), 3 (disgust), 4 (happiness), 5 (sadness), "
        "6 (anger) or 7 (neutral) (and 2 others are wrong, too)"
    )


def test_more_than_a_tenth_of_wrong_ages_is_an_error(tmp_path):
    published.appareal(tmp_path)
    rewrite(tmp_path / "gt_avg_valid.csv", lambda text: text.replace(",28\n", ",?x\n"))
    line = refusal("appareal", tmp_path)
    assert "'gt_avg_train.csv' row 4: age is 'old', must be a number or an" in line


def test_a_column_that_names_pictures_must_be_there(tmp_path):
    published.adience(tmp_path)
    fold = tmp_path / "fold_1_data.txt"
    rewrite(fold, lambda text: text.replace("face_id", "face"))
    line = refusal("adience", tmp_path)
    assert line.startswith(
        f"--data adience: '{fold}': has no column 'face_id'; did you mean 'face'?"
    )


def test_a_column_of_labels_that_is_there_twice_is_told_and_another_is_not(tmp_path):
    published.adience(tmp_path)
    for fold in tmp_path.glob("fold_[01]_data.txt"):
        rewrite(fold, lambda text: text.replace("dx", "score").replace("dy", "Score"))
    assert len(plugins.reader("adience")(tmp_path).table) == 12
    rewrite(fold, lambda text: text.replace("score", "Gender"))
    line = f"--data adience: '{fold}': has column 'gender' twice; rename one of them"
    assert refusal("adience", tmp_path) == line


def test_a_list_that_names_no_picture_is_told(tmp_path):
    published.wiki(tmp_path)
    rewrite(tmp_path / "meta" / "wiki.csv", lambda text: "genders,ages,img_paths\n,,\n")
    assert refusal("imdbwiki", tmp_path).startswith("--data imdbwiki: ")


def test_a_missing_column_of_labels_is_listed_and_its_labels_are_empty(tmp_path):
    published.adience(tmp_path)
    for fold in (0, 1):
        path = tmp_path / f"fold_{fold}_data.txt"
        rewrite(path, lambda text: text.replace("gender", "sex"))
    reading = plugins.reader("adience")(tmp_path)
    assert "gender" not in reading.table
    reason = "has no column 'gender': gender stays empty"
    assert named(reading).count(("fold_0_data.txt", reason)) == 1


@pytest.mark.parametrize(
    ("reader", "text"),
    [
        ("adience", "holds none of the files fold_?_data.txt, fold_frontal_?_data.txt"),
        (
            "rafdb",
            "holds none of the files list_patition_label.txt,list_partition_label.txt "
            "and no folders of classes",
        ),
    ],
)
def test_a_folder_of_something_else_is_refused(tmp_path, reader, text):
    published.picture(tmp_path / "x" / "a.png", 0)
    assert refusal(reader, tmp_path) == (
        f"--data {reader}: '{tmp_path}' {text}; give the folder that contains them"
    )
    line = refusal(reader, tmp_path / "nowhere")
    assert line.startswith(f"--data {reader}: there is no folder")


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("fer2013", "icml_face_data.csv"),
        ("rafdb", "basic/EmoLabel/list_patition_label.txt"),
        ("affectnet", "Manually_Annotated_file_lists/training.csv"),
    ],
)
def test_a_file_of_labels_may_be_given_in_place_of_the_folder(tmp_path, name, file):
    EXAMPLES[name].draw(tmp_path)
    one = plugins.reader(name)(tmp_path / file)
    whole = plugins.reader(name)(tmp_path)
    assert len(one.table) == sum(whole.table["split"] != "val") + (name == "fer2013")
    assert all(Path(path).is_file() for path in one.table["path"])


def test_a_path_may_be_relative(tmp_path, monkeypatch):
    published.rafdb(tmp_path)
    monkeypatch.chdir(tmp_path / "basic" / "EmoLabel")
    for given in ("list_patition_label.txt", ".."):
        assert len(plugins.reader("rafdb")(Path(given)).table) == 13


def test_aligned_faces_come_first_and_frontal_lists_are_for_want_of_others(tmp_path):
    published.adience(tmp_path)
    for face in range(6):
        for fold in (0, 1):
            album = f"{fold if face < 3 else 7}@N03"
            name = f"landmark_aligned_face.{face}.{fold}{face}_o.jpg"
            published.picture(tmp_path / "aligned" / album / name, 50 + face + fold)
    table = plugins.reader("adience")(tmp_path).table
    assert len(table) == 12
    assert all("/aligned/" in path for path in table["path"])
    for fold in (0, 1):
        (tmp_path / f"fold_{fold}_data.txt").unlink()
    table = plugins.reader("adience")(tmp_path).table
    assert table["gender"].tolist() == ["male"] * 4


def test_pictures_are_found_in_folders_of_other_names(tmp_path):
    published.adience(tmp_path)
    (tmp_path / "faces").rename(tmp_path / "images")
    reading = plugins.reader("adience")(tmp_path)
    assert len(reading.table) == 12
    assert all("/images/" in path for path in reading.table["path"])
    remarks = reading.decisions.set_index("column")["remarks"]
    assert remarks["path"].startswith("12 names match a file")


def test_a_single_part_is_no_split_as_a_note_says(tmp_path):
    published.affectnet(tmp_path)
    (tmp_path / "Manually_Annotated_file_lists" / "validation.csv").unlink()
    reading = plugins.reader("affectnet")(tmp_path)
    assert "split" not in reading.table
    assert reading.notes == (
        "--data affectnet: every picture is in part 'train', so the split is left to "
        "chance.",
    )


def test_a_number_with_a_sign_is_another(tmp_path):
    published.wiki(tmp_path)
    rewrite(
        tmp_path / "meta" / "wiki.csv", lambda text: text.replace("\n1,", "\n-1,", 1)
    )
    reading = plugins.reader("imdbwiki")(tmp_path)
    assert counts(reading.table, "gender") == {"female": 1, "male": 1, None: 1}
    assert any("row 2: genders is '-1'" in reason for _, reason in named(reading))


def test_words_for_nothing_are_empty_in_a_column_of_classes(tmp_path):
    published.wiki(tmp_path)
    rewrite(
        tmp_path / "meta" / "wiki.csv", lambda text: text.replace("\n1,", "\nNaN,", 1)
    )
    reading = plugins.reader("imdbwiki")(tmp_path)
    assert counts(reading.table, "gender") == {"female": 1, "male": 1, None: 1}
    assert len(reading.skipped) == 1  # the picture that is not there
    remarks = reading.decisions.set_index("column")["remarks"]
    assert "not annotated: 1 'NaN'" in remarks["gender"]


def test_pixels_of_another_file_must_be_as_many_as_its_rows(tmp_path):
    published.ferplus_pixels(tmp_path)
    rewrite(tmp_path / "fer2013.csv", lambda text: text.rsplit("\n", 2)[0] + "\n")
    file = tmp_path / "fer2013.csv"
    assert refusal("ferplus", tmp_path) == (
        f"--data ferplus: '{file}' has 8 rows, must have 9, and the pictures in a "
        "column 'pixels'"
    )


def test_contempt_widens_the_head_of_expressions_that_data_sets_share(tmp_path):
    published.rafdb(tmp_path / "raf")
    published.affectnet(tmp_path / "affect")
    data = [f"rafdb={tmp_path / 'raf'}", f"affectnet={tmp_path / 'affect'}"]
    reading = sources.read_all(data)
    assert "expression" not in sources.read_all(data[:1]).heads
    classes = reading.heads["expression"]["classes"]
    assert sorted(classes) == sorted([*published.SEVEN, "contempt"])
    found = counts(reading.table, "expression")
    # Happiness: two of RAF-DB and one of AffectNet.
    assert (found["happiness"], found["contempt"]) == (3, 2)
    assert set(reading.heads) == {"expression", "valence"}


def test_the_names_of_layouts_are_offered_as_those_of_all_readers(tmp_path):
    assert {"adience", "ferplus", "imdbwiki"} <= set(plugins.own("datasets"))
    with pytest.raises(UserError, match="did you mean adience="):
        sources.check_source(f"adiance={tmp_path}")
    published.fer2013(tmp_path)
    (reading,) = [sources.read_all([f"mine=fer2013:{tmp_path}"])]
    assert set(reading.table["source"]) == {"mine"}


def test_python_takes_the_file_of_a_layout_as_the_command_line_does(tmp_path):
    published.fer2013(tmp_path)
    file = tmp_path / "icml_face_data.csv"
    findings = audit({"fer2013": file}, out=tmp_path / "out")
    assert [head.name for head in findings.heads] == ["expression"]
    assert findings.title == f"fer2013={file}"


def test_a_file_of_another_kind_is_refused(tmp_path):
    file = tmp_path / "rafdb.zip"
    file.write_bytes(b"PK")
    assert refusal("rafdb", file).startswith(
        f"--data rafdb: '{file}' has an unknown ending; give a file that ends in .csv"
    )
