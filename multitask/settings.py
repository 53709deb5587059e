"""How do values from a file or the command line become checked settings?"""

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

import pydantic

from multitask.errors import UserError, nearest

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")


def make(cls: type[T], values: Mapping[str, Any], where: str) -> T:
    """Build the dataclass `cls` from loose values, checking each key and type.

    Raises UserError naming `where`, the key, what it is and what it must be.
    """
    known = [field.name for field in fields(cls)]
    for key in values:
        if key not in known:
            raise UserError(where, f"has no key {key!r}", nearest(key, known))
    try:
        return pydantic.TypeAdapter(cls).validate_python(dict(values))
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "the settings"
        if first["type"] == "missing":
            raise UserError(where, f"has no {key}, must have it") from None
        raise UserError(
            where, f"{key} is {_short(first['input'])}, {_must(first)}"
        ) from None


def _must(error: Any) -> str:
    message = str(error["msg"]).removeprefix("Input should be ")
    return message if message.startswith("Value error") else f"must be {message}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
