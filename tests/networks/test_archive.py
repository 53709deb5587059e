"""Is the saved file the network that was trained, also in plain Keras?"""

import json
import os
import subprocess
import sys
import zipfile
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from multitask.contracts import catalog
from multitask.contracts.errors import UserError
from multitask.contracts.run import NETWORK
from multitask.networks import archive, build
from multitask.networks.spec import NetworkSpec
from tests.networks.untrained import (
    HEADS,
    NAMES,
    assert_near,
    face_spec,
    numbers,
    pictures,
)


@pytest.fixture(scope="module")
def saved(network, tmp_path_factory):
    model, spec = network
    path = tmp_path_factory.mktemp("network") / NETWORK
    archive.save(model, spec, path)
    return path


# One file, the same answers everywhere


def test_a_loaded_network_is_the_one_that_was_saved(network, saved):
    model, spec = archive.load(saved)
    assert spec == network[1]
    for shape in ((16, 16), (37, 50), (90, 20)):
        assert_near(model(pictures(3, *shape)), network[0](pictures(3, *shape)), 1e-6)
    of_folder, _ = archive.load(saved.parent)  # a run folder
    assert_near(of_folder(pictures()), network[0](pictures()), 1e-6)


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


@pytest.mark.parametrize("network", ["cnn"], indirect=True)
def test_plain_keras_opens_it_where_this_package_is_not(network, saved, tmp_path):
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
    outputs = np.load(tmp_path / "out.npz")
    expected = numbers(network[0](pictures()))
    for name in NAMES:
        np.testing.assert_allclose(outputs[name], expected[name], atol=1e-6)
        np.testing.assert_allclose(outputs[f"called_{name}"], expected[name], atol=1e-6)


def test_the_file_holds_the_spec_beside_the_model(network, saved):
    with zipfile.ZipFile(saved) as members:
        assert members.testzip() is None
        config = json.loads(members.read("multitask.json"))
        names = members.namelist()
    assert len(names) == len(set(names)) == 4
    assert config["format"] == 3
    assert config["recipe"] == {"epochs": 3, "heads": list(HEADS)}
    assert [head["name"] for head in config["heads"]] == NAMES


def test_a_loaded_network_may_be_saved_with_another_spec(saved, tmp_path):
    model, spec = archive.load(saved)
    archive.save(model, replace(spec, notes=("b",)), tmp_path / NETWORK)
    saved_model, saved_spec = archive.load(tmp_path / NETWORK)
    assert saved_spec == replace(spec, notes=("b",))
    assert_near(saved_model(pictures()), model(pictures()), 1e-6)


def test_the_spec_is_replaced_without_the_weights(saved, tmp_path):
    path = tmp_path / NETWORK
    path.write_bytes(saved.read_bytes())
    model, spec = archive.load(path)
    archive.save_spec(replace(spec, notes=("c",)), path)
    saved_model, saved_spec = archive.load(path)
    assert saved_spec == replace(spec, notes=("c",))
    assert_near(saved_model(pictures()), model(pictures()), 0)
    with zipfile.ZipFile(path) as members, zipfile.ZipFile(saved) as before:
        assert members.namelist() == before.namelist()
    assert list(tmp_path.iterdir()) == [path]


def test_kernels_in_float16_are_loaded_as_float32(network, saved, tmp_path):
    model, spec = network
    spec = replace(spec, recipe={**spec.recipe, "storage": "float16"})
    path = tmp_path / NETWORK
    archive.save(model, spec, path)
    rounded, loaded_spec = archive.load(path)
    assert loaded_spec == spec
    assert os.listdir(tmp_path) == [NETWORK]
    assert {str(weight.dtype) for weight in rounded.weights} == {"float32"}
    for weight, before in zip(rounded.weights, model.weights, strict=True):
        expected = np.array(before)
        if expected.ndim > 1:  # vectors stay as they are
            expected = expected.astype(np.float16).astype(np.float32)
        np.testing.assert_array_equal(weight, expected, err_msg=before.path)
    if spec.trunk == "cnn":
        assert path.stat().st_size < 0.47 * saved.stat().st_size


def test_kernels_beyond_the_range_of_float16_stay_in_float32(tiny_trunk, tmp_path):
    spec = NetworkSpec(
        trunk="tiny", size=16, heads=tuple(catalog.heads(["gender"])),
        recipe={"storage": "float16"},
    )  # fmt: skip
    model = build.build(spec)
    kernel = model.get_layer("core").get_layer("gender").kernel
    values = np.full(kernel.shape, 1.0001, np.float32)
    values[0, 0] = 65505  # the largest float16 is 65504
    kernel.assign(values)
    archive.save(model, spec, tmp_path / NETWORK)
    loaded, _ = archive.load(tmp_path / NETWORK)
    core = loaded.get_layer("core")
    np.testing.assert_array_equal(core.get_layer("gender").kernel, values)


def settings_of(config):
    """The names of all settings in the config of a model."""
    if isinstance(config, list):
        return set().union(*map(settings_of, config))
    if not isinstance(config, dict):
        return set()
    return set(config).union(*map(settings_of, config.values()))


def test_the_config_has_nothing_that_earlier_versions_of_keras_refuse(saved):
    """Keras 3.12 refuses each of these."""
    with zipfile.ZipFile(saved) as members:
        settings = settings_of(json.loads(members.read("config.json")))
    assert {"kernel_initializer", "momentum"} <= settings
    newer = {"quantization_config", "renorm", "renorm_clipping", "renorm_momentum"}
    assert not settings & (newer | {"input_axes", "output_axes"})


def test_one_head_alone_still_answers_by_name(tiny_trunk, tmp_path):
    spec = NetworkSpec(trunk="tiny", size=16, heads=tuple(catalog.heads(["gender"])))
    archive.save(build.build(spec), spec, tmp_path / NETWORK)
    model, _ = archive.load(tmp_path / NETWORK)
    assert list(model(pictures())) == ["gender"]
    assert list(model.predict(pictures(), verbose=0)) == ["gender"]


# Files that are no network


def refused(path):
    with pytest.raises(UserError) as caught:
        archive.load(path)
    line = str(caught.value)
    assert "\n" not in line
    assert line.startswith(f"{path}: ")
    return line.removeprefix(f"{path}: ")


@pytest.fixture(scope="module")
def small(tiny_trunk, tmp_path_factory):
    spec = face_spec("tiny")
    path = tmp_path_factory.mktemp("small") / NETWORK
    archive.save(build.build(spec), spec, path)
    return path


@pytest.mark.parametrize("share", [0, 0.01, 0.3, 0.7, 0.99, 0.9999])
def test_a_truncated_file_is_refused(share, small, tmp_path):
    data = small.read_bytes()
    path = tmp_path / "a.keras"
    path.write_bytes(data[: int(share * len(data))])
    assert refused(path).startswith("is not a network file, or is truncated (")


def test_damage_anywhere_is_noticed_or_harmless(small, tmp_path):
    path = tmp_path / "a.keras"
    data, rng = small.read_bytes(), np.random.default_rng(0)
    whole = archive.load_spec(small)
    for _ in range(300):
        damaged = bytearray(data)
        # Half of it near the end, where the table of the zip is.
        start = 0 if rng.random() < 0.5 else len(data) - 400
        damaged[rng.integers(start, len(data))] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        try:
            assert archive.load_spec(path) == whole
        except UserError as error:
            assert str(error).startswith(f"{path}: ")  # noqa: PT017


def test_what_is_no_network_says_what_it_is(tmp_path):
    text = tmp_path / "text.keras"
    text.write_text("a letter")
    assert refused(text) == (
        "is not a network file, or is truncated (File is not a zip file); give a "
        "network.keras that `python -m multitask.fit` wrote"
    )
    assert refused(tmp_path / "none.keras") == (
        "does not exist; give a run folder or a .keras file"
    )
    with pytest.raises(UserError, match="network.keras: does not exist"):
        archive.load(tmp_path)


def test_a_network_of_plain_keras_is_refused(tmp_path):
    path = tmp_path / "plain.keras"
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(path)
    assert refused(path) == (
        "is not a network of multitask: it does not describe its heads; if Keras wrote "
        "it, open it with keras.models.load_model"
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


# Full disks


@contextmanager
def room_for(size):
    """Have no file grow beyond so many bytes, as on a disk that is full then."""
    import resource

    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, usual[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)


@pytest.mark.skipif(sys.platform == "win32", reason="has no such limit")
def test_a_full_disk_keeps_the_previous_file(small, tmp_path):
    """A disk that has room for a share of the file, with and without a file before."""
    model, spec = archive.load(small)
    archive.save(model, spec, tmp_path / "whole.keras")
    whole = (tmp_path / "whole.keras").stat().st_size
    targets = []
    for before in ("there", "none"):
        for share in ("0.001", "0.3", "0.6", "0.9", "0.9999"):
            targets.append(tmp_path / before / share / NETWORK)
            targets[-1].parent.mkdir(parents=True)
            if before == "there":
                targets[-1].write_bytes(b"the previous one")
    for target in targets:
        with (
            pytest.raises(UserError) as caught,
            room_for(int(float(target.parent.name) * whole)),
        ):
            archive.save(model, spec, target)
        there = target.is_relative_to(tmp_path / "there")
        outcome = "the previous one is kept" if there else "nothing was written"
        assert str(caught.value) == (
            f"{target}: can't be saved (File too large), {outcome}; free some "
            "space or save it elsewhere"
        )
        assert list(target.parent.iterdir()) == [target] * there
        if there:
            assert target.read_bytes() == b"the previous one"


def test_what_a_killed_process_left_is_gone_after_the_next_save(
    small, tmp_path, monkeypatch
):
    class Killed(BaseException):
        """The process ends here, and removes nothing."""

    def killed(*_):
        raise Killed

    model, spec = archive.load(small)
    path = tmp_path / NETWORK
    with monkeypatch.context() as patch:
        patch.setattr(archive, "_rewrite", killed)
        patch.setattr(Path, "unlink", lambda *_, **__: None)
        with pytest.raises(Killed):
            archive.save(model, spec, path)
    assert len(list(tmp_path.iterdir())) == 1
    archive.save(model, spec, path)
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_folder_is_an_error(network, tmp_path):
    model, spec = network
    path = tmp_path / "none" / NETWORK
    with pytest.raises(UserError, match="can't be saved .*, nothing was written"):
        archive.save(model, spec, path)
