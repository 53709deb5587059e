"""What do these faces or pictures look like side by side?"""

from collections.abc import Callable, Sequence
from math import ceil
from pathlib import Path
from typing import NamedTuple

from PIL import ExifTags, Image, ImageDraw

from multitask.contracts.errors import UserError, nearest
from multitask.contracts.run import check_writable
from multitask.contracts.saving import locked, replacing
from multitask.images.decode import Picture, PictureError, decode
from multitask.images.lettering import (
    DARK,
    SMALLEST,
    WHITE,
    Color,
    draw_line,
    line_height,
    shortened,
    wrapped,
)
from multitask.images.threads import in_order

MOST = 1000  # tiles: a larger sheet is more than viewers open
ENDINGS = (".jpg", ".jpeg", ".png", ".webp")
_GREY: Color = (90, 90, 90)
_ASPECT = 1.5  # width of a sheet by its height
_QUALITY = 92  # of a JPEG: letters stay clean
_SOFTWARE = "multitask contact sheet"  # in the EXIF data of each


class Item(NamedTuple):
    """A picture, the part of it to show, and the lines below it.

    `box` is `left top right bottom` in pixels of the upright picture, None for the
    whole picture.
    """

    picture: Picture
    box: str | None = None
    caption: Sequence[str] = ()


def sheet(
    items: Sequence[Item],
    *,
    side: int = 160,
    margin: float = 0.2,
    columns: int | None = None,
    failed: Callable[[int, str], object] = lambda index, reason: None,
) -> Image.Image:
    """Draw a contact sheet: a tile of `side` pixels per item, its caption below it.

    Pictures are upright and keep their proportions. `margin`, a share of the box, is
    shown around it. Lines of a caption that are wider than a tile are cut short. By
    default there are as many `columns` as make the sheet about three by two.

    An item whose picture can't be decoded has a grey tile that says why, and `failed`
    is called with its index and the reason.

    Raises UserError without an item, and for more than 1,000.
    """
    check_count(len(items))
    gap = max(4, side // 20)
    size = max(SMALLEST, side // 12)
    lines = max(len(item.caption) for item in items)
    step = side + gap, side + gap + lines * line_height(size)
    if columns is None:
        columns = ceil((len(items) * _ASPECT * step[1] / step[0]) ** 0.5)
    columns = min(columns, len(items))
    canvas = Image.new(
        "RGB",
        (columns * step[0] + gap, ceil(len(items) / columns) * step[1] + gap),
        DARK,
    )
    draw = ImageDraw.Draw(canvas)

    def one(index: int) -> Image.Image | str:
        try:
            return _tile(items[index], side, margin)
        except PictureError as error:
            return str(error)

    for index, tile in enumerate(in_order(one, len(items))):
        left = gap + index % columns * step[0]
        top = gap + index // columns * step[1]
        if isinstance(tile, str):
            failed(index, tile)
            _draw_reason(draw, tile, (left, top), side, size)
        else:
            at = left + (side - tile.width) // 2, top + (side - tile.height) // 2
            canvas.paste(tile, at)
        for number, text in enumerate(items[index].caption):
            down = top + side + number * line_height(size)
            draw_line(draw, (left, down), shortened(text, size, side), WHITE, size)
    return canvas


def check_count(pictures: int) -> None:
    """Raise UserError unless a sheet can have so many pictures."""
    if not 1 <= pictures <= MOST:
        what = f"would have {pictures:,} pictures, must have 1 to {MOST:,}"
        raise UserError("--sheet", what, f"add --top {MOST}" if pictures else "")


def _tile(item: Item, side: int, margin: float) -> Image.Image:
    """The picture, or what is in its box, as large as the tile."""
    image = Image.fromarray(
        decode(item.picture, item.box or None, margin, damaged="keep")
    )
    scale = side / max(image.size)
    size = [max(1, round(edge * scale)) for edge in image.size]
    # First in whole blocks, which is fast for large pictures.
    return image.resize((size[0], size[1]), Image.Resampling.BICUBIC, reducing_gap=3.0)


def _draw_reason(
    draw: ImageDraw.ImageDraw, reason: str, place: tuple[int, int], side: int, size: int
) -> None:
    left, top = place
    draw.rectangle((left, top, left + side - 1, top + side - 1), outline=_GREY)
    padding = size // 2
    most = (side - 2 * padding) // line_height(size)
    for number, line in enumerate(wrapped(reason.split(), size, side - 2 * padding)):
        if number < most:
            at = (left + padding, top + padding + number * line_height(size))
            draw_line(draw, at, line, WHITE, size)


def check_ending(path: Path, where: str) -> None:
    """Raise UserError unless a file for a picture ends in a format of `ENDINGS`.

    >>> check_ending(Path("faces.abc"), "--sheet")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    multitask.UserError: --sheet: has the unknown ending '.abc'; known: .jpg, .jpeg, ...
    """
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        what = f"has the unknown ending {ending!r}" if ending else "has no ending"
        raise UserError(where, what, nearest(ending, ENDINGS))


def check_sheet(path: Path) -> None:
    """Raise UserError unless a sheet can be written under this name; call it early.

    An earlier sheet is replaced, and nothing else.
    """
    where = f"--sheet {path}"
    check_ending(path, where)
    if path.is_dir():
        raise UserError(where, "is a folder", "name a file in a folder")
    if not path.parent.is_dir():
        raise UserError(where, f"no folder '{path.parent}'", "make it, or name another")
    if path.exists() and not _is_sheet(path):
        what = "exists and is no contact sheet of multitask, so it is not replaced"
        raise UserError(where, what, "name another file")
    check_writable(path.parent, "choose another folder", where=where)


def _is_sheet(path: Path) -> bool:
    try:
        with Image.open(path) as image:
            return image.getexif().get(ExifTags.Base.Software) == _SOFTWARE
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return False  # no picture, a broken one, or a larger one than any sheet


def save_sheet(image: Image.Image, path: Path) -> None:
    """Write a contact sheet as `save` does, so that `check_sheet` knows it again."""
    exif = Image.Exif()
    exif[ExifTags.Base.Software] = _SOFTWARE
    with locked(path):
        save(image, path, exif)


def save(image: Image.Image, path: Path, exif: Image.Exif | None = None) -> None:
    """Write an image whole or not at all, in the format of its ending.

    Raises UserError if it can't be written.
    """
    with replacing(path) as part:
        image.save(part, quality=_QUALITY, exif=exif or Image.Exif())
