"""Does everything exist that a recipe names? Asked before TensorFlow is imported."""

from collections.abc import Sequence
from pathlib import Path

from multitask.contracts import catalog, plugins, recipe_texts
from multitask.contracts.errors import UserError, nearest
from multitask.contracts.head import Head
from multitask.contracts.recipe import Recipe
from multitask.contracts.run import new_folder
from multitask.contracts.settings import option
from multitask.data import sampling, sources
from multitask.networks import trunks
from multitask.networks.named.catalog import find, is_named


def check_settings(recipe: Recipe, others: Sequence[str] = ()) -> None:
    """Raise UserError for wrong names and files in settings that need no data.

    `others` are trunks that take the place of the recipe's.
    """
    for trunk in others or (recipe.trunk,):
        size = recipe.image_size or trunks.trunk(trunk).size
        trunks.check_size(trunk, size)
        trunks.check_pooling(trunk, recipe.pooling)
    if recipe.split_rule.file:
        from multitask.data import split  # here, as SciPy takes its time

        split.read_split(recipe.split_rule.file)


def check_recipe(recipe: Recipe, others: Sequence[str] = ()) -> None:
    """Raise UserError for wrong names and files, before any picture is read.

    `others` are trunks that take the place of the recipe's.
    """
    check_settings(recipe, others)
    for text in recipe.data:
        sources.check_source(text)
    # A data set may declare heads of its own, which are known once it is read.
    if recipe.heads and not any(map(sources.takes_name, recipe.data)):
        check_head_names(recipe, catalog.heads(recipe.heads, recipe.head))


def check_new(recipe: Recipe, out: Path) -> None:
    """Raise UserError as `check_recipe`, then if a run can't begin in `out`."""
    check_recipe(recipe)
    new_folder(out)


def check_folders(data: Sequence[str]) -> None:
    """Raise UserError for a data set that is none, or whose files are not there.

    A reader of another package may make its own.
    """
    for text in data:
        source = sources.check_source(text)
        path = Path(source.path).expanduser()
        makes_them = source.reader not in plugins.own("datasets") or not source.path
        if not (makes_them or source.reader == "sample" or path.exists()):
            what = f"there is no file or folder '{path}'"
            raise UserError(f"--data {source.name}", what, "check the path")


def check_head_names(recipe: Recipe, heads: Sequence[Head]) -> None:
    """Raise UserError if a setting names none of these heads, or an unsuitable one."""
    catalog.check_layer_names(heads)
    names = [head.name for head in heads]
    for setting in ("loss_weights", "class_weights", "cap"):
        for name in getattr(recipe, setting):
            if name not in (*names, "all"):
                known = nearest(name, names)
                raise UserError(option(setting), f"unknown head {name!r}", known)
    has_labels = any(head.answer_type == "labels" for head in heads)
    if recipe.threshold_rule and not has_labels:
        what = "is given, but no head has yes/no labels"
        raise UserError(option("thresholds"), what, "leave it out")
    if recipe.mixing.classes:
        sampling.oversampled_head(heads, recipe.mixing.classes)


def check_measurable(network: str | Path, split: str | None, has_data: bool) -> Path:
    """The file of a network to measure, on given data or on those of its run.

    Raises UserError if it is not there, if `split` is no part that can be measured, or
    if the network has a name, and so comes without a run, and there is no data.
    """
    recipe_texts.check_measured(split)
    file = find(network)
    if not has_data and is_named(network):
        raise UserError(
            "--data",
            f"is missing, as {network} comes without the data that trained it",
            "write --data NAME=FOLDER",
        )
    return file
