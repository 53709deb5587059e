"""What does a network predict, in a few lines or in a table?"""

from html import escape

import pandas as pd

from multitask.contracts.head import Head
from multitask.networks.spec import NetworkSpec

_LISTED = 8  # classes or labels of a head


def text(spec: NetworkSpec, parameters: int) -> str:
    """The network in one line, and one per head."""
    lines = [f"  {head.name}: {_answer(head)}" for head in spec.heads]
    return "\n".join([_title(spec, parameters), *lines])


def html(spec: NetworkSpec, parameters: int) -> str:
    """The same as HTML for a notebook."""
    rows = [(head.name, _answer(head)) for head in spec.heads]
    table = pd.DataFrame(rows, columns=["head", "predicts"])
    heading = escape(_title(spec, parameters))
    return f"<p>{heading}</p>\n{table.to_html(index=False, border=0)}"


def _title(spec: NetworkSpec, parameters: int) -> str:
    side = f"{spec.size} x {spec.size} pixels"
    return f"network with the trunk {spec.trunk}, {side}, {parameters:,} parameters"


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
