"""What does a data set's own spelling of a label mean?"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from multitask.errors import nearest


def translate(
    labels: "pd.Series[Any]", meanings: Mapping[str, object]
) -> "tuple[pd.Series[Any], pd.Series[str]]":
    """Turn labels (rows,) from a publisher's spelling into that of the heads.

    `meanings` is the mapping that a reader declares: spelling to label, or to NaN where
    a spelling says that nobody annotated it. Case and blanks around do not count.

    Returns the labels, empty where a cell was empty, blank or not known; and for the
    cells that are not known (only these, by their index) a reason that names the
    nearest spelling.

    >>> said, reasons = translate(pd.Series([" MALE", "Femal", None]), {"male": "m"})
    >>> said.tolist()
    ['m', nan, nan]
    >>> reasons.tolist()
    ["is 'Femal', left empty; did you mean 'male'? Known: male"]
    """
    known = {_key(spelling): label for spelling, label in meanings.items()}
    distinct = labels.dropna().unique()
    said = {label: known.get(_key(label), np.nan) for label in distinct}
    unknown = {
        label: f"is {str(label)!r}, left empty; {nearest(label, meanings)}"
        for label in distinct
        if _key(label) and _key(label) not in known
    }
    reasons = labels[labels.isin(list(unknown))].map(unknown)
    return labels.map(said), reasons


def _key(spelling: object) -> str:
    return str(spelling).strip().casefold()
