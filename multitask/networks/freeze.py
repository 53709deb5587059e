"""Which part of a trunk stays fixed while the heads learn?

The frozen part runs in inference mode: its batch normalization keeps its statistics,
and its dropout does nothing.
"""

from typing import Any

import keras

from multitask.contracts.errors import UserError, counted
from multitask.contracts.recipe_texts import ALL, NONE


def freeze(core: keras.Model, mode: str) -> None:
    """Freeze `all` of a core's trunk, `none` of it, or all but its last stages.

    Raises UserError if the trunk has too few stages.
    """
    if mode == NONE:
        return
    trunk = core.get_layer("trunk")
    for operation in trunk.operations[: last(trunk, mode) + 1]:
        if isinstance(operation, keras.Layer):
            operation.trainable = False


def cut(core: keras.Model, mode: str) -> tuple[keras.Model, keras.Model]:
    """Cut a core where its frozen part ends, into two models that share its weights.

    The first maps images to features, the second maps these features to outputs.
    """
    return cut_at(core, last(core.get_layer("trunk"), mode))


def cut_at(core: keras.Model, end: int) -> tuple[keras.Model, keras.Model]:
    """Cut a core behind the operation `end` of its trunk, as `cut` does."""
    trunk = core.get_layer("trunk")
    boundary = trunk.operations[end].output
    # Whichever operation follows the trunk, its input is the trunk's output.
    features = core.operations[2].input
    rest = keras.Model(features, core.output, name="core")
    if end < len(trunk.operations) - 1:
        learning = keras.Model(boundary, trunk.output)
        features = keras.Input(boundary.shape[1:], dtype=boundary.dtype)
        rest = keras.Model(features, rest(learning(features)), name="core")
    return keras.Model(trunk.input, boundary), rest


def last(trunk: keras.Model, mode: str, option: str = "--freeze") -> int:
    """The index of the last operation that is frozen.

    Raises UserError, naming `option`, if the trunk has too few stages.
    """
    names = [operation.name for operation in trunk.operations]
    if mode == ALL:
        return len(names) - 1
    ends, learning = stages(trunk), int(mode)
    if learning >= len(ends):
        raise UserError(
            option,
            f"is {learning}, but the trunk has only {counted(len(ends), 'stage')}",
            "give a smaller number, or " + (NONE if option == "--freeze" else ALL),
        )
    return names.index(ends[-1 - learning])


def rejoined(front: keras.Model, rest: keras.Model) -> keras.Model:
    """One model of both parts, from images to outputs, the first in inference mode."""
    image = keras.Input(front.input.shape[1:], dtype=front.input.dtype)
    return keras.Model(image, rest(_Still(front)(image)), name="core")


class _Still(keras.layers.Layer):  # type: ignore[misc]
    """A model that stays in inference mode while the model around it is trained.

    Checkpoints find its weights by the name of this class.
    """

    def __init__(self, model: keras.Model) -> None:
        super().__init__()
        self.model = model

    def call(self, inputs: Any) -> Any:
        return self.model(inputs, training=False)


def stages(trunk: keras.Model) -> list[str]:
    """The name of the last operation of each stage of a trunk, first stage first.

    All operations of a stage work at one resolution: a new stage begins where the side
    of the feature map drops to 0.6 of that at the current stage's start, or less. A
    stage ends at an operation whose output is all that later operations use, so that
    the network can be cut there.
    """
    operations = trunk.operations
    ends: list[str] = []
    stage_side, has_weights, previous = float("inf"), False, 0
    for index, side in cuts(operations):
        begins = side < stage_side and side <= 0.6 * stage_side
        if begins and has_weights:
            ends.append(operations[previous].name)
            has_weights = False
        if begins:
            stage_side = side
        has_weights |= any(
            getattr(o, "weights", ()) for o in operations[previous + 1 : index + 1]
        )
        previous = index
    if not has_weights:  # operations without weights belong to the stage before
        ends.pop()
    return [*ends, operations[-1].name]


def cuts(operations: list[keras.Operation]) -> list[tuple[int, int]]:
    """Where the network can be cut: indices of operations, sides of their outputs.

    The side is 0 for an output that is no feature map.
    """
    producer = {
        id(tensor): index
        for index, operation in enumerate(operations)
        for tensor in keras.tree.flatten(operation.output)
    }
    last_use = list(range(len(operations)))  # of each operation's output
    for index, operation in enumerate(operations[1:], 1):
        for tensor in keras.tree.flatten(operation.input):
            source = producer[id(tensor)]
            last_use[source] = max(last_use[source], index)
    places, reach = [], 0
    for index, operation in enumerate(operations):
        if index >= reach:
            shape = operation.output.shape
            places.append((index, shape[1] if len(shape) == 4 else 0))
        reach = max(reach, last_use[index])
    return places
