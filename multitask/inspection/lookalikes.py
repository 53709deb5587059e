"""Which near pictures are one picture, and which are two that only look alike?

A perceptual hash takes faces that are cut out alike, with the same pose and light, for
near duplicates. Two pictures *look alike* if their hashes are near but not equal, their
labels contradict each other, and their thumbnails correlate below 0.975. Labels alone
don't tell: those of one photo saved twice can be decades apart. Pictures that are near
in a mirror correlate, or they would not be near (`NearPairs.are_near`).

On UTKFace, 352 pairs have near hashes and other labels. The 215 that correlate by at
least 0.976 are one photo, and the 137 that do by at most 0.971 show two people.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from multitask.contracts.head import Array
from multitask.images.near import (
    NEAR,
    NOTHING,
    SAME,
    Frequencies,
    Groups,
    correlation,
    group,
    mirrored,
    perceptual_hashes,
)
from multitask.inspection.label_intervals import LabelIntervals, Mask, Rows


class Compared(NamedTuple):
    """What two rows of each of many near pairs have in common.

    `mirrored` (pairs,): their pictures are near in a mirror only. `bits` (pairs,): the
    distance of their hashes, in the mirror if `mirrored`. `gaps` (pairs,
    labels): how far their labels are apart, as by `LabelIntervals.gaps`. `look_alike`
    (pairs,): they are no duplicates, but only look alike.
    """

    mirrored: Mask
    bits: Rows
    gaps: Array
    look_alike: Mask


class NearPairs:
    """Compares rows whose pictures are near.

    `files` is the result of `files.inspect_files`, and `labels` are those of its rows.
    """

    def __init__(self, files: pd.DataFrame, labels: LabelIntervals) -> None:
        self.labels = labels
        self._hashes = files["phash"].to_numpy()
        self._frequencies = frequencies(files)
        self._turned = perceptual_hashes(mirrored(self._frequencies))

    def are_near(self, left: Rows, right: Rows) -> Mask:
        """Which pairs (pairs,) of rows of linked groups are near themselves.

        Groups are linked if any of their pictures are near (`near.group`).
        """
        far, bits = self._distances(left, right)
        near: Mask = bits <= NEAR
        turned = far & near
        left, right = left[turned], right[turned]
        pixels = self._frequencies[left], mirrored(self._frequencies[right])
        near[turned] = correlation(*pixels) >= SAME
        return near

    def compare(self, left: Rows, right: Rows) -> Compared:
        """Compare rows `left` with rows `right` (pairs,), which are near."""
        far, bits = self._distances(left, right)
        gaps = self.labels.gaps(left, right, far)
        alike = (gaps > 0).any(axis=1) & (bits > 0) & ~far
        left, right = left[alike], right[alike]
        pixels = self._frequencies[left], self._frequencies[right]
        alike[alike] = correlation(*pixels) < SAME
        return Compared(far, bits, gaps, alike)

    def _distances(self, left: Rows, right: Rows) -> tuple[Mask, Rows]:
        """Whether hashes (pairs,) are not near, and their bits, then in a mirror."""
        upright, turned = self._hashes, self._turned
        bits = np.bitwise_count(upright[left] ^ upright[right])
        reflected = upright[left] ^ turned[right], turned[left] ^ upright[right]
        nearer = np.minimum(*map(np.bitwise_count, reflected))
        far: Mask = bits > NEAR
        return far, np.where(far, nearer, bits).astype(np.intp)


def group_files(files: pd.DataFrame) -> Groups:
    """Group the rows of `inspect_files` by hash; -1 is the group of an unreadable one.

    `first` counts the readable rows alone.
    """
    readable = (files["reason"] == "").to_numpy()
    hashes = files["phash"].to_numpy()[readable]
    groups = group(hashes, frequencies(files)[readable])
    member: Rows = np.full(len(files), -1, np.intp)
    member[readable] = groups.member
    return groups._replace(member=member)


def frequencies(files: pd.DataFrame) -> Frequencies:
    """Those of all files (files, 64)."""
    return np.array(files["frequencies"].tolist(), np.float32).reshape(-1, NOTHING.size)
