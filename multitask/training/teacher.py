"""How does training imitate the answers of trained networks, beside the labels?"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
from keras import ops

from multitask.contracts.errors import Say, UserError, listed
from multitask.contracts.head import Head
from multitask.contracts.recipe import Precision, Recipe
from multitask.contracts.settings import option
from multitask.networks import archive, pretrained
from multitask.networks.build import build_core, input_like
from multitask.networks.named import catalog
from multitask.networks.spec import NetworkSpec
from multitask.networks.trunks import TRUNKS
from multitask.training.loss_balancing import STATIC
from multitask.training.mixing import first
from multitask.training.precision import policy

Answers = Callable[[Any], dict[str, Any]]  # outputs by head name, of a batch of images


def check(recipe: Recipe) -> None:
    """Raise UserError if the networks in `teacher` don't exist or can't be used."""
    if not recipe.teacher:
        return
    if recipe.caches_features:
        raise UserError(
            "--teacher",
            "needs the pictures of each step, of which --freeze caches the features",
            "add --views 0, or leave out --freeze",
        )
    if recipe.balance != STATIC:
        raise UserError(
            "--teacher",
            f"can't be used with --balance {recipe.balance}",
            "leave one of them out",
        )
    for name in recipe.teacher:
        _file(name)


def _file(name: str) -> Path:
    """The file of a teacher; UserError, which names the option, if there is none."""
    try:
        return catalog.find(name)
    except UserError as error:
        raise UserError("--teacher", error.line) from None


class Student(keras.Model):  # type: ignore[misc]
    """A model whose training loss has a term for the answers of its teachers.

    Validation leaves it out, so that trainings with and without it can be compared.
    """

    def set_teachers(
        self, heads: Sequence[Head], teachers: Sequence[Answers], doubled: bool
    ) -> None:
        """Set the heads that learn from teachers, and what these answer.

        The teachers are functions, not layers: they are neither trained nor saved.
        With `doubled`, the model gives its outputs twice, as for mixed pictures.
        """
        self._taught_heads, self._teachers = tuple(heads), tuple(teachers)
        self._doubled = doubled

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        total = super().compute_loss(x, y, y_pred, sample_weight, training)
        if not training:
            return total
        answers = [teacher(x) for teacher in self._teachers]
        for head in self._taught_heads:
            each = [outputs[head.name] for outputs in answers if head.name in outputs]
            target = ops.stop_gradient(sum(each[1:], each[0]) / len(each))
            outputs = y_pred[head.name]
            if self._doubled:
                outputs = first(outputs, ops.shape(target)[0])
            total += head.loss_weight * ops.mean(head.imitation(target, outputs))
        return total


def taught(
    model: keras.Model, spec: NetworkSpec, recipe: Recipe, precision: Precision
) -> keras.Model:
    """The model, with a training loss for imitating the recipe's teachers, too.

    Teachers of none of its heads are left out: in a comparison, each network has some.
    """
    shared = {
        name: heads
        for name in recipe.teacher
        if (heads := _shared(name, spec.heads)[0])
    }
    if not shared:
        return model
    image = input_like(model)
    outputs = {
        name: keras.layers.Identity(name=name, dtype="float32")(output)
        for name, output in model(image).items()
    }
    student = Student(image, outputs)
    names = {head for heads in shared.values() for head in heads}
    student.set_teachers(
        [head for head in spec.heads if head.name in names],
        [_answers(name, heads, precision) for name, heads in shared.items()],
        doubled=bool(recipe.augmentation.mixup),
    )
    return student


def check_heads(name: str, spec: NetworkSpec, say: Say = lambda line: None) -> None:
    """Raise UserError if the network `name` can teach none of the heads of `spec`.

    `say` is called with lines about those that it can teach, and about another crop.
    """
    shared, others = _shared(name, spec.heads)
    if not shared:
        raise UserError(
            "--teacher",
            f"{name} can teach none of the heads: {', '.join(others)}",
            "give a network with heads of the same names and classes",
        )
    without = f"; labels alone teach {', '.join(others)}" if others else ""
    say(f"{name} teaches {listed(shared)}{without}")
    theirs = archive.load_spec(_file(name))
    for setting in ("crop", "box_margin"):
        before, now = getattr(theirs, setting), getattr(spec, setting)
        if before != now:
            say(
                f"{name} was trained with {option(setting)} {before:g} and is asked "
                f"with {now:g}: it knows faces of another size"
            )


def _shared(name: str, heads: Sequence[Head]) -> tuple[list[str], list[str]]:
    """The names of the heads that `name` can teach, and others with the reason."""
    spec = archive.load_spec(_file(name))
    if spec.trunk not in TRUNKS:
        what = f"{name} has a trunk of its own, {spec.trunk}"
        raise UserError("--teacher", what, "give a network with a trunk by name")
    theirs = {head.name: head for head in spec.heads}
    reasons = {
        head.name: pretrained.difference(head, theirs.get(head.name)) for head in heads
    }
    return (
        [head for head, reason in reasons.items() if not reason],
        [f"{head} ({reason})" for head, reason in reasons.items() if reason],
    )


def _answers(name: str, heads: Sequence[str], precision: Precision) -> Answers:
    """What the network `name` answers about a batch of a student's pictures."""
    network, spec = archive.load(_file(name))
    # In the precision of the training, which is as fast as the student.
    core = build_core(spec, policy=policy(precision))
    core.set_weights(network.get_layer("core").get_weights())
    core.trainable = False

    def answers(images: Any) -> dict[str, Any]:
        if images.shape[1] != spec.size:
            side = (spec.size, spec.size)
            images = ops.image.resize(
                images, side, antialias=spec.size < images.shape[1]
            )
        outputs = core(images, training=False)
        return {head: outputs[head] for head in heads}

    return answers
