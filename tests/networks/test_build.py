"""Is the model that is built a trunk with its heads, alike in all its forms?"""

from dataclasses import replace

import keras
import numpy as np
import pytest

from multitask.contracts import catalog
from multitask.contracts.errors import UserError
from multitask.contracts.recipe_texts import DenseFeatures
from multitask.contracts.run import NETWORK
from multitask.data.batches import Batches
from multitask.networks import archive, build, trunks
from multitask.networks.freeze import cut, rejoined
from multitask.networks.spec import NetworkSpec
from multitask.training.loss_balancing import balanced
from tests.networks.untrained import (
    NAMES,
    assert_near,
    face_spec,
    gender_age_spec,
    numbers,
    pictures,
    unsettle,
)

HUE = {"hue": {"kind": "regression", "low": 0, "high": 1}}


def test_outputs_bear_the_names_of_the_heads(network):
    outputs = numbers(network[0](pictures()))
    shapes = {name: value.shape for name, value in outputs.items()}
    assert shapes == {
        "age": (5, 117),
        "gender": (5, 2),
        "pose": (5, 5),
        "attributes": (5, 2),
    }
    assert all(value.dtype == np.float32 for value in outputs.values())


def test_calling_and_predicting_agree_and_change_nothing(network):
    model, _ = network
    before = [w.numpy().copy() for w in model.weights]
    called = numbers(model(pictures()))
    called_again = numbers(model(pictures()))
    for name in NAMES:
        np.testing.assert_array_equal(called[name], called_again[name])
    assert_near(model.predict(pictures(), verbose=0), called)
    # In training mode a picture's answer would depend on the others of its batch.
    assert_near(
        {name: value[:1] for name, value in called.items()}, model(pictures()[:1])
    )
    for weight, value in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(weight.numpy(), value, weight.path)


def test_training_mode_would_have_been_noticed(network):
    model, _ = network
    by_default, inference = model(pictures()), model(pictures(), training=False)
    assert_near(by_default, inference)
    weights = model.get_weights()
    training = model(pictures(), training=True)
    model.set_weights(weights)
    assert np.abs(np.asarray(training["age"]) - by_default["age"]).max() > 1e-4


def test_a_picture_and_its_mirror_image_get_mirrored_answers(network):
    # Of the network's own size with its margin, so that nothing is rounded in resizing.
    images = pictures(4, 20, 20)
    there = numbers(network[0](images))
    back = numbers(network[0](images[:, :, ::-1]))
    for name in ("age", "gender", "attributes"):
        np.testing.assert_allclose(there[name], back[name], atol=1e-5)
    # frontal, left, right, up, down
    np.testing.assert_allclose(
        there["pose"], back["pose"][:, [0, 2, 1, 3, 4]], atol=1e-5
    )
    assert np.abs(there["pose"] - back["pose"]).max() > 1e-4


def test_one_crop_is_the_centre_as_in_training(network):
    core = build.build_core(network[1])
    model = build.build(replace(network[1], tta=1), core)
    images = pictures(4, 20, 20)
    batches = Batches(
        pixels=images, rows=np.arange(4), encoded={}, batch_size=4, size=16
    )
    [(crops, _, _)] = batches.in_order().as_numpy_iterator()
    np.testing.assert_array_equal(crops, images[:, 2:18, 2:18])
    assert_near(model(images), core(images[:, 2:18, 2:18].astype(np.float32)))


def test_outputs_are_the_mean_over_a_picture_and_its_mirror_image(network):
    model, spec = network
    core = build.build_core(spec)
    core.set_weights(model.get_weights())
    single = build.build(replace(spec, tta=1), core)
    images = pictures(4, 16, 16)
    one, other = (numbers(single(x)) for x in (images, images[:, :, ::-1]))
    for name in ("age", "gender", "attributes"):
        mean = (one[name] + other[name]) / 2
        np.testing.assert_allclose(network[0](images)[name], mean, atol=1e-5)
        assert np.abs(one[name] - other[name]).max() > 1e-5


def test_four_crops_lie_at_four_corners_two_of_them_mirrored(tiny_trunk):
    spec = face_spec(tiny_trunk, tta=4)  # of 20 x 20 pixels: a margin of 2
    core = build.build_core(spec)
    unsettle(core)
    images = pictures(3, 20, 20)
    crops = [
        images[:, top : top + 16, left : left + 16]
        for top, left in ((0, 0), (4, 4), (0, 4), (4, 0))
    ]
    crops[2:] = [crop[:, :, ::-1] for crop in crops[2:]]
    outputs = [numbers(core(crop.astype(np.float32))) for crop in crops]
    for part in outputs[2:]:  # frontal, left, right, up, down
        part["pose"] = part["pose"][:, [0, 2, 1, 3, 4]]
    averaged = build.build(spec, core)(images)
    for name in ("age", "gender", "attributes", "pose"):
        mean = np.mean([part[name] for part in outputs], axis=0)
        np.testing.assert_allclose(averaged[name], mean, atol=1e-5)


def test_weights_trained_in_another_precision_answer_alike_in_float32(network):
    model, spec = network
    trained = build.build_core(spec, 0.3, "mixed_bfloat16", training=True)
    trained.set_weights(model.get_weights())
    images = pictures(4, 16, 16)
    core = build.build_core(spec)
    core.set_weights(trained.get_weights())
    final = build.build(spec, core)
    for one, other in zip(final.weights, model.weights, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())
    assert_near(final(images), model(images), 1e-6)
    # bfloat16 has 8 bits: answers between 0 and 1 keep two digits.
    exact = numbers(core(images.astype(np.float32)))
    rough = numbers(trained(images.astype(np.float32)))
    assert_near(rough, exact, 0.05)
    assert all(value.dtype == np.float32 for value in rough.values())
    assert keras.config.dtype_policy().name == "float32"  # as it was


def test_the_precision_is_restored_after_a_failure():
    with pytest.raises(UserError):
        build.build_core(
            NetworkSpec(trunk="cnn", size=15, heads=()), policy="mixed_bfloat16"
        )
    assert keras.config.dtype_policy().name == "float32"


def test_a_dense_layer_lies_between_trunk_and_heads_if_it_has_units(
    tiny_trunk, tmp_path
):
    spec = gender_age_spec(tiny_trunk, dense=DenseFeatures(units=24))
    model = build.build(spec)
    assert model.get_layer("core").get_layer("features-dense").kernel.shape == (8, 24)
    archive.save(model, spec, tmp_path / NETWORK)
    assert archive.load(tmp_path / NETWORK)[1] == spec


def test_the_dense_layer_may_have_weight_decay_and_be_normalized(tiny_trunk, tmp_path):
    spec = gender_age_spec(tiny_trunk, dense=DenseFeatures(units=24, l2=0.5, norm=True))
    core = build.build_core(spec, dropout=0.1, training=True)
    kernel = core.get_layer("features-dense").kernel.numpy()
    assert float(sum(core.losses)) == pytest.approx(0.5 * (kernel**2).sum(), rel=1e-5)
    shapes = [w.shape for w in core.get_layer("features-dense").weights]
    plain = gender_age_spec(tiny_trunk, dense=DenseFeatures(units=24))
    count = len(build.build_core(plain).weights)
    assert shapes == [(8, 24), (24,)]
    assert len(core.weights) == count + 4
    model = build.build(spec)
    archive.save(model, spec, tmp_path / NETWORK)
    assert archive.load(tmp_path / NETWORK)[1] == spec


def test_each_head_of_utkface_cnn_has_a_dense_layer_of_its_own():
    core = build.build_core(gender_age_spec("utkface_cnn"))
    for head in ("gender", "age"):
        assert core.get_layer(f"{head}-features").kernel.shape == (192, 128)


def test_no_layer_beside_the_heads_has_a_name_that_a_head_can_have(tiny_trunk):
    heads = catalog.heads(["age", "gender", "attributes[Smiling]", "hue"], HUE)
    dense = DenseFeatures(units=4, norm=True)
    spec = NetworkSpec(trunk=tiny_trunk, size=16, heads=heads, dense=dense)
    with_units = replace(trunks.trunk(tiny_trunk), units=4)
    core = build.build_core(spec, 0.5, training=True, architecture=with_units)
    others = [
        operation.name
        for model in (core, build.build(spec, core))
        for operation in model.operations
        if operation.name not in {head.name for head in heads}
    ]
    assert len(others) > 8
    for name in others:
        if name.isidentifier():
            with pytest.raises(UserError, match="is also the name of a layer"):
                catalog.check_layer_names(catalog.heads([name], {name: HUE["hue"]}))


@pytest.mark.parametrize("mode", ["all", "1"])
def test_a_head_may_be_called_features_in_every_model_of_a_training(tiny_trunk, mode):
    kind = {"kind": "softmax", "classes": ["a", "b"]}
    names = ["features", "age", "age_features", "dropout", "functional", "input_layer"]
    heads = catalog.heads(names, dict.fromkeys({*names} - {"age"}, kind))
    dense = DenseFeatures(units=4, norm=True)
    spec = NetworkSpec(trunk="cnn", size=16, heads=heads, dense=dense)
    utkface = replace(trunks.trunk("cnn"), units=4)
    keras.utils.clear_session()  # the names of Keras's own count from 0 again
    core = build.build_core(spec, 0.5, training=True, architecture=utkface)
    whole = rejoined(*cut(core, mode))
    model = balanced(whole, heads, "uncertainty")
    images = pictures(2, 16, 16).astype(np.float32)
    assert set(model(images)) == set(names)
    assert set(build.build(spec)(pictures(2))) == set(names)
