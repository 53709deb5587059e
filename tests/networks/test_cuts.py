"""Is a new shot told from one in which the camera, a face or the light moves?

The shots are drawn: blots of colors, and a face in the middle.
"""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from multitask.networks.video.cuts import is_cut, thumbnail
from multitask.networks.video.persons import Persons

WIDTH, HEIGHT = 320, 180
FACE = (130.0, 50.0, 200.0, 120.0)  # left, top, right, bottom


def shot(seed, *, pan=0, move=0, turn=0, light=1.0, noise=0.0):
    """Pixels of a frame: a face before a wall that is twice as wide as the frame.

    The camera and the face move by pixels, the face turns by degrees.
    """
    rng = np.random.default_rng(seed)
    colors = rng.integers(0, 256, (4, 8, 3), np.uint8)
    wall = Image.fromarray(colors).resize((2 * WIDTH, HEIGHT))
    face = Image.new("RGB", (70, 70), tuple(rng.integers(120, 230, 3).tolist()))
    draw = ImageDraw.Draw(face)
    for left in (15, 45):
        draw.ellipse((left, 20, left + 12, 30), fill=(20, 20, 30))
    image = wall.crop((pan, 0, pan + WIDTH, HEIGHT))
    image.paste(face.rotate(turn, expand=True), (130 + move, 50))
    pixels = np.asarray(image.filter(ImageFilter.GaussianBlur(1)), float) * light
    pixels += rng.normal(0, noise, pixels.shape)
    return pixels.clip(0, 255).astype(np.uint8)


BLACK = np.zeros((HEIGHT, WIDTH, 3), np.uint8)


@pytest.mark.parametrize("seed", range(5))
def test_another_shot_and_black_are_cuts(seed):
    shots = [thumbnail(frame) for frame in (shot(seed), shot(seed + 100), BLACK)]
    for before in range(3):
        for after in range(3):
            assert is_cut(shots[before], shots[after]) == (before != after)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    "change",
    [
        {"pan": 20}, {"pan": 60}, {"move": 30}, {"turn": 30}, {"light": 0.6},
        {"light": 1.3}, {"noise": 25}, {"move": 15, "turn": 10, "light": 0.8},
    ],
    ids=str,
)  # fmt: skip
def test_what_moves_in_a_shot_is_no_cut(seed, change):
    assert not is_cut(thumbnail(shot(seed)), thumbnail(shot(seed, **change)))


def test_after_a_cut_everybody_is_new():
    pytest.importorskip("edgefirst.tracker")
    persons = Persons(interval=0.2)
    frames = [shot(0), shot(0, pan=20), shot(100), shot(0), BLACK, shot(0)]
    numbers, gone = [], []
    for frame in frames:
        persons.look(frame)
        boxes = [] if frame is BLACK else [FACE]
        numbers += persons.follow(boxes, [0.99] * len(boxes))
        gone.append(persons.gone())
    assert numbers == [0, 0, 1, 2, 3]
    # Who was there before a cut has left with the next frame.
    assert gone == [[], [], [0], [1], [2], []]
