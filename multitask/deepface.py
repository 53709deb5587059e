"""How do users of DeepFace switch in one line? `analyze` with its arguments and keys.

>>> from multitask import deepface as DeepFace
>>> DeepFace.analyze("photo.jpg", actions=["age", "gender"])  # doctest: +SKIP
"""

import warnings
from collections.abc import Sequence
from functools import lru_cache
from itertools import count
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from multitask.contracts.errors import UserError, listed, nearest, python_spelling
from multitask.images import bgr, fetch
from multitask.images.decode import PictureError, Pixels, decode
from multitask.images.faces.detectors import check_installed
from multitask.images.faces.regions import RegionFinder, Regions
from multitask.images.threads import in_order
from multitask.networks.named import catalog
from multitask.networks.prediction.deepface import (
    ACTIONS,
    Question,
    answers,
    confidence,
    questions,
    region,
    warning,
)
from multitask.with_keras import load

if TYPE_CHECKING:
    from multitask.networks.analyzer import Analyzer

__all__ = ["AnalyzeError", "FaceNotDetected", "analyze"]

SKIP = "skip"
# Detectors of multitask by the names that DeepFace has for them.
DETECTORS = {"mtcnn": "mtcnn", "opencv": "haar", "haar": "haar"}
# Functions of `deepface.DeepFace` that are not here, and why.
_ABOUT_WHO = ("verify", "find", "represent", "register", "search", "build_index")
_OTHERS = ("extract_faces", "stream", "build_model")


class AnalyzeError(UserError, ValueError):
    """A mistake in what `analyze` was given; a ValueError, as in DeepFace."""


class FaceNotDetected(AnalyzeError):
    """A picture without a face; `enforce_detection=False` answers for all of it."""


@python_spelling
def analyze(
    img_path: Any,
    actions: str | Sequence[str] | None = None,
    enforce_detection: bool = True,
    detector_backend: str = "mtcnn",
    align: bool = True,
    expand_percentage: float = 0,
    silent: bool = False,
    anti_spoofing: bool = False,
    *,
    network: "str | PathLike[str] | Analyzer" = catalog.DEFAULT,
) -> Any:
    """Age, gender, race and emotion of each face, as `deepface.DeepFace.analyze`.

    Args:
        img_path: A path, a `data:image/...;base64,` text, a web address, a file opened
            in binary mode, a NumPy array (height, width, 3) in **BGR** order as OpenCV
            reads it, a PIL image or the bytes of a file; or a list of these, or an
            array (pictures, height, width, 3).
        actions: Some of `emotion`, `age`, `gender` and `race`; by default those that
            the network answers.
        enforce_detection: Whether a picture without a face is an error. Else the answer
            is about the whole picture, with a `face_confidence` of 0.
        detector_backend: `mtcnn`, `opencv` (which needs the extra `haar`), or `skip`,
            if each picture is a face that is cut out already.
        align: Whether to level the eyes, as in the network's training pictures.
        expand_percentage: By how many per cent `region`, and what the network sees, are
            enlarged. The network answers best with 0.
        silent: Whether to say nothing about actions that the network can't answer.
        anti_spoofing: Must be False.
        network: The network that answers: a name, file, run folder, or what
            `multitask.load` returned.

    Returns:
        A list with a dict for each face, large ones first; for a list of pictures, a
        list of such lists. Keys are `region`, `face_confidence` (None if the detector
        has none), and by action `age`, `gender` and `dominant_gender`, `race` and
        `dominant_race`, `emotion` and `dominant_emotion`. Shares are in per cent. A
        network that knows its training pictures adds `warning`: `unlike the training
        pictures`, or None.

    Raises:
        FaceNotDetected: A picture has no face.
        AnalyzeError: A picture can't be read, the network lacks an action or can't cut
            out faces, or an argument is wrong. Like `FaceNotDetected`, it is a
            `UserError` and a `ValueError`.

    Example:
        >>> faces = analyze("photo.jpg", ["age", "gender"])  # doctest: +SKIP
        >>> faces[0]["dominant_gender"]  # doctest: +SKIP
        'Woman'
    """
    try:
        _check(anti_spoofing, expand_percentage)
        wanted = _checked_actions(actions)
        detector = _detector(detector_backend)
        several = isinstance(img_path, list) or getattr(img_path, "ndim", 0) == 4
        pictures = list(img_path) if several else [img_path]
        analyzer = _opened(network)
        known = _chosen(wanted, analyzer, network, silent)
        finder = _finder(analyzer, detector, align, expand_percentage / 100)
        searched = _find_all(pictures, finder, enforce_detection, several)
        faces = _answer(searched, analyzer, known)
    except AnalyzeError:
        raise
    except UserError as error:
        where, _, what = error.line.partition(": ")
        raise AnalyzeError(where, what) from None
    return faces if several else faces[0]


def __getattr__(name: str) -> NoReturn:
    """Say what of DeepFace is not here."""
    if name in _ABOUT_WHO:
        what = f"has no {name!r}: multitask does not say who somebody is"
    elif name in _OTHERS:
        what = f"has no {name!r}, only 'analyze'"
    else:
        what = f"has no attribute {name!r}"
    raise AttributeError(f"module {__name__!r} {what}")


def _check(anti_spoofing: object, expand_percentage: object) -> None:
    if anti_spoofing:
        what = "is not here: multitask can't tell a face from a picture of one"
        raise UserError("anti_spoofing", what, "leave it out")
    is_number = isinstance(expand_percentage, (int, float, np.number))
    if not is_number or not 0 <= expand_percentage < np.inf:  # type: ignore[operator]
        what = f"is {expand_percentage!r}, must be a number of 0 or more"
        raise UserError("expand_percentage", what)


def _checked_actions(actions: Any) -> tuple[str, ...] | None:
    """The actions asked for; None for all that the network answers."""
    if actions is None:
        return None
    names = (actions,) if isinstance(actions, str) else tuple(actions)
    if not names:
        raise UserError("actions", "is empty", f"name some of {', '.join(ACTIONS)}")
    for name in names:
        if name not in ACTIONS:
            what = f"unknown action {name!r}"
            raise UserError("actions", what, nearest(name, ACTIONS))
    return names


def _detector(backend: object) -> str | None:
    """The detector of a name in DeepFace; None to look for no faces."""
    if backend == SKIP:
        return None
    if backend not in DETECTORS:
        names = ", ".join(repr(name) for name in (*DETECTORS, SKIP))
        what = f"multitask has no detector {backend!r}"
        raise UserError("detector_backend", what, f"use one of {names}")
    name = DETECTORS[str(backend)]
    check_installed(name)
    return name


def _opened(network: Any) -> "Analyzer":
    """The network, which stays in memory, as those of DeepFace do."""
    if hasattr(network, "outputs"):
        analyzer: Analyzer = network
        return analyzer
    if not isinstance(network, (str, PathLike)):
        what = f"is of type {type(network).__name__}, must be a name, file or network"
        raise UserError("network", what)
    text = network if isinstance(network, str) else Path(network)
    file = catalog.find(text)
    return _loaded(file, file.stat().st_mtime_ns)


@lru_cache(maxsize=4)
def _loaded(file: Path, changed: int) -> "Analyzer":
    """The network of a file as it was at a time."""
    return load(file)


def _chosen(
    wanted: tuple[str, ...] | None, analyzer: "Analyzer", network: object, silent: bool
) -> dict[str, Question]:
    """The questions to answer, by action; says which of DeepFace's are not."""
    known = questions(analyzer.heads)
    missing = [name for name in wanted or ACTIONS if name not in known]
    where = f"network {network}" if isinstance(network, str) else "network"
    what = f"has no head for {listed(missing)}"
    if wanted is None and known:
        if missing and not silent:
            warnings.warn(f"{where} {what}", stacklevel=4)
        return known
    if missing:
        heads = listed(head.name for head in analyzer.heads)
        raise UserError(where, f"{what} (its heads: {heads})", "name another network")
    return {name: known[name] for name in wanted or ()}


def _finder(
    analyzer: "Analyzer", detector: str | None, align: bool, margin: float
) -> RegionFinder:
    framing = analyzer.spec.framing
    if framing is None and detector is not None:
        what = "does not know how faces lay in its training pictures"
        todo = "use one trained on cropped faces, or cut faces out yourself, and give "
        raise UserError("network", what, todo + "detector_backend='skip'")
    return RegionFinder(
        size=analyzer.spec.side,
        detector=detector,
        framing=framing,
        level=bool(align),
        margin=margin,
    )


def _find_all(
    pictures: Sequence[Any], finder: RegionFinder, enforce: bool, several: bool
) -> list[Regions]:
    """The faces of each picture; AnalyzeError for the first one without."""

    usable = list(map(_usable, pictures))

    def one(index: int) -> Regions | str | None:
        picture = usable[index]
        if isinstance(picture, PictureError):
            return str(picture)
        try:
            return finder.find(_pixels(picture), whole_if_none=not enforce)
        except PictureError as error:
            return str(error)

    searched = []
    for index, result in enumerate(in_order(one, len(pictures))):
        if isinstance(result, Regions):
            searched.append(result)
            continue
        place = f"img_path[{index}]" if several else "img_path"
        where = " ".join(filter(None, (place, fetch.shown(pictures[index]))))
        if result is None:
            what, todo = "Face could not be detected", "set enforce_detection=False "
            raise FaceNotDetected(where, what, todo + "to answer for all of it")
        raise AnalyzeError(where, result)
    return searched


def _usable(picture: Any) -> Any:
    """An open file as its bytes, or why not: threads would share its position."""
    if not callable(getattr(picture, "read", None)):
        return picture
    try:
        return fetch.fetch(picture)
    except PictureError as error:
        return error


def _pixels(picture: Any) -> Pixels:
    """A picture as upright RGB (height, width, 3); PictureError if it can't be."""
    fetched = fetch.fetch(picture)
    return decode(bgr.to_rgb(fetched) if isinstance(fetched, np.ndarray) else fetched)


def _answer(
    searched: Sequence[Regions], analyzer: "Analyzer", known: dict[str, Question]
) -> list[list[dict[str, Any]]]:
    """DeepFace's dict of each face of each picture."""
    pixels = [cut for picture in searched for cut in picture.pixels]
    size = analyzer.spec.side
    stacked = np.stack(pixels) if pixels else np.zeros((0, size, size, 3), np.uint8)
    heads = [question.head for question in known.values()]
    columns = analyzer.answer_columns(stacked, heads=heads)
    answered = answers(columns, heads, among=analyzer.heads)
    number = count()
    return [
        [
            answered[row := next(number)]
            | {"region": region(box) | {"left_eye": left, "right_eye": right}}
            | {"face_confidence": confidence(sure)}
            | warning(columns, row)
            for box, sure, (left, right) in zip(
                picture.boxes, picture.confidences, picture.eyes, strict=True
            )
        ]
        for picture in searched
    ]
