"""Does a contact sheet show each picture, or say why not?"""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from multitask.contracts.errors import UserError
from multitask.images.sheet import (
    Item,
    check_ending,
    check_sheet,
    save,
    save_sheet,
    sheet,
)

RED, BLUE = (255, 0, 0), (0, 0, 255)


def plain(color, width=40, height=40):
    return np.full((height, width, 3), color, np.uint8)


def tile(image, column, row=0, side=100, step=105):
    left, top = 5 + column * step, 5 + row * step
    return np.asarray(image)[top : top + side, left : left + side]


def test_tiles_stand_in_order_and_keep_their_proportions():
    image = sheet([Item(plain(RED)), Item(plain(BLUE, 80, 20))], side=100, columns=2)
    assert image.size == (2 * 105 + 5, 110)
    assert (tile(image, 0) == RED).all()
    wide = tile(image, 1)
    # 80 x 20 becomes 100 x 25, in the middle of 100 x 100.
    assert (wide[38:61] == BLUE).all()
    assert not (wide[:36] == BLUE).all(axis=2).any()


def test_a_box_is_cut_out_with_a_margin():
    picture = plain(RED, 100, 100)
    picture[40:60, 40:60] = BLUE
    (exact, around) = (
        tile(sheet([Item(picture, "40 40 60 60")], side=100, margin=margin), 0)
        for margin in (0.0, 0.5)
    )
    assert (exact == BLUE).all()
    # Half of 20 pixels on each side: 40 pixels are shown, the inner half of them blue.
    assert tuple(around[5, 5]) == RED
    assert tuple(around[50, 50]) == BLUE
    assert (around == BLUE).all(axis=2).mean() == pytest.approx(0.25, abs=0.03)


def test_a_photo_is_upright():
    pixels = plain(RED, 40, 20)
    pixels[:, 20:] = BLUE  # on the right; once it is upright, below
    image = Image.fromarray(pixels)
    exif = image.getexif()
    exif[0x0112] = 6
    file = BytesIO()
    image.save(file, "PNG", exif=exif)
    shown = tile(sheet([Item(file.getvalue())], side=100), 0)
    assert tuple(shown[10, 50]) == RED
    assert tuple(shown[90, 50]) == BLUE


def test_a_picture_that_is_gone_has_a_tile_and_is_told():
    failed = []
    items = [Item("none.jpg", None, ("none.jpg",)), Item(plain(RED))]
    image = sheet(items, side=100, columns=2, failed=lambda *what: failed.append(what))
    assert failed == [(0, "no such file")]
    assert tile(image, 0).max() == 255  # letters
    assert (tile(image, 1, step=105)[:100] == RED).all()


def test_a_caption_stays_below_its_own_tile():
    items = [
        Item(plain(RED), None, ("a name much wider than one tile is",)),
        Item(plain(RED)),
    ]
    image = np.asarray(sheet(items, side=100, columns=2))
    below = image[105:]
    assert below[:, :105].max() == 255
    assert below[:, 106:].max() == 32  # the ground alone


def test_many_tiles_make_a_sheet_of_three_by_two():
    image = sheet([Item(plain(RED))] * 150, side=40)
    assert image.width / image.height == pytest.approx(1.5, rel=0.1)


def test_an_empty_sheet_and_one_that_is_too_large_are_mistakes():
    with pytest.raises(UserError, match="would have 0 pictures, must have 1 to 1,000$"):
        sheet([])
    with pytest.raises(UserError, match="1,001 pictures, .* 1,000; add --top 1000"):
        sheet([Item("a.jpg")] * 1001)


def test_a_sheet_is_written_in_the_format_of_its_ending(tmp_path):
    image = sheet([Item(plain(RED))])
    for ending, form in ((".jpg", "JPEG"), (".PNG", "PNG"), (".webp", "WEBP")):
        path = tmp_path / f"sheet{ending}"
        check_ending(path, "--sheet")
        save(image, path)
        with Image.open(path) as saved:
            assert saved.format == form
            assert saved.size == image.size
    with pytest.raises(UserError, match="has no ending; known: .jpg"):
        check_ending(Path("sheet"), "--sheet sheet")
    with pytest.raises(UserError, match="can't be saved"):
        save(image, tmp_path / "none" / "sheet.jpg")


def test_a_sheet_that_can_not_be_written_is_said_by_its_own_name(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied", str(tmp_path / ".part-probe"))

    monkeypatch.setattr(Path, "mkdir", refuse)
    path = tmp_path / "x.png"
    with pytest.raises(UserError) as raised:
        check_sheet(path)
    assert str(raised.value) == (
        f"--sheet {path}: can't be written: '{tmp_path}': Permission denied; choose "
        "another folder"
    )


@pytest.mark.parametrize("ending", [".jpg", ".png", ".webp"])
def test_a_sheet_replaces_a_sheet_and_no_other_file(tmp_path, ending):
    image = sheet([Item(plain(RED))])
    earlier, photo = tmp_path / f"sheet{ending}", tmp_path / f"photo{ending}"
    save_sheet(image, earlier)
    check_sheet(earlier)
    save(image, photo)
    with pytest.raises(UserError, match="is no contact sheet of multitask, so it is n"):
        check_sheet(photo)
    photo.write_bytes(b"notes")
    with pytest.raises(UserError, match="is no contact sheet of multitask, so it is n"):
        check_sheet(photo)
