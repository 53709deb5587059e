"""How does a head's table of answers become arrays to measure?"""

import pandas as pd

from multitask.contracts.head import Head
from multitask.metrics.kinds.class_rows import ClassRows
from multitask.metrics.kinds.label_rows import LabelRows
from multitask.metrics.kinds.number_rows import NumberRows
from multitask.metrics.kinds.rows import HeadRows


def head_rows(head: Head, labels: pd.DataFrame, answers: pd.DataFrame) -> HeadRows:
    """The labels and answers of a head as arrays, by the type of its answers."""
    if head.answer_type == "class":
        return ClassRows(head, labels, answers)
    if head.answer_type == "labels":
        return LabelRows(head, labels, answers)
    return NumberRows(head, labels, answers)
