"""How do tests get pictures of a face, as a photo or cropped, no two of them alike?"""

from functools import cache

import numpy as np
import pandas as pd
from PIL import Image

from multitask.images.decode import Pixels
from multitask.images.faces.crop import Framing, crop
from multitask.images.faces.detectors import detect
from tests.planted import scene

FRAMING = Framing(x=0.5, y=0.36, distance=0.34)  # of the pictures of `cropped`


@cache
def portrait() -> Pixels:
    """A photo of one face, in the public domain (512, 512, 3); needs scikit-image."""
    from skimage import data

    return np.asarray(data.astronaut())


@cache
def face_in(framing: Framing, size: int) -> Pixels:
    """The face of the portrait, cut out (size, size, 3)."""
    return crop(portrait(), detect(portrait())[0], framing, size)


def photo(seed: int, *sides: int) -> Image.Image:
    """A photo of 520 x 260 pixels, with a portrait of each side somewhere in it.

    Of two, one is in the left half and one in the right half.
    """
    rng = np.random.default_rng(seed)
    canvas: Image.Image = scene(seed, 520).crop((0, 0, 520, 260))
    for number, side in enumerate(sides):
        x = rng.integers(0, 520 // len(sides) - side, endpoint=True)
        y = rng.integers(0, 260 - side, endpoint=True)
        head = Image.fromarray(portrait()).crop((120, 0, 340, 220))
        canvas.paste(head.resize((side, side)), (int(x) + 260 * number, int(y)))
    return canvas


def cropped(seed: int, size: int = 100) -> Image.Image:
    """The face of the portrait as `FRAMING` has it, before something else."""
    canvas: Image.Image = scene(seed, size)
    edge = size // 8
    face = Image.fromarray(face_in(FRAMING, size))
    canvas.paste(face.crop((edge, 0, size - edge, size)), (edge, 0))
    return canvas


def write(folder, pictures):
    """Write pictures and their labels, of two moods; returns the CSV's data set.

    Of five pictures, three are for training, one for validation and one for the test.
    """
    folder.mkdir(parents=True)
    rows = []
    for number, picture in enumerate(pictures):
        picture.save(folder / f"{number}.png")
        part = ("train", "val", "train", "test", "train")[number % 5]
        rows.append((f"{number}.png", ("calm", "tense")[number // 5 % 2], part))
    table = pd.DataFrame(rows, columns=["path", "mood", "split"])
    table.to_csv(folder / "labels.csv", index=False)
    return f"mine=table:{folder / 'labels.csv'}"
