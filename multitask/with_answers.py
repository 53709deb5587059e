"""What does `multitask` offer in Python for tables of answers?"""

import os
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from multitask.contracts.errors import Say, UserError, in_python, python_spelling
from multitask.contracts.paths import expand_user

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from multitask.images.decode import Picture
    from multitask.networks.analyzer import Analyzer
    from multitask.retrieval.find import Like, Matches


@python_spelling
def search(
    answers: "str | PathLike[str] | pd.DataFrame",
    expression: str | None = None,
    *,
    like: "Picture | None" = None,
    features: "str | PathLike[str] | None" = None,
    network: "str | PathLike[str] | None" = None,
    top: int | None = None,
    sort: str | None = None,
    ascending: bool = False,
    sheet: "str | PathLike[str] | None" = None,
    say: Say = print,
) -> "pd.DataFrame":
    """Find pictures by their answers, or those like another; needs DuckDB.

    Args:
        answers: What `predict` returned, or the .csv, .json, .jsonl or .parquet file
            that it wrote.
        expression: Comparisons as Python writes them, joined by `and`, `or` and `not`:
            `"Smiling > 0.8 and age < 30 and not Eyeglasses"`. A yes/no label alone
            means answered yes, `not` before it answered no, and a number compared with
            it is compared with its probability. A missing answer matches neither;
            `age is missing` does. A name such as `East Asian` is written in backticks.
            By default, all rows; then `sort` or `like` is needed.
        like: A picture: those most like it to the network come first, with their
            cosine `similarity`; of several faces in it, the largest counts.
        features: With `like`, the file that `predict --features` wrote with `answers`.
        network: With `like`, the network that wrote `features`, if it is no longer
            where it was.
        top: How many rows to return, at most; by default all that match, or the 20 that
            are most like the picture.
        sort: A column whose highest values come first, for a yes/no label the highest
            probabilities; by default rows keep their order.
        ascending: Whether the lowest values come first instead.
        sheet: A file (.jpg, .png, .webp) for a contact sheet of the rows found, which
            replaces an earlier sheet and nothing else.
        say: Called with each line on what was not found.

    Returns:
        The rows that match, with all their columns; of a DataFrame also its index.

    Raises:
        UserError: The expression is wrong, a column is unknown, the answers can't be
            read, or no picture for the sheet can be decoded; the features are those of
            other rows or of another network, or there is no face in `like`.

    Example:
        >>> multitask.search("answers.parquet", "age < 30", top=50)  # doctest: +SKIP
        >>> multitask.search(
        ...     "answers.parquet", like="photo.jpg", features="features.npy"
        ... )  # doctest: +SKIP
    """
    from multitask.cli import keywords
    from multitask.images.sheet import check_sheet
    from multitask.retrieval import find

    top = None if top is None else keywords.whole("top", top)
    if not isinstance(expression, str | None):
        what = f"is of type {type(expression).__name__}, must be a text"
        raise UserError("expression", what, 'write "age < 30"')
    if sheet is not None:
        check_sheet(expand_user(sheet))
    wanted = find_like(like, features, network, say=in_python(say))
    matches = find.find(
        answers, expression, like=wanted, top=top, sort=sort, ascending=ascending
    )
    for note in matches.notes:
        in_python(say)(note)
    if sheet is not None and len(matches.rows):
        write_sheet(matches, sheet, say=in_python(say))
    return matches.rows


def find_like(
    like: "Picture | None",
    features: "str | PathLike[str] | None",
    network: "str | PathLike[str] | None",
    *,
    say: Say = print,
) -> "Like | None":
    """What to look for; None if no picture is given.

    `say` is called with a line if there are several faces in it. Raises UserError as
    `search` does.
    """
    if like is None:
        for option, value in (("--features", features), ("--network", network)):
            if value is not None:
                what = "belongs to --like, which is missing"
                raise UserError(option, what, "give --like PHOTO, or leave it out")
        return None
    if features is None:
        todo = "give the file that `predict --features` wrote with the answers"
        raise UserError("--like", "needs --features", todo)
    from multitask.networks.named.description import digest
    from multitask.networks.prediction.features import open_features
    from multitask.retrieval.find import Like
    from multitask.terminal.quiet import import_tensorflow

    stored = open_features(expand_user(features))
    file = _network(network, stored.network)
    if digest(file) != stored.sha256:
        what = f"comes from another network than {file}"
        raise UserError(f"--features {features}", what, "give that one with --network")
    import_tensorflow()
    from multitask.networks.analyzer import Analyzer

    query = _query(Analyzer.load(file), like, stored.options, say)
    return Like(query=query, features=stored.features, checksum=stored.checksum)


def _network(given: "str | PathLike[str] | None", stored: str) -> Path:
    from multitask.cli import keywords
    from multitask.networks.named import catalog

    if given is not None:
        return catalog.find(keywords.file("network", given))
    try:
        return catalog.find(stored)
    except UserError:
        what = f"was computed by {stored}, which is not there"
        todo = "give the network with --network"
        raise UserError("--features", what, todo) from None


def _query(
    network: "Analyzer", like: "Picture", options: "dict[str, Any]", say: Say
) -> "npt.NDArray[np.float32]":
    """The features (channels,) of a picture, or of the largest face in it.

    They are computed with the `options` of the features to compare them with.
    """
    from multitask.images.decode import visible_fault

    name = like if isinstance(like, (str, PathLike)) else "picture"
    if isinstance(like, (str, PathLike)):
        like = os.path.expanduser(like)
        if os.path.isdir(like):
            raise UserError(f"--like {name}", "is a folder, must be one picture")
    status = visible_fault(like)
    if not status:
        if tta := options.get("tta"):
            network = network.with_tta(tta)
        rows, features = network.embed(
            [like],
            heads=[network.heads[0].name],
            **{key: options[key] for key in ("faces", "largest", "detector")},
        )
        status = str(rows["status"].iloc[0])
    if status != "ok":
        raise UserError(f"--like {name}", status, "give another picture")
    if options["boxes"]:
        what = "the rows show what is in the boxes of a table"
        say(f"{what}, and {name} is searched as a picture without a box")
    if len(rows) > 1:
        say(f"{name} has {len(rows)} faces: looking for the largest one")
    query: npt.NDArray[np.float32] = features[0]
    return query


def write_sheet(
    matches: "Matches", path: "str | PathLike[str]", *, say: Say = print
) -> None:
    """Write a contact sheet of rows that were found.

    `say` is called with a line on pictures that can't be shown. Raises UserError if
    none can, there are more than 1,000, or the file can't be written.
    """
    from multitask.retrieval import found_sheet

    found_sheet.write(matches, expand_user(path), say)
