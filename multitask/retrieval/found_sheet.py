"""How do the pictures that a search found become a contact sheet?"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from multitask.contracts.errors import Say, UserError, counted
from multitask.images.captions import caption, share
from multitask.images.lettering import escaped_note
from multitask.images.sheet import Item, check_count, save_sheet, sheet
from multitask.images.video import is_video
from multitask.retrieval.find import SIMILARITY

if TYPE_CHECKING:
    import pandas as pd

    from multitask.retrieval.find import Matches

_BESIDE = ("", "_confidence", "_low", "_high")
_LINES = 6  # of a caption


def write(matches: "Matches", path: Path, say: Say) -> None:
    """Write the sheet of rows that were found; `say` tells pictures that are gone.

    Each tile is what is in the row's box, with the name of the file and the answers
    that were searched for. Raises UserError if no picture can be decoded, all
    are videos, there are more than 1,000, or the file can't be written.
    """
    if all(isinstance(p, str | Path) and is_video(p) for p in matches.rows["path"]):
        what = "shows pictures, and the rows are of videos, which have no sheet"
        raise UserError(f"--sheet {path}", what, "leave it out")
    check_count(len(matches.rows))
    items = list(_items(matches))
    faults: list[tuple[int, str]] = []
    image = sheet(items, failed=lambda index, reason: faults.append((index, reason)))
    if faults:
        index, reason = faults[0]
        name = str(matches.rows["path"].iloc[index]) if items[index].picture else ""
        first = f"{name or f'row {index}'}: {reason}"
        if len(faults) == len(items):
            shown = "none of " + counted(len(items), "picture")
            what = f"{shown} can be shown, first {first}"
            todo = "relative paths start in the folder where predict ran: search there"
            if not name:
                todo = "pictures that predict got without a file can't be shown"
            raise UserError(f"--sheet {path}", what, todo)
        say(
            f"{len(faults):,} of {counted(len(items), 'picture')} can't be shown, "
            f"first {first}"
        )
    if note := escaped_note(line for item in items for line in item.caption):
        say(f"{path}: {note}")
    save_sheet(image, path)


def _items(matches: "Matches") -> Iterator[Item]:
    rows = matches.rows
    names = [f"{name}{end}" for name in matches.searched for end in _BESIDE]
    searched = [name for name in dict.fromkeys([*names, "warning"]) if name in rows]
    for _, row in rows.iterrows():
        path, box = row["path"], row.get("box")
        name = Path(path).name if isinstance(path, str | Path) else "no file"
        lines = (name, *_answers(row, searched))
        if len(lines) > _LINES and isinstance(row.get("warning"), str):
            lines = (*lines[: _LINES - 1], lines[-1])  # which is the warning
        path = path if isinstance(path, str | Path) else ""
        yield Item(path, box if isinstance(box, str) else None, lines[:_LINES])


def _answers(row: "pd.Series[Any]", names: list[str]) -> tuple[str, ...]:
    """What is searched for and how similar it is; the caption is about heads alone."""
    answers = caption(row[names]) if names else ()
    if SIMILARITY not in names:
        return answers
    return (f"{SIMILARITY} {share(row[SIMILARITY])}", *answers)
