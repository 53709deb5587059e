"""What is made of predictions beside their rows: annotated pictures, a sheet, notes?"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from multitask.contracts.errors import Say, UserError, counted
from multitask.contracts.run import check_writable
from multitask.contracts.saving import reporting_write_errors
from multitask.images.annotate import annotated
from multitask.images.captions import caption
from multitask.images.decode import PictureError, holds_several
from multitask.images.faces.parts import NO_FACE
from multitask.images.lettering import escaped_note
from multitask.images.sheet import (
    ENDINGS,
    MOST,
    Item,
    check_sheet,
    save,
    save_sheet,
    sheet,
)
from multitask.images.threads import in_order

if TYPE_CHECKING:
    import pandas as pd

_JPEG = (".jpg", ".jpeg", ".jpe", ".jfif")


class Drawing(Protocol):
    """What draws rows of predictions as they come, or tells what they leave out."""

    def check(self, *, resumed: bool) -> None:
        """Raise UserError if it can't be written, or would replace a file."""

    def write(self, rows: "pd.DataFrame") -> None:
        """Draw some more rows."""

    def finish(self) -> None:
        """Draw what is left after the last rows."""


@dataclass(kw_only=True)
class AnnotatedFolder:
    """A folder that gets a copy of each picture with the boxes and answers in it.

    Names, and folders below the pictures' common one, stay as they are; a picture of
    another format than JPEG, PNG or WebP becomes `NAME.EXT.png`. `say` tells of letters
    that can't be drawn.
    """

    folder: Path
    say: Say
    paths: Sequence[str]  # of the rows to come, in their order
    _root: str = field(init=False)
    _has_several: bool = field(init=False)  # rows of some picture
    _held: "pd.DataFrame | None" = None  # rows of a picture that may have more of them
    _letters: set[str] = field(default_factory=set)  # that are drawn

    def __post_init__(self) -> None:
        self.paths = [path for path in self.paths if path]  # not empty cells
        self._has_several = len(set(self.paths)) < len(self.paths)
        folders = {os.path.dirname(os.path.abspath(path)) for path in self.paths}
        try:
            self._root = os.path.commonpath(folders)
        except ValueError:  # no path at all, or on different drives of Windows
            self._root = ""

    def target(self, path: str) -> Path:
        """The file for the annotated picture."""
        whole = os.path.abspath(path)
        name = os.path.relpath(whole, self._root) if self._root else whole
        place = self.folder / Path(name).relative_to(Path(name).anchor)
        if place.suffix.lower() in ENDINGS:
            return place
        return place.with_name(f"{place.name}.png")

    def check(self, *, resumed: bool) -> None:
        """Raise UserError if the folder can't be written or would lose a file.

        Two pictures may not have one place, as `a.bmp` and `a.bmp.png` have. If the
        work is `resumed`, annotated pictures may be there already.
        """
        where = f"--annotate {self.folder}"
        if self.folder.exists() and not self.folder.is_dir():
            raise UserError(where, "is a file", "name a folder")
        check_writable(self.folder, "choose another folder", where=where)
        distinct = dict.fromkeys(self.paths)
        if self._has_several and resumed:
            what = "can't go on with pictures that have several boxes"
            raise UserError(where, what, "delete what is to be resumed")
        runs = sum(1 for _ in groupby(self.paths))
        if self._has_several and runs > len(distinct):
            what = "the rows of a picture don't follow each other"
            raise UserError(where, what, "sort the table by its paths")
        places: dict[Path, str] = {}
        for path in distinct:
            target = self.target(path)
            if (other := places.setdefault(target, path)) != path:
                what = f"{target} would be the copy of both {other} and {path}"
                raise UserError(where, what, "leave one of them out")
            if not target.exists():
                continue
            if not resumed or target.samefile(path):
                what = f"would replace {target}"
                raise UserError(where, what, "name another folder, or empty it")

    def write(self, rows: "pd.DataFrame") -> None:
        """Write the pictures that rows are about, those that can be decoded.

        The rows of a picture that is named several times may come in several calls.
        """
        import pandas as pd

        if self._held is not None:
            rows, self._held = pd.concat([self._held, rows]), None
        if self._has_several and len(rows):
            last = rows["path"] == rows["path"].iloc[-1]
            rows, self._held = rows[~last], rows[last]
        self._write(rows)

    def finish(self) -> None:
        """Write what may have had more rows."""
        if self._held is not None:
            self._write(self._held)
        if note := escaped_note(sorted(self._letters)):
            self.say(f"{self.folder}: {note}")

    def _write(self, rows: "pd.DataFrame") -> None:
        groups = [(path, group) for path, group in rows.groupby("path", sort=False)]
        for _, row in rows.iterrows():
            self._letters.update(*caption(row))

        def one(index: int) -> None:
            path, group = groups[index]
            try:
                image = annotated(str(path), group)
            except PictureError:  # its row says why
                return
            target = self.target(str(path))
            with reporting_write_errors(target):
                target.parent.mkdir(parents=True, exist_ok=True)
            save(image, target)

        for _ in in_order(one, len(groups)):
            pass


@dataclass(kw_only=True)
class ContactSheet:
    """A sheet of what rows show, the first 1,000 of them, with their answers.

    `say` tells if it can't show all.
    """

    path: Path
    say: Say
    rows: int = 0
    items: list[Item] = field(default_factory=list)

    def check(self, *, resumed: bool) -> None:
        """Raise UserError unless a sheet can have this name in its folder."""
        check_sheet(self.path)
        if resumed:
            self.say(f"{self.path} will show the pictures that are left to do")

    def write(self, rows: "pd.DataFrame") -> None:
        """Add what some rows show; pictures without an answer are tiles, too."""
        self.rows += len(rows)
        for _, row in rows.head(MOST - len(self.items)).iterrows():
            box = row["box"] if isinstance(row["box"], str) else None
            path = row["path"] if isinstance(row["path"], str) else ""  # no file
            self.items.append(Item(path, box, (Path(path).name, *caption(row))))

    def finish(self) -> None:
        """Write the sheet."""
        if not self.items:
            self.say(f"{self.path} is not written: there is nothing to show")
            return
        if self.rows > len(self.items):
            shown = f"the first {len(self.items):,} of {counted(self.rows, 'row')}"
            self.say(f"{self.path} shows {shown}")
        if note := escaped_note(line for item in self.items for line in item.caption):
            self.say(f"{self.path}: {note}")
        save_sheet(sheet(self.items), self.path)


@dataclass(kw_only=True)
class FirstPictures:
    """Tells by `say` of how many files only the first picture was looked at."""

    say: Say
    paths: dict[str, None] = field(default_factory=dict)

    def check(self, *, resumed: bool) -> None:
        """Nothing is written."""

    def write(self, rows: "pd.DataFrame") -> None:
        """Look which files of some rows hold several pictures."""
        read = rows["path"][rows["status"].isin(("ok", NO_FACE))].unique()
        # To open a file takes time, and nearly all are JPEGs, which hold one.
        others = (path for path in read if not path.lower().endswith(_JPEG))
        self.paths |= dict.fromkeys(filter(holds_several, others))

    def finish(self) -> None:
        """Say it, if there are any."""
        if not self.paths:
            return
        first, count = next(iter(self.paths)), len(self.paths)
        what = f"{first} holds several pictures: "
        if count > 1:
            what = f"of {count:,} files with several pictures, such as {first}, "
        self.say(f"{what}only the first is answered for")
