"""Does the page of a report stand alone and show other people's names as text?"""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from multitask.reports import numbers, page

from multitask.contracts import plugins
from multitask.contracts.catalog import from_config
from multitask.contracts.errors import UserError
from tests.evaluations import Page, by_hand, color_count, random_evaluation, strict


def test_a_head_without_labelled_rows_is_reported_as_such(tmp_path):
    evaluation = by_hand(
        labels=pd.DataFrame({"path": ["a.png", "b.png", "c.png", "d.png"]})
    )
    plugins.write_reports(evaluation, tmp_path)
    report = strict((tmp_path / "report.json").read_text("utf-8"))
    for name in ("age", "gender", "face"):
        head = report["heads"][name]
        assert (head["n"], head["is_useful"], head["baseline"]) == (0, None, None)
        assert head["sentence"].endswith(
            "no labels, so nothing is known of its answers."
        )
    text = (tmp_path / "classification_report.txt").read_text("utf-8")
    assert text.count("no labelled row") == 3
    assert not list(tmp_path.glob("*.png"))
    assert "No picture has a label" in (tmp_path / "index.html").read_text("utf-8")


def test_a_folder_that_can_not_be_made_is_the_users_mistake(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="can't be written: File exists"):
        plugins.write_reports(by_hand(), tmp_path / "file")


def test_names_of_other_people_are_text_on_the_page_and_in_pictures(tmp_path):
    names = ["<script>alert(1)</script>", "早い & 'so'", "$x^$ {{ 7*7 }}"]
    head = from_config("mood", {"kind": "softmax", "classes": names})
    evaluation = random_evaluation(
        tmp_path, heads=(head,), title="<b>bold</b>", notes=("<i>n</i>",)
    )
    for table in (evaluation.labels, evaluation.answers):
        table["mood"] = table["mood"].map(
            dict(zip(["glad", "sad", "so so"], names, strict=True))
        )
    plugins.write_reports(evaluation, tmp_path)
    seen = Page((tmp_path / "index.html").read_text("utf-8"))
    assert not seen.tags & {"script", "b", "i"}
    for name in (*names, "<b>bold</b>", "<i>n</i>"):
        assert name in seen.text
    assert color_count(tmp_path / "confusion_mood.png") > 20
    text = (tmp_path / "report.json").read_text("utf-8")
    assert list(strict(text)["heads"]["mood"]["classification_report"])[:3] == names
    assert names[1] in text  # readable, not escaped


def test_the_page_stands_alone_and_links_only_what_is_there(tmp_path):
    evaluation = by_hand(notes=("drawings",))
    numbers.write(evaluation, tmp_path)
    text = page.html(evaluation, tmp_path)
    seen = Page(text)
    assert seen.sources == set()
    assert {"report.json", "classification_report.txt", "answers.csv"} <= seen.links
    assert "http:" not in text
    assert "https:" not in text
    assert "drawings" in seen.text
    (tmp_path / "answers.csv").unlink()
    (tmp_path / "labels_face.png").touch()
    seen = Page(page.html(evaluation, tmp_path))
    assert "answers.csv" not in seen.links
    assert seen.sources == set()


def test_pictures_are_within_the_page(tmp_path):
    evaluation = random_evaluation(tmp_path)
    plugins.write_reports(evaluation, tmp_path)
    (tmp_path / "augmentation.png").write_bytes((tmp_path / "grid.png").read_bytes())
    seen = Page(page.html(evaluation, tmp_path))
    assert len(seen.sources) > 12  # mistakes, answers and the sheet
    assert {source.partition(",")[0] for source in seen.sources} == {
        "data:image/jpeg;base64"
    }


def test_the_page_shows_the_numbers_of_every_head(tmp_path):
    text = Page(page.html(by_hand(), tmp_path)).text.split()
    # Of gender two of three are right. The intervals of three rows allow no digits of
    # the mean of the errors 2, 10 and 1, of 4.33; single bands have no interval.
    for number in ("67%", "4", "2.0", "10.0", "1.0"):
        assert number in text
    assert "4.33" not in text


def test_reports_run_numbers_first_and_pages_last():
    names = [module.__name__.rpartition(".")[2] for module in plugins.reports()]
    ours = [name for name in names if name in ("numbers", "pictures", "page")]
    assert ours == ["numbers", "pictures", "page"]


def _with(evaluation, **columns):
    return replace(evaluation, answers=evaluation.answers.assign(**columns))


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda one: _with(one, age=np.nan, age_low=np.nan), "not numbers"),
        (lambda one: _with(one, gender_confidence=np.nan), "not numbers"),
        (lambda one: _with(one, gender="male", Smiling=1, Bald=0), "no better"),
        (lambda one: _with(one, age=30.0), "30"),
        (
            lambda one: replace(one, labels=one.labels.assign(gender="female")),
            "labels are the same, female",
        ),
        (
            lambda one: replace(
                one, labels=one.labels[["path", "age"]], heads=one.heads[:1]
            ),
            "How good are the answers to age?",
        ),
    ],
    ids=["nan", "no confidence", "constants", "median", "one class", "no groups"],
)
def test_answers_and_labels_that_are_odd_have_a_page(tmp_path, change, text):
    evaluation = change(random_evaluation(tmp_path, 80))
    page.write(evaluation, tmp_path)
    seen = Page((tmp_path / "index.html").read_text("utf-8"))
    assert text in seen.text
    assert "nan" not in seen.text.lower().split()


def test_a_useless_head_is_a_warning_on_top(tmp_path):
    # Random answers are no better than a constant.
    text = page.html(random_evaluation(tmp_path, 200), tmp_path)
    top = text[: text.index("<section>")]
    assert top.count('<li class="useless"><strong class="flag">Warning.') == 4


def test_folds_have_their_own_table(tmp_path):
    folds = tuple(random_evaluation(tmp_path, 40, seed=seed) for seed in (0, 1))
    evaluation = random_evaluation(tmp_path, 80, folds=folds)
    assert "±" in page.html(evaluation, tmp_path)
