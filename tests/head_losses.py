"""How do tests of heads measure losses and metrics of a batch?"""

from typing import Any

import numpy as np

from multitask.contracts.catalog import from_config


def batch_loss(head, targets, weights, outputs):
    """The loss of a batch and its gradient by the outputs."""
    import tensorflow as tf

    y_pred = tf.Variable(outputs, dtype="float32")
    with tf.GradientTape() as tape:
        value = head.loss()(tf.constant(targets), y_pred, sample_weight=weights)
    return float(value), np.asarray(tape.gradient(value, y_pred))


def labelled_loss(head, table, outputs):
    targets, weights = head.encode(table)
    return batch_loss(head, targets, weights, outputs)


def metric_values(head, targets, weights, outputs):
    """Every metric after one batch, by its name."""
    metrics = head.metrics()
    for metric in metrics:
        metric.update_state(targets, outputs, sample_weight=weights)
    return {metric.name: float(metric.result()) for metric in metrics}


def make_head(kind: str, **settings: Any) -> Any:
    """A head `trait` of a kind."""
    return from_config("trait", {"kind": kind, **settings})
