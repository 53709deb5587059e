"""What does a network predict, in a few lines or in a table?"""

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

import pandas as pd

from multitask.contracts.head import Head
from multitask.networks.spec import NetworkSpec

_LISTED = 8  # classes or labels of a head


@dataclass(frozen=True, kw_only=True)
class Card:
    """What the card beside a network says of it, as far as there is one."""

    licence: str = ""
    datasets: tuple[str, ...] = ()


def text(spec: NetworkSpec, parameters: int, card: Card = Card()) -> str:
    """The network in one line, one per head, and what else is known of it."""
    lines = [f"  {head.name}: {_answer(head)}" for head in spec.heads]
    about = [f"{name}: {value}" for name, value in _about(spec, card)]
    return "\n".join([_title(spec, parameters), *lines, *about])


def html(spec: NetworkSpec, parameters: int, card: Card = Card()) -> str:
    """The same as HTML for a notebook."""
    rows = [(head.name, _answer(head)) for head in spec.heads]
    table = pd.DataFrame(rows, columns=["head", "predicts"])
    heading = escape(_title(spec, parameters))
    about = "".join(
        f"<p>{escape(name)}: {escape(value)}</p>\n"
        for name, value in _about(spec, card)
    )
    with pd.option_context("display.max_colwidth", None):
        return f"<p>{heading}</p>\n{table.to_html(index=False, border=0)}\n{about}"


def _title(spec: NetworkSpec, parameters: int) -> str:
    side = f"{spec.size} x {spec.size} pixels"
    return f"network with the trunk {spec.trunk}, {side}, {parameters:,} parameters"


def _about(spec: NetworkSpec, card: Card) -> Iterator[tuple[str, str]]:
    """What a user should know beside the answers, each with its name."""
    data = [str(each).partition("=")[0] for each in spec.recipe.get("data", ())]
    if names := data or card.datasets:
        yield "trained on", ", ".join(names)
    if spec.framing is None:
        yield "looks at", "whole pictures, or boxes"
    else:
        count = spec.framing.pictures
        measured = f" (measured on {count:,} of them)" if count else ""
        yield "looks at", f"each face, cut out as in the training pictures{measured}"
    if card.licence:
        yield "licence", card.licence
    for note in spec.notes:
        yield "note", note


def _answer(head: Head) -> str:
    if head.answer_type == "number":
        return f"a number, in {head.unit}" if head.unit else "a number"
    is_class = head.answer_type == "class"
    names = head.classes if is_class or head.classes else head.columns
    if not is_class and len(head.columns) == 1:
        return " or ".join(names) if head.classes else "yes or no"
    more = len(names) - _LISTED
    listed = ", ".join(names[:_LISTED]) + f" and {more} more" * (more > 0)
    return f"one of {listed}" if is_class else f"yes or no for each of {listed}"
