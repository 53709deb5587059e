"""Does every trunk build, learn, save and reload, and is it the network of its name?"""

import keras
import numpy as np
import pytest

from multitask import trunks as trunks_command
from multitask.contracts import catalog
from multitask.contracts.errors import UserError
from multitask.contracts.run import NETWORK
from multitask.networks import archive, build, pretrained, trunks
from multitask.networks.spec import NetworkSpec
from multitask.networks.trunks import TRUNKS, check_size, trunk

SMALL = ("cnn", "base_cnn", "utkface_cnn", "mobilenet_v3_large")
BIG = [
    pytest.param(name, marks=() if name in SMALL else pytest.mark.slow)
    for name in TRUNKS
]
LEARNT = [
    pytest.param(name, marks=() if name in SMALL[:3] else pytest.mark.slow)
    for name in TRUNKS
]
PUBLISHED = [
    pytest.param(name, marks=() if name in SMALL else pytest.mark.slow)
    for name, made in TRUNKS.items()
    if made.application
]
# Where Keras has what scales pictures for each of its networks.
SCALING = {
    "vgg16": keras.applications.vgg16,
    "vgg16_dense": keras.applications.vgg16,
    "resnet50": keras.applications.resnet,
    "densenet121": keras.applications.densenet,
    "inception_v3": keras.applications.inception_v3,
    "mobilenet_v3_large": keras.applications.mobilenet_v3,
    "efficientnet_v2_b0": keras.applications.efficientnet_v2,
    "convnext_tiny": keras.applications.convnext,
}


def pictures(count, size, seed=0):
    shape = (count, size, size, 3)
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def of(name, size=None, **others):
    heads = tuple(catalog.heads(["gender", "age"]))
    return NetworkSpec(trunk=name, size=size or trunk(name).size, heads=heads, **others)


@pytest.mark.parametrize("name", LEARNT)
def test_a_trunk_learns_a_step_and_reloads_in_plain_keras(name, tmp_path):
    known = of(name, tta=1)
    core = build.build_core(known, dropout=0.1, training=True)
    core.compile(optimizer="sgd", loss={head.name: head.loss() for head in known.heads})
    before = [w.numpy() for w in core.trainable_weights]
    images = pictures(2, known.size)
    targets = {
        "gender": np.array([0, 1]),
        "age": np.array([[3.0, 3.0], [20.0, 29.0]]),
    }
    loss = core.train_on_batch(images.astype(np.float32), targets)
    assert np.all(np.isfinite(loss))
    moved = [
        np.abs(w.numpy() - b).max() > 0
        for w, b in zip(core.trainable_weights, before, strict=True)
    ]
    assert np.mean(moved) > 0.9  # a dead unit may leave a bias where it was
    plain = build.build_core(known)
    plain.set_weights(core.get_weights())
    model = build.build(known, plain)
    archive.save(model, known, tmp_path / NETWORK)
    again = keras.models.load_model(tmp_path / NETWORK)
    here, there = model(images), again.predict(images, verbose=0)
    for head in ("gender", "age"):
        np.testing.assert_allclose(there[head], here[head], atol=1e-5)


@pytest.mark.parametrize("name", BIG)
def test_a_trunk_has_the_parameters_that_are_listed(name):
    model = build.build_core(of(name)).get_layer("trunk")
    assert f"{model.count_params() / 1e6:.2f}" == f"{trunk(name).millions:.2f}"


@pytest.mark.parametrize("name", BIG)
def test_the_least_size_of_a_trunk_is_enough_and_less_is_refused(name):
    known = of(name, trunk(name).least)
    assert build.build_core(known).output["gender"].shape == (None, 2)
    with pytest.raises(UserError) as caught:
        build.build_core(of(name, known.size - 1))
    assert str(caught.value) == (
        f"--image-size: is {known.size - 1}, trunk {name} needs {known.size} or more"
    )


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_network_is_the_one_of_keras_with_its_scaling(name, tmp_path):
    made = trunk(name)
    size = 224 if made.dense else max(made.least, 96)
    make = getattr(keras.applications, made.application)
    theirs = make(
        include_top=made.dense, weights=None, input_shape=(size, size, 3), pooling="avg"
    )
    theirs.save(tmp_path / "theirs.keras")
    model = build.build_core(of(name, size)).get_layer("trunk")
    pretrained.load(model, str(tmp_path / "theirs.keras"), name)
    images = pictures(2, size).astype(np.float32)
    scaled = SCALING[name].preprocess_input(images.copy())
    if made.dense:
        theirs = keras.Model(theirs.input, theirs.get_layer("fc2").output)
    expected = theirs(scaled).numpy()
    assert np.abs(expected).max() > 0
    scale = np.abs(expected).max()
    np.testing.assert_allclose(model(images) / scale, expected / scale, atol=1e-4)


def test_the_classic_networks_have_the_layers_that_they_are_known_by():
    def kernels(name):
        model = build.build_core(of(name)).get_layer("trunk")
        return [w.shape for w in model.weights if w.path.endswith("kernel")]

    assert kernels("base_cnn") == [
        (3, 3, 3, 32), (3, 3, 32, 32), (3, 3, 32, 64), (26 * 26 * 64, 64),
    ]  # fmt: skip
    assert kernels("utkface_cnn")[-1] == (3, 3, 160, 192)
    assert kernels("mood_cnn") == [
        (3, 3, 3, 16), (3, 3, 16, 32), (3, 3, 32, 16), (30 * 30 * 16, 256),
    ]  # fmt: skip
    assert kernels("regularized_cnn") == kernels("base_cnn")


def test_regularized_cnn_is_regularized_as_it_is_known():
    core = build.build_core(of("regularized_cnn"), training=True)
    layers = core.get_layer("trunk").layers
    known = ("Conv2D", "BatchNormalization", "SpatialDropout2D", "Dense")
    kinds = [
        name
        for layer in layers
        for name in known
        if isinstance(layer, getattr(keras.layers, name))
    ]
    assert kinds == [
        "Conv2D", "BatchNormalization", "Conv2D", "BatchNormalization",
        "SpatialDropout2D", "Conv2D", "BatchNormalization", "Dense",
        "BatchNormalization",
    ]  # fmt: skip
    [dropped] = [layer for layer in layers if "Dropout" in type(layer).__name__]
    assert dropped.rate == 0.5
    [dense] = [layer for layer in layers if type(layer).__name__ == "Dense"]
    assert dense.kernel_regularizer.l2 == pytest.approx(0.001)
    assert dense.activation is keras.activations.relu


def test_each_head_of_utkface_cnn_has_a_dense_layer_of_its_own():
    core = build.build_core(of("utkface_cnn"))
    for head in ("gender", "age"):
        assert core.get_layer(f"{head}_features").kernel.shape == (192, 128)


def test_a_dense_layer_between_trunk_and_heads_is_asked_for_by_its_units(
    tiny_trunk, tmp_path
):
    known = of(tiny_trunk, features=24)
    model = build.build(known)
    assert model.get_layer("core").get_layer("features").kernel.shape == (8, 24)
    archive.save(model, known, tmp_path / NETWORK)
    assert archive.load(tmp_path / NETWORK)[1] == known


def test_pooling_is_open_where_keras_leaves_it_open(tmp_path):
    shapes = {}
    for how in ("average", "max", "flatten"):
        known = of("mobilenet_v3_large", 64, pooling=how)
        core = build.build_core(known)
        shapes[how] = core.get_layer("trunk").output.shape[1:]
    assert shapes == {"average": (960,), "max": (960,), "flatten": (4 * 960,)}
    with pytest.raises(UserError, match="^--pooling: trunk cnn has its own; leave it"):
        build.build_core(of("cnn", 32, pooling="max"))


def test_the_dense_layer_may_be_held_small_and_normalized(tiny_trunk, tmp_path):
    known = of(tiny_trunk, features=24, features_l2=0.5, features_norm=True)
    core = build.build_core(known, dropout=0.1, training=True)
    kernel = core.get_layer("features").kernel.numpy()
    assert float(sum(core.losses)) == pytest.approx(0.5 * (kernel**2).sum(), rel=1e-5)
    shapes = [w.shape for w in core.get_layer("features").weights]
    count = len(build.build_core(of(tiny_trunk, features=24)).weights)
    assert shapes == [(8, 24), (24,)]
    assert len(core.weights) == count + 4
    model = build.build(known)
    archive.save(model, known, tmp_path / NETWORK)
    assert archive.load(tmp_path / NETWORK)[1] == known


# What a trunk begins with


@pytest.fixture
def trained(tiny_trunk, tmp_path):
    """A saved network of ours, and its trunk."""
    keras.utils.set_random_seed(3)
    known = of(tiny_trunk)
    model = build.build(known)
    archive.save(model, known, tmp_path / NETWORK)
    return tmp_path, model.get_layer("core").get_layer("trunk")


def test_a_trunk_begins_with_that_of_a_network_of_ours(trained, tiny_trunk):
    folder, before = trained
    model = build.build_core(of(tiny_trunk), training=True).get_layer("trunk")
    pretrained.load(model, str(folder / NETWORK), tiny_trunk)
    for one, other in zip(model.get_weights(), before.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_trunk_begins_with_weights_that_keras_wrote(trained, tiny_trunk):
    folder, before = trained
    before.save_weights(folder / "a.weights.h5")
    model = build.build_core(of(tiny_trunk), training=True).get_layer("trunk")
    pretrained.load(model, str(folder / "a.weights.h5"), tiny_trunk)
    for one, other in zip(model.get_weights(), before.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_weights_of_another_trunk_name_the_first_that_differs(trained):
    folder, _ = trained
    model = build.build_core(of("cnn")).get_layer("trunk")
    with pytest.raises(UserError) as caught:
        pretrained.load(model, str(folder / NETWORK), "cnn")
    line = str(caught.value)
    assert "/kernel is (3, 3, 3, 8)" in line
    assert "of the trunk is (3, 3, 3, 32); must be weights of the same trunk" in line


def test_weights_for_another_size_say_for_which(tmp_path):
    known = of("base_cnn", 32)
    archive.save(build.build(known), known, tmp_path / NETWORK)
    model = build.build_core(of("base_cnn", 48)).get_layer("trunk")
    with pytest.raises(UserError, match="perhaps with --image-size 32, which these"):
        pretrained.load(model, str(tmp_path / NETWORK), "base_cnn")


def test_layers_that_differ_are_named_from_plain_weights_too(trained):
    folder, before = trained
    before.save_weights(folder / "a.weights.h5")
    model = build.build_core(of("cnn")).get_layer("trunk")
    with pytest.raises(UserError) as caught:
        pretrained.load(model, str(folder / "a.weights.h5"), "cnn")
    line = str(caught.value)
    assert "for object <Conv2D " in line
    assert line.endswith(
        "variable.shape=(3, 3, 3, 32), Received: value.shape=(3, 3, 3, 8); must be of "
        "the same trunk"
    )


def test_weights_of_a_shorter_trunk_name_the_first_that_is_missing(
    tiny_trunk, tmp_path
):
    image = keras.Input((16, 16, 3))
    x = keras.layers.Conv2D(8, 3, strides=2, use_bias=False)(image)
    keras.Model(image, x).save(tmp_path / "a.keras")
    model = build.build_core(of(tiny_trunk)).get_layer("trunk")
    with pytest.raises(UserError, match="has 1 weights, the trunk has 5; the first"):
        pretrained.load(model, str(tmp_path / "a.keras"), tiny_trunk)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            "imagenet",
            "--weights: there are none of ImageNet for trunk cnn; `multitask ",
        ),
        ("nowhere.keras", "--weights: no such file: nowhere.keras; must be imagenet, "),
        ("setup.cfg", "--weights: is setup.cfg, must be .keras or .weights.h5"),
    ],
)
def test_weights_that_cannot_be_are_told_before_the_long_work(source, message):
    with pytest.raises(UserError) as caught:
        pretrained.check(source, "cnn")
    assert str(caught.value).startswith(message)


def test_dense_layers_of_imagenet_are_for_one_size():
    pretrained.check("imagenet", "vgg16_dense", 224)
    with pytest.raises(UserError, match="are for pictures of 224x224; leave --image"):
        pretrained.check("imagenet", "vgg16_dense", 96)


def test_a_damaged_file_of_weights_is_told(tiny_trunk, tmp_path):
    for name in ("a.keras", "a.weights.h5"):
        (tmp_path / name).write_bytes(b"PK nothing")
        model = build.build_core(of(tiny_trunk)).get_layer("trunk")
        with pytest.raises(UserError, match="does not fit trunk tiny"):
            pretrained.load(model, str(tmp_path / name), tiny_trunk)


def test_without_a_network_the_file_of_imagenet_is_named(monkeypatch):
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


# Names


def test_an_unknown_trunk_names_the_nearest():
    with pytest.raises(
        UserError, match=r"^--trunk: no trunk 'cmn'; did you mean 'cnn'\?"
    ):
        trunk("cmn")
    with pytest.raises(UserError, match=r"^--trunk: no trunk 'xyzzy'; known: cnn"):
        check_size("xyzzy", 64)


def test_trunks_are_listed_and_timed(monkeypatch, capsys):
    kept = {name: TRUNKS[name] for name in ("cnn", "mobilenet_v3_large")}
    monkeypatch.setattr(trunks, "TRUNKS", kept)
    assert trunks_command.main(["--time"]) == 0
    heading, cnn, _ = capsys.readouterr().out.splitlines()
    assert heading.split()[:7] == [
        "trunk", "parameters", "size", "pretrained", "ms", "per", "picture",
    ]  # fmt: skip
    assert float(cnn.split()[4]) > 0
    assert trunks_command.main([]) == 0
    heading, cnn, mobilenet = capsys.readouterr().out.splitlines()
    assert heading.split() == [
        "trunk", "parameters", "size", "pretrained", "good", "for",
    ]  # fmt: skip
    assert cnn.split()[:4] == ["cnn", "2.79", "M", "64"]
    assert mobilenet.split()[:5] == [
        "mobilenet_v3_large", "3.00", "M", "224", "imagenet",
    ]  # fmt: skip
