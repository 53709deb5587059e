"""Is a network file that this package did not write told in a line, and run by none?"""

import copy
import errno
import hashlib
import io
import json
import os
import struct
import zipfile

import h5py
import keras
import numpy as np
import pytest

import multitask
from multitask.contracts.errors import UserError
from multitask.contracts.run import NETWORK
from multitask.networks import archive, build, pretrained
from multitask.networks.named.description import describe, holds_network
from multitask.networks.stored import members
from tests.networks.untrained import face_spec, pictures


@pytest.fixture(scope="module")
def small(tiny_trunk, tmp_path_factory):
    spec = face_spec("tiny")
    path = tmp_path_factory.mktemp("small") / NETWORK
    archive.save(build.build(spec), spec, path)
    return path


def rewritten(source, target, changed, compression=zipfile.ZIP_STORED):
    """A copy of a network file in which some members are others."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in [*old.namelist(), *(set(changed) - set(old.namelist()))]:
            content = changed[name] if name in changed else old.read(name)
            if content is not None:
                new.writestr(name, content, compression)
    return target


def member(path, name):
    with zipfile.ZipFile(path) as content:
        return content.read(name)


def refused(path, load=archive.load):
    """What the one line of the error says of the file."""
    with pytest.raises(UserError) as caught:
        load(path)
    line = str(caught.value)
    assert "\n" not in line
    assert line.startswith(f"{path}: ")
    return line.removeprefix(f"{path}: ")


# The spec


@pytest.fixture
def with_spec(small, tmp_path):
    """Writes a network whose spec is changed by a function."""

    def write(change):
        spec = json.loads(member(small, "multitask.json"))
        change(spec)
        text = json.dumps(spec)
        return rewritten(small, tmp_path / "a.keras", {"multitask.json": text})

    return write


def put(*keys):
    """A change that sets the value under some keys, or removes it with `None`."""
    *places, last, value = keys

    def change(spec):
        for key in places:
            spec = spec[key]
        if value is None:
            del spec[last]
        else:
            spec[last] = value

    return change


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (put("size", "16"), "size: Input should be a valid integer"),
        (put("size", 0), "size: Input should be greater than or equal to 1"),
        (put("size", 10**9), "size: Input should be less than or equal to 8192"),
        (put("size", 10**400), "size: "),
        (put("size", True), "size: "),
        (put("size", None), "size: Field required"),
        (put("crop", 1e-9), "crop: "),
        (put("crop", float("nan")), "NaN is no number"),
        (put("looks", 3), "looks: Input should be 1, 2, 4 or 16"),
        (put("pooling", "sum"), "pooling: "),
        (put("features", -1), "features: "),
        (put("notes", "a text"), "notes: "),
        (put("notes", ["x" * 20_000]), "notes.0: "),
        (put("surprise", 1), "surprise: Extra inputs are not permitted"),
        (put("framing", {"x": 0.5, "y": 0.3, "distance": 0}), "framing.distance: "),
        (put("heads", []), "heads: "),
        (put("heads", {}), "heads: "),
        (put("heads", ["age"]), "heads.0: "),
        (lambda spec: spec["heads"].append(spec["heads"][0]), "have the same name"),
        (put("heads", 0, "kind", "sorcery"), "head age: unknown kind 'sorcery'"),
        (put("heads", 0, "kind", "../x"), "head age: unknown kind '../x'"),
        (put("heads", 0, "low", "many"), "head age: low is 'many', must be a number"),
        (put("heads", 0, "low", 10**400), "head age: low "),
        (put("heads", 0, "step", 1e-12), "head age: step 1e-12 leaves more than"),
        (put("heads", 0, "surprise", 1), "head age: unknown key 'surprise'"),
        (put("heads", 0, "columns", ["gender"]), "heads age and gender both read"),
        (put("heads", 1, "classes", ["male"]), "head gender: classes are male"),
        (put("heads", 1, "classes", [1, 2]), "heads.1.classes.0: "),
        (put("recipe", "epochs", -1), "recipe: epochs is -1"),
        (put("recipe", "surprise", 1), "recipe: unknown key 'surprise'"),
        (put("recipe", "box_margin", "wide"), "recipe: box_margin is 'wide'"),
        (put("weights_sha256", "abc"), "weights_sha256: "),
    ],
)  # fmt: skip
def test_a_spec_is_checked_as_strictly_as_a_recipe(change, reason, with_spec):
    line = refused(with_spec(change), archive.load_spec)
    assert line.startswith("is damaged in its member multitask.json (")
    assert reason in line
    assert line.endswith("; train or copy it again")


@pytest.mark.parametrize(
    "text",
    [b"[" * 100_000, b'{"a":' * 100_000, b"\xff\xfe", b"null", b"9" * 5000, b"1e999"],
)
def test_a_text_that_is_no_spec_is_refused(text, small, tmp_path):
    path = rewritten(small, tmp_path / "a.keras", {"multitask.json": text})
    assert refused(path).startswith("is damaged in its member multitask.json (")
    assert refused(path, describe).startswith("is damaged in its member multitask")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda spec: spec["heads"].pop(), "but describes the heads age, gender, pose"),
        (put("heads", 0, "high", 60.0), "answers (None, 117) for head age"),
        (put("size", 32), "looks at (None, 16, 16, 3), but says that its size is 32"),
    ],
)
def test_a_spec_of_another_model_is_refused(change, reason, with_spec):
    assert reason in refused(with_spec(change))


# The members


def bomb(size):
    """A zip file's bytes: zeros that are a thousandth of their size."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x", bytes(size))
    return content.getvalue()


@pytest.mark.parametrize(
    ("name", "mib", "reason"),
    [
        ("multitask.json", 17, "holds multitask.json of 17 MB, at most 16 MB may be"),
        ("config.json", 65, "holds config.json of 65 MB, at most 64 MB may be"),
        ("multitask.npz", 17, "holds multitask.npz of 17 MB, at most 16 MB may be"),
        ("model.weights.h5", 300, "would be 300 MB when it is unpacked, at most"),
        ("assets/a", 300, "would be 300 MB when it is unpacked, at most"),
    ],
)
def test_a_member_that_unpacks_to_too_much_is_refused(
    name, mib, reason, small, tmp_path
):
    content = {name: bytes(mib * 2**20)}
    path = rewritten(small, tmp_path / "a.keras", content, zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 2**20
    assert refused(path).startswith(reason)


def test_a_header_that_hides_the_size_of_a_member_is_refused(small, tmp_path):
    path = tmp_path / "a.keras"
    content = {"multitask.json": bytes(40 * 2**20)}
    rewritten(small, path, content, zipfile.ZIP_DEFLATED)
    data = path.read_bytes()
    size = struct.pack("<I", 40 * 2**20)
    assert data.count(size) == 2  # before the member, and in the table at the end
    path.write_bytes(data.replace(size, struct.pack("<I", 1000)))
    assert refused(path) == "is damaged in its member multitask.json; copy it again"


def test_what_no_file_of_ours_has_is_refused(small, tmp_path):
    path = tmp_path / "a.keras"
    path.write_bytes(small.read_bytes())
    append = zipfile.ZipFile(path, "a")
    with append, pytest.warns(UserWarning, match="Duplicate name"):
        append.writestr("config.json", "{}")
    assert refused(path).startswith("holds config.json twice; ")
    many = {f"assets/{number}": b"" for number in range(200)}
    assert refused(rewritten(small, path, many)).startswith("holds 204 members, ")
    rewritten(small, path, {}, zipfile.ZIP_LZMA)
    assert "compressed in an unusual way" in refused(path)


def test_a_member_whose_name_is_not_utf8_is_told(tmp_path):
    path = tmp_path / "odd.keras"
    with zipfile.ZipFile(path, "w") as content:
        content.writestr("é.json", "{}")
    path.write_bytes(path.read_bytes().replace("é".encode(), b"\xff\xfe"))
    assert refused(path).startswith("is not a network file, or is truncated ('utf-8'")
    assert not holds_network(path)


# The weights


def flipped(content, number):
    """Bytes of which one, chosen by a number, is another."""
    damaged = bytearray(content)
    rng = np.random.default_rng(number)
    damaged[rng.integers(len(damaged))] ^= 1 << int(rng.integers(8))
    return bytes(damaged)


@pytest.mark.parametrize("number", range(5))
def test_one_flipped_bit_of_the_weights_is_told(number, small, tmp_path):
    """Even if the checksum of the zip file is that of the damaged member."""
    damaged = flipped(member(small, "model.weights.h5"), number)
    path = rewritten(small, tmp_path / "a.keras", {"model.weights.h5": damaged})
    assert refused(path) == (
        "is damaged in its member model.weights.h5: its checksum is not the one that "
        "multitask.json says; copy it again"
    )


def test_the_checksum_stays_when_the_spec_is_replaced(small, tmp_path):
    path = tmp_path / "a.keras"
    path.write_bytes(small.read_bytes())
    archive.save_spec(archive.load_spec(path), path)
    digest = hashlib.sha256(member(path, "model.weights.h5")).hexdigest()
    assert json.loads(member(path, "multitask.json"))["weights_sha256"] == digest


def test_a_file_without_a_checksum_opens_and_gets_one(with_spec):
    path = with_spec(put("weights_sha256", None))
    archive.load(path)
    archive.save_spec(archive.load_spec(path), path)
    digest = hashlib.sha256(member(path, "model.weights.h5")).hexdigest()
    assert json.loads(member(path, "multitask.json"))["weights_sha256"] == digest


def unsigned(small, path, changed):
    """A file whose spec says nothing of the checksum, with changed members."""
    spec = json.loads(member(small, "multitask.json"))
    del spec["weights_sha256"]
    return rewritten(small, path, {"multitask.json": json.dumps(spec), **changed})


def hdf5(**datasets):
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        for name, settings in datasets.items():
            file.create_dataset(name, **settings)
    return content.getvalue()


@pytest.mark.parametrize(
    "weights",
    [
        b"",
        b"no HDF5",
        hdf5(x={"data": [1.0]}),
        hdf5(x={"shape": (10**10,), "dtype": "f4", "chunks": (1000,)}),
        hdf5(x={"data": [1.0], "external": None}),
        None,
    ],
)
def test_weights_of_another_kind_are_refused(weights, small, tmp_path):
    path = unsigned(small, tmp_path / "a.keras", {"model.weights.h5": weights})
    assert refused(path)


def test_weights_that_lie_in_another_file_are_refused(small, tmp_path):
    external = [(str(tmp_path / "other.bin"), 0, 400)]
    (tmp_path / "other.bin").write_bytes(bytes(400))
    content = hdf5(x={"shape": (100,), "dtype": "f4", "external": external})
    path = unsigned(small, tmp_path / "a.keras", {"model.weights.h5": content})
    assert refused(path).startswith("holds weights that lie in other files; ")


# The model


def test_layers_that_need_more_memory_than_the_weights_are_refused(small, tmp_path):
    image = keras.Input((4,))
    keras.Model(image, keras.layers.Dense(3)(image)).save(tmp_path / "plain.keras")
    config = json.loads(member(tmp_path / "plain.keras", "config.json"))
    config["config"]["layers"][1]["config"]["units"] = 10**11
    content = {"config.json": json.dumps(config)}
    path = rewritten(small, tmp_path / "a.keras", content)
    # Kernels of (4, 10**11) and biases, in float32.
    assert refused(path).startswith(
        "has layers of 2,000,000,000,000 bytes, but weights"
    )


def lambda_model(path):
    """A Keras file with code in it, which opens only where that is allowed."""
    image = keras.Input((4,))
    doubled = keras.layers.Lambda(lambda x: x * 2)(image)
    keras.Model(image, keras.layers.Dense(1)(doubled)).save(path)


def test_code_is_refused_whatever_the_process_allows(small, tmp_path, monkeypatch):
    from keras.src.saving import serialization_lib

    path = tmp_path / "plain.keras"
    lambda_model(path)
    content = {"config.json": member(path, "config.json")}
    hostile = rewritten(small, tmp_path / "a.keras", content)
    before = serialization_lib.in_safe_mode()
    keras.config.enable_unsafe_deserialization()
    try:
        keras.models.load_model(path)  # Keras itself runs it now
        assert "lambda" in refused(hostile).lower()
        trunk = build.build_core(archive.load_spec(small)).get_layer("trunk")
        with pytest.raises(UserError, match="does not fit trunk tiny: .*[Ll]ambda"):
            pretrained.load(trunk, str(path), "tiny")
        assert serialization_lib.in_safe_mode() is False  # it is the host's again
    finally:
        from keras.src.backend.common import global_state

        global_state.set_global_attribute("safe_mode_saving", before)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EFBIG, errno.EDQUOT, None])
def test_a_full_disk_is_told_and_not_taken_for_damage(small, monkeypatch, code):
    reason = os.strerror(code) if code else "No usable temporary directory found in []"

    def full(*settings):
        raise OSError(code or errno.ENOENT, reason)

    monkeypatch.setattr("tempfile.mkdtemp", full)  # where Keras unpacks it
    assert refused(small) == (
        f"can't be unpacked for want of space ({reason}); free some space, or set "
        "TMPDIR to a folder that has some"
    )


def test_other_errors_of_the_system_are_damage_still(small, monkeypatch):
    def broken(*settings):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr("tempfile.mkdtemp", broken)
    assert refused(small).startswith("is damaged: [Errno 5]")


def test_a_config_that_is_nested_too_deeply_is_refused(small, tmp_path):
    for text in (b"[" * 500_000, b'{"class_name":' * 50_000):
        path = rewritten(small, tmp_path / "a.keras", {"config.json": text})
        assert refused(path).startswith("is damaged: ")


def test_layers_that_would_be_made_for_ever_are_refused(small, tmp_path):
    text = member(small, "config.json")
    assert b'"num": 2' in text
    text = text.replace(b'"num": 2', b'"num": 1000000000000')
    path = rewritten(small, tmp_path / "a.keras", {"config.json": text})
    assert refused(path).startswith("has a layer whose num is above 1,000; ")


def test_a_damaged_config_is_told_in_a_line_or_harmless(small, tmp_path):
    """Values of the config are exchanged for others, as an attacker would."""
    whole = json.loads(member(small, "config.json"))
    paths = list(places(whole))
    rng = np.random.default_rng(0)
    refusals = 0
    for _ in range(25):
        config = copy.deepcopy(whole)
        *keys, last = paths[rng.integers(len(paths))]
        part = config
        for key in keys:
            part = part[key]
        part[last] = WRONG[rng.integers(len(WRONG))]
        text = json.dumps(config)
        path = rewritten(small, tmp_path / "a.keras", {"config.json": text})
        try:
            network = multitask.load(path)
            network.predict(pictures(1)[0])
        except UserError as error:
            assert str(error).startswith(f"{path}: ")  # noqa: PT017
            refusals += 1
    assert refusals > 5


WRONG = [None, -1, 10**12, 1e300, "x", [], {}, True, [None], {"class_name": "Lambda"}]


def places(value, path=()):
    """The keys of every value in nested lists and dicts."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, part in items:
        yield (*path, key)
        if isinstance(part, (dict, list)):
            yield from places(part, (*path, key))


def test_weights_without_a_spec_are_limited_as_those_of_a_network(tmp_path, tiny_trunk):
    path = tmp_path / "a.weights.h5"
    path.write_bytes(hdf5(x={"shape": (10**11,), "dtype": "f4", "chunks": (1000,)}))
    with pytest.raises(UserError, match="at most .* may be"):
        members.check_weights(path)
    spec = face_spec(tiny_trunk)
    trunk = build.build_core(spec).get_layer("trunk")
    with pytest.raises(UserError, match="when it is unpacked, at most"):
        pretrained.load(trunk, str(path), "tiny")
