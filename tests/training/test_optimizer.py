"""Do weights change as the optimizers' papers say?"""

import numpy as np
import pytest

from multitask.contracts.recipe import Recipe, choices


def constant(**settings):
    """An optimizer of constant learning rate, without weight decay."""
    from multitask.training.optimizer import optimizer

    return optimizer(
        Recipe(schedule="constant,warmup=0", weight_decay=0.0, **settings), steps=10
    )


def stepped(optimizer, shape, gradient):
    """How a weight of zeros moves in one step."""
    import keras

    weight = keras.Variable(np.zeros(shape, np.float32))
    optimizer.apply([keras.ops.convert_to_tensor(gradient)], [weight])
    return weight.numpy()


def test_there_is_an_optimizer_for_each_that_a_recipe_can_name():
    from multitask.training.optimizer import OPTIMIZERS

    assert tuple(OPTIMIZERS) == choices("optimizer")


def test_muon_steps_equally_far_in_every_direction_of_a_kernels_gradient():
    gradient = np.random.default_rng(0).normal(size=(3, 3, 4, 8)).astype(np.float32)
    gradient[..., 0] *= 100
    step = stepped(
        constant(optimizer="muon", learning_rate=0.5), (3, 3, 4, 8), gradient
    )
    # Descent along the singular vectors of the gradient as a matrix (36, 8), with all
    # lengths learning rate x 0.2 x sqrt(36) = 0.6; five iterations reach 0.7..1.2
    left, lengths, right = np.linalg.svd(gradient.reshape(36, 8), full_matrices=False)
    assert lengths.max() / lengths.min() > 20
    along = -left.T @ step.reshape(36, 8) @ right.T / 0.6
    assert np.all((np.diag(along) > 0.65) & (np.diag(along) < 1.25))
    assert np.abs(along - np.diag(np.diag(along))).max() < 1e-3


@pytest.mark.parametrize("shape", [(36, 8), (8, 36), (9, 9)])
def test_muons_short_way_gives_what_keras_computes(shape):
    import keras

    # Lengths over five decades: what is lost to rounding stays far below a step's size.
    rng = np.random.default_rng(0)
    left, _, right = np.linalg.svd(rng.normal(size=shape), full_matrices=False)
    lengths = np.geomspace(1, 1e-5, left.shape[1])
    matrix = keras.ops.convert_to_tensor((left * lengths @ right).astype(np.float32))
    optimizer = constant(optimizer="muon")
    expected = optimizer.zeropower_via_newtonschulz5(matrix, 5)
    np.testing.assert_allclose(optimizer._orthogonal(matrix), expected, atol=2e-3)


@pytest.mark.parametrize(
    "shape",
    [(5, 4), (7,), (3, 3, 3, 8), (3, 3, 8, 1)],
    ids=["dense", "bias", "first convolution", "depthwise"],
)
def test_muon_is_adamw_for_all_that_is_no_inner_convolution(shape):
    import keras

    gradient = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    adamw = keras.optimizers.AdamW(0.01, weight_decay=0.0)
    ours = stepped(constant(optimizer="muon", learning_rate=0.01), shape, gradient)
    np.testing.assert_allclose(ours, stepped(adamw, shape, gradient), rtol=1e-5)


@pytest.mark.parametrize("name", ["muon", "adamw"])
def test_weights_are_pulled_to_zero_but_biases_are_not(name):
    import keras

    from multitask.training.optimizer import optimizer

    weights = [
        keras.Variable(np.ones(shape, np.float32), name=weight)
        for shape, weight in [
            ((3, 3, 4, 8), "kernel"),
            ((5, 4), "kernel"),
            ((4,), "bias"),
        ]
    ]
    recipe = Recipe(
        optimizer=name, schedule="constant,warmup=0", learning_rate=0.1,
        weight_decay=0.5,
    )  # fmt: skip
    optimizer(recipe, steps=10).apply([w * 0.0 for w in weights], weights)
    # A step without gradient leaves 1 - 0.1 x 0.5 of a weight.
    np.testing.assert_allclose(weights[0].numpy(), 0.95, rtol=1e-6)
    np.testing.assert_allclose(weights[1].numpy(), 0.95, rtol=1e-6)
    np.testing.assert_allclose(weights[2].numpy(), 1.0)


def test_averages_follow_the_weights_by_their_momentum():
    import keras

    weight = keras.Variable(np.zeros(2, np.float32))
    optimizer = constant(optimizer="sgd", learning_rate=1.0, ema=0.2)
    mean = np.zeros(2)
    for momentum in (0.1, 2 / 11, 0.2, 0.2):  # (1 + step) / (10 + step), at most 0.2
        optimizer.apply([keras.ops.ones(2)], [weight])
        mean = momentum * mean + (1 - momentum) * weight.numpy()
    optimizer.finalize_variable_values([weight])
    np.testing.assert_allclose(weight.numpy(), mean, rtol=1e-6)


def test_cosine_rises_for_an_epoch_and_falls_to_zero():
    from multitask.training.optimizer import optimizer

    recipe = Recipe(epochs=5, learning_rate=0.01)
    rate = optimizer(recipe, steps=10)._learning_rate
    rates = [float(rate(step)) for step in (0, 10, 30, 50)]
    # From a hundredth to the top in 10 steps, half of it halfway through the other 40.
    np.testing.assert_allclose(rates, [1e-4, 0.01, 0.005, 0.0], atol=1e-9)
