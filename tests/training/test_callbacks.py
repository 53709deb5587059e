"""Do figures decide about the best epoch, the learning rate and the end?"""

import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from multitask.contracts import catalog
from multitask.contracts.recipe import Recipe
from multitask.networks import archive
from multitask.networks.spec import NetworkSpec
from multitask.training import callbacks
from multitask.training.callbacks import BestEpoch, interrupts_held
from tests.training import small


def best_epoch(losses, rates=None, **settings):
    """The callback after epochs of these validation losses and learning rates."""
    rates = rates or [1.0] * len(losses)
    history = [
        {"val_loss": loss, "learning_rate": rate}
        for loss, rate in zip(losses, rates, strict=True)
    ]
    spec = NetworkSpec(trunk="tiny", size=16, heads=())
    callback = BestEpoch(spec, Path(), "float32", history)
    callback.begin(1, Recipe(**settings))
    return callback


def test_the_best_epoch_is_the_first_of_the_lowest_validation_loss():
    assert best_epoch([3.0, 1.0, 2.0, 1.0]).best_epoch == 2
    assert best_epoch([3.0, float("nan"), 2.0]).best_epoch == 3
    assert best_epoch([]).best_epoch == 0


def test_without_validation_the_best_epoch_is_the_last():
    callback = best_epoch([3.0, 1.0, 2.0])
    for figures in callback.history:
        del figures["val_loss"]
    assert callback.best_epoch == 3


def test_early_stopping_waits_for_its_patience():
    assert not best_epoch([3.0, 1.0, 2.0], patience=2).ended
    assert best_epoch([3.0, 1.0, 2.0, 2.0], patience=2).ended
    assert not best_epoch([3.0, 1.0, 2.0, 2.0]).ended


def test_a_plateau_lowers_the_rate_once_in_three_epochs_without_gain():
    flat = [1.0, 2.0, 2.0, 2.0]
    assert best_epoch(flat[:3])._plateau_rate() == 1.0
    assert best_epoch(flat)._plateau_rate() == pytest.approx(0.2)
    rates = [1.0, 1.0, 1.0, 1.0, 0.2]  # the fifth epoch was the first at 0.2
    assert best_epoch([*flat, 2.0], rates)._plateau_rate() == pytest.approx(0.2)
    later = best_epoch([*flat, 2.0, 2.0, 2.0], [*rates, 0.2, 0.2])
    assert later._plateau_rate() == pytest.approx(0.04)


def test_a_plateau_has_a_patience_and_a_least_rate():
    flat = [1.0, 2.0, 2.0]
    plateau = "plateau,patience=2"
    assert best_epoch(flat, schedule=plateau)._plateau_rate() == pytest.approx(0.2)
    plateau += ",min_learning_rate=0.5"
    assert best_epoch(flat, schedule=plateau)._plateau_rate() == 0.5
    below = best_epoch(flat, [0.1] * 3, schedule=plateau)
    assert below._plateau_rate() == pytest.approx(0.1)  # never raised


def test_a_second_stage_waits_and_lowers_by_its_own_epochs():
    callback = best_epoch([1.0, 3.0, 3.0, 3.0, 3.0], [1.0, 1.0, 0.1, 0.1, 0.1])
    for figures, stage in zip(callback.history, (1, 1, 2, 2, 2), strict=True):
        figures["stage"] = stage
    settings: dict[str, Any] = {"schedule": "plateau,patience=4"}
    recipe = Recipe(patience=4, epochs=9, **settings)
    callback.begin(1, recipe)
    assert callback.ended
    callback.begin(2, recipe)
    assert not callback.ended
    assert (callback.first, callback.last, callback.resumed) == (2, 11, True)
    assert callback._plateau_rate() == pytest.approx(0.1)


def test_patience_and_plateau_run_to_an_early_end(tiny_trunk, tmp_path):
    recipe = small.recipe(
        epochs=30, patience=1, schedule="plateau", learning_rate=0.01, optimizer="adam"
    )
    small.train(recipe, tmp_path / "run")
    history = small.history(tmp_path / "run")
    assert len(history) < 30
    assert len(history) == int(history["val_loss"].argmin()) + 2


def test_the_weights_averaged_over_the_steps_are_validated_and_saved(
    tiny_trunk, tmp_path, monkeypatch
):
    epochs = []
    original = callbacks.BestEpoch.on_epoch_end

    def on_epoch_end(self, epoch, logs=None):
        original(self, epoch, logs)
        last = self.core.get_weights()
        with callbacks.averaged_weights(self.model):
            mean = self.core.get_weights()
            loss = self.model.evaluate(
                small.batches(self.recipe, small.VALIDATION).in_order(),
                verbose=0,
                return_dict=True,
            )["loss"]
        epochs.append((last, mean, loss))

    monkeypatch.setattr(callbacks.BestEpoch, "on_epoch_end", on_epoch_end)
    small.train(small.recipe(ema=0.9, epochs=1), tmp_path / "run")
    [(last, mean, loss)] = epochs
    assert any(not np.array_equal(a, b) for a, b in zip(last, mean, strict=True))
    model, _ = archive.load(tmp_path / "run")
    for one, other in zip(model.get_layer("core").get_weights(), mean, strict=True):
        np.testing.assert_array_equal(one, other)
    assert small.history(tmp_path / "run")["val_loss"][0] == pytest.approx(loss)


def test_ctrl_c_waits_until_what_is_begun_is_done():
    finished = []

    # A shell that starts the tests in the background has it ignored.
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)

    def write():
        with interrupts_held():
            signal.raise_signal(signal.SIGINT)
            finished.append("files")

    with pytest.raises(KeyboardInterrupt):
        write()
    assert finished == ["files"]
    with pytest.raises(KeyboardInterrupt):  # and works as before afterwards
        signal.raise_signal(signal.SIGINT)
    signal.signal(signal.SIGINT, handler)


# Figures


def test_a_single_head_is_named_like_one_of_many():
    logs = {"accuracy": 0.5, "loss": 1.0, "val_accuracy": 0.4, "val_loss": 2.0}
    figures = callbacks.by_head(logs, catalog.heads(["gender"]))
    assert list(figures.items()) == [
        ("loss", 1.0),
        ("val_loss", 2.0),
        ("gender_accuracy", 0.5),
        ("gender_loss", 1.0),
        ("val_gender_accuracy", 0.4),
        ("val_gender_loss", 2.0),
    ]
