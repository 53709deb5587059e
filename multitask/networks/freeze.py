"""Which part of a trunk stays as it is while the heads learn?

The frozen part is in inference mode: its batch normalization keeps its statistics and
nothing is dropped.
"""

from typing import Any

import keras

from multitask.contracts.errors import UserError
from multitask.contracts.recipe_texts import ALL, NONE


def freeze(core: keras.Model, how: str) -> None:
    """Have the trunk of a core not learn: `all` of it, `none`, or but its last stages.

    Raises UserError if it has not so many stages.
    """
    if how == NONE:
        return
    trunk = core.get_layer("trunk")
    for operation in trunk.operations[: last(trunk, how) + 1]:
        if isinstance(operation, keras.Layer):
            operation.trainable = False


def cut(core: keras.Model, how: str) -> tuple[keras.Model, keras.Model]:
    """A core cut where its frozen part ends, in halves that share its weights.

    The first is from pictures to features, the other from there to outputs.
    """
    trunk = core.get_layer("trunk")
    end = last(trunk, how)
    cut = trunk.operations[end].output
    # What comes behind the trunk takes its output, whichever comes first.
    features = core.operations[2].input
    behind = keras.Model(features, core.output)
    if end < len(trunk.operations) - 1:
        rest = keras.Model(cut, trunk.output)
        features = keras.Input(cut.shape[1:], dtype=cut.dtype)
        behind = keras.Model(features, behind(rest(features)))
    return keras.Model(trunk.input, cut), behind


def last(trunk: keras.Model, how: str, option: str = "--freeze") -> int:
    """The index of the operation that ends the frozen part.

    Raises UserError, about an `option`, if the trunk has not so many stages.
    """
    names = [operation.name for operation in trunk.operations]
    if how == ALL:
        return len(names) - 1
    ends, learning = stages(trunk), int(how)
    if learning >= len(ends):
        raise UserError(
            option,
            f"lets {learning} stages learn, the trunk has {len(ends)}",
            "must be fewer, or " + (NONE if option == "--freeze" else ALL),
        )
    return names.index(ends[-1 - learning])


def rejoined(front: keras.Model, behind: keras.Model) -> keras.Model:
    """Both halves in one, from pictures to outputs, the first in inference mode."""
    image = keras.Input(front.input.shape[1:], dtype=front.input.dtype)
    return keras.Model(image, behind(_Frozen(front)(image)))


class _Frozen(keras.layers.Layer):  # type: ignore[misc]
    """A network that infers also while another around it is trained."""

    def __init__(self, model: keras.Model) -> None:
        super().__init__()
        self.model = model

    def call(self, inputs: Any) -> Any:
        return self.model(inputs, training=False)


def stages(trunk: keras.Model) -> list[str]:
    """The names of the operations that end each stage of a trunk, first to last.

    A stage works at one size: the next begins where the picture has at most 0.6 of the
    side that it began with. It ends where all that comes later has what came earlier
    from one tensor, so that a network can be cut there.
    """
    operations = trunk.operations
    ends: list[str] = []
    began, weighty, before = float("inf"), False, 0
    for index, side in _cuts(operations):
        begins = side < began and side <= 0.6 * began
        if begins and weighty:
            ends.append(operations[before].name)
            weighty = False
        if begins:
            began = side
        weighty |= any(
            getattr(o, "weights", ()) for o in operations[before + 1 : index + 1]
        )
        before = index
    if not weighty:  # what has no weights is no stage: it goes with the one before
        ends.pop()
    return [*ends, operations[-1].name]


def _cuts(operations: list[keras.Operation]) -> list[tuple[int, int]]:
    """Indices of those that a network can be cut behind, and their outputs' sides."""
    made = {
        id(tensor): index
        for index, operation in enumerate(operations)
        for tensor in keras.tree.flatten(operation.output)
    }
    last = list(range(len(operations)))  # the last one that uses each one's output
    for index, operation in enumerate(operations[1:], 1):
        for tensor in keras.tree.flatten(operation.input):
            last[made[id(tensor)]] = max(last[made[id(tensor)]], index)
    cuts, reach = [], 0
    for index, operation in enumerate(operations):
        if index >= reach:
            shape = operation.output.shape
            cuts.append((index, shape[1] if len(shape) == 4 else 0))
        reach = max(reach, last[index])
    return cuts
