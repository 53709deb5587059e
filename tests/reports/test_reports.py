"""Reports: numbers derived by hand, scikit-learn as oracle, pictures that show."""

import doctest
import json
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from multitask.reports import _frames, _grid, _style, numbers, page, pictures
from PIL import Image
from sklearn import metrics

from multitask.contracts import plugins
from multitask.contracts.catalog import from_config
from multitask.contracts.errors import UserError
from multitask.contracts.evaluation import Evaluation
from multitask.contracts.head import Head
from multitask.experiments import scores

AGE = from_config(
    "age",
    {
        "kind": "regression",
        "low": 0,
        "high": 100,
        "unit": "years",
        "bands": [0, 20, 40],
        "within": 5,
    },
)
GENDER = from_config("gender", {"kind": "softmax", "classes": ["male", "female"]})
MOOD = from_config("mood", {"kind": "softmax", "classes": ["glad", "sad", "so so"]})
FACE = from_config("face", {"kind": "sigmoid", "columns": ["Smiling", "Bald"]})
HEADS = (AGE, GENDER, FACE)


def by_hand(**changes) -> Evaluation:
    """Four pictures: one without age, one without gender, one without Bald."""
    labels = pd.DataFrame(
        {
            "path": ["a.png", "b.png", "c.png", "d.png"],
            "age": [10.0, 30.0, 50.0, np.nan],
            "gender": ["male", "female", None, "female"],
            "Smiling": [1.0, 0.0, 1.0, 1.0],
            "Bald": [0.0, 0.0, np.nan, 1.0],
        }
    )
    answers = pd.DataFrame(
        {
            "age": [12.0, 20.0, 51.0, 5.0],
            "age_low": [9.0, 15.0, 52.0, 0.0],
            "age_high": [20.0, 25.0, 60.0, 9.0],
            "gender": ["male", "male", "male", "female"],
            "gender_confidence": [0.9, 0.8, 0.6, 0.7],
            "Smiling": [1, 1, 0, 1],
            "Smiling_confidence": [0.9, 0.55, 0.95, 0.6],
            "Bald": [0, 1, 0, 1],
            "Bald_confidence": [0.9, 0.75, 0.9, 0.8],
        }
    )
    made = Evaluation(
        title="four", split="test", labels=labels, answers=answers, heads=HEADS
    )
    return replace(made, **changes)


def drawn(folder: Path, rows: int = 30, seed: int = 0, **changes) -> Evaluation:
    """Random labels and answers over pictures written into `folder`; a third of the
    labels is missing."""
    rng = np.random.default_rng(seed)
    labels = pd.DataFrame({"path": [str(folder / f"{i}.png") for i in range(rows)]})
    for path in labels["path"]:
        Image.fromarray(rng.integers(0, 255, (20, 30, 3), np.uint8)).save(path)
    answers = pd.DataFrame(index=labels.index)
    for head in (*HEADS, MOOD):
        for name in head.columns:
            for table in (labels, answers):
                table[name] = _random(head, rng, rows)
            answers[f"{name}_confidence"] = rng.uniform(0.5, 1, rows)
            labels[name] = labels[name].where(rng.random(rows) > 0.3)
    answers["age_low"], answers["age_high"] = answers["age"] - 9, answers["age"] + 9
    made = Evaluation(
        title="drawn",
        split="val",
        labels=labels,
        answers=answers,
        heads=(*HEADS, MOOD),
    )
    return replace(made, **changes)


def _random(head: Head, rng: np.random.Generator, rows: int):
    if head.answer_type == "number":
        return rng.uniform(0, 100, rows).round()
    if head.answer_type == "labels":
        return rng.integers(0, 2, rows)
    return rng.choice(np.array(head.strata(pd.DataFrame()).columns, object), rows)


HISTORY = pd.DataFrame(
    {
        "epoch": [1, 2],
        "seconds": [9.0, 8.0],
        "learning_rate": [0.1, 0.1],
        "loss": [3.0, 2.0],
        "val_loss": [3.5, 2.5],
        "age_loss": [1.0, 0.5],
        "val_age_loss": [np.nan, np.nan],
        "age_mae": [9.0, 8.0],
        "val_age_mae": [9.5, 8.5],
        "gender_accuracy": [0.5, 0.75],
    }
)


# report.json


def strict(text: str):
    def refuse(constant: str):
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(text, parse_constant=refuse)


def test_the_json_has_the_keys_that_scripts_rely_on(tmp_path):
    numbers.write(by_hand(notes=("drawings",)), tmp_path)
    report = strict((tmp_path / "report.json").read_text("utf-8"))
    assert (report["rows"], report["split"], report["title"]) == (4, "test", "four")
    assert report["notes"] == ["drawings"]
    assert list(report["heads"]) == ["age", "gender", "face"]
    # |12-10|, |20-30|, |51-50| -> 13/3; signed 2 - 10 + 1 -> -7/3; two of three <= 5.
    # 10 lies in 9..20; 30 not in 15..25; 50 not in 52..60 -> 1/3.
    age = report["heads"]["age"]
    assert age["n"] == 3
    assert age["mae"] == pytest.approx(13 / 3)
    assert age["bias"] == pytest.approx(-7 / 3)
    assert age["within_share"] == pytest.approx(2 / 3)
    assert age["coverage_80"] == pytest.approx(1 / 3)
    gender = report["heads"]["gender"]
    # Of male, female, female two are right. F1 male = 2*1/(2+1) = 2/3, female the same.
    assert (gender["n"], gender["accuracy"]) == (3, pytest.approx(2 / 3))
    assert gender["macro_f1"] == pytest.approx(2 / 3)
    assert "male" in gender["classification_report"]
    face = report["heads"]["face"]
    # Smiling 1 0 1 1 against 1 1 0 1: half right; Bald 0 0 1 against 0 1 1: 2/3.
    assert (face["n"], face["mean_accuracy"]) == (4, pytest.approx((1 / 2 + 2 / 3) / 2))
    assert set(face["per_label"]) == {"Smiling", "Bald"}


def test_a_number_that_is_not_finite_becomes_null(tmp_path):
    made = by_hand()
    made.answers.loc[0, "age"] = np.nan
    numbers.write(made, tmp_path)
    report = strict((tmp_path / "report.json").read_text("utf-8"))
    assert report["heads"]["age"]["mae"] is None


# The table and the texts


def test_the_table_has_a_row_a_head_and_blanks_where_a_number_has_no_meaning():
    table = numbers.table(by_hand()).set_index("head")
    assert table["rows"].tolist() == [3, 3, 4]
    assert table.loc["age", ["MAE", "bias", "within", "80% holds"]].tolist() == [
        4.33, -2.33, 0.667, 0.333,
    ]  # fmt: skip
    assert table.loc["age", ["accuracy", "macro F1"]].isna().all()
    assert table.loc["gender", ["accuracy", "macro F1"]].tolist() == [0.667, 0.667]
    # Smiling: 2 hits, 3 said, 3 true -> 2/3; Bald: 1 hit, 2 said, 1 true -> 2/3.
    assert table.loc["face", ["accuracy", "macro F1"]].tolist() == [0.583, 0.667]
    assert table.loc["gender", ["MAE", "bias", "within", "80% holds"]].isna().all()


def test_the_terminal_text_is_aligned_and_led_by_the_notes():
    lines = numbers.text(by_hand(notes=("These are drawings.",))).splitlines()
    assert lines == [
        "Note: These are drawings.",
        "four: test, 4 pictures",
        "",
        "head    rows  accuracy  macro F1   MAE   bias  within  80% holds",
        "age        3                      4.33  -2.33   0.667      0.333",
        "gender     3     0.667     0.667",
        "face       4     0.583     0.667",
        "within: age no more than 5 years off",
    ]


def test_the_terminal_text_leaves_out_columns_without_number():
    text = numbers.text(by_hand(heads=(GENDER,)))
    assert "macro F1" in text
    assert "MAE" not in text
    assert "within" not in text


def test_the_class_section_is_scikit_learns_report_of_the_labelled_rows(tmp_path):
    made = drawn(tmp_path, heads=(MOOD,))
    known = made.labels["mood"].notna()
    assert 0 < known.sum() < len(known)
    oracle = metrics.classification_report(
        made.labels.loc[known, "mood"],
        made.answers.loc[known, "mood"],
        labels=["glad", "sad", "so so"],
        digits=3,
    )
    assert oracle.rstrip() in numbers.classification(made)


def test_the_label_section_agrees_with_scikit_learn_and_ends_in_the_mean(tmp_path):
    made = drawn(tmp_path, heads=(FACE,))
    scores = numbers.per_label(FACE.summary(made.labels, made.answers))
    for name in ("Smiling", "Bald"):
        known = made.labels[name].notna()
        truth, said = made.labels.loc[known, name], made.answers.loc[known, name]
        assert scores.loc[name, "f1"] == pytest.approx(metrics.f1_score(truth, said))
        assert scores.loc[name, "yes"] == truth.sum()
    assert scores.index[-1] == "mean"
    assert scores["f1"].iloc[-1] == pytest.approx(scores["f1"].iloc[:2].mean())
    last = numbers.classification(made).splitlines()[-1]
    assert last.split()[0] == "mean"
    assert len(last.split()) == 5  # the counts of a mean are empty


def test_the_number_section_tells_the_errors_by_band():
    text = numbers.classification(by_hand(heads=(AGE,), notes=("drawings",)))
    # RMSE = sqrt((4 + 100 + 1) / 3) = 5.916; a label a band.
    assert text == (
        "Note: drawings\n"
        "four: test, 4 pictures\n\n\n"
        "age: 3 labelled rows\n"
        "====================\n\n"
        "MAE                 4.33 years\n"
        "RMSE                5.92 years\n"
        "bias                -2.33 years\n"
        "within 5 years      66.7%\n"
        "80% interval holds  33.3%\n\n"
        "from  n    mae\n"
        "0+    1   2.00\n"
        "20+   1  10.00\n"
        "40+   1   1.00\n"
    )


def test_an_interval_of_whole_numbers_holds_what_is_rounded_into_it():
    years = from_config("age", {"kind": "distribution", "low": 0, "high": 100})
    labels = pd.DataFrame(
        {"age_low": [20.0, 30, 20, 30], "age_high": [29.0, 39, 29, 39]}
    )
    answers = pd.DataFrame({"age": [29.4, 29.4, 29.6, 29.6]})
    assert years.summary(labels, answers)["interval_accuracy"] == 0.5
    off = scores.scores(years, labels, answers)[:, 0]
    np.testing.assert_allclose(off, [0, 0.1, 0.1, 0], atol=1e-9)


def test_classes_without_label_are_told_beside_their_average():
    made = by_hand(heads=(GENDER,))
    assert "macro avg counts" not in numbers.classification(made)
    made.labels["gender"] = "female"
    assert "macro avg counts a class without label as 0" in numbers.classification(made)


def test_numbers_known_to_an_interval_are_counted_by_whether_it_was_hit():
    made = by_hand(heads=(AGE,))
    made.labels["age"] = np.nan
    made.labels["age_low"] = [10.0, 20.0, 50.0, np.nan]
    made.labels["age_high"] = [19.0, 29.0, 59.0, np.nan]
    table = numbers.table(made)
    # 12, 20 and 51 lie inside theirs.
    assert numbers.text(made).endswith(
        "within: age inside the interval that is its label"
    )
    assert (table.loc[0, "rows"], table.loc[0, "within"]) == (3, 1.0)
    assert "in interval         100.0% of 3" in numbers.classification(made)
    assert _frames.pairs(AGE, made.labels, made.answers).empty
    columns = list(numbers.answers(made))
    assert columns[2:5] == ["age_label", "age_label_low", "age_label_high"]


# answers.csv


def test_the_csv_has_each_label_beside_its_answer(tmp_path):
    numbers.write(by_hand(), tmp_path)
    written = pd.read_csv(tmp_path / "answers.csv")
    assert list(written) == [
        "path", "split", "age_label", "age", "age_low", "age_high",
        "gender_label", "gender", "gender_confidence",
        "Smiling_label", "Smiling", "Smiling_confidence",
        "Bald_label", "Bald", "Bald_confidence",
    ]  # fmt: skip
    assert written["gender_label"].tolist()[1::2] == ["female", "female"]
    assert written["gender"].tolist()[1::2] == ["male", "female"]
    assert set(written["split"]) == {"test"}
    assert written["age_label"].isna().tolist() == [False, False, False, True]


def test_the_csv_of_all_pictures_names_the_split_of_each():
    made = by_hand(split="all")
    assert numbers.answers(made)["split"].isna().all()
    made.labels["split"] = ["train", "val", "test", "test"]
    assert numbers.answers(made)["split"].tolist() == ["train", "val", "test", "test"]


# What is drawn


def test_a_confusion_counts_answers_by_label_like_scikit_learn(tmp_path):
    made = drawn(tmp_path)
    counts = _frames.confusion(MOOD, made.labels, made.answers)
    known = made.labels["mood"].notna()
    oracle = metrics.confusion_matrix(
        made.labels["mood"][known],
        made.answers["mood"][known],
        labels=["glad", "sad", "so so"],
    )
    assert counts.to_numpy().tolist() == oracle.tolist()


def test_a_class_without_row_keeps_its_place_in_the_confusion():
    made = by_hand()
    made.labels["gender"] = ["male", None, None, "male"]
    counts = _frames.confusion(GENDER, made.labels, made.answers)
    assert counts.to_numpy().tolist() == [[1, 1], [0, 0]]
    assert _frames.shares(counts).to_numpy().tolist() == [[0.5, 0.5], [0.0, 0.0]]


def test_mistakes_come_worst_first():
    made = by_hand()
    # 20 for 30 is off by 10; the others by 2 and 1, which is within 5.
    age = _frames.mistakes(AGE, made.labels, made.answers)
    assert (age.index.tolist(), age["score"].tolist()) == ([1], [10.0])
    # Smiling of b (0.55) and c (0.95), Bald of b (0.75).
    face = _frames.mistakes(FACE, made.labels, made.answers)
    assert list(zip(face.index, face["column"], strict=True)) == [
        (2, "Smiling"), (1, "Bald"), (1, "Smiling"),
    ]  # fmt: skip


def test_label_scores_tell_what_the_commoner_answer_would_get():
    made = by_hand()
    scores = _frames.label_scores(FACE.summary(made.labels, made.answers))
    # Smiling is yes in 3 of 4; Bald in 1 of 3, so that always no is right in 2 of 3.
    assert scores.loc["Smiling", ["share", "commoner"]].tolist() == [0.75, 0.75]
    assert scores.loc["Bald", "commoner"] == pytest.approx(2 / 3)


def test_curves_start_with_the_loss_and_leave_out_what_is_not_there():
    curves = _frames.curves(HISTORY, HEADS)
    shown = curves.groupby(["quantity", "part"], sort=False).size()
    assert shown.index.tolist() == [
        ("loss", "train"), ("loss", "val"), ("age: loss", "train"),
        ("age: MAE", "train"), ("age: MAE", "val"), ("gender: accuracy", "train"),
    ]  # fmt: skip
    assert _frames.curves(HISTORY[["epoch"]], HEADS).empty


def test_captions_tell_answer_and_label_and_whether_they_agree():
    made = by_hand()
    assert _grid.caption(made, 1) == [
        ("age: 20, is 30", False),
        ("gender: male 80%, is female", False),
        ("face: 2 yes, 2 wrong", False),
        ("Bald, Smiling", False),  # the surer one first
    ]
    assert _grid.caption(made, 3) == [
        ("age: 5", None),
        ("gender: female 70%", True),
        ("face: 2 yes", True),
        ("Bald, Smiling", True),
    ]


def test_captions_of_intervals_agree_inside_them():
    made = by_hand(heads=(AGE,))
    made.labels["age"] = np.nan
    made.labels["age_low"], made.labels["age_high"] = 10.0, 19.0
    assert _grid.caption(made, 0) == [("age: 12, is 10 to 19", True)]
    assert _grid.caption(made, 1) == [("age: 20, is 10 to 19", False)]


def test_captions_stop_at_six_lines():
    heads = tuple(replace(GENDER, name=f"g{i}", columns=("gender",)) for i in range(8))
    lines = _grid.caption(by_hand(heads=heads), 0)
    assert len(lines) == 6
    assert lines[-1] == ("+3 more", None)
    assert len(_grid.caption(by_hand(heads=heads[:6]), 0)) == 6
    assert _grid.caption(by_hand(heads=heads[:6]), 0)[-1].text == "g5: male 90%"


def test_a_caption_of_many_labels_names_the_surest_that_fit():
    names = tuple(f"Label_number_{i:02}" for i in range(40))
    head = replace(FACE, columns=names)
    row = {n: 1 for n in names} | {f"{n}_confidence": 0.5 for n in names}
    row["Label_number_33_confidence"] = 0.9
    made = by_hand(
        heads=(head,),
        labels=pd.DataFrame({"path": ["a.png"]}),
        answers=pd.DataFrame([row]),
    )
    first, second = _grid.caption(made, 0)
    assert first == ("face: 40 yes", None)
    assert second.text.startswith("Label_number_…, ")
    assert second.text.endswith(" +38")


# The files


def colors(path: Path) -> int:
    with Image.open(path) as image:
        assert min(image.size) > 200
        found = image.convert("RGB").getcolors(maxcolors=image.width * image.height)
    assert found is not None
    return len(found)


def every_picture(heads: tuple[Head, ...]) -> set[str]:
    return {pictures.file(h) for h in heads} | {"curves.png", "grid.png", "errors.png"}


def test_all_files_are_written_and_the_pictures_show_something(tmp_path):
    varied = np.random.default_rng(0).integers(0, 256, (6, 5, 16, 16, 3), np.uint8)
    made = drawn(tmp_path, history=HISTORY, varied=varied)
    out = tmp_path / "deep" / "report"
    plugins.write_reports(made, out)
    shown = every_picture(made.heads) | {"augmentation.png"}
    assert {path.name for path in out.iterdir()} == shown | {
        "report.json", "classification_report.txt", "answers.csv", "index.html",
    }  # fmt: skip
    for path in out.glob("*.png"):
        assert colors(path) > 20, path.name
    assert sources((out / "index.html").read_text("utf-8")) == shown


def test_what_has_nothing_to_show_is_not_there_nor_what_was_there_before(tmp_path):
    made = drawn(tmp_path)
    for name in ("curves.png", "grid.png", "confusion_mood.png"):
        (tmp_path / name).write_bytes(b"of an earlier report")
    made.labels["mood"] = None
    made.labels["path"] = "gone.png"
    pictures.write(made, tmp_path)
    found = {path.name for path in tmp_path.glob("[a-z]*.png")}
    assert found == {pictures.file(head) for head in HEADS}


def test_heads_without_any_labelled_row_say_so(tmp_path):
    made = by_hand(labels=pd.DataFrame({"path": ["a.png", "b.png", "c.png", "d.png"]}))
    plugins.write_reports(made, tmp_path)
    report = strict((tmp_path / "report.json").read_text("utf-8"))
    assert report["heads"] == {name: {"n": 0} for name in ("age", "gender", "face")}
    text = (tmp_path / "classification_report.txt").read_text("utf-8")
    assert text.count("no labelled row") == 3
    assert not list(tmp_path.glob("*.png"))
    assert "No picture has a label" in (tmp_path / "index.html").read_text("utf-8")


def test_one_row_makes_a_report(tmp_path):
    made = drawn(tmp_path, rows=1, seed=5, history=HISTORY[:1])
    made.labels["gender"], made.labels["age"] = "male", 7.0
    made.labels["Smiling"] = 1.0
    plugins.write_reports(made, tmp_path)
    there = {path.name for path in tmp_path.glob("*.png")}
    assert {"confusion_gender.png", "labels_face.png", "grid.png"} <= there
    assert {"true_against_predicted_age.png", "curves.png"} <= there
    assert "1 picture." in (tmp_path / "index.html").read_text("utf-8")


def test_a_folder_that_can_not_be_made_is_the_users_mistake(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="can't be written: File exists"):
        plugins.write_reports(by_hand(), tmp_path / "file")


def test_an_unreadable_picture_is_left_out_of_the_grid(tmp_path):
    made = drawn(tmp_path, rows=5)
    whole = _grid.grid(made)
    Path(made.labels["path"][1]).write_bytes(b"no picture")
    part = _grid.grid(made)
    assert whole is not None
    assert part is not None
    shown = [sum(bool(axes.images) for axes in f.axes) for f in (whole, part)]
    assert shown == [5, 4]


def test_the_errors_take_each_head_in_turn(tmp_path):
    made = by_hand()
    for row, name in enumerate(made.labels["path"]):
        made.labels.loc[row, "path"] = str(tmp_path / name)
        Image.new("RGB", (8, 8)).save(tmp_path / name)
    figure = _grid.errors(made)
    assert figure is not None
    # One mistake of age, one of gender, three of the face.
    texts = [axes.texts[0].get_text() for axes in figure.axes if axes.images]
    assert texts == [
        "age: 20, is 30", "gender: male 80%, is female", "Smiling: no 95%, is yes",
        "Bald: yes 75%, is no", "Smiling: yes 55%, is no",
    ]  # fmt: skip


def test_a_grid_shows_the_box_of_an_upright_picture(tmp_path):
    image = Image.new("RGB", (40, 20), "white")
    image.paste("red", (0, 0, 20, 20))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned right: what is left here is at the top upright
    image.save(tmp_path / "a.png", exif=exif)
    labels = pd.DataFrame({"path": [str(tmp_path / "a.png")], "box": ["0 0 20 20"]})
    pixels = _grid._read(labels, 0)
    assert pixels.shape[0] == pixels.shape[1]
    assert set(map(tuple, pixels.reshape(-1, 3).tolist())) == {(255, 0, 0)}


@pytest.mark.parametrize("count", [30, 40])
def test_confusions_of_many_classes_stay_of_a_size_to_look_at(count, tmp_path):
    names = [f"class number {i}" for i in range(count)]
    counts = pd.DataFrame(np.eye(count, dtype=int) * 9, index=names, columns=names)
    with _style.style():
        _style.save(pictures.confusion(counts, "many"), tmp_path / "many.png")
    with Image.open(tmp_path / "many.png") as image:
        assert 300 < max(image.size) < 2700
    assert colors(tmp_path / "many.png") > 20


# The page


class Page(HTMLParser):
    """Gathers sources, links, tags and text, as a browser would understand them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.sources: set[str] = set()
        self.links: set[str] = set()
        self.tags: set[str] = set()
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        found = dict(attrs)
        if tag == "img":
            self.sources.add(found["src"])
        if tag == "a":
            self.links.add(found["href"])

    def handle_data(self, data):
        self.text += f"{data}\n"


def sources(text: str) -> set[str]:
    return Page(text).sources


def test_names_of_other_people_are_text_on_the_page_and_in_pictures(tmp_path):
    names = ["<script>alert(1)</script>", "早い & 'so'", "$x^$ {{ 7*7 }}"]
    head = from_config("mood", {"kind": "softmax", "classes": names})
    made = drawn(tmp_path, heads=(head,), title="<b>bold</b>", notes=("<i>n</i>",))
    for table in (made.labels, made.answers):
        table["mood"] = table["mood"].map(
            dict(zip(["glad", "sad", "so so"], names, strict=True))
        )
    plugins.write_reports(made, tmp_path)
    seen = Page((tmp_path / "index.html").read_text("utf-8"))
    assert not seen.tags & {"script", "b", "i"}
    for name in (*names, "<b>bold</b>", "<i>n</i>"):
        assert name in seen.text
    assert colors(tmp_path / "confusion_mood.png") > 20
    text = (tmp_path / "report.json").read_text("utf-8")
    assert list(strict(text)["heads"]["mood"]["classification_report"])[:3] == names
    assert names[1] in text  # readable, not escaped


def test_the_page_stands_alone_and_links_only_what_is_there(tmp_path):
    made = by_hand(notes=("drawings",))
    numbers.write(made, tmp_path)
    text = page.html(made, tmp_path)
    seen = Page(text)
    assert seen.sources == set()
    assert {"report.json", "classification_report.txt", "answers.csv"} <= seen.links
    assert "http" not in text
    assert "drawings" in seen.text
    (tmp_path / "answers.csv").unlink()
    (tmp_path / "labels_face.png").touch()
    seen = Page(page.html(made, tmp_path))
    assert "answers.csv" not in seen.links
    assert seen.sources == {"labels_face.png"}


def test_the_page_shows_the_numbers_of_every_head(tmp_path):
    text = Page(page.html(by_hand(), tmp_path)).text.split()
    for number in ("4.33", "-2.33", "0.667", "0.583", "66.7%"):
        assert number in text


# The contract


def test_reports_run_numbers_first_and_pages_last():
    names = [module.__name__.rpartition(".")[2] for module in plugins.reports()]
    ours = [name for name in names if name in ("numbers", "pictures", "page")]
    assert ours == ["numbers", "pictures", "page"]


@pytest.mark.parametrize("module", [_frames, _grid, _style])
def test_the_examples_in_the_docstrings_hold(module):
    # pytest would collect reports/numbers.py as the standard library's `numbers`.
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0
