"""Is a checkpoint whole at any time, and does it bring a training back?"""

import errno
import json
import os

import keras
import numpy as np
import pytest

from multitask.contracts.errors import UserError
from multitask.networks import archive
from multitask.training.checkpoint import Checkpoint, State
from tests.training import small

HISTORY = [{"epoch": 1, "val_loss": 2.0}, {"epoch": 2, "val_loss": 1.0}]


def model(seed=0, units=2):
    """A compiled model that has taken a step."""
    keras.utils.set_random_seed(seed)
    image = keras.Input((3,))
    model = keras.Model(image, keras.layers.Dense(units)(image))
    model.compile("adam", "mse")
    model.train_on_batch(np.ones((4, 3)), np.ones((4, units)))
    return model


def values(model):
    return [v.numpy() for v in (*model.weights, *model.optimizer.variables)]


@pytest.fixture
def checkpoint(tmp_path):
    return Checkpoint(tmp_path)


def test_without_an_epoch_there_is_no_state(checkpoint):
    assert checkpoint.read() == State()


def test_weights_and_optimizer_come_back_as_they_were(checkpoint):
    before = model()
    checkpoint.write(before, HISTORY, "float32", 0, "name", features_loaded=True)
    assert checkpoint.read() == State(
        precision="float32", front="name", features_loaded=True, history=HISTORY
    )
    assert json.loads(checkpoint.file.read_text()) == {
        "unsaved": 0, "precision": "float32", "front": "name",
        "features_loaded": True, "history": HISTORY,
    }  # fmt: skip
    after = model(seed=1)
    checkpoint.restore(after, 2)
    for one, other in zip(values(before), values(after), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_state_written_before_feature_caches_had_names_is_read(checkpoint):
    checkpoint.folder.mkdir()
    old = {"unsaved": 1, "precision": "float32", "history": HISTORY}
    checkpoint.file.write_text(json.dumps(old))
    assert checkpoint.read() == State(
        unsaved=1, precision="float32", history=HISTORY, front=""
    )


def test_a_loss_scale_comes_back_whenever_it_is_restored(checkpoint):
    before, after = model(), model(seed=1)
    for each in (before, after):
        each.compile(
            keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam()), "mse"
        )
        each.train_on_batch(np.ones((4, 3)), np.ones((4, 2)))
    before.optimizer.dynamic_scale.assign(8.0)
    checkpoint.write(before, HISTORY, "float16", unsaved=0)
    checkpoint.restore(after, 2)
    checkpoint.restore(after, 2)
    assert float(after.optimizer.dynamic_scale) == 8
    assert len(after.optimizer.variables) == len(before.optimizer.variables)


def test_only_the_last_epoch_and_an_unsaved_best_one_stay(checkpoint):
    for epoch in (1, 2, 3):
        checkpoint.write(model(), [*HISTORY, *HISTORY][:epoch], "float32", unsaved=2)
    names = {path.name for path in checkpoint.folder.iterdir()}
    assert names == {"epoch-2.weights.h5", "epoch-3.weights.h5", "state.json"}


def test_a_stop_between_weights_and_state_leaves_the_epoch_before(
    checkpoint, monkeypatch
):
    first = model()
    checkpoint.write(first, HISTORY[:1], "float32", unsaved=0)

    def stop(source, target):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", stop)
    with pytest.raises(KeyboardInterrupt):
        checkpoint.write(model(seed=1), HISTORY, "float32", unsaved=0)
    history = checkpoint.read().history
    assert history == HISTORY[:1]
    after = model(seed=2)
    checkpoint.restore(after, len(history))
    np.testing.assert_array_equal(after.get_weights()[0], first.get_weights()[0])


def test_a_full_disk_keeps_the_epoch_before(checkpoint, monkeypatch):
    checkpoint.write(model(), HISTORY[:1], "float32", unsaved=0)

    def full(source, target):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(UserError, match="No space left.*best epoch is kept; .*--resum"):
        checkpoint.write(model(), HISTORY, "float32", unsaved=0)
    assert checkpoint.read().history == HISTORY[:1]
    assert [path.name for path in checkpoint.folder.glob("*.h5")] == [
        "epoch-1.weights.h5"
    ]


@pytest.mark.filterwarnings("ignore:Skipping nested container")
def test_another_network_cannot_be_restored(checkpoint):
    checkpoint.write(model(), HISTORY, "float32", unsaved=0)
    with pytest.raises(UserError, match="belongs to another network or optimizer"):
        checkpoint.restore(model(units=5), 2)


def test_a_removed_checkpoint_has_no_state(checkpoint):
    checkpoint.write(model(), HISTORY, "float32", unsaved=0)
    checkpoint.remove()
    assert checkpoint.read() == State()
    assert not checkpoint.folder.exists()
    checkpoint.remove()  # again without an error


# In a training


def test_a_full_disk_keeps_the_last_good_network(tiny_trunk, tmp_path, monkeypatch):
    write = keras.Model.save_weights

    def full(model, path, **options):
        if "epoch-2" in str(path):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(model, path, **options)

    folder = tmp_path / "run"
    monkeypatch.setattr(keras.Model, "save_weights", full)
    with pytest.raises(UserError, match="can't be saved.*best epoch is kept"):
        small.train(small.recipe(), folder)
    monkeypatch.undo()
    assert len(archive.load(folder)[1].heads) == 2
    small.train(small.recipe(), folder, resume=True)
    assert len(small.history(folder)) == 2


def test_a_checkpoint_that_is_half_removed_is_none(checkpoint, monkeypatch):
    checkpoint.write(model(), HISTORY, "float32", unsaved=0)
    monkeypatch.setattr("shutil.rmtree", lambda *_, **__: None)  # as if killed there
    checkpoint.remove()
    assert (checkpoint.folder / "epoch-2.weights.h5").exists()
    assert checkpoint.read() == State()


def test_a_history_that_a_stop_left_behind_is_completed(tiny_trunk, tmp_path):
    # As if killed between the last checkpoint and the history.
    small.train(small.recipe(), tmp_path / "run")
    before = (tmp_path / "run" / "history.csv").read_text()
    (tmp_path / "run" / "history.csv").write_text("".join(before.splitlines(True)[:2]))
    small.train(small.recipe(), tmp_path / "run", resume=True)
    assert (tmp_path / "run" / "history.csv").read_text() == before
