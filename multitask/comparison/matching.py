"""Which heads of several networks answer the same question?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from multitask.contracts.errors import UserError, counted
from multitask.contracts.head import Head

_TYPES = {"class": "a class", "labels": "yes/no labels", "number": "a number"}


@dataclass(frozen=True, kw_only=True)
class Match:
    """A question that several networks answer, each with its own head.

    `columns` are the label columns that all of these heads have.
    """

    name: str
    heads: Mapping[str, Head]  # by network
    columns: tuple[str, ...]

    @property
    def head(self) -> Head:
        """The head of the first network, for what is the same in all."""
        return next(iter(self.heads.values()))


def matched_heads(
    heads: Mapping[str, Sequence[Head]],
) -> tuple[tuple[Match, ...], tuple[str, ...]]:
    """The heads of networks with the same name and question, and notes on the others.

    `heads` are those of each network by its name. Raises UserError if no question is
    answered by two networks or more.
    """
    by_name: dict[str, dict[str, Head]] = {}
    for network, of_network in heads.items():
        for head in of_network:
            by_name.setdefault(head.name, {})[network] = head
    matches, notes = [], []
    alone: dict[str, list[str]] = {}
    for name, by_network in by_name.items():
        if len(by_network) == 1:
            alone.setdefault(next(iter(by_network)), []).append(name)
            continue
        other = _other_question(name, by_network)
        if other:
            notes.append(f"{other}: not compared.")
            continue
        match = Match(name=name, heads=by_network, columns=_common(by_network))
        matches.append(match)
        notes += _differences(match)
    for network, names in alone.items():
        notes.append(f"Only {network} answers {', '.join(names)}: not compared.")
    if not matches:
        answered = (
            f"{network} answers {', '.join(head.name for head in of_network)}"
            for network, of_network in heads.items()
        )
        raise UserError(
            " and ".join(heads),
            f"have no head that can be compared: {'; '.join([*answered, *notes])}",
            "give networks with a head of the same name",
        )
    return tuple(matches), tuple(notes)


def _other_question(name: str, heads: Mapping[str, Head]) -> str:
    """Why heads of one name can't be compared; empty if they can."""
    types = {network: _TYPES[head.answer_type] for network, head in heads.items()}
    units = {network: head.unit or "no unit" for network, head in heads.items()}
    columns = {network: ", ".join(head.columns) for network, head in heads.items()}
    is_listed = "labels" in {head.answer_type for head in heads.values()}
    for what, values in (
        ("another kind of answer", types),
        ("another unit", units),
        ("another column", {} if is_listed else columns),
    ):
        if len(set(values.values())) > 1:
            each = (f"{value} in {network}" for network, value in values.items())
            return f"{name} has {what} in each network ({', '.join(each)})"
    return "" if _common(heads) else f"{name} has no label that all networks answer"


def _common(heads: Mapping[str, Head]) -> tuple[str, ...]:
    """The columns that all heads have, in the order of the first."""
    first, *others = heads.values()
    return tuple(
        column
        for column in first.columns
        if all(column in other.columns for other in others)
    )


def _differences(match: Match) -> list[str]:
    """What must be told of heads that can be compared, but differ."""
    notes = []
    columns = {c for head in match.heads.values() for c in head.columns}
    left_out = len(columns) - len(match.columns)
    if left_out:
        notes.append(
            f"{match.name}: {counted(left_out, 'label')} that not every network "
            "answers left out."
        )
    classes = {network: set(head.classes) for network, head in match.heads.items()}
    known = set.intersection(*classes.values())
    others = {
        network: [c for c in match.heads[network].classes if c not in known]
        for network in classes
    }
    if any(others.values()):
        each = (
            f"{', '.join(names)} ({network})"
            for network, names in others.items()
            if names
        )
        notes.append(
            f"{match.name} has other classes in each network: pictures with a label "
            f"that not all of them know are left out, {' and '.join(each)}."
        )
    return notes
