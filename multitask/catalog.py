"""Which heads does `--heads age,gender:sigmoid,attributes[Smiling]` ask for?"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import fields
from importlib.resources import files
from typing import Any

from multitask import plugins
from multitask.errors import UserError, nearest
from multitask.head import Head, from_config

Config = Mapping[str, Any]
_ASKED = re.compile(r"(?P<name>\w+)(:(?P<kind>\w+))?(\[(?P<columns>[^\[\]]*)\])?")


def named() -> dict[str, dict[str, Any]]:
    """The settings of every named head of `heads/catalog.toml`, by name.

    >>> named()["gender"]["classes"]
    ['male', 'female']
    """
    return dict(_catalog()["head"])


def groups() -> dict[str, list[str]]:
    """The groups of heads that one name asks for together."""
    return dict(_catalog()["groups"])


def _catalog() -> dict[str, Any]:
    text = (files("multitask.heads") / "catalog.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def split(text: str) -> tuple[str, ...]:
    """Split what was asked for at the commas outside brackets.

    >>> split("age, attributes[Smiling,Young]")
    ('age', 'attributes[Smiling,Young]')
    """
    parts = re.split(r",(?![^\[]*\])", text)
    return tuple(part.strip() for part in parts if part.strip())


def heads(
    asked: Iterable[str], declared: Mapping[str, Config] | None = None
) -> tuple[Head, ...]:
    """Make the heads asked for: names, groups, `NAME:KIND`, `NAME[COLUMN,...]`.

    `declared` heads (of a recipe) stand beside the named ones and win over them. Each
    head is made once, in the order asked. Raises UserError for an unknown name, kind
    or column.

    >>> [head.name for head in heads(["utkface", "gender"])]
    ['age', 'gender', 'race']
    """
    known = named() | {name: dict(config) for name, config in (declared or {}).items()}
    made: dict[str, Head] = {}
    for text in asked:
        for name in groups().get(text, [text]):
            head = _head(name, known)
            made.setdefault(head.name, head)
    if not made:
        raise UserError("--heads", "names no head", nearest("", [*known, *groups()]))
    return tuple(made.values())


def _head(text: str, known: Mapping[str, Config]) -> Head:
    match = _ASKED.fullmatch(text)
    if not match:
        raise UserError("--heads", f"{text!r} is not NAME, NAME:KIND or NAME[A,B]")
    name = match["name"]
    if name not in known:
        raise UserError(
            "--heads", f"no head {name!r}", nearest(name, [*known, *groups()])
        )
    config = dict(known[name])
    if match["kind"]:
        config = _as_kind(config, match["kind"])
    if match["columns"] is not None:
        config["columns"] = _part(name, config, match["columns"])
    return from_config(name, config)


def _as_kind(config: Config, kind: str) -> dict[str, Any]:
    """The same question under another kind keeps what that kind has a field for."""
    kept = {field.name for field in fields(plugins.kind(kind))}
    return {k: v for k, v in config.items() if k in kept} | {"kind": kind}


def _part(name: str, config: Config, columns: str) -> list[str]:
    known = config.get("columns", [name])
    asked = [column.strip() for column in columns.split(",") if column.strip()]
    for column in asked:
        if column not in known:
            raise UserError(
                f"--heads {name}", f"has no label {column!r}", nearest(column, known)
            )
    if not asked:
        raise UserError(f"--heads {name}[]", "names no label", nearest("", known))
    return asked
