"""Does a new shot begin between two frames of a video?"""

import numpy as np

from multitask.images.decode import Pixels, resize

_SIDE = 16  # pixels of a thumbnail
_ACROSS, _DOWN = 4, 1  # pixels by which a camera may have moved: a quarter of the width
_LEVELS = 32  # of a color that count as one
_FLAT = 4.0  # grey levels; a picture of less contrast resembles none
# Measured on 400 pairs of each kind, made of real photos and faces. Beyond both limits
# are all cuts to black, 88% to another close-up of a film, 96% to another photo; and of
# faces that move or turn, pans, zooms, flicker and noise 1 pair, but 5% of all at once.
_COLORS = 0.3  # of the picture have other colors after a cut, or more
_ALIKE = 0.6  # is the correlation after a cut, or less


def thumbnail(pixels: Pixels) -> Pixels:
    """What `is_cut` compares of a frame."""
    return resize(pixels, _SIDE)


def is_cut(before: Pixels, after: Pixels) -> bool:
    """Whether two thumbnails are of two shots.

    Their colors differ, which those of a camera or face that moves hardly do, and they
    don't correlate wherever the camera has moved, which they do if only the light
    changes.

    >>> dark, bright = np.zeros((2, 16, 16, 3), np.uint8)
    >>> bright[3:13, 3:13] = 200
    >>> is_cut(bright, bright // 2), is_cut(bright, dark)
    (False, True)
    """
    counts = [
        np.bincount((thumb // _LEVELS @ [64, 8, 1]).ravel(), minlength=512)
        for thumb in (before, after)
    ]
    if np.abs(counts[0] - counts[1]).sum() / (2 * _SIDE**2) < _COLORS:
        return False
    return _likeness(before, after) < _ALIKE


def _likeness(before: Pixels, after: Pixels) -> float:
    """The highest correlation of two thumbnails, one of them moved."""
    best = -1.0
    for down in range(-_DOWN, _DOWN + 1):
        for across in range(-_ACROSS, _ACROSS + 1):
            shared = before[_shared(down), _shared(across)].astype(float)
            moved = after[_shared(-down), _shared(-across)].astype(float)
            shared -= shared.mean(axis=(0, 1))
            moved -= moved.mean(axis=(0, 1))
            contrast = max(float(shared.std() * moved.std()), _FLAT**2)
            best = max(best, float((shared * moved).mean()) / contrast)
    return best


def _shared(shift: int) -> slice:
    """The rows or columns of a thumbnail that one moved by `shift` has, too."""
    return slice(max(0, shift), _SIDE + min(0, shift))
