"""What can be done about a head that nothing defines? The error that says it."""

from collections.abc import Iterable, Mapping
from typing import Any

from multitask.contracts.errors import UserError, close_name, nearest

_ALIKE = 0.65  # of a name and a label: `smile` is near `Smiling`
_MISTYPED = "did you mean"


def unknown_head(
    name: str, known: Mapping[str, Mapping[str, Any]], groups: Iterable[str]
) -> UserError:
    """The error of a head that is not among the `known` ones, nor one of the groups.

    A mistyped name gets the nearest one. Of any other, it says which head has a label
    of that name, if any, and which data a head of one's own needs.
    """
    todo = nearest(name, [*known, *groups])
    if not todo.startswith(_MISTYPED):
        label = label_like(name, known)
        todo += f"; {label} is a label like it" if label else ""
        todo += "; a head of your own needs data that labels it: --data NAME=table:FILE"
        todo += f" with a column {name}, or --data {name}=folder:PATH"
    return UserError("--heads", f"unknown head {name!r}", todo)


def label_like(name: str, known: Mapping[str, Mapping[str, Any]]) -> str:
    """The label of a known head that is nearest to a name, as `--heads` takes it.

    >>> label_like("smile", {"attributes": {"columns": ["Smiling", "Young"]}})
    'attributes[Smiling]'
    """
    labels = {
        column: head
        for head, config in known.items()
        for column in config.get("columns", ())
        if column != head
    }
    near = close_name(name, labels, _ALIKE)
    return f"{labels[near]}[{near}]" if near else ""
