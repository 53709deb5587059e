"""Does everything exist that a recipe names? Asked before TensorFlow is imported."""

from collections.abc import Sequence
from pathlib import Path

from multitask.contracts import catalog, plugins, recipe_texts
from multitask.contracts.errors import UserError, nearest
from multitask.contracts.head import Head
from multitask.contracts.paths import expand_user
from multitask.contracts.recipe import Recipe
from multitask.contracts.run import NETWORK, new_folder
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
    new_folder(out, or_without_epoch=True)


def check_folders(data: Sequence[str]) -> None:
    """Raise UserError for a data set that is none, or whose files are not there.

    A reader of another package may make its own.
    """
    for text in data:
        source = sources.check_source(text)
        path = expand_user(source.path)
        makes_them = source.reader not in plugins.own("datasets") or not source.path
        if not (makes_them or source.reader == "sample" or path.exists()):
            what = f"there is no file or folder '{path}'"
            raise UserError(f"--data {source.name}", what, "check the path")


def check_side_by_side(
    networks: Sequence[str | Path], split: str | None, has_data: bool
) -> dict[str, Path]:
    """The files of networks to measure side by side, by names that tell them apart.

    Raises UserError as `check_measurable`, but a network that has only a name needs
    no data if another one is a run. Also raises UserError if a network is given twice.
    """
    check_several_measured(split)
    if len(networks) < 2:
        raise UserError("networks", "are fewer than two", "give the network alone")
    are_named = [is_named(network) for network in networks]
    files = [find(network) for network in networks]
    if not has_data and all(are_named):
        check_measurable(networks[0], split, has_data)
    for number, file in enumerate(files):
        if file.resolve() in [other.resolve() for other in files[:number]]:
            raise UserError(networks[number], "is given twice", "give other networks")
    titles = [
        (str(network),) if named else _place(file)
        for network, named, file in zip(networks, are_named, files, strict=True)
    ]
    length = next(
        n
        for n in range(1, 1 + max(map(len, titles)))
        if len({title[-n:] for title in titles}) == len(titles)
    )
    pairs = zip(titles, files, strict=True)
    return {"/".join(title[-length:]): file for title, file in pairs}


def check_several_measured(split: str | None) -> None:
    """Raise UserError for a part on which several networks can't be measured."""
    recipe_texts.check_measured(split)
    if split == "train":
        raise UserError(
            "--split",
            "is train, but several networks are measured on pictures that none of "
            "them learned from",
            "leave it out",
        )


def check_no_groups(by: str | Sequence[str]) -> None:
    """Raise UserError for sub-groups of several networks."""
    if by:
        what = "measures the sub-groups of one network"
        raise UserError("--by", what, "leave it out, or report on each network alone")


def _place(file: Path) -> tuple[str, ...]:
    """The parts of a network's path that tell it from others."""
    path = file.resolve()
    return path.parent.parts if path.name == NETWORK else path.with_suffix("").parts


def check_head_names(recipe: Recipe, heads: Sequence[Head]) -> None:
    """Raise UserError if a setting names none of these heads, or an unsuitable one."""
    catalog.check_layer_names(heads)
    names = [head.name for head in heads]
    if "all" in names:
        todo = "give the head, and the column that it reads, another name"
        raise UserError("head all", "is named like all heads together", todo)
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
