"""What is a network made of, and which crops of a picture does it look at?"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from keras import ops

from multitask.contracts.catalog import to_config
from multitask.contracts.head import Head
from multitask.contracts.recipe_texts import DenseFeatures
from multitask.contracts.version import VERSION
from multitask.images.faces.crop import Framing
from multitask.images.resize import middle
from multitask.networks.stored.schema import FORMAT


@dataclass(frozen=True, kw_only=True)
class Crop:
    """A crop of a picture: pixels off its centre, mirrored or not."""

    mirrored: bool = False
    down: int = 0
    right: int = 0

    def at(self, images: Any, size: int) -> Any:
        """Crop images (batch, side, side, 3) to (batch, size, size, 3)."""
        crop = middle(images, size, self.down, self.right)
        return ops.flip(crop, axis=2) if self.mirrored else crop


@dataclass(frozen=True, kw_only=True)
class NetworkSpec:
    """All of a network that Keras does not store; saved in the network's file."""

    trunk: str
    size: int  # pixels per side of the trunk's input
    crop: float = 1.0  # `size` as a share of the picture's side; the rest is margin
    pooling: str = "average"  # of the trunk's feature map: average, max or flatten
    dense: DenseFeatures = DenseFeatures()  # between trunk and heads
    heads: tuple[Head, ...]
    tta: int = 4  # crops that outputs are averaged over: 1, 2, 4 or 16
    notes: tuple[str, ...] = ()
    leaks: tuple[str, ...] = ()  # why figures of its own split may be too good
    box: str = ""  # "xywh" if a table that it was trained on had such boxes in a cell
    framing: Framing | None = None  # how faces lay in its training pictures
    recipe: dict[str, Any] = field(default_factory=dict)

    @property
    def side(self) -> int:
        """Pixels per side of the resized picture, margin included."""
        return self.size + 2 * round(self.size * (1 / self.crop - 1) / 2)

    @property
    def box_margin(self) -> float:
        """The share of a box's size that is added on each side of it, by the recipe."""
        return float(self.recipe.get("box_margin", 0.0))

    @property
    def storage(self) -> str:
        """The type of the kernels in the file of a saved network, by the recipe."""
        return str(self.recipe.get("storage", "float32"))

    def crops(self) -> tuple["Crop", ...]:
        """The crops that the network looks at, `tta` of them.

        1: the centre. 2: also its mirror image. 4: towards the four corners, two of
        them mirrored. 16: a grid over the margin, mirrored as a chessboard is black.
        Without a margin, 4 and 16 are the two of the centre.
        """
        margin = (self.side - self.size) / 2
        if self.tta == 16 and margin:
            places = [round(share * margin) for share in (-0.9, -0.3, 0.3, 0.9)]
            return tuple(
                Crop(down=down, right=right, mirrored=bool((row + column) % 2))
                for row, down in enumerate(places)
                for column, right in enumerate(places)
            )
        offset = round(0.75 * margin)
        if self.tta < 4 or not offset:
            return (Crop(), Crop(mirrored=True))[: self.tta]
        return (
            Crop(down=-offset, right=-offset),
            Crop(down=offset, right=offset),
            Crop(down=-offset, right=offset, mirrored=True),
            Crop(down=offset, right=-offset, mirrored=True),
        )

    def with_heads(self, heads: Sequence[Head]) -> "NetworkSpec":
        """The same network with other heads."""
        return replace(self, heads=tuple(heads))

    def to_json(self, weights_sha256: str = "") -> str:
        """The text of `multitask.json`, with the checksum of the member of weights.

        `archive.load_spec` reads it.
        """
        return json.dumps(
            {
                "format": FORMAT,
                "multitask": VERSION,
                **({"weights_sha256": weights_sha256} if weights_sha256 else {}),
                "trunk": self.trunk,
                "size": self.size,
                "crop": self.crop,
                "pooling": self.pooling,
                "features": self.dense.units,
                "features_l2": self.dense.l2,
                "features_norm": self.dense.norm,
                "looks": self.tta,  # its name in files since format 2
                "heads": [to_config(head) for head in self.heads],
                "notes": self.notes,
                **({"leaks": self.leaks} if self.leaks else {}),
                **({"box": self.box} if self.box else {}),
                **({"framing": asdict(self.framing)} if self.framing else {}),
                "recipe": self.recipe,
            },
            indent=1,
        )
