"""Which recipe does a combination of values make, and is it possible?"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice, product
from typing import Any

from multitask.contracts import recipe
from multitask.contracts.errors import UserError
from multitask.contracts.recipe import Recipe
from multitask.experiments import checks
from multitask.networks import pretrained
from multitask.tuning.space import Dimension

_TRIED = 1000  # combinations in which a value may turn out to be possible


def variant(base: Recipe, values: Mapping[Dimension, Any]) -> Recipe:
    """The recipe with these values; UserError if they can't be."""
    settings = base.plain()
    for one, held in values.items():
        if one.head:
            held = {**settings[one.setting], one.head: held}
        settings[one.setting] = held
    made = recipe.recipe(settings, "")
    made = replace(made, weights=pretrained.absolute(made.weights))
    checks.check_recipe(made)
    return made


def check_variants(base: Recipe, asked: Sequence[Dimension]) -> None:
    """Raise UserError for a value that no combination with others makes possible."""

    checks.check_recipe(base)
    names = [one.name for one in asked]
    if len(set(names)) < len(names):
        raise UserError("--vary", f"names {max(names, key=names.count)} twice")
    for one in asked:
        others = [other for other in asked if other is not one]
        for held in one.values:
            first = None
            combinations = islice(product(*(o.values for o in others)), _TRIED)
            for number, chosen in enumerate(combinations, 1):
                values = dict(zip(others, chosen, strict=True)) | {one: held}
                try:
                    variant(base, values)
                    break
                except UserError as error:
                    first = first or error
                    if number == _TRIED:  # there may be more
                        break
            else:
                raise UserError(f"--vary {one.name}={held}", str(first))
