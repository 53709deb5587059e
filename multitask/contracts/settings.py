"""How do values from a file, the command line or Python become checked settings?"""

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import MISSING, fields
from functools import cache
from numbers import Real
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args, get_origin
from typing import get_type_hints as _type_hints

import pydantic

from multitask.contracts.errors import UserError, nearest, python_spelling

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")
V = TypeVar("V")
_NUMBERS = {int: "a whole number", float: "a number"}


def setting(group: str, default: Any, help: str, least: int | None = None) -> Any:
    """A field of a dataclass of settings, with its group and text in `--help`.

    A number must not be below `least`.
    """
    metadata = {"group": group, "help": help, "least": least}
    if isinstance(default, dict):
        return dataclasses.field(metadata=metadata, default_factory=dict)
    return dataclasses.field(metadata=metadata, default=default)


@cache
def type_hints(cls: type[Any]) -> dict[str, Any]:
    """The types of a class's fields, by name."""
    return _type_hints(cls)


def checked(cls: type[T], values: Mapping[str, Any], where: str) -> T:
    """Build the dataclass `cls` from loose values, checking each key and type.

    Raises UserError naming `where` (if empty, an option of the command line), the key,
    what it is and what it must be.
    """
    known = [field.name for field in fields(cls)]
    for key in values:
        if key not in known:
            raise UserError(where, f"unknown key {key!r}", nearest(key, known))
    for field in fields(cls):
        required = field.default is MISSING and field.default_factory is MISSING
        if required and field.name not in values:
            raise UserError(where, f"{field.name} is missing")
    kinds = type_hints(cls)
    typed = {key: field_value(kinds[key], values[key], key, where) for key in values}
    return cls(**typed)


def for_users(cls: type[T]) -> type[T]:
    """Decorate a dataclass of settings that users make, and see, in Python.

    A keyword that is no field is a UserError, errors name settings as Python does, and
    its `repr` shows only the values that are not the default.
    """

    def changed(self: T) -> str:
        default = cls()
        shown = [
            f"{field.name}={getattr(self, field.name)!r}"
            for field in fields(cls)
            if getattr(self, field.name) != getattr(default, field.name)
        ]
        return f"{cls.__name__}({', '.join(shown)})"

    cls.__init__ = python_spelling(cls.__init__)  # type: ignore[method-assign]
    cls.__repr__ = changed  # type: ignore[assignment]
    return cls


def field_value(kind: Any, value: object, key: str, where: str = "") -> Any:
    """The value of a setting as its type; UserError says what it must be.

    Texts become numbers and numbers become texts where that is the type; `where` is as
    in `checked`.
    """
    name = where or option(key)
    if kind in _NUMBERS and isinstance(value, bool):  # 1 or 0 to Python
        text = f"is {value}, must be {_NUMBERS[kind]}"
        raise UserError(name, f"{key} {text}" if where else text)
    try:
        return _adapter(kind).validate_python(value)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        whole = ".".join([key, *(str(part) for part in first["loc"])])
        text = f"is {_short(first['input'])}, {_must(first)}"
        todo = _meant(kind, first["input"])
        if where:
            raise UserError(where, f"{whole} {text}", todo) from None
        raise UserError(option(whole), text, todo) from None


@cache
def _adapter(kind: Any) -> "pydantic.TypeAdapter[Any]":
    config = pydantic.ConfigDict(coerce_numbers_to_str=True)
    return pydantic.TypeAdapter(kind, config=config)


def _meant(kind: Any, value: object) -> str:
    """Which of the values of a Literal is close to a wrong one? Empty if none is."""
    choices = get_args(kind) if get_origin(kind) is Literal else ()
    text = nearest(value, choices)
    return text.partition(" Known:")[0] if text.startswith("did you mean") else ""


def parse_keywords(cls: type[T], text: str, where: str) -> T:
    """Read `plateau,patience=3` as the dataclass `cls`.

    The first value may stand without its key, which is then that of the first field.
    Raises UserError naming `where` as `checked` does.
    """
    values = _keywords(cls, text, where)
    if "=" not in text.partition(",")[0]:
        name = fields(cls)[0].name
        value(type_hints(cls)[name], values[name], where)  # its mistake names no key
    return checked(cls, values, where)


def with_keyword(text: str, cls: type[Any], key: str, value: object) -> str:
    """Change or add one value in a text that `parse_keywords` reads as `cls`.

    The values are not checked; an empty text holds none.
    """
    values = _keywords(cls, text, key) if text else {}
    values[key] = ("no", "yes")[value] if isinstance(value, bool) else str(value)
    first = fields(cls)[0].name
    start = [values.pop(first)] if first in values else []
    return ",".join([*start, *(f"{key}={text}" for key, text in values.items())])


def _keywords(cls: type[Any], text: str, where: str) -> dict[str, str]:
    """The values of `plateau,patience=3` as texts, by their keys."""
    values = {}
    first, *others = (part.strip() for part in text.split(","))
    if "=" in first:
        others = [first, *others]
    else:
        values[fields(cls)[0].name] = first
    for part in others:
        key, equals, text = part.partition("=")
        if not equals:
            raise UserError(where, f"{part!r} is not KEY=VALUE")
        key = key.strip().replace("-", "_")
        if key in values:
            raise UserError(where, f"sets {key} twice")
        values[key] = text.strip()
    return values


def value(kind: Any, text: str, where: str) -> Any:
    """Read a text as one value of a type; UserError says what it must be.

    >>> value(int, "3", "--epochs")
    3
    """
    try:
        return _adapter(kind).validate_python(text)
    except pydantic.ValidationError as error:
        must = _must(error.errors()[0])
        raise UserError(where, f"is {text!r}, {must}", _meant(kind, text)) from None


def pairs(where: str, text: str) -> dict[str, str]:
    """Read `age=2,race=1.5`; a value alone is for all heads.

    Raises UserError, naming `where`, for a value of a head without a name.
    """
    pairs = {}
    for part in text.split(","):
        head, equals, value = part.rpartition("=")
        if equals and not head:
            raise UserError(where, f"{part!r} has no head", "write HEAD=VALUE")
        pairs[head.strip() or "all"] = value.strip()
    return pairs


def per_head(name: str, value: Any) -> Any:
    """The values of a setting by head: of a mapping, a text, or one number for all.

    >>> per_head("loss_weights", 2), per_head("loss_weights", "age=2")
    ({'all': 2}, {'age': '2'})
    """
    if isinstance(value, str):
        return pairs(name, value)
    return {"all": value} if isinstance(value, Real) else value


def of_head(values: Mapping[str, V], head: str, default: V) -> V:
    """The value of a setting for a head: its own, or that for `all`, or the default.

    >>> of_head({"all": 2, "age": 3}, "age", 1), of_head({"all": 2}, "gender", 1)
    (3, 2)
    """
    return values.get(head, values.get("all", default))


def option(name: str) -> str:
    """How a setting is called on the command line.

    >>> option("image_size")
    '--image-size'
    """
    return "--" + name.replace("_", "-")


def as_key(error: str) -> str:
    """An error that begins with an option, with the key of a file in its place.

    >>> as_key("--batch-size: is 0, must be 1 or more")
    'batch_size is 0, must be 1 or more'
    """
    match = re.fullmatch(r"--([a-z0-9-]+)((?:\.\w+)?): (.*)", error)
    if not match:
        return error
    name, part, what = match.groups()
    colon = "" if what.startswith(("is ", "has ", "needs ", "can't ")) else ":"
    return f"{name.replace('-', '_')}{part}{colon} {what}"


_MUST = {  # in words that are not Python's
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_parsing": "a number",
    "float_type": "a number",
    "bool_parsing": "yes or no",
    "string_type": "a text in quotes",
    "tuple_type": 'a list, such as ["age", "gender"]',
    "dict_type": "a table, such as {age = 2, race = 1.5}",
    "path_type": "a path",
}


def _must(error: Any) -> str:
    if error["type"] in _MUST:
        return f"must be {_MUST[error['type']]}"
    message = str(error["msg"]).removeprefix("Input should be ")
    return message if message.startswith("Value error") else f"must be {message}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
