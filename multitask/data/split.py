"""Which pictures train the network, which select its best epoch, which measure it?"""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from multitask.contracts.errors import UserError
from multitask.contracts.head import Head
from multitask.contracts.recipe_texts import SPLITS
from multitask.contracts.table import any_file_name, faces, read_csv, sources
from multitask.images.near import Links

Groups = npt.NDArray[np.intp]
_TAIL = 4  # at most so many names at a path's end identify a picture


def read_split(file: Path) -> pd.DataFrame:
    """What a file such as a run's `split.csv` lists: `path`, maybe `box`, and `split`.

    A file is read again only if it has changed. Raises UserError if it can't be read or
    is no split.
    """
    try:
        state = file.stat()
        return _read_split(file.absolute(), (state.st_size, state.st_mtime_ns))
    except FileNotFoundError:
        raise UserError(
            "--split", f"there is no file '{file}'", "give a run's split.csv"
        ) from None
    except (OSError, ValueError) as error:
        raise UserError("--split", f"'{file}' can't be read ({error})") from None


@lru_cache(maxsize=4)  # settings are checked several times, and then it is used
@any_file_name()
def _read_split(file: Path, state: tuple[int, int]) -> pd.DataFrame:
    """What `read_split` returns, of a file in this state."""
    table = read_csv(file)
    for name in ("path", "split"):
        if name not in table:
            raise UserError(
                "--split", f"'{file}' has no column {name!r}", "give a run's split.csv"
            )
    unknown = table.loc[~table["split"].isin(SPLITS), "split"]
    if len(unknown):
        raise UserError(
            f"--split: '{file}'",
            f"has a part {unknown.iloc[0]!r}, must be one of {', '.join(SPLITS)}",
        )
    if "train" not in set(table["split"]):
        raise UserError("--split", f"'{file}' lists no training pictures")
    return table


def listing(table: pd.DataFrame) -> pd.DataFrame:
    """The columns of a table with its `split` that a `split.csv` has."""
    return table[[name for name in ("path", "box", "split") if name in table]]


def listed_parts(
    table: pd.DataFrame, listed: pd.DataFrame, *, other_boxes: bool = False
) -> "pd.Series[Any]":
    """The part (rows,) that a listing gives each face; empty where it has none.

    A listing without boxes, or for a table without any, is one of whole pictures: if
    only some boxes of a picture are in `train`, that part counts. So it does for faces
    that are not listed themselves, with `other_boxes`.
    """
    order = listed["split"].map({part: rank for rank, part in enumerate(SPLITS)})
    listed = listed.iloc[np.argsort(order.fillna(0), kind="stable")]
    by_path = listed.drop_duplicates("path").set_index("path")["split"]
    if not (_has_boxes(table) and _has_boxes(listed)):
        return table["path"].map(by_path)
    by_face = listed.set_index(faces(listed))["split"]
    parts = faces(table).map(by_face[~by_face.index.duplicated()])
    return parts.fillna(table["path"].map(by_path)) if other_boxes else parts


def with_moved(
    table: pd.DataFrame, parts: "pd.Series[Any]", listed: pd.DataFrame
) -> "tuple[pd.Series[Any], int]":
    """The `parts` (rows,) of `listed_parts`, also in data sets that were moved since.

    A picture is recognized by the end of its path, long enough to be unique among the
    listed paths. Most of a data set must match. Also how many pictures it is.
    """
    known = pd.Series(listed["path"].unique(), dtype=object)
    paths = known.map(Path)
    for length in range(1, _TAIL + 1):
        tails = paths.map(lambda path, n=length: path.parts[-n:])
        if tails.is_unique:
            break
    else:
        return parts, 0
    names = dict(zip(tails, known, strict=True))
    before = table["path"].map(lambda path: names.get(Path(path).parts[-length:]))
    by_tail = listed_parts(
        table.assign(path=before.fillna("")), listed, other_boxes=True
    )
    origins = sources(table)
    unknown = parts.isna().groupby(origins).transform("all")
    moved = unknown & (by_tail.notna().groupby(origins).transform("mean") > 0.5)
    return parts.where(~moved, by_tail), int((moved & by_tail.notna()).sum())


def _has_boxes(table: pd.DataFrame) -> bool:
    return "box" in table and bool(table["box"].notna().any())


def groups(table: pd.DataFrame, near: Links) -> Groups:
    """The number of each row's group (rows,); a group stays in one part of a split.

    Rows are in one group if they show near duplicates, which the pairs of row numbers
    `near` (links, 2) connect, boxes of one picture or, where the table has identities,
    the same identity.
    """
    links = [near]
    for name in ("path", "identity"):
        if name in table:
            known = np.flatnonzero(table[name].notna())
            codes = pd.factorize(table[name].iloc[known].astype(object))[0]
            _, first = np.unique(codes, return_index=True)
            links.append(np.stack([known, known[first[codes]]], axis=1))
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
    """Assign the rows to train, val and test, stratified by the heads' classes.

    `members` (rows,) are the numbers of their groups, whose rows stay together, and
    `shares` the sizes of the three parts.

    With `official`, the parts that publishers made are kept: a row that the table's own
    `split` puts into val or test stays there, and one of its train goes to no part that
    its data set (`source`) has already. A part that a publisher did not make is thus
    taken from the training part. A group whose rows are in several parts goes to test
    if it has a row there, else to val.
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
    """`count` splits for cross-validation: each row is in exactly one test part.

    The rest of each split is 85% train and 15% val. All are stratified and keep groups
    together, as in `split`.
    """
    fold_of_row = _assign_rows(table, heads, members, (1 / count,) * count, seed)
    splits = []
    for fold in range(count):
        parts = pd.Series("test", index=table.index, name="split")
        rest = fold_of_row != fold
        rest_members = np.unique(members[rest], return_inverse=True)[1]
        parts[rest] = split(table[rest], heads, rest_members, (0.85, 0.15, 0.0), seed)
        splits.append(parts)
    return splits


def _assign_rows(
    table: pd.DataFrame,
    heads: Sequence[Head],
    members: Groups,
    shares: Sequence[float],
    seed: int,
) -> Groups:
    """The number of each row's part (rows,), one part per share.

    Iterative stratification (Sechidis, Tsoumakas and Vlahavas 2011): the rarest class
    is assigned first, each of its groups to the part that lacks it most. A class with
    only one group is therefore in the largest part, unless a rarer class shares the
    group.
    """
    strata = [np.ones((len(table), 1), bool)]
    strata += [head.strata(table).to_numpy(bool) for head in heads]
    group_count = int(members.max()) + 1
    counts = np.zeros((group_count, sum(s.shape[1] for s in strata)))
    np.add.at(counts, members, np.concatenate(strata, axis=1).astype(float))
    return _assign(counts, np.array(shares), np.random.default_rng(seed))[members]


def _keep_official(table: pd.DataFrame, assigned: Groups, members: Groups) -> Groups:
    """The parts (rows,) that publishers made, else those that are `assigned`."""
    official = table["split"].map({part: i for i, part in enumerate(SPLITS)}).to_numpy()
    parts = np.where(official > 0, official, assigned)
    origins = sources(table).to_numpy()
    for source in np.unique(origins):
        rows = origins == source
        # The publisher made such a part already and put this row elsewhere.
        parts[rows & (official == 0) & np.isin(assigned, official[rows])] = 0
    whole_groups = pd.Series(parts).groupby(members).transform("max")
    return whole_groups.to_numpy(dtype=np.intp)


def _assign(
    counts: npt.NDArray[np.float64],
    shares: npt.NDArray[np.float64],
    rng: np.random.Generator,
) -> npt.NDArray[np.intp]:
    """The part of each group (groups,).

    `counts` (groups, 1 + classes) say how many rows a group has, and how many of each
    class; `shares` (parts,) sum to 1.
    """
    lacking = np.outer(shares, counts.sum(axis=0))  # (parts, 1 + classes)
    parts = np.full(len(counts), -1)
    order = rng.permutation(len(counts))
    # Big groups first: the small ones then even out the imbalance.
    order = order[np.argsort(-counts[order, 0], kind="stable")]
    for stratum in np.argsort(counts.sum(axis=0), kind="stable"):
        for group in order[(parts[order] < 0) & (counts[order, stratum] > 0)]:
            demand = np.where(shares > 0, lacking[:, stratum], -np.inf)
            neediest = np.flatnonzero(demand == demand.max())
            part = neediest[np.argmax(lacking[neediest, 0])]
            parts[group] = part
            lacking[part] -= counts[group]
    return parts
