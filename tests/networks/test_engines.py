"""Does each engine answer as the saved model does, for any number of pictures?"""

import errno
import sys
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest
import tensorflow as tf

from multitask.contracts.errors import UserError
from multitask.networks import build, forward
from multitask.networks.analyzer import Analyzer
from multitask.networks.prediction import litert
from tests.networks.untrained import assert_near, face_spec, pictures, unsettle


@pytest.fixture(scope="module")
def networks(tiny_trunk):
    """The same untrained network of four crops, by engine."""
    keras.utils.set_random_seed(0)
    spec = face_spec("tiny", tta=4)
    model = build.build(spec)
    unsettle(model)
    usual = Analyzer(model, spec)
    networks = {"tensorflow": usual}
    if _is_installed():
        networks["litert"] = usual.with_engine("litert")
    return networks


def _is_installed():
    try:
        litert.import_interpreter()
    except UserError:
        return False
    return True


@pytest.fixture(params=["tensorflow", "litert"])
def network(request, networks):
    """The network, run by each engine."""
    if request.param not in networks:
        pytest.skip("needs the extra litert")
    return networks[request.param]


def resized(network, count):
    """Random pictures as large as the network's."""
    return pictures(count, network.spec.side, network.spec.side)


@pytest.mark.parametrize("count", [1, 7, 8, 9, 21])
def test_outputs_are_those_of_the_saved_model(network, count):
    pixels = resized(network, count)
    outputs = network.outputs(pixels, np.arange(count), batch_size=64)
    assert_near(outputs, network.model(pixels))


def test_rows_come_in_their_order_from_small_batches(network):
    pixels, rows = resized(network, 21), np.arange(21)[::-2]
    outputs = network.outputs(pixels, rows, batch_size=12)  # 3 pictures of 4 crops
    assert_near(outputs, network.model(pixels[rows]))


def test_no_pictures_have_no_outputs(network):
    none = np.arange(0)
    for _ in range(2):  # what one caller does with them is nothing to the next
        outputs, features = network.forward.with_features(resized(network, 1), none, 64)
    wanted = network.model(resized(network, 1))
    assert {name: values.shape[1:] for name, values in outputs.items()} == {
        name: tuple(values.shape[1:]) for name, values in wanted.items()
    }
    assert all(len(values) == 0 for values in (*outputs.values(), features))


def test_features_do_not_depend_on_the_engine(network, networks):
    pixels, rows = resized(network, 9), np.arange(9)
    outputs, features = network.forward.with_features(pixels, rows, 64)
    _, wanted = networks["tensorflow"].forward.with_features(pixels, rows, 64)
    assert_near(outputs, network.model(pixels))
    np.testing.assert_allclose(features, wanted, atol=1e-5)
    assert features.std(axis=0).max() > 1e-3


def test_threads_get_their_own_answers(network):
    side = network.spec.side
    batches = [pictures(n, side, side, seed=n) for n in range(1, 25)]

    def ask(pixels):
        return network.outputs(pixels, np.arange(len(pixels)), batch_size=64)

    with ThreadPoolExecutor(8) as pool:
        for pixels, outputs in zip(batches, pool.map(ask, batches), strict=True):
            assert_near(outputs, network.model(pixels))


def test_the_engine_stays_with_other_augmentation_and_heads(networks):
    if "litert" not in networks:
        pytest.skip("needs the extra litert")
    network = networks["litert"]
    assert network.with_tta(1).forward.engine == "litert"
    assert network.with_heads(network.heads).forward.engine == "litert"
    assert network.with_engine("tensorflow").forward.engine == "tensorflow"


def test_an_unknown_engine_is_told_with_the_nearest(networks):
    with pytest.raises(UserError, match="^engine: is 'litrt'; did you mean 'litert'"):
        networks["tensorflow"].with_engine("litrt")


def test_an_engine_that_is_not_installed_is_told_at_once(networks, monkeypatch):
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    with pytest.raises(UserError, match=r"needs the package ai-edge-litert.*litert\]"):
        networks["tensorflow"].with_engine("litert")


def test_a_network_that_litert_cannot_run_is_told_in_a_line(capfd):
    pytest.importorskip("ai_edge_litert")
    image = keras.Input((4, 4, 3), dtype="uint8", name="image")
    # An operation of TensorFlow that LiteRT has not.
    inverse = keras.ops.inv(keras.ops.cast(image[:, :3, :3, 0], "float32"))
    model = keras.Model(image, {"inverse": inverse})
    with pytest.raises(UserError, match=r"^my\.keras: can't be run by LiteRT") as told:
        litert.LiteRT(model, "my.keras")
    assert "\n" not in told.value.line
    assert capfd.readouterr().err == ""  # no notices of the converter


def test_litert_tells_that_there_is_no_space_for_its_file(monkeypatch):
    pytest.importorskip("ai_edge_litert")

    def fail(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    image = keras.Input((4, 4, 3), dtype="uint8", name="image")
    model = keras.Model(image, {"same": keras.ops.cast(image, "float32")})
    monkeypatch.setattr(keras.Model, "export", fail)
    with pytest.raises(UserError, match="No space left on device; free some space"):
        litert.LiteRT(model)


@pytest.mark.parametrize(
    ("error", "what"),
    [
        (
            tf.errors.ResourceExhaustedError(None, None, "OOM when allocating\n[8]"),
            "network: has too little memory for its outputs: OOM when allocating; "
            "take fewer pictures at a time (--batch-size)",
        ),
        (
            MemoryError(),
            "network: has too little memory for its outputs: MemoryError; "
            "take fewer pictures at a time (--batch-size)",
        ),
        (
            RuntimeError("Input tensor lacks data\nat node 3"),
            "network: can't compute its outputs: Input tensor lacks data; "
            "train or copy it again",
        ),
        (
            tf.errors.InvalidArgumentError(None, None, "\nshapes differ"),
            "network: can't compute its outputs: shapes differ; train or copy it again",
        ),
    ],
)
def test_only_want_of_memory_asks_for_fewer_pictures(
    networks, monkeypatch, error, what
):
    def fails(pixels):
        raise error

    network = networks["tensorflow"].with_engine("tensorflow")
    monkeypatch.setattr(forward, "_traced", lambda model: fails)
    with pytest.raises(UserError) as caught:
        network.outputs(resized(network, 2), np.arange(2), batch_size=64)
    assert caught.value.line == what
