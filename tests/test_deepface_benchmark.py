"""Are the networks of the benchmark those of DeepFace, and is its table whole?"""

import keras
import numpy as np
import pytest
from PIL import Image

from benchmarks import deepface
from benchmarks.sides import HEADER

pytest.importorskip("skimage")

# The convolutions and first two dense layers of VGG-Face: 3 x 3 kernels of 64, 64, 128,
# 128, 3 x 256 and 6 x 512 channels, then 7 x 7 and 1 x 1 kernels of 4096, with biases.
WIDTHS = [3, 64, 64, 128, 128, 256, 256, 256, *[512] * 6]
VGG = sum(9 * a * b + b for a, b in zip(WIDTHS, WIDTHS[1:], strict=False))
VGG += 49 * 512 * 4096 + 4096 + 4096 * 4096 + 4096


@pytest.fixture
def face():
    """Random pixels of a face that is higher than wide."""
    return np.random.default_rng(0).integers(0, 256, (110, 86, 3), np.uint8)


def test_the_network_of_emotions_has_the_parameters_of_deepfaces():
    # As the tutorial of its author prints them.
    assert deepface.emotion().count_params() == 1_485_831


def test_a_face_is_centred_on_black(face):
    pixels = deepface.padded(face)
    assert pixels.shape == (224, 224, 3)
    # 86 / 110 of 224 is 175; (224 - 175) // 2 = 24 columns on the left are black.
    assert not pixels[:, :24].any()
    assert pixels[:, 25:198].any(axis=(0, 2)).all()
    resized = Image.fromarray(face).resize((175, 224), Image.Resampling.BILINEAR)
    np.testing.assert_allclose(pixels[:, 24:199], np.asarray(resized) / 255, atol=1e-6)


def test_each_network_sees_the_face_in_its_own_way(face):
    seen = {}

    class Network:
        def __init__(self, name):
            self.name = name

        def __call__(self, pixels, training):
            seen[self.name] = pixels
            assert training is False
            return keras.ops.convert_to_tensor(np.ones((1, 2)))

    answers = deepface.ask({n: Network(n) for n in ("emotion", "age")}, face)
    assert list(answers) == ["emotion", "age"]
    assert seen["age"].shape == (1, 224, 224, 3)
    assert seen["emotion"].shape == (1, 48, 48, 1)
    middle = slice(80, 144)
    grey = seen["age"][0, middle, middle] @ [0.299, 0.587, 0.114]
    assert seen["emotion"][0, 17:31, 17:31].mean() == pytest.approx(
        grey.mean(), abs=0.02
    )


@pytest.mark.slow
def test_the_table_has_ours_and_theirs(capsys):
    network = deepface.vgg_face(deepface.AGES)
    assert network.count_params() == VGG + 4096 * 101 + 101
    del network
    assert deepface.main(["--rounds", "1", "--faces", "2"]) == 0
    head, _, *lines = capsys.readouterr().out.splitlines()
    assert head == f"| {' | '.join(HEADER)} |"
    cells = [line.strip("| ").split(" | ") for line in lines]
    assert [one[0] for one in cells] == [
        *("one face, LiteRT", "a face of 2 in a photo, LiteRT"),
        *("one face, TensorFlow", "a face of 2 in a photo, TensorFlow"),
        *("one face, 4 views of it, TensorFlow", "parameters"),
    ]
    # Three of VGG-Face with 101, 2 and 6 classes, and that of emotions.
    theirs = 3 * VGG + 4097 * (101 + 2 + 6) + 1_485_831
    assert float(cells[-1][2].split()[0]) == pytest.approx(theirs / 1e6, abs=0.05)
    assert all(float(one[3].split()[0]) > 1 for one in cells)


def test_a_wrong_number_is_refused(capsys):
    assert deepface.main(["--rounds", "0"]) == 2
    assert "--rounds: must be 1 or more" in capsys.readouterr().err
