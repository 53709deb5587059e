"""Which near pictures are one picture, and which are two that only look alike?

A perceptual hash takes faces that are cut out alike, with the same pose and light, for
near duplicates. Two pictures *look alike* if their hashes are near but not equal, their
labels contradict each other, and the pixels of their grey thumbnails correlate below
0.95. Labels alone don't tell: those of one photo saved twice can be decades apart.

On UTKFace, 358 pairs have near hashes and other labels. By eye, of the 140 whose
correlation is at most 0.94, one is one photo, cropped twice, and the others show two
people; of the 218 from 0.951 on, one shows two people (that at 0.951). Equal hashes
were always one photo.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd
from PIL import Image

from multitask.contracts.head import Array
from multitask.contracts.table import column
from multitask.images.decode import PictureError, decode, in_order
from multitask.inspection.label_intervals import LabelIntervals, Rows

SAME = 0.95  # the least correlation of two thumbnails of one picture
_SIDE = 32  # pixels of a thumbnail's side
_BATCH = 4096  # pairs compared at a time, which bounds the memory

Mask = npt.NDArray[np.bool_]


class Lookalikes:
    """Tells pairs of rows of a table that only look alike from duplicates.

    `files` is the result of `files.inspect_files(table)`. Pictures are read again, but
    only those whose labels contradict each other, and once each.
    """

    def __init__(
        self, table: pd.DataFrame, files: pd.DataFrame, labels: LabelIntervals
    ) -> None:
        self.labels = labels
        self._hashes = files["phash"].to_numpy()
        self._paths = table["path"].tolist()
        self._boxes = column(table, "box").tolist()
        self._thumbnails: dict[int, npt.NDArray[np.uint8]] = {}

    def among(self, left: Rows, right: Rows, gaps: Array | None = None) -> Mask:
        """Which of these near pairs (pairs,) only look alike.

        `gaps` are those of the labels, if they are known already.
        """
        gaps = self.labels.gaps(left, right) if gaps is None else gaps
        alike: Mask = np.asarray((gaps > 0).any(axis=1))
        alike &= self._hashes[left] != self._hashes[right]
        contradicting = np.flatnonzero(alike)
        for start in range(0, len(contradicting), _BATCH):
            pairs = contradicting[start : start + _BATCH]
            one, other = (
                self._standardized(left[pairs]),
                self._standardized(right[pairs]),
            )
            alike[pairs] = (one * other).sum(axis=1) < SAME
        return alike

    def _standardized(self, rows: Rows) -> Array:
        """Thumbnails (rows, pixels) of mean 0 and length 1: their products correlate.

        One without contrast, or that can't be read any more, is NaN: no sign that two
        pictures differ.
        """
        self._read(np.unique(rows))
        pixels = np.stack([self._thumbnails[row] for row in rows.tolist()])
        centred = pixels - pixels.mean(axis=1, keepdims=True)
        length = np.linalg.norm(centred, axis=1, keepdims=True)
        standardized: Array = np.divide(
            centred, length, out=np.full_like(centred, np.nan), where=length > 0
        )
        return standardized

    def _read(self, rows: Rows) -> None:
        new = [row for row in rows.tolist() if row not in self._thumbnails]
        if not new:
            return
        read = in_order(lambda i: self._thumbnail(new[i]), len(new))
        self._thumbnails.update(zip(new, read, strict=True))

    def _thumbnail(self, row: int) -> npt.NDArray[np.uint8]:
        box = self._boxes[row]
        try:
            pixels = decode(self._paths[row], None if pd.isna(box) else str(box))
        except PictureError:  # it was there a moment ago
            return np.zeros(_SIDE**2, np.uint8)
        image = Image.fromarray(pixels).convert("L")
        small = image.resize((_SIDE, _SIDE), Image.Resampling.BILINEAR)
        return np.asarray(small).ravel()
