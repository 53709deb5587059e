"""How is a recipe written as command-line options?"""

import argparse
import re
from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from itertools import chain, count
from os import PathLike
from pathlib import Path
from typing import Any

from multitask.contracts import plugins, recipe, recipe_files
from multitask.contracts.errors import UserError
from multitask.contracts.machine import CACHE, Machine
from multitask.contracts.paths import expand_user
from multitask.contracts.recipe import TTA, Recipe
from multitask.contracts.recipe_files import GONE, MACHINE
from multitask.contracts.recipe_texts import check_some_heads, split_names
from multitask.contracts.settings import option, pairs

Group = argparse._ArgumentGroup


class _Moved(argparse.Action):
    """An option of an earlier version: says what to write today."""

    def __call__(self, *_: Any) -> None:
        raise recipe_files.where_now(self.dest.removeprefix("old_"))


def add(parser: argparse.ArgumentParser, without: Sequence[str] = ()) -> Group:
    """Add `--recipe` and an option for every setting that a command line can hold.

    They come in groups; that of the output is returned. Settings that the command is
    `without` are known, and refused later, but not shown in its help.
    """
    groups = {name: parser.add_argument_group(name) for name in recipe.GROUPS}
    groups["training"].add_argument(
        "--recipe",
        metavar="NAME|FILE",
        help="start from these settings: a TOML file, or a name that "
        "`python -m multitask.recipes` lists",
    )
    for name, help, default in recipe.settings():
        if name == "head":
            continue
        if name == "data":
            add_data(groups["data"], "faces that multitask draws")
            continue
        text = help + _default(name, help, default)
        groups[recipe.group(name)].add_argument(
            option(name),
            metavar=_metavar(name, default),
            help=argparse.SUPPRESS if name in without else text,
        )
    for name in set(GONE) - set(MACHINE):
        parser.add_argument(
            option(name), dest=f"old_{name}", action=_Moved, help=argparse.SUPPRESS
        )
    groups["output"].add_argument(
        "--cache",
        metavar="FOLDER",
        help=f"folder that caches the features of a frozen trunk (default {CACHE})",
    )
    add_memory(groups["output"])
    return groups["output"]


def add_data(
    parser: argparse.ArgumentParser | Group,
    usual: str = "",
    default: list[str] | None = None,
) -> None:
    """Add `--data`, whose help lists how to write a data set and the `usual` ones."""
    others = ("folder", "table", "sample")
    readers = [name for name in plugins.own("datasets") if name not in others]
    parser.add_argument(
        "--data",
        action="append",
        metavar="NAME=FOLDER",
        help="labelled pictures; may be repeated: NAME=FOLDER, in the publishers' "
        f"layout of {', '.join(readers)}; NAME=table:FILE, a table (.csv, .tsv, "
        ".tab, .txt, .xlsx, .parquet, .json, .jsonl) with a column that names the "
        "pictures and one per label; HEAD=folder:FOLDER, a folder per class"
        + (f" (default: {usual})" if usual else ""),
        default=default,
    )


def _default(name: str, help: str, default: Any) -> str:
    """The default of a setting, as `--help` says it, unless its help does."""
    if "(default" in help:
        return ""
    if default in ("", {}, ()):
        default = _DEFAULTS.get(name, "none")
    text = f"{default:g}" if isinstance(default, float) else str(default)
    return f" (default {text})"


def add_memory(parser: argparse.ArgumentParser | Group) -> None:
    """Add `--memory` and `--damaged`."""
    parser.add_argument(
        "--memory",
        metavar="GB",
        help="gigabytes of memory for decoded pictures; more are kept on disk "
        f"(default {Machine.memory:g})",
    )
    add_damaged(parser)


def add_damaged(
    parser: argparse.ArgumentParser | Group, what: str = "pictures"
) -> None:
    """Add `--damaged`."""
    parser.add_argument(
        "--damaged",
        choices=("skip", "keep"),
        default="skip",
        help=f"set {what} aside whose decoder reports damage, or keep what can be "
        "read of them (default skip)",
    )


def add_inference(parser: argparse.ArgumentParser | Group) -> None:
    """Add `--tta` and `--engine`: how a network computes its answers."""
    parser.add_argument(
        "--tta",
        type=int,
        choices=TTA,
        metavar="N",
        help="average each answer over 1, 2, 4 or 16 crops of the picture; time grows "
        "in proportion, and with another number than in the training no answer is "
        "marked as unlike the training pictures (default: as in the training)",
    )
    parser.add_argument(
        "--engine",
        choices=("tensorflow", "litert"),
        default="tensorflow",
        help="what runs the network: litert takes less time on a CPU, but converts "
        "the network first, which takes seconds (extra `litert`; default tensorflow)",
    )


def machine(arguments: argparse.Namespace) -> Machine:
    """What the options say of the machine; UserError for an invalid value."""
    names = [field.name for field in fields(Machine)]
    values = {name: getattr(arguments, name, None) for name in names}
    return Machine(**{name: text for name, text in values.items() if text is not None})


# Of settings that are empty: what that means.
_DEFAULTS = {
    "loss_weights": "those in heads/catalog.toml, or 1",
    "cap": "no limit",
    "then": "no second stage",
    "identity": "no pattern",
}
_METAVARS = {
    "heads": "A,B",
    "weights": "NAME|FILE",
    "teacher": "A,B",
    "freeze": "none|all|N",
    "then": "N|all,epochs=N",
    "features": "N[,l2=X][,norm=yes]",
    "schedule": "NAME",
    "augment": "A,B",
    "mix": "RULE",
    "thresholds": "RULE",
    "split": "A/B/C|official|FILE",
    "identity": "PATTERN",
}


def _metavar(name: str, default: Any) -> str:
    if name in _METAVARS:
        return _METAVARS[name]
    if isinstance(default, dict):
        return "HEAD=X,..."
    if recipe.choices(name):
        return "|".join(recipe.choices(name))
    kinds = {int: "N", float: "X"}
    return kinds.get(type(default), "NAME")


def read(arguments: argparse.Namespace) -> Recipe:
    """The recipe that the options ask for: they win over a `--recipe` file.

    Raises UserError for an invalid value.
    """
    settings = recipe_files.read(arguments.recipe) if arguments.recipe else {}
    if arguments.recipe:
        recipe.recipe(settings, arguments.recipe)  # says which file a mistake is in
    settings |= explicit(arguments)
    resolved = recipe.recipe(settings, "")
    if arguments.recipe and "data" not in settings:
        _check_data(arguments.recipe, resolved)
    return resolved


def _check_data(name: str, resolved: Recipe) -> None:
    """Raise UserError if a recipe has heads that only data of its own declares."""
    needed = recipe_files.needed_data(name)
    if not needed:
        return
    from multitask.contracts import catalog  # here, as pandas takes its time

    known = {*catalog.named(), *catalog.groups(), *resolved.head}
    heads = [re.split(r"[:\[]", text)[0] for text in resolved.heads]
    if not known.issuperset(heads):
        what, data, more = re.split(r" \((--data [^)]*)\)", needed, maxsplit=1)
        raise UserError(f"--recipe {name}", f"needs {data} ({what}{more})")


def explicit(arguments: argparse.Namespace) -> dict[str, Any]:
    """The settings that are options on the command line, without defaults."""
    settings: dict[str, Any] = {}
    for name, _, default in recipe.settings():
        text = getattr(arguments, name, None)
        if text is None:
            continue
        if isinstance(default, tuple) and name != "data":
            settings[name] = split_names(text)
            if name == "heads":
                check_some_heads(settings[name])
        elif isinstance(default, dict):
            settings[name] = pairs(option(name), text)
        else:
            settings[name] = text
    return settings


def default_folder(out: str | PathLike[str] | None, kind: str = "") -> Path:
    """The folder of `--out`, by default a new one named by the work and the time."""
    if out == "":  # as of a variable of the shell that is not set
        raise UserError("--out", "is empty", "name a folder, or leave it out")
    if out is not None:
        return expand_user(out)
    name = kind + datetime.now().strftime("%Y%m%d-%H%M%S")
    names = chain([name], (f"{name}-{number}" for number in count(2)))
    return next(path for n in names if not (path := Path("runs") / n).exists())
