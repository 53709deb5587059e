"""What of the machine does a training use? No setting of it changes a result."""

from dataclasses import dataclass
from pathlib import Path

from multitask.contracts.errors import UserError

CACHE = "~/.cache/multitask"


@dataclass(frozen=True, kw_only=True)
class Machine:
    """The folder in which features of frozen trunks are kept, and room for pictures.

    `memory` is in gigabytes; decoded pictures beyond it are kept on the disk.

    Raises UserError if `memory` is not above 0.
    """

    cache: Path = Path(CACHE)
    memory: float = 2.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "cache", Path(self.cache).expanduser().absolute())
        if not self.memory > 0:
            raise UserError("--memory", f"is {self.memory}, must be above 0")
