"""Do heads learn from answers that are wrong and sure? Gradients against float64."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from multitask.heads.distribution import Distribution
from multitask.heads.sigmoid import Sigmoid
from multitask.heads.softmax import Softmax
from scipy.special import expit, log_softmax, logsumexp, softmax

LOGITS = [-40.0, -17.0, -3.0, 0.0, 3.0, 17.0, 40.0]


def gradient(head, targets, logits):
    """The gradient (rows, outputs) of a head's loss with respect to its logits."""
    size = logits.shape[1]
    features = keras.Input((size,))
    model = keras.Model(features, head.layers(features))
    model.layers[-1].set_weights([np.eye(size), np.zeros(size)])
    loss, rows = head.loss(), len(logits)
    values = tf.Variable(logits.astype(np.float32))

    @tf.function
    def one_step():
        with tf.GradientTape() as tape:
            value = loss(targets, model(values)) * rows
        return tape.gradient(value, values)

    return one_step().numpy()


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_a_sigmoid_head_learns_at_every_logit(label):
    logits = np.array(LOGITS)[:, None]
    targets = np.full_like(logits, label, dtype=np.float32)
    learnt = gradient(Sigmoid(name="vip"), targets, logits)
    np.testing.assert_allclose(learnt, expit(logits) - label, rtol=1e-5, atol=1e-7)


def test_each_of_several_labels_has_its_own_gradient():
    logits = np.array([[-17.0, 17.0, 0.0]])
    head = Sigmoid(name="attributes", columns=("a", "b", "c"))
    targets = np.array([[1.0, 0.0, 1.0]], np.float32)
    learnt = gradient(head, targets, logits) * 3  # the mean over three labels
    np.testing.assert_allclose(learnt, expit(logits) - targets, rtol=1e-5)


@pytest.mark.parametrize("logit", LOGITS)
def test_a_softmax_head_learns_at_every_logit(logit):
    logits = np.array([[logit, 0.0, 1.0]])
    head = Softmax(name="mood", classes=("a", "b", "c"), label_smoothing=0.0)
    learnt = gradient(head, np.array([0], np.int32), logits)
    expected = softmax(logits) - np.array([[1.0, 0.0, 0.0]])
    np.testing.assert_allclose(learnt, expected, rtol=1e-5, atol=1e-7)


AGES = Distribution(name="age", low=0, high=9, expectation_weight=0.0)


@pytest.mark.parametrize("logit", LOGITS)
def test_a_distribution_learns_exact_labels_at_every_logit(logit):
    logits = np.zeros((1, 10))
    logits[0, 3] = logit
    learnt = gradient(AGES, np.array([[3.0, 3.0]], np.float32), logits)
    wanted = softmax(-(((np.arange(10) - 3) / AGES.sigma) ** 2) / 2)
    expected = softmax(logits) - wanted
    np.testing.assert_allclose(learnt, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("logit", LOGITS)
def test_a_distribution_learns_intervals_at_every_logit(logit):
    logits = np.zeros((1, 10))
    logits[0, :4] = logit  # 0 to 3, of which the interval is 1 to 2
    logits[0, 0] -= 1
    learnt = gradient(AGES, np.array([[1.0, 2.0]], np.float32), logits)
    inside = np.isin(np.arange(10), (1, 2))
    logs = log_softmax(logits)[0]
    share = np.where(inside, np.exp(logs - logsumexp(logs[inside])), 0.0)
    np.testing.assert_allclose(learnt[0], np.exp(logs) - share, rtol=1e-4, atol=1e-6)
