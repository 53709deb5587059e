"""How does a network learn, keep its best epoch, and go on after a stop?"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras

from multitask.contracts.augmentation import Augmentation
from multitask.contracts.head import Head
from multitask.contracts.recipe import Precision, Recipe
from multitask.contracts.recipe_texts import ALL
from multitask.data.batches import Batches, with_labels_doubled
from multitask.networks import archive, build, pretrained
from multitask.networks.freeze import cut, freeze, rejoined
from multitask.networks.spec import NetworkSpec
from multitask.training import loss_balancing
from multitask.training.callbacks import (
    BestEpoch,
    Progress,
    StopOnNonFinite,
    ValidateAverages,
    interrupts_held,
)
from multitask.training.checkpoint import Checkpoint, Figures
from multitask.training.feature_cache import FeatureCache, batches
from multitask.training.optimizer import optimizer
from multitask.training.precision import fastest, has_bfloat16, policy
from multitask.training.views import views

Say = Callable[[str], object]
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
    *,
    cache: Path,
    resume: bool = False,
    say: Say = lambda line: None,
    each_epoch: Callable[[Figures], object] = lambda history: None,
) -> Outcome:
    """Train the network of `spec` and keep its best epoch in `folder`.

    Best is the lowest validation loss, or the last epoch without a validation part.
    A second stage, in which more of the trunk learns, begins with the best epoch of
    the first. Writes `network.keras`, `history.csv` and `logs/`, and after each epoch
    a checkpoint from which `resume` goes on. Features of a frozen trunk are kept in the
    folder `cache`. `each_epoch` is given the figures so far, and may end the training
    by an exception of its own. Ctrl-C ends it after saving; in the first epoch, which
    leaves nothing, it is raised.

    Raises UserError if the loss is not finite or the disk is full.
    """
    state = Checkpoint(folder).read() if resume else {}
    precision = state.get("precision") or resolve_precision(spec, recipe, training)
    spec = replace(spec, recipe={**spec.recipe, "precision": precision})
    best = BestEpoch(spec, folder, precision, state.get("history", []), each_epoch)
    _warn(recipe, say)
    interrupted = False
    try:
        for number, stage in enumerate(recipe.stages(), 1):
            best.begin(number, stage)
            if not best.over:
                _train_stage(best, training, validation, cache, say)
    except KeyboardInterrupt:
        interrupted = True
        if not best.history or (best.resumed and not best.restored):
            raise  # the best network may not be saved yet
    return Outcome(
        best_epoch=best.best_epoch,
        history=best.history,
        interrupted=interrupted,
        precision=precision,
        stage=int(best.history[-1].get("stage", 1)),
    )


def remove_checkpoint(folder: Path) -> None:
    """Remove the checkpoint of a run that is trained and measured."""
    Checkpoint(folder).remove()


def has_checkpoint(folder: Path) -> bool:
    """Whether a run has a checkpoint to go on from."""
    return bool(Checkpoint(folder).read())


def _warn(recipe: Recipe, say: Say) -> None:
    """Say which settings may not do what was meant."""
    if not recipe.is_frozen:
        return
    if recipe.weights == pretrained.NONE:
        say("What is frozen keeps its random initial weights: --weights names others.")
    if recipe.views == 1 and recipe.augmentation != Augmentation():
        say(
            f"--augment {recipe.augment} changes nothing that is frozen: features are "
            "of each picture as it is; --views 4 adds others."
        )


def _train_stage(
    best: BestEpoch,
    training: Batches,
    validation: Batches | None,
    cache: Path,
    say: Say,
) -> None:
    """Train with one setting of what learns, from where the stages before it ended."""
    spec, recipe = best.spec, best.recipe
    keras.utils.set_random_seed(recipe.seed)
    core = _core(spec, recipe, best.precision)
    # A checkpoint lacks only the weights that have not learnt yet.
    if best.number > 1:
        first_stage, _ = archive.load(best.folder)
        core.set_weights(first_stage.get_layer("core").get_weights())
    elif recipe.is_frozen or not best.history:
        pretrained.load(core.get_layer("trunk"), recipe.weights, recipe.trunk)
    model, training, validation = _learning_part(
        core, best, training, validation, cache, say
    )
    _compile(model, spec.heads, recipe, training.steps, best.precision)
    best.core = core
    best.set_model(model)
    if best.resumed:
        best.restore()
    epochs_done = len(best.history)
    data = training.shuffled(
        spec.heads, recipe.augmentation, recipe.seed, best.last, epochs_done
    )
    _make_variables(model, data.element_spec)
    held_out = validation.in_order() if validation else None
    if held_out and recipe.augmentation.mixup:
        held_out = held_out.map(with_labels_doubled)
    logs = keras.callbacks.TensorBoard(best.folder / "logs", write_graph=False)
    callbacks = [Progress(best.last), StopOnNonFinite(), ValidateAverages(), logs]
    try:
        if not best.ended:
            model.fit(
                data,
                epochs=best.last,
                initial_epoch=epochs_done,
                steps_per_epoch=training.steps,
                validation_data=held_out,
                callbacks=[*callbacks, best],
                shuffle=False,
                verbose=0,
            )
    finally:
        with interrupts_held():
            best.save()


def _core(spec: NetworkSpec, recipe: Recipe, precision: Precision) -> keras.Model:
    """The core to be trained, with new initial weights."""
    return build.build_core(spec, recipe.dropout, policy(precision), training=True)


def _learning_part(
    core: keras.Model,
    best: BestEpoch,
    training: Batches,
    validation: Batches | None,
    cache: Path,
    say: Say,
) -> tuple[keras.Model, Batches, Batches | None]:
    """The part of a core that learns, and its inputs: pictures, or their features."""
    spec, recipe, model = best.spec, best.recipe, core
    freeze(core, recipe.freeze)
    if recipe.caches_features:
        front, model = cut(core, recipe.freeze)
        if best.precision != "float32":  # as the network to be saved will compute them
            exact = build.build_core(spec)
            exact.set_weights(core.get_weights())
            front, _ = cut(exact, recipe.freeze)
        features = FeatureCache(front, cache, say)
        best.front = features.name
        training, validation = _as_features(
            features, recipe, spec, training, validation
        )
    elif recipe.is_frozen:
        model = rejoined(*cut(core, recipe.freeze))
    if recipe.augmentation.mixup:
        image = keras.Input(model.input.shape[1:], dtype=model.input.dtype)
        doubled = {name: _Doubled(name=name)(out) for name, out in model(image).items()}
        model = keras.Model(image, doubled)
    if recipe.balance != loss_balancing.STATIC:
        model = loss_balancing.balanced(model, spec.heads, recipe.balance)
    return model, training, validation


def _as_features(
    features: FeatureCache,
    recipe: Recipe,
    spec: NetworkSpec,
    training: Batches,
    validation: Batches | None,
) -> tuple[Batches, Batches | None]:
    """Batches of pictures as batches of their features."""
    augmentation = recipe.augmentation
    # Views are the same for all seeds, so that these find them in the cache.
    seen = views(augmentation, recipe.views)
    training = batches(features, training, seen, augmentation, spec.heads)
    if validation:
        seen = views(augmentation, 1)
        validation = batches(features, validation, seen, augmentation)
    return training, validation


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
    """The precision that the recipe names, or for `auto` the faster one here."""
    if recipe.precision != "auto":
        return recipe.precision
    stage = recipe.stages()[-1]  # in which most is learnt
    cached = stage.freeze == ALL and stage.caches_features  # little left to compute
    if cached or training.steps * stage.epochs < _SHORT or not has_bfloat16():
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
