"""At which revisions of downloaded networks did a sweep or comparison begin?

The server may have newer ones since, and trainings that differ in them do not compare.
"""

import json
from dataclasses import replace
from pathlib import Path

from multitask.contracts.recipe import Recipe
from multitask.contracts.saving import write_text
from multitask.networks.named import hub

FILE = "revisions.json"


def record(recipe: Recipe, out: Path) -> None:
    """Keep the addresses, with their revisions, of the networks of a recipe."""
    settings = {"weights": recipe.weights, "teacher": list(recipe.teacher)}
    names = [recipe.weights, *recipe.teacher]
    if any(name.startswith(hub.PREFIX) for name in names):
        write_text(out / FILE, json.dumps(settings))


def recorded(recipe: Recipe, out: Path) -> Recipe:
    """The recipe with the addresses that were kept in `out`, if there are any."""
    file = out / FILE
    if not file.exists():
        return recipe
    settings = json.loads(file.read_text(encoding="utf-8"))
    return replace(
        recipe, weights=settings["weights"], teacher=tuple(settings["teacher"])
    )
