"""How are the keywords of a function written as a recipe?"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, replace
from inspect import Parameter, signature
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from multitask.contracts import recipe, recipe_files
from multitask.contracts.errors import Say, UserError, nearest
from multitask.contracts.machine import Machine
from multitask.contracts.paths import expand_user
from multitask.contracts.recipe import Recipe
from multitask.contracts.recipe_files import GONE, MACHINE, where_now
from multitask.contracts.recipe_texts import check_some_heads, split_names
from multitask.contracts.run import resumable
from multitask.contracts.settings import field_value, option, per_head

if TYPE_CHECKING:
    import pandas as pd

    from multitask.contracts.head import Head, Heads

    File = str | PathLike[str]
    Names = str | Iterable[str]
    DataSet = File | pd.DataFrame | Mapping[str, File | pd.DataFrame]
    Data = DataSet | Sequence[DataSet]  # as users give it

Base = Recipe | str | PathLike[str] | None


def read(
    base: Base,
    settings: Mapping[str, Any],
    *,
    heads: "Heads | None" = None,
    function: Callable[..., Any],
    say: Say = print,
) -> Recipe:
    """The recipe `base`, an object, a name or a TOML file, with other `settings`.

    `heads` are names, or objects, which are declared in the recipe. The settings are
    keywords of the `function`, whose own ones are also those that a wrong one may mean.

    Raises UserError for an unknown setting and for an invalid value.
    """
    _check_names(settings, function)
    declared_heads = settings.get("head", {})
    if not isinstance(declared_heads, Mapping):
        what = f"is {declared_heads!r}, must be a dict that declares heads by name"
        raise UserError("head", what, f"to name heads, write heads={declared_heads!r}")
    values = _plain(base, say)
    if heads is not None:
        names, declared = split_heads(heads)
        values |= {"heads": names, "head": {**values.get("head", {}), **declared}}
    defaults = {name: default for name, _, default in recipe.settings()}
    for name, value in settings.items():
        is_listed = isinstance(defaults[name], tuple) and isinstance(value, str)
        if is_listed:
            values[name] = split_names(value)
        else:
            values[name] = per_head(name, value) if defaults[name] == {} else value
    return recipe.recipe(values, "")


def with_data(base: Recipe, texts: tuple[str, ...] | None) -> Recipe:
    """The recipe with other data sets; its own for None."""
    return base if texts is None else replace(base, data=texts)


def resumed(
    out: str | PathLike[str] | None, other: Mapping[str, object], say: Say = print
) -> tuple[Recipe, Path]:
    """The recipe and the folder of the run in `out`, to resume it.

    Raises UserError if there is none, or if any of the `other` settings is given.
    """
    if not out:
        raise UserError("--resume", "needs a run to resume", "add --out, its folder")
    folder = expand_user(out)
    base = resumable(folder, say)
    extra = [name for name, value in other.items() if value is not None]
    if extra:
        raise UserError(
            f"--resume with {', '.join(map(option, extra))}",
            "a run is resumed with the recipe that it started with",
            "leave out all options but --resume and --out",
        )
    return base, folder


def machine(value: Machine | None) -> Machine:
    """The machine's settings as given, or its defaults; UserError for anything else."""
    if value is None:
        return Machine()
    if not isinstance(value, Machine):
        what = f"is of type {type(value).__name__}, must be a multitask.Machine"
        raise UserError("machine", what, "write machine=multitask.Machine(memory=4)")
    return value


def whole(keyword: str, value: object) -> int:
    """A whole number, maybe as text; UserError for anything else.

    >>> whole("seeds", 3.0), whole("seeds", "3")
    (3, 3)
    """
    number: int = field_value(int, value, keyword)
    return number


def file(keyword: str, path: object) -> str | Path:
    """A text or path as such, a run as its folder; UserError for anything else."""
    path = getattr(path, "folder", path)
    if isinstance(path, str):
        return path
    if not isinstance(path, PathLike):
        what = f"is of type {type(path).__name__}, must be a path or a name"
        raise UserError(keyword, what, "give the folder of a run, or a network file")
    return expand_user(path)


def varied(vary: Mapping[str, Any] | str | Iterable[str]) -> tuple[str, ...]:
    """The settings that a sweep varies, as the texts of the command line.

    Raises UserError for values that are no list and no text.

    >>> varied({"learning_rate": "1e-5..1e-2:log", "dropout": [0.3, 0.5]})
    ('learning-rate=1e-5..1e-2:log', 'dropout=0.3,0.5')
    """
    if isinstance(vary, str):
        return (vary,)
    if not isinstance(vary, Mapping):
        return names("vary", vary)
    texts = []
    for key, values in vary.items():
        setting, dot, below = str(key).partition(".")
        if not isinstance(values, str):
            values = _joined(f"vary {key}", values)
        texts.append(f"{setting.replace('_', '-')}{dot}{below}={values}")
    return tuple(texts)


def _joined(where: str, values: object) -> str:
    if not isinstance(values, Iterable) or isinstance(values, Mapping):
        what = f"is {values!r}, must be a list of values or a range"
        raise UserError(where, what, 'write [A, B] or "LOW..HIGH"')
    texts = [
        ("no", "yes")[value] if isinstance(value, bool) else str(value)
        for value in values
    ]
    return ("|" if any("," in text for text in texts) else ",").join(texts)


def names(keyword: str, listed: str | Iterable[str] | None) -> tuple[str, ...]:
    """Names from a list, or from a text that separates them by commas.

    Raises UserError for anything else.

    >>> names("heads", "age, gender"), names("heads", ["age"]), names("heads", None)
    (('age', 'gender'), ('age',), ())
    """
    if listed is None:
        return ()
    listed = split_names(listed) if isinstance(listed, str) else listed
    if not isinstance(listed, Iterable):
        what = f"is of type {type(listed).__name__}, must be names"
        raise UserError(keyword, what, 'write ["A", "B"]')
    texts = tuple(listed)
    for text in texts:
        if not isinstance(text, str):
            what = f"holds {text!r}, must hold names"
            raise UserError(keyword, what, 'write ["A", "B"]')
    return texts


def _check_names(settings: Mapping[str, Any], function: Callable[..., Any]) -> None:
    known = [name for name, _, _ in recipe.settings()]
    parameters = signature(function).parameters.values()
    others = [one.name for one in parameters if one.kind != Parameter.VAR_KEYWORD]
    for name in settings:
        if name in MACHINE:
            todo = f"write machine=multitask.Machine({name}=...)"
            raise UserError(name, "is a setting of the machine", todo)
        if name in GONE:
            raise where_now(name)
        if name not in known:
            todo = nearest(name, [*known, *others])
            raise UserError(name, "unknown setting", todo)


def _plain(base: Base, say: Say) -> dict[str, Any]:
    """The settings of a recipe that a call starts from."""
    if base is None:
        return {}
    if isinstance(base, Recipe):
        return base.plain()
    if not isinstance(base, (str, PathLike)):
        raise UserError(
            "recipe",
            f"is of type {type(base).__name__}, must be a Recipe, a name or a file",
            "give pictures as data=...",
        )
    values = recipe_files.read(Path(base), say)
    recipe.recipe(values, str(base))  # says which file a mistake is in
    return values


def split_heads(heads: "Heads") -> tuple[tuple[str, ...], dict[str, dict[str, Any]]]:
    """The names of heads, and the settings of those that are objects.

    Raises UserError for what is neither, and if there is none.
    """
    if isinstance(heads, str):  # which must not wait for pandas
        names = split_names(heads)
        check_some_heads(names)
        return names, {}
    from multitask.contracts.catalog import heads_listed
    from multitask.contracts.head import Head

    listed = heads_listed(heads)
    check_some_heads(listed)
    names = tuple(head.name if isinstance(head, Head) else head for head in listed)
    return names, {h.name: _declared(h) for h in listed if isinstance(h, Head)}


def _declared(head: "Head") -> dict[str, Any]:
    """A head as a table [head.NAME] of a recipe, without what it has by default."""
    from multitask.contracts.catalog import to_config

    default: dict[str, Any] = {one.name: one.default for one in fields(head)}
    default["columns"] = (head.name,)
    return {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in to_config(head).items()
        if key != "name" and value != default.get(key, ...)
    }
