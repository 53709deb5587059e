"""Which heads do the names in `--heads age,gender:sigmoid,attributes[Smiling]` mean?"""

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import asdict, fields
from functools import cache
from importlib.resources import files
from typing import Any

import pandas as pd

from multitask.contracts import plugins
from multitask.contracts.errors import UserError, close_name, nearest
from multitask.contracts.head import Head, Heads
from multitask.contracts.recipe_texts import split_names
from multitask.contracts.settings import checked
from multitask.contracts.table import NO_LABELS

Config = Mapping[str, Any]
# Names of layers beside the heads in the saved model or in its core.
_RESERVED = ("image", "preprocessing", "core", "pixels", "trunk")
_ALIKE = 0.65  # of a name and a label: `smile` is near `Smiling`
_ASKED = re.compile(r"(?P<name>\w+)(:(?P<kind>\w+))?(\[(?P<columns>[^\[\]]*)\])?")


def named() -> dict[str, dict[str, Any]]:
    """The settings of every named head of `heads/catalog.toml`, by name.

    >>> named()["gender"]["classes"]
    ['male', 'female']
    """
    return deepcopy(_catalog()["head"])


def groups() -> dict[str, list[str]]:
    """The groups of heads that one name asks for together."""
    return deepcopy(_catalog()["groups"])


@cache
def _catalog() -> dict[str, Any]:
    text = (files("multitask.heads") / "catalog.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def heads(
    names: Iterable[str | Head], declared: Mapping[str, Config] | None = None
) -> tuple[Head, ...]:
    """Make the heads of these names: also of groups, `NAME:KIND`, `NAME[COLUMN,...]`.

    `declared` heads (of a recipe) stand beside the named ones and win over them. Each
    head is made once, in the order of the names; one that is an object already stays
    as it is. Raises UserError for an unknown name, kind or column.

    >>> [head.name for head in heads(["utkface", "gender"])]
    ['age', 'gender', 'race']
    """
    known = named() | {name: dict(config) for name, config in (declared or {}).items()}
    by_name: dict[str, Head] = {}
    explicit: dict[str, str | Head] = {}
    for text in names:
        if isinstance(text, str) and text in groups() and text not in known:
            for name in groups()[text]:
                by_name.setdefault(name, _head(name, known))
            continue
        head = _head(text, known) if isinstance(text, str) else text
        if explicit.setdefault(head.name, text) != text:
            raise UserError(
                "--heads",
                f"gives both {explicit[head.name]!r} and {text!r}",
                "name each head once",
            )
        by_name[head.name] = head
    if not by_name:
        raise UserError("--heads", "no head given", nearest("", [*known, *groups()]))
    _check_columns(by_name.values())
    return tuple(by_name.values())


def heads_listed(heads: Heads) -> list[str | Head]:
    """Names and heads as a list, from a text with commas, one head or several.

    Raises UserError for what is neither.

    >>> heads_listed("age, gender:sigmoid")
    ['age', 'gender:sigmoid']
    """
    if isinstance(heads, str):
        return list(split_names(heads))
    if isinstance(heads, Mapping):  # which would pass as a list of its keys
        names = [f"{n}:{k}" if isinstance(k, str) else f"{n}" for n, k in heads.items()]
        todo = f"write {json.dumps(names)}; pictures and labels are the argument data"
        raise UserError("heads", "is a mapping, must be a list", todo)
    listed: list[str | Head] = list(heads) if isinstance(heads, Iterable) else [heads]
    for head in listed:
        if not isinstance(head, str | Head):
            what = f"holds {head!r}, must hold names or heads"
            raise UserError("heads", what, 'write ["age", "gender"]')
    return listed


def labelled(
    table: pd.DataFrame, declared: Mapping[str, Config] | None = None
) -> tuple[str, ...]:
    """Names of the declared and the named heads that a table has any label for.

    >>> labelled(pd.DataFrame({"path": ["a.jpg"], "age_low": [20], "age_high": [29]}))
    ('age',)
    """
    own = heads([*declared], declared) if declared else ()
    own_columns = {column for head in own for column in head.columns}
    others = [h for h in heads([*named()]) if h.name not in (declared or {})]
    others = [h for h in others if not own_columns.intersection(h.columns)]
    return tuple(
        head.name
        for head in [*own, *others]
        if any(
            name in table and table[name].notna().any() for name in head.label_columns
        )
    )


def check_layer_names(heads: Iterable[Head]) -> None:
    """Raise UserError for a head named like a layer that every network has."""
    for head in heads:
        if head.name in _RESERVED:
            raise UserError(
                head.where, "is also the name of a layer", "give the head another name"
            )


def _check_columns(heads: Iterable[Head]) -> None:
    """Raise UserError if two heads read a column, by which answers are named."""
    readers = dict.fromkeys(NO_LABELS, "the table itself")
    for head in heads:
        for column in head.label_columns:
            if column in readers:
                raise UserError(
                    head.where,
                    f"reads column {column!r}, which {readers[column]} also reads",
                    "a column can belong to only one head",
                )
            readers[column] = head.where


def _head(text: str, known: Mapping[str, Config]) -> Head:
    match = _ASKED.fullmatch(text)
    if not match:
        raise UserError("--heads", f"{text!r} is not NAME, NAME:KIND or NAME[A,B]")
    name = match["name"]
    if name not in known:
        raise _unknown_head(name, known)
    config = dict(known[name])
    if match["kind"]:
        config = _as_kind(config, match["kind"])
    if match["columns"] is not None:
        config["columns"] = _part(name, config, match["columns"])
    return from_config(name, config)


def _unknown_head(name: str, known: Mapping[str, Config]) -> UserError:
    """The error of a head that is not among the `known` ones, nor one of the groups.

    A mistyped name gets the nearest one. Of any other, it says which head has a label
    of that name, if any, and which data a head of one's own needs.
    """
    todo = nearest(name, [*known, *groups()])
    if not todo.startswith("did you mean"):
        label = label_like(name, known)
        todo += f"; {label} is a label like it" if label else ""
        todo += "; a head of your own needs data that labels it: --data NAME=table:FILE"
        todo += f" with a column {name}, or --data {name}=folder:PATH"
    return UserError("--heads", f"unknown head {name!r}", todo)


def label_like(name: str, known: Mapping[str, Config]) -> str:
    """The label of a known head that is nearest to a name, as `--heads` takes it.

    >>> label_like("smile", {"attributes": {"columns": ["Smiling", "Young"]}})
    'attributes[Smiling]'
    """
    labels = {
        column: head
        for head, config in known.items()
        for column in config.get("columns", ())
        if column != head
    }
    near = close_name(name, labels, _ALIKE)
    return f"{labels[near]}[{near}]" if near else ""


def _as_kind(config: Config, kind: str) -> dict[str, Any]:
    """The config under another kind, without settings that this kind lacks."""
    supported = {field.name for field in fields(plugins.kind(kind, "--heads"))}
    if config.get("mirror") and "mirror" not in supported:
        raise UserError(
            "--heads",
            f"kind {kind!r} can't swap {' and '.join(config['mirror'][0])} in mirrored "
            "pictures",
            "keep the head's own kind",
        )
    ends = _ends(config) if {"low", "high"} <= supported else {}
    return ends | {k: v for k, v in config.items() if k in supported} | {"kind": kind}


def _ends(config: Config) -> dict[str, float]:
    """The range of classes that are numbers; nothing if there are others.

    >>> _ends({"classes": ["0", "1", "3"]})
    {'low': 0.0, 'high': 3.0}
    """
    try:
        numbers = [float(label) for label in config.get("classes", ())]
    except ValueError:
        return {}
    return {"low": min(numbers), "high": max(numbers)} if numbers else {}


def _part(name: str, config: Config, columns: str) -> list[str]:
    known = config.get("columns", [name])
    part = [column.strip() for column in columns.split(",") if column.strip()]
    for column in part:
        if column not in known:
            raise UserError(
                f"--heads {name}", f"has no label {column!r}", nearest(column, known)
            )
    if not part:
        raise UserError(f"--heads {name}[]", "no label given", nearest("", known))
    return part


def to_config(head: Head) -> dict[str, Any]:
    """The head as plain data; `from_config` makes it again.

    Raises UserError for a head whose kind is no plug-in.
    """
    return {"kind": plugins.kind_name(type(head)), **asdict(head)}


def from_config(name: str, config: Mapping[str, Any], where: str = "") -> Head:
    """Make a head from plain data: `kind` names its class, the rest are its fields.

    >>> from_config("genre", {"kind": "softmax", "classes": ["drama", "comedy"]}).name
    'genre'
    """
    where = where or f"head {name}"
    values = {**config, "name": name}
    if config.get("name", name) != name:
        raise UserError(
            where, f"has a name, {config['name']!r}, that differs", "leave it out"
        )
    if "kind" not in values:
        known = ", ".join(plugins.names("heads"))
        raise UserError(where, "has no kind", f"set kind to one of: {known}")
    cls = plugins.kind(str(values.pop("kind")), where)
    return checked(cls, values, where)


def readers() -> dict[str, str]:
    """The name of the named head that reads a column, by column."""
    return {
        column: name
        for name, config in _catalog()["head"].items()
        for column in config.get("columns", [name])
    }
