"""Which networks does a design train, and how are the answers of merged heads read?

`single` trains one network per head and `multi` one network with all heads. `merged`
joins heads into one softmax over the combinations that occur, as is done to need fewer
networks than questions.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from multitask.contracts.catalog import from_config
from multitask.contracts.errors import UserError, nearest
from multitask.contracts.head import Array, Head
from multitask.contracts.table import as_text, column

JOIN = "+"  # between the heads of a merge and between their classes
Combination = tuple[str, ...]  # one class of each part


@dataclass(frozen=True, kw_only=True)
class Merged:
    """Heads with one class per picture, answered by one head of their combinations.

    `head` has a class for each of the `combinations`; its label column is `name`.
    """

    parts: tuple[Head, ...]
    combinations: tuple[Combination, ...]
    head: Head

    @property
    def name(self) -> str:
        """The merge as the user writes it, such as `age_group+gender`."""
        return JOIN.join(part.name for part in self.parts)

    def part_outputs(self, probabilities: Array) -> dict[str, Array]:
        """The outputs (rows, ...) of each part, by its name.

        The probability of a class is the sum of the `probabilities` (rows,
        combinations) of all combinations with it.
        """
        outputs: dict[str, Array] = {}
        for place, part in enumerate(self.parts):
            classes = [combination[place] for combination in self.combinations]
            # (classes, combinations)
            belongs = [[name == each for each in classes] for name in part.classes]
            sums = probabilities @ np.array(belongs, float).T
            outputs[part.name] = part.from_probabilities(sums)
        return outputs


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One network of a design: its heads, and the merge if its only head is one.

    `name` is the end of its folder's name, another for each network of a comparison.
    """

    name: str
    heads: tuple[Head, ...]
    merged: Merged | None = None


def plans(
    design: str, heads: Sequence[Head], merges: Sequence[Merged]
) -> tuple[Plan, ...]:
    """The networks that a design trains to answer all heads."""
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
    """Merge the heads of a text such as `age_group+gender`.

    The merged head has a class for each combination in the training part of `table`,
    which has a `split`.

    Raises UserError for a head that is unknown, named twice or does not give each
    picture one class, and if fewer than two combinations are labelled.
    """
    parts = _parts(text, heads)
    labels = combination_labels(parts, table[table["split"] == "train"])
    labelled = set(labels.dropna())
    if len(labelled) < 2:
        raise UserError(
            f"--merge {text}",
            f"the training part has {len(labelled)} combinations of labels, and two "
            "are needed",
            "merge heads that are labelled in the same pictures",
        )
    # In the order of the parts' classes. Training mirrors pictures: a combination may
    # occur in the mirrored ones only.
    combinations = tuple(
        each
        for each in product(*(part.classes for part in parts))
        if labelled & {JOIN.join(each), JOIN.join(_mirrored(parts, each))}
    )
    head = _merged_head(text, parts, combinations)
    return Merged(parts=parts, combinations=combinations, head=head)


_GIVES = {"number": "a number", "labels": "several yes/no labels"}  # by answer type


def _parts(text: str, heads: Sequence[Head]) -> tuple[Head, ...]:
    """The heads that a merge names; UserError if they can't be merged."""
    known = {head.name: head for head in heads}
    names = text.split(JOIN)
    for name in names:
        if name not in known:
            raise UserError("--merge", f"unknown head {name!r}", nearest(name, known))
        if not known[name].classes:
            raise UserError(
                "--merge",
                f"head {name} gives {_GIVES[known[name].answer_type]}",
                "name heads that give one class per picture",
            )
    if len(set(names)) < max(2, len(names)):
        raise UserError("--merge", f"is {text!r}", "give two or more heads: A+B")
    return tuple(known[name] for name in names)


def _merged_head(
    name: str, parts: Sequence[Head], combinations: Sequence[Combination]
) -> Head:
    """The head over combinations, trained as its parts are.

    Otherwise the training would be compared, not the design: it has the largest label
    smoothing of its parts and their mean loss weight, and is balanced if one of them
    is.
    """
    mirrored = {each: _mirrored(parts, each) for each in combinations}
    config = {
        "kind": "softmax",
        "columns": [name],
        "classes": [JOIN.join(each) for each in combinations],
        "mirror": [
            [JOIN.join(one), JOIN.join(other)]
            for one, other in mirrored.items()
            if one < other
        ],
        "label_smoothing": max(part.label_smoothing for part in parts),
    }
    balanced = any(part.class_weights == "balanced" for part in parts)
    return replace(
        from_config("_and_".join(part.name for part in parts), config),
        loss_weight=float(np.mean([part.loss_weight for part in parts])),
        class_weights="balanced" if balanced else "none",
    )


def _mirrored(parts: Sequence[Head], combination: Combination) -> Combination:
    """The combination that a mirrored picture shows."""
    classes = []
    for part, name in zip(parts, combination, strict=True):
        swapped = dict(part.mirror) | {b: a for a, b in part.mirror}
        classes.append(swapped.get(name, name))
    return tuple(classes)


def combination_labels(parts: Sequence[Head], table: pd.DataFrame) -> "pd.Series[Any]":
    """The combination of each row's labels, empty where a label is."""
    columns = [as_text(column(table, part.columns[0])) for part in parts]
    labels = pd.concat(columns, axis=1)
    whole = labels.notna().all(axis=1)
    joined = labels[whole].agg(JOIN.join, axis=1) if whole.any() else None
    return pd.Series(joined, index=table.index, dtype=object)


def with_merged(table: pd.DataFrame, merges: Sequence[Merged]) -> pd.DataFrame:
    """The table with a column per merge, empty for combinations that training lacks."""
    for each in merges:
        labels = combination_labels(each.parts, table)
        known = labels.where(labels.isin(each.head.classes))
        table = table.assign(**{each.name: known})
    return table
