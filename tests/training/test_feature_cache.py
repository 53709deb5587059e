"""Are features computed once, read again, and the same as computed anew?"""

import errno
import os

import keras
import numpy as np
import pytest
import tensorflow as tf
from filelock import FileLock

from multitask.contracts import catalog
from multitask.contracts.augmentation import parse_augmentation
from multitask.contracts.errors import UserError
from multitask.contracts.head import Targets
from multitask.data.batches import Batches
from multitask.images.resize import middle
from multitask.training import feature_cache
from multitask.training.feature_cache import FeatureCache, batches, check_folder
from multitask.training.views import View, render, samples, views

NONE = parse_augmentation("none")
PLAIN = (View(),)
ALL = np.arange(9)


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, (9, 20, 20, 3), np.uint8)


@pytest.fixture(scope="module")
def front():
    keras.utils.set_random_seed(1)
    image = keras.Input((16, 16, 3))
    x = keras.layers.Conv2D(4, 3, strides=2)(keras.layers.Rescaling(1 / 255)(image))
    return keras.Model(image, x)


@pytest.fixture
def rendered(monkeypatch):
    """A list with an entry for each view that is computed."""
    calls: list[View] = []

    def counting(picture, view, *arguments):
        if tf.executing_eagerly():  # not as it is traced
            calls.append(view)
        return render(picture, view, *arguments)

    # Not compiled, which would call it once per kind of view.
    tf.config.run_functions_eagerly(True)
    monkeypatch.setattr(feature_cache, "render", counting)
    yield calls
    tf.config.run_functions_eagerly(False)


def outputs(front, pixels):
    """What the network computes from the middle of the pictures."""
    return front(middle(pixels, 16).astype(np.float32)).numpy()


def test_features_are_the_networks_outputs_for_each_view(front, pixels, tmp_path):
    cache = FeatureCache(front, tmp_path)
    rows = np.array([7, 2, 3])
    places = cache.places(pixels, rows, (View(), View(mirrored=True)), NONE)
    assert places.shape == (3, 2)
    for column, images in enumerate((pixels[rows], pixels[rows, :, ::-1])):
        expected = outputs(front, images)
        np.testing.assert_allclose(cache.all[places[:, column]], expected, atol=1e-5)


def test_many_views_are_no_reason_to_warn_of_retracing(
    front, pixels, tmp_path, caplog, monkeypatch
):
    monkeypatch.setattr(tf.get_logger(), "propagate", True)
    standard = parse_augmentation("standard")
    for number in range(3):
        cache = FeatureCache(front, tmp_path / str(number))
        cache.places(pixels[:3], np.arange(3), views(standard, 6), standard)
    assert "retracing" not in caplog.text


def test_features_are_those_of_the_views_that_a_report_shows(front, pixels, tmp_path):
    standard = parse_augmentation("standard")
    four = views(standard, 4)
    shown = samples(pixels, standard, 16, four)
    cache = FeatureCache(front, tmp_path)
    places = cache.places(pixels, ALL, four, standard)
    for view in range(4):
        images = shown[:, view].astype(np.float32)
        # They are shown as whole grey levels.
        np.testing.assert_allclose(cache.all[places[:, view]], front(images), atol=0.02)


def test_what_was_computed_is_read_again(front, pixels, tmp_path, rendered):
    first = FeatureCache(front, tmp_path)
    places = first.places(pixels, ALL[:6], PLAIN, NONE)
    before = first.all[places[:, 0]]
    assert len(rendered) == 6
    second = FeatureCache(front, tmp_path)
    assert second.folder == first.folder
    # In another order and at other places, as another data set would have them.
    places = second.places(pixels[::-1].copy(), ALL, PLAIN, NONE)
    assert len(rendered) == 9
    np.testing.assert_array_equal(second.all[places[::-1][:6, 0]], before)


def test_one_picture_twice_is_computed_once(front, pixels, tmp_path, rendered):
    pixels[4] = pixels[1]
    places = FeatureCache(front, tmp_path).places(pixels, ALL, PLAIN, NONE)[:, 0]
    assert len(rendered) == 8
    assert places[4] == places[1]


def test_networks_that_differ_without_a_weight_have_features_of_their_own(tmp_path):
    image = keras.Input((16, 16, 3))
    layers = keras.layers
    models = [
        keras.Model(image, output)
        for output in (
            layers.GlobalAveragePooling2D()(image),
            layers.GlobalMaxPooling2D()(image),
            layers.GlobalMaxPooling2D()(layers.Rescaling(2.0)(image)),
            layers.GlobalMaxPooling2D()(layers.Rescaling(3.0)(image)),
            layers.GlobalMaxPooling2D()(image / 255),
            layers.GlobalMaxPooling2D()(image / 127.5),
            _branched(image, False),
            _branched(image, True),
        )
    ]
    folders = {FeatureCache(model, tmp_path).folder for model in models}
    assert len(folders) == 8
    for model in models:
        clone = keras.models.clone_model(model)  # its layers have other names
        assert FeatureCache(clone, tmp_path).folder in folders


def _branched(image, second):
    one = keras.layers.GlobalMaxPooling2D()(image)
    two = keras.layers.Rescaling(2.0)(one)
    three = keras.layers.Rescaling(2.0)(two if second else one)
    return keras.layers.Concatenate()([two, three])


@pytest.mark.parametrize("change", ["weights", "size"])
def test_networks_of_other_weights_or_size_have_features_of_their_own(
    front, tmp_path, change
):
    folder = FeatureCache(front, tmp_path).folder
    other = keras.models.clone_model(front)
    other.set_weights(front.get_weights())
    assert FeatureCache(other, tmp_path).folder == folder
    if change == "weights":
        other.layers[-1].bias.assign_add([0.0, 0.0, 0.0, 1e-6])
    else:
        image = keras.Input((18, 18, 3))
        other = keras.Model(image, front.layers[-1](front.layers[1](image)))
    assert FeatureCache(other, tmp_path).folder != folder


def test_augmented_views_differ_by_lot_and_stay(front, pixels, tmp_path):
    strong, rows = parse_augmentation("strong"), ALL[:3]
    six = views(strong, 6)
    cache = FeatureCache(front, tmp_path)
    places = cache.places(pixels, rows, six, strong)
    features = cache.all[places]
    assert len({features[0, view].tobytes() for view in range(6)}) == 6
    second = FeatureCache(front, tmp_path)
    np.testing.assert_array_equal(second.places(pixels, rows, six, strong), places)
    standard = second.places(pixels, rows, six, parse_augmentation("standard"))
    same = standard == places
    assert same[:, :2].all()  # not augmented, so of any augmentation
    assert not same[:, 2:].any()
    # Computed elsewhere and alone, a view is the same: it has a seed of its own.
    alone = FeatureCache(front, tmp_path / "alone")
    last = alone.places(pixels, rows[2:], six[4:5], strong)
    np.testing.assert_allclose(alone.all[last[0, 0]], features[2, 4], atol=1e-5)


def test_an_interrupted_computation_keeps_what_is_done(
    front, pixels, tmp_path, rendered, monkeypatch
):
    monkeypatch.setattr(feature_cache, "_FLUSH", 4)
    monkeypatch.setattr(feature_cache, "_BATCH", 2)
    calls: list[View] = []

    def stopping(picture, view, *arguments):
        calls.append(view)
        if len(calls) == 8:
            raise KeyboardInterrupt
        return render(picture, view, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(feature_cache, "render", stopping)
        with pytest.raises(KeyboardInterrupt):
            FeatureCache(front, tmp_path).places(pixels, ALL, PLAIN, NONE)
    cache = FeatureCache(front, tmp_path)
    places = cache.places(pixels, ALL, PLAIN, NONE)[:, 0]
    assert len(rendered) == 5
    np.testing.assert_allclose(cache.all[places], outputs(front, pixels), atol=1e-5)


@pytest.mark.parametrize("damage", ["about", "values", "rows"])
def test_features_that_cannot_be_read_are_computed_anew_and_reported(
    front, pixels, tmp_path, damage
):
    cache = FeatureCache(front, tmp_path)
    cache.places(pixels, ALL, PLAIN, NONE)
    if damage == "about":
        (cache.folder / "about.json").write_text("{")
    elif damage == "values":
        with open(cache.folder / "features.bin", "r+b") as file:
            file.truncate(100)
    else:
        (cache.folder / "rows.bin").unlink()
    lines: list[str] = []
    cache = FeatureCache(front, tmp_path, lines.append)
    places = cache.places(pixels, ALL, PLAIN, NONE)[:, 0]
    assert "can't be read, and are computed again" in lines[0]
    np.testing.assert_allclose(cache.all[places], outputs(front, pixels), atol=1e-5)


@pytest.mark.parametrize("place", [0, 4, 8])
def test_one_flipped_bit_is_told_and_features_are_computed_anew(
    front, pixels, tmp_path, rendered, place
):
    cache = FeatureCache(front, tmp_path)
    cache.places(pixels, ALL, PLAIN, NONE)
    flip(cache.folder / "features.bin", place * cache.all[0].nbytes + 5)
    rendered.clear()
    lines: list[str] = []
    cache = FeatureCache(front, tmp_path, lines.append)
    # Those that aren't wanted are not read.
    others = np.delete(ALL, place)
    cache.places(pixels, others, PLAIN, NONE)
    assert not lines
    places = cache.places(pixels, ALL, PLAIN, NONE)[:, 0]
    assert lines[0] == f"features in {cache.folder} are damaged, and are computed again"
    assert len(rendered) == 9
    np.testing.assert_allclose(cache.all[places], outputs(front, pixels), atol=1e-5)
    assert (
        not FeatureCache(front, tmp_path, lines.append)
        .places(pixels, ALL, PLAIN, NONE)
        .max()
        > 8
    )
    assert len(lines) == 2  # that they are damaged, and that they are computed


def flip(path, place):
    """Change one bit of a file."""
    data = bytearray(path.read_bytes())
    data[place] ^= 4
    path.write_bytes(data)


def test_a_cache_without_checksums_gets_them_with_its_next_features(
    front, pixels, tmp_path
):
    cache = FeatureCache(front, tmp_path)
    cache.places(pixels[:5], ALL[:5], PLAIN, NONE)
    sums = cache.folder / "sums.bin"
    before = sums.read_bytes()
    sums.unlink()  # as earlier versions wrote it
    again = FeatureCache(front, tmp_path)
    again.places(pixels[:5], ALL[:5], PLAIN, NONE)
    assert not sums.exists()
    again.places(pixels, ALL, PLAIN, NONE)
    assert sums.read_bytes()[: 5 * 4] == before
    assert sums.stat().st_size == 9 * 4


def test_waiting_for_another_process_is_reported(front, pixels, tmp_path):
    lines: list[str] = []
    lock = FileLock(FeatureCache(front, tmp_path).folder.with_suffix(".lock"))

    def say(line):
        lines.append(line)
        lock.release()

    cache = FeatureCache(front, tmp_path, say)
    cache.folder.mkdir(parents=True)
    lock.acquire()
    cache.places(pixels, ALL, PLAIN, NONE)
    assert lines[0] == f"waiting for another training to compute {cache.folder}"
    assert len(cache.all) == 9


def test_a_full_disk_is_reported_before_features_are_computed(
    front, pixels, tmp_path, rendered, monkeypatch
):
    cache = FeatureCache(front, tmp_path)
    cache.places(pixels[:2], ALL[:2], PLAIN, NONE)
    before = (cache.folder / "features.bin").stat().st_size
    rendered.clear()

    def full(file, start, size):
        os.ftruncate(file, start + 100)  # it takes what there is
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(UserError, match=r"No space left.*--cache, or .* --views 0$"):
        cache.places(pixels, ALL, PLAIN, NONE)
    assert not rendered
    assert (cache.folder / "features.bin").stat().st_size == before


def test_features_that_are_not_finite_are_refused(pixels, tmp_path):
    image = keras.Input((16, 16, 3))
    wide = keras.Model(image, keras.layers.Rescaling(1e38)(image))
    with pytest.raises(UserError, match="not finite; choose other --weights$"):
        FeatureCache(wide, tmp_path).places(pixels, ALL, PLAIN, NONE)


def test_a_cache_cannot_be_a_file(front, pixels, tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(UserError, match=r"can't hold features: Not a directory"):
        check_folder(file)
    with pytest.raises(UserError, match=r"can't hold features: Not a directory"):
        FeatureCache(front, file).places(pixels, ALL, PLAIN, NONE)


def test_an_epoch_shows_one_view_of_each_picture_and_mirrors_its_labels(
    front, pixels, tmp_path
):
    [pose] = catalog.heads(["pose"])
    flip = parse_augmentation("flip")
    left = np.ones(9, np.int32)
    numbers = np.arange(9, dtype=np.float32)  # as weights, which stay as they are
    pictures = Batches(
        pixels=pixels,
        rows=ALL,
        encoded={"pose": Targets(left, numbers)},
        batch_size=3,
        size=16,
    )
    cache = FeatureCache(front, tmp_path)
    data = batches(cache, pictures, views(flip, 2), flip, [pose])
    assert data.steps == pictures.steps == 3
    straight = outputs(front, pixels)
    rows = [
        (int(number), np.allclose(image, straight[int(number)], atol=1e-5), target)
        for images, targets, weights in data.shuffled([pose], flip, 0, 2)
        for image, target, number in zip(
            images.numpy(), targets["pose"].numpy(), weights["pose"].numpy(),
            strict=True,
        )
    ]  # fmt: skip
    assert all(target == (1 if is_straight else 2) for _, is_straight, target in rows)
    for epoch, shown in enumerate((rows[:9], rows[9:])):
        assert sorted(number for number, *_ in shown) == list(range(9))
        # Pictures take turns with their views from epoch to epoch.
        assert all(
            is_straight == ((number + epoch) % 2 == 0)
            for number, is_straight, _ in shown
        )
