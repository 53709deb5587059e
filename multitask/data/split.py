"""Which pictures train the network, which choose its best epoch, which measure it?"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from multitask.contracts.errors import UserError
from multitask.contracts.head import Head
from multitask.contracts.table import SPLITS, read_csv, sources
from multitask.images.near import Hashes, near_links

Groups = npt.NDArray[np.intp]


def read_split(file: Path) -> "pd.Series[str]":
    """The part of each path that a file such as a run's `split.csv` lists.

    Raises UserError if it is none.
    """
    try:
        table = read_csv(file)
    except FileNotFoundError:
        raise UserError(
            "--split", f"no such file: '{file}'", "name a run's split.csv"
        ) from None
    except (OSError, ValueError) as error:
        raise UserError("--split", f"'{file}' can't be read ({error})") from None
    for name in ("path", "split"):
        if name not in table:
            raise UserError(
                "--split", f"'{file}' has no column {name!r}", "name a run's split.csv"
            )
    wrong = table.loc[~table["split"].isin(SPLITS), "split"]
    if len(wrong):
        raise UserError(
            f"--split: '{file}'",
            f"has a part {wrong.iloc[0]!r}, must be one of {', '.join(SPLITS)}",
        )
    if "train" not in set(table["split"]):
        raise UserError("--split", f"'{file}' has no part to train on")
    return table.drop_duplicates("path").set_index("path")["split"]


def groups(table: pd.DataFrame, found: Hashes) -> Groups:
    """Number the rows (rows,) so that those which must stay together share a number.

    These are near-identical pictures and, where the table has them, identities.
    """
    links = [near_links(found)]
    if "identity" in table:
        known = np.flatnonzero(table["identity"].notna())
        _, first, place = np.unique(
            table["identity"].iloc[known].astype(str).to_numpy(),
            return_index=True,
            return_inverse=True,
        )
        links.append(np.stack([known, known[first[place]]], axis=1))
    ends = np.concatenate(links)
    size = len(table)
    graph = coo_matrix((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), (size, size))
    numbers: Groups = connected_components(graph, directed=False)[1]
    return numbers


def split(
    table: pd.DataFrame,
    heads: Sequence[Head],
    members: Groups,
    shares: tuple[float, float, float],
    seed: int,
    official: bool = False,
) -> "pd.Series[str]":
    """Deal the rows to train, val and test, stratified over the heads' answers.

    With `official`, a row that the table's own `split` puts into val or test stays
    there, and one that it puts into train is dealt to no part that its data set
    (`source`) has rows of. A part that a publisher did not make is thus taken from the
    training part. With a row goes all that must stay with it; where rows of a group
    go to several parts, to test before val before train.
    """
    parts = _assign_rows(table, heads, members, shares, seed)
    if official and "split" in table:
        parts = _keep_official(table, parts, members)
    names = np.array(SPLITS, dtype=object)[parts]
    return pd.Series(names, index=table.index, name="split")


def folds(
    table: pd.DataFrame,
    heads: Sequence[Head],
    members: Groups,
    count: int,
    seed: int,
) -> "list[pd.Series[str]]":
    """Splits for cross-validation: each row is in the test part of one of `count`.

    What is no test part is 85% train and 15% val. All are stratified and keep groups
    together, as in `split`.
    """
    number = _assign_rows(table, heads, members, (1 / count,) * count, seed)
    made = []
    for fold in range(count):
        parts = pd.Series("test", index=table.index, name="split")
        rest = number != fold
        together = np.unique(members[rest], return_inverse=True)[1]
        parts[rest] = split(table[rest], heads, together, (0.85, 0.15, 0.0), seed)
        made.append(parts)
    return made


def _assign_rows(
    table: pd.DataFrame,
    heads: Sequence[Head],
    members: Groups,
    shares: Sequence[float],
    seed: int,
) -> Groups:
    """Part numbers (rows,), of as many parts as there are shares.

    Iterative stratification (Sechidis, Tsoumakas and Vlahavas 2011): the rarest answer
    is dealt first, each group of `members` to the part that lacks most of it. A class
    with one group is therefore trained on, unless a rarer one shares it.
    """
    strata = [np.ones((len(table), 1), bool)]
    strata += [head.strata(table).to_numpy(bool) for head in heads]
    count = int(members.max()) + 1
    answers = np.zeros((count, sum(s.shape[1] for s in strata)))
    np.add.at(answers, members, np.concatenate(strata, axis=1).astype(float))
    return _assign(answers, np.array(shares), np.random.default_rng(seed))[members]


def _keep_official(table: pd.DataFrame, dealt: Groups, members: Groups) -> Groups:
    """Dealt parts (rows,), but those of the publishers where they made some."""
    given = table["split"].map({part: i for i, part in enumerate(SPLITS)}).to_numpy()
    parts = np.where(given > 0, given, dealt)
    origins = sources(table).to_numpy()
    for source in np.unique(origins):
        rows = origins == source
        # Its publisher has such a part already, and put this row elsewhere.
        parts[rows & (given == 0) & np.isin(dealt, given[rows])] = 0
    together = pd.Series(parts).groupby(members).transform("max")
    return together.to_numpy(dtype=np.intp)


def _assign(
    answers: npt.NDArray[np.float64],
    shares: npt.NDArray[np.float64],
    lots: np.random.Generator,
) -> npt.NDArray[np.intp]:
    """Parts (groups,) for groups that hold `answers` (groups, answers) each."""
    lacking = np.outer(shares, answers.sum(axis=0))  # (parts, answers)
    parts = np.full(len(answers), -1)
    order = lots.permutation(len(answers))
    # Big groups first: small ones then even out what these upset.
    order = order[np.argsort(-answers[order, 0], kind="stable")]
    for answer in np.argsort(answers.sum(axis=0), kind="stable"):
        for group in order[(parts[order] < 0) & (answers[order, answer] > 0)]:
            wanted = np.where(shares > 0, lacking[:, answer], -np.inf)
            best = np.flatnonzero(wanted == wanted.max())
            part = best[np.argmax(lacking[best, 0])]
            parts[group] = part
            lacking[part] -= answers[group]
    return parts
