"""Where in a picture is what an answer of a network rests on?

Gradient-weighted class activation maps, Grad-CAM (Selvaraju et al. 2017): the last
feature map of the trunk, its channels weighted by how much each raises the answer.
"""

from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from multitask.contracts.head import Head
from multitask.networks.freeze import cut_at, cuts

_LEAST_SIDE = 2  # of a feature map that tells places apart
Maps = npt.NDArray[np.float32]


class GradCam:
    """The maps of a core, which has a feature map of 2 by 2 or more.

    Raises ValueError if its trunk has none, at a place where it can be cut.
    """

    def __init__(self, core: keras.Model) -> None:
        places = cuts(core.get_layer("trunk").operations)
        # The first one is the picture itself.
        ends = [index for index, side in places if index and side >= _LEAST_SIDE]
        if not ends:
            raise ValueError("the trunk has no feature map")
        self._front, self._rest = cut_at(core, ends[-1])

    def maps(self, images: Any, head: Head, targets: npt.NDArray[np.intp]) -> Maps:
        """Where (pictures, height, width) each answer rests on, from 0 to 1.

        `images` (pictures, size, size, 3) are the core's input. `targets` (pictures,)
        number the class, or the yes/no label, whose score is explained; those of a
        number are not looked at. A map is 0 throughout if nothing raises the score.
        """
        features = self._front(tf.cast(images, tf.float32), training=False)
        with tf.GradientTape() as tape:
            tape.watch(features)
            output = self._rest(features, training=False)[head.name]
            score = _score(output, head, targets)
        gradient = tf.cast(tape.gradient(score, features), tf.float32)
        weights = tf.reduce_mean(gradient, axis=(1, 2), keepdims=True)
        maps = tf.nn.relu(tf.reduce_sum(weights * tf.cast(features, tf.float32), -1))
        highest = tf.reduce_max(maps, axis=(1, 2), keepdims=True)
        return np.asarray(tf.math.divide_no_nan(maps, highest), np.float32)


def _score(output: Any, head: Head, targets: npt.NDArray[np.intp]) -> Any:
    """What (pictures,) is explained of an output: a logit, or a number's expectation.

    A probability near 1 has hardly any gradient.
    """
    if head.answer_type == "number":
        if output.shape[-1] == 1:
            return output[:, 0]
        steps = tf.range(output.shape[-1], dtype=output.dtype)
        return tf.reduce_sum(output * steps, axis=-1)
    # Keras keeps what its softmax and sigmoid were given.
    logits = getattr(output, "_keras_logits", None)
    if logits is None:
        logits = tf.math.log(output + keras.config.epsilon())
    if head.answer_type == "class" and logits.shape[-1] == 1:  # that of the second
        return logits[:, 0] * tf.cast(2 * targets - 1, logits.dtype)
    return tf.gather(logits, targets, axis=1, batch_dims=1)
