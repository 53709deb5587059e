"""Are stages trained as the recipe says, on pictures or features, through any stop?"""

from dataclasses import replace

import keras
import numpy as np
import pandas as pd
import pytest

from multitask.contracts.errors import UserError
from multitask.networks import archive, build
from multitask.training import callbacks, checkpoint, loop
from tests.training import small

pytestmark = pytest.mark.usefixtures("tiny_trunk")


def stop_after(monkeypatch, last):
    """Have Ctrl-C pressed at the end of an epoch (from 1)."""
    original = callbacks.BestEpoch.on_epoch_end

    def on_epoch_end(self, epoch, logs=None):
        original(self, epoch, logs)
        if epoch + 1 == last:
            raise KeyboardInterrupt

    monkeypatch.setattr(callbacks.BestEpoch, "on_epoch_end", on_epoch_end)


def core_weights(folder):
    model, _ = archive.load(folder)
    return model.get_layer("core").get_weights()


def averaged_steps(core):
    """How many steps the averages of trunk and features count."""
    layers = [*core.get_layer("trunk").layers, *core.layers]
    return [float(each.steps) for each in layers if hasattr(each, "steps")]


def assert_same_figures(one, other):
    pd.testing.assert_frame_equal(
        small.history(one), small.history(other), rtol=1e-4, atol=1e-6
    )


# Features and pictures


@pytest.fixture(scope="module")
def cached(tiny_trunk, tmp_path_factory):
    """A run on cached features, its cache, and what it reported."""
    folder, lines = tmp_path_factory.mktemp("cached"), list[str]()
    small.train(small.frozen(), folder / "run", say=lines.append)
    return folder / "run", folder / "cache", lines


def test_training_on_cached_features_is_training_on_pictures(cached, tmp_path):
    folder, _, lines = cached
    assert any(line.startswith("computing features once: 48 views") for line in lines)
    small.train(small.frozen(views=0), tmp_path / "run")
    assert not (tmp_path / "cache").exists()
    assert_same_figures(folder, tmp_path / "run")
    weights = zip(core_weights(folder), core_weights(tmp_path / "run"), strict=True)
    for one, other in weights:
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)


def test_other_heads_use_the_same_features(cached, tmp_path):
    _, cache, _ = cached
    lines: list[str] = []
    recipe = small.frozen(heads=("pose",), epochs=1)
    small.train(recipe, tmp_path / "run", cache, say=lines.append)
    assert not any("computing" in line for line in lines)


def test_settings_without_effect_on_frozen_layers_are_reported(cached):
    _, _, lines = cached
    assert lines[0].startswith("the frozen layers keep random initial weights")
    assert not any("--augment" in line for line in lines)
    loop._warn(small.frozen(augment="flip", weights="imagenet"), lines.append)
    assert lines[-1].startswith("--augment flip has no effect on frozen layers")


# Stages


def test_a_second_stage_lets_more_of_the_trunk_learn(tmp_path):
    recipe = small.frozen(
        trunk="base_cnn", image_size=32, then="1,epochs=2,learning_rate=1e-4",
        schedule="constant,warmup=0",
    )  # fmt: skip
    outcome = small.train(recipe, tmp_path / "run")
    assert outcome.stage == 2
    history = small.history(tmp_path / "run")
    assert history["stage"].tolist() == [1, 1, 2, 2]
    assert history["epoch"].tolist() == [1, 2, 3, 4]
    np.testing.assert_allclose(
        history["learning_rate"], [1.5e-3, 1.5e-3, 1e-4, 1e-4], rtol=1e-5
    )
    model, spec = archive.load(tmp_path / "run")
    trunk = model.get_layer("core").get_layer("trunk")
    keras.utils.set_random_seed(0)
    initial = build.build_core(spec, training=True).get_layer("trunk")
    changed = [
        not np.array_equal(new, old)
        for new, old in zip(trunk.get_weights(), initial.get_weights(), strict=True)
    ]
    # The dense layer is the last stage; the convolutions stay as they were drawn.
    assert changed == [False] * 6 + [True] * 2 or not any(changed)
    assert any(changed) == (outcome.best_epoch > 2)


def test_validation_losses_of_stages_are_without_what_weights_cost(tmp_path):
    recipe = small.frozen(
        heads=("gender",), trunk="regularized_cnn", image_size=32, epochs=1,
        then="1,epochs=1,learning_rate=1e-7", learning_rate=1e-7, optimizer="sgd",
        schedule="constant,warmup=0",
    )  # fmt: skip
    small.train(recipe, tmp_path / "run")
    history = small.history(tmp_path / "run")
    # Hardly anything was learnt: the second stage's L2, of 0.06, would show.
    first, second = history["val_loss"]
    assert second == pytest.approx(first, abs=0.01)
    assert history["loss"][1] > history["loss"][0] + 0.04


# Stops

STAGED = {"heads": ("gender",), "then": "all,epochs=2"}


@pytest.fixture(scope="module")
def whole(tiny_trunk, tmp_path_factory):
    """The folder of a training of two stages without a stop."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    small.train(small.frozen(**STAGED), folder)
    return folder


@pytest.mark.parametrize("last", [2, 3])  # of the first stage, and in the second
def test_a_stop_in_any_stage_resumes_as_if_there_had_been_none(
    whole, tmp_path, monkeypatch, last
):
    recipe = small.frozen(**STAGED)
    with monkeypatch.context() as patch:
        stop_after(patch, last)
        assert small.train(recipe, tmp_path / "run").interrupted
    assert loop.has_checkpoint(tmp_path / "run")
    outcome = small.train(recipe, tmp_path / "run", resume=True)
    assert not outcome.interrupted
    assert_same_figures(whole, tmp_path / "run")
    loop.remove_checkpoint(tmp_path / "run")
    assert not loop.has_checkpoint(tmp_path / "run")


def test_a_full_disk_in_the_second_stage_leaves_the_first_to_resume_from(
    whole, tmp_path, monkeypatch
):
    recipe = small.frozen(**STAGED)
    write = checkpoint.Checkpoint.write

    def full(self, model, history, *more):
        if len(history) == 3:
            raise UserError("checkpoint", "can't be saved")
        write(self, model, history, *more)

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint.Checkpoint, "write", full)
        with pytest.raises(UserError, match="can't be saved"):
            small.train(recipe, tmp_path / "run")
    small.train(recipe, tmp_path / "run", resume=True)
    assert_same_figures(whole, tmp_path / "run")


def test_a_resumed_training_has_the_trunk_that_its_heads_learnt_on(
    tmp_path, monkeypatch
):
    start = tmp_path / "start.keras"

    def write(seed):
        keras.utils.set_random_seed(seed)
        spec = small.spec(small.recipe(heads=("gender",)))
        archive.save(build.build(spec), spec, start)

    write(1)
    recipe = small.frozen(weights=str(start), epochs=3)
    with monkeypatch.context() as patch:
        stop_after(patch, 1)
        assert small.train(recipe, tmp_path / "run").interrupted
    kept = tmp_path / "run" / "checkpoint" / "trunk.weights.h5"
    kept.rename(tmp_path / "kept")  # as earlier versions left it
    write(2)
    with pytest.raises(
        UserError, match=r"start\.keras\) or their precision have changed"
    ):
        small.train(recipe, tmp_path / "run", resume=True)
    (tmp_path / "kept").rename(kept)
    start.unlink()  # it isn't needed any more
    assert not small.train(recipe, tmp_path / "run", resume=True).interrupted


def test_training_begins_from_the_heads_of_a_network_too(tmp_path, monkeypatch):
    start = tmp_path / "start.keras"
    theirs = small.recipe(heads=("gender", "age:regression"), features="4,norm=yes")
    spec = small.spec(theirs)
    keras.utils.set_random_seed(1)
    network = build.build(spec)
    for weight in network.get_layer("core").get_layer("gender").weights:
        weight.assign(keras.ops.ones_like(weight) / 2)
    archive.save(network, spec, start)
    said: list[str] = []
    recipe = small.recipe(
        heads=("gender", "age", "pose"), weights=str(start), storage="float16",
        learning_rate=1e-30, weight_decay=0.0, dropout=0.0, epochs=2,
        features="4,norm=yes",
    )  # fmt: skip
    counts, usual = [], loop._fit

    def counted(best, *arguments):
        counts.append(averaged_steps(best.core))
        usual(best, *arguments)

    monkeypatch.setattr(loop, "_fit", counted)
    with monkeypatch.context() as patch:
        stop_after(patch, 1)
        small.train(recipe, tmp_path / "run", say=said.append)
    start.unlink()
    assert not small.train(recipe, tmp_path / "run", resume=True).interrupted
    assert counts == [[1000, 1000], [1003, 1003]]  # an epoch has three steps
    assert said[0] == (
        f"begins from {start} (pictures of 16 pixels): the trunk and heads gender; new "
        "heads: age (of another kind), pose (it has none of this name)"
    )
    trained, _ = archive.load(tmp_path / "run")
    core, before = trained.get_layer("core"), network.get_layer("core")
    # Hardly anything was learnt, so the labels' bias would show, and 0.3 of the kernel.
    for weight in core.get_layer("gender").weights:
        np.testing.assert_array_equal(weight, np.full(weight.shape, 0.5))
    shares = np.exp(core.get_layer("pose").bias)
    assert shares.sum() == pytest.approx(1, abs=0.01)
    for weight, other in zip(
        core.get_layer("trunk").trainable_weights,
        before.get_layer("trunk").trainable_weights,
        strict=True,
    ):
        np.testing.assert_allclose(weight, other, atol=1e-3)


def test_ctrl_c_before_a_resumed_training_is_restored_changes_nothing(
    tmp_path, monkeypatch
):
    recipe = small.frozen(epochs=3)
    with monkeypatch.context() as patch:
        stop_after(patch, 1)
        small.train(recipe, tmp_path / "run")

    def at_once(self):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(callbacks.BestEpoch, "restore", at_once)
        with pytest.raises(KeyboardInterrupt):
            small.train(recipe, tmp_path / "run", resume=True)
    assert len(small.history(tmp_path / "run")) == 1
    assert not small.train(recipe, tmp_path / "run", resume=True).interrupted


# Mixup and precision


def test_mixed_pictures_train_to_the_end_and_validate_like_others(tmp_path):
    recipe = small.recipe(augment="mixup", learning_rate=1e-30)
    small.train(recipe, tmp_path / "mixed")
    small.train(replace(recipe, augment="none"), tmp_path / "plain")
    mixed, plain = (small.history(tmp_path / name) for name in ("mixed", "plain"))
    # Nothing is learnt but what normalization remembers, so validation is near.
    np.testing.assert_allclose(mixed["val_loss"], plain["val_loss"], rtol=0.05)
    assert (np.abs(mixed["loss"] / plain["loss"] - 1) > 1e-4).any()


def test_float16_scales_its_loss_and_can_lower_its_rate(tmp_path):
    recipe = small.recipe(precision="float16", schedule="plateau", epochs=1)
    outcome = small.train(recipe, tmp_path / "run")
    assert outcome.precision == "float16"
    assert np.isfinite(small.history(tmp_path / "run")["loss"]).all()
    spec = small.spec(recipe)
    model = build.build_core(spec, policy="mixed_float16", training=True)
    loop._compile(model, spec.heads, recipe, 10, "float16")
    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)


@pytest.mark.parametrize(
    ("epochs", "hardware", "expected"),
    [(2, True, "float32"), (200, False, "float32"), (200, True, "bfloat16")],
)
def test_only_a_long_training_is_timed_in_bfloat16_where_there_is_hardware(
    monkeypatch, epochs, hardware, expected
):
    monkeypatch.setattr(loop, "has_bfloat16", lambda: hardware)
    monkeypatch.setattr(loop, "fastest", lambda steps: list(steps)[-1])
    monkeypatch.setattr(loop, "training_step", lambda *arguments: None)
    recipe = small.recipe(precision="auto", epochs=epochs)
    training = small.batches(recipe)
    assert loop.resolve_precision(small.spec(recipe), recipe, training) == expected
    # Heads on cached features are too little to compute.
    frozen = small.frozen(precision="auto", epochs=epochs)
    assert loop.resolve_precision(small.spec(frozen), frozen, training) == "float32"


def test_a_precision_that_is_named_is_used():
    recipe = small.recipe(precision="float16")
    training = small.batches(recipe)
    precision = loop.resolve_precision(small.spec(recipe), recipe, training)
    assert precision == "float16"


def test_only_averages_that_came_with_weights_count_steps_before(tmp_path):
    recipe = small.recipe(features="4,norm=yes")
    best = callbacks.BestEpoch(small.spec(recipe), tmp_path, "float32", [])
    best.core = build.build_core(best.spec, training=True)
    for weights, features_loaded, counts in (
        ("somewhere.keras", False, [1003, 3]),
        ("somewhere.keras", True, [1003, 1003]),
        ("none", False, [3, 3]),
    ):
        best.begin(1, replace(recipe, weights=weights))
        best.features_loaded = features_loaded
        loop._resume_averages(best, 3)
        assert averaged_steps(best.core) == counts
