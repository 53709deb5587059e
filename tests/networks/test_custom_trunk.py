"""Can a model or a function be a trunk, and is one that can't be refused?"""

import keras
import numpy as np
import pytest
from keras import layers

from multitask.contracts.errors import UserError
from multitask.networks.custom_trunk import custom_trunk

FLAT = [layers.Flatten()]


def model(shape, *others):
    return keras.Sequential([keras.Input(shape), *(others or FLAT)], name="mine")


def features(trunk):
    image = keras.Input((trunk.size, trunk.size, 3))
    return keras.Model(image, trunk.build(image, None, "average"))


def test_a_models_own_size_is_that_of_the_pictures():
    trunk = custom_trunk(model((12, 12, 3)), 0)
    assert (trunk.name, trunk.size) == ("mine", 12)
    assert custom_trunk(model((12, 12, 3)), 12).size == 12


def test_a_model_for_pictures_of_any_size_takes_the_size_that_is_named():
    pooled = model((None, None, 3), layers.GlobalAveragePooling2D())
    assert custom_trunk(pooled, 20).size == 20


def test_features_are_what_the_model_or_the_function_gives():
    whole = model((4, 4, 3))
    images = np.arange(48, dtype=np.float32).reshape(1, 4, 4, 3)
    for trunk in (custom_trunk(whole, 0), custom_trunk(lambda x: whole(x), 4)):
        np.testing.assert_array_equal(features(trunk)(images), images.reshape(1, 48))


def test_the_trunk_shares_the_models_weights():
    whole = model((4, 4, 3), layers.Flatten(), layers.Dense(2))
    shared = features(custom_trunk(whole, 0))
    whole.set_weights([np.ones((48, 2)), np.zeros(2)])
    np.testing.assert_array_equal(shared(np.ones((1, 4, 4, 3))), [[48, 48]])


@pytest.mark.parametrize(
    ("trunk", "size", "message"),
    [
        (7, 16, "trunk: is of type int, must be a name, a keras.Model or a function"),
        (lambda x: x, 0, "image_size: is missing; a trunk that takes pictures of any"),
        (keras.Sequential(FLAT), 0, "image_size: is missing"),
        (model((12, 12, 3)), 16, "image_size: is 16, that of the trunk is 12"),
        (model((12, 16, 3)), 0, "takes (None, 12, 16, 3), must take square pictures"),
        (model((12, 12, 1)), 0, "(None, 12, 12, 1), must take (batch, size, size, 3)"),
    ],
)
def test_a_trunk_of_the_wrong_input_is_refused(trunk, size, message):
    with pytest.raises(UserError) as raised:
        custom_trunk(trunk, size)
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("trunk", "message"),
    [
        (lambda x: x, "trunk: gives (None, 16, 16, 3), must give (batch, features)"),
        (lambda x: None, "trunk: gives NoneType, must give (batch, features)"),
        (layers.Conv2D(1, 20), "trunk: fails at 16x16 pixels: Computed output size"),
    ],
)
def test_a_trunk_of_the_wrong_output_is_refused(trunk, message):
    with pytest.raises(UserError) as raised:
        features(custom_trunk(trunk, 16))
    assert message in str(raised.value)
