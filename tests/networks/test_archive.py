"""Is the saved file the network that was trained, also in plain Keras?"""

import json
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from multitask.contracts import catalog
from multitask.contracts.errors import UserError
from multitask.contracts.run import NETWORK
from multitask.data.batches import Batches
from multitask.networks import archive, build
from multitask.networks.normalization import FusedNormalization
from multitask.networks.spec import NetworkSpec

ROOT = Path(__file__).parents[2]
HEADS = ("age", "gender", "pose", "attributes[Smiling,Young]")
NAMES = ["age", "gender", "pose", "attributes"]


def pictures(count=5, height=37, width=50, seed=0):
    shape = (count, height, width, 3)
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def unsettle(model):
    """Give a network the statistics of a training that batches don't share."""
    lots = np.random.default_rng(1)
    for weight in model.weights:
        shape = weight.shape
        if weight.path.endswith(("moving_mean", "beta")):
            weight.assign(lots.normal(0, 0.5, shape))
        elif weight.path.endswith(("moving_variance", "gamma")):
            weight.assign(lots.uniform(0.5, 2, shape))


def spec(name, tta=2, size=16):
    return NetworkSpec(
        trunk=name,
        size=size,
        crop=0.8,
        heads=tuple(catalog.heads(HEADS)),
        tta=tta,
        notes=("Faces were drawn.",),
        recipe={"epochs": 3, "heads": list(HEADS)},
    )


@pytest.fixture(scope="module", params=["tiny", "cnn"])
def made(request, tiny_trunk):
    keras.utils.set_random_seed(0)
    known = spec(request.param)
    model = build.build(known)
    unsettle(model)
    return model, known


@pytest.fixture(scope="module")
def saved(made, tmp_path_factory):
    model, known = made
    path = tmp_path_factory.mktemp("network") / NETWORK
    archive.save(model, known, path)
    return path


def numbers(outputs):
    assert list(outputs) == NAMES
    return {name: np.asarray(value) for name, value in outputs.items()}


def assert_near(one, other, atol=1e-5):
    one, other = numbers(one), numbers(other)
    for name in NAMES:
        np.testing.assert_allclose(one[name], other[name], atol=atol, err_msg=name)


# One file, the same answers everywhere


def test_outputs_bear_the_names_of_the_heads(made):
    outputs = numbers(made[0](pictures()))
    shapes = {name: value.shape for name, value in outputs.items()}
    assert shapes == {
        "age": (5, 117),
        "gender": (5, 2),
        "pose": (5, 5),
        "attributes": (5, 2),
    }
    assert all(value.dtype == np.float32 for value in outputs.values())


def test_calling_and_predicting_agree_and_change_nothing(made):
    model, _ = made
    before = [w.numpy().copy() for w in model.weights]
    called = numbers(model(pictures()))
    again = numbers(model(pictures()))
    for name in NAMES:
        np.testing.assert_array_equal(called[name], again[name])
    assert_near(model.predict(pictures(), verbose=0), called)
    # In training mode a picture's answer would depend on the others of its batch.
    assert_near(
        {name: value[:1] for name, value in called.items()}, model(pictures()[:1])
    )
    for weight, value in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(weight.numpy(), value, weight.path)


def test_training_mode_would_have_been_noticed(made):
    straight, trained = made[0](pictures()), made[0](pictures(), training=False)
    assert_near(straight, trained)
    weights = made[0].get_weights()
    in_training = made[0](pictures(), training=True)
    made[0].set_weights(weights)
    assert np.abs(np.asarray(in_training["age"]) - straight["age"]).max() > 1e-4


def test_a_loaded_network_is_the_one_that_was_saved(made, saved):
    model, known = archive.load(saved)
    assert known == made[1]
    for shape in ((16, 16), (37, 50), (90, 20)):
        assert_near(model(pictures(3, *shape)), made[0](pictures(3, *shape)), 1e-6)
    again, _ = archive.load(saved.parent)  # a run folder
    assert_near(again(pictures()), made[0](pictures()), 1e-6)


PLAIN = """
import sys
sys.modules["multitask"] = None  # to import it is an error
import keras, numpy
model = keras.models.load_model(sys.argv[1])
images = numpy.load(sys.argv[2])
outputs = model(images)
predicted = model.predict(images, verbose=0)
called = {f"called_{name}": value for name, value in outputs.items()}
numpy.savez(sys.argv[3], **predicted, **called)
print({layer.dtype_policy.name for layer in model._flatten_layers()})
"""


@pytest.mark.parametrize("made", ["cnn"], indirect=True)
def test_plain_keras_opens_it_where_this_package_is_not(made, saved, tmp_path):
    np.save(tmp_path / "in.npy", pictures())
    files = [saved, tmp_path / "in.npy", tmp_path / "out.npz"]
    run = subprocess.run(
        [sys.executable, "-I", "-c", PLAIN, *map(str, files)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == "{'float32'}"
    found = np.load(tmp_path / "out.npz")
    here = numbers(made[0](pictures()))
    for name in NAMES:
        np.testing.assert_allclose(found[name], here[name], atol=1e-6)
        np.testing.assert_allclose(found[f"called_{name}"], here[name], atol=1e-6)


def test_what_keras_does_not_know_rides_along(made, saved):
    with zipfile.ZipFile(saved) as members:
        assert members.testzip() is None
        found = json.loads(members.read("multitask.json"))
        names = members.namelist()
    assert len(names) == len(set(names)) == 4
    assert found["format"] == 3
    assert found["recipe"] == {"epochs": 3, "heads": list(HEADS)}
    assert [head["name"] for head in found["heads"]] == NAMES


def test_saving_what_was_loaded_changes_nothing(saved, tmp_path):
    model, known = archive.load(saved)
    archive.save(model, replace(known, notes=("b",)), tmp_path / NETWORK)
    again, found = archive.load(tmp_path / NETWORK)
    assert found == replace(known, notes=("b",))
    assert_near(again(pictures()), model(pictures()), 1e-6)


def test_how_outputs_are_read_is_written_anew_without_the_weights(saved, tmp_path):
    path = tmp_path / NETWORK
    path.write_bytes(saved.read_bytes())
    model, known = archive.load(path)
    archive.save_spec(replace(known, notes=("c",)), path)
    again, found = archive.load(path)
    assert found == replace(known, notes=("c",))
    assert_near(again(pictures()), model(pictures()), 0)
    with zipfile.ZipFile(path) as members, zipfile.ZipFile(saved) as before:
        assert members.namelist() == before.namelist()
    assert list(tmp_path.iterdir()) == [path]


# Mirror images


def test_a_picture_and_its_mirror_image_get_mirrored_answers(made):
    # Of the network's own size with its margin, so that nothing is rounded in resizing.
    images = pictures(4, 20, 20)
    there = numbers(made[0](images))
    back = numbers(made[0](images[:, :, ::-1]))
    for name in ("age", "gender", "attributes"):
        np.testing.assert_allclose(there[name], back[name], atol=1e-5)
    # frontal, left, right, up, down
    np.testing.assert_allclose(
        there["pose"], back["pose"][:, [0, 2, 1, 3, 4]], atol=1e-5
    )
    assert np.abs(there["pose"] - back["pose"]).max() > 1e-4


def test_the_middle_is_looked_at_as_in_training(made):
    core = build.build_core(made[1])
    model = build.build(replace(made[1], tta=1), core)
    images = pictures(4, 20, 20)
    batches = Batches(
        pixels=images, rows=np.arange(4), encoded={}, batch_size=4, size=16
    )
    [(seen, _, _)] = batches.in_order().as_numpy_iterator()
    np.testing.assert_array_equal(seen, images[:, 2:18, 2:18])
    assert_near(model(images), core(images[:, 2:18, 2:18].astype(np.float32)))


def test_answers_are_the_mean_over_both(made):
    model, known = made
    core = build.build_core(known)
    core.set_weights(model.get_weights())
    straight_only = build.build(replace(known, tta=1), core)
    images = pictures(4, 16, 16)
    one, other = (numbers(straight_only(x)) for x in (images, images[:, :, ::-1]))
    for name in ("age", "gender", "attributes"):
        mean = (one[name] + other[name]) / 2
        np.testing.assert_allclose(made[0](images)[name], mean, atol=1e-5)
        assert np.abs(one[name] - other[name]).max() > 1e-5


def test_four_looks_are_of_four_places_two_of_them_in_a_mirror(tiny_trunk):
    known = spec(tiny_trunk, tta=4)  # of 20 x 20 pixels: a margin of 2
    core = build.build_core(known)
    unsettle(core)
    images = pictures(3, 20, 20)
    seen = [
        images[:, top : top + 16, left : left + 16]
        for top, left in ((0, 0), (4, 4), (0, 4), (4, 0))
    ]
    seen[2:] = [part[:, :, ::-1] for part in seen[2:]]
    said = [numbers(core(part.astype(np.float32))) for part in seen]
    for part in said[2:]:  # frontal, left, right, up, down
        part["pose"] = part["pose"][:, [0, 2, 1, 3, 4]]
    found = build.build(known, core)(images)
    for name in ("age", "gender", "attributes", "pose"):
        mean = np.mean([part[name] for part in said], axis=0)
        np.testing.assert_allclose(found[name], mean, atol=1e-5)
    # Without a margin there are no other places.
    assert replace(known, crop=1.0).crops() == replace(known, crop=1.0, tta=2).crops()


def test_one_head_alone_still_answers_by_name(tiny_trunk, tmp_path):
    known = NetworkSpec(trunk="tiny", size=16, heads=tuple(catalog.heads(["gender"])))
    archive.save(build.build(known), known, tmp_path / NETWORK)
    model, _ = archive.load(tmp_path / NETWORK)
    assert list(model(pictures())) == ["gender"]
    assert list(model.predict(pictures(), verbose=0)) == ["gender"]


# What is no network


def refused(path):
    with pytest.raises(UserError) as caught:
        archive.load(path)
    line = str(caught.value)
    assert "\n" not in line
    assert line.startswith(f"{path}: ")
    return line.removeprefix(f"{path}: ")


@pytest.fixture(scope="module")
def small(tiny_trunk, tmp_path_factory):
    known = spec("tiny")
    path = tmp_path_factory.mktemp("small") / NETWORK
    archive.save(build.build(known), known, path)
    return path


@pytest.mark.parametrize("share", [0, 0.01, 0.3, 0.7, 0.99, 0.9999])
def test_a_truncated_file_is_refused(share, small, tmp_path):
    data = small.read_bytes()
    path = tmp_path / "a.keras"
    path.write_bytes(data[: int(share * len(data))])
    assert refused(path).startswith("is no network file, or is truncated (")


def test_damage_anywhere_is_noticed_or_harmless(small, tmp_path):
    path = tmp_path / "a.keras"
    data, lots = small.read_bytes(), np.random.default_rng(0)
    whole = archive._read_spec(small)
    for _ in range(300):
        damaged = bytearray(data)
        # Half of it near the end, where the table of the zip is.
        start = 0 if lots.random() < 0.5 else len(data) - 400
        damaged[lots.integers(start, len(data))] ^= 1 << int(lots.integers(8))
        path.write_bytes(damaged)
        try:
            assert archive._read_spec(path) == whole
        except UserError as error:
            assert str(error).startswith(f"{path}: ")  # noqa: PT017


def test_what_is_no_network_says_what_it_is(tmp_path):
    text = tmp_path / "text.keras"
    text.write_text("a letter")
    assert refused(text) == (
        "is no network file, or is truncated (File is not a zip file); must be a "
        "network.keras that multitask.fit wrote"
    )
    assert refused(tmp_path / "none.keras") == (
        "no such network; name a run folder or a .keras file"
    )
    with pytest.raises(UserError, match="network.keras: no such network"):
        archive.load(tmp_path)


def test_a_network_of_plain_keras_is_refused(tmp_path):
    path = tmp_path / "plain.keras"
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(path)
    assert refused(path) == (
        "is not a network of this package, its heads are unknown; open it with "
        "keras.models.load_model"
    )


def with_member(source, target, text):
    """A copy of a network whose `multitask.json` is another."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            new.writestr(name, text if name == "multitask.json" else old.read(name))
    return target


def test_a_newer_format_asks_for_an_update(small, tmp_path):
    path = with_member(
        small, tmp_path / "a.keras", '{"format": 4, "multitask": "9.1", "new": []}'
    )
    from multitask import __version__

    assert refused(path) == (
        f"was written by multitask 9.1, this is {__version__}; update multitask"
    )


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"format": 3}', "7"])
def test_a_member_that_is_not_ours_is_refused(text, small, tmp_path):
    path = with_member(small, tmp_path / "a.keras", text)
    assert "is damaged" in refused(path)


def test_a_damaged_model_inside_is_refused(small, tmp_path):
    path = tmp_path / "a.keras"
    with zipfile.ZipFile(small) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            new.writestr(name, "{}" if name == "config.json" else old.read(name))
    assert refused(path).startswith("is damaged: ")


# A disk that is full


FULL = """
import resource, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from multitask.networks import archive as network
from multitask.contracts.errors import UserError

source, *targets = map(Path, sys.argv[2:])
model, about = network.load(source)
network.save(model, about, source)
whole = source.stat().st_size
for target in targets:
    limit = int(float(target.parent.name) * whole)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, -1))
    try:
        network.save(model, about, target)
    except UserError as error:
        print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="has no such limit")
def test_a_full_disk_keeps_the_previous_file(small, tmp_path):
    """A disk that has room for a share of the file, with and without a file before."""
    source = tmp_path / "source.keras"
    source.write_bytes(small.read_bytes())
    targets = []
    for before in ("there", "none"):
        for share in ("0.001", "0.3", "0.6", "0.9", "0.9999"):
            targets.append(tmp_path / before / share / NETWORK)
            targets[-1].parent.mkdir(parents=True)
            if before == "there":
                targets[-1].write_bytes(b"the previous one")
    run = subprocess.run(
        [sys.executable, "-c", FULL, str(ROOT), str(source), *map(str, targets)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    for target, line in zip(targets, run.stdout.splitlines(), strict=True):
        there = target.is_relative_to(tmp_path / "there")
        kept = "the previous one is kept" if there else "nothing was written"
        assert line == (
            f"{target}: can't be saved (File too large), {kept}; free some space"
        )
        assert list(target.parent.iterdir()) == [target] * there
        if there:
            assert target.read_bytes() == b"the previous one"


def test_a_folder_that_is_not_there_is_said(made, tmp_path):
    model, known = made
    path = tmp_path / "none" / NETWORK
    with pytest.raises(UserError, match="can't be saved .*, nothing was written"):
        archive.save(model, known, path)


# Training core and saved network


def test_weights_trained_in_another_precision_answer_alike_in_float32(made):
    model, known = made
    trained = build.build_core(known, 0.3, "mixed_bfloat16", training=True)
    trained.set_weights(model.get_weights())
    images = pictures(4, 16, 16)
    core = build.build_core(known)
    core.set_weights(trained.get_weights())
    final = build.build(known, core)
    for one, other in zip(final.weights, model.weights, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())
    assert_near(final(images), model(images), 1e-6)
    # bfloat16 has 8 bits: answers between 0 and 1 keep two digits.
    straight = numbers(core(images.astype(np.float32)))
    rough = numbers(trained(images.astype(np.float32)))
    assert_near(rough, straight, 0.05)
    assert all(value.dtype == np.float32 for value in rough.values())
    assert keras.config.dtype_policy().name == "float32"  # as it was


def test_the_precision_is_restored_after_a_failure():
    with pytest.raises(UserError):
        build.build_core(
            NetworkSpec(trunk="cnn", size=15, heads=()), policy="mixed_bfloat16"
        )
    assert keras.config.dtype_policy().name == "float32"


@pytest.fixture(params=["float32", "mixed_bfloat16"])
def norms(request):
    """The fused and the plain batch normalization with the same weights."""
    lots = np.random.default_rng(0)
    layers = []
    for cls in (FusedNormalization, keras.layers.BatchNormalization):
        layer = cls(momentum=0.9, dtype=request.param)
        layer.build((None, 6, 6, 4))
        layers.append(layer)
    values = [lots.uniform(0.5, 2, w.shape) for w in layers[0].weights]
    for layer in layers:
        layer.set_weights(values)
    tolerance = 1e-4 if request.param == "float32" else 0.05
    return (*layers, tolerance)


def normed():
    return np.random.default_rng(5).normal(1, 3, (16, 6, 6, 4)).astype(np.float32)


def test_fused_normalization_is_the_plain_one_in_training(norms):
    import tensorflow as tf

    fused, plain, tolerance = norms
    found = []
    for layer in (fused, plain):
        x = tf.constant(normed())
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(tf.cast(x, layer.compute_dtype), training=True)
            # Weighed, as the plain sum of normalized values has no gradient.
            loss = tf.reduce_sum(tf.cast(y, tf.float32) * tf.sin(x))
        watched = [x, layer.gamma.value, layer.beta.value]
        found.append((tf.cast(y, tf.float32), *tape.gradient(loss, watched)))
    for one, other in zip(*found, strict=True):
        scale = np.abs(other).max()
        np.testing.assert_allclose(one / scale, other / scale, atol=tolerance)
    np.testing.assert_allclose(fused.moving_mean, plain.moving_mean, rtol=tolerance)
    # Over n = 16 x 6 x 6 values the unbiased variance is n / (n - 1) times as large.
    np.testing.assert_allclose(
        fused.moving_variance, plain.moving_variance, rtol=max(tolerance, 1 / 575)
    )


def test_fused_normalization_is_the_plain_one_in_inference(norms):
    fused, plain, _ = norms
    for training in (False, None):
        np.testing.assert_array_equal(
            np.asarray(fused(normed(), training=training), np.float32),
            np.asarray(plain(normed(), training=training), np.float32),
        )


def test_frozen_normalization_learns_nothing(norms):
    fused, plain, _ = norms
    fused.trainable = plain.trainable = False
    before = [w.numpy() for w in fused.weights]
    one, other = (
        np.asarray(n(normed(), training=True), np.float32) for n in (fused, plain)
    )
    np.testing.assert_array_equal(one, other)
    for weight, value in zip(fused.weights, before, strict=True):
        np.testing.assert_array_equal(weight.numpy(), value)
