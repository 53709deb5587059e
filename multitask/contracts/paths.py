"""Which path does a user mean who begins it with `~`?"""

import os
from pathlib import Path

from multitask.contracts.errors import UserError


def expand_user(path: str | os.PathLike[str]) -> Path:
    """A path whose `~` or `~NAME` at the beginning is a home folder.

    Of an unknown NAME the path stays as it is, where `Path.expanduser` raises
    RuntimeError: whoever opens it says that it does not exist. Raises UserError for
    what is neither text nor a path.
    """
    if not isinstance(path, str | os.PathLike):
        what = f"is of type {type(path).__name__}, must be a path"
        raise UserError(repr(path), what, "write its name in quotes")
    return Path(os.path.expanduser(path))
