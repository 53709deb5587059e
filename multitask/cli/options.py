"""How is a recipe written as command-line options?"""

import argparse
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from multitask.contracts import recipe
from multitask.contracts.errors import UserError
from multitask.contracts.recipe import Recipe
from multitask.contracts.settings import option


def add(parser: argparse.ArgumentParser, without: Sequence[str] = ()) -> None:
    """Add `--recipe` and an option for every setting that a command line can hold.

    Those of settings that the command is `without` are known, and refused later, but
    not shown in its help.
    """
    parser.add_argument(
        "--recipe", metavar="NAME|FILE", help="settings to start from (TOML)"
    )
    for name, help, default in recipe.settings():
        if name == "head":
            continue
        action = "append" if name == "data" else "store"
        shown = f" (default {_shown(default)})" if default and name != "data" else ""
        parser.add_argument(
            option(name),
            action=action,
            metavar=_metavar(name, default),
            help=argparse.SUPPRESS if name in without else help + shown,
        )


_METAVARS = {
    "heads": "A,B",
    "data": "NAME=FOLDER",
    "weights": "NAME|FILE",
    "freeze": "none|all|N",
    "then_unfreeze": "N|all",
    "cache": "FOLDER",
    "augment": "A,B",
    "mix": "RULE",
    "oversample": "HEAD",
    "split": "A/B/C|official",
    "identity": "PATTERN",
}


def _shown(default: Any) -> str:
    return "yes" if default is True else str(default)


def _metavar(name: str, default: Any) -> str:
    if name in _METAVARS:
        return _METAVARS[name]
    if isinstance(default, dict):
        return "HEAD=X,..."
    if recipe.choices(name):
        return "|".join(recipe.choices(name))
    kinds = {int: "N", float: "X", bool: "yes|no"}
    return kinds.get(type(default), "NAME")


def read(arguments: argparse.Namespace) -> Recipe:
    """The recipe that the options ask for: they win over a `--recipe` file.

    Raises UserError for what can't be.
    """
    settings = recipe.read(arguments.recipe) if arguments.recipe else {}
    if arguments.recipe:
        recipe.recipe(settings, arguments.recipe)  # tells which file a mistake is in
    return recipe.recipe(settings | given(arguments), "")


def given(arguments: argparse.Namespace) -> dict[str, Any]:
    """The settings that were given as options."""
    from multitask.contracts.catalog import split  # not before: pandas takes its time

    found: dict[str, Any] = {}
    for name, _, default in recipe.settings():
        text = getattr(arguments, name, None)
        if text is None:
            continue
        if name == "heads":
            found[name] = split(text)
        elif isinstance(default, dict):
            found[name] = _pairs(option(name), text)
        else:
            found[name] = text
    return found


def _pairs(where: str, text: str) -> dict[str, str]:
    """Read `age=2,race=1.5`; a value alone is for all heads."""
    pairs = {}
    for part in text.split(","):
        head, equals, value = part.rpartition("=")
        if equals and not head:
            raise UserError(where, f"{part!r} names no head", "write HEAD=VALUE")
        pairs[head.strip() or "all"] = value.strip()
    return pairs


def default_folder(out: str | None, kind: str = "") -> Path:
    """The folder of `--out`, by default one named by the kind of work and the time."""
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    return Path(out or Path("runs") / f"{kind}{stamp}")
