"""How is a network trained, its best epoch saved, and a stopped training resumed?"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import keras

from multitask.contracts.augmentation import Augmentation
from multitask.contracts.errors import Say
from multitask.contracts.head import Head
from multitask.contracts.recipe import Precision, Recipe
from multitask.contracts.recipe_texts import ALL
from multitask.data.batches import Batches, with_labels_doubled
from multitask.networks import archive, build, pretrained
from multitask.networks.freeze import cut, freeze, rejoined
from multitask.networks.normalization import resume_averages
from multitask.networks.spec import NetworkSpec
from multitask.training import loss_balancing
from multitask.training.callbacks import (
    BestEpoch,
    SeedEpochs,
    ValidateAverages,
    interrupts_held,
)
from multitask.training.checkpoint import Checkpoint, Figures, State
from multitask.training.display import Progress
from multitask.training.divergence import (
    StopOnNonFinite,
    tell_constant_heads,
)
from multitask.training.feature_cache import FeatureCache, batches
from multitask.training.mixing import doubled
from multitask.training.objective import compile_model, create_variables
from multitask.training.optimizer import optimizer
from multitask.training.precision import fastest, has_bfloat16, policy
from multitask.training.priors import start_from_labels
from multitask.training.teacher import taught
from multitask.training.views import views

_PRETRAINED_STEPS = 1000  # at least, for averages that weights come with
_FEW_STEPS = 300  # a training with fewer ends before timing it would pay off


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a training ended."""

    best_epoch: int  # from 1
    history: Figures
    interrupted: bool  # whether by Ctrl-C
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
    say_epoch: Say | None = None,
    title: str = "",
    each_epoch: Callable[[Figures], object] = lambda history: None,
) -> Outcome:
    """Train the network of `spec` and save its best epoch in `folder`.

    The best epoch has the lowest validation loss; without a validation part it is the
    last one. A second stage, in which more of the trunk learns, starts from the best
    epoch of the first. Writes `network.keras`, `history.csv`, `logs/` and, after each
    epoch, a checkpoint that `resume` continues from. Features of a frozen trunk are
    cached in the folder `cache`. `say_epoch`, by default `say`, is given a line per
    epoch, unless `multitask.training.display.Progress` shows the training live; `title`
    says which of several trainings it is. `each_epoch` is called with the figures so
    far, and may end the training by raising an exception. Ctrl-C ends it, too, and the
    best epoch is saved; in the first epoch, KeyboardInterrupt is raised.

    Raises UserError if the loss is not finite or the disk is full.
    """
    state = Checkpoint(folder).read() if resume else State()
    precision = state.precision or resolve_precision(spec, recipe, training)
    spec = replace(spec, recipe={**spec.recipe, "precision": precision})
    best = BestEpoch(spec, folder, precision, state.history, each_epoch)
    best.features_loaded = state.features_loaded
    _warn(recipe, say)
    stages, interrupted = recipe.stages(), False
    try:
        for number, stage in enumerate(stages, 1):
            best.begin(number, stage)
            if not best.over:
                later = sum(stage.epochs for stage in stages[number:])
                display = partial(
                    Progress, best, later=later, say=say_epoch or say, title=title
                )
                _train_stage(best, training, validation, cache, say, display)
    except KeyboardInterrupt:
        interrupted = True
        if not best.history or (best.resumed and not best.restored):
            raise  # no network is saved, or not the best one
    return Outcome(
        best_epoch=best.best_epoch,
        history=best.history,
        interrupted=interrupted,
        precision=precision,
        stage=int(best.history[-1].get("stage", 1)),
    )


def remove_checkpoint(folder: Path) -> None:
    """Remove the checkpoint of a run that is trained and evaluated."""
    Checkpoint(folder).remove()


def has_checkpoint(folder: Path) -> bool:
    """Whether a run has a checkpoint to resume from."""
    return bool(Checkpoint(folder).read().history)


def _warn(recipe: Recipe, say: Say) -> None:
    """Report settings that have no effect on frozen layers."""
    if not recipe.is_frozen:
        return
    if recipe.weights == pretrained.NONE:
        say("the frozen layers keep random initial weights; --weights names others")
    if recipe.views == 1 and recipe.augmentation != Augmentation():
        say(
            f"--augment {recipe.augment} has no effect on frozen layers: features are "
            "computed from each picture as it is; --views 4 adds other views"
        )


def _train_stage(
    best: BestEpoch,
    training: Batches,
    validation: Batches | None,
    cache: Path,
    say: Say,
    display: Callable[[int], Progress],
) -> None:
    """Train one stage, starting from the best epoch of the one before.

    `display` makes what shows its progress, given the steps of a validation.
    """
    spec, recipe = best.spec, best.recipe
    keras.utils.set_random_seed(recipe.seed)
    core = _core(spec, recipe, best.precision)
    new_heads = spec.heads
    if best.stage > 1:
        network, _ = archive.load(best.folder)
        core.set_weights(network.get_layer("core").get_weights())
    elif not best.history:
        new_heads, best.features_loaded = pretrained.begin(
            core, spec, recipe.weights, say
        )
        if recipe.is_frozen and recipe.weights != pretrained.NONE:
            best.checkpoint.keep_trunk(core.get_layer("trunk"))
    # That of an epoch holds all weights but those that are frozen.
    elif recipe.is_frozen and not best.checkpoint.restore_trunk(
        core.get_layer("trunk")
    ):
        pretrained.load(core.get_layer("trunk"), recipe.weights, recipe.trunk)
    model, training, validation = _trainable_part(
        core, best, training, validation, cache, say
    )
    if best.stage == 1 and not best.history:
        shown = training.shown(spec.heads, recipe.augmentation)
        start_from_labels(core, new_heads, shown)
    _compile(model, spec.heads, recipe, training.steps, best.precision)
    best.core = core
    best.set_model(model)
    if best.resumed:
        best.restore()
    passes = best.rule.passes if best.rule else 1
    _resume_averages(best, len(best.history) * training.steps * passes)
    try:
        if not best.ended:
            _fit(best, training, validation, display, say)
    finally:
        with interrupts_held():
            best.save()


def _resume_averages(best: BestEpoch, steps: int) -> None:
    """Go on with a core's moving averages as after so many steps of training.

    Those that came with the weights are not to be forgotten in the first steps.
    """
    loaded = {
        "trunk": best.recipe.weights != pretrained.NONE,
        "features-norm": best.features_loaded,
    }
    for layer in best.core.layers:
        came = loaded.get(layer.name, False)
        resume_averages(layer, steps + _PRETRAINED_STEPS * came)


def _fit(
    best: BestEpoch,
    training: Batches,
    validation: Batches | None,
    display: Callable[[int], Progress],
    say: Say,
) -> None:
    """Train the compiled model of `best` for the epochs that are left of its stage."""
    recipe, epochs_done = best.recipe, len(best.history)
    data = training.shuffled(
        best.spec.heads, recipe.augmentation, recipe.seed, best.last, epochs_done
    )
    validation_data = validation.in_order() if validation else None
    if validation_data and recipe.augmentation.mixup:
        validation_data = validation_data.map(with_labels_doubled)
    logs = keras.callbacks.TensorBoard(best.folder / "logs", write_graph=False)
    stop = StopOnNonFinite(recipe, best.stage, best.spec.heads, best.precision)
    callbacks = [SeedEpochs(recipe.seed), stop, ValidateAverages(), logs, best]
    tell = tell_constant_heads(
        best.spec.heads, recipe, best.history, training, validation, say
    )
    with display(validation.steps_in_order if validation else 0) as progress:
        create_variables(best.model, data.element_spec)
        best.model.fit(
            data,
            epochs=best.last,
            initial_epoch=epochs_done,
            steps_per_epoch=training.steps,
            validation_data=validation_data,
            callbacks=[*callbacks, progress, *tell],
            shuffle=False,
            verbose=0,
        )


def _core(spec: NetworkSpec, recipe: Recipe, precision: Precision) -> keras.Model:
    """A core to train, with new initial weights."""
    return build.build_core(spec, recipe.dropout, policy(precision), training=True)


def _trainable_part(
    core: keras.Model,
    best: BestEpoch,
    training: Batches,
    validation: Batches | None,
    cache: Path,
    say: Say,
) -> tuple[keras.Model, Batches, Batches | None]:
    """The part of a core that learns, and its inputs: pictures or their features."""
    spec, recipe, model = best.spec, best.recipe, core
    freeze(core, recipe.freeze)
    if recipe.caches_features:
        front, model = cut(core, recipe.freeze)
        if best.precision != "float32":  # in which the saved network computes them
            float32_core = build.build_core(spec)
            float32_core.set_weights(core.get_weights())
            front, _ = cut(float32_core, recipe.freeze)
        features = FeatureCache(front, cache, say)
        best.front = features.name
        training, validation = _feature_batches(
            features, recipe, spec, training, validation
        )
    elif recipe.is_frozen:
        model = rejoined(*cut(core, recipe.freeze))
    if recipe.augmentation.mixup:
        model = doubled(model)
    if recipe.teacher:
        model = taught(model, spec, recipe, best.precision)
    if recipe.balance != loss_balancing.STATIC:
        model = loss_balancing.balanced(model, spec.heads, recipe.balance)
    return model, training, validation


def _feature_batches(
    features: FeatureCache,
    recipe: Recipe,
    spec: NetworkSpec,
    training: Batches,
    validation: Batches | None,
) -> tuple[Batches, Batches | None]:
    """Batches of features instead of pictures."""
    augmentation = recipe.augmentation
    # The views do not depend on the seed, so that all seeds share the cache.
    training_views = views(augmentation, recipe.views)
    training = batches(features, training, training_views, augmentation, spec.heads)
    if validation:
        one_view = views(augmentation, 1)
        validation = batches(features, validation, one_view, augmentation)
    return training, validation


def _compile(
    model: keras.Model,
    heads: Sequence[Head],
    recipe: Recipe,
    steps: int,
    precision: Precision,
) -> None:
    update_rule = optimizer(recipe, steps)
    if precision == "float16":  # in which small gradients would become 0
        update_rule = keras.optimizers.LossScaleOptimizer(update_rule)
    compile_model(model, heads, update_rule)


def resolve_precision(
    spec: NetworkSpec, recipe: Recipe, training: Batches
) -> Precision:
    """The precision of the recipe, or for `auto` the faster one on this machine."""
    if recipe.precision != "auto":
        return recipe.precision
    stage = recipe.stages()[-1]  # which trains most weights
    cached = stage.freeze == ALL and stage.caches_features  # leaves little to compute
    if cached or training.steps * stage.epochs < _FEW_STEPS or not has_bfloat16():
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
    """A training step in a precision, ready to be timed."""
    model = _core(spec, recipe, precision)
    freeze(model, recipe.freeze)
    _compile(model, spec.heads, recipe, training.steps, precision)
    batch = next(iter(training.in_order()))
    return lambda: model.train_on_batch(*batch)
