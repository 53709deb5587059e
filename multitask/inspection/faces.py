"""Which pictures show no face, and which show several?

Nobody knows for sure: a detector misses a few faces, and takes a few things for one. So
these pictures are no faults: they are listed, but `Findings.wrong` doesn't count them,
and `clean` keeps them.
"""

import numpy as np
import pandas as pd

from multitask.contracts.table import column
from multitask.images.decode import PictureError, decode
from multitask.images.faces.detectors import FEW, FIRST, check_installed, detect
from multitask.images.faces.face import Face
from multitask.images.faces.parts import check_faces, labelled_face
from multitask.images.threads import first_in_order
from multitask.inspection.duplicates import source_names
from multitask.terminal.bar import track

COLUMNS = ("path", "faces", "boxes", "alike")
_DETECTOR = "mtcnn"


def check_search(faces: str) -> None:
    """Raise UserError unless `faces` is a known word and its detector is installed."""
    check_faces(faces, _DETECTOR)
    if faces != "whole":
        check_installed(_DETECTOR)


def inspect_faces(
    table: pd.DataFrame, files: pd.DataFrame, faces: str
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Look for faces in the pictures of a table; returns what was found, and notes.

    The frame has a row for each picture that was searched, with its index in the table:
    `path`; `faces`, their number; `boxes`, from large to small, each `left top right
    bottom` in pixels of the upright picture; and `alike`, whether there are several and
    none has twice the area of any other, so that labels may be about each of them.

    `detect` searches all pictures but those with a box and those that are unreadable,
    blank or tiny. `auto` gives up a data set if less than 20% of its first 40 pictures,
    in random order, show a face: a note says so. `whole` searches none. `files` is the
    result of `files.inspect_files(table)`.
    """
    searched, notes = [pd.DataFrame(columns=COLUMNS)], list[str]()
    if faces != "whole":
        usable = (files["reason"] == "") & ~files["blank"] & ~files["tiny"]
        rows = table[usable & column(table, "box").isna()]
        for name, some in rows.groupby(source_names(rows)):
            found = _search(some.sample(frac=1, random_state=0), faces == "auto")
            if isinstance(found, pd.DataFrame):
                searched.append(found)
            else:
                what = f"{found} of {FIRST} pictures show a face"
                notes.append(f"{name}: {what}, so the others are not searched for any")
    return pd.concat(searched[1:] or searched).sort_index(), tuple(notes)


def _search(rows: pd.DataFrame, gives_up: bool) -> pd.DataFrame | int:
    """What was found in each picture; if given up, in how many of the first a face."""
    paths = rows["path"].tolist()

    def look(place: int) -> list[Face] | None:
        try:
            return detect(decode(paths[place], damaged="keep"), _DETECTOR)
        except PictureError:  # which was readable a moment ago
            return None

    found = list[list[Face] | None]()
    results = first_in_order(look, len(paths), FIRST)
    for faces in track(results, "finding faces", len(paths)):
        found.append(faces)
        if gives_up and len(found) == FIRST:
            shown = sum(map(bool, found))
            if shown < FEW * FIRST:
                return shown
    each = [faces or [] for faces in found]
    alike = [len(faces) > 1 and labelled_face(faces) is None for faces in each]
    frame = pd.DataFrame(
        {
            "path": rows["path"],
            "faces": list(map(len, each)),
            "boxes": [[face.box_text for face in faces] for faces in each],
            "alike": np.array(alike, bool),
        },
        index=rows.index,
    )
    return frame[[faces is not None for faces in found]]
