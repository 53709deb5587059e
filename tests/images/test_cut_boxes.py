"""Is what lies in a box cut out, and is a wrong box told?"""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from multitask.images.decode import PictureError, decode, decode_all


def noise(height, width):
    shape = (height, width, 3)
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def encoded(image, form):
    file = BytesIO()
    Image.fromarray(image).save(file, form)
    return file.getvalue()


def refused(picture, box):
    with pytest.raises(PictureError) as caught:
        decode(picture, box)
    # The same reason reaches whoever reads many.
    assert list(decode_all([picture], 16, [box])) == [(0, str(caught.value))]
    return str(caught.value)


@pytest.mark.parametrize(
    ("box", "rows", "columns"),
    [
        ("2 1 6 4", slice(1, 4), slice(2, 6)),
        ("-3 -3 4 2", slice(0, 2), slice(0, 4)),
        ("5 3 100 100", slice(3, 8), slice(5, 10)),
        ("1.6 0.6 4.4 2.4", slice(1, 2), slice(2, 4)),
    ],
)
def test_a_box_cuts_out_what_lies_inside(box, rows, columns):
    image = noise(8, 10)
    np.testing.assert_array_equal(decode(image, box), image[rows, columns])
    np.testing.assert_array_equal(
        decode(encoded(image, "PNG"), box), image[rows, columns]
    )


@pytest.mark.parametrize("box", ["10 0 20 5", "0 8 5 20", "0 -9 10 -2", "-9 0 -2 8"])
def test_a_box_outside_the_picture_is_refused(box):
    line = f"box {box!r} lies outside the picture, which has 10 x 8 pixels"
    assert refused(noise(8, 10), box) == line


@pytest.mark.parametrize("box", ["4 4 4 6", "0 0 0.4 0.4"])
def test_a_box_without_a_pixel_is_refused(box):
    assert (
        refused(noise(8, 10), box) == f"box {box!r} is less than a pixel wide or high"
    )


@pytest.mark.parametrize(
    ("box", "line"),
    [
        ("4 2 3 6", "has right 3 before left 4: must be 'left top right bottom', or "
         "--box xywh: 'left top width height'"),
        ("0 6 3 2", "has bottom 2 above top 6: must be 'left top right bottom', or "
         "--box xywh: 'left top width height'"),
        ("4 2 -3 6", "has right -3 before left 4: must be 'left top right bottom'"),
    ],
)  # fmt: skip
def test_a_box_that_ends_before_it_begins_says_what_it_may_be(box, line):
    assert refused(noise(8, 10), box) == f"box {box!r} {line}"


@pytest.mark.parametrize("box", ["1 2 3", "a b c d", "0 0 nan 4", "0 0 inf 4"])
def test_a_box_that_is_none_is_refused(box):
    assert (
        refused(noise(8, 10), box) == f"box is {box!r}, must be 'left top right bottom'"
    )
