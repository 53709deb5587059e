"""Is the model for one's own loop compiled as its heads say, and saved as others?"""

from dataclasses import dataclass
from inspect import signature
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
from multitask.heads.softmax import Softmax

import multitask
from multitask.contracts import catalog
from multitask.contracts.errors import UserError
from multitask.contracts.recipe import Recipe
from multitask.networks import archive, build
from multitask.training.custom_data import labelled_batches
from multitask.training.custom_model import build_model, save_model
from tests import labelled

GENRES = pd.DataFrame({"path": list("abc"), "genre": ["drama", "comedy", "drama"]})


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return labelled.table(tmp_path_factory.mktemp("pictures"))


def small(heads="gender", **settings):
    """A model of a trunk that is built in a moment."""
    defaults: dict[str, Any] = {"trunk": labelled.trunk, "image_size": labelled.SIZE}
    return build_model(heads, **defaults | settings)


def test_names_groups_and_columns_mean_the_heads_that_they_mean_elsewhere():
    model = small(["utkface", "attributes[Smiling,Young]"])
    shapes = {name: output.shape for name, output in model.output.items()}
    assert shapes == {
        "age": (None, 117),
        "gender": (None, 2),
        "race": (None, 5),
        "attributes": (None, 2),
    }
    assert list(small("age,gender").output) == ["age", "gender"]


def test_a_label_column_of_ones_own_is_a_head_with_the_classes_of_the_table():
    [head] = small("genre", table=GENRES).spec.heads
    assert head.classes == ("comedy", "drama")


def test_with_a_table_heads_start_from_how_its_labels_are_distributed():
    model = small("genre", table=GENRES)
    shares = keras.ops.softmax(model.get_layer("genre").bias)
    # One comedy and two dramas, and half a label more of each: 1.5 and 2.5 of 4.
    np.testing.assert_allclose(shares, [0.375, 0.625], rtol=1e-5)


def test_a_head_object_may_take_its_classes_from_the_table_too():
    head = Softmax(name="kind", columns=("genre",))
    assert small(head, table=GENRES).output["kind"].shape == (None, 2)


def test_a_named_trunk_has_its_own_size_unless_another_is_given(tiny_trunk):
    assert build_model("age", trunk=tiny_trunk).input.shape == (None, 16, 16, 3)
    model = build_model("age", trunk=tiny_trunk, image_size=20)
    assert model.input.shape == (None, 20, 20, 3)


def test_an_optimizer_is_one_of_keras_by_name_or_as_it_is():
    assert isinstance(small().optimizer, keras.optimizers.Adam)
    assert float(small().optimizer.learning_rate) == pytest.approx(1e-3)  # Keras's own
    rmsprop = small(optimizer="rmsprop", learning_rate=0.5).optimizer
    assert isinstance(rmsprop, keras.optimizers.RMSprop)
    assert float(rmsprop.learning_rate) == 0.5
    assert isinstance(small(optimizer="muon").optimizer, keras.optimizers.Muon)
    own = keras.optimizers.SGD(0.1)
    assert small(optimizer=own).optimizer is own


def test_weights_of_a_file_are_those_of_the_trunk(tiny_trunk, tmp_path):
    first = build_model("age", trunk=tiny_trunk)
    save_model(first, tmp_path / "first.keras")
    second = build_model(
        "race", trunk=tiny_trunk, weights=str(tmp_path / "first.keras")
    )
    pairs = zip(
        first.get_layer("trunk").get_weights(),
        second.get_layer("trunk").get_weights(),
        strict=True,
    )
    for one, other in pairs:
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("heads", "settings", "message"),
    [
        (["gendre"], {}, "heads: unknown head 'gendre'; did you mean 'gender'?"),
        (["genre"], {}, "for a label column of your own, give the labels as table=..."),
        (["genre"], {"table": "x.csv"}, "table: is of type str, must be a pandas.Dat"),
        (["genres"], {"table": GENRES}, "unknown head 'genres'; did you mean 'genre'?"),
        ([3], {}, "heads: holds 3, must hold names or heads"),
        ({"age": "softmax"}, {}, 'heads: is a mapping, must be a list; write ["age:so'),
        ([], {}, "no head given"),
        (Softmax(name="genre"), {}, "head genre: takes its classes from labels; give"),
        (
            "age",
            {"loss_weights": {"agee": 2}},
            "loss_weights: unknown head 'agee'; did you",
        ),
        ("age", {"trunk": "cnm"}, "trunk: unknown trunk 'cnm'; did you mean 'cnn'?"),
        ("age", {"trunk": "cnn", "image_size": 8}, "is 8, trunk cnn needs 16 or more"),
        ("age", {"trunk": "cnn", "weights": "imagenet"}, "cnn has no ImageNet weights"),
        ("age", {"weights": "imagenet"}, "weights: are for a trunk by name; load them"),
        ("age", {"dropout": 1.0}, "dropout: is 1.0, must be 0 or more, below 1"),
        ("age", {"optimizer": "adamm"}, "no optimizer 'adamm'; did you mean 'adam'?"),
        (
            "age",
            {"optimizer": 1},
            "optimizer: is of type int, must be a name or a Keras",
        ),
        (
            "age",
            {"optimizer": keras.optimizers.Adam(), "learning_rate": 1.0},
            "learning_rate: is given beside an optimizer that has its own",
        ),
    ],
)
def test_what_cannot_be_is_said_in_one_line(heads, settings, message):
    with pytest.raises(UserError) as raised:
        small(heads, **settings)
    assert message in str(raised.value)


OWN = {head.name: head.loss_weight for head in catalog.heads(["age", "gender"])}


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        (2, [2, 2]),
        (np.float32(3), [3, 3]),
        ({"all": 2, "gender": 4}, [2, 4]),
        ("age=2", [2, OWN["gender"]]),
        (None, [OWN["age"], OWN["gender"]]),
    ],
)
def test_loss_weights_are_those_of_fit(weights, expected):
    heads = small(["age", "gender"], loss_weights=weights).spec.heads
    assert [head.loss_weight for head in heads] == expected


def test_defaults_are_those_of_fit():
    recipe = Recipe()
    parameters = signature(multitask.build).parameters
    for name in ("trunk", "crop", "weights", "dropout", "tta"):
        assert parameters[name].default == getattr(recipe, name)
    assert signature(multitask.dataset).parameters["seed"].default == recipe.seed
    text = " ".join(str(multitask.dataset.__doc__).split())
    assert f"is shown; {recipe.crop} for heads without" in text
    assert f'augment, `"{recipe.augment}"` by default' in text


def test_mistakes_name_arguments_as_python_does():
    with pytest.raises(UserError) as raised:
        multitask.build("age", image_size=8)
    assert str(raised.value) == "image_size: is 8, trunk cnn needs 16 or more"


def test_a_saved_network_answers_for_files_what_the_model_says_of_the_dataset(
    table, tmp_path
):
    model = small(["age", "gender", "genre"], table=table, tta=1)
    model.set_weights(
        [np.random.default_rng(0).normal(size=w.shape) for w in model.weights]
    )
    save_model(model, tmp_path / "own.keras")
    faces = multitask.load(tmp_path / "own.keras")
    outputs = model.predict(labelled_batches(table, model), verbose=0)
    answers = faces.predict(table["path"].tolist())
    assert answers["genre"].tolist() == [
        ("comedy", "drama")[i] for i in outputs["genre"].argmax(axis=1)
    ]
    np.testing.assert_allclose(
        answers["gender_confidence"].astype(float),
        outputs["gender"].max(axis=1),
        atol=1e-5,
    )


def test_keras_saves_loads_and_copies_the_model_itself(tiny_trunk, tmp_path):
    model = build_model("gender", trunk=tiny_trunk)
    model.save(tmp_path / "best.keras")  # as keras.callbacks.ModelCheckpoint does
    images = np.random.default_rng(0).uniform(0, 255, (2, 16, 16, 3))
    for copy in (
        keras.models.load_model(tmp_path / "best.keras"),
        keras.models.clone_model(model),
    ):
        copy.set_weights(model.get_weights())
        np.testing.assert_allclose(copy(images)["gender"], model(images)["gender"])


def test_plain_keras_opens_a_saved_network_with_a_trunk_of_ones_own(tmp_path):
    trunk = keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Flatten(),
            keras.layers.Dense(3),
        ]
    )
    model = build_model("gender", trunk=trunk, tta=1)
    save_model(model, tmp_path / "own.keras")
    network = keras.models.load_model(tmp_path / "own.keras")
    images = np.random.default_rng(0).integers(0, 256, (2, 18, 18, 3), np.uint8)
    # 16 pixels are 0.89 of 18, so the network looks at the middle of such a picture.
    middle = images[:, 1:17, 1:17].astype(np.float32)
    np.testing.assert_allclose(
        network(images)["gender"], model(middle)["gender"], rtol=1e-5
    )
    assert not network.compiled


def test_a_network_trained_in_half_precision_is_saved_in_float32(tiny_trunk, tmp_path):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = build_model("gender", trunk=tiny_trunk)
    finally:
        keras.config.set_dtype_policy(before)
    assert model.get_layer("trunk").layers[-1].compute_dtype == "bfloat16"
    save_model(model, tmp_path / "half.keras")
    network = multitask.load(tmp_path / "half.keras").model
    core = network.get_layer("core")
    assert {layer.compute_dtype for layer in core.get_layer("trunk").layers} == {
        "float32"
    }
    for ours, theirs in zip(model.get_weights(), core.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@dataclass(frozen=True, kw_only=True)
class Sorted(Softmax):  # type: ignore[misc]
    """A kind of head that no package has."""


def test_a_head_of_ones_own_class_needs_an_entry_point_to_be_saved(tmp_path):
    model = small(Sorted(name="gender", classes=("female", "male")))
    with pytest.raises(UserError, match="entry point of the group multitask.heads"):
        save_model(model, tmp_path / "own.keras")
    assert not list(tmp_path.iterdir())


def test_only_a_model_of_build_can_be_saved_and_only_as_a_keras_file(tmp_path):
    copy = keras.models.clone_model(small())
    with pytest.raises(UserError, match="is not one that multitask.build returned"):
        save_model(copy, tmp_path / "copy.keras")
    with pytest.raises(UserError, match=r"must end in \.keras"):
        save_model(small(), tmp_path / "own.h5")
    with pytest.raises(UserError, match="no folder '.*'; make it, or name"):
        save_model(small(), tmp_path / "none" / "own.keras")


class Pooled(keras.layers.Layer):  # type: ignore[misc]
    """A layer that makes another one by itself."""

    def __init__(self, **settings):
        super().__init__(**settings)
        self.inner = keras.layers.GlobalAveragePooling2D()

    def call(self, images):
        return self.inner(images)


def layers_of(model):
    """All layers of a model and of those within it, but for inputs."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from layers_of(layer)
        elif not isinstance(layer, keras.layers.InputLayer):
            yield layer


@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
def test_every_layer_of_a_saved_network_computes_in_float32(policy, monkeypatch):
    half = "mixed_bfloat16"
    with build.dtype_policy(policy):
        trunk = keras.Sequential(
            [
                keras.Input((16, 16, 3)),
                keras.Sequential([keras.layers.Conv2D(4, 3, dtype=half, name=half)]),
                keras.layers.TimeDistributed(keras.layers.Dense(3, dtype=half)),
                Pooled(),
            ]
        )
        model = build_model("gender", trunk=trunk)
    saved: list[keras.Model] = []
    monkeypatch.setattr(archive, "save", lambda model, *_: saved.append(model))
    save_model(model, "own.keras")
    core = saved[0].get_layer("core")
    layers = list(layers_of(core))
    layers += [layer.layer for layer in layers if hasattr(layer, "layer")]
    layers += [layer.inner for layer in layers if hasattr(layer, "inner")]
    assert {layer.compute_dtype for layer in layers} == {"float32"}
    assert len(layers) == 7
    assert half in {layer.name for layer in layers}  # a name is no policy
    for ours, theirs in zip(model.get_weights(), core.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
