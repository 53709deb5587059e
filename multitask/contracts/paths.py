"""Which path does a user mean who begins it with `~`?"""

import os
from pathlib import Path


def expand_user(path: str | os.PathLike[str]) -> Path:
    """A path whose `~` or `~NAME` at the beginning is a home folder.

    Of an unknown NAME the path stays as it is, where `Path.expanduser` raises
    RuntimeError: whoever opens it says that it does not exist.
    """
    return Path(os.path.expanduser(path))
