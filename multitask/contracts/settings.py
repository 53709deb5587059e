"""How do values from a file or the command line become checked settings?"""

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar, get_type_hints

import pydantic

from multitask.contracts.errors import UserError, nearest

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")
_NUMBERS = {int: "a whole number", float: "a number"}


def checked(cls: type[T], values: Mapping[str, Any], where: str) -> T:
    """Build the dataclass `cls` from loose values, checking each key and type.

    Raises UserError naming `where` (by default an option of the command line), the key,
    what it is and what it must be.
    """
    known = [field.name for field in fields(cls)]
    for key in values:
        if key not in known:
            raise UserError(where, f"has no key {key!r}", nearest(key, known))
    kinds = get_type_hints(cls)
    for key, given in values.items():
        if kinds[key] in _NUMBERS and isinstance(given, bool):  # 1 or 0 to Python
            what = f"is {given}, must be {_NUMBERS[kinds[key]]}"
            raise UserError(where or option(key), f"{key} {what}" if where else what)
    try:
        return pydantic.TypeAdapter(cls).validate_python(dict(values))
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "the settings"
        if first["type"] == "missing":
            raise UserError(where, f"has no {key}, must have it") from None
        what = f"is {_short(first['input'])}, {_must(first)}"
        if not where:
            raise UserError(option(key), what) from None
        raise UserError(where, f"{key} {what}") from None


def value(kind: Any, text: str, where: str) -> Any:
    """Read a text as one value of a type; UserError says what it must be.

    >>> value(int, "3", "--epochs")
    3
    """
    try:
        return pydantic.TypeAdapter(kind).validate_python(text)
    except pydantic.ValidationError as error:
        what = f"is {text!r}, {_must(error.errors()[0])}"
        raise UserError(where, what) from None


def option(name: str) -> str:
    """How a setting is called on the command line.

    >>> option("image_size")
    '--image-size'
    """
    return "--" + name.replace("_", "-")


_MUST = {  # in words that are not Python's
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_parsing": "a number",
    "float_type": "a number",
    "bool_parsing": "yes or no",
    "string_type": "a text in quotes",
    "tuple_type": 'a list, such as ["age", "gender"]',
}


def _must(error: Any) -> str:
    if error["type"] in _MUST:
        return f"must be {_MUST[error['type']]}"
    message = str(error["msg"]).removeprefix("Input should be ")
    return message if message.startswith("Value error") else f"must be {message}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
