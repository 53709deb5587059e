"""Does a training that was stopped end as one that was not, to the last bit?"""

import numpy as np
import pandas as pd
import pytest

from multitask.networks import archive
from tests.training import small

pytestmark = pytest.mark.usefixtures("tiny_trunk")

EPOCHS = 4


class Killed(Exception):
    """Stands for what ends a process between two epochs."""


def train(recipe, folder, stops=(), **options):
    """A training that is killed after some of its epochs, and resumed each time."""

    def kill(history):
        if len(history) in stops:
            raise Killed

    for number in range(len(stops)):
        with pytest.raises(Killed):
            small.train(recipe, folder, each_epoch=kill, resume=number > 0, **options)
        stops = stops[1:]
    small.train(recipe, folder, resume=folder.exists(), **options)
    return small.history(folder), archive.load(folder)[0].get_weights()


CASES = {
    "default": small.recipe(epochs=EPOCHS),
    "dropout": small.recipe(epochs=EPOCHS, dropout=0.5, features="8,norm=true"),
    "mixup": small.recipe(epochs=EPOCHS, augment="standard,mixup"),
    "ema": small.recipe(epochs=EPOCHS, ema=0.9),
    "plateau": small.recipe(
        epochs=EPOCHS, optimizer="adam", schedule="plateau,patience=1"
    ),
    "uncertainty": small.recipe(epochs=EPOCHS, balance="uncertainty"),
    "dwa": small.recipe(epochs=EPOCHS, balance="dwa"),
    "famo": small.recipe(epochs=EPOCHS, balance="famo"),
    "frozen": small.frozen(epochs=EPOCHS, dropout=0.3),
    "views": small.frozen(epochs=EPOCHS, dropout=0.3, augment="standard", views=4),
    "two stages": small.frozen(epochs=2, dropout=0.3, then="all,epochs=2"),
    "bfloat16": small.recipe(epochs=EPOCHS, precision="bfloat16"),
    "float16": small.recipe(epochs=EPOCHS, precision="float16"),
}
QUICK = ("dropout",)  # the default with more of it


@pytest.mark.parametrize(
    "name",
    [
        name if name in QUICK else pytest.param(name, marks=pytest.mark.slow)
        for name in CASES
    ],
)
def test_a_stopped_training_ends_as_one_that_was_not(tmp_path, name):
    whole, weights = train(CASES[name], tmp_path / "whole")
    stopped, resumed_weights = train(CASES[name], tmp_path / "stopped", stops=(1, 3))
    pd.testing.assert_frame_equal(stopped, whole, check_exact=True)
    for one, other in zip(weights, resumed_weights, strict=True):
        np.testing.assert_array_equal(one, other)
