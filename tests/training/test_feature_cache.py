"""Are features computed once, found again, and the same as computed anew?"""

import errno
import os
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from multitask.datasets import sample

from multitask.contracts import catalog
from multitask.contracts.augmentation import Augmentation, parse_augmentation
from multitask.contracts.errors import UserError
from multitask.contracts.head import Targets
from multitask.contracts.machine import Machine
from multitask.contracts.recipe import Recipe
from multitask.data.batches import Batches
from multitask.experiments import evaluate
from multitask.experiments import run as runs
from multitask.images.resize import middle
from multitask.networks import archive, build, freeze
from multitask.networks.spec import NetworkSpec
from multitask.training import callbacks, checkpoint, feature_cache
from multitask.training.feature_cache import FeatureCache, batches
from multitask.training.views import View, render, samples, views

pytestmark = pytest.mark.usefixtures("no_pictures")
NONE = parse_augmentation("none")
PLAIN = (View(),)


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
def once(monkeypatch):
    """How many views go through the network: a list with a count a batch of them."""
    counts: list[int] = []
    usual = render

    def seen(*given):
        counts.append(1)
        return usual(*given)

    # Not compiled, which would call it once a kind of view.
    tf.config.run_functions_eagerly(True)
    monkeypatch.setattr(feature_cache, "render", seen)
    yield counts
    tf.config.run_functions_eagerly(False)


def test_features_are_the_networks_outputs_for_each_view(front, pixels, tmp_path):
    kept = FeatureCache(front, tmp_path)
    rows = np.array([7, 2, 3])
    looks = (View(), View(mirrored=True))
    places = kept.places(pixels, rows, looks, NONE)
    assert places.shape == (3, 2)
    images = middle(pixels[rows], 16).astype(np.float32)
    for column, shown in enumerate((images, images[:, :, ::-1])):
        expected = front(shown).numpy()
        np.testing.assert_allclose(kept.all[places[:, column]], expected, atol=1e-5)


def test_what_was_computed_is_found_again(front, pixels, tmp_path, once):
    rows = np.arange(9)
    first = FeatureCache(front, tmp_path)
    places = first.places(pixels, rows[:6], PLAIN, NONE)
    before = first.all[places[:, 0]]
    assert len(once) == 6
    again = FeatureCache(front, tmp_path)
    assert again.folder == first.folder
    # In another order and at other places, as another data set would have them.
    mixed = pixels[::-1].copy()
    places = again.places(mixed, rows, PLAIN, NONE)
    assert len(once) == 9
    np.testing.assert_array_equal(again.all[places[::-1][:6, 0]], before)


def test_one_picture_twice_is_computed_once(front, pixels, tmp_path, once):
    kept = FeatureCache(front, tmp_path)
    pixels[4] = pixels[1]
    places = kept.places(pixels, np.arange(9), PLAIN, NONE)[:, 0]
    assert len(once) == 8
    assert places[4] == places[1]


def test_networks_that_differ_without_a_weight_have_features_of_their_own(tmp_path):
    image = keras.Input((16, 16, 3))
    made = [
        keras.Model(image, keras.layers.GlobalAveragePooling2D()(image)),
        keras.Model(image, keras.layers.GlobalMaxPooling2D()(image)),
        keras.Model(
            image,
            keras.layers.GlobalMaxPooling2D()(keras.layers.Rescaling(2.0)(image)),
        ),
        keras.Model(
            image,
            keras.layers.GlobalMaxPooling2D()(keras.layers.Rescaling(3.0)(image)),
        ),
        keras.Model(image, keras.layers.GlobalMaxPooling2D()(image / 255)),
        keras.Model(image, keras.layers.GlobalMaxPooling2D()(image / 127.5)),
        *(keras.Model(image, _branched(image, second)) for second in (False, True)),
    ]
    folders = {FeatureCache(one, tmp_path).folder for one in made}
    assert len(folders) == 8
    for one in made:
        again = keras.models.clone_model(one)  # its layers have other names
        assert FeatureCache(again, tmp_path).folder in folders


def _branched(image, second):
    one = keras.layers.GlobalMaxPooling2D()(image)
    two = keras.layers.Rescaling(2.0)(one)
    three = keras.layers.Rescaling(2.0)(two if second else one)
    return keras.layers.Concatenate()([two, three])


@pytest.mark.parametrize("change", ["weights", "size"])
def test_other_networks_and_settings_have_features_of_their_own(
    front, tmp_path, change
):
    folder = FeatureCache(front, tmp_path).folder
    other = keras.models.clone_model(front)
    other.set_weights(front.get_weights())
    assert FeatureCache(other, tmp_path).folder == folder
    if change == "weights":
        other.layers[-1].bias.assign_add([0.0, 0.0, 0.0, 1e-6])
    if change == "size":
        image = keras.Input((18, 18, 3))
        other = keras.Model(image, front.layers[-1](front.layers[1](image)))
    assert FeatureCache(other, tmp_path).folder != folder


def test_varied_views_differ_by_lot_and_are_kept(front, pixels, tmp_path):
    how = parse_augmentation("strong")
    kept = FeatureCache(front, tmp_path)
    looks = views(how, 6)
    rows = np.arange(3)
    places = kept.places(pixels, rows, looks, how)
    found = kept.all[places]
    different = {found[0, i].tobytes() for i in range(6)}
    assert len(different) == 6
    again = FeatureCache(front, tmp_path)
    np.testing.assert_array_equal(again.places(pixels, rows, looks, how), places)
    other = again.places(pixels, rows, looks, parse_augmentation("standard"))
    same = other == places
    assert same[:, :2].all()  # not varied, so of any augmentation
    assert not same[:, 2:].any()
    # Computed elsewhere, alone, a view is the same: its lot is its own.
    alone = FeatureCache(front, tmp_path / "alone")
    last = alone.places(pixels, rows[2:], looks[4:5], how)
    np.testing.assert_allclose(alone.all[last[0, 0]], found[2, 4], atol=1e-5)


def test_an_interrupted_pass_keeps_what_is_done(
    front, pixels, tmp_path, once, monkeypatch
):
    monkeypatch.setattr(feature_cache, "_FLUSH", 4)
    monkeypatch.setattr(feature_cache, "_BATCH", 2)
    usual = feature_cache.render  # which counts

    def stop(*given):
        if len(once) == 7:
            raise KeyboardInterrupt
        return usual(*given)

    monkeypatch.setattr(feature_cache, "render", stop)
    with pytest.raises(KeyboardInterrupt):
        FeatureCache(front, tmp_path).places(pixels, np.arange(9), PLAIN, NONE)
    monkeypatch.setattr(feature_cache, "render", usual)
    once.clear()
    kept = FeatureCache(front, tmp_path)
    places = kept.places(pixels, np.arange(9), PLAIN, NONE)[:, 0]
    assert len(once) == 5
    images = middle(pixels, 16).astype(np.float32)
    np.testing.assert_allclose(kept.all[places], front(images), atol=1e-5)


@pytest.mark.parametrize("damage", ["about", "values", "rows"])
def test_features_that_cannot_be_read_are_computed_anew_and_it_is_said(
    front, pixels, tmp_path, damage
):
    kept = FeatureCache(front, tmp_path)
    kept.places(pixels, np.arange(9), PLAIN, NONE)
    if damage == "about":
        (kept.folder / "about.json").write_text("{")
    elif damage == "values":
        with open(kept.folder / "features.bin", "r+b") as file:
            file.truncate(100)
    else:
        (kept.folder / "rows.bin").unlink()
    said: list[str] = []
    again = FeatureCache(front, tmp_path, said.append)
    places = again.places(pixels, np.arange(9), PLAIN, NONE)[:, 0]
    assert "can't be read, and are computed anew" in said[0]
    images = middle(pixels, 16).astype(np.float32)
    np.testing.assert_allclose(again.all[places], front(images), atol=1e-5)


def test_no_room_for_features_is_told_before_they_are_computed(
    front, pixels, tmp_path, once, monkeypatch
):
    kept = FeatureCache(front, tmp_path)
    kept.places(pixels[:2], np.arange(2), PLAIN, NONE)
    before = (kept.folder / "features.bin").stat().st_size
    once.clear()
    monkeypatch.setattr(os, "posix_fallocate", _full)
    with pytest.raises(UserError, match=r"No space left.*--cache, or .* --views 0$"):
        kept.places(pixels, np.arange(9), PLAIN, NONE)
    assert not once
    assert (kept.folder / "features.bin").stat().st_size == before


def _full(file, start, size):
    os.ftruncate(file, start + 100)  # it takes what there is
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_what_is_trained_is_measured_without_room_for_features(
    faces, tmp_path, monkeypatch
):
    usual, said = evaluate.outputs, list[str]()

    def outputs(*given):
        with monkeypatch.context() as patch:
            patch.setattr(os, "posix_fallocate", _full)
            return usual(*given)

    monkeypatch.setattr(evaluate, "outputs", outputs)
    recipe = frozen(faces, epochs=1)
    run = fit(recipe, tmp_path / "run", say=said.append)
    assert any(
        line.startswith("Features are computed without the cache: ") for line in said
    )
    monkeypatch.setattr(evaluate, "outputs", usual)
    roomy = fit(recipe, tmp_path / "roomy", say=quiet)
    np.testing.assert_allclose(
        run.evaluation.answers["age"].astype(float),
        roomy.evaluation.answers["age"].astype(float),
        rtol=1e-3,
    )


def test_features_that_are_not_finite_are_told(pixels, tmp_path):
    image = keras.Input((16, 16, 3))
    wide = keras.Model(image, keras.layers.Rescaling(1e38)(image))
    with pytest.raises(UserError, match="not finite; name other --weights$"):
        FeatureCache(wide, tmp_path).places(pixels, np.arange(9), PLAIN, NONE)


def test_the_report_shows_the_views_that_features_are_kept_of(front, pixels, tmp_path):
    how = parse_augmentation("standard")
    looks = views(how, 4)
    shown = samples(pixels, how, 16, looks)
    assert shown.shape == (9, 4, 16, 16, 3)
    np.testing.assert_array_equal(shown[:, 0], middle(pixels, 16).round())
    np.testing.assert_array_equal(shown[:, 1], shown[:, 0, :, ::-1])
    kept = FeatureCache(front, tmp_path)
    places = kept.places(pixels, np.arange(9), looks, how)
    for view in range(4):
        images = shown[:, view].astype(np.float32)
        # They are shown as whole grey levels.
        np.testing.assert_allclose(kept.all[places[:, view]], front(images), atol=0.02)


def test_a_resumed_run_keeps_the_trunk_that_its_heads_learnt_on(
    faces, tiny_trunk, tmp_path, monkeypatch
):
    heads = tuple(catalog.heads(["gender"]))
    spec = NetworkSpec(trunk=tiny_trunk, size=16, heads=heads)
    start = tmp_path / "start.keras"

    def write(seed):
        keras.utils.set_random_seed(seed)
        archive.save(build.build(spec), spec, start)

    write(1)
    recipe = frozen(faces, image_size=16, weights=str(start), epochs=3)
    usual = callbacks.BestEpoch.on_epoch_end

    def interrupt(self, epoch, logs=None):
        usual(self, epoch, logs)
        if epoch == 0:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(callbacks.BestEpoch, "on_epoch_end", interrupt)
        assert fit(recipe, tmp_path / "run", say=quiet).interrupted
    write(2)
    with pytest.raises(UserError, match=r"start\.keras has changed since; train anew$"):
        fit(recipe, tmp_path / "run", resume=True, say=quiet)
    write(1)
    assert not fit(recipe, tmp_path / "run", resume=True, say=quiet).interrupted


def test_ctrl_c_before_a_resumed_run_is_restored_measures_nothing(
    faces, tmp_path, monkeypatch
):
    recipe = frozen(faces, epochs=3)
    usual = callbacks.BestEpoch.on_epoch_end

    def interrupt(self, epoch=0, logs=None):
        if epoch:
            raise KeyboardInterrupt
        usual(self, epoch, logs)

    def at_once(*given):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(callbacks.BestEpoch, "on_epoch_end", interrupt)
        fit(recipe, tmp_path / "run", say=quiet)
    with monkeypatch.context() as patch:
        patch.setattr(callbacks.BestEpoch, "restore", at_once)
        with pytest.raises(KeyboardInterrupt):
            fit(recipe, tmp_path / "run", resume=True, say=quiet)
    assert len(pd.read_csv(tmp_path / "run" / "history.csv")) == 1
    assert not fit(recipe, tmp_path / "run", resume=True, say=quiet).interrupted


def test_validation_losses_of_stages_are_without_what_weights_cost(faces, tmp_path):
    recipe = frozen(faces, heads=("gender",), trunk="regularized_cnn", image_size=32,
        then="1,epochs=1,learning_rate=1e-7", epochs=1, learning_rate=1e-7,
        optimizer="sgd", schedule="constant,warmup=0",
    )  # fmt: skip
    history = pd.read_csv(
        fit(recipe, tmp_path / "run", say=quiet).folder / "history.csv"
    )
    # Hardly anything was learnt: the second stage's L2 would show.
    first, second = history["val_loss"]
    assert second == pytest.approx(first, abs=1e-3)
    assert history["loss"][1] > history["loss"][0] + 0.01


def test_a_cache_that_is_a_file_is_told(front, pixels, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"can't hold features: Not a directory"):
        FeatureCache(front, tmp_path / "file").places(pixels, np.arange(9), PLAIN, NONE)


def labels(count):
    return {
        "pose": Targets(np.full(count, 1, np.int32), np.arange(count, dtype=np.float32))
    }


def test_an_epoch_shows_one_view_of_each_picture_and_mirrors_its_labels(
    front, pixels, tmp_path
):
    [pose] = catalog.heads(["pose"])
    kept = FeatureCache(front, tmp_path)
    how = parse_augmentation("flip")
    held = Batches(
        pixels=pixels, rows=np.arange(9), encoded=labels(9), batch_size=3, size=16
    )
    made = batches(kept, held, views(how, 2), how, [pose])
    assert made.steps == held.steps == 3
    straight = front(middle(pixels, 16).astype(np.float32)).numpy()
    for epoch, shown in enumerate(np.array_split(list(_pairs(made, pose, how)), 2)):
        seen = {}
        for image, target, weight in shown:
            picture = int(weight)
            seen[picture] = np.allclose(image, straight[picture], atol=1e-5)
            assert target == (1 if seen[picture] else 2)  # left, or right in a mirror
        assert sorted(seen) == list(range(9))
        assert {seen[i] == ((i + epoch) % 2 == 0) for i in seen} == {True}


def _pairs(made, pose, how):
    for images, targets, weights in made.shuffled([pose], how, 0, 2):
        found = zip(images.numpy(), targets["pose"].numpy(), weights["pose"].numpy(),
                    strict=True)  # fmt: skip
        for image, target, weight in found:
            pair = np.empty(3, object)
            pair[:] = image, target, weight
            yield pair


# In a training


@pytest.fixture(scope="module")
def faces(tmp_path_factory, tiny_trunk):
    folder = tmp_path_factory.mktemp("drawn") / "faces"
    sample.read(folder, count=90)
    return folder


def frozen(faces, **changes):
    settings: dict[str, Any] = {
        "heads": ("gender", "age"),
        "data": (f"sample={faces}",),
        "trunk": "tiny",
        "freeze": "all",
        "augment": "none",
        "epochs": 2,
        "batch_size": 16,
        "precision": "float32",
        "dropout": 0.0,
    }
    return Recipe(**(settings | changes))


def quiet(line):
    pass


def fit(recipe, out, cache=None, **options):
    machine = Machine(cache=cache or out.parent / "cache")
    return runs.fit(recipe, out, machine=machine, **options)


def assert_same_figures(*runs):
    one, other = (
        pd.read_csv(run.folder / "history.csv").drop(columns="seconds") for run in runs
    )
    pd.testing.assert_frame_equal(one, other, rtol=1e-4)


@pytest.fixture(scope="module")
def kept(faces, tmp_path_factory):
    """A run on features, its cache, and what was said."""
    folder = tmp_path_factory.mktemp("kept")
    said: list[str] = []
    recipe = frozen(faces, tta=1)
    return fit(recipe, folder / "run", say=said.append), folder / "cache", said


def test_training_on_kept_features_is_training_on_pictures(faces, kept, tmp_path):
    kept, _, said = kept
    assert any(line.startswith("computing features once: ") for line in said)
    recipe = frozen(faces, tta=1, views=0)
    anew = fit(recipe, tmp_path / "anew", say=quiet)
    assert_same_figures(kept, anew)
    for column in ("age", "gender_confidence"):
        np.testing.assert_allclose(
            kept.evaluation.answers[column].astype(float),
            anew.evaluation.answers[column].astype(float),
            rtol=1e-3,
        )


def test_other_heads_find_the_features_again(faces, kept, tmp_path):
    _, cache, _ = kept
    said: list[str] = []
    recipe = frozen(faces, heads=("expression",), epochs=1, tta=1)
    fit(recipe, tmp_path / "other", cache, say=said.append)
    assert not any("computing" in line for line in said)


def test_the_report_from_kept_features_is_that_of_the_saved_network(faces, tmp_path):
    import multitask

    recipe = frozen(faces, augment="standard", views=3)
    run = fit(recipe, tmp_path / "run", say=quiet)
    assert any("as it is and 2 mirrored" in note for note in run.evaluation.notes)
    paths = run.evaluation.labels["path"].tolist()
    answers = multitask.load(run.folder).predict(paths)
    for column in ("age", "gender_confidence"):
        np.testing.assert_allclose(
            answers[column].to_numpy(float),
            run.evaluation.answers[column].to_numpy(float),
            rtol=1e-4,
        )


def test_a_second_stage_lets_more_of_the_trunk_learn(faces, tmp_path):
    recipe = frozen(faces, trunk="base_cnn", image_size=32,
        then="1,epochs=2,learning_rate=1e-4", schedule="constant,warmup=0",
    )  # fmt: skip
    run = fit(recipe, tmp_path / "run", say=quiet)
    history = pd.read_csv(run.folder / "history.csv")
    assert history["stage"].tolist() == [1, 1, 2, 2]
    assert history["epoch"].tolist() == [1, 2, 3, 4]
    np.testing.assert_allclose(
        history["learning_rate"], [1.5e-3, 1.5e-3, 1e-4, 1e-4], rtol=1e-5
    )
    model, spec = archive.load(run.folder)
    part = model.get_layer("core").get_layer("trunk")
    keras.utils.set_random_seed(0)
    drawn = build.build_core(spec, training=True)
    learnt = [
        not np.array_equal(new, old)
        for new, old in zip(
            part.get_weights(), drawn.get_layer("trunk").get_weights(), strict=True
        )
    ]
    # The dense layer is the last stage; the convolutions stay as they were drawn.
    assert learnt == [False] * 6 + [True] * 2 or not any(learnt)
    best = int(history["val_loss"].argmin())
    assert any(learnt) == (best >= 2)


def staged(faces):
    settings = {"heads": ("gender",), "then": "all,epochs=2"}
    return frozen(faces, **settings)


@pytest.fixture(scope="module")
def whole(faces, tmp_path_factory):
    """A run of two stages without a stop."""
    folder = tmp_path_factory.mktemp("whole")
    return fit(staged(faces), folder / "run", say=quiet)


# At the end of the first stage, in the second.
@pytest.mark.parametrize("stop", [pytest.param(2, marks=pytest.mark.slow), 3])
def test_a_stop_in_any_stage_goes_on_as_if_there_had_been_none(
    faces, whole, tmp_path, monkeypatch, stop
):

    recipe = staged(faces)
    usual = callbacks.BestEpoch.on_epoch_end

    def interrupt(self, epoch, logs=None):
        usual(self, epoch, logs)
        if epoch + 1 == stop:
            raise KeyboardInterrupt

    monkeypatch.setattr(callbacks.BestEpoch, "on_epoch_end", interrupt)
    stopped = fit(recipe, tmp_path / "run", say=quiet)
    assert stopped.interrupted
    monkeypatch.setattr(callbacks.BestEpoch, "on_epoch_end", usual)
    again = fit(recipe, tmp_path / "run", resume=True, say=quiet)
    assert_same_figures(whole, again)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"freeze": "none"}, "needs a trunk that was frozen; add --freeze all"),
        ({"freeze": "2"}, "is 1, with --freeze 2 2 stages learn"),
        ({"then": "some,epochs=1"}, "is 'some'; must be none, all"),
        ({"then": "1"}, "has no epochs, must have it"),
    ],
)
def test_a_second_stage_that_adds_nothing_is_told(change, message):
    settings = {"freeze": "all", "then": "1,epochs=1"} | change
    with pytest.raises(UserError, match=f"^--then: {message}"):
        Recipe(**settings)


def test_what_is_frozen_infers_while_the_rest_is_trained():
    heads = tuple(catalog.heads(["gender"]))
    spec = NetworkSpec(trunk="regularized_cnn", size=32, heads=heads)
    front, behind = freeze.cut(build.build_core(spec), "all")
    whole = freeze.rejoined(front, behind)
    images = np.random.default_rng(0).uniform(0, 255, (3, 32, 32, 3))
    once, again = (whole(images, training=True)["gender"] for _ in range(2))
    np.testing.assert_array_equal(once, again)  # nothing is dropped
    np.testing.assert_allclose(once, behind(front(images))["gender"], atol=1e-6)


def test_a_second_stage_of_too_many_is_told_before_the_first(faces, tmp_path):
    recipe = frozen(faces, then="9,epochs=1")
    said: list[str] = []
    with pytest.raises(UserError, match=r"^--then: lets 9 .*fewer, or all$"):
        fit(recipe, tmp_path / "run", say=said.append)
    assert not (tmp_path / "run" / "history.csv").exists()


@pytest.mark.slow
def test_a_full_disk_in_the_second_stage_leaves_the_first_to_go_on_from(
    faces, whole, tmp_path, monkeypatch
):

    recipe = staged(faces)
    usual = checkpoint.Checkpoint.write

    def full(self, model, history, *more):
        if len(history) == 3:
            raise UserError("checkpoint", "can't be saved")
        usual(self, model, history, *more)

    monkeypatch.setattr(checkpoint.Checkpoint, "write", full)
    with pytest.raises(UserError, match="can't be saved"):
        fit(recipe, tmp_path / "run", say=quiet)
    monkeypatch.setattr(checkpoint.Checkpoint, "write", usual)
    again = fit(recipe, tmp_path / "run", resume=True, say=quiet)
    assert_same_figures(whole, again)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"features": "0,l2=0.1"}, "--features: l2 has no effect without units"),
        ({"views": 2}, "--views: has no effect without --freeze"),
        (
            {"schedule": "constant,min_learning_rate=0.1"},
            "--schedule: constant has no min_learning_rate",
        ),
    ],
)
def test_settings_without_effect_are_told(settings, message):
    with pytest.raises(UserError, match=f"^{message}"):
        Recipe(**settings)


def test_halves_give_what_the_whole_gives(tiny_trunk):
    heads = tuple(catalog.heads(["gender", "age"]))
    spec = NetworkSpec(trunk="cnn", size=32, heads=heads, features=8)
    core = build.build_core(spec)
    images = np.random.default_rng(0).uniform(0, 255, (3, 32, 32, 3))
    expected = core(images)
    for how in ("all", "0", "1", "3"):
        front, behind = freeze.cut(core, how)
        for found in (behind(front(images)), freeze.rejoined(front, behind)(images)):
            for name in ("gender", "age"):
                np.testing.assert_allclose(found[name], expected[name], atol=1e-5)


def test_views_are_all_different_and_begin_with_the_picture_itself():
    how = replace(Augmentation(), rotate=0.1)
    assert views(how, 3) == (View(), View(lot=1), View(lot=2))
    assert views(parse_augmentation("standard"), 4) == (
        View(), View(mirrored=True), View(lot=1), View(mirrored=True, lot=1),
    )  # fmt: skip
    assert views(parse_augmentation("standard"), 1) == (View(),)
