"""Which part of a trunk stays as it is while the heads learn?

Batch normalization in a frozen part stays in inference mode: Keras sees to that for
layers that are not trainable.
"""

import keras

from multitask.errors import UserError

NONE, ALL = "none", "all"


def check(how: str) -> None:
    """Raise UserError for what is neither none, all nor a number of stages."""
    if how not in (NONE, ALL) and not how.isdecimal():
        raise UserError(
            "--freeze", f"is {how!r}", "must be none, all, or how many stages learn"
        )


def freeze(trunk: keras.Model, how: str) -> None:
    """Have a trunk not learn: `all` of it, `none`, or all but its last stages.

    Raises UserError if it has not so many stages.
    """
    if how == NONE:
        return
    if how == ALL:
        trunk.trainable = False
        return
    ends, learning = stages(trunk), int(how)
    if learning >= len(ends):
        raise UserError(
            "--freeze",
            f"lets {learning} stages learn, the trunk has {len(ends)}",
            "must be fewer, or none",
        )
    names = [operation.name for operation in trunk.operations]
    for operation in trunk.operations[: names.index(ends[-1 - learning]) + 1]:
        if isinstance(operation, keras.Layer):
            operation.trainable = False


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
