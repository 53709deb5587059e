"""Do Keras's own `fit` and `evaluate` count each label of a dataset, and no gap?"""

import os
from dataclasses import replace
from math import log
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
from multitask.heads.regression import Regression
from multitask.heads.sigmoid import Sigmoid
from multitask.heads.softmax import Softmax
from PIL import Image

from multitask.contracts.errors import UserError
from multitask.training.custom_data import labelled_batches
from multitask.training.custom_model import build_model
from tests import labelled

HEADS = (
    Softmax(name="gender", classes=("male", "female"), loss_weight=2.0),
    Regression(name="score", low=0, high=10, error="mae"),
    Sigmoid(name="attributes", columns=("Smiling", "Young")),
)
BIASES = {  # of the output layers: what the network then says of every picture
    "gender": np.log([0.8, 0.2]),  # male, by 0.8
    "score-unit": [0.0],  # 5
    "attributes": [0.0, log(0.9 / 0.1)],  # Smiling 0.5, Young 0.9
}


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return labelled.table(tmp_path_factory.mktemp("pictures"))


def small(heads, **settings):
    return build_model(
        heads, trunk=labelled.trunk, image_size=labelled.SIZE, **settings
    )


def constant():
    """A model that says the same of every picture, and does not learn."""
    model = small(HEADS, dropout=0.0, optimizer=keras.optimizers.SGD(0.0))
    for name, bias in BIASES.items():
        layer = model.get_layer(name)
        layer.set_weights([np.zeros(layer.kernel.shape), np.asarray(bias)])
    return model


@pytest.fixture
def gaps(table):
    """Two batches of two pictures; the second batch has no score at all."""
    nan = np.nan
    return pd.DataFrame(
        {
            "path": table["path"][:4],
            "gender": ["male", nan, "female", nan],
            "score": [7.0, nan, nan, nan],
            "Smiling": [1.0, nan, 0.0, nan],
            "Young": [nan, nan, 1.0, nan],
        }
    )


def test_an_epoch_of_fit_has_the_losses_that_one_works_out_by_hand(gaps):
    model = constant()
    data = labelled_batches(gaps, model, batch_size=2)
    logs = model.fit(data, epochs=1, shuffle=False, verbose=0).history
    # Of each batch the mean over its labels, of the epoch the mean over both batches.
    gender = (-log(0.8) - log(0.2)) / 2  # one label in each
    score = (2 / 10 + 0) / 2  # |5 - 7| over the range; no label in the second: 0
    attributes = (log(2) + (log(2) - log(0.9)) / 2) / 2  # one label, then two
    assert logs["gender_loss"] == [pytest.approx(gender, rel=1e-5)]
    assert logs["score_loss"] == [pytest.approx(score, rel=1e-5)]
    assert logs["attributes_loss"] == [pytest.approx(attributes, rel=1e-5)]
    total = 2 * gender + score + attributes
    assert logs["loss"] == [pytest.approx(total, rel=1e-5)]


def test_metrics_count_labels_only(gaps):
    model = constant()
    data = labelled_batches(gaps, model, batch_size=2)
    logs = model.evaluate(data, return_dict=True, verbose=0)
    assert logs["gender_accuracy"] == 0.5  # male is right, female wrong, two unknown
    assert logs["score_mae"] == pytest.approx(2.0)  # of the only label


def test_a_head_without_a_label_in_a_batch_has_loss_0_and_no_gradient(gaps):
    model = constant()
    _, second = labelled_batches(gaps, model, batch_size=2)
    before = model.get_layer("score-unit").get_weights()
    model.optimizer = keras.optimizers.SGD(1.0)
    logs = model.train_on_batch(*second, return_dict=True)
    assert logs["score_loss"] == 0.0
    for one, other in zip(
        before, model.get_layer("score-unit").get_weights(), strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_a_batch_has_a_target_and_a_weight_for_every_label(gaps):
    [(images, targets, weights)] = labelled_batches(gaps, constant())
    assert images.shape == (4, 16, 16, 3)
    assert images.dtype == np.float32
    assert targets["gender"].numpy()[[0, 2]].tolist() == [0, 1]
    assert weights["gender"].numpy().tolist() == [1, 0, 1, 0]
    assert weights["score"].numpy().tolist() == [1, 0, 0, 0]
    assert weights["attributes"].numpy().tolist() == [[1, 0], [0, 0], [1, 1], [0, 0]]


def test_training_shows_each_picture_once_an_epoch_in_another_order(table):
    model = small("gender", crop=1.0)
    [(shown, _, _)] = labelled_batches(table, model)
    settings: dict[str, Any] = {"training": True, "augment": "none", "batch_size": 4}
    data = labelled_batches(table, model, **settings)
    assert len(data) == 2
    epochs = [np.concatenate([images for images, _, _ in data]) for _ in range(2)]
    for epoch in epochs:
        assert sorted(map(bytes, epoch)) == sorted(map(bytes, shown.numpy()))
    assert (epochs[0] != epochs[1]).any()
    again = labelled_batches(table, model, **settings)
    repeated = np.concatenate([images for images, _, _ in again])
    np.testing.assert_array_equal(repeated, epochs[0])


def test_training_augments_by_default_and_shows_full_batches_only(table):
    model = small("gender", crop=1.0)
    data = labelled_batches(table, model, training=True, batch_size=3)
    assert [len(images) for images, _, _ in data] == [3, 3]  # of 8 pictures
    originals = {
        bytes(p) for p in next(iter(labelled_batches(table, model)))[0].numpy()
    }
    shown = {bytes(p) for images, _, _ in data for p in images.numpy()}
    assert not originals & shown


def test_balanced_classes_are_weighted_in_training_only(table):
    table = table.assign(gender=["male"] * 6 + ["female"] * 2)
    [head] = small("gender").spec.heads
    model = small(replace(head, class_weights="balanced"))
    [(_, targets, weights)] = labelled_batches(table, model, training=True)
    # 8 labels / (2 classes x 6 of it), and 8 / (2 x 2)
    expected = np.where(targets["gender"] == 0, 8 / 12, 2.0)
    np.testing.assert_allclose(weights["gender"], expected, rtol=1e-6)
    [(_, _, plain)] = labelled_batches(table, model)
    assert set(plain["gender"].numpy()) == {1.0}


def test_heads_by_name_feed_a_model_that_is_all_ones_own(table):
    named = labelled_batches(table, ["age", "gender"], image_size=labelled.SIZE)
    built = labelled_batches(table, small(["age", "gender"]))
    for one, other in zip(named, built, strict=True):
        for left, right in zip(
            keras.tree.flatten(one), keras.tree.flatten(other), strict=True
        ):
            np.testing.assert_array_equal(left, right)


def test_a_column_of_the_table_is_a_head_if_it_needs_nothing_of_the_labels(table):
    own = table.assign(smile=[n % 2 for n in range(len(table))], mood="calm")
    _, targets, _ = next(
        iter(labelled_batches(own, ["smile:sigmoid"], image_size=labelled.SIZE))
    )
    assert list(targets) == ["smile"]
    # The classes of one table may not be those of another.
    with pytest.raises(UserError, match="head mood: takes its classes from labels"):
        labelled_batches(own, ["mood:softmax"], image_size=labelled.SIZE)


def test_unreadable_pictures_and_impossible_labels_are_said_and_left_out(table):
    paths = [*table["path"][:7], "none.jpg"]
    table = table.assign(path=paths, age=[900.0, *table["age"][1:]])
    lines: list[str] = []
    data = labelled_batches(table, small(["age", "gender"]), say=lines.append)
    [(images, _, weights)] = data
    assert len(images) == 7
    assert weights["age"].numpy()[0] == 0
    first = table["path"][0]
    assert lines[0].startswith(f"labels left out: 1, the first: {first}: age is '900'")
    assert lines[1:] == ["left out: 1 of 8 pictures, the first: none.jpg: no such file"]


def test_pictures_may_be_in_memory(table):
    model = small("gender")
    [(files, _, _)] = labelled_batches(table, model)
    images = [np.asarray(Image.open(path)) for path in table["path"]]
    images[0] = np.zeros(3)  # no picture
    lines: list[str] = []
    loaded = table.assign(path=pd.Series(images, dtype=object))
    [(arrays, _, _)] = labelled_batches(loaded, model, say=lines.append)
    np.testing.assert_array_equal(arrays, files[1:])
    [line] = lines
    assert line.startswith("left out: 1 of 8 pictures, the first: is an array of float")


def test_a_head_without_any_label_is_said_if_others_have_some(table):
    lines: list[str] = []
    labelled_batches(
        table.drop(columns="age"), small(["age", "gender"]), say=lines.append
    )
    assert lines == ["head age: no picture has a label for it"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: "x.csv", "table: is of type str, must be a pandas.DataFrame"),
        (
            lambda t: t.drop(columns="path"),
            "table: has no column 'path', only gender, age, genre, Smiling, Young",
        ),
        (lambda t: t[:0], "table: has no row"),
        (lambda t: t[["path"]], "head gender: the data has no column 'gender'"),
        (lambda t: t.assign(gender=None), "head gender: the data has no labels for it"),
        (lambda t: t.assign(gender="m"), "head gender: 8 labels of column 'gender'"),
        (
            lambda t: t.assign(path="none.jpg"),
            "pictures: none can be used; first: no",
        ),
        (lambda t: t.assign(age_low=3.0), "has 'age_low' without 'age_high'"),
    ],
)
def test_a_table_that_leaves_nothing_to_learn_is_refused(table, change, message):
    with pytest.raises(UserError) as raised:
        labelled_batches(change(table), small("gender"), say=lambda line: None)
    assert message in str(raised.value)


def test_a_frame_may_be_as_for_fit(table, monkeypatch):
    """Paths in the index and from the home folder, bool labels, heads of its own."""
    monkeypatch.setenv("HOME", str(Path(table["path"][0]).parent))
    frame = pd.DataFrame({"path": "~/" + table["path"].map(os.path.basename)})
    fun = pd.Series([True, False, None, True] * 2, dtype=object)
    frame = frame.assign(fun=fun).set_index("path")
    [(_, targets, weights)] = labelled_batches(frame, ["fun:sigmoid"], image_size=16)
    assert targets["fun"].numpy().ravel().tolist()[:2] == [1, 0]
    assert (weights["fun"].numpy().ravel() > 0).tolist() == [
        True,
        True,
        False,
        True,
    ] * 2


@pytest.mark.parametrize(
    ("heads", "settings", "message"),
    [
        (None, {"image_size": 20}, "image_size: is 20, that of the model is 16"),
        (None, {"crop": 1.0}, "crop: is 1.0, that of the model is 0.89"),
        (None, {"augment": "flip"}, "augment: is for training only; add training=True"),
        (
            None,
            {"training": True, "augment": "flp"},
            "unknown preset 'flp'; did you mean",
        ),
        (
            None,
            {"training": True, "augment": "mixup"},
            "augment: mixup needs the train",
        ),
        (None, {"batch_size": 0}, "batch_size: is 0, must be 1 or more"),
        (["gender"], {}, "image_size: is missing; give it, or the model"),
        (["genre"], {"image_size": 16}, "unknown head 'genre'; did you mean 'gender'?"),
        (["genre"], {"image_size": 16}, "give the model that multitask.build returned"),
        (keras.Sequential(), {}, "is not one that multitask.build returned"),
    ],
)
def test_settings_that_contradict_the_model_are_refused(
    table, heads, settings, message
):
    model = small("gender") if heads is None else heads
    with pytest.raises(UserError) as raised:
        labelled_batches(table, model, **settings)
    assert message in str(raised.value)
