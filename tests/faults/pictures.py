"""Picture files of every format that are damaged, given to all decoders."""

from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
import simplejpeg
from PIL import Image, features

from multitask.images.decode import PictureError, decode, decode_all
from tests.faults.outcomes import Outcome, damaged, outcome

_SIZE = 16  # of resized pictures, in pixels


@cache
def whole() -> dict[str, bytes]:
    """A file of each format, as cameras and tools write them."""
    rng = np.random.default_rng(0)
    across, down = np.linspace(0, 200, 90), np.linspace(0, 55, 70)[:, None]
    smooth = (across + down)[..., None] * (1.0, 0.7, 0.4)
    frames = [
        Image.fromarray(
            (smooth + rng.normal(0, 8, (70, 90, 3))).clip(0, 255).astype("u1")
        )
        for _ in range(3)
    ]
    exif = Image.Exif()
    exif[0x0112] = 6
    several = {"save_all": True, "append_images": frames[1:]}
    kinds: list[tuple[str, str, dict[str, object]]] = [
        ("JPEG", "JPEG", {}),
        ("JPEG, progressive", "JPEG", {"progressive": True}),
        ("JPEG, turned", "JPEG", {"exif": exif}),
        ("JPEG, grey", "JPEG", {}),
        ("PNG", "PNG", {}),
        ("PNG, animated", "PNG", several),
        ("GIF, animated", "GIF", several),
        ("BMP", "BMP", {}),
        ("TIFF", "TIFF", {"compression": "tiff_lzw"}),
    ]
    if features.check("webp"):
        kinds += [("WebP", "WEBP", {}), ("WebP, animated", "WEBP", several)]
    files = {}
    for name, form, options in kinds:
        file = BytesIO()
        image = frames[0].convert("L") if "grey" in name else frames[0]
        image.save(file, form, **options)
        files[name] = file.getvalue()
    return files


def case(seed: int, folder: Path) -> Outcome:
    """Damage a picture by a seed, and decode it: from bytes, a file, and resized."""
    rng = np.random.default_rng(seed)
    form = str(rng.choice(list(whole())))
    _, data = damaged(whole()[form], rng)
    file = folder / f"{seed}.bin"
    file.write_bytes(data)
    try:
        return outcome(form, seed, lambda: _decode(data, file))
    finally:
        file.unlink()


def _decode(data: bytes, file: Path) -> str:
    results = list(decode_all([data, str(file)], _SIZE))
    reasons = {result for _, result in results if isinstance(result, str)}
    try:
        decode(data)
    except PictureError as error:
        if "\n" in str(error):
            return "told in several lines"
        return "told" if reasons == {str(error)} else f"but {reasons}, not {error}"
    if reasons:
        return f"decoded alone, but {reasons}"
    if data.startswith(b"\xff\xd8\xff"):
        try:
            simplejpeg.decode_jpeg(data, "RGB")
        except ValueError as error:
            if "unknown JFIF revision" not in str(error):  # of an unknown year
                return f"decoded, but damaged: {error}"
    return "read"
