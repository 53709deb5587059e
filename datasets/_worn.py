"""What does a face wear, and what covers part of it?"""

import random

from multitask.datasets._pen import DARK, WHITE, Appearance, Pen, arched, hsv, mix
from multitask.datasets._truth import Truth

GOLD = (255, 200, 40)
RUBY = (220, 20, 50)


def body(pen: Pen, truth: Truth, face: Appearance) -> None:
    """Neck, shirt, necklace and tie around the picture's middle."""
    x = face.x - 48
    pen.block(x, 24, 8, 13, mix(face.skin, DARK, 0.2))
    if "Double_Chin" in truth.marks:
        chin = pen.moved(x, face.y - 48)
        chin.oval(0, face.ry * face.unit - 1, 14, 6.5, mix(face.skin, DARK, 0.12))
        low = face.ry * face.unit + 2
        chin.bow(0, low, 11, -4, mix(face.skin, DARK, 0.75), 1.3)
    _shirt(pen, x, truth, face)
    if "Wearing_Necktie" in truth.marks:
        tie = [(-3, 33), (3, 33), (2, 37), (5, 48), (-5, 48), (-2, 37)]
        pen.shape([(x + a, b) for a, b in tie], (30, 28, 120))
        pen.line([(x - 3, 41), (x + 3, 39.5)], WHITE, 1.4)
    if "Wearing_Necklace" in truth.marks:
        for px, py in arched(x, 30, 10.5, -7.5, steps=9):
            pen.oval(px, py, 1.9, 1.9, DARK)
            pen.oval(px, py, 1.5, 1.5, (255, 250, 225))


def _shirt(pen: Pen, x: float, truth: Truth, face: Appearance) -> None:
    """The mark of `gender`: teal with horizontal stripes, or orange with dots.

    Both are arbitrary.
    """
    male = truth.gender == "male"
    hue = random.Random(truth.appearance_seed + 1).uniform(-0.02, 0.02)
    shirt = hsv(hue + (0.48 if male else 0.07), 0.85, 0.75 if male else 0.95)
    pen.oval(x, 52, 40, 20, shirt)
    pen.shape([(x - 9, 31), (x + 9, 31), (x, 41)], mix(face.skin, DARK, 0.2))
    trim = mix(shirt, DARK, 0.5) if male else mix(shirt, WHITE, 0.75)
    for number in range(4) if male else ():
        y = 35 + 4 * number
        wide = 39 * (1 - ((52 - y) / 20) ** 2) ** 0.5
        for side in (-1, 1):
            pen.line([(x + side * 13, y), (x + side * wide, y)], trim, 1.4)
    for number in () if male else range(-3, 4):
        pen.oval(x + number * 10, 40 + 1.2 * abs(number), 2.3, 2.3, trim)


def on_head(head: Pen, truth: Truth, face: Appearance) -> None:
    """A hat and earrings."""
    turn = {"left": 3.5, "right": -3.5}.get(truth.pose, 0)
    if "Wearing_Earrings" in truth.marks:
        for side in (-1, 1):
            x = side * (face.rx + 1.2) + turn
            head.oval(x, 8.5, 2.4, 2.4, DARK)
            head.oval(x, 8.5, 1.9, 1.9, GOLD)
            head.oval(x, 13, 1.6, 2.6, RUBY)
    if "Wearing_Hat" in truth.marks:
        felt = hsv(face.hue + 0.5, 0.65, 0.5)
        top, brim = -face.ry - 9, -face.ry + 6
        head.block(0, (top + brim) / 2, face.rx * 0.78, (brim - top) / 2, felt)
        head.block(0, brim - 3, face.rx * 0.78, 2, mix(felt, WHITE, 0.7))
        head.block(0, brim, face.rx + 7, 1.9, mix(felt, DARK, 0.25))


def on_face(front: Pen, truth: Truth, face: Appearance) -> None:
    """Glasses, and other things that cover part of the face."""
    if truth.occlusion == "glasses":
        for side in (-1, 1):
            front.oval(side * 9, -2, 7, 6, (60, 84, 96))
            front.line([(side * 9 - 3, 0), (side * 9 + 1, -5)], (190, 220, 230), 1.2)
    if "Eyeglasses" in truth.marks:
        for side in (-1, 1):
            front.ring(side * 9, -2, 7.6, 6.6, (20, 16, 20), 1.5)
            front.line([(side * 16, -3), (side * 20, -4)], (20, 16, 20), 1.5)
        front.bow(0, -2.5, 2, 1.5, (20, 16, 20), 1.5)
    covers = {"ornaments": _ornaments, "hair": _strand, "hand": _hand, "others": _cup}
    if truth.occlusion in covers:
        covers[truth.occlusion](front, face)


def _ornaments(front: Pen, face: Appearance) -> None:
    """A chain across the forehead with a stone, and a ring in the nose."""
    front.bow(0, -18, 17, -5, GOLD, 1.5)
    front.oval(0, -12, 3, 3.6, GOLD)
    front.oval(0, -12, 2, 2.6, RUBY)
    front.ring(face.side * 3.6, 8, 2.6, 2.6, GOLD, 1.2)


def _strand(front: Pen, face: Appearance) -> None:
    """A strand of hair over one eye and cheek."""
    side = face.side
    lock = [(1, -20), (15, -18), (17, 2), (13, 17), (11, 6), (8, 12), (5, -2)]
    front.shape([(side * x, y) for x, y in lock], face.hair)
    for x in (8, 12):
        hair = [(side * x, -18), (side * (x + 2), -4), (side * (x + 1), 8)]
        front.line(hair, mix(face.hair, DARK, 0.4), 0.8)


def _hand(front: Pen, face: Appearance) -> None:
    """A hand on the cheek, its fingers over a corner of the mouth."""
    side = face.side
    skin, edge = mix(face.skin, WHITE, 0.25), mix(face.skin, DARK, 0.7)
    front.oval(side * 15, 23, 8.6, 8.6, edge)
    for number in range(4):
        tip = (side * (2.5 + number * 3.6), 12 - 2.6 * number)
        root = (side * (10 + number * 3), 23 - number)
        front.line([root, tip], edge, 4.6)
        front.oval(*tip, 2.3, 2.3, edge)
    for number in range(4):
        tip = (side * (2.5 + number * 3.6), 12 - 2.6 * number)
        root = (side * (10 + number * 3), 23 - number)
        front.line([root, tip], skin, 3)
        front.oval(*tip, 1.5, 1.5, skin)
    front.oval(side * 15, 23, 7.8, 7.8, skin)


def _cup(front: Pen, face: Appearance) -> None:
    """A cup in front of the chin, which stands for any other cover."""
    x = face.side * 8
    front.ring(x + face.side * 8, 21, 4, 4.5, RUBY, 2)
    front.block(x, 20.5, 7.5, 8, RUBY)
    front.block(x, 20.5, 7.5, 1.6, WHITE)
