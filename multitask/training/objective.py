"""What does training minimize, and which metrics does it watch?"""

from collections.abc import Sequence

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
