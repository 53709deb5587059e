"""What does a network answer for each frame of a video, or for each person in it?"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from multitask.contracts.head import Head
from multitask.images.decode import Pixels, resize
from multitask.images.faces.crop import Framing, crop
from multitask.images.faces.detectors import detect
from multitask.images.faces.face import Face
from multitask.images.video import Frame, Step, Video
from multitask.networks.answers import Outputs, read_all
from multitask.networks.video.persons import Persons, Track

NO_FACE = "no face"
_CHUNK = 32  # frames answered at a time; of a camera, each at once
_FRAMES = ("status", "path", "time", "person", "box", "face_confidence")
_WHOLE = ("status", "path", "time")
_PERSONS = ("status", "path", "person", "start", "end", "frames")
_INTEGERS = {"person": "Int64", "frames": "Int64"}
_NUMBERS = ("time", "start", "end", "face_confidence")


@dataclass(frozen=True, kw_only=True)
class Reader:
    """A network as a video needs it: its outputs for pixels, and how to read them.

    `outputs` takes pixels (faces, side, side, 3) and gives raw outputs by head name.
    Without a `framing`, the network answers for whole frames.
    """

    outputs: Callable[[Pixels], Outputs]
    side: int
    framing: Framing | None
    heads: Sequence[Head]
    selected: Sequence[Head]
    probabilities: bool = False
    detector: str = "mtcnn"
    largest: bool = False

    def read(self, outputs: Outputs) -> pd.DataFrame:
        """The answers for raw outputs (rows, ...)."""
        count = len(next(iter(outputs.values())))
        answers = read_all(
            self.heads,
            outputs,
            np.arange(count),
            selected=self.selected,
            probabilities=self.probabilities,
        )
        integers = answers.select_dtypes("integer").columns
        return answers.astype(dict.fromkeys(integers, "Int64"))

    def faces(self, pixels: Pixels) -> tuple[list[Face], list[Pixels]]:
        """The faces in a frame, and the crop (side, side, 3) of each."""
        if self.framing is None:
            return [], [resize(pixels, self.side)]
        found = detect(pixels, self.detector)[: 1 if self.largest else None]
        return found, [crop(pixels, face, self.framing, self.side) for face in found]


@dataclass(frozen=True, eq=False, kw_only=True)
class _Answered:
    """A frame with its faces, their crops and, later, their persons."""

    time: float
    faces: list[Face]
    crops: list[Pixels]
    persons: list[int]


def predict_frames(
    video: Video, step: Step, reader: Reader, *, average: bool = True
) -> Iterator[pd.DataFrame]:
    """Yield rows for the faces in each frame, in parts as they are answered.

    With `average`, an answer is that for the mean of the outputs so far of its person.
    """
    names = _WHOLE if reader.framing is None else _FRAMES
    tracks: dict[int, Track] = {}
    for frames, outputs, gone in _answered(video, step, reader):
        if average and reader.framing is not None:
            outputs = _averaged(frames, outputs, tracks)
        rows, answered = [], []
        for frame in frames:
            rows += _rows(video.name, frame)
            answered += [True] * len(frame.crops) or [False]
        yield _table(rows, names, np.flatnonzero(answered), reader.read(outputs))
        for person in gone:
            tracks.pop(person, None)
    yield from _fault(video, names, reader)


def predict_persons(video: Video, step: Step, reader: Reader) -> Iterator[pd.DataFrame]:
    """Yield a row for each person, after the last frame that shows them.

    An answer is that for the mean of the outputs of all frames of the person.
    """
    tracks: dict[int, Track] = {}
    count = 0
    for frames, outputs, gone in _answered(video, step, reader):
        _averaged(frames, outputs, tracks)
        if left := [tracks.pop(person) for person in gone]:
            count += len(left)
            yield _person_rows(video.name, left, reader)
    if tracks or not count:
        yield _person_rows(video.name, list(tracks.values()), reader)
    yield from _fault(video, _PERSONS, reader)


def _answered(
    video: Video, step: Step, reader: Reader
) -> Iterator[tuple[list[_Answered], Outputs, list[int]]]:
    """Frames, the outputs (faces, ...) for all their crops, and who left after them."""
    persons = Persons(step.interval(video.rate))
    frames = video.frames(step)
    size = 1 if video.is_camera else _CHUNK
    while chunk := [_found(frame, reader) for frame in islice(frames, size)]:
        followed = [replace(each, persons=persons.follow(each.faces)) for each in chunk]
        crops = [pixels for frame in followed for pixels in frame.crops]
        shape = (len(crops), reader.side, reader.side, 3)
        outputs = reader.outputs(np.array(crops, np.uint8).reshape(shape))
        yield followed, outputs, persons.gone()


def _found(frame: Frame, reader: Reader) -> _Answered:
    faces, crops = reader.faces(frame.pixels)
    return _Answered(time=frame.time, faces=faces, crops=crops, persons=[])


def _averaged(
    frames: Sequence[_Answered], outputs: Outputs, tracks: dict[int, Track]
) -> Outputs:
    """The outputs (faces, ...) averaged over the frames of each person so far."""
    means, row = {name: values.copy() for name, values in outputs.items()}, 0
    for frame in frames:
        for person in frame.persons:
            track = tracks.setdefault(person, Track(person=person, start=frame.time))
            track.add(frame.time, {name: outputs[name][row] for name in outputs})
            for name, mean in track.mean().items():
                means[name][row] = mean[0]
            row += 1
    return means


def _rows(path: str, frame: _Answered) -> list[dict[str, Any]]:
    common = {"path": path, "time": round(frame.time, 3)}
    if not frame.faces:
        return [{"status": "ok" if frame.crops else NO_FACE, **common}]
    return [
        {
            "status": "ok",
            **common,
            "person": person,
            "box": " ".join(str(round(place)) for place in face.box),
            "face_confidence": face.confidence,
        }
        for person, face in zip(frame.persons, frame.faces, strict=True)
    ]


def _person_rows(path: str, tracks: Sequence[Track], reader: Reader) -> pd.DataFrame:
    rows = [
        {
            "status": "ok",
            "path": path,
            "person": track.person,
            "start": round(track.start, 3),
            "end": round(track.end, 3),
            "frames": track.frames,
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
    return _table(rows, _PERSONS, np.arange(len(tracks)), answers)


def _fault(
    video: Video, names: Sequence[str], reader: Reader
) -> Iterator[pd.DataFrame]:
    """A row that says why a video could not be read to its end, if it could not."""
    if video.fault:
        rows = [{"status": video.fault, "path": video.name}]
        yield _table(rows, names, np.arange(0), _no_answers(reader))


def _no_answers(reader: Reader) -> pd.DataFrame:
    return reader.read(reader.outputs(np.zeros((0, reader.side, reader.side, 3), "u1")))


def _table(
    rows: list[dict[str, Any]],
    names: Sequence[str],
    answered: npt.NDArray[np.intp],
    answers: pd.DataFrame,
) -> pd.DataFrame:
    """Rows with their answers behind them; `answered` are those that have one."""
    table = pd.DataFrame(rows, columns=list(names), dtype=object)
    types = {name: _INTEGERS.get(name, "float64") for name in names}
    kept = {name: types[name] for name in names if name in (*_INTEGERS, *_NUMBERS)}
    return table.astype(kept).join(answers.set_axis(answered, axis="index"))
