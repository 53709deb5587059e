"""Does a student learn what its teachers answer, beside the labels?"""

from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest

from multitask.contracts import catalog
from multitask.contracts.errors import UserError
from multitask.experiments import checks
from multitask.networks import archive, build
from multitask.training import custom_model, loop, mixing, teacher
from multitask.training.objective import compile_model
from tests.training import small

HEADS = ("gender", "attributes[Smiling,Young]", "age", "age:regression")


def outputs(head, seed):
    """Four outputs of a head, with their logits if it has some."""
    features = keras.Input((8,))
    model = keras.Model(features, head.layers(features))
    keras.utils.set_random_seed(seed)
    model.set_weights([np.random.normal(size=w.shape) for w in model.get_weights()])
    return model(np.random.default_rng(0).normal(size=(4, 8)).astype(np.float32))


@pytest.mark.parametrize("name", HEADS)
def test_no_answer_imitates_a_teacher_better_than_its_own(name):
    [head] = catalog.heads([name])
    theirs, others = outputs(head, 1), outputs(head, 2)
    same = head.imitation(theirs.numpy(), theirs).numpy()
    assert same.shape == (4,)
    assert (same < head.imitation(theirs.numpy(), others).numpy()).all()


def test_imitation_is_the_cross_entropy_of_the_probabilities():
    [gender] = catalog.heads(["gender"])
    theirs = np.array([[0.9, 0.1]], np.float32)
    own = np.array([[0.5, 0.5]], np.float32)
    np.testing.assert_allclose(gender.imitation(theirs, own), [np.log(2)], rtol=1e-5)


def train_all_epochs(recipe, folder):
    """Train without a validation part, which would choose the epoch nearest labels."""
    folder.mkdir()
    batches = small.batches(recipe)
    loop.train(small.spec(recipe), recipe, batches, None, folder, cache=folder)


@pytest.mark.slow
@pytest.mark.parametrize("augment", ["none", "mixup"])
def test_a_student_comes_nearer_to_its_teacher_than_labels_alone_bring_it(
    tiny_trunk, tmp_path, monkeypatch, augment
):
    options = {"augment": augment, "optimizer": "adam", "learning_rate": 0.05}
    others = small.TABLE.assign(gender="male", age=80.0)  # labels for the teacher
    with monkeypatch.context() as patch:
        patch.setattr(small, "TABLE", others)
        train_all_epochs(small.recipe(**options), tmp_path / "teacher")
    file = str(tmp_path / "teacher" / "network.keras")
    theirs = archive.load(file)[0](small.PIXELS)
    distances = []
    for names in ((), (file,)):
        folder = tmp_path / f"student{len(names)}"
        train_all_epochs(small.recipe(teacher=names, **options), folder)
        own = archive.load(folder)[0](small.PIXELS)
        distances.append(
            {head: np.abs(theirs[head] - own[head]).sum(axis=1).mean() for head in own}
        )
    for head, distance in distances[0].items():
        assert distances[1][head] < 0.97 * distance, distances


def test_several_teachers_count_by_their_mean_and_each_for_its_heads(tiny_trunk):
    heads: Any = catalog.heads(["gender", "age"])
    image = keras.Input((2,))
    probabilities = keras.layers.Softmax(name="gender")(image)
    ages = keras.layers.Dense(len(heads[1].values), "softmax", name="age")(image)
    student = teacher.Student(image, {"gender": probabilities, "age": ages})
    student.compile(
        loss={head.name: head.loss() for head in heads},
        loss_weights={"gender": 1.0, "age": 1.0},
    )
    first = {"gender": np.array([[0.8, 0.2]], np.float32)}
    second = {"gender": np.array([[0.2, 0.8]], np.float32)}
    student.set_teachers(heads[:1], [lambda x: first, lambda x: second], doubled=False)
    x, weights = (
        np.zeros((1, 2), np.float32),
        {"gender": np.zeros(1), "age": np.zeros(1)},
    )
    y = {"gender": np.array([0]), "age": np.array([[30.0, 30.0]], np.float32)}
    y_pred = student(x)
    losses = [
        float(student.compute_loss(x, y, y_pred, weights, training=training))
        for training in (False, True)
    ]
    # No label has a weight: without a teacher, nothing is to be learnt.
    assert losses[0] == 0
    assert losses[1] == pytest.approx(np.log(2) * heads[0].loss_weight, rel=1e-5)


def test_mixed_pictures_keep_the_gradient_of_an_answer_that_is_wrong_and_sure():
    [gender] = catalog.heads(["gender"])
    assert gender.label_smoothing == 0.1  # so that 0.95 is the label of a class
    logits = keras.Input((2,))
    sure = keras.layers.Activation("softmax", name="gender")(logits)
    model = mixing.doubled(keras.Model(logits, {"gender": sure}))
    import tensorflow as tf

    with tf.GradientTape() as tape:
        x = tf.constant([[-20.0, 20.0]])
        tape.watch(x)
        loss = gender.loss()(tf.constant([0, 0]), model(x)["gender"])
    np.testing.assert_allclose(tape.gradient(loss, x), [[-0.95, 0.95]], rtol=1e-4)


def test_teachers_that_cannot_be_used_are_refused_before_training(
    tiny_trunk, tmp_path, monkeypatch
):
    recipe = small.recipe(heads=("gender",))
    small.train(recipe, tmp_path / "run")
    file = str(tmp_path / "run")
    with pytest.raises(UserError, match="--teacher: .* with --balance famo"):
        teacher.check(small.recipe(teacher=(file,), balance="famo"))
    with pytest.raises(UserError, match="--teacher: .* add --views 0"):
        teacher.check(small.frozen(teacher=(file,)))
    with pytest.raises(UserError, match="--teacher: fases: "):
        teacher.check(small.recipe(teacher=("fases",)))
    with pytest.raises(UserError, match="can teach none of the heads: age"):
        teacher.check_heads(file, small.spec(small.recipe(heads=("age",))))
    lines: list[str] = []
    spec = small.spec(small.recipe(teacher=(file,)))
    checks.check_weights(spec, small.recipe(teacher=(file,)), lines.append)
    assert lines == [
        f"{file} teaches gender; labels alone teach age (it has none of this name)"
    ]
    other = {**spec.recipe, "box_margin": 0.25}
    spec = replace(spec, crop=0.8, recipe=other)
    teacher.check_heads(file, spec, lines.append)
    assert [line.removeprefix(f"{file} was trained with ") for line in lines[2:]] == [
        "--crop 1 and is asked with 0.8: it knows faces of another size",
        "--box-margin 0 and is asked with 0.25: it knows faces of another size",
    ]


def test_in_a_comparison_each_network_has_the_teachers_of_its_heads(
    tiny_trunk, tmp_path
):
    small.train(small.recipe(heads=("gender",)), tmp_path / "run")
    recipe = small.recipe(heads=("age",), teacher=(str(tmp_path / "run"),))
    spec = small.spec(recipe)
    core = build.build_core(spec)
    assert teacher.taught(core, spec, recipe, "float32") is core
    both = small.recipe(teacher=(str(tmp_path / "run"),))
    spec = small.spec(both)
    student = teacher.taught(build.build_core(spec), spec, both, "float32")
    assert isinstance(student, teacher.Student)


def test_a_teacher_sees_pictures_of_its_own_size_and_adds_no_weights(
    tiny_trunk, tmp_path
):
    small.train(small.recipe(heads=("gender",), image_size=24), tmp_path / "run")
    recipe = small.recipe(teacher=(str(tmp_path / "run"),))
    spec = small.spec(recipe)
    core = build.build_core(spec)
    student = teacher.taught(core, spec, recipe, "float32")
    assert len(student.weights) == len(core.weights)
    compile_model(student, spec.heads, keras.optimizers.SGD(0.0))
    batch = next(iter(small.batches(recipe).in_order()))
    labels_alone = student.test_on_batch(*batch, return_dict=True)["loss"]
    assert student.train_on_batch(*batch, return_dict=True)["loss"] > labels_alone


def test_a_teacher_with_a_trunk_of_its_own_is_refused(tmp_path):
    image = keras.Input((16, 16, 3))
    trunk = keras.Model(image, keras.layers.GlobalAveragePooling2D()(image))
    model = custom_model.build_model(["gender"], trunk=trunk)
    file = custom_model.save_model(model, tmp_path / "own.keras")
    with pytest.raises(UserError, match="has a trunk of its own"):
        teacher.check_heads(str(file), small.spec(small.recipe()))


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"freeze": "all", "views": 0}, marks=pytest.mark.slow),
        {"freeze": "all", "views": 0, "then": "all,epochs=1"},
        {"augment": "mixup", "image_size": 24},
    ],
)
def test_a_teacher_is_asked_in_every_kind_of_training(tiny_trunk, tmp_path, settings):
    small.train(small.recipe(heads=("gender",)), tmp_path / "run")
    losses = []
    for names in ((), (str(tmp_path / "run"),)):
        recipe = small.recipe(teacher=names, **settings)
        folder = tmp_path / f"student{len(names)}"
        small.train(recipe, folder)
        losses.append(small.history(folder)["loss"])
    assert (losses[1] > losses[0]).all()
