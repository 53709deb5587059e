"""Pictures that are odd or damaged, in which faces are looked for."""

from collections.abc import Callable
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image, ImageOps

from multitask.images.decode import decode
from multitask.networks import build
from multitask.networks.analyzer import Analyzer
from multitask.networks.answers import NO_NUMBER
from multitask.networks.spec import NetworkSpec
from tests import tiny
from tests.faults.outcomes import Outcome, Rng, damaged, outcome
from tests.networks.untrained import gender_age_spec
from tests.portraits import FRAMING, cropped, photo, portrait

_SIZES = (
    *(
        (1, 1),
        (1, 2),
        (2, 1),
        (1, 4000),
        (4000, 1),
        (3, 3),
        (11, 11),
        (12, 12),
        (13, 40),
    ),
    *((23, 24), (24, 24), (25, 25), (30_000, 20), (20, 30_000), (700, 3), (640, 480)),
)
_MODES = ("L", "LA", "RGBA", "P", "CMYK", "1", "I", "I;16", "F", "YCbCr", "LAB", "HSV")
_FORMATS = ("JPEG", "PNG", "TIFF", "BMP", "GIF", "WEBP")


@cache
def _network() -> Analyzer:
    spec: NetworkSpec = gender_age_spec(tiny.register(), framing=FRAMING)
    return Analyzer(build.build(spec), spec)


def case(seed: int, folder: Path) -> Outcome:
    """Make a picture of a seed, and predict for the faces in it."""
    rng = np.random.default_rng(seed)
    kinds: dict[str, Callable[[Rng], Image.Image | bytes]] = {
        "sizes": _sized, "cut by the border": _cut, "turned": _turned,
        "colours": _colours, "damaged": _damaged, "parts": _parts,
    }  # fmt: skip
    name = str(rng.choice(list(kinds)))
    picture = kinds[name](rng)
    return outcome(name, seed, lambda: _answer(picture, rng))


def _answer(picture: Image.Image | bytes, rng: Rng) -> str:
    settings: dict[str, Any] = {
        "faces": str(rng.choice(["auto", "detect"])),
        "largest": bool(rng.random() < 0.2),
        "damaged": str(rng.choice(["skip", "keep"])),
    }
    rows = _network().predict([picture], **settings)
    shape = None
    if "ok" in set(rows["status"]):
        shape = decode(picture, damaged=settings["damaged"]).shape
    for _, row in rows.iterrows():
        if fault := _fault(row, shape):
            return f"{fault} with {settings}"
    return "read" if shape or set(rows["status"]) == {"no face"} else "told"


def _fault(row: "pd.Series", shape: tuple[int, ...] | None) -> str:
    """What is wrong with a row; empty if nothing is."""
    if len(str(row["status"]).splitlines()) != 1 or row["status"] == NO_NUMBER:
        return f"status {row['status']!r}"
    answers = row[["age", "gender_confidence"]].astype(float)
    if shape is None:
        return "an answer without a status ok" if answers.notna().any() else ""
    if not np.isfinite(answers).all():
        return f"answers {answers.to_dict()}"
    if not 0 <= row["face_confidence"] <= 1:
        return f"confidence {row['face_confidence']}"
    if isinstance(row["box"], str):
        left, top, right, bottom = map(float, row["box"].split())
        if not (0 <= left < right <= shape[1] and 0 <= top < bottom <= shape[0]):
            return f"box {row['box']!r} in {shape}"
    return ""


def _sized(rng: Rng) -> Image.Image:
    """Nothing, noise or a face in an odd size."""
    size = _SIZES[int(rng.integers(len(_SIZES)))]
    kind = rng.integers(4)
    if kind == 0:
        return Image.new("RGB", size, tuple(rng.choice([0, 255], 3).tolist()))
    if kind == 1:
        return Image.fromarray(rng.integers(0, 256, (*size[::-1], 3), np.uint8))
    if kind == 2:
        return Image.fromarray(portrait()).resize(size)
    return ImageOps.fit(_photo(rng), size)


def _cut(rng: Rng) -> Image.Image:
    """A face that the border of the picture cuts."""
    face = Image.fromarray(portrait()).crop((120, 0, 340, 220))
    start = rng.integers(-110, 110, 2)
    part = face.crop((*start.tolist(), *(start + rng.integers(30, 221)).tolist()))
    return part.resize((int(rng.integers(20, 300)), int(rng.integers(20, 300))))


def _turned(rng: Rng) -> Image.Image:
    """A photo that is turned by any angle, or mirrored."""
    image = _photo(rng).rotate(float(rng.uniform(-180, 180)), expand=rng.random() < 0.5)
    return ImageOps.mirror(image) if rng.random() < 0.3 else image


def _colours(rng: Rng) -> Image.Image:
    """A photo with other colours, as a file or not, or hardly any contrast."""
    mode = str(rng.choice(_MODES))
    image = _photo(rng)
    if rng.random() < 0.3:
        image = image.point(lambda value: int(value * 0.05) + int(rng.integers(240)))
    if mode == "I;16":
        deep = np.asarray(image.convert("L")).astype(np.uint16) * 257
        return Image.fromarray(deep)
    if mode == "LAB":
        return Image.frombytes("LAB", image.size, image.tobytes())
    return image.convert("L").convert(mode) if mode in "IF" else image.convert(mode)


def _damaged(rng: Rng) -> bytes:
    """The file of a photo, damaged."""
    form, file = str(rng.choice(_FORMATS)), BytesIO()
    _photo(rng).save(file, form)
    data = damaged(file.getvalue(), rng)[1]
    return damaged(data, rng)[1] if rng.random() < 0.3 else data


def _parts(rng: Rng) -> Image.Image:
    """A photo with parts covered by noise or black, or moved."""
    pixels = np.array(_photo(rng))
    for _ in range(int(rng.integers(1, 6))):
        down, across = (int(rng.integers(side)) for side in pixels.shape[:2])
        part = pixels[down : down + 90, across : across + 90]
        if rng.random() < 0.5:
            part[:] = rng.integers(0, 256, part.shape, np.uint8)
        else:
            part[:] = part[::-1, ::-1].copy() if rng.random() < 0.5 else 0
    return Image.fromarray(pixels)


def _photo(rng: Rng) -> Image.Image:
    """A face alone, or one or two somewhere in a photo."""
    seed = int(rng.integers(20))
    if rng.random() < 0.4:
        return cropped(seed)
    sides = rng.integers(24, 200, int(rng.integers(1, 3))).tolist()
    return photo(seed, *sides)
