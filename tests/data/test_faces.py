"""Are several faces of one picture kept apart in training, and together in a split?"""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import multitask
from multitask.contracts.recipe import Recipe
from multitask.data.select import select, selection_key
from multitask.data.split import folds, groups, listed_parts, listing, split
from multitask.experiments.evaluate import report
from multitask.experiments.prepare import prepare
from multitask.experiments.run import fit
from multitask.inspection.audit import audit
from tests.runs import quiet
from tests.tiny import register

LEFT, RIGHT = "0 0 24 24", "24 0 48 24"


def table(**columns):
    """Two faces of `a`, one of `b`, and `c` as a whole."""
    faces = {"path": ["a", "a", "b", "c"], "box": [LEFT, RIGHT, LEFT, None]}
    return pd.DataFrame(faces | columns)


def test_faces_of_one_picture_are_in_one_group():
    numbers = groups(table(), np.empty((0, 2), np.intp))
    assert numbers[0] == numbers[1]
    assert len(set(numbers)) == 3


def test_a_listing_tells_faces_apart():
    parts = ["train", "test", "val", "train"]
    rows = table(split=parts)
    assert listed_parts(table(), listing(rows)).tolist() == parts
    shuffled = rows.iloc[[3, 2, 1, 0]]
    assert listed_parts(table(), listing(shuffled)).tolist() == parts
    some = listed_parts(table(), listing(rows.iloc[1:]))
    assert some.isna().tolist() == [True, False, False, False]


def test_a_listing_without_boxes_is_of_whole_pictures():
    whole = pd.DataFrame({"path": ["a", "b"], "split": ["val", "train"]})
    parts = listed_parts(table(), whole)
    assert parts.tolist()[:3] == ["val", "val", "train"]
    assert pd.isna(parts[3])
    # And those of a table without boxes are known by any of their faces.
    rows = table(split=["test", "train", "val", "test"])
    known = listed_parts(table().drop(columns="box"), listing(rows))
    assert known.tolist() == ["train", "train", "val", "test"]


def test_another_box_of_a_known_picture_is_known_if_that_is_asked():
    rows = table(split=["test", "test", "val", "train"])
    new = pd.DataFrame({"path": ["a", "b", "d"], "box": ["1 1 9 9", LEFT, LEFT]})
    assert listed_parts(new, rows).isna().tolist() == [True, False, True]
    parts = listed_parts(new, rows, other_boxes=True)
    assert parts.tolist()[:2] == ["test", "val"]
    assert pd.isna(parts[2])


def test_a_split_file_selects_faces(tmp_path):
    file = tmp_path / "split.csv"
    table(split=["train", "train", "val", "test"]).iloc[1:].to_csv(file, index=False)
    rows = select(table(), Recipe(split=str(file)), quiet)
    assert rows["box"].tolist()[:2] == [RIGHT, LEFT]
    assert len(rows) == 3


def test_a_margin_is_part_of_what_is_selected():
    assert selection_key(Recipe(box_margin=0.1)) != selection_key(Recipe())
    assert Recipe(box_margin=0.1).plain()["box_margin"] == 0.1
    with pytest.raises(multitask.UserError, match="box_margin: is -1.0, must be 0 or"):
        Recipe(box_margin=-1)


@pytest.fixture(scope="module")
def labels(tmp_path_factory):
    """24 pictures of a red face beside a blue one, of random shades, and their CSV."""
    folder = tmp_path_factory.mktemp("pairs")
    rng = np.random.default_rng(0)
    rows = []
    for number in range(24):
        pixels = rng.integers(0, 90, (24, 48, 3)).astype(np.uint8)
        red_left = rng.random() < 0.5
        for box, is_red in ((LEFT, red_left), (RIGHT, not red_left)):
            left = int(box.split()[0])
            pixels[:, left : left + 24, 0 if is_red else 2] += 150
            colour = "red" if is_red else "blue"
            rows.append((f"{number}.png", left, 0, 24, 24, colour))
        Image.fromarray(pixels).save(folder / f"{number}.png")
    names = ["path", "x", "y", "w", "h", "colour"]
    pd.DataFrame(rows, columns=names).to_csv(folder / "labels.csv", index=False)
    return folder / "labels.csv"


@pytest.fixture(scope="module")
def run(labels, tmp_path_factory):
    recipe = Recipe(
        data=(f"pairs=table:{labels}",), trunk=register(), epochs=30, batch_size=8,
        precision="float32", augment="none", crop=1.0, tta=1,
    )  # fmt: skip
    out = tmp_path_factory.mktemp("runs") / "run"
    return fit(recipe, out, say=quiet), out


@pytest.mark.slow
def test_a_run_lists_faces_and_keeps_pictures_together(run):
    parts = pd.read_csv(run[1] / "split.csv")
    assert list(parts) == ["path", "box", "split"]
    assert len(parts) == 48
    assert (parts.groupby("path")["split"].nunique() == 1).all()


@pytest.mark.slow
def test_answers_and_predictions_are_of_faces(run, labels):
    answers = pd.read_csv(run[1] / "report" / "answers.csv")
    assert list(answers)[:3] == ["path", "box", "split"]
    assert set(answers["box"]) == {LEFT, RIGHT}
    assert (answers["colour"] == answers["colour_label"]).mean() > 0.9
    frame = pd.read_csv(labels)
    frame["path"] = [str(labels.parent / name) for name in frame["path"]]
    predicted = multitask.load(run[1]).predict(frame.drop(columns="colour"))
    assert (predicted["colour"] == frame["colour"]).mean() > 0.9
    both = answers.merge(predicted, on=["path", "box"])
    assert len(both) == len(answers)
    assert (both["colour_x"] == both["colour_y"]).all()


@pytest.mark.slow
def test_a_report_measures_the_faces_that_were_not_trained_on(run, labels, tmp_path):
    parts = pd.read_csv(run[1] / "split.csv")
    test = parts[parts["split"] == "test"]
    own = report(run[1], out=tmp_path / "own")
    assert len(own.labels) == len(test)
    given = report(run[1], [f"pairs=table:{labels}"], out=tmp_path / "given")
    assert given.labels["box"].tolist() == own.labels["box"].tolist()
    # Other boxes of the same pictures were seen in training just as well.
    moved = pd.read_csv(labels).assign(w=23)
    moved.to_csv(labels.parent / "moved.csv", index=False)
    again = report(
        run[1], [f"pairs=table:{labels.parent / 'moved.csv'}"], out=tmp_path / "moved"
    )
    assert set(again.labels["path"]) == set(test["path"])


def test_an_audit_looks_at_each_face(labels, tmp_path):
    findings = audit([f"pairs=table:{labels}"], tmp_path / "audit")
    assert len(findings.table) == 48
    assert set(findings.files["side"]) == {24}
    assert "left top width height" in findings.columns_text
    assert not findings.wrong()


@pytest.mark.slow
def test_the_margin_of_a_network_is_used_again(labels, tmp_path):
    recipe = Recipe(
        data=(f"pairs=table:{labels}",), trunk=register(), epochs=1, batch_size=8,
        precision="float32", box_margin=0.5, crop=1.0, tta=1,
    )  # fmt: skip
    prepared = prepare(recipe, tmp_path, quiet)
    usual = prepare(Recipe(**{**recipe.plain(), "box_margin": 0.0}), tmp_path, quiet)
    assert prepared.spec.box_margin == 0.5
    assert not np.array_equal(prepared.pixels, usual.pixels)
    fit(recipe, tmp_path / "run", say=quiet)
    analyzer = multitask.load(tmp_path / "run")
    assert analyzer.spec.box_margin == 0.5
    answers = analyzer.answers(prepared.pixels, np.arange(4), probabilities=True)
    frame = prepared.table[["path", "box"]][:4]
    predicted = analyzer.predict(frame, probabilities=True)
    np.testing.assert_allclose(
        predicted["colour_red"].to_numpy(float), answers["colour_red"], atol=1e-5
    )


def test_folds_keep_the_faces_of_a_picture_together(labels):
    rows = pd.read_csv(labels)
    rows = rows.assign(box=rows["x"].map({0: LEFT, 24: RIGHT}))
    members = groups(rows, np.empty((0, 2), np.intp))
    for parts in folds(rows, (), members, 3, 0):
        assert (parts.groupby(rows["path"]).nunique() == 1).all()
    whole = split(rows, (), members, (0.7, 0.15, 0.15), 0)
    assert (whole.groupby(rows["path"]).nunique() == 1).all()
