"""Which networks does a design train, and how are a merged network's answers read?

`single` trains a network a head, `multi` one network with all heads, and `merged` joins
heads into one softmax over the combinations that occur, as those do who want fewer
networks than questions.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from multitask.contracts.catalog import from_config, to_config
from multitask.contracts.errors import UserError, nearest
from multitask.contracts.head import Array, Head
from multitask.contracts.table import as_text, column

_JOIN = "+"


@dataclass(frozen=True, kw_only=True)
class Merged:
    """Heads of one class each, answered by one head of their combinations.

    `head` has a class for each of the `combinations` that occur; its label column is
    `name`.
    """

    parts: tuple[Head, ...]
    combinations: tuple[tuple[str, ...], ...]
    head: Head

    @property
    def name(self) -> str:
        """How the merge was asked for, such as `age_group+gender`."""
        return _JOIN.join(part.name for part in self.parts)

    def outputs(self, said: Array) -> dict[str, Array]:
        """What probabilities of combinations (rows, combinations) say of each part.

        A class is as likely as all combinations with it are together.
        """
        found: dict[str, Array] = {}
        for place, part in enumerate(self.parts):
            classes_of = [each[place] for each in self.combinations]
            holds = [[one == name for one in classes_of] for name in classes(part)]
            outputs = said @ np.array(holds, float).T
            found[part.name] = part.from_probabilities(outputs)
        return found


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One network of a design: the heads that it trains, and a merge that one is.

    Its `name`, that of its folder, is different for all networks of all designs.
    """

    name: str
    heads: tuple[Head, ...]
    merged: Merged | None = None


def plans(
    design: str, heads: Sequence[Head], merges: Sequence[Merged]
) -> tuple[Plan, ...]:
    """The networks that a design trains for all heads."""
    if design == "multi":
        name = f"{len(heads)}-heads" if len(heads) > 1 else heads[0].name
        return (Plan(name=name, heads=tuple(heads)),)
    single = {head.name: Plan(name=head.name, heads=(head,)) for head in heads}
    if design == "single":
        return tuple(single.values())
    together = {part.name for merge in merges for part in merge.parts}
    return (
        *(Plan(name=m.name, heads=(m.head,), merged=m) for m in merges),
        *(plan for name, plan in single.items() if name not in together),
    )


def merge(text: str, heads: Sequence[Head], table: pd.DataFrame) -> Merged:
    """Make `age_group+gender` of heads, over the combinations that training holds.

    It has the largest label smoothing of its parts and their mean loss weight, and is
    balanced if one of them is.

    `table` has a `split`. Raises UserError for a head that is none, has not one class
    a picture, or is merged with itself; and if no two combinations are labelled.
    """
    known = {head.name: head for head in heads}
    names = text.split(_JOIN)
    for name in names:
        if name not in known:
            raise UserError("--merge", f"no head {name!r}", nearest(name, known))
        if not classes(known[name]):
            raise UserError(
                "--merge",
                f"head {name} answers with a {known[name].answer_type}, must have one "
                "class per picture",
            )
    if len(set(names)) < max(2, len(names)):
        raise UserError("--merge", f"is {text!r}, must be two or more heads: A+B")
    parts = tuple(known[name] for name in names)
    labels = combination_labels(parts, table[table["split"] == "train"])
    found = set(labels.dropna())
    if len(found) < 2:
        raise UserError(
            f"--merge {text}",
            f"{len(found)} combinations are labelled in training, must be two or more",
            "the heads are never labelled together" if not found else "",
        )
    # In the order of the parts' classes. What occurs, occurs in mirrored pictures too.
    every = list(product(*map(classes, parts)))
    mirror = {each: _mirrored(parts, each) for each in every}
    occur = tuple(e for e in every if found & {_JOIN.join(e), _JOIN.join(mirror[e])})
    config = {
        "kind": "softmax",
        "columns": [text],
        "classes": [_JOIN.join(each) for each in occur],
        "mirror": [
            [_JOIN.join(each), _JOIN.join(mirror[each])]
            for each in occur
            if each < mirror[each]
        ],
    }
    # Trained as its parts are, or it would be the training that is compared.
    smoothing = max(part.label_smoothing for part in parts)
    balanced = any(part.class_weights == "balanced" for part in parts)
    head = replace(
        from_config("_and_".join(names), config | {"label_smoothing": smoothing}),
        loss_weight=float(np.mean([part.loss_weight for part in parts])),
        class_weights="balanced" if balanced else "none",
    )
    return Merged(parts=parts, combinations=occur, head=head)


def _mirrored(parts: Sequence[Head], each: Sequence[str]) -> tuple[str, ...]:
    """The combination that one looks like in a mirror."""
    pairs = [dict(part.mirror) for part in parts]
    swaps = [pair | {b: a for a, b in pair.items()} for pair in pairs]
    return tuple(swap.get(name, name) for swap, name in zip(swaps, each, strict=True))


def combination_labels(parts: Sequence[Head], table: pd.DataFrame) -> "pd.Series[Any]":
    """The combination that each row is labelled with, empty if one label is."""
    columns = [as_text(column(table, part.columns[0])) for part in parts]
    together = pd.concat(columns, axis=1)
    whole = together.notna().all(axis=1)
    found = together[whole].agg(_JOIN.join, axis=1) if whole.any() else None
    return pd.Series(found, index=table.index, dtype=object)


def with_merged(table: pd.DataFrame, merges: Sequence[Merged]) -> pd.DataFrame:
    """The table with a column a merge; combinations that training lacks are empty."""
    for each in merges:
        labels = combination_labels(each.parts, table)
        table = table.assign(
            **{each.name: labels.where(labels.isin(classes(each.head)))}
        )
    return table


def classes(head: Head) -> tuple[str, ...]:
    """The classes of a head that has one a picture; none of another."""
    return (
        tuple(to_config(head).get("classes", ())) if head.answer_type == "class" else ()
    )
