"""Has a network the heads that are asked for, and how is one trained that has them?"""

import shlex
from collections.abc import Sequence
from pathlib import Path

from multitask.contracts import catalog
from multitask.contracts.errors import UserError, listed, nearest
from multitask.networks.named.description import describe

_CELEBA = "attributes["  # its labels are those of that data set


def check_heads(path: Path, names: Sequence[str], network: str) -> None:
    """Raise UserError if the network in `path` lacks one of the heads.

    `network` is what the user called it. A mistyped name gets the nearest one, any
    other the command that trains it.
    """
    known = [str(head["name"]) for head in describe(path)["heads"]] if names else []
    for name in names:
        if name not in known:
            raise lacking(name, known, network)


def lacking(name: str, known: Sequence[str], network: str = "") -> UserError:
    """The error of a head that a network lacks.

    `known` are its heads; `network`, if it is not empty, is what the user called it.

    >>> lacking("gendr", ["age", "gender"], "faces").line
    "--heads: faces has no head 'gendr'; did you mean 'gender'? Known: age, gender"
    """
    what = f"{network or 'this network'} has no head {name!r}"
    todo = nearest(name, known)
    if todo.startswith("did you mean") and not _is_defined(name):
        return UserError("--heads", what, todo)
    what += f"; it has {listed(known)}"
    return UserError("--heads", what, _training(name, network))


def _training(name: str, network: str) -> str:
    """How to train a network that has a head of this name."""
    words = ["python", "-m", "multitask.fit", "--heads", name]
    if _is_defined(name):
        how, data = "train one on data that labels it", "NAME=PATH"
    else:
        how = "train one on pictures sorted into one folder per class"
        data = f"{name}=folder:PATH"
    words += ["--data", data]
    words += ["--weights", network] if network else []
    label = catalog.label_like(name, catalog.named())
    like = f"CelebA has {label}; " if label.startswith(_CELEBA) else ""
    return f"{like}{how}: {shlex.join([*words, '--out', f'runs/{name}'])}"


def _is_defined(name: str) -> bool:
    return name in catalog.named() or name in catalog.groups()
