"""Are boxes and answers drawn where they can be read, and never on a face?"""

from io import BytesIO
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from multitask.images import annotate
from multitask.images.annotate import annotated
from multitask.images.captions import caption
from multitask.images.decode import PictureError
from multitask.images.lettering import BLACK, COLORS, WHITE, contrasting, width

RNG = np.random.default_rng(0)


def rows(boxes, **columns):
    """A row of predictions per box."""
    n = len(boxes)
    answers = {
        "gender": ["female"] * n,
        "gender_confidence": np.full(n, 0.981, np.float32),
        "age": [31.4] * n,
        "age_low": [25.2] * n,
        "age_high": [38.0] * n,
        "Smiling": pd.array([1] * n, dtype="Int64"),
        "Smiling_confidence": [0.75] * n,
    }
    start = {"path": ["a.jpg"] * n, "status": ["ok"] * n, "box": boxes}
    return pd.DataFrame({**start, **answers, **columns})


def grid(width, height, face, step):
    return [
        f"{left} {top} {left + face} {top + face}"
        for top in range(step - face, height - face, step)
        for left in range(step - face, width - face, step)
    ]


def inside(pixels, box):
    left, top, right, bottom = map(int, box.split())
    return pixels[max(0, top) : bottom, max(0, left) : right]


def overlap(one, other):
    return (
        one[0] < other[2]
        and other[0] < one[2]
        and one[1] < other[3]
        and other[1] < one[3]
    )


def layout(boxes, size, picture):
    """The labels that `annotated` places, and the boxes as numbers."""
    faces = list(annotate._faces(rows(boxes), *picture))
    labels = annotate._layout(faces, picture, size, 2)
    return [labels[face.number] for face in faces if face.number in labels], [
        face.box for face in faces
    ]


@pytest.mark.parametrize(
    ("picture", "boxes"),
    [
        ((640, 480), ["20 20 100 120"]),
        ((640, 480), ["0 0 100 100", "540 380 640 480", "300 0 340 40"]),
        ((512, 512), ["0 0 512 200", "0 300 512 512"]),
        ((64, 64), ["20 20 40 40"]),
        ((64, 64), ["2 2 62 62"]),
        ((640, 480), grid(640, 480, 60, 120)),
        ((1200, 800), grid(1200, 800, 40, 70)),
        # Letters of 51 pixels, and of 36, are too high for the gaps of 44 pixels.
        ((3200, 2000), grid(3200, 2000, 130, 174)),
        ((6000, 4000), [*grid(6000, 4000, 60, 280), "110 110 120 122"]),
    ],
)
def test_no_face_is_covered_and_no_label_lies_on_another(picture, boxes):
    pixels = RNG.integers(0, 256, (picture[1], picture[0], 3), np.uint8)
    shown = np.asarray(annotated(pixels, rows(boxes)))
    assert shown.shape[0] >= picture[1]
    assert shown.shape[1] >= picture[0]
    size = max(12, round((picture[0] * picture[1]) ** 0.5 / 50))
    line = max(2, size // 8)
    # A frame is around its box, but in it where the picture ends.
    whole = (line + 2, line + 2, picture[0] - line - 2, picture[1] - line - 2)
    for box in boxes:
        edges = map(int, box.split())
        bounds = zip((max, max, min, min), edges, whole, strict=True)
        within = " ".join(str(bound(edge, end)) for bound, edge, end in bounds)
        assert np.array_equal(inside(shown, within), inside(pixels, within)), box
    labels, faces = layout(boxes, size, picture)
    places = [label.place for label in labels]
    for one, other in combinations(places, 2):
        assert not overlap(one, other)
    for place in places:
        assert place[0] >= 0 <= place[1]
        assert place[2] <= picture[0]
        assert place[3] <= picture[1]
        assert not any(overlap(place, face) for face in faces)


def test_random_faces_are_never_covered_while_there_is_room():
    for _ in range(30):
        wide, high = RNG.integers(300, 1200, 2)
        corners = RNG.integers(0, (wide - 40, high - 40), (6, 2))
        sides = RNG.integers(10, 40, 6)
        boxes = [
            f"{x} {y} {x + side} {y + side}"
            for (x, y), side in zip(corners, sides, strict=True)
        ]
        pixels = np.full((high, wide, 3), 128, np.uint8)
        labels, faces = layout(boxes, 14, (int(wide), int(high)))
        assert len(labels) == 6
        assert not any(overlap(label.place, box) for label in labels for box in faces)
        assert annotated(pixels, rows(boxes)).width == wide


def test_few_faces_have_all_their_answers_and_a_crowd_numbers():
    few, _ = layout(["100 100 180 180", "400 100 480 180"], 14, (640, 480))
    assert [label.text.lines for label in few] == [
        ("female .98", "31 (25 to 38)", "Smiling .75")
    ] * 2
    # 45 pixels between faces: three lines need 48.
    shorter, _ = layout(grid(640, 480, 100, 145), 12, (640, 480))
    assert [label.text.lines for label in shorter] == [("female, 31,", "Smiling")] * 12
    crowd, _ = layout(grid(1200, 800, 40, 70), 20, (1200, 800))
    assert len(crowd) == 17 * 11
    assert all(label.is_number for label in crowd)
    assert [label.text.lines for label in crowd] == [(str(n),) for n in range(187)]


def test_a_legend_below_has_what_the_numbers_stand_for():
    pixels = np.full((800, 1200, 3), 255, np.uint8)
    boxes = grid(1200, 800, 40, 70)
    shown = annotated(pixels, rows(boxes))
    assert shown.width == 1200
    # 187 entries in at most three columns of lines of at least 12 pixels.
    assert shown.height > 800 + 187 / 3 * 12
    assert annotated(pixels, rows(boxes[:1])).height == 800


@pytest.mark.parametrize("side", [8, 64, 200])
def test_answers_for_the_whole_picture_stand_below_it(side):
    pixels = RNG.integers(0, 256, (side, side, 3), np.uint8)
    shown = np.asarray(annotated(pixels, rows([None])))
    assert np.array_equal(shown[:side, :side], pixels)
    assert shown.shape[0] > side
    assert shown.shape[1] >= width("31 (25 to 38)", 12)
    strip = shown[side:]
    assert strip.max() > 200  # light letters
    assert np.median(strip) < 60  # on dark ground
    # Nothing runs into the edge.
    assert len(np.unique(strip[:, -2:].reshape(-1, 3), axis=0)) == 1


def test_a_status_is_shown_and_a_row_without_anything_changes_nothing():
    pixels = np.zeros((100, 200, 3), np.uint8)
    failed = pd.DataFrame({"path": ["a.jpg"], "status": ["no face"], "box": [None]})
    assert annotated(pixels, failed).height > 100
    blank = failed.assign(status="ok")
    assert np.array_equal(np.asarray(annotated(pixels, blank)), pixels)
    assert annotated(pixels, failed[:0]).size == (200, 100)


def test_a_rotated_photo_is_upright_before_boxes_are_drawn():
    image = Image.new("RGB", (300, 200), "white")
    exif = image.getexif()
    exif[0x0112] = 6  # the camera lay on its side
    file = BytesIO()
    image.save(file, "PNG", exif=exif)
    shown = annotated(file.getvalue(), rows(["50 220 150 290"]))
    assert shown.size == (200, 300)
    pixels = np.asarray(shown)
    assert (inside(pixels, "50 220 150 290") == 255).all()
    frame = pixels[220:290, 50 - 5 : 50].reshape(-1, 3)
    assert {COLORS[0]} <= set(map(tuple, frame.tolist()))


def test_a_face_that_the_edge_cuts_is_framed_within_the_picture():
    shown = annotated(np.full((200, 200, 3), 255, np.uint8), rows(["-40 50 60 260"]))
    assert shown.size == (200, 200)
    pixels = np.asarray(shown)
    assert (pixels[120, :5] == COLORS[0]).all(axis=1).any()


@pytest.mark.parametrize(
    ("box", "reason"),
    [
        (
            "300 0 400 50",
            "box '300 0 400 50' lies outside the picture, which has 200 x 100 pixels",
        ),
        ("1 2 3", "box is '1 2 3', must be 'left top right bottom'"),
        ("a b c d", "box is 'a b c d', must be"),
        ("0 0 inf 9", "box is '0 0 inf 9', must be"),
    ],
)
def test_a_wrong_box_is_told(box, reason):
    with pytest.raises(PictureError, match=f"^{reason}"):
        annotated(np.zeros((100, 200, 3), np.uint8), rows([box]))


def test_faces_that_touch_have_their_numbers_in_small_corners():
    boxes = grid(401, 401, 100, 100)
    pixels = np.full((400, 400, 3), 255, np.uint8)
    shown = np.asarray(annotated(pixels, rows(boxes)))
    for box in boxes:
        middle = inside(shown, box)[25:75, 25:75]
        assert (middle == 255).all()


def test_the_numbers_are_those_of_the_table():
    faces = rows(["0 0 9 9", "9 9 20 20"], face=[4, 7])
    assert [face.number for face in annotate._faces(faces, 50, 50)] == [4, 7]
    assert [
        face.number for face in annotate._faces(faces.drop(columns="face"), 50, 50)
    ] == [0, 1]


def luminance(color):
    shares = np.array(color) / 255
    low, high = shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4
    return np.where(shares <= 0.03928, low, high) @ [0.2126, 0.7152, 0.0722]


@pytest.mark.parametrize("color", [*COLORS, BLACK, WHITE])
def test_letters_have_the_contrast_that_wcag_asks_for(color):
    light, dark = sorted(map(luminance, (color, contrasting(color))), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5


@pytest.mark.parametrize(
    ("answers", "shown"),
    [
        ({"sex": "female", "sex_confidence": 0.6, "warning": "unlike the others"},
         ["female .60", "unlike the others"]),
        ({"sex": "female", "sex_confidence": 0.6, "warning": None}, ["female .60"]),
        ({"warning": "loud", "warning_confidence": 0.6}, ["loud .60"]),  # a head's
        ({"age": 7.28, "age_low": 3.0, "age_high": 11.5}, ["7.3 (3 to 11.5)"]),
        ({"size": 180.2, "size_low": 1, "size_high": 200}, ["size 180 (1 to 200)"]),
        ({"age": 31.4, "age_low": np.nan, "age_high": np.nan}, ["31"]),
        ({"Young": 0, "Young_confidence": 0.9}, []),
        ({"Young": 1.0, "Young_confidence": 0.9}, ["Young .90"]),
        ({"digit": "7", "digit_confidence": 0.9}, ["digit 7 .90"]),
        ({"gender": None, "gender_confidence": np.nan}, []),
        ({"face": 0, "face_confidence": 0.99}, []),
        ({"identity": "Ann", "gender_male": 0.3}, []),
        ({"status": "no face", "Young": 1, "Young_confidence": 0.9}, ["no face"]),
    ],
)  # fmt: skip
def test_what_a_caption_lists(answers, shown):
    assert list(caption(pd.Series(answers, dtype=object))) == shown
