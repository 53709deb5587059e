"""What do tests of one's own loops share? A few pictures with labels, and a trunk."""

import numpy as np
import pandas as pd
from PIL import Image

SIZE = 16


def table(folder, count=8):
    """Pictures of noise, a third of whose labels are missing."""
    rng = np.random.default_rng(0)
    paths = [str(folder / f"{number}.png") for number in range(count)]
    for path in paths:
        Image.fromarray(rng.integers(0, 256, (30, 24, 3), np.uint8)).save(path)
    labels = {
        "gender": ["male", "female", None],
        "age": [20.0, None, 30.0],
        "genre": [None, "drama", "comedy"],
        "Smiling": [1.0, 0.0, None],
        "Young": [None, 1.0, 0.0],
    }
    repeated = {name: (three * count)[:count] for name, three in labels.items()}
    return pd.DataFrame({"path": paths, **repeated})


def trunk(images):
    """Features that can be worked out by hand: the mean of each colour, 0 to 1."""
    import keras

    x = keras.layers.GlobalAveragePooling2D()(images)
    return keras.layers.Rescaling(1 / 255)(x)
