"""Does every trunk build, learn, save and reload, and is it the network of its name?"""

import keras
import numpy as np
import pytest

from multitask import trunks as trunks_command
from multitask.contracts.errors import UserError
from multitask.contracts.run import NETWORK
from multitask.networks import archive, build, trunks
from multitask.networks.trunks import TRUNKS, check_size, trunk
from tests.networks.untrained import gender_age_spec, pictures

SMALL = ("cnn", "base_cnn", "utkface_cnn", "mobilenet_v3_large")
BIG = [
    pytest.param(name, marks=() if name in SMALL else pytest.mark.slow)
    for name in TRUNKS
]
LEARNT = [
    pytest.param(name, marks=() if name in SMALL[:3] else pytest.mark.slow)
    for name in TRUNKS
]


@pytest.mark.parametrize("name", LEARNT)
def test_a_trunk_learns_a_step_and_reloads_in_plain_keras(name, tmp_path):
    spec = gender_age_spec(name, tta=1)
    core = build.build_core(spec, dropout=0.1, training=True)
    core.compile(optimizer="sgd", loss={head.name: head.loss() for head in spec.heads})
    before = [w.numpy() for w in core.trainable_weights]
    images = pictures(2, spec.size, spec.size)
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
    plain = build.build_core(spec)
    plain.set_weights(core.get_weights())
    model = build.build(spec, plain)
    archive.save(model, spec, tmp_path / NETWORK)
    loaded = keras.models.load_model(tmp_path / NETWORK)
    outputs, expected = loaded.predict(images, verbose=0), model(images)
    for head in ("gender", "age"):
        np.testing.assert_allclose(outputs[head], expected[head], atol=1e-5)


@pytest.mark.parametrize("name", BIG)
def test_a_trunk_has_the_parameters_that_are_listed(name):
    model = build.build_core(gender_age_spec(name)).get_layer("trunk")
    assert f"{model.count_params() / 1e6:.2f}" == f"{trunk(name).millions:.2f}"


@pytest.mark.parametrize("name", BIG)
def test_the_least_size_of_a_trunk_is_enough_and_less_is_refused(name):
    spec = gender_age_spec(name, trunk(name).least)
    assert build.build_core(spec).output["gender"].shape == (None, 2)
    with pytest.raises(UserError) as caught:
        build.build_core(gender_age_spec(name, spec.size - 1))
    assert str(caught.value) == (
        f"--image-size: is {spec.size - 1}, trunk {name} needs {spec.size} or more"
    )


def test_an_unknown_trunk_names_the_nearest():
    with pytest.raises(
        UserError, match=r"^--trunk: unknown trunk 'cmn'; did you mean 'cnn'\?"
    ):
        trunk("cmn")
    with pytest.raises(UserError, match=r"^--trunk: unknown trunk 'xyzzy'; known: cnn"):
        check_size("xyzzy", 64)


def test_trunks_are_listed_and_timed(monkeypatch, capsys):
    two = {name: TRUNKS[name] for name in ("cnn", "mobilenet_v3_large")}
    monkeypatch.setattr(trunks, "TRUNKS", two)
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
