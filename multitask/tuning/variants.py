"""Which recipe does a combination of values make, and is it a valid one?"""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from multitask.contracts import recipe
from multitask.contracts.errors import UserError
from multitask.contracts.recipe import Recipe
from multitask.contracts.recipe_texts import COMPOSED
from multitask.contracts.settings import option, with_keyword
from multitask.experiments.names import check_recipe
from multitask.experiments.prepare import absolute
from multitask.tuning.space import Dimension

_COMBINATIONS = 1000  # tried at most to find one in which a value is valid


def variant(
    base: Recipe, dimensions: Sequence[Dimension], values: Mapping[str, Any]
) -> Recipe:
    """The recipe with these values, by the names of the dimensions.

    Raises UserError if they are no valid recipe.
    """
    settings = base.plain()
    # Parts of a setting last: where the whole one varies, too, it would replace them.
    for dimension in sorted(dimensions, key=lambda one: bool(one.part)):
        name, value = dimension.setting, values[dimension.name]
        if dimension.head:
            value = {**settings[name], dimension.head: value}
        elif dimension.part:
            cls = COMPOSED[name]
            value = with_keyword(settings[name], cls, dimension.part, value)
        settings[name] = value
    config = absolute(recipe.recipe(settings, ""))
    check_recipe(config)
    return config


def check_variants(base: Recipe, dimensions: Sequence[Dimension]) -> None:
    """Raise UserError for a value that is invalid with any values of the others."""
    check_recipe(base)
    names = [dimension.name for dimension in dimensions]
    if len(set(names)) < len(names):
        raise UserError("--vary", f"gives {max(names, key=names.count)} twice")
    for dimension in dimensions:
        for value in dimension.values:
            if error := _error(base, dimensions, dimension, value):
                where = f"--vary {dimension.name}={value}"
                own = option(dimension.setting) + ": "  # which this says already
                raise UserError(where, error.line.removeprefix(own))


def _error(
    base: Recipe, dimensions: Sequence[Dimension], dimension: Dimension, value: Any
) -> UserError | None:
    """Why a value can't be; None if a combination with it is valid, or may be."""
    values = [(value,) if one is dimension else one.values for one in dimensions]
    names = [one.name for one in dimensions]
    first = None
    for number, combination in enumerate(product(*values)):
        if number == _COMBINATIONS:
            return None
        try:
            variant(base, dimensions, dict(zip(names, combination, strict=True)))
        except UserError as error:
            first = first or error
        else:
            return None
    return first
