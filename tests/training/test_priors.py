"""Does a training start from the distribution of its labels, and only once?"""

from dataclasses import dataclass, replace

import keras
import numpy as np
import pytest
from multitask.heads.softmax import Softmax

from multitask.contracts.augmentation import parse_augmentation
from multitask.contracts.errors import UserError
from multitask.networks import archive, build
from multitask.training import loop
from multitask.training.priors import start_from_labels
from tests.training import small

pytestmark = pytest.mark.usefixtures("tiny_trunk")

# A network that learns next to nothing; its first answers are its last.
STILL = {
    "optimizer": "sgd",
    "learning_rate": 1e-9,
    "schedule": "constant,warmup=0",
    "epochs": 1,
}
COUNT = len(small.TRAINING)
# Of 48 labels 12 are male, 36 female; one more is spread over both.
GENDER = [12.5 / 49, 36.5 / 49]


def first_answers(folder, name):
    """What a saved network answers where its features are 0; near it, other pictures.

    Features add to it what the small kernel makes of them.
    """
    network, _ = archive.load(folder)
    layer = network.get_layer("core").get_layer(name)
    answer = np.asarray(keras.ops.softmax(layer.bias))
    outputs = np.asarray(network(small.PIXELS[:16])[name])
    np.testing.assert_allclose(outputs, answer[None].repeat(16, axis=0), atol=0.1)
    return answer


@pytest.mark.parametrize(
    "recipe",
    [
        small.recipe(**STILL),
        small.frozen(**STILL),
        *(
            pytest.param(recipe, marks=pytest.mark.slow)
            for recipe in (
                small.recipe(**STILL, precision="bfloat16"),
                small.recipe(**STILL, precision="float16"),
                small.recipe(**STILL, ema=0.9),
                small.recipe(**STILL, balance="famo"),
                small.recipe(**STILL, augment="mixup"),
                small.recipe(**STILL, features="8"),
                small.frozen(**STILL, precision="bfloat16"),
                small.frozen(**STILL, views=0),
                small.frozen(**STILL, augment="standard", views=4),
            )
        ),
    ],
    ids=lambda recipe: f"{recipe.freeze} {recipe.precision} {recipe.balance}",
)
def test_the_first_answers_are_the_labels_of_the_training_part(recipe, tmp_path):
    small.train(recipe, tmp_path / "run")
    np.testing.assert_allclose(
        first_answers(tmp_path / "run", "gender"), GENDER, atol=1e-3
    )
    ages = np.arange(117) @ first_answers(tmp_path / "run", "age")
    expected = small.TABLE["age"][small.TRAINING].sum() + 58  # the mean of all values
    assert ages == pytest.approx(expected / 49, abs=0.1)


def test_mirrored_pictures_count_as_their_mirror_image():
    recipe = small.recipe(heads=("pose",))
    training, heads = small.batches(recipe), small.spec(recipe).heads
    # Of 48 pictures 12 show frontal, 24 left and 12 right; mirrored half of the time,
    # 18 and 18.
    for augment, expected in (("none", [12, 24, 12]), ("flip", [12, 18, 18])):
        augmentation = parse_augmentation(augment)
        counts = np.bincount(*training.shown(heads, augmentation)["pose"])
        np.testing.assert_allclose(counts, expected, rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(("views", "left"), [(1, 24), (2, 18)])
def test_of_features_computed_once_only_the_views_that_there_are_count(
    views, left, tmp_path
):
    recipe = small.frozen(**STILL, heads=("pose",), augment="flip", views=views)
    small.train(recipe, tmp_path / "run")
    # Of 48 labels and a fifth of one more for each of 5 classes.
    expected = (np.array([12, left, 36 - left, 0, 0]) + 0.2) / 49
    np.testing.assert_allclose(
        first_answers(tmp_path / "run", "pose"), expected, atol=1e-3
    )


@pytest.mark.parametrize("views", [1, 2])
def test_labels_count_as_often_as_an_epoch_shows_them(views):
    recipe = small.recipe(heads=("gender",))
    male = (small.TABLE["gender"][small.TRAINING] == "male").to_numpy()
    # 12 male pictures shown twice, 36 female ones 2/3 times: 24 and 24.
    batches = replace(
        small.batches(recipe, np.repeat(small.TRAINING, views)),
        rates=np.where(male, 2.0, 2 / 3),
        views=views,
        size=0,
    )
    heads = small.spec(recipe).heads
    targets, weights = batches.shown(heads, recipe.augmentation)["gender"]
    counts = np.bincount(targets, weights)
    np.testing.assert_allclose(counts, [24, 24], rtol=1e-6)


@pytest.mark.slow
def test_the_second_stage_and_a_resumed_training_do_not_start_again(
    tmp_path, monkeypatch
):
    starts = []
    original = start_from_labels

    def counted(*arguments):
        starts.append(arguments)
        original(*arguments)

    monkeypatch.setattr(loop, "start_from_labels", counted)
    recipe = small.frozen(heads=("gender",), then="all,epochs=1")
    small.train(recipe, tmp_path / "run")
    assert len(starts) == 1

    def stop(history):
        raise KeyboardInterrupt

    small.train(recipe, tmp_path / "stopped", each_epoch=stop)
    assert len(starts) == 2
    small.train(recipe, tmp_path / "stopped", resume=True)
    assert len(starts) == 2


@pytest.mark.slow
def test_the_same_seed_gives_the_same_network(tmp_path):
    for name in "ab":
        small.train(small.recipe(), tmp_path / name)
    one, other = (archive.load(tmp_path / name)[0].get_weights() for name in "ab")
    for first, second in zip(one, other, strict=True):
        np.testing.assert_allclose(first, second, rtol=1e-5, atol=1e-7)


# Heads of plug-ins


def core(head):
    keras.utils.set_random_seed(0)
    spec = small.spec(small.recipe()).with_heads([head])
    return build.build_core(spec), {head.name: head.encode(small.TABLE)}


def weights_of(model, head):
    return model.get_layer(head.name).get_weights()


@dataclass(frozen=True, kw_only=True)
class Silent(Softmax):  # type: ignore[misc]
    def initial_bias(self, targets):
        return None


@dataclass(frozen=True, kw_only=True)
class Misfit(Softmax):  # type: ignore[misc]
    def initial_bias(self, targets):
        return np.zeros(4)


def test_a_head_without_initial_bias_keeps_its_own_initial_weights():
    head = Silent(name="gender", classes=("male", "female"))
    model, targets = core(head)
    before = weights_of(model, head)
    start_from_labels(model, [head], targets)
    for old, new in zip(before, weights_of(model, head), strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_head_without_label_keeps_its_own_initial_weights():
    head = Softmax(name="gender", classes=("male", "female"))
    model, targets = core(head)
    before = weights_of(model, head)
    nothing = targets["gender"]._replace(weights=np.zeros(len(small.TABLE), np.float32))
    start_from_labels(model, [head], {"gender": nothing})
    for old, new in zip(before, weights_of(model, head), strict=True):
        np.testing.assert_array_equal(old, new)


def test_an_initial_bias_of_another_shape_is_an_error_of_the_head():
    head = Misfit(name="gender", classes=("male", "female"))
    model, targets = core(head)
    with pytest.raises(
        UserError,
        match=r"head gender: initial_bias has shape \(4,\), .* gender has \(2,\)",
    ):
        start_from_labels(model, [head], targets)
