"""Are the figures of a report files that show something?"""

import numpy as np
import pandas as pd
import pytest
from multitask.reports import _style, pictures
from PIL import Image

from multitask.contracts import plugins
from multitask.contracts.head import Head
from tests.evaluations import HEADS, HISTORY, Page, color_count, random_evaluation


def every_picture(heads: tuple[Head, ...]) -> set[str]:
    return {pictures.file(h) for h in heads} | {"curves.png", "grid.png", "errors.png"}


def test_all_files_are_written_and_the_pictures_show_something(tmp_path):
    varied = np.random.default_rng(0).integers(0, 256, (6, 5, 16, 16, 3), np.uint8)
    evaluation = random_evaluation(tmp_path, history=HISTORY, varied=varied)
    out = tmp_path / "deep" / "report"
    plugins.write_reports(evaluation, out)
    shown = every_picture(evaluation.heads) | {"augmentation.png"}
    assert {path.name for path in out.iterdir()} == shown | {
        "report.json", "classification_report.txt", "answers.csv", "index.html",
    }  # fmt: skip
    for path in out.glob("*.png"):
        assert color_count(path) > 20, path.name
    seen = Page((out / "index.html").read_text("utf-8"))
    assert all(source.startswith("data:image/") for source in seen.sources)
    assert "Augmented training pictures" in seen.text


def test_a_figure_without_content_is_not_written_and_a_stale_one_is_removed(tmp_path):
    evaluation = random_evaluation(tmp_path)
    for name in ("curves.png", "grid.png", "confusion_mood.png"):
        (tmp_path / name).write_bytes(b"of an earlier report")
    evaluation.labels["mood"] = None
    evaluation.labels["path"] = "gone.png"
    pictures.write(evaluation, tmp_path)
    files = {path.name for path in tmp_path.glob("[a-z]*.png")}
    assert files == {pictures.file(head) for head in HEADS}


def test_one_row_makes_a_report(tmp_path):
    evaluation = random_evaluation(tmp_path, rows=1, seed=5, history=HISTORY[:1])
    evaluation.labels["gender"], evaluation.labels["age"] = "male", 7.0
    evaluation.labels["Smiling"] = 1.0
    plugins.write_reports(evaluation, tmp_path)
    there = {path.name for path in tmp_path.glob("*.png")}
    assert {"confusion_gender.png", "labels_face.png", "grid.png"} <= there
    assert {"true_against_predicted_age.png", "curves.png"} <= there
    assert "1 picture." in (tmp_path / "index.html").read_text("utf-8")


@pytest.mark.parametrize("count", [30, 40])
def test_confusions_of_many_classes_stay_of_a_readable_size(count, tmp_path):
    names = [f"class number {i}" for i in range(count)]
    counts = pd.DataFrame(np.eye(count, dtype=int) * 9, index=names, columns=names)
    with _style.style():
        _style.save(pictures.confusion(counts, "many"), tmp_path / "many.png")
    with Image.open(tmp_path / "many.png") as image:
        assert 300 < max(image.size) < 2700
    assert color_count(tmp_path / "many.png") > 20
