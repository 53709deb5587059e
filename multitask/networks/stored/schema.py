"""What must the text hold by which a network file describes its network?"""

import json
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

import pydantic
from pydantic import Field

from multitask.contracts.errors import UserError
from multitask.contracts.version import VERSION
from multitask.networks.stored import members

FORMAT = 3  # of multitask.json; a file of a later one needs a later multitask
_MOST_SIDE, _MOST_HEADS = 8192, 1000
_Line = Annotated[str, Field(max_length=10_000)]
_Lines = Annotated[list[_Line], Field(max_length=1000)]
_Number = Annotated[float, Field(allow_inf_nan=False)]
_Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class _Stored(pydantic.BaseModel):
    """A part of the text: every key is known, and no value is of another type."""

    model_config = pydantic.ConfigDict(extra="forbid", strict=True, frozen=True)


class StoredFraming(_Stored):
    """How faces lay in the training pictures, as a `Framing`."""

    x: _Number
    y: _Number
    distance: _Positive
    aspect: _Positive = 1.0
    pictures: int = Field(default=0, ge=0)


class StoredHead(_Stored):
    """What every head has; `Head` checks the settings of its kind."""

    model_config = pydantic.ConfigDict(extra="allow")

    name: str = Field(min_length=1, max_length=1000)
    kind: str = Field(min_length=1, max_length=1000)
    classes: list[str] = Field(default_factory=list)


class StoredSpec(_Stored):
    """The text `multitask.json`, also of earlier versions, which lack some keys."""

    format: int = Field(ge=1, le=FORMAT)
    multitask: str = Field(max_length=100)
    weights_sha256: str = Field(default="", pattern="^([0-9a-f]{64})?$")
    trunk: str = Field(min_length=1, max_length=200)
    size: int = Field(ge=1, le=_MOST_SIDE)
    crop: float = Field(default=1.0, ge=0.1, le=1)
    pooling: Literal["average", "max", "flatten"] = "average"
    features: int = Field(default=0, ge=0, le=2**20)
    features_l2: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    features_norm: bool = False
    looks: Literal[1, 2, 4, 16] | None = None
    mirror: bool = False  # before `looks`
    heads: list[StoredHead] = Field(min_length=1, max_length=_MOST_HEADS)
    notes: _Lines
    leaks: _Lines = Field(default_factory=list)
    box: Literal["", "xywh"] = ""
    framing: StoredFraming | None = None
    recipe: dict[str, Any]

    @pydantic.field_validator("heads")
    @classmethod
    def _check_names(cls, heads: list[StoredHead]) -> list[StoredHead]:
        if len({head.name for head in heads}) < len(heads):
            raise ValueError("two have the same name")
        return heads


def read(path: Path) -> StoredSpec:
    """The spec of a network file, all of whose members are whole.

    Raises UserError if the file is damaged, or not one of this package.
    """
    content = members.read(path)
    if content.spec is None:
        raise UserError(
            path,
            "is not a network of multitask: it does not describe its heads",
            "if Keras wrote it, open it with keras.models.load_model",
        )
    spec = parse(content.spec, path)
    if spec.weights_sha256 not in ("", content.weights):
        raise UserError(
            path,
            f"is damaged in its member {members.WEIGHTS_MEMBER}: its checksum is not "
            f"the one that {members.SPEC_MEMBER} says",
            "copy it again",
        )
    return spec


def parse(text: bytes, path: Path) -> StoredSpec:
    """Check the text of a spec; UserError, naming the file, says what is wrong."""
    try:
        values = json.loads(text, parse_float=_finite, parse_constant=_not_finite)
    except (ValueError, RecursionError) as error:
        raise damaged(path, _reason(error)) from None
    if not isinstance(values, dict):
        raise damaged(path, "it is no table")
    version = values.get("format")
    if isinstance(version, int) and version > FORMAT:
        raise UserError(
            path,
            f"was written by multitask {values.get('multitask')}, this is {VERSION}",
            "update multitask",
        )
    try:
        return StoredSpec.model_validate(values)
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        message = first["msg"].removeprefix("Value error, ")
        raise damaged(path, f"{where}: {message}") from None


def damaged(path: Path, what: str) -> UserError:
    """The error of a text that is not a network's."""
    return UserError(
        path,
        f"is damaged in its member {members.SPEC_MEMBER} ({what})",
        "train or copy it again",
    )


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.start + 1:,} is not UTF-8"
    return str(error)


def _finite(text: str) -> float:
    number = float(text)
    if abs(number) == float("inf"):
        raise ValueError(f"{text[:20]} is too large")
    return number


def _not_finite(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")
