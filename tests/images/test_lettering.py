"""Are answers and names written in letters that can be read?"""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from multitask.images.lettering import BLACK, WHITE, draw_line, font, line_height
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
