"""What does `multitask` offer in Python for tables of answers?"""

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from multitask.contracts.errors import Say, in_python, python_spelling

if TYPE_CHECKING:
    import pandas as pd

    from multitask.retrieval.find import Matches


@python_spelling
def search(
    answers: "str | PathLike[str] | pd.DataFrame",
    expression: str,
    *,
    top: int | None = None,
    sort: str | None = None,
    ascending: bool = False,
    sheet: "str | PathLike[str] | None" = None,
    say: Say = print,
) -> "pd.DataFrame":
    """Find the pictures whose answers match an expression; needs DuckDB.

    Args:
        answers: What `predict` returned, or the .csv, .json, .jsonl or .parquet file
            that it wrote.
        expression: Comparisons as Python writes them, joined by `and`, `or` and `not`:
            `"Smiling > 0.8 and age < 30 and not Eyeglasses"`. A yes/no label alone
            means answered yes, `not` before it answered no, and a number compared with
            it is compared with its probability. A missing answer matches neither;
            `age is missing` does. A name such as `East Asian` is written in backticks.
        top: How many rows to return, at most; by default all that match.
        sort: A column whose highest values come first, for a yes/no label the highest
            probabilities; by default rows keep their order.
        ascending: Whether the lowest values come first instead.
        sheet: A new file (.jpg, .png, .webp) for a contact sheet of the rows found.
        say: Called with each line on what was not found.

    Returns:
        The rows that match, with all their columns; of a DataFrame also its index.

    Raises:
        UserError: The expression is wrong, a column is unknown, the answers can't be
            read, or no picture for the sheet can be decoded.

    Example:
        >>> multitask.search("answers.parquet", "age < 30", top=50)  # doctest: +SKIP
    """
    from multitask.images.sheet import check_sheet
    from multitask.retrieval import find

    if sheet is not None:
        check_sheet(Path(sheet).expanduser())
    matches = find.find(answers, expression, top=top, sort=sort, ascending=ascending)
    for note in matches.notes:
        in_python(say)(note)
    if sheet is not None and len(matches.rows):
        write_sheet(matches, sheet, say=in_python(say))
    return matches.rows


def write_sheet(
    matches: "Matches", path: "str | PathLike[str]", *, say: Say = print
) -> None:
    """Write a contact sheet of rows that were found.

    `say` is called with a line on pictures that can't be shown. Raises UserError if
    none can, there are more than 1,000, or the file can't be written.
    """
    from multitask.retrieval import found_sheet

    found_sheet.write(matches, Path(path).expanduser(), say)
