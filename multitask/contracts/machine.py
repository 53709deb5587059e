"""Where does a training keep its data, and does it take damaged pictures?"""

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from multitask.contracts.errors import UserError
from multitask.contracts.settings import field_value, for_users, type_hints

CACHE = "~/.cache/multitask"


@for_users
@dataclass(frozen=True, kw_only=True)
class Machine:
    """The folder for the features of frozen trunks, and the memory for pictures.

    Decoded pictures that take more than `memory` gigabytes are kept on disk. Pictures
    whose decoder reports damage are set aside, or used as far as they can be read
    (`damaged="keep"`), as old collections may need.

    Raises UserError for another keyword, and if `memory` is not above 0.
    """

    cache: Path = Path(CACHE)
    memory: float = 2.0
    damaged: Literal["skip", "keep"] = "skip"

    def __post_init__(self) -> None:
        folder = os.path.expanduser(field_value(Path, self.cache, "cache"))
        object.__setattr__(self, "cache", Path(folder).absolute())
        memory = field_value(float, self.memory, "memory")
        object.__setattr__(self, "memory", memory)
        kind = type_hints(Machine)["damaged"]
        object.__setattr__(self, "damaged", field_value(kind, self.damaged, "damaged"))
        if not 0 < self.memory < math.inf:
            raise UserError("--memory", f"is {self.memory}, must be above 0")
