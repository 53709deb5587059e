"""How are the parts of a face drawn? Eyes, nose, mouth, beard, marks on the skin."""

from dataclasses import dataclass

from multitask.datasets._pen import (
    DARK,
    WHITE,
    Appearance,
    Colour,
    Pen,
    arched,
    mix,
    wave,
)
from multitask.datasets._truth import Truth

PINK = (242, 92, 112)
LIPSTICK = (214, 16, 72)
TEAR = (70, 150, 255)

Line = list[tuple[float, float]]


@dataclass(frozen=True, kw_only=True)
class Mood:
    """An expression: how mouth, brows and eyes differ from a neutral face."""

    curve: float = 0.0  # of the mouth: positive lifts its corners
    width: float = 8.0
    waves: float = 0.0
    tilt: float = 0.0  # of the brows: positive lifts their inner ends
    lift: float = 0.0
    eye: float = 1.0


MOODS = {
    "anger": Mood(curve=-2, width=6, tilt=-4.5, lift=-1.5, eye=0.85),
    "happiness": Mood(curve=6, width=10, lift=1),
    "sadness": Mood(curve=-5.5, width=7, tilt=3.5, lift=0.5, eye=0.85),
    "surprise": Mood(lift=4.5, eye=1.35),
    "fear": Mood(curve=-1, width=8.5, waves=4, tilt=3.5, lift=3, eye=1.35),
    "disgust": Mood(curve=-3, width=8, waves=2, tilt=-2, eye=0.55),
    "neutral": Mood(),
}


def skin(front: Pen, truth: Truth, face: Appearance) -> None:
    """Wrinkles, and the marks on the cheeks."""
    _wrinkles(front, truth.age, face)
    for side in (-1, 1):
        if "Rosy_Cheeks" in truth.marks:
            front.oval(side * 12.5, 8, 4, 3.2, PINK)
        if "High_Cheekbones" in truth.marks:
            light = mix(face.skin, WHITE, 0.7)
            front.line([(side * 16.5, 1.5), (side * 9, 5.5)], light, 2)
        if "Bags_Under_Eyes" in truth.marks:
            front.bow(side * 9, 3, 4.4, -2.6, mix(face.skin, (60, 20, 90), 0.65), 2)
        if "Smiling" in truth.marks:  # the folds beside the mouth
            fold = [(side * 12, 10), (side * 13.6, 13), (side * 12.8, 16.5)]
            front.line(fold, mix(face.skin, DARK, 0.75), 1.5)
    if truth.expression == "sadness":
        front.oval(face.side * 10, 7, 1.9, 3, TEAR)
    if truth.expression == "disgust":
        for y in (-2, 0.5):
            front.bow(0, y, 2.6, 1.2, face.shade, 0.9)


def _wrinkles(front: Pen, age: int, face: Appearance) -> None:
    """Each line fades in over some years, so that every year of age is visible."""
    ink = mix(face.skin, DARK, 0.8)

    def faded(start: int, years: int = 20) -> Colour:
        return mix(face.skin, ink, (age - start) / years)

    for number, start in enumerate((18, 32, 46, 60)):
        if age > start:
            front.bow(0, -12.4 - 2.1 * number, 9 - number, 1, faded(start), 1.1)
    for side in (-1, 1):
        if age > 28:
            fold = [(side * 5, 6), (side * 9, 10), (side * 10.5, 14)]
            front.line(fold, faded(28, 30), 1.3)
        if age > 50:
            for rise in (-2, 0, 2):
                corner = (side * 14, -2 + rise * 0.5)
                front.line([corner, (side * 17.5, -2 + rise)], faded(50), 1)
        if age > 65:
            for x, y, first in ((14, -9, 65), (16, 5, 80), (8, 18, 95)):
                spot = mix(face.skin, (96, 60, 30), (age - first) / 25)
                front.oval(side * x, y, 1.7, 1.3, spot)


def eyes(front: Pen, truth: Truth, face: Appearance) -> None:
    """Eyes and brows, with their makeup."""
    mood = MOODS[truth.expression]
    child = 1 + 0.3 * (1 - min(truth.age, 18) / 18)
    height = 3.4 * mood.eye * child * (0.5 if "Narrow_Eyes" in truth.marks else 1)
    width = 4.3 * child
    for side in (-1, 1):
        x = side * 9
        _makeup(front, side, height, truth)
        front.oval(x, -2, width + 0.6, height + 0.6, DARK)
        front.oval(x, -2, width, height, WHITE)
        front.oval(x, -2, min(2.1, height), min(2.1, height), DARK)
        _brow(front, side, mood, truth, face)


def _makeup(front: Pen, side: int, height: float, truth: Truth) -> None:
    x = side * 9
    if truth.makeup == "over":
        front.oval(x, -4.5, 6.6, 5, (170, 40, 220))
    else:
        front.bow(x, -1, 5, -height - 1.6, (40, 110, 255), 1.1)
    if "Heavy_Makeup" in truth.marks:  # lashes
        for out, up in ((5, -5.5), (7.5, -3.6), (8.5, -0.8)):
            start = (x + side * 3, -2)
            front.line([start, (x + side * out, -3 + up * 0.9)], (10, 0, 20), 1.4)


def _brow(front: Pen, side: int, mood: Mood, truth: Truth, face: Appearance) -> None:
    arch = 3.4 if "Arched_Eyebrows" in truth.marks else 0.2
    width = 3.4 if "Bushy_Eyebrows" in truth.marks else 1.5
    points = [
        (side * px, py - mood.tilt * (13.5 - px) / 9 + mood.tilt / 2 - mood.lift)
        for px, py in arched(9, -8.8, 4.6, arch)
    ]
    front.line(points, mix(face.hair, DARK, 0.45), width)


def nose(front: Pen, truth: Truth, face: Appearance) -> None:
    """The nose, pointed or round, big or small."""
    size = 1.6 if "Big_Nose" in truth.marks else 1.0
    fill = mix(face.skin, DARK, 0.28)
    if "Pointy_Nose" in truth.marks:
        front.shape([(0, -1), (3 * size, 7), (-3 * size, 7)], fill)
        front.line([(0, -1), (3 * size, 7), (-3 * size, 7)], face.shade, 0.8)
    else:
        front.oval(0, 5.5, 2.9 * size, 2.3 * size, fill)
    for side in (-1, 1):
        front.oval(side * 1.4 * size, 6.4, 0.7 * size, 0.6, face.shade)


def beard(head: Pen, front: Pen, truth: Truth, face: Appearance) -> None:
    """Every kind of beard, from a shadow to a full one."""
    fur = mix(face.hair, DARK, 0.2)
    rx, chin = face.rx, face.ry
    if truth.occlusion == "beard":
        edge = [(-rx, 3), (-rx * 0.6, 9), (0, 8.5), (rx * 0.6, 9), (rx, 3)]
        low = [(rx * 0.8, chin), (rx * 0.3, chin + 7), (-rx * 0.3, chin + 7)]
        head.shape([*edge, *low, (-rx * 0.8, chin)], fur)
    elif "No_Beard" not in truth.marks:  # along the jaw
        jaw = arched(0, 6, rx * 0.93, -chin + 6.5)
        head.line(jaw, fur, 3)
    if "5_o_Clock_Shadow" in truth.marks:
        dots = mix(face.skin, DARK, 0.75)
        for row, y in enumerate((10, 13, 16, 19)):
            for number in range(-6, 7):
                x = number * 2.4 + row % 2 * 1.2
                if abs(x) < rx - row * 2 and (abs(x) > 8 or y > 17):
                    front.oval(x, y, 0.6, 0.6, dots)
    for side in (-1, 1):
        if "Sideburns" in truth.marks:
            head.block(side * (rx - 2.4), 1, 2.6, 8.5, fur)
        if "Mustache" in truth.marks:
            front.shape([(0, 7.6), (side * 9, 11.2), (side * 8, 8.4)], fur)
            front.oval(side * 3.5, 9, 4, 1.9, fur)
    if "Goatee" in truth.marks:
        front.shape([(-5, 17.5), (5, 17.5), (0, 29)], fur)


def mouth(front: Pen, truth: Truth, face: Appearance) -> None:
    """The mouth of an expression, closed or slightly open, with thin or big lips."""
    mood = MOODS[truth.expression]
    lips = mix(face.skin, (120, 30, 50), 0.5)
    if "Wearing_Lipstick" in truth.marks:
        lips = LIPSTICK
    thick = 2.5 if "Big_Lips" in truth.marks else 1.1
    is_open = "Mouth_Slightly_Open" in truth.marks
    if truth.expression == "surprise":
        _round_mouth(front, lips, thick, is_open)
        return
    curve = mood.curve + 2 * ("Smiling" in truth.marks)
    middle = _middle(mood, curve)
    gap = 2.6 if is_open else 0.35
    front.shape(_around(middle, mood.width, thick + gap), lips)
    front.shape(_around(middle, mood.width - 0.6, gap), DARK)
    if is_open:
        teeth = [(x, y - 0.9) for x, y in middle[3:-3]]
        front.line(teeth, WHITE, 1.6)
    if truth.expression == "disgust":  # the tongue
        front.oval(0, 17.5 + thick, 2.6, 3.4, (255, 90, 130))


def _round_mouth(front: Pen, lips: Colour, thick: float, is_open: bool) -> None:
    front.oval(0, 14.5, 3.6 + thick, 4.4 + thick, lips)
    front.oval(0, 14.5, 3.6, 4.4, DARK)
    if is_open:
        front.block(0, 12.2, 2.6, 1.3, WHITE)
    else:
        front.oval(0, 14.5, 2.6, 3.2, mix(lips, DARK, 0.35))


def _middle(mood: Mood, curve: float) -> Line:
    """The line between the lips."""
    line: Line = arched(0, 14 - curve * 0.5, mood.width, -curve, steps=16)
    if not mood.waves:
        return line
    return [(x, y - 1.1 * wave(x / mood.width, mood.waves)) for x, y in line]


def _around(middle: Line, width: float, height: float) -> Line:
    """The outline of lips, which are fullest in the middle and end in the corners."""

    def half(x: float) -> float:
        fullness: float = 1 - min(1.0, abs(x) / width) ** 2.5
        return height * fullness + 0.2

    upper = [(x, y - half(x)) for x, y in middle]
    lower = [(x, y + half(x)) for x, y in middle]
    return [*upper, *reversed(lower)]
