"""What does a network predict, in a few lines or in a table?"""

import pandas as pd

from multitask.contracts.head import Head
from multitask.networks.spec import NetworkSpec

_LISTED = 8  # classes or labels of a head


def title(spec: NetworkSpec, parameters: int) -> str:
    """The network in one line."""
    side = f"{spec.size} x {spec.size} pixels"
    return f"network of the trunk {spec.trunk}, {side}, {parameters:,} parameters"


def answers(spec: NetworkSpec) -> pd.DataFrame:
    """What each head answers (heads, `head` and `predicts`)."""
    rows = [(head.name, _answer(head)) for head in spec.heads]
    return pd.DataFrame(rows, columns=["head", "predicts"])


def _answer(head: Head) -> str:
    if head.answer_type == "number":
        return f"a number, in {head.unit}" if head.unit else "a number"
    is_class = head.answer_type == "class"
    names = head.classes if is_class else head.columns
    more = len(names) - _LISTED
    listed = ", ".join(names[:_LISTED]) + f" and {more} more" * (more > 0)
    return f"one of {listed}" if is_class else f"yes or no for {listed}"
