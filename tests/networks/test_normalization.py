"""Is the fused batch normalization the plain one, only faster?"""

import keras
import numpy as np
import pytest

from multitask.networks.normalization import FusedNormalization, resume_averages


@pytest.fixture(params=["float32", "mixed_bfloat16"])
def norms(request):
    """The fused and the plain batch normalization with the same weights."""
    rng = np.random.default_rng(0)
    layers = []
    for cls in (FusedNormalization, keras.layers.BatchNormalization):
        layer = cls(momentum=0.9, dtype=request.param)
        layer.build((None, 6, 6, 4))
        layers.append(layer)
    values = [rng.uniform(0.5, 2, w.shape) for w in layers[0].weights]
    for layer in layers:
        layer.set_weights(values)
    tolerance = 1e-4 if request.param == "float32" else 0.05
    layers[0].steps.assign(1000)  # so that its momentum is constant, too
    return (*layers, tolerance)


def normed():
    return np.random.default_rng(5).normal(1, 3, (16, 6, 6, 4)).astype(np.float32)


def test_fused_normalization_is_the_plain_one_in_training(norms):
    import tensorflow as tf

    fused, plain, tolerance = norms
    results = []
    for layer in (fused, plain):
        x = tf.constant(normed())
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(tf.cast(x, layer.compute_dtype), training=True)
            # Weighted, as the plain sum of normalized values has no gradient.
            loss = tf.reduce_sum(tf.cast(y, tf.float32) * tf.sin(x))
        watched = [x, layer.gamma.value, layer.beta.value]
        results.append((tf.cast(y, tf.float32), *tape.gradient(loss, watched)))
    for one, other in zip(*results, strict=True):
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


@pytest.mark.parametrize("shape", [(16, 6, 6, 4), (16, 4)])
def test_averages_soon_forget_their_initial_values(shape):
    layer = FusedNormalization(momentum=0.97)
    rng = np.random.default_rng(3)
    for _ in range(3):
        batch = rng.normal(5, 2, shape).astype(np.float32)
        layer(batch, training=True)
    # By momentums of 1/10, 2/11 and 3/12, 0.0045 is left of the initial mean of 0 and
    # variance of 1; by one of 0.97 it would be 0.91.
    axes = tuple(range(len(shape) - 1))
    rng = np.random.default_rng(3)
    mean, variance = 0.0, 1.0
    for step in range(3):
        batch = rng.normal(5, 2, shape)
        momentum = (1 + step) / (10 + step)
        mean = momentum * mean + (1 - momentum) * batch.mean(axis=axes)
        variance = momentum * variance + (1 - momentum) * batch.var(axis=axes, ddof=1)
    np.testing.assert_allclose(layer.moving_mean, mean, rtol=1e-4)
    np.testing.assert_allclose(layer.moving_variance, variance, rtol=1e-4)


def test_averages_go_on_where_a_training_had_stopped():
    image = keras.Input((6, 6, 4))
    trunk = keras.Model(image, FusedNormalization(momentum=0.97)(image))
    model = keras.Model(image, trunk(image))
    (layer,) = (layer for layer in trunk.layers if layer.weights)
    resume_averages(model, 300)
    model(normed(), training=True)
    # 301 / 310 is more than 0.97.
    expected = 0.03 * normed().mean(axis=(0, 1, 2))
    np.testing.assert_allclose(layer.moving_mean, expected, rtol=1e-4)
    assert float(layer.steps) == 301
