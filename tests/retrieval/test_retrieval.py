"""Does a search find what pandas finds, on files and frames, and tell every mistake?"""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import multitask
from multitask.contracts.errors import UserError
from multitask.retrieval.find import find
from multitask.search import main

pytest.importorskip("duckdb")

FORMS = ("frame", "csv", "json", "jsonl", "parquet")
NA = pd.NA


@pytest.fixture(scope="module")
def answers():
    """Six rows as predict returns them; the last has no answer."""
    return pd.DataFrame(
        {
            "status": ["ok"] * 5 + ["no such file"],
            "path": [*(f"{n}.jpg" for n in range(5)), "holiday/5.jpg"],
            "box": ["0 0 20 20", None, None, None, None, None],
            "gender": ["female", "male", "female", "male", "female", None],
            "gender_confidence": np.array([0.9, 0.8, 0.7, 0.6, 0.55, np.nan], "f4"),
            "age": [21.5, 35.0, 29.0, 70.25, 30.0, np.nan],
            "age_low": [18.0, 30, 25, 60, 26, np.nan],
            "age_high": [25.0, 40, 33, 80, 34, np.nan],
            "Smiling": pd.array([1, 1, 0, 1, 0, NA], "Int64"),
            "Smiling_confidence": np.array([0.95, 0.6, 0.9, 0.85, 0.7, np.nan], "f4"),
            "race_East Asian": [0.1, 0.2, 0.3, 0.4, 0.5, np.nan],
        }
    )


@pytest.fixture(params=FORMS)
def source(request, answers, tmp_path):
    path = tmp_path / f"answers.{request.param}"
    match request.param:
        case "frame":
            return answers
        case "csv":
            answers.to_csv(path, index=False)
        case "parquet":
            pytest.importorskip("pyarrow")
            answers.to_parquet(path)
        case form:
            answers.to_json(path, orient="records", lines=form == "jsonl")
    return path


def numbers(matches):
    return [int(path.removesuffix(".jpg")[-1]) for path in matches.rows["path"]]


@pytest.mark.parametrize(
    ("expression", "rows"),
    [
        ("Smiling", [0, 1, 3]),
        ("not Smiling", [2, 4]),  # not row 5, which has no answer
        ("Smiling > 0.8", [0, 3]),
        # Probabilities of yes: .95, .6, .1, .85, .3.
        ("Smiling < 0.2", [2]),
        ("0.2 < Smiling <= 0.7", [1, 4]),
        ("0.8 < Smiling", [0, 3]),
        ("Smiling == 1", [0, 1, 3]),
        ("Smiling != True", [2, 4]),
        ("Smiling in (0,)", [2, 4]),
        ("Smiling_confidence > 0.8", [0, 2, 3]),
        ("age < 30 and not Smiling", [2]),
        ("20 <= age < 30", [0, 2]),
        ("age <= 30 or gender == 'male'", [0, 1, 2, 3, 4]),
        ("not (age <= 30 or gender == 'male')", []),
        ("not age < 30", [1, 3, 4]),
        ("not (Smiling and age < 30)", [1, 2, 3, 4]),
        ("gender != 'male'", [0, 2, 4]),
        ("gender in ['male', 'x']", [1, 3]),
        ("gender not in ('male',)", [0, 2, 4]),
        ("'male' == gender", [1, 3]),
        ("gender < 'g'", [0, 2, 4]),
        ("age is missing", [5]),
        ("age is not missing and age is not None", [0, 1, 2, 3, 4]),
        ("Smiling is None", [5]),
        ("box is not missing", [0]),
        ("'holiday' in path", [5]),
        ("'holiday' not in path", [0, 1, 2, 3, 4]),
        ("age_high < age", []),
        ("age_low > 25.5 and age > age_low", [1, 3, 4]),
        ("`race_East Asian` >= .3", [2, 3, 4]),
        ("'`' not in path and `age` == 35", [1]),
        ("age > -1e400 and age > -5 and age < 99999999999999999999", [0, 1, 2, 3, 4]),
        ("  age\n < 25 ", [0]),
    ],
)
def test_it_finds_these_rows(expression, rows, source):
    matches = find(source, expression)
    assert numbers(matches) == rows
    assert (matches.matched, matches.total) == (len(rows), 6)


def test_rows_come_back_as_they_were(source, answers):
    rows = find(source, "status == 'ok'").rows
    expected = answers.head(5)
    assert list(rows) == list(answers)
    for name in answers:
        if pd.api.types.is_numeric_dtype(answers[name]):
            np.testing.assert_allclose(rows[name], expected[name], rtol=1e-6)
        else:
            texts = [table[name].fillna("").tolist() for table in (rows, expected)]
            assert texts[0] == texts[1]
    assert pd.api.types.is_integer_dtype(find(source, "age is missing").rows["Smiling"])


def test_a_sort_puts_the_highest_first_and_missing_last(source):
    assert numbers(find(source, "path != ''", sort="Smiling")) == [0, 3, 1, 4, 2, 5]
    youngest = find(source, "path != ''", sort="age", ascending=True)
    assert numbers(youngest) == [0, 2, 4, 1, 3, 5]
    top = find(source, "path != ''", sort="age", top=2)
    assert numbers(top) == [3, 1]
    assert top.matched == 6


def test_a_sort_needs_no_expression(source):
    oldest = find(source, sort="age", top=2)
    assert (numbers(oldest), oldest.matched) == ([3, 1], 6)
    assert oldest.searched == ("age",)  # which a contact sheet shows
    with pytest.raises(UserError, match="expression: is missing; write one, or give"):
        find(source)


def test_no_rows_at_all_are_told(answers):
    assert find(answers.head(0), sort="age").notes == ("no row of 0 matches",)


def test_a_frame_keeps_its_index_and_what_else_is_in_it(answers):
    named = answers.assign(other=[{"a": 1}] * 6).set_axis(list("abcdef"))
    found = multitask.search(named, "age > 34", sort="age")
    assert found.index.tolist() == ["d", "b"]
    assert found["other"].tolist() == [{"a": 1}] * 2
    assert found.dtypes.equals(named.dtypes)
    with pytest.raises(UserError, match="'other' holds neither numbers nor text"):
        multitask.search(named, "other == 1")


def test_columns_whose_first_thousands_of_cells_are_empty(tmp_path):
    late = pd.DataFrame({"path": [f"{n}.jpg" for n in range(30_000)]})
    late["mood"] = [None] * 29_999 + ["sad"]
    late["age"] = [np.nan] * 29_999 + [7.5]
    late.to_csv(tmp_path / "late.csv", index=False)
    for source in (late, tmp_path / "late.csv"):
        matches = find(source, "mood == 'sad' and age == 7.5")
        assert matches.rows["path"].tolist() == ["29999.jpg"]


def test_what_looks_like_yes_or_no_but_is_not():
    frame = pd.DataFrame({"path": list("abcd"), "face": [0, 1, 0, 1]})
    frame["face_confidence"] = 0.9
    assert find(frame, "face > 0").matched == 2
    # Of two classes, one has a probability of at least one half.
    frame["digit"], frame["digit_confidence"] = [0, 1, 1, 0], [0.55, 0.4, 0.9, 0.9]
    assert find(frame, "digit >= 1").matched == 2
    frame["blond"] = [True, False, None, True]
    assert find(frame, "blond").rows["path"].tolist() == ["a", "d"]
    assert find(frame, "not blond").rows["path"].tolist() == ["b"]
    frame["sad_probability"], frame["sad"] = [0.2, 0.6, 0.7, np.nan], [0, 1, 1, None]
    assert find(frame, "sad > 0.65").rows["path"].tolist() == ["c"]
    with pytest.raises(UserError, match="'blond' .* without a probability"):
        find(frame, "blond > 0.5")


def test_a_label_with_a_threshold_is_yes_or_no_and_its_probability_must_be_there():
    frame = pd.DataFrame({"path": list("abcd"), "Bald": [1, 1, 0, 0]})
    # From a probability of .2 on it is yes: no is sure to more than .8.
    frame["Bald_confidence"] = [0.25, 0.9, 0.81, 0.99]
    assert find(frame, "Bald").rows["path"].tolist() == ["a", "b"]
    with pytest.raises(UserError, match="'Bald' .* without a probability"):
        find(frame, "Bald > 0.5")
    frame["Bald_probability"] = [0.25, 0.9, 0.19, 0.01]
    assert find(frame, "Bald > 0.5").rows["path"].tolist() == ["b"]


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("Smilling > 0.8", "there is no column 'Smilling'; did you mean 'Smiling'?"),
        ("smiling", "there is no column 'smiling'; did you mean 'Smiling'?"),
        (
            "__import__('os').system('ls')",
            "calls a function; write comparisons such as age < 30",
        ),
        ("age < max(3, 4)", "expression 'max(3, 4)': calls a function"),
        ("age.real < 3", "expression 'age.real': asks for an attribute"),
        ("().__class__ == age", "expression '().__class__': asks for an attribute"),
        ("age[0] < 3", "expression 'age[0]': asks for an item"),
        ("(lambda: age)", "expression 'lambda: age': is a function"),
        ("(age := 3)", "expression '(age := 3)': is an assignment"),
        ("age + 1 < 3", "expression 'age + 1': is arithmetic; write comp"),
        ("Smiling & age < 3", "expression 'Smiling & age': joins by &; write and"),
        (
            "(age < 3) | Smiling",
            "expression '(age < 3) | Smiling': joins by |; write or",
        ),
        ("~Smiling", "expression '~Smiling': begins with ~; write not"),
        (
            "gender == female",
            "there is no column 'female'; for a text, write quotes: "
            "gender == 'female'; known: ",
        ),
        ("gender in (male, 'x')", "for a text, write quotes: gender == 'male'"),
        ("[x for x in age]", "is no comparison"),
        ("f'{age}' == gender", "is formatted text"),
        ("age if Smiling else age", "is a condition"),
        ("(age < 3) == 1", "expression 'age < 3': is compared like a number or a te"),
        ("3", "expression '3': is no comparison; write comparisons such as age < 30"),
        ("1 < 2", "expression '1 < 2': compares no column"),
        ("age = 3", "can't be read (invalid syntax); write == for equal, and names"),
        ("age < 3 AND Smiling", "write and, or, not, in, is missing"),
        ("age < 3 && Smiling", "; write and, or, not"),
        ("`age < 3", "close the backtick"),
        ("class == 1 and age < 3", "put the column in backticks: `class`"),
        ("age is 3", "compares by is; write == for equal"),
        ("age == missing", "write age is missing, or is not missing"),
        (
            "age in (age_low, 20)",
            "has the column 'age_low' among the values; write age == age_low or ...",
        ),
        ("age in 3", "must look for a column in values"),
        ("3 in age", "must look for a column in values"),
        ("", "expression: is empty"),
        ("age; DROP TABLE answers", "can't be read"),
        ("age < 3\0", "can't be read"),
        ("not " * 2000 + "Smiling", "expression: is nested too deeply"),
        ("age < 3 or " * 1000 + "Smiling", "has 11,007 letters, must have at most"),
        (
            "gender > 3",
            "holds text such as 'female', but is compared with the number 3",
        ),
        ("gender in ('male', 3)", "compared with the number 3; write '3' in quotes"),
        ("age == '30'", "holds numbers, but is compared with the text '30'; write the"),
        ("age == True", "holds numbers, but is compared with the truth value True"),
        ("age < gender", "column 'age' holds numbers, column 'gender' holds text"),
        ("age", "column 'age' holds numbers; compare it, as in age == 30"),
        (
            "not gender",
            "holds text such as 'female'; compare it, as in gender == '...'",
        ),
        ("'3' in age", "column 'age' holds numbers, not text"),
        ("Smiling > 1", "the probability of 'Smiling' with 1, must be between 0 and 1"),
        ("Smiling >= 0", "write Smiling for yes, not Smiling for no, or Smiling > 0.8"),
        ("Smiling == 0.8", "column 'Smiling' holds yes (1) or no (0), never 0.8"),
        (
            "Smiling == 'yes'",
            "but is compared with the text 'yes'; write Smiling for y",
        ),
    ],
)
def test_a_mistake_is_told(expression, message, answers):
    with pytest.raises(UserError) as caught:
        find(answers, expression)
    assert message in caught.value.line


def test_other_mistakes_are_told(answers):
    with pytest.raises(UserError, match="^top: is 0, must be 1 or more$"):
        multitask.search(answers, "Smiling", top=0)
    with pytest.raises(UserError, match="^sort: there is no column 'agee'; did you me"):
        multitask.search(answers, "Smiling", sort="agee")
    with pytest.raises(UserError, match="no column 'path', only age; rename|known"):
        multitask.search(answers[["age"]], "age < 3")
    with pytest.raises(UserError, match="^answers: is of type int, must be a file or"):
        multitask.search(3, "Smiling")  # type: ignore[arg-type]
    with pytest.raises(UserError, match="^sheets: unknown setting; did you mean"):
        multitask.search(answers, "Smiling", sheets="a.jpg")  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "a.txt",
            b"path",
            "has the ending '.txt', which holds no answers; give a file",
        ),
        ("a.csv", b"age,gender\n3,male\n", "has no column 'path', only age, gender"),
        ("a.csv", b"path,age\na.jpg,3\nb.jpg,3,4\n", "can't be read as a table of"),
        ("a.csv", b"path\ncaf\xe9.jpg\n", "can't be read as a table of answers"),
        ("a.csv", b"", "has no column 'path'"),
        ("a.parquet", b"a letter", "can't be read as a table of answers"),
        ("a.json", b"a letter", "can't be read as a table of answers"),
        ("a.jsonl", b"[1, 2]", "has no column 'path'"),
    ],
)
def test_a_file_that_is_no_table_of_answers_is_told(name, content, message, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError) as caught:
        find(tmp_path / name, "age < 3")
    assert caught.value.line.startswith(str(tmp_path / name))
    assert message in caught.value.line


def test_only_the_file_of_this_name_is_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "age=9"  # which DuckDB would take for a column
    folder.mkdir()
    (folder / "a[1].csv").write_text("path,x\nthis.jpg,007\n")
    (folder / "a1.csv").write_text("path,x\nother.jpg,1\n")
    rows = find("age=9/a[1].csv", "x == '007'").rows
    assert rows.to_dict("records") == [{"path": "this.jpg", "x": "007"}]
    with pytest.raises(UserError, match=r"a\*.csv: no such file"):
        find("age=9/a*.csv", "x == 1")


# The command


@pytest.fixture
def folder(answers, tmp_path, monkeypatch):
    """The answers as a file, and their pictures, one of which is gone."""
    monkeypatch.chdir(tmp_path)
    answers.to_csv("answers.csv", index=False)
    for number in range(4):
        Image.new("RGB", (40, 30), (255, 60 * number, 0)).save(f"{number}.jpg")
    return tmp_path


def output(capsys, *arguments, status=0):
    assert main([str(a) for a in arguments]) == status
    return capsys.readouterr()


def test_a_table_is_printed_as_predict_does(folder, capsys):
    out, err = output(capsys, "answers.csv", "Smiling > 0.8", "--sort", "age")
    assert [line.split()[0] for line in out.splitlines()] == ["path", "3.jpg", "0.jpg"]
    assert "70.2 (60 to 80)" in out
    assert "female .90" in out
    assert err == "2 of 6 rows match\n"
    _, err = output(capsys, "answers.csv", "Smiling", "--top", "1")
    assert err == "3 of 6 rows match, the first 1 of them given\n"


def test_an_expression_without_quotes_says_how_to_write_them(folder, capsys):
    err = output(capsys, "answers.csv", "age", "<", "3", status=2).err
    assert err == "expression: has 3 parts; write quotes for the shell: 'age < 3'\n"


def test_a_table_that_predict_did_not_write_is_told(folder, capsys):
    (folder / "labels.csv").write_text("path,age\na.jpg,3\n")
    err = output(capsys, "labels.csv", "Smiling", status=2).err
    assert err == (
        "expression: there is no column 'Smiling'; known: path, age; this table is not "
        "one that predict wrote\n"
    )


def test_no_row_is_status_1_and_says_what_each_part_leaves(folder, capsys):
    found = output(capsys, "answers.csv", "age > 60 and gender == 'femal'", status=1)
    assert found.out == ""
    assert found.err.splitlines() == [
        "gender is never 'femal'; did you mean 'female'? Known: female, male",
        "no row of 6 matches, of which alone",
        "  age > 60 leaves 1 row",
        "  gender == 'femal' leaves 0 rows",
        "  age is from 21.5 to 70.25",
    ]
    lines = output(capsys, "answers.csv", "age > 90", status=1).err.splitlines()
    assert lines == ["no row of 6 matches", "  age is from 21.5 to 70.25"]


def test_a_sheet_shows_warnings_whatever_was_searched_for(
    answers, monkeypatch, tmp_path
):
    shown: list[tuple[str, ...]] = []

    def drawn(items, **_):
        shown.extend(item.caption for item in items)
        return Image.new("RGB", (9, 9))

    monkeypatch.setattr("multitask.retrieval.found_sheet.sheet", drawn)
    warned = answers.assign(warning=["unlike the training pictures", *[None] * 5])
    many = {f"q{n}": ["yes"] * 6 for n in range(9)}
    sure = {f"q{n}_confidence": [0.9] * 6 for n in range(9)}
    table = warned.assign(**many, **sure)
    everything = " and ".join(f"{name} == 'yes'" for name in many)
    for expression in ("age < 30", everything):
        shown.clear()
        multitask.search(table, expression, sheet=tmp_path / "a.png", top=2)
        first, second = shown
        assert first[-1] == "unlike the training pictures"
        assert len(first) <= 6
        assert not any("unlike" in line for line in second)


def test_a_sheet_of_pictures_without_a_file_says_so(answers, tmp_path):
    inline = answers.assign(path=None)
    message = "none of 3 pictures can be shown, first row 0: has no path; pictures that"
    with pytest.raises(UserError, match=message):
        multitask.search(inline, "age > 29", sheet=tmp_path / "a.jpg")


def test_a_sheet_shows_faces_and_tells_which_pictures_are_gone(folder, capsys):
    _, err = output(capsys, "answers.csv", "age > 0", "--sheet", "out.jpg")
    assert err.splitlines() == [
        "1 of 5 pictures can't be shown, first 4.jpg: no such file",
        "5 of 6 rows match",
        "written to out.jpg",
    ]
    with Image.open("out.jpg") as sheet:
        pixels = np.asarray(sheet).astype(int)
    assert (abs(pixels[80, 88] - (255, 0, 0)) < 20).all()  # the first tile
    os.remove("out.jpg")
    lines: list[str] = []
    multitask.search("answers.csv", "age > 0", sheet="out.png", say=lines.append)
    assert lines == ["1 of 5 pictures can't be shown, first 4.jpg: no such file"]
    assert os.path.exists("out.png")
    err = output(capsys, "answers.csv", "age == 30", "--sheet", "b.jpg", status=2).err
    assert err.startswith("--sheet b.jpg: none of 1 picture can be shown, first 4.jpg")
    assert not os.path.exists("b.jpg")


def test_letters_that_no_font_has_are_told_with_the_sheet(answers, folder):
    os.rename("0.jpg", "写.jpg")
    lines: list[str] = []
    named = answers.assign(path=["写.jpg", *answers["path"][1:]]).head(2)
    multitask.search(named, sort="age", sheet="out.png", say=lines.append)
    told = r"1 letter missing in the font, drawn as code: \u5199"
    assert lines == [f"out.png: {told}"]


@pytest.mark.parametrize("form", ["csv", "json", "jsonl", "txt", "parquet"])
def test_rows_are_written_in_the_format_of_the_ending(form, folder, capsys):
    if form == "parquet":
        pytest.importorskip("pyarrow")
    out = f"found.{form}"
    found = output(capsys, "answers.csv", "Smiling", "--out", out)
    assert found.out == ""
    if form == "json":
        rows = json.loads((folder / out).read_text())
        assert [row["path"] for row in rows] == ["0.jpg", "1.jpg", "3.jpg"]
        assert [row["Smiling"] for row in rows] == [1, 1, 1]
    elif form != "txt":
        assert numbers(find(out, "age > 30")) == [1, 3]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--out", "answers.csv"], "--out answers.csv: is the file to search; name an"),
        (["--out", "0.jpg"], "--out 0.jpg: has the unknown ending '.jpg'"),
        (["--out", "none/a.csv"], "--out none/a.csv: no folder 'none'"),
        (["--sheet", "a.gif"], "--sheet a.gif: has the unknown ending '.gif'"),
        (["--sheet", "none/a.jpg"], "--sheet none/a.jpg: no folder 'none'"),
        (["--top", "few"], "--top: is 'few', must be a whole number"),
        (["--sort", "ag"], "--sort: there is no column 'ag'; did you mean 'age'?"),
    ],
)
def test_a_mistake_in_an_option_is_one_line(options, message, folder, capsys):
    err = output(capsys, "answers.csv", "Smiling", *options, status=2).err
    assert err.startswith(message)
    assert err.count("\n") == 1


def test_a_list_of_labels_is_printed_and_written_as_predict_does(folder, capsys):
    rows = [
        {"status": "ok", "path": "a.jpg", "age": 30.5, "labels": ["Smiling", "Young"]},
        {"status": "ok", "path": "b.jpg", "age": 20.5, "labels": []},
        {"status": "no face", "path": "c.jpg", "age": None, "labels": None},
    ]
    Path("listed.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    printed = output(capsys, "listed.jsonl", "--sort", "age").out
    assert [line.split() for line in printed.splitlines()[1:]] == [
        ["a.jpg", "ok", "30.5", "Smiling,", "Young"],
        ["b.jpg", "ok", "20.5"],
        ["c.jpg", "no", "face"],
    ]
    output(capsys, "listed.jsonl", "--sort", "age", "--out", "again.jsonl")
    assert list(map(json.loads, Path("again.jsonl").read_text().splitlines())) == rows


def test_a_path_of_digits_is_text(tmp_path):
    file = tmp_path / "answers.csv"
    file.write_text("status,path,age\nok,7,30\nok,8,40\n")
    assert find(file, "path == '7'").rows["path"].tolist() == ["7"]


def test_answers_that_are_not_there_are_told_whatever_is_written(folder, capsys):
    err = output(capsys, "none.csv", "Smiling", "--out", "answers.csv", status=2).err
    assert err == "none.csv: no such file; check the path\n"


def test_a_file_that_holds_no_predictions_is_not_replaced(folder, capsys):
    (folder / "labels.csv").write_text("path,age\n")
    err = output(capsys, "answers.csv", "Smiling", "--out", "labels.csv", status=2).err
    assert err.startswith("--out labels.csv: is a file, but not one of predictions")
