"""What is a network made of, and at which places does it look at a picture?"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from keras import ops

from multitask.contracts.catalog import to_config
from multitask.contracts.head import Head
from multitask.contracts.version import VERSION
from multitask.images.resize import middle

FORMAT = 3  # of multitask.json; a file of a later one needs a later multitask


@dataclass(frozen=True, kw_only=True)
class Crop:
    """A part of a picture, so many pixels from its middle, in a mirror or not."""

    mirrored: bool = False
    down: int = 0
    right: int = 0

    def at(self, images: Any, size: int) -> Any:
        """What it sees (batch, size, size, 3) of pictures (batch, side, side, 3)."""
        seen = middle(images, size, self.down, self.right)
        return ops.flip(seen, axis=2) if self.mirrored else seen


@dataclass(frozen=True, kw_only=True)
class NetworkSpec:
    """What rides along in the file of a network: all that Keras does not know."""

    trunk: str
    size: int  # pixels a side that the trunk looks at
    crop: float = 1.0  # their share of the picture's side; the rest is its margin
    pooling: str = "average"  # how the places of a picture become one
    features: int = 0  # of a dense layer between trunk and heads; 0: none
    features_l2: float = 0.0  # what its squared weights add to the loss
    features_norm: bool = False  # whether it is normalized over a batch
    heads: tuple[Head, ...]
    tta: int = 4  # crops that each answer is averaged over: 1, 2 or 4
    notes: tuple[str, ...] = ()
    recipe: dict[str, Any] = field(default_factory=dict)

    @property
    def side(self) -> int:
        """Pixels a side of a whole picture, of which the middle is looked at."""
        return self.size + 2 * round(self.size * (1 / self.crop - 1) / 2)

    def crops(self) -> tuple["Crop", ...]:
        """How the network looks at a picture, as often as `tta` says.

        Once at its middle; also in a mirror; or at four places towards its corners,
        two of them in a mirror, if it has a margin.
        """
        away = round(0.75 * (self.side - self.size) / 2)
        if self.tta < 4 or not away:
            return (Crop(), Crop(mirrored=True))[: self.tta]
        return (
            Crop(down=-away, right=-away),
            Crop(down=away, right=away),
            Crop(down=-away, right=away, mirrored=True),
            Crop(down=away, right=-away, mirrored=True),
        )

    def with_heads(self, heads: Sequence[Head]) -> "NetworkSpec":
        return replace(self, heads=tuple(heads))

    def to_json(self) -> str:
        return json.dumps(
            {
                "format": FORMAT,
                "multitask": VERSION,
                "trunk": self.trunk,
                "size": self.size,
                "crop": self.crop,
                "pooling": self.pooling,
                "features": self.features,
                "features_l2": self.features_l2,
                "features_norm": self.features_norm,
                "looks": self.tta,  # its name in files since format 2
                "heads": [to_config(head) for head in self.heads],
                "notes": self.notes,
                "recipe": self.recipe,
            },
            indent=1,
        )
