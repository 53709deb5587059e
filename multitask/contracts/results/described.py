"""What is known of a network, and of the data that it learned from?"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class DataDescription:
    """What the publishers say of a data set; empty where nothing is stated.

    `name` is what the user calls it, `reader` what reads it.
    """

    name: str
    reader: str
    title: str = ""
    address: str = ""
    terms: str = ""
    labels: str = ""  # what its labels are, and can support

    @property
    def is_published(self) -> bool:
        """Whether its reader reads this data set alone."""
        return bool(self.title)


@dataclass(frozen=True, kw_only=True)
class TrainedNetwork:
    """What a network is made of, and how it was trained; None where it is unknown.

    `parts` counts the pictures of each part of its split. `seconds` is the time of its
    epochs, `cpu_seconds` what all cores together computed in it.
    """

    trunk: str
    size: int  # pixels per side of the trunk's input
    parameters: int
    data: tuple[DataDescription, ...]
    recipe: Mapping[str, Any]
    parts: Mapping[str, int] = field(default_factory=dict)
    epochs: int | None = None
    seconds: float | None = None
    cpu_seconds: float | None = None
    licence: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
