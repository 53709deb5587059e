"""Which picture files do names, folders and globs stand for?"""

import glob
import os
from collections.abc import Iterable
from pathlib import Path

from multitask.contracts.errors import UserError
from multitask.contracts.reading import pictures


def expand(names: Iterable[str]) -> list[str]:
    """The paths of the picture files that names stand for, each once, in their order.

    A folder stands for all pictures in it and in the folders below, a glob (`*`, `?`,
    `[...]`, `**`) for what it matches; a leading `~` is the home folder. A name that
    matches no file is returned as it is. Raises UserError for a folder or glob without
    a picture.
    """
    paths: list[str] = []
    for name in names:
        path = Path(name).expanduser()
        # Those of `os.path`: a name that no file can have is no error.
        if os.path.isdir(path):
            paths += pictures(path, str(path))
        elif not os.path.exists(path) and glob.has_magic(name):
            matches = sorted(glob.glob(str(path), recursive=True))
            if not matches:
                raise UserError(name, "matches no file")
            for match in matches:
                paths += pictures(match, match) if Path(match).is_dir() else [match]
        else:
            paths.append(str(path))
    return list(dict.fromkeys(paths))
