"""Does a trunk start from the weights that are named, and from no others?"""

import hashlib
from dataclasses import replace

import h5py
import keras
import numpy as np
import pytest
from keras.src.legacy.saving.legacy_h5_format import save_weights_to_hdf5_group

from multitask.contracts import catalog
from multitask.contracts.errors import UserError
from multitask.contracts.recipe import Recipe
from multitask.contracts.recipe_texts import parse_features
from multitask.contracts.run import NETWORK
from multitask.networks import archive, build, pretrained, trunks
from multitask.networks.named import catalog as named_catalog
from multitask.tuning.space import parse_dimension
from multitask.tuning.variants import variant
from tests.networks.hub_stand_in import COMMIT
from tests.networks.test_named import write
from tests.networks.torch_files import saved
from tests.networks.untrained import gender_age_spec, unsettle


def new_trunk(name, size=None):
    """A trunk with random weights, as it is trained."""
    core = build.build_core(gender_age_spec(name, size), training=True)
    return core.get_layer("trunk")


@pytest.fixture
def trained(tiny_trunk, tmp_path):
    """The folder of a saved network, and its trunk."""
    keras.utils.set_random_seed(3)
    spec = gender_age_spec(tiny_trunk)
    model = build.build(spec)
    archive.save(model, spec, tmp_path / NETWORK)
    return tmp_path, model.get_layer("core").get_layer("trunk")


def test_a_trunk_starts_from_that_of_a_saved_network(trained, tiny_trunk):
    folder, before = trained
    model = new_trunk(tiny_trunk)
    pretrained.load(model, str(folder / NETWORK), tiny_trunk)
    for weights, expected in zip(
        model.get_weights(), before.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(weights, expected)


def test_a_trunk_starts_from_weights_that_keras_saved(trained, tiny_trunk):
    folder, before = trained
    before.save_weights(folder / "a.weights.h5")
    model = new_trunk(tiny_trunk)
    pretrained.load(model, str(folder / "a.weights.h5"), tiny_trunk)
    for weights, expected in zip(
        model.get_weights(), before.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(weights, expected)


def test_a_trunk_starts_from_a_file_as_keras_downloads_them(trained, tiny_trunk):
    """They have an older format, and other layers without weights than the trunk."""
    folder, before = trained
    cut = keras.Model(before.layers[1].output, before.layers[-2].output)
    with h5py.File(folder / "tiny_notop.h5", "w") as file:
        save_weights_to_hdf5_group(file, cut)
    pretrained.check(str(folder / "tiny_notop.h5"), tiny_trunk)
    model = new_trunk(tiny_trunk)
    pretrained.load(model, str(folder / "tiny_notop.h5"), tiny_trunk)
    for weights, expected in zip(
        model.get_weights(), before.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(weights, expected)


def test_weights_of_another_trunk_name_the_first_that_differs(trained):
    folder, _ = trained
    model = new_trunk("cnn")
    with pytest.raises(UserError) as caught:
        pretrained.load(model, str(folder / NETWORK), "cnn")
    line = str(caught.value)
    assert "/kernel is (3, 3, 3, 8)" in line
    assert "of the trunk is (3, 3, 3, 32); give weights of the same trunk" in line


def test_weights_for_another_size_say_which(tmp_path):
    spec = gender_age_spec("base_cnn", 32)
    archive.save(build.build(spec), spec, tmp_path / NETWORK)
    model = new_trunk("base_cnn", 48)
    with pytest.raises(UserError, match="perhaps with --image-size 32, which these"):
        pretrained.load(model, str(tmp_path / NETWORK), "base_cnn")


def test_layers_that_differ_are_named_from_plain_weights_too(trained):
    folder, before = trained
    before.save_weights(folder / "a.weights.h5")
    model = new_trunk("cnn")
    with pytest.raises(UserError) as caught:
        pretrained.load(model, str(folder / "a.weights.h5"), "cnn")
    line = str(caught.value)
    assert "for object <Conv2D " in line
    assert line.endswith(
        "variable.shape=(3, 3, 3, 32), Received: value.shape=(3, 3, 3, 8); give "
        "weights of the same trunk"
    )


def test_plain_weights_that_are_cut_short_are_damaged(trained, tmp_path):
    _, before = trained
    file = tmp_path / "a.weights.h5"
    before.save_weights(file)
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(UserError, match="is damaged: .*truncated.*; copy it again"):
        pretrained.load(new_trunk("tiny"), str(file), "tiny")


def test_weights_of_a_shorter_trunk_name_the_first_that_is_missing(
    tiny_trunk, tmp_path
):
    image = keras.Input((16, 16, 3))
    x = keras.layers.Conv2D(8, 3, strides=2, use_bias=False)(image)
    keras.Model(image, x).save(tmp_path / "a.keras")
    model = new_trunk(tiny_trunk)
    with pytest.raises(UserError, match="has 1 weights, the trunk has 5; the first"):
        pretrained.load(model, str(tmp_path / "a.keras"), tiny_trunk)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            "imagenet",
            "--weights: trunk cnn has no ImageNet weights; `python -m multitask.",
        ),
        ("nowhere.keras", "--weights: there is no file nowhere.keras; give imagenet, "),
        ("setup.cfg", "--weights setup.cfg: must end in .keras or .weights.h5"),
    ],
)
def test_weights_that_cannot_be_loaded_are_an_error_before_training(source, message):
    with pytest.raises(UserError) as caught:
        pretrained.check(source, "cnn")
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("name", "trunk", "message"),
    [
        ("a.keras", "cnn", "is not a Keras file, or is truncated; give another file"),
        ("a.weights.h5", "cnn", "is not a Keras file, or is truncated; give another f"),
        ("a.pth", "efficientnet_lite0", "is not in PyTorch's format; give a complete "),
    ],
)
def test_a_damaged_file_is_told_before_any_data_is_read(tmp_path, name, trunk, message):
    (tmp_path / name).write_text("a letter")
    with pytest.raises(UserError) as caught:
        pretrained.check(str(tmp_path / name), trunk)
    assert str(caught.value).startswith(f"{tmp_path / name}: {message}")


def test_a_file_of_pytorch_is_offered_to_the_trunk_that_reads_it(tmp_path):
    (tmp_path / "a.bin").touch()
    (tmp_path / "a.pth").write_bytes(saved({"a": np.zeros(2)}))
    pretrained.check(str(tmp_path / "a.pth"), "efficientnet_lite0")
    for name, trunk, endings in (
        ("a.bin", "efficientnet_lite0", ".keras or .weights.h5 or .pth"),
        ("a.pth", "cnn", ".keras or .weights.h5"),
    ):
        with pytest.raises(UserError) as caught:
            pretrained.check(str(tmp_path / name), trunk)
        assert str(caught.value) == f"--weights {name}: must end in {endings}"


def test_a_named_network_is_of_one_trunk_and_size(tiny_trunk, named_folder):
    spec = gender_age_spec(tiny_trunk, 24)
    archive.save(build.build(spec), spec, named_folder / "faces.keras")
    pretrained.check("faces", tiny_trunk)
    assert pretrained.size("faces") == 24
    assert pretrained.absolute("faces") == str(named_folder / "faces.keras")
    assert pretrained.size("none") == pretrained.size("imagenet") == 0
    with pytest.raises(UserError) as caught:
        pretrained.check("faces", "cnn")
    assert str(caught.value) == (
        "--weights: faces has trunk tiny, the recipe has cnn; use --trunk tiny, or "
        "other weights"
    )
    with pytest.raises(UserError) as caught:
        pretrained.check("facez", "cnn")
    assert str(caught.value) == (
        "--weights: is 'facez', which is neither a file nor the name of a network; did "
        "you mean 'faces'? Known: imagenet, none, faces"
    )


def test_the_name_of_an_installed_network_stands_for_it(named_folder):
    bundled = write(named_catalog.BUNDLED / "zebra" / NETWORK)
    assert pretrained.absolute("zebra") == "zebra"
    assert pretrained.network("zebra") == bundled
    assert pretrained.size("zebra") == 64


def test_an_address_is_asked_for_once_and_means_one_revision(
    server, tmp_path, monkeypatch
):
    server.sent = write(tmp_path / "sent.keras").read_bytes()
    server.etag = hashlib.sha256(server.sent).hexdigest()
    pretrained._downloaded.cache_clear()
    pin = f"hf://own/net@{COMMIT}/network.keras"
    for _ in range(2):
        pretrained.check("hf://own/net", "cnn")
        assert pretrained.absolute("hf://own/net") == pin
        assert pretrained.absolute(pin) == pin
        assert pretrained.size("hf://own/net") == pretrained.size(pin) == 64
    assert server.asked == 1
    server.commit = "d1" * 20  # a new revision
    recipe = variant(
        Recipe(trunk="cnn", weights="hf://own/net"),
        [parse_dimension("dropout=0.1,0.2")],
        {"dropout": 0.1},
    )
    assert (recipe.weights, recipe.image_size) == (pin, 64)
    pretrained._downloaded.cache_clear()


@pytest.mark.parametrize(
    ("heads", "dense", "message"),
    [
        (("gender", "age"), "0", "the trunk and heads gender, age"),
        (("age:regression",), "0", "the trunk; new heads: age (of another kind)"),
        (("gender",), "8", "the trunk; new heads: gender (its --features differ)"),
        (("pose",), "0", "the trunk; new heads: pose (it has none of this name)"),
    ],
)
def test_heads_that_answer_the_same_question_are_loaded(
    heads, dense, message, trained, tiny_trunk
):
    folder, _ = trained
    before, _ = archive.load(folder)
    spec = replace(
        gender_age_spec(tiny_trunk), heads=tuple(catalog.heads(heads)),
        dense=parse_features(dense),
    )  # fmt: skip
    core = build.build_core(spec, dropout=0.2, training=True)
    said: list[str] = []
    new, features_loaded = pretrained.begin(core, spec, str(folder), said.append)
    assert said == [f"begins from {folder} (pictures of 16 pixels): {message}"]
    assert bool(new) == ("new heads" in message)
    assert features_loaded == (dense == "0")
    for head in set(spec.heads) - set(new):
        ours, theirs = (
            model.get_layer(head.name).get_weights()
            for model in (core, before.get_layer("core"))
        )
        for weight, other in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(weight, other)


def test_heads_with_other_classes_are_new(trained, tiny_trunk):
    folder, _ = trained
    spec = gender_age_spec(tiny_trunk)
    gender, age = spec.heads
    heads = (replace(gender, classes=("female", "male")), replace(age, step=2.0))
    spec = replace(spec, heads=heads)
    said: list[str] = []
    new, _ = pretrained.begin(build.build_core(spec), spec, str(folder), said.append)
    assert new == heads
    assert said[0].endswith(
        "the trunk; new heads: gender (its classes differ), age (its range differs)"
    )


@pytest.fixture
def pooled_trunk(tiny_trunk, monkeypatch):
    """The name of a trunk as `tiny` whose pooling is open."""
    layers = {
        "average": keras.layers.GlobalAveragePooling2D,
        "max": keras.layers.GlobalMaxPooling2D,
        "flatten": keras.layers.Flatten,
    }

    def build(images, norm, pooling="average"):
        x = keras.layers.Conv2D(8, 3, strides=2, use_bias=False)(images)
        return layers[pooling]()(norm()(x))

    entry = replace(trunks.TRUNKS[tiny_trunk], build=build, application="ResNet50")
    monkeypatch.setitem(trunks.TRUNKS, "pooled", replace(entry, name="pooled"))
    return "pooled"


@pytest.mark.parametrize(
    ("before", "now", "reason"),
    [
        ({"dense": "8"}, {"dense": "8", "pooling": "flatten"}, "--pooling differs"),
        ({"dense": "8"}, {"dense": "8", "pooling": "max"}, "--pooling differs"),
        ({}, {"pooling": "max"}, "--pooling differs"),
        ({"dense": "8"}, {"dense": "8,norm=yes"}, "--features differ"),
        ({"dense": "8"}, {"dense": "12"}, "--features differ"),
        ({"pooling": "flatten", "dense": "8", "size": 16},
         {"pooling": "flatten", "dense": "8", "size": 24}, "--image-size differs"),
        ({"dense": "8", "size": 16}, {"dense": "8", "size": 24}, ""),
        ({"dense": "8,norm=yes,l2=0.5"}, {"dense": "8,norm=yes"}, ""),
    ],
)  # fmt: skip
def test_heads_are_loaded_with_the_features_that_they_take(
    before, now, reason, pooled_trunk, tmp_path
):
    def spec_of(dense="0", size=16, **settings):
        features = parse_features(dense)
        return gender_age_spec(pooled_trunk, size, dense=features, **settings)

    theirs, spec = spec_of(**before), spec_of(**now)
    model = build.build(theirs)
    unsettle(model)
    archive.save(model, theirs, tmp_path / NETWORK)
    core = build.build_core(spec, training=True)
    fresh = core.get_layer("gender").get_weights()
    said: list[str] = []
    new, features_loaded = pretrained.begin(core, spec, str(tmp_path), said.append)
    other = model.get_layer("core")
    np.testing.assert_array_equal(
        core.get_layer("trunk").get_weights()[0],
        other.get_layer("trunk").get_weights()[0],
    )
    pictures = f"pictures of {spec.size} pixels"
    if spec.size != theirs.size:
        pictures += f", its own had {theirs.size}"
    assert said[0].startswith(f"begins from {tmp_path} ({pictures}): the trunk")
    assert features_loaded == (not reason)
    if reason:
        assert new == spec.heads
        assert f"new heads: gender (its {reason}), age (its {reason})" in said[0]
        expected = fresh
    else:
        assert new == ()
        expected = other.get_layer("gender").get_weights()
        for ours in core.layers:
            if ours.name.startswith("features-") and ours.weights:
                loaded = other.get_layer(ours.name).get_weights()
                np.testing.assert_array_equal(ours.get_weights()[0], loaded[0])
    np.testing.assert_array_equal(
        core.get_layer("gender").get_weights()[0], expected[0]
    )


def test_dense_layers_of_imagenet_are_for_one_size():
    pretrained.check("imagenet", "vgg16_dense", 224)
    with pytest.raises(UserError, match="needs pictures of 224x224; leave out --image"):
        pretrained.check("imagenet", "vgg16_dense", 96)


def test_a_damaged_file_of_weights_is_an_error(tiny_trunk, tmp_path):
    for name in ("a.keras", "a.weights.h5"):
        (tmp_path / name).write_bytes(b"PK nothing")
        model = new_trunk(tiny_trunk)
        with pytest.raises(UserError, match="is not a Keras file, or is truncated"):
            pretrained.load(model, str(tmp_path / name), tiny_trunk)


def test_offline_the_file_of_imagenet_is_named(monkeypatch):
    def offline(**settings):
        raise Exception(
            "URL fetch failure on https://example.org/a/resnet_notop.h5: None -- [Err]"
        )

    monkeypatch.setattr(keras.applications, "ResNet50", offline)
    with pytest.raises(UserError) as caught:
        pretrained.load(None, "imagenet", "resnet50")
    line = str(caught.value)
    assert line.startswith(
        "--weights imagenet: resnet_notop.h5 can't be downloaded from "
        "https://example.org/a/resnet_notop.h5; put it into "
    )
    assert line.endswith(
        "or choose --trunk efficientnet_lite0, which needs no download"
    )
