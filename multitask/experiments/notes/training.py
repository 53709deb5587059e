"""How was a network trained, as far as its figures depend on it?"""

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from multitask.contracts.errors import UserError, counted
from multitask.contracts.head import Head
from multitask.contracts.recipe import Recipe, recipe
from multitask.contracts.recipe_files import translate
from multitask.contracts.recipe_texts import ALL
from multitask.data.sources import parse
from multitask.networks.pretrained import NONE
from multitask.training.views import views


def training_notes(
    settings: Recipe, heads: Sequence[Head], varied: Iterable[str] = ()
) -> tuple[str, ...]:
    """How pictures were sampled and what was frozen; not what is `varied`, by name."""
    names = set(varied)
    usual = Recipe()
    fixed = replace(settings, **{name: getattr(usual, name) for name in names})
    weighted = () if "class_weights" in names else heads
    return (*sampling_notes(fixed, weighted), *frozen_notes(fixed))


def sampling_notes(recipe: Recipe, heads: Sequence[Head]) -> tuple[str, ...]:
    """How training pictures were selected, sampled and weighted."""
    notes = []
    for name, cap in recipe.cap.items():
        of = "each head" if name == "all" else name
        notes.append(
            f"Training pictures were drawn at random until every class of {of} had "
            f"{cap:,} or all it has; classes that share pictures with rarer ones may "
            "have more."
        )
    mixing = recipe.mixing
    if mixing.classes and not mixing.exponent:
        notes.append(f"Training saw the classes of {mixing.classes} equally often.")
    elif not mixing.is_proportional:
        of = f"classes of {mixing.classes}" if mixing.classes else "data sets"
        notes.append(f"Training saw the {of} by the rule {recipe.mix}.")
    balanced = [head.name for head in heads if head.class_weights == "balanced"]
    if balanced:
        notes.append(f"Rare classes weigh more in the loss of {', '.join(balanced)}.")
    return tuple(notes)


def notes_about(notes: Iterable[str], data: Iterable[str]) -> tuple[str, ...]:
    """The notes of a training without those on data sets that are not measured.

    `data` are the measured ones, such as `NAME=FOLDER`.

    >>> notes_about(["--data celeba: one part.", "Frozen."], ["utkface=faces"])
    ('Frozen.',)
    """
    names = {parse(text).name for text in data}
    subjects = ((re.match(r"--data ([^\s:]+):", note), note) for note in notes)
    return tuple(note for of, note in subjects if not of or of[1] in names)


def frozen_notes(recipe: Recipe) -> tuple[str, ...]:
    """What of the trunk was frozen, and in which stages."""
    notes = []
    if recipe.caches_features:
        others = len(views(recipe.augmentation, recipe.views)) - 1
        more = f" and {others} mirrored or augmented views of it" if others else ""
        notes.append(
            "What is frozen was computed once, for each training picture as it is"
            f"{more}."
        )
    second = recipe.unfreezing
    if second:
        thawed = "all of it" if second.stages == ALL else "more stages of it"
        notes.append(
            "The trunk was frozen at first; in a second stage of at most "
            f"{counted(second.epochs, 'epoch')} {thawed} learnt."
        )
    return tuple(notes)


def frozen_notes_of(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """`frozen_notes` by the settings in a network's file, maybe of an earlier version.

    None, if they are not those of a recipe of this version.
    """
    with suppress(UserError):
        return frozen_notes(recipe(translate(dict(settings))[0], ""))
    return ()


def frozen_seconds_notes(recipe: Recipe) -> tuple[str, ...]:
    """What the seconds of several trainings leave out if they share frozen layers."""
    if not recipe.caches_features:
        return ()
    of_seed = " of a seed" if recipe.weights == NONE else ""
    return (
        "Seconds of training are those of the epochs: what is frozen was computed "
        f"before, once for all networks{of_seed}.",
    )


def epochs_text(recipe: Recipe) -> str:
    """How long each of several networks was trained."""
    count = sum(stage.epochs for stage in recipe.stages())
    epochs = counted(count, "epoch")
    if not recipe.patience:
        return epochs
    return (
        f"at most {epochs} (each stopped after {recipe.patience} without improvement; "
        "its seconds and pictures are those of the epochs it had)"
    )
