"""What does a face of the sample look like? A drawing that shows all its labels.

It shows no real person: skin is green, blue or violet whatever the labels are, and
gender and race are arbitrary marks (the shirt, the pattern behind the head). Only the
pose tells left from right, so a mirrored picture keeps all other labels.
"""

import random
from functools import lru_cache

from multitask.datasets import _features, _worn
from multitask.datasets._pen import DARK, WHITE, Appearance, Pen, hsv, mix, zigzag
from multitask.datasets._truth import Truth
from PIL import Image, ImageDraw, ImageFilter

SIZE = 96
CHIN = 72  # pixels from the picture's top to the chin
FINE = 2  # the drawing is larger by this factor, then reduced: smooth edges

HAIR = {
    "Black_Hair": (24, 22, 30),
    "Blond_Hair": (240, 208, 92),
    "Brown_Hair": (122, 72, 36),
    "Gray_Hair": (172, 174, 182),
}
DYED = (214, 70, 150)  # of hair whose colour no attribute names
TURNS = {
    "frontal": (0, 0),
    "left": (-7, 0),
    "right": (7, 0),
    "up": (0, -6),
    "down": (0, 6),
}
# What 0 and 255 of each channel become.
LIGHT = {"bad": (0, 100), "medium": (0, 255), "high": (130, 255)}


def draw(truth: Truth) -> Image.Image:
    """Draw a face as an RGB picture, 96 x 96; the same truth gives the same pixels."""
    face = _appearance(truth)
    image = _background(truth, face)
    head = Pen(ImageDraw.Draw(image), face.x * FINE, face.y * FINE, face.unit * FINE)
    turn_x, turn_y = TURNS[truth.pose]
    front = head.moved(turn_x, turn_y)
    _back_hair(head, truth, face)
    _worn.body(Pen(head.draw, SIZE, SIZE, FINE), truth, face)
    _head(head, truth, face)
    _front_hair(head.moved(turn_x * 0.3, turn_y * 0.6), truth, face)
    _features.skin(front, truth, face)
    _features.eyes(front, truth, face)
    _features.nose(front.moved(turn_x * 0.4, turn_y * 0.3), truth, face)
    _features.beard(head.moved(turn_x * 0.6, turn_y * 0.4), front, truth, face)
    _features.mouth(front, truth, face)
    _worn.on_face(front, truth, face)
    _worn.on_head(head, truth, face)
    return _photograph(image, truth)


def _appearance(truth: Truth) -> Appearance:
    rng = random.Random(truth.appearance_seed)
    hue = rng.uniform(0.25, 0.78)  # no red, which would hide rosy cheeks
    skin = hsv(hue, rng.uniform(0.34, 0.46), rng.uniform(0.68, 0.86))
    if "Pale_Skin" in truth.marks:
        skin = hsv(hue, 0.07, 0.97)
    hair = next((HAIR[name] for name in HAIR if name in truth.marks), DYED)
    growth = min(truth.age, 18) / 18
    rx, ry = (18.5, 26.0) if "Oval_Face" in truth.marks else (20.5, 23.5)
    unit = rng.uniform(1.04, 1.12) * (0.8 + 0.2 * growth)
    return Appearance(
        skin=skin,
        shade=mix(skin, DARK, 0.55),
        hair=mix(hair, WHITE, rng.uniform(0, 0.06)),
        hue=rng.random(),
        rx=rx + 4.5 * ("Chubby" in truth.marks),
        ry=ry,
        unit=unit,
        x=SIZE / 2 + rng.uniform(-3, 3),
        y=CHIN + rng.uniform(-2, 2) - ry * unit,
        side=rng.choice((-1, 1)),
        phase=(rng.randrange(48), rng.randrange(48)),
    )


def _background(truth: Truth, face: Appearance) -> Image.Image:
    """Paint the pattern that stands for `race7`; its colours and place mean nothing."""
    image = Image.new("RGB", (SIZE * FINE,) * 2, hsv(face.hue, 0.22, 0.92))
    x, y = face.phase
    pattern = _pattern(truth.race7).crop((x, y, x + SIZE * FINE, y + SIZE * FINE))
    image.paste(hsv(face.hue + 0.08, 0.5, 0.66), (0, 0), pattern)
    if "Attractive" in truth.marks:
        for side in (-1, 1):
            _sparkle(Pen(ImageDraw.Draw(image), SIZE, SIZE, FINE), 39 * side, -38)
    return image


@lru_cache
def _pattern(race7: str) -> Image.Image:
    """The pattern as a mask, larger than the picture so that it can be shifted."""
    mask = Image.new("L", (240, 240))
    draw = ImageDraw.Draw(mask)
    for a in range(-240, 480, 24):
        if race7 == "white":  # horizontal stripes
            draw.rectangle((0, a, 240, a + 10), 255)
        elif race7 == "east_asian":  # vertical stripes
            draw.rectangle((a, 0, a + 10, 240), 255)
        elif race7 == "southeast_asian":  # thin vertical stripes
            for b in (0, 12):
                draw.rectangle((a + b, 0, a + b + 4, 240), 255)
        elif race7 == "indian":  # a diagonal lattice
            draw.line((a, 0, a + 240, 240), 255, 5)
            draw.line((a, 240, a + 240, 0), 255, 5)
        for b in range(-240, 480, 24):
            if race7 == "black":  # dots
                draw.ellipse((a, b, a + 13, b + 13), 255)
            elif race7 == "latino_hispanic":  # a checkerboard
                draw.rectangle((a, b, a + 11, b + 11), 255)
                draw.rectangle((a + 12, b + 12, a + 23, b + 23), 255)
            elif race7 == "middle_eastern":  # a checkerboard of larger squares
                x, y = 2 * a, 2 * b
                draw.rectangle((x, y, x + 23, y + 23), 255)
                draw.rectangle((x + 24, y + 24, x + 47, y + 47), 255)
    return mask


def _sparkle(pen: Pen, x: float, y: float) -> None:
    star = [(0, -8), (2, -2), (7, 0), (2, 2), (0, 8), (-2, 2), (-7, 0), (-2, -2)]
    pen.oval(x, y, 7.5, 8.5, (70, 60, 110))
    pen.shape([(x + a, y + b) for a, b in star], (255, 236, 120))


def _back_hair(head: Pen, truth: Truth, face: Appearance) -> None:
    """The hair behind the head: straight, wavy or none."""
    rx = face.rx
    if "Straight_Hair" in truth.marks:
        head.block(0, 8, rx + 6, 28, face.hair)
        for x in range(-int(rx) - 4, int(rx) + 5, 3):  # combed
            head.line([(x, 0), (x, 34)], mix(face.hair, DARK, 0.35), 0.6)
    elif "Wavy_Hair" in truth.marks:
        for side in (-1, 1):
            for number in range(6):
                out = rx + 2 + 3 * (number % 2)
                head.oval(side * out, 8 * number - 8, 7, 5.5, face.hair)
                head.ring(
                    side * out, 8 * number - 8, 5, 3.5, mix(face.hair, DARK, 0.4), 0.8
                )


def _head(head: Pen, truth: Truth, face: Appearance) -> None:
    """The ears, the outline of the face and the hair behind its upper edge."""
    turn = TURNS[truth.pose][0]
    ear = 4 + 2.5 * min(truth.age, 100) / 100  # ears grow all life long
    for side in (-1, 1):
        x = side * (face.rx + 0.5) - turn * 0.5
        head.oval(x, 1, 3.5, ear, mix(face.skin, DARK, 0.15))
    if "Bald" not in truth.marks:
        head.oval(0, -3, face.rx + 2.5, face.ry + 1.5, face.hair)
    head.oval(0, 0, face.rx, face.ry, face.skin)
    if "Oval_Face" not in truth.marks:  # a broad jaw
        head.block(0, 11, face.rx * 0.87, face.ry * 0.5, face.skin, rounding=8)
    if "Bald" in truth.marks:
        head.oval(face.side * 6, -face.ry + 5, 5, 2.5, mix(face.skin, WHITE, 0.75))


def _front_hair(head: Pen, truth: Truth, face: Appearance) -> None:
    """The hair over the forehead: a high or low hairline, perhaps bangs."""
    if "Bald" in truth.marks:
        return
    receding = "Receding_Hairline" in truth.marks
    start = 62 if receding else 38
    box = Pen(head.draw, face.x * FINE, face.y * FINE, head.unit).box(
        0, -3, face.rx + 2.5, face.ry + 1.5
    )
    lower = head.y - face.y * FINE  # the hairline follows the pose, the skull stays
    tilt = start - lower / head.unit * 2.2
    head.draw.chord(box, 180 + tilt, 360 - tilt, face.hair)
    if receding:  # the peak between two bare corners
        head.shape(
            [(-5, -face.ry + 2), (5, -face.ry + 2), (0, -face.ry + 9)], face.hair
        )
    if "Bangs" in truth.marks:
        edge = zigzag(0, -12.5, face.rx * 0.8, 4.5, 4)
        top = -face.ry + 3
        head.shape([(-face.rx * 0.75, top), *edge, (face.rx * 0.75, top)], face.hair)
        for x in (-9, -3, 3, 9):
            head.line([(x, top), (x, -12)], mix(face.hair, DARK, 0.35), 0.7)
    if "Wavy_Hair" in truth.marks:
        for x in range(-12, 13, 6):
            head.oval(x, -face.ry + abs(x) / 3 - 2, 4.5, 3.5, face.hair)


def _photograph(image: Image.Image, truth: Truth) -> Image.Image:
    """Reduce the finished drawing, blur it and change its light."""
    image = image.reduce(FINE)
    if "Blurry" in truth.marks:
        image = image.filter(ImageFilter.GaussianBlur(1.3))
    low, high = LIGHT[truth.illumination]
    if (low, high) == (0, 255):
        return image
    levels = [round(low + (high - low) * value / 255) for value in range(256)]
    return image.point(levels * 3)
