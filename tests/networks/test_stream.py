"""Do long-running programs get the same answers, in threads and in flat memory?"""

import itertools
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any

import keras
import numpy as np
import pandas as pd
import psutil
import pytest
from PIL import Image

import multitask
from multitask.contracts import catalog
from multitask.contracts.errors import UserError
from multitask.images.faces.parts import PictureCrop
from multitask.networks import build
from multitask.networks.analyzer import Analyzer
from multitask.networks.prediction.answering import Answering
from multitask.networks.prediction.inputs import read_inputs
from multitask.networks.spec import NetworkSpec


def untrained(trunk):
    keras.utils.set_random_seed(0)
    heads = tuple(catalog.heads(("age", "gender", "attributes[Smiling,Young]")))
    spec = NetworkSpec(trunk=trunk, size=16, crop=0.8, heads=heads)
    return Analyzer(build.build(spec), spec)


@pytest.fixture(scope="module")
def network(tiny_trunk):
    return untrained(tiny_trunk)


def picture(number, height=20, width=24):
    return np.random.default_rng(number).integers(0, 256, (height, width, 3), np.uint8)


def same(one, other):
    pd.testing.assert_frame_equal(one, other, check_dtype=False, atol=1e-4, rtol=0)
    return True


def test_a_table_per_picture_is_that_of_predict(network, tmp_path):
    Image.fromarray(picture(9)).save(tmp_path / "a.png")
    given = [picture(0), tmp_path / "none.png", str(tmp_path / "a.png"), tmp_path]
    tables = list(network.stream(iter(given), heads="age,gender", probabilities=True))
    assert [table.index.tolist() for table in tables] == [[0], [1], [2], [3]]
    assert tables[3]["status"].item() == "is a folder, no picture"
    whole = network.predict(given[:3], heads="age,gender", probabilities=True)
    assert same(pd.concat(tables[:3]), whole)


class Crowd:
    """Finds 40 faces in every picture, and knows how many crops are in memory."""

    def __init__(self):
        self.alive = self.most = 0
        self.lock = threading.Lock()

    def parts(self, pixels, size):
        mean = int(pixels.mean())
        return [self.part(number, mean, size) for number in range(40)]

    def part(self, number, mean, size):
        crop = np.full((size, size, 3), mean + number, np.uint8)
        weakref.finalize(crop, self.count, -1)
        self.count(1)
        return PictureCrop(crop, number, f"{number} 0 9 9", 0.9)

    def count(self, change):
        with self.lock:
            self.alive += change
            self.most = max(self.most, self.alive)


def test_crowds_are_answered_in_flat_memory(network, monkeypatch):
    monkeypatch.setattr("multitask.images.threads.cores", lambda: 2)
    settings = {"spec": network.spec, "forward": network.forward, "batch_size": 16}
    settings |= {"heads": network.heads, "probabilities": False}
    pictures = [picture(number) for number in range(30)]
    crowd: Any = Crowd()
    other: Any = Crowd()
    rows = Answering(find=crowd, **settings).predictions(read_inputs(pictures))
    # Four pictures wait, two are worked on, one is answered and one is handed over.
    assert crowd.most <= 8 * 40
    assert rows.index.tolist() == np.repeat(np.arange(30), 40).tolist()
    assert rows["face"].tolist() == list(range(40)) * 30
    alone = Answering(find=other, **settings).predictions(read_inputs(pictures[25:26]))
    assert same(rows.loc[[25]], alone.set_axis([25] * 40, axis="index"))


def test_an_answer_does_not_wait_for_the_next_picture(network):
    camera = SimpleQueue[np.ndarray | None]()

    def frames():
        while (frame := camera.get()) is not None:
            yield frame

    tables = network.stream(frames())
    for number in range(3):
        camera.put(picture(number))
        assert same(
            next(tables).reset_index(drop=True), network.predict(picture(number))
        )
    camera.put(None)
    assert next(tables, None) is None


def test_nothing_is_read_before_and_little_ahead(network):
    read = itertools.count()
    tables = network.stream((picture(next(read)) for _ in range(10**9)), batch_size=3)
    time.sleep(0.1)
    assert next(read) == 0
    assert next(tables).index.tolist() == [0]
    time.sleep(0.3)
    assert next(read) <= 8  # one count above, at most three answered and three ahead
    tables.close()


@pytest.mark.parametrize(
    ("pictures", "settings", "message"),
    [
        (
            "a.jpg",
            {},
            "pictures: is of type str, must be an iterable of pictures; give",
        ),
        (picture(0), {}, "pictures: is of type ndarray, must be an iterable"),
        (3, {}, "pictures: is of type int, must be an iterable of pictures$"),
        ([], {"heads": "gendre"}, "heads: this network has no head 'gendre'"),
        ([], {"batch_size": 0}, "batch_size: is 0, must be 1 or more"),
        ([], {"faces": "detect"}, "faces detect: this network doesn't know how faces"),
        ([], {"largest": True}, "largest: has no effect, as this network looks at"),
    ],
)
def test_mistakes_are_told_at_once(network, pictures, settings, message):
    with pytest.raises(UserError, match=f"^{message}"):
        network.stream(pictures, **settings)


def test_an_error_of_the_pictures_comes_behind_the_answers(network):
    def broken():
        yield picture(0)
        yield picture(1)
        raise OSError("unplugged")

    numbers = []

    def watch():
        for table in network.stream(broken()):
            numbers.extend(table.index)

    with pytest.raises(OSError, match="unplugged"):
        watch()
    assert numbers == [0, 1]


def test_many_threads_get_the_answers_of_one(tiny_trunk):
    """The networks are new, so that threads also load and trace them."""
    given = [picture(number) for number in range(40)]
    serial = untrained(tiny_trunk)
    rows, features = serial.embed(given)
    shared = untrained(tiny_trunk)
    parts = [range(start, 40, 8) for start in range(8)] * 3

    def one(number):
        places = list(parts[number])
        pictures = [given[place] for place in places]
        expected = rows.iloc[places].reset_index(drop=True)
        if number % 3 == 0:
            answers = shared.predict(pictures)
        elif number % 3 == 1:
            answers = pd.concat(shared.stream(pictures))
        else:
            answers, seen = shared.embed(pictures)
            np.testing.assert_allclose(seen, features[places], atol=1e-4)
        return same(answers, expected)

    with ThreadPoolExecutor(12) as pool:
        assert list(pool.map(one, range(24))) == [True] * 24


def test_threads_find_the_same_faces():
    data = pytest.importorskip("skimage.data", reason="needs scikit-image")
    portrait = data.astronaut()
    faces = multitask.load("faces")
    given = [portrait, portrait[:, ::-1].copy(), data.coffee(), portrait[:300, 100:400]]
    expected = faces.predict(given)
    with ThreadPoolExecutor(6) as pool:
        answers = pool.map(
            lambda number: (
                pd.concat(faces.stream(given)) if number % 2 else faces.predict(given)
            ),
            range(6),
        )
        assert all(same(each, expected) for each in answers)


def test_after_warming_up_nothing_is_traced_or_loaded(monkeypatch):
    from multitask.images.faces import detectors

    monkeypatch.setattr(detectors, "_loaded", {})
    faces = multitask.load("faces").warm_up()
    assert isinstance(faces, Analyzer)
    assert list(detectors._loaded) == ["mtcnn"]

    def refuse(*arguments, **settings):
        raise AssertionError("traced after warming up")

    monkeypatch.setattr("tensorflow.function", refuse)
    monkeypatch.setattr("keras.Model", refuse)
    given = np.zeros((300, 300, 3), np.uint8)
    assert faces.predict(given)["status"].tolist() == ["no face"]
    assert len(faces.embed(given, faces="whole").features) == 1
    with pytest.raises(UserError, match="unknown detector 'mtcn'"):
        faces.warm_up(detector="mtcn")


@pytest.mark.slow
def test_memory_stays_flat_over_many_pictures(network):
    """20,000 pictures; kept, their pixels alone would be 11.8 GB."""
    process = psutil.Process()
    pixels = picture(0, 256, 768)
    sizes = []
    for number, _ in enumerate(network.stream(pixels.copy() for _ in range(20_000))):
        if number % 1000 == 999:
            sizes.append(process.memory_info().rss)
    assert len(sizes) == 20
    assert max(sizes[2:]) - sizes[1] < 60e6, [size // 10**6 for size in sizes]
