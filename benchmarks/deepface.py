"""How long do four answers about a found face take, compared with DeepFace's networks?

DeepFace (MIT) asks four networks one after another: three VGG-Face networks of 224 x
224 pixels for age, gender and race, and a small one of 48 x 48 for emotion. They are
built here as its version 0.0.103 builds them, with random weights, and called as it
calls them. Finding the face is left out on both sides.
"""

import argparse
from functools import partial
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from benchmarks.sides import Row, Target, seconds, table, take_turns
from multitask.contracts.errors import UserError, command
from multitask.images.decode import Pixels
from multitask.images.faces.crop import crop
from multitask.images.faces.detectors import detect
from multitask.images.faces.face import Face
from multitask.networks.analyzer import Analyzer
from multitask.networks.prediction.deepface import answers
from multitask.terminal.quiet import import_tensorflow

SIDE, EMOTION_SIDE = 224, 48  # pixels that DeepFace's networks see
AGES, GENDERS, RACES, EMOTIONS = 101, 2, 6, 7  # classes
BLOCKS = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))  # channels, convolutions
TARGET = Target(">=", 150)
CALLS = 20  # of ours in a turn, as one takes too little time


def parser() -> argparse.ArgumentParser:
    """The options: how many rounds, how many faces."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.deepface", description=__doc__, allow_abbrev=False
    )
    parser.add_argument(
        "--rounds", type=int, default=5, metavar="N", help="(default 5)"
    )
    parser.add_argument(
        "--faces", type=int, default=32, metavar="N",
        help="of a photo, which ours answers together (default 32)",
    )  # fmt: skip
    return parser


@command
def main(argv: list[str] | None = None) -> int:
    """Measure, and print the table."""
    arguments = parser().parse_args(argv)
    for name in ("rounds", "faces"):
        if getattr(arguments, name) < 1:
            raise UserError(f"--{name}", "must be 1 or more")
    import_tensorflow()
    print(table(rows(arguments.rounds, arguments.faces)))
    return 0


def rows(rounds: int, count: int) -> list[Row]:
    """Ours against DeepFace's: time for one face and for `count`, and parameters."""
    import skimage.data

    import multitask

    photo: Pixels = skimage.data.astronaut()  # type: ignore[no-untyped-call]
    face = detect(photo)[0]
    usual = multitask.load("faces")
    analyzer = usual.with_tta(1)  # one view of a face, as theirs have
    theirs = networks()
    fast = analyzer.with_engine("litert")
    cut = _box(photo, face)
    sides = {
        "one face, LiteRT": (fast, 1),
        f"a face of {count} in a photo, LiteRT": (fast, count),
        "one face, TensorFlow": (analyzer, 1),
        f"a face of {count} in a photo, TensorFlow": (analyzer, count),
        f"one face, {usual.spec.tta} views of it, TensorFlow": (usual, 1),
    }
    *times, deepface = take_turns(
        rounds,
        *(
            partial(_milliseconds, network, photo, [face] * faces)
            for network, faces in sides.values()
        ),
        lambda: seconds(lambda: ask(theirs, cut)) * 1000,
    )
    parameters = sum(network.count_params() for network in theirs.values())
    own = analyzer.model.count_params()
    return [
        *(
            _row(what, "ms", own_times, deepface, None if index else TARGET)
            for index, (what, own_times) in enumerate(zip(sides, times, strict=True))
        ),
        _row("parameters", "M", [own / 1e6], [parameters / 1e6]),
    ]


def _milliseconds(analyzer: Analyzer, photo: Pixels, faces: list[Face]) -> float:
    """The time per face."""
    calls = max(1, CALLS // len(faces))
    took = seconds(lambda: [ours(analyzer, photo, faces) for _ in range(calls)])
    return took / calls / len(faces) * 1000


def _row(
    what: str,
    unit: str,
    ours: list[float],
    theirs: list[float],
    target: Target | None = None,
) -> Row:
    return Row(
        what=what, unit=unit, ours=ours, theirs=theirs, target=target, inverse=True
    )


def ours(analyzer: Analyzer, photo: Pixels, faces: list[Face]) -> list[dict[str, Any]]:
    """Age, gender and race, in seven classes and in five, of faces in a photo.

    As `multitask.deepface.analyze` does: cut out, answered together, in DeepFace's
    shape.
    """
    framing, side = analyzer.spec.framing, analyzer.spec.side
    assert framing is not None  # as `faces` is trained on crops
    pixels = np.stack([crop(photo, face, framing, side) for face in faces])
    return answers(analyzer.answer_columns(pixels), analyzer.heads)


def ask(networks: dict[str, keras.Model], face: Pixels) -> dict[str, Any]:
    """The outputs of DeepFace's networks, one after another, for (height, width, 3)."""
    pixels = padded(face)[None]
    grey = pixels @ np.array([0.299, 0.587, 0.114], np.float32)
    small = grey[..., None].reshape(1, SIDE, SIDE, 1)
    inputs = {name: pixels for name in networks}
    inputs["emotion"] = np.asarray(
        keras.ops.image.resize(small, (EMOTION_SIDE, EMOTION_SIDE))
    )
    return {
        name: network(inputs[name], training=False).numpy()[0]
        for name, network in networks.items()
    }


def padded(face: Pixels) -> npt.NDArray[np.float32]:
    """A face resized to fit (224, 224, 3) and centred on black, from 0 to 1."""
    from PIL import Image, ImageOps

    image = ImageOps.pad(Image.fromarray(face), (SIDE, SIDE), Image.Resampling.BILINEAR)
    return np.asarray(image, np.float32) / np.float32(255)


def _box(photo: Pixels, face: Face) -> Pixels:
    left, top, right, bottom = (round(edge) for edge in face.box)
    return photo[top:bottom, left:right]


def networks() -> dict[str, keras.Model]:
    """DeepFace's networks with random weights, in the order in which it asks them."""
    return {
        "emotion": emotion(),
        "age": vgg_face(AGES),
        "gender": vgg_face(GENDERS),
        "race": vgg_face(RACES),
    }


def vgg_face(classes: int) -> keras.Model:
    """VGG-Face (Parkhi et al. 2015, "Deep Face Recognition") with a softmax head."""
    layers = keras.layers
    network = keras.Sequential([keras.Input((SIDE, SIDE, 3))])
    for channels, convolutions in BLOCKS:
        for _ in range(convolutions):
            network.add(layers.ZeroPadding2D(1))
            network.add(layers.Conv2D(channels, 3, activation="relu"))
        network.add(layers.MaxPooling2D(2, strides=2))
    for width in (7, 1):
        network.add(layers.Conv2D(4096, width, activation="relu"))
        network.add(layers.Dropout(0.5))
    network.add(layers.Conv2D(classes, 1))
    network.add(layers.Flatten())
    network.add(layers.Activation("softmax"))
    return network


def emotion() -> keras.Model:
    """The convolutional network for seven emotions."""
    layers = keras.layers
    network = keras.Sequential([keras.Input((EMOTION_SIDE, EMOTION_SIDE, 1))])
    network.add(layers.Conv2D(64, 5, activation="relu"))
    network.add(layers.MaxPooling2D(5, strides=2))
    for channels in (64, 128):
        network.add(layers.Conv2D(channels, 3, activation="relu"))
        network.add(layers.Conv2D(channels, 3, activation="relu"))
        network.add(layers.AveragePooling2D(3, strides=2))
    network.add(layers.Flatten())
    for _ in range(2):
        network.add(layers.Dense(1024, activation="relu"))
        network.add(layers.Dropout(0.2))
    network.add(layers.Dense(EMOTIONS, activation="softmax"))
    return network


if __name__ == "__main__":
    raise SystemExit(main())
