"""What does a network answer for each frame of a video, or for each person in it?"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from os import PathLike
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from multitask.contracts.errors import UserError
from multitask.contracts.head import Head
from multitask.images.damage import Damaged
from multitask.images.decode import Pixels, resize
from multitask.images.faces import detectors
from multitask.images.faces.parts import NO_FACE, FaceFinder, PictureCrop
from multitask.images.video import Frame, Step, Video, parse_step
from multitask.networks.answers import (
    NO_NUMBER,
    Outputs,
    finite,
    read_all,
)
from multitask.networks.unlike import UNLIKE, Far
from multitask.networks.video.persons import Persons, Track, check_installed

_KNOWN = ""  # a column that no answer has: whether a row has answers
_CHUNK = 32  # frames answered at a time; of a camera, each at once
_FRAMES = ("status", "path", "time", "person", "box", "face_confidence")
_WHOLE = ("status", "path", "time")
_PERSONS = ("status", "path", "person", "start", "end", "frames")
_TYPES = {  # of the columns that are not text
    **dict.fromkeys(("person", "frames"), "Int64"),
    **dict.fromkeys(("time", "start", "end"), "float64"),
    "face_confidence": "float32",
}


@dataclass(frozen=True, kw_only=True)
class Reader:
    """A network as a video needs it: its outputs for pixels, and how to read them.

    `outputs` takes pixels (faces, side, side, 3) and gives raw outputs by head name,
    and which of them (faces,) are unlike the training pictures, if the network knows
    these, as `warns` says. Without `find`, the network answers for whole frames.
    `progress` is called with the seconds of the video that are done since its last
    call.
    """

    outputs: Callable[[Pixels], tuple[Outputs, Far]]
    side: int
    find: FaceFinder | None
    heads: Sequence[Head]
    selected: Sequence[Head]
    probabilities: bool = False
    warns: bool = False
    progress: Callable[[float], object] = lambda seconds: None

    def read(self, outputs: Outputs) -> pd.DataFrame:
        """Answers for raw outputs (rows, ...), and in `_KNOWN` if there are any."""
        count = len(next(iter(outputs.values())))
        answers = read_all(
            self.heads,
            outputs,
            np.arange(count),
            selected=self.selected,
            probabilities=self.probabilities,
        )
        integers = answers.select_dtypes("integer").columns
        answers = answers.astype(dict.fromkeys(integers, "Int64"))
        return answers.assign(**{_KNOWN: finite(self.selected, outputs)})

    def parts(self, pixels: Pixels) -> list[PictureCrop]:
        """What the network looks at in a frame: its faces, or all of it."""
        if self.find is None:
            return [PictureCrop(resize(pixels, self.side))]
        # A frame that is itself a crop of a face holds a person to follow, too.
        return replace(self.find, keep_crops=False).parts(pixels, self.side)


@dataclass(frozen=True, eq=False, kw_only=True)
class _Seen:
    """A frame: what the network looks at, and the person of each face.

    `far` says for each part whether it is unlike the training pictures.
    """

    time: float
    parts: list[PictureCrop]
    persons: list[int]
    far: Sequence[bool] = ()


def predict_video(
    name: str | PathLike[str],
    every: int | str,
    reader: Reader,
    *,
    persons: bool,
    average: bool,
    damaged: Damaged = "skip",
) -> Iterator[pd.DataFrame]:
    """Yield the rows of a video in parts as they are answered.

    They are those of `predict_persons` or of `predict_frames`; `damaged` is as in
    `Video`. Raises UserError, at once, if the video can't be opened, a package is
    missing, or an option is wrong.
    The call opens the video; it is closed after the last part, or when the iterator is.
    """
    step = parse_step(every)
    if persons and reader.find is None:
        what = "needs faces to follow, but whole frames are answered"
        raise UserError("--persons", what, "leave it out")
    if persons and not average:
        what = "gives averages, which --no-average leaves out"
        raise UserError("--persons", what, "give one of them")
    _check_names(_names(reader, persons), reader)
    if reader.find is not None:
        detectors.check_installed(reader.find.detector)
        check_installed()
    return _numbered(Video(name, damaged), step, reader, persons, average)


def _names(reader: Reader, persons: bool = False) -> Sequence[str]:
    """The columns before the answers."""
    names = _FRAMES if reader.find else _WHOLE
    if persons:
        names = _PERSONS
    return (*names, "warning") if reader.warns else names


def _check_names(names: Sequence[str], reader: Reader) -> None:
    """Raise UserError if an answer has the name of a column before it."""
    for name in _no_answers(reader):
        if name in names:
            what = f"a head answers in {name!r}, which is a column of every video"
            raise UserError("--heads", what, "name the other heads with --heads")


def _numbered(
    video: Video, step: Step, reader: Reader, persons: bool, average: bool
) -> Iterator[pd.DataFrame]:
    """The rows with an index that goes on from part to part; closes the video."""
    start = 0
    with video:
        parts = (
            predict_persons(video, step, reader)
            if persons
            else predict_frames(video, step, reader, average=average)
        )
        for part in parts:
            yield part.set_axis(pd.RangeIndex(start, start + len(part)), axis="index")
            start += len(part)


def predict_frames(
    video: Video, step: Step, reader: Reader, *, average: bool = True
) -> Iterator[pd.DataFrame]:
    """Yield rows for the faces in each frame, in the order of the frames.

    With `average`, an answer is that for the mean of the outputs so far of its person.
    """
    names = _names(reader)
    tracks: dict[int, Track] = {}
    for frames, outputs, gone in _answered(video, step, reader):
        if average and reader.find is not None:
            outputs = _averaged(frames, outputs, tracks)
        rows, answered = list[dict[str, Any]](), list[bool]()
        for frame in frames:
            rows += _rows(video.name, frame)
            answered += [True] * len(frame.parts) or [False]
        yield _table(rows, names, np.flatnonzero(answered), reader.read(outputs))
        for person in gone:
            tracks.pop(person, None)
    yield from _fault(video, names, reader)


def predict_persons(video: Video, step: Step, reader: Reader) -> Iterator[pd.DataFrame]:
    """Yield a row for each person, after the last frame that shows them.

    An answer is that for the mean of the outputs of all frames of the person.
    """
    tracks: dict[int, Track] = {}
    names, count, is_read = _names(reader, persons=True), 0, False
    for frames, outputs, gone in _answered(video, step, reader):
        is_read = True
        _averaged(frames, outputs, tracks)
        if left := [tracks.pop(person) for person in gone]:
            count += len(left)
            yield _person_rows(video.name, left, names, reader)
    if tracks or (is_read and not count):
        yield _person_rows(video.name, list(tracks.values()), names, reader)
    yield from _fault(video, names, reader)


def _answered(
    video: Video, step: Step, reader: Reader
) -> Iterator[tuple[list[_Seen], Outputs, list[int]]]:
    """Frames, the outputs (faces, ...) for all their crops, and who left after them."""
    persons = None if reader.find is None else Persons(step.interval(video.rate))
    frames = video.frames(step)
    size, done = 1 if video.is_camera else _CHUNK, 0.0
    while chunk := [_look_at(frame, reader, persons) for frame in islice(frames, size)]:
        crops = [part.pixels for seen in chunk for part in seen.parts]
        shape = (len(crops), reader.side, reader.side, 3)
        outputs, far = reader.outputs(np.array(crops, np.uint8).reshape(shape))
        chunk = _with_far(chunk, far)
        yield chunk, outputs, persons.gone() if persons else []
        reader.progress(chunk[-1].time - done)
        done = chunk[-1].time


def _with_far(chunk: list[_Seen], far: Far) -> list[_Seen]:
    """The frames with what is unlike the training pictures."""
    if far is None:
        return chunk
    each = iter(far.tolist())
    return [replace(seen, far=[next(each) for _ in seen.parts]) for seen in chunk]


def _look_at(frame: Frame, reader: Reader, persons: Persons | None) -> _Seen:
    """What the network looks at in the next frame, and the persons of its faces."""
    seen = _Seen(time=frame.time, parts=reader.parts(frame.pixels), persons=[])
    if persons is None:
        return seen
    persons.look(frame.pixels)
    boxes = [tuple(map(float, str(part.box).split())) for part in seen.parts]
    confidences = [part.confidence for part in seen.parts]
    return replace(seen, persons=persons.follow(boxes, confidences))


def _averaged(
    frames: Sequence[_Seen], outputs: Outputs, tracks: dict[int, Track]
) -> Outputs:
    """The outputs (faces, ...) averaged over the frames of each person so far."""
    means, row = {name: values.copy() for name, values in outputs.items()}, 0
    for frame in frames:
        far = frame.far or [False] * len(frame.persons)
        for person, is_far in zip(frame.persons, far, strict=True):
            track = tracks.setdefault(person, Track(person=person, start=frame.time))
            own = {name: outputs[name][row] for name in outputs}
            track.add(frame.time, own, far=is_far)
            for name, mean in track.mean().items():
                means[name][row] = mean[0]
            row += 1
    return means


def _rows(path: str, seen: _Seen) -> list[dict[str, Any]]:
    common = {"path": path, "time": round(seen.time, 3)}
    if not seen.parts:
        return [{"status": NO_FACE, **common}]
    persons: Sequence[int | None] = seen.persons or [None]  # of a whole frame
    far = seen.far or [False] * len(seen.parts)
    return [
        {
            "status": "ok",
            **common,
            "person": person,
            "box": part.box,
            "face_confidence": part.confidence,
            "warning": UNLIKE if is_far else None,
        }
        for person, part, is_far in zip(persons, seen.parts, far, strict=True)
    ]


def _person_rows(
    path: str, tracks: Sequence[Track], names: Sequence[str], reader: Reader
) -> pd.DataFrame:
    rows = [
        {
            "status": "ok",
            "path": path,
            "person": track.person,
            "start": round(track.start, 3),
            "end": round(track.end, 3),
            "frames": track.frames,
            "warning": UNLIKE if 2 * track.far > track.frames else None,
        }
        for track in tracks
    ]
    if not tracks:
        rows = [{"status": NO_FACE, "path": path}]
    answers = _no_answers(reader)
    if tracks:
        means = [track.mean() for track in tracks]
        joined = {name: np.concatenate([m[name] for m in means]) for name in means[0]}
        answers = reader.read(joined)
    return _table(rows, names, np.arange(len(tracks)), answers)


def _fault(
    video: Video, names: Sequence[str], reader: Reader
) -> Iterator[pd.DataFrame]:
    """A row that says why a video could not be read to its end, if it could not."""
    if video.fault:
        rows = [{"status": video.fault, "path": video.name}]
        yield _table(rows, names, np.arange(0), _no_answers(reader))


def _no_answers(reader: Reader) -> pd.DataFrame:
    none = np.zeros((0, reader.side, reader.side, 3), np.uint8)
    return reader.read(reader.outputs(none)[0])


def _table(
    rows: list[dict[str, Any]],
    names: Sequence[str],
    answered: npt.NDArray[np.intp],
    answers: pd.DataFrame,
) -> pd.DataFrame:
    """Rows followed by their answers; `answered` are those that have one."""
    table = pd.DataFrame(rows, columns=list(names), dtype=object)
    types = {name: _TYPES[name] for name in names if name in _TYPES}
    table.loc[answered[~answers[_KNOWN].to_numpy(bool)], "status"] = NO_NUMBER
    answers = answers.drop(columns=_KNOWN).set_axis(answered, axis="index")
    return table.astype(types).join(answers)
