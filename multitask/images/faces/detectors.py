"""Which detectors find faces, and where are those of a picture?"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module
from threading import Lock

import numpy as np

from multitask.contracts.errors import UserError, listed, nearest
from multitask.images.decode import Pixels
from multitask.images.faces.face import Face, Find
from multitask.terminal.quiet import import_tensorflow

SMALLEST = 24  # pixels of the smallest face that is looked for
# Many pictures need not be searched if less than this share of the first ones, taken
# in random order, show a face.
FIRST, FEW = 40, 0.2
_CELL = 12  # pixels: in a smaller face there is nothing to see


@dataclass(frozen=True, kw_only=True)
class Detector:
    """A way to find faces in pixels (height, width, 3).

    `load()` returns the function that does it: it is called with the pixels and the
    size of the smallest face, by several threads at once.
    """

    name: str
    load: Callable[[], Find]
    package: str  # as it is imported
    install: str  # what to do without it
    landmarks: bool  # whether its faces have them, and a confidence
    tensorflow: bool  # whether it runs on that
    good_for: str


def _ours(
    name: str, package: str, install: str, landmarks: bool, good_for: str
) -> Detector:
    """The detector that the module of its name loads, imported when needed."""

    def load() -> Find:
        find: Find = import_module(f"multitask.images.faces.{name}").load()
        return find

    return Detector(
        name=name, load=load, package=package, install=install, landmarks=landmarks,
        tensorflow=landmarks, good_for=good_for,
    )  # fmt: skip


DETECTORS = {
    entry.name: entry
    for entry in (
        _ours(
            "mtcnn", "mtcnn", "pip install 'mtcnn>=1,<2'", True,
            "small, turned and half-hidden faces",
        ),
        _ours(
            "haar", "cv2", "in your clone: pip install -e '.[haar]'", False,
            "upright faces that look ahead, without TensorFlow",
        ),
    )
}  # fmt: skip
_ALIASES = dict.fromkeys(("opencv", "cv2", "haarcascade", "cascade"), "haar")
_loaded: dict[str, Find] = {}
_LOADING = Lock()


def detector(name: str) -> Detector:
    """The detector of a name; UserError, which lists the names, if there is none."""
    if name not in DETECTORS:
        raise unknown_detector(name)
    return DETECTORS[name]


def unknown_detector(name: str, where: str = "detector") -> UserError:
    """The mistake of a name that no detector has, in what the user wrote as `where`."""
    todo = nearest(name, DETECTORS)
    if other := _ALIASES.get(str(name).casefold()):
        todo = f"did you mean {other!r}, which needs the extra {other}? Known: "
        todo += listed(DETECTORS)
    return UserError(where, f"unknown detector {name!r}", todo)


def check_installed(name: str) -> None:
    """Raise UserError if the package of a detector can't be imported."""
    entry = detector(name)
    if entry.tensorflow:
        import_tensorflow()  # quietly: the package would let it write to the terminal
    try:
        import_module(entry.package)
    except ImportError as error:
        what = f"needs the package {entry.package} ({error})"
        raise UserError(f"detector {name}", what, entry.install) from None


def detect(
    pixels: Pixels, detector: str = "mtcnn", *, smallest: float = SMALLEST
) -> list[Face]:
    """Find the faces in upright RGB pixels (height, width, 3), uint8, large ones first.

    `smallest` is the height in pixels of the smallest face that is looked for; half the
    size takes four times as long. Some smaller ones are found, too. Several threads may
    call it. Time grows with the number of pixels; beyond the picture and its halves,
    memory does not.

    Raises UserError for other arrays, an unknown detector, one whose package is not
    installed, and for `smallest` below 12.

    >>> detect(np.zeros((48, 64, 3), np.uint8))
    []
    """
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
        what = f"is an array {pixels.shape} of {pixels.dtype}"
        raise UserError("pixels", f"{what}, must be (height, width, 3) of uint8")
    if not smallest >= _CELL:
        raise UserError("smallest", f"is {smallest}, must be {_CELL} or more pixels")
    check_installed(detector)
    with _LOADING:
        if detector not in _loaded:
            _loaded[detector] = DETECTORS[detector].load()
    height, width = pixels.shape[:2]
    faces = [
        _clipped(face, width, height) for face in _loaded[detector](pixels, smallest)
    ]
    inside = [face for face in faces if face.area > 0]
    return sorted(inside, key=lambda face: face.area, reverse=True)


def _clipped(face: Face, width: int, height: int) -> Face:
    left, top, right, bottom = face.box
    across, down = np.clip([left, right], 0, width), np.clip([top, bottom], 0, height)
    box = (float(across[0]), float(down[0]), float(across[1]), float(down[1]))
    return replace(face, box=box)
