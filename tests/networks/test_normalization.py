"""Is the fused batch normalization the plain one, only faster?"""

import keras
import numpy as np
import pytest

from multitask.networks.normalization import FusedNormalization


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
