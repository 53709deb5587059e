"""What does training minimize, and which metrics does it watch?"""

from collections.abc import Sequence
from typing import Any

import keras

from multitask.contracts.head import Head


def compile_model(
    model: keras.Model, heads: Sequence[Head], optimizer: keras.optimizers.Optimizer
) -> None:
    """Compile a model whose outputs are named after its heads.

    The loss is the sum of the heads' losses, each times its `loss_weight`. Losses and
    metrics are means over labels, not over pictures: a missing label has weight 0.
    """
    model.compile(
        optimizer=optimizer,
        loss={head.name: head.loss() for head in heads},
        loss_weights={head.name: head.loss_weight for head in heads},
        weighted_metrics={head.name: head.metrics() for head in heads},
        # On a CPU, XLA's convolutions take up to twice as long as oneDNN's.
        jit_compile=False,
    )


def create_variables(model: keras.Model, spec: Any) -> None:
    """Create the variables of optimizer and metrics before the first step.

    TensorFlow traces a step that creates variables twice, which takes seconds.
    """
    images, *labels = keras.tree.map_structure(
        lambda s: keras.ops.zeros([n or 1 for n in s.shape], s.dtype), spec
    )
    outputs = model(images)
    count = len(next(iter(outputs.values())))  # twice as many for mixed pictures
    targets, weights = keras.tree.map_structure(
        lambda one: keras.ops.repeat(one, count, axis=0), labels
    )
    if not model.optimizer.built:  # a second time would reset a loss scale
        model.optimizer.build(model.trainable_variables)
    model.compute_loss(images, targets, outputs, weights)
    model.compute_metrics(images, targets, outputs, weights)
    model.reset_metrics()
