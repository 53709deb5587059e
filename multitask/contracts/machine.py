"""Where does a training keep its data? Nothing here changes a result."""

import math
import os
from dataclasses import dataclass
from pathlib import Path

from multitask.contracts.errors import UserError
from multitask.contracts.settings import field_value, for_users

CACHE = "~/.cache/multitask"


@for_users
@dataclass(frozen=True, kw_only=True)
class Machine:
    """The folder for the features of frozen trunks, and the memory for pictures.

    Decoded pictures that take more than `memory` gigabytes are kept on disk.

    Raises UserError for another keyword, and if `memory` is not above 0.
    """

    cache: Path = Path(CACHE)
    memory: float = 2.0

    def __post_init__(self) -> None:
        folder = os.path.expanduser(field_value(Path, self.cache, "cache"))
        object.__setattr__(self, "cache", Path(folder).absolute())
        memory = field_value(float, self.memory, "memory")
        object.__setattr__(self, "memory", memory)
        if not 0 < self.memory < math.inf:
            raise UserError("--memory", f"is {self.memory}, must be above 0")
