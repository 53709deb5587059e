"""Are answers and names written in letters that can be read?"""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from multitask.images.lettering import (
    BLACK,
    WHITE,
    draw_line,
    escaped_note,
    font,
    line_height,
)
from multitask.images.lettering import width as text_width

SIZE = 32
MISSING = "\U0010ffff"  # in no font


def drawn(text, size=SIZE):
    image = Image.new("RGB", (40 * size, line_height(size)), BLACK)
    draw_line(ImageDraw.Draw(image), (0, 0), text, WHITE, size)
    return np.asarray(image)[..., 0]


@pytest.mark.parametrize("letter", [*"aZ0.()~äöüßéñçıřĄ", *"Ωж"])
def test_letters_of_most_alphabets_have_a_shape(letter):
    missing = bytes(font(SIZE, letter).getmask(MISSING))
    assert bytes(font(SIZE, letter).getmask(letter)) != missing
    assert drawn(letter).max() == 255


def test_both_fonts_stand_on_the_same_line_and_within_it():
    """ "E" ends on the base line, "Ä" too, and the dots above it are not cut off."""
    plain, umlaut = (drawn(text).max(axis=1) > 128 for text in ("E", "EÄ"))
    assert np.flatnonzero(plain)[-1] == pytest.approx(np.flatnonzero(umlaut)[-1], abs=1)
    assert np.flatnonzero(drawn("Ä").max(axis=1) > 128)[0] > 0


def test_a_text_is_as_wide_as_it_is_drawn():
    for text in ("weiblich .98", "männlich .98"):
        right = np.flatnonzero(drawn(text).max(axis=0) > 0)[-1]
        assert text_width(text, SIZE) - SIZE // 8 <= right < text_width(text, SIZE)


def test_ascii_keeps_the_font_that_pillow_ships():
    assert font(SIZE, "age 31").getname() == font(SIZE).getname()
    assert font(SIZE, "größe").getname()[0] == "DejaVu Sans"


@pytest.mark.parametrize(
    ("text", "before", "code", "after"),
    [
        ("女 .98", "", r"\u5973", " .98"),
        ("mä女", "mä", r"\u5973", ""),
        ("a\nb.jpg", "a", r"\n", "b.jpg"),
        ("caf\udce9.jpg", "caf", r"\udce9", ".jpg"),  # a byte that is no letter
    ],
)
def test_what_no_font_has_is_drawn_as_code_and_told(text, before, code, after):
    shown = before + code + after
    assert (drawn(text) == drawn(shown)).all()
    assert text_width(text, SIZE) == text_width(shown, SIZE)
    assert escaped_note([shown]) == ""
    told = f"1 letter missing in the font, drawn as code: {code}"
    assert escaped_note([text, text]) == told


def test_few_of_many_missing_letters_are_named():
    note = escaped_note(["男女老少年歳"])
    assert note.startswith("6 letters missing in the font, drawn as code: ")
    assert note.endswith(r"\u5e74, ...")
