"""How can training pictures be augmented, and what do the names of `--augment` mean?"""

from dataclasses import dataclass, replace
from typing import Any

from multitask.contracts.errors import UserError, nearest


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """Ranges of random transformations; 0 turns one off.

    All but `flip`, `erase` and `mixup` are drawn uniformly from -value to +value:
    `rotate` in radians, `zoom` and `shift` as shares of the picture, `shear` as the
    shift of a row per pixel from the centre, `brightness` in grey levels, `contrast`
    and `saturation` as shares. `erase` is the probability that a rectangle (15-45% of
    each side) is blanked out (Zhong et al. 2017, "Random Erasing Data Augmentation").
    With `mixup`, two pictures and their labels are mixed in shares from a beta
    distribution with both parameters equal to it (Zhang et al. 2018, "mixup: Beyond
    Empirical Risk Minimization").
    """

    flip: bool = False
    rotate: float = 0.0
    zoom: float = 0.0
    shift: float = 0.0
    shear: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    erase: float = 0.0
    mixup: float = 0.0


_STANDARD = Augmentation(
    flip=True,
    rotate=0.08,
    zoom=0.08,
    shift=0.06,
    brightness=32,
    contrast=0.25,
    erase=0.25,
)
PRESETS = {
    "none": Augmentation(),
    "flip": Augmentation(flip=True),
    "standard": _STANDARD,
    "strong": Augmentation(
        flip=True,
        rotate=0.2,
        zoom=0.15,
        shift=0.1,
        shear=0.1,
        brightness=48,
        contrast=0.4,
        saturation=0.6,
        erase=0.5,
    ),
    "mixup": replace(_STANDARD, mixup=0.2),
}
STRENGTHS = ("small", "medium", "large")
_TRANSFORMS = {  # ranges by strength; 0.1 radians are 6 degrees
    "rotate": (0.05, 0.1, 0.25),
    "shift": (0.05, 0.1, 0.2),
    "shear": (0.05, 0.1, 0.2),
    "zoom": (0.05, 0.1, 0.2),
}


def parse_augmentation(text: str) -> Augmentation:
    """Parse the name of an augmentation, or several separated by commas.

    Names are those of `PRESETS`, and `rotate`, `shift`, `shear` and `zoom`, which may
    have a strength (medium by default). Of several the larger range counts.

    >>> parse_augmentation("flip,rotate:large") == Augmentation(flip=True, rotate=0.25)
    True

    Raises UserError, which lists the names, for an unknown one.
    """
    ranges: dict[str, Any] = {}
    for part in text.split(","):
        for name, value in _parse_one(part.strip()).items():
            ranges[name] = max(value, ranges.get(name, 0))
    return Augmentation(**ranges)


def _parse_one(text: str) -> dict[str, Any]:
    name, colon, strength = text.partition(":")
    if name in PRESETS and not colon:
        return vars(PRESETS[name])
    if name not in _TRANSFORMS:
        names = [*PRESETS, *_TRANSFORMS]
        if name in PRESETS:
            raise UserError("--augment", f"{name!r} takes no strength", f"write {name}")
        raise UserError("--augment", f"unknown preset {name!r}", nearest(name, names))
    strength = strength if colon else "medium"
    if strength not in STRENGTHS:
        raise UserError(
            "--augment", f"unknown strength {strength!r}", nearest(strength, STRENGTHS)
        )
    return {name: _TRANSFORMS[name][STRENGTHS.index(strength)]}
