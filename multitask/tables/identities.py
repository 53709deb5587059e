"""Which names in the column `identity` mean one person?"""

from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from multitask.contracts.errors import counted
from multitask.contracts.table import faces


def same_persons(table: pd.DataFrame) -> dict[Any, Any]:
    """The name to use for each identity that has another one, by that identity.

    Two identities are one person if rows of one face say both, and so are all that are
    linked in this way. The name to use is the first one in the table.

    >>> paths = ["a.jpg", "a.jpg", "b.jpg", "b.jpg", "c.jpg"]
    >>> names = ["ann", "7", "7", "bob", "cem"]
    >>> same_persons(pd.DataFrame({"path": paths, "identity": names}))
    {'7': 'ann', 'bob': 'ann'}
    """
    if "identity" not in table:
        return {}
    known = table[table["identity"].notna()]
    persons, names = pd.factorize(known["identity"].astype(object))
    shown, _ = pd.factorize(faces(known))
    # Links between persons, numbered from 0 on, and faces, numbered after them.
    size = len(names) + len(known)
    links = coo_matrix(
        (np.ones(len(known)), (persons, shown + len(names))), (size, size)
    )
    groups = connected_components(links, directed=False)[1][: len(names)]
    first = pd.Series(names, dtype=object).groupby(groups).transform("first")
    return {name: one for name, one in zip(names, first, strict=True) if name != one}


def renamed(identities: "pd.Series[Any]", persons: dict[Any, Any]) -> "pd.Series[Any]":
    """Identities (rows,) with the names of `same_persons`."""
    if not persons:
        return identities
    return identities.astype(object).map(
        lambda name: persons.get(name, name), na_action="ignore"
    )


def joined_text(persons: dict[Any, Any]) -> str:
    """What a user must know of the identities that are one person.

    >>> joined_text({"two:7": "one:ann"})
    "1 person has several identities: 'one:ann' is also 'two:7'"
    """
    names: dict[Any, list[Any]] = {}
    for other, one in persons.items():
        names.setdefault(one, []).append(other)
    first, others = max(names.items(), key=lambda item: len(item[1]))
    more = f" and {counted(len(others) - 3, 'other')}" if len(others) > 3 else ""
    who = "1 person has" if len(names) == 1 else f"{len(names):,} persons have"
    start = "" if len(names) == 1 else "for example "
    also = ", ".join(repr(str(name)) for name in others[:3])
    return f"{who} several identities: {start}{str(first)!r} is also {also}{more}"
