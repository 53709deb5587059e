"""How does a network learn, keep its best epoch, and go on after a stop?"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras

from multitask.contracts.augmentation import parse_augmentation
from multitask.contracts.head import Head
from multitask.contracts.recipe import Precision, Recipe
from multitask.contracts.recipe_texts import ALL, NONE
from multitask.data.batches import Batches, with_labels_doubled
from multitask.networks import archive, build, pretrained
from multitask.networks.freeze import cut, freeze, rejoined
from multitask.networks.spec import NetworkSpec
from multitask.training import feature_cache, loss_balancing, views
from multitask.training.callbacks import (
    BestEpoch,
    Progress,
    StopOnNonFinite,
    ValidateAverages,
    interrupts_held,
)
from multitask.training.checkpoint import Checkpoint, Figures
from multitask.training.optimizer import optimizer
from multitask.training.precision import fastest, has_bfloat16, policy

_SHORT = 300  # steps: a training this short ends before a timing has paid


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a training ended: its best epoch (from 1), whether Ctrl-C ended it, and the
    arithmetic that it was done in."""

    best_epoch: int
    history: Figures
    interrupted: bool
    precision: Precision
    stage: int  # the last one begun, from 1


def train(
    spec: NetworkSpec,
    recipe: Recipe,
    training: Batches,
    validation: Batches | None,
    folder: Path,
    resume: bool = False,
    say: Callable[[str], object] = lambda line: None,
    each_epoch: Callable[[Figures], object] = lambda history: None,
) -> Outcome:
    """Train the network of `about` and keep its best epoch in `folder`.

    Best is the lowest validation loss, or the last epoch without a validation part.
    A second stage, in which more of the trunk learns, begins with the best epoch of
    the first. Writes `network.keras`, `history.csv` and `logs/`, and after each epoch
    a checkpoint from which `resume` goes on; `each_epoch` is given the figures so far,
    and may end the training by an exception of its own. Ctrl-C ends it after saving; in
    the first epoch, which leaves nothing, it is raised.

    Raises UserError if the loss is not finite or the disk is full.
    """
    state = Checkpoint(folder).read() if resume else {}
    precision = state.get("precision") or resolve_precision(spec, recipe, training)
    spec = replace(spec, recipe={**spec.recipe, "precision": precision})
    keeper = BestEpoch(spec, folder, precision, state.get("history", []), each_epoch)
    _warn(recipe, say)
    interrupted = False
    try:
        for number, stage in enumerate(recipe.stages(), 1):
            keeper.begin(number, stage)
            if not keeper.over:
                _stage(keeper, training, validation, say)
    except KeyboardInterrupt:
        interrupted = True
        if not keeper.history or (keeper.resumed and not keeper.restored):
            raise  # the best network may not be saved yet
    return Outcome(
        best_epoch=keeper.best_epoch,
        history=keeper.history,
        interrupted=interrupted,
        precision=precision,
        stage=int(keeper.history[-1].get("stage", 1)),
    )


def remove_checkpoint(folder: Path) -> None:
    """Remove the checkpoint of a run that is trained and measured."""
    Checkpoint(folder).remove()


def has_checkpoint(folder: Path) -> bool:
    """Whether a run has a checkpoint to go on from."""
    return bool(Checkpoint(folder).read())


def _warn(recipe: Recipe, say: Callable[[str], object]) -> None:
    """Say what of a recipe may not be what was meant."""
    if recipe.freeze == NONE:
        return
    if recipe.weights == pretrained.NONE:
        say(
            "What is frozen keeps the weights that were drawn by lot: --weights names "
            "others."
        )
    if recipe.views == 1 and parse_augmentation(recipe.augment) != parse_augmentation(
        "none"
    ):
        say(
            f"--augment {recipe.augment} varies nothing that is frozen: features are "
            "of each picture as it is; --views 4 adds others."
        )


def _stage(
    keeper: BestEpoch,
    training: Batches,
    validation: Batches | None,
    say: Callable[[str], object],
) -> None:
    """Train with one setting of what learns, from where the stages before it ended."""
    spec, recipe = keeper.spec, keeper.recipe
    keras.utils.set_random_seed(recipe.seed)
    core = _core(spec, recipe, keeper.precision)
    # What a checkpoint does not hold is what has not learnt yet.
    if keeper.number > 1:
        best, _ = archive.load(keeper.folder)
        core.set_weights(best.get_layer("core").get_weights())
    elif recipe.freeze != NONE or not keeper.history:
        pretrained.load(core.get_layer("trunk"), recipe.weights, recipe.trunk)
    model, training, validation = _learning(core, keeper, training, validation, say)
    _compile(model, spec.heads, recipe, training.steps, keeper.precision)
    keeper.core = core
    keeper.set_model(model)
    if keeper.resumed:
        keeper.restore()
    how, done = parse_augmentation(recipe.augment), len(keeper.history)
    data = training.shuffled(spec.heads, how, recipe.seed, keeper.last, done)
    _make_variables(model, data.element_spec)
    held_out = validation.in_order() if validation else None
    if held_out and how.mixup:
        held_out = held_out.map(with_labels_doubled)
    logs = keras.callbacks.TensorBoard(keeper.folder / "logs", write_graph=False)
    shown = [Progress(keeper.last), StopOnNonFinite(), ValidateAverages(), logs]
    try:
        if not keeper.ended:
            model.fit(
                data,
                epochs=keeper.last,
                initial_epoch=done,
                steps_per_epoch=training.steps,
                validation_data=held_out,
                callbacks=[*shown, keeper],
                shuffle=False,
                verbose=0,
            )
    finally:
        with interrupts_held():
            keeper.save()


def _core(spec: NetworkSpec, recipe: Recipe, precision: Precision) -> keras.Model:
    """The core to be trained, its weights drawn anew."""
    return build.build_core(spec, recipe.dropout, policy(precision), training=True)


def _learning(
    core: keras.Model,
    keeper: BestEpoch,
    training: Batches,
    validation: Batches | None,
    say: Callable[[str], object],
) -> tuple[keras.Model, Batches, Batches | None]:
    """What of a core learns, and what it learns from: pictures, or their features."""
    spec, recipe, precision = keeper.spec, keeper.recipe, keeper.precision
    how, model = parse_augmentation(recipe.augment), core
    freeze(core, recipe.freeze)
    if recipe.freeze == NONE:
        pass
    elif not recipe.views:
        model = rejoined(*cut(core, recipe.freeze))
    else:
        front, model = cut(core, recipe.freeze)
        if precision != "float32":  # as the network to be saved will compute them
            exact = build.build_core(spec)
            exact.set_weights(core.get_weights())
            front, _ = cut(exact, recipe.freeze)
        kept = feature_cache.FeatureCache(
            front, recipe.cache, recipe.cache_precision, say
        )
        keeper.front = kept.name
        # Views are the same for all seeds, which find them again.
        looks = views.views(how, recipe.views)
        training = feature_cache.batches(kept, training, looks, how, spec.heads)
        if validation:
            looks = views.views(how, 1)
            validation = feature_cache.batches(kept, validation, looks, how)
    if how.mixup:
        image = keras.Input(model.input.shape[1:], dtype=model.input.dtype)
        said = model(image)
        twofold = {name: _Doubled(name=name)(one) for name, one in said.items()}
        model = keras.Model(image, twofold)
    if recipe.balance != loss_balancing.STATIC:
        model = loss_balancing.balanced(model, spec.heads, recipe.balance, recipe.seed)
    return model, training, validation


class _Doubled(keras.layers.Layer):  # type: ignore[misc]
    """Answers of mixed pictures, to be held against both pictures' labels."""

    def call(self, answers: Any) -> Any:
        return keras.ops.concatenate([answers, answers], axis=0)


def _compile(
    model: keras.Model,
    heads: Sequence[Head],
    recipe: Recipe,
    steps: int,
    precision: Precision,
) -> None:
    rule = optimizer(recipe, steps)
    if precision == "float16":  # in which small gradients would be 0
        rule = keras.optimizers.LossScaleOptimizer(rule)
    model.compile(
        optimizer=rule,
        loss={head.name: head.loss() for head in heads},
        loss_weights={head.name: head.loss_weight for head in heads},
        weighted_metrics={head.name: head.metrics() for head in heads},
        # XLA's convolutions are up to twice slower than oneDNN's on a CPU.
        jit_compile=False,
    )


def _make_variables(model: keras.Model, spec: Any) -> None:
    """Make those of optimizer and metrics before a step is traced.

    TensorFlow traces a step twice in which variables are made, for seconds each.
    """
    images, *labels = keras.tree.map_structure(
        lambda s: keras.ops.zeros([n or 1 for n in s.shape], s.dtype), spec
    )
    answers = model(images)
    count = len(next(iter(answers.values())))  # twice as many for mixed pictures
    targets, weights = keras.tree.map_structure(
        lambda one: keras.ops.repeat(one, count, axis=0), labels
    )
    model.optimizer.build(model.trainable_variables)
    model.compute_loss(images, targets, answers, weights)
    model.compute_metrics(images, targets, answers, weights)
    model.reset_metrics()


def resolve_precision(
    spec: NetworkSpec, recipe: Recipe, training: Batches
) -> Precision:
    """The precision that the recipe asks for, or the faster one here."""
    if recipe.precision != "auto":
        return recipe.precision
    stage = recipe.stages()[-1]  # in which most is learnt
    once = stage.freeze == ALL and recipe.views  # little is left to compute
    if once or training.steps * stage.epochs < _SHORT or not has_bfloat16():
        return "float32"
    return fastest(
        {
            precision: training_step(spec, stage, training, precision)
            for precision in ("float32", "bfloat16")
        }
    )


def training_step(
    spec: NetworkSpec, recipe: Recipe, training: Batches, precision: Precision
) -> Callable[[], object]:
    """A training step in a precision, to be timed."""
    model = _core(spec, recipe, precision)
    freeze(model, recipe.freeze)
    _compile(model, spec.heads, recipe, training.steps, precision)
    batch = next(iter(training.in_order()))
    return lambda: model.train_on_batch(*batch)
