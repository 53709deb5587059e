"""What if several rows of one picture have votes?

    path   mood_happy  mood_sad      path   mood   mood_happy  mood_sad
    a.jpg  3           2         ->  a.jpg  happy  7           4
    a.jpg  4           2

Different votes are added. Equal votes may be copies, and count once: that leaves the
shares of the classes as they are.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from multitask.contracts import infer
from multitask.contracts.head import most_votes
from multitask.contracts.table import as_text


@dataclass(frozen=True, kw_only=True)
class Summed:
    """The class and the votes of each face that has any (faces, 1 + classes).

    They are empty in `faults`, which say for a face how its rows contradict each other.
    `count` is for how many others votes of different rows were added.
    """

    cells: pd.DataFrame
    faults: dict[str, str]
    count: int


def vote_columns(
    heads: Iterable[tuple[str, Mapping[str, Any]]],
) -> dict[str, dict[str, str]]:
    """The column with the votes for each class, by the column of the question.

    `heads` are names and settings, also of several data sets.
    """
    questions: dict[str, dict[str, str]] = {}
    for name, head in heads:
        if head.get("votes"):
            question, *columns = infer.read_by(name, head)
            classes = zip(head["classes"], columns, strict=True)
            questions.setdefault(question, {}).update(classes)
    return questions


def summed(
    rows: pd.DataFrame,
    face: Any,
    question: str,
    columns: Mapping[str, str],
    *,
    numbered: bool = False,
) -> Summed:
    """Add the votes of the rows of each face.

    `face` (rows,) says whom each row shows, and `columns` where the votes for each
    class are. A row without votes, only with a class, contradicts those with more votes
    for another one. Faults name rows if they are `numbered`.
    """
    votes = pd.DataFrame(
        {name: rows[column].astype(float) for name, column in columns.items()}
    ).fillna(0.0)
    voted = votes.gt(0).any(axis=1)
    distinct = votes.assign(**{"\0": face})[voted].drop_duplicates()
    by_face = distinct.groupby("\0", sort=False)
    sums, several = by_face.sum(), by_face.size() > 1
    most = sums.eq(sums.max(axis=1), axis=0)
    labels = pd.DataFrame(
        {"face": face, "class": as_text(rows[question]), "voted": voted}, rows.index
    )
    labels = labels[labels["class"].notna() & labels["face"].isin(sums.index)]
    places = sums.index.get_indexer(pd.Index(labels["face"]))
    codes = sums.columns.get_indexer(pd.Index(labels["class"]))
    labels["fits"] = (codes >= 0) & most.to_numpy()[places, codes]
    best: pd.Series[Any] = pd.Series(
        most_votes(sums.to_numpy(), tuple(columns)), sums.index, dtype=object
    )
    # A tie is between classes that rows may decide on.
    ties = labels[labels["fits"]].drop_duplicates(["face", "class"])
    ties = ties[~ties["face"].duplicated(keep=False)].set_index("face")
    best = best.where(best.notna(), ties["class"].reindex(best.index))
    faults = _faults(labels[~labels["voted"]], most, numbered)
    cells = sums.rename(columns=columns)
    cells.insert(0, question, best)
    bad = cells.index.isin(list(faults))
    cells[bad] = np.nan
    return Summed(cells=cells, faults=faults, count=int((several & ~bad).sum()))


def _faults(plain: pd.DataFrame, most: pd.DataFrame, numbered: bool) -> dict[str, str]:
    """How rows with only a class contradict the votes, or each other, by face."""
    plain = plain.drop_duplicates(["face", "class"])
    bad = plain["face"][~plain["fits"] | plain["face"].duplicated()].unique()
    plain = plain[plain["face"].isin(bad)]
    says = plain["class"].astype(str)
    if numbered:
        says = says + " in row " + (plain.index + 1).astype(str)
    faults = {}
    for face, texts in says.groupby(plain["face"], sort=False):
        by_votes = " or ".join(most.columns[most.loc[face]])
        faults[str(face)] = f"{by_votes} by votes and {' and '.join(texts)}"
    return faults
