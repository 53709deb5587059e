"""Does every picture reach the network once per epoch, with its own targets?"""

import errno
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from multitask.heads.sigmoid import Sigmoid
from PIL import Image

from multitask.contracts import catalog
from multitask.contracts.augmentation import PRESETS, Augmentation
from multitask.contracts.errors import UserError
from multitask.contracts.head import Targets
from multitask.data import batches as pipeline
from multitask.data.batches import Batches, decode_table
from multitask.images.decode import decode, resize

SIZE = 8
COUNT = 103
NONE, FLIP, STANDARD = (PRESETS[name] for name in ("none", "flip", "standard"))


def numbered(count=COUNT):
    """Pictures whose pixels encode their number; the left edge is blue."""
    pixels = np.zeros((count, SIZE, SIZE, 3), np.uint8)
    pixels[..., 0] = (np.arange(count) % 256)[:, None, None]
    pixels[..., 1] = (np.arange(count) // 256)[:, None, None]
    pixels[:, :, 0, 2] = 200
    return pixels


def number(images):
    """The number of each picture, and whether it is mirrored."""
    images = np.asarray(images)
    numbers = images[:, 4, 4, 0] + 256 * images[:, 4, 4, 1]
    return numbers.round().astype(int), images[:, 4, -1, 2] > 100


def heads():
    return catalog.heads(["pose", "gender", "attributes[Smiling,Young]"])


def encoded(count=COUNT):
    rng = np.random.default_rng(1)
    targets = {
        "pose": rng.integers(0, 5, count).astype(np.int32),
        "gender": rng.integers(0, 2, count).astype(np.int32),
        "attributes": rng.integers(0, 2, (count, 2)).astype(np.float32),
    }
    return {
        name: Targets(values, rng.random(values.shape).astype(np.float32))
        for name, values in targets.items()
    }


def batches(count=COUNT, size=10, rows=None):
    """By default the rows stand in reverse in the pixels."""
    rows = np.arange(count)[::-1] if rows is None else rows
    return Batches(
        pixels=numbered(max(rows) + 1),
        rows=rows,
        encoded=encoded(count),
        batch_size=size,
        size=SIZE,
    )


def listed(data):
    return list(data.as_numpy_iterator())


def epochs_of(data, how=NONE, seed=7, epochs=3, first=0):
    steps = listed(data.shuffled(heads(), how, seed, epochs, first))
    assert len(steps) == (epochs - first) * data.steps
    return [steps[i : i + data.steps] for i in range(0, len(steps), data.steps)]


def same(one, other):
    """Whether two lists of steps are equal to the last bit."""
    one, other = ([list(_leaves(step)) for step in steps] for steps in (one, other))
    return len(one) == len(other) and all(
        np.array_equal(x, y)
        for a, b in zip(one, other, strict=True)
        for x, y in zip(a, b, strict=True)
    )


def _leaves(step):
    images, targets, weights = step
    yield images
    for part in (targets, weights):
        assert set(part) == {"pose", "gender", "attributes"}
        yield from (part[name] for name in sorted(part))


def test_mixed_pictures_have_both_labels_in_their_shares():
    how = Augmentation(mixup=1.0)
    shares = []
    for images, targets, weights in listed(batches().shuffled(heads(), how, 7, 1)):
        count = len(images)
        mixed = images[:, 4, 4, 0]
        held = encoded()
        # The pictures whose own numbers, laid over each other, are what is seen.
        for row in range(count):
            own, other = (
                [
                    place
                    for place in range(COUNT)
                    if all(
                        np.array_equal(held[n].targets[place], targets[n][row + half])
                        for n in held
                    )
                    and weights["gender"][row + half] <= held["gender"].weights[place]
                ]
                for half in (0, count)
            )
            matches = [
                (a, b, w)
                for a in own
                for b in other
                for w in [weights["gender"][row] / held["gender"].weights[a]]
                if np.isclose(
                    weights["gender"][row + count],
                    (1 - w) * held["gender"].weights[b],
                    atol=1e-4,
                )
                and np.isclose(
                    mixed[row],
                    w * (COUNT - 1 - a) + (1 - w) * (COUNT - 1 - b),
                    atol=0.01,
                )
            ]
            assert matches
            shares.append(matches[0][2])
    assert 0.4 < np.mean(shares) < 0.6
    assert np.std(shares) > 0.2  # uniform, for a mixup of 1


def test_doubled_labels_have_the_same_loss():
    import keras

    for head in heads():
        if head.name != "pose":
            continue
        [(_, targets, weights), *_] = listed(batches().in_order())
        _, twofold, weighed = pipeline.with_labels_doubled(None, targets, weights)
        probabilities = keras.ops.softmax(np.random.default_rng(0).normal(size=(10, 5)))
        once = head.loss()(targets["pose"], probabilities, weights["pose"])
        both = keras.ops.concatenate([probabilities, probabilities])
        np.testing.assert_allclose(
            head.loss()(twofold["pose"], both, weighed["pose"]), once, rtol=1e-5
        )


# Batches


def test_in_order_gives_every_row_once_with_its_own_targets():
    data = batches()
    images, targets, weights = zip(*listed(data.in_order()), strict=True)
    assert [len(x) for x in images] == [10] * 10 + [3]
    assert images[0].dtype == np.float32
    numbers, mirrored = number(np.concatenate(images))
    assert numbers.tolist() == data.rows.tolist()
    assert not mirrored.any()
    for name, expected in data.encoded.items():
        for parts, values in zip((targets, weights), expected, strict=True):
            np.testing.assert_array_equal(
                np.concatenate([part[name] for part in parts]), values
            )


def test_an_epoch_gives_every_row_once_up_to_the_rest():
    for steps in epochs_of(batches()):
        numbers, _ = number(np.concatenate([images for images, _, _ in steps]))
        assert len(numbers) == 100  # 103 rows in batches of 10
        assert len(set(numbers)) == 100


def test_fewer_rows_than_a_batch_are_one_batch():
    [[(images, _, _)]] = epochs_of(batches(4), epochs=1)
    assert sorted(number(images)[0]) == [0, 1, 2, 3]


def test_only_the_named_rows_are_shown():
    rows = np.array([90, 3, 51, 17])
    data = batches(4, 2, rows)
    numbers = [
        set(number(np.concatenate([s[0] for s in e]))[0]) for e in epochs_of(data)
    ]
    assert numbers == [set(rows)] * 3


def test_epochs_and_seeds_come_in_different_orders():
    orders = [
        tuple(number(np.concatenate([images for images, _, _ in steps]))[0])
        for seed in (7, 8)
        for steps in epochs_of(batches(), seed=seed)
    ]
    assert len(set(orders)) == 6


def test_targets_and_weights_follow_their_pictures_and_poses_their_mirror():
    data = batches()
    place = {row: i for i, row in enumerate(data.rows)}
    pose = heads()[0]
    turned = 0
    for images, targets, weights in sum(epochs_of(data, FLIP), []):
        numbers, mirrored = number(images)
        places = [place[n] for n in numbers]
        for name, expected in data.encoded.items():
            np.testing.assert_array_equal(weights[name], expected.weights[places])
        for name in ("gender", "attributes"):
            expected_targets = data.encoded[name].targets[places]
            np.testing.assert_array_equal(targets[name], expected_targets)
        # frontal, left, right, up, down: left and right change places
        swap = np.array([0, 2, 1, 3, 4])
        straight = data.encoded["pose"].targets[places]
        assert pose.classes[1:3] == ("left", "right")
        np.testing.assert_array_equal(
            targets["pose"], np.where(mirrored, swap[straight], straight)
        )
        turned += (mirrored & (straight != swap[straight])).sum()
    assert turned > 20  # of about 300 x 2/5 x 1/2


@dataclass(frozen=True, kw_only=True)
class Sides(Sigmoid):  # type: ignore[misc]
    """Two labels per picture that swap in a mirror."""

    def mirrored(self, targets):
        return targets[:, ::-1]


@pytest.mark.parametrize("size", [2, 10])  # as many as labels, and not
def test_mirrored_targets_may_have_several_labels(size):
    sides = np.tile(np.array([[1, 0]], np.float32), (20, 1))
    data = Batches(
        pixels=numbered(20),
        rows=np.arange(20),
        encoded={"sides": Targets(sides, np.ones_like(sides))},
        batch_size=size,
        size=SIZE,
    )
    head = Sides(name="sides", columns=("left_ear", "right_ear"))
    for images, targets, _ in listed(data.shuffled([head], FLIP, 7, 1)):
        mirrored = number(images)[1]
        expected = np.where(mirrored[:, None], [[0, 1]], [[1, 0]])
        np.testing.assert_array_equal(targets["sides"], expected)


def test_the_same_seed_gives_the_same_training_to_the_last_bit():
    def training(seed):
        return sum(epochs_of(batches(), STANDARD, seed), [])

    assert same(training(7), training(7))
    assert not same(training(7), training(8))


def test_a_dataset_of_an_epoch_gives_the_next_one_each_time():
    data, repeated = batches(), batches().each_epoch(heads(), STANDARD, 7)
    whole = listed(data.shuffled(heads(), STANDARD, 7, 2))
    assert len(repeated) == data.steps
    for ours, theirs in zip([*listed(repeated), *listed(repeated)], whole, strict=True):
        np.testing.assert_array_equal(ours[0], theirs[0])
        np.testing.assert_array_equal(ours[1]["pose"], theirs[1]["pose"])
        np.testing.assert_array_equal(ours[2]["pose"], theirs[2]["pose"])


@pytest.mark.parametrize("first", [1, 2])
def test_resumed_training_shows_what_it_would_have_shown(first):
    whole = epochs_of(batches(), STANDARD)
    assert same(
        sum(whole[first:], []), sum(epochs_of(batches(), STANDARD, first=first), [])
    )


# Loading


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Twenty pictures; 3 is missing, 5 no picture, 11 cut to a box."""
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    paths = []
    for i in range(20):
        paths.append(str(folder / f"{i}.{'jpg' if i % 2 else 'png'}"))
        image = Image.fromarray(rng.integers(0, 256, (12 + i, 20, 3), np.uint8))
        image.save(paths[-1])
    os.remove(paths[3])
    Path(paths[5]).write_bytes(b"a letter")
    boxes = pd.Series([np.nan] * 11 + ["2 2 9 9"] + [np.nan] * 8, dtype=object)
    table = pd.DataFrame({"path": paths, "box": boxes, "age": np.arange(20.0)})
    return table.set_index(np.arange(100, 120))


def test_unreadable_pictures_are_listed_and_the_others_keep_their_place(
    files, tmp_path
):
    table, pixels, skipped = decode_table(files, SIZE, 1.0, tmp_path)
    assert table.index.tolist() == [i for i in range(20) if i not in (3, 5)]
    assert table["age"].tolist() == table.index.tolist()
    assert pixels.shape == (20, SIZE, SIZE, 3)
    assert skipped.to_dict("records") == [
        {"path": files["path"].iloc[3], "reason": "no such file"},
        {
            "path": files["path"].iloc[5],
            "reason": "no picture that can be read: must be JPEG, PNG, BMP, GIF, WEBP, "
            "TIFF, AVIF",
        },
    ]
    for i in range(20):
        if i not in (3, 5):
            whole = decode(files["path"].iloc[i], "2 2 9 9" if i == 11 else None)
            np.testing.assert_array_equal(pixels[i], resize(whole, SIZE))


def test_memory_and_disk_hold_the_same_pixels(files, tmp_path):
    good = [i for i in range(20) if i not in (3, 5)]
    _, memory, _ = decode_table(files, SIZE, 1.0, tmp_path)
    _, disk, _ = decode_table(files, SIZE, 1e-9, tmp_path)
    assert not isinstance(memory, np.memmap)
    assert isinstance(disk, np.memmap)
    np.testing.assert_array_equal(disk[good], memory[good])
    assert list(tmp_path.iterdir()) == []  # the file has no name


def test_a_disk_that_is_too_small_is_an_error_before_reading(
    files, tmp_path, monkeypatch
):
    def full(file, start, size):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    monkeypatch.setattr(pipeline, "decode_all", lambda *_: pytest.fail("read"))
    with pytest.raises(UserError) as caught:
        decode_table(files, SIZE, 1e-9, tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}: has no space for 0.0 GB of pixels ([Errno 28] No space left on "
        "device); free some space, raise --memory or lower --image-size"
    )


def test_space_on_disk_is_taken_at_once(tmp_path):
    with open(tmp_path / "pixels", "w+b") as file:
        pipeline._reserve(file.fileno(), 1_000_000)
        status = os.fstat(file.fileno())
    assert status.st_size == 1_000_000
    assert status.st_blocks * 512 >= 1_000_000


def test_no_picture_left_is_an_error_with_the_first_reason(tmp_path):
    table = pd.DataFrame({"path": ["a.jpg", "b.jpg"]})
    with pytest.raises(UserError) as caught:
        decode_table(table, SIZE, 1.0, tmp_path)
    assert str(caught.value) == "pictures: none can be used; first: no such file"


MEASURE = """
import sys
from pathlib import Path
import pandas as pd
from multitask.data.batches import decode_table

def peak():
    # Not getrusage, which counts what the parent held when it started this.
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])

for folder in sys.argv[1:]:
    paths = sorted(map(str, Path(folder).iterdir()))
    decode_table(pd.DataFrame({"path": paths[:200]}), 16, 1.0, Path("."))  # warm up
    before = peak()
    decode_table(pd.DataFrame({"path": paths}), 16, 1.0, Path("."))
    print(peak() - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_memory_stays_near_what_the_pixels_take(tmp_path):
    # 1,200 pictures of 240 x 240: 207 MB if all were held as they are decoded, 1 MB
    # as pixels of 16 x 16.
    for ending in ("jpg", "png"):
        (tmp_path / ending).mkdir()
        first = tmp_path / ending / f"0000.{ending}"
        Image.new("RGB", (240, 240), "red").save(first)
        for i in range(1, 1200):
            os.link(first, tmp_path / ending / f"{i:04}.{ending}")
    run = subprocess.run(
        [sys.executable, "-c", MEASURE, tmp_path / "jpg", tmp_path / "png"],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"PYTHONPATH": "."},
        capture_output=True,
        text=True,
        check=True,
    )
    jpg, png = map(int, run.stdout.split())
    assert jpg < 70e6
    assert png < 70e6
