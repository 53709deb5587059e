"""What does a network answer before training? What its training labels say on average.

Without that, heads spend their first epochs on learning a constant (Lin et al. 2017,
"Focal Loss for Dense Object Detection", section 4.1).
"""

from collections.abc import Mapping, Sequence

import keras
import numpy as np

from multitask.contracts.errors import UserError
from multitask.contracts.head import Head, Targets
from multitask.networks.build import head_layers

_KERNEL = 0.3  # the share of its random initial kernel that an output layer keeps


def start_from_labels(
    core: keras.Model, heads: Sequence[Head], targets: Mapping[str, Targets]
) -> None:
    """Set the output layer of each head to answer as its labels are distributed.

    Its bias becomes the head's `initial_bias` of the `targets` of an epoch. Its kernel
    shrinks, since random weights move the first answers away from the bias, but not to
    0, which would teach the trunk nothing at first. A head without labels or without
    such a bias keeps its initial weights.

    Raises UserError if a head's bias does not fit its output layer.
    """
    for head in heads:
        labels = targets[head.name]
        bias = head.initial_bias(labels) if labels.labelled.any() else None
        if bias is None:
            continue
        layer = head_layers(core, head)[0]
        shape: tuple[int, ...] = getattr(getattr(layer, "bias", None), "shape", ())
        if shape != np.shape(bias):
            raise UserError(
                head.where,
                f"initial_bias has shape {np.shape(bias)}, the bias of its output "
                f"layer {layer.name} has {shape}",
            )
        layer.kernel.assign(layer.kernel * _KERNEL)
        layer.bias.assign(bias)
