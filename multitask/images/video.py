"""Which frames does a video have, and when is each of them shown?

FFmpeg reads it, by PyAV (extra `video`). Frames come one after the other, so memory
does not grow with the length of a video.
"""

import errno
import os
import re
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from multitask.contracts.errors import UserError, counted
from multitask.contracts.paths import expand_user
from multitask.images.camera import is_camera, newest, open_camera
from multitask.images.damage import Damaged
from multitask.images.decode import Pixels
from multitask.images.upright import MAX_PIXELS

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

ENDINGS = (
    *(".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".mts"),
    *(".m2ts", ".wmv", ".flv", ".ogv", ".3gp"),
)
EVERY = "0.2s"  # which frames are taken by default
_RATE = 25.0  # frames per second of a video that doesn't say
_MISSING = 1.0  # seconds by which a whole video may end before it says
_NARROW, _WIDE = 1 / 4, 4.0  # pixels; no camera has any outside, so that is a mistake
_ALMOST = 1e-6  # of a step, by which rounded times may miss it


@dataclass(frozen=True, kw_only=True)
class Step:
    """From one frame that is taken to the next: so many frames, or so many seconds."""

    frames: int = 0
    seconds: float = 0.0

    def at(self, number: int, time: float) -> int:
        """The step at which a frame is; one that begins a step is taken."""
        if self.frames:
            return number // self.frames
        return int(time / self.seconds + _ALMOST)

    def interval(self, rate: float) -> float:
        """Its length in seconds, in a video of `rate` frames per second."""
        return self.frames / rate if self.frames else max(self.seconds, 1 / rate)


def parse_step(every: int | str) -> Step:
    """A step as users write it: `5` or `"5"` frames, `"0.5s"` or `"2 s"` seconds.

    Raises UserError for anything else, and for 0.

    >>> parse_step(5), parse_step("0.5s")
    (Step(frames=5, seconds=0.0), Step(frames=0, seconds=0.5))
    """
    match = re.fullmatch(r"(\d+(?:\.\d*)?|\.\d+)( ?s)?|(\d+)", str(every).strip())
    if match and match[2] and float(match[1]) > 0:
        return Step(seconds=float(match[1]))
    if match and not match[2] and match[1].isdigit() and int(match[1]) > 0:
        return Step(frames=int(match[1]))
    todo = "give a number of frames such as 5, or seconds such as 0.5s"
    raise UserError("--every", f"is {every!r}", todo)


@dataclass(frozen=True, eq=False, kw_only=True)
class Frame:
    """A frame of a video: when it is shown, in seconds, and its pixels.

    The first frame of most videos is shown at 0. `pixels` (height, width, 3) are RGB,
    upright and square, as players show them.
    """

    time: float
    pixels: Pixels


def is_video(name: str | os.PathLike[str]) -> bool:
    """Whether a name is that of a video file, by its ending, or of a camera.

    >>> is_video("clip.MP4"), is_video("camera:0"), is_video("photo.jpg")
    (True, True, False)
    """
    return is_camera(str(name)) or str(name).lower().endswith(ENDINGS)


def check_installed() -> None:
    """Raise UserError without the package that reads videos."""
    try:
        import av  # noqa: F401
    except ImportError as error:
        what = f"videos need the package av ({error})"
        raise UserError(
            "video", what, "in your clone: pip install -e '.[video]'"
        ) from None


class Video:
    """An open video, whose frames can be read once.

    `name` is a path, or `camera:0` for the first camera of this computer. `duration` is
    in seconds, as far as the video tells it, and None for a camera. `rate` is the usual
    number of frames per second. Frames that FFmpeg reports as damaged are left out,
    unless `damaged` is `keep`. After `frames`, `fault` says why they are not all, or
    how many are damaged; else it is empty.

    Raises UserError if there is no such file or camera, and for a file that holds no
    video but, for instance, a picture, or one of 100 megapixels or more per frame.
    """

    def __init__(self, name: str | os.PathLike[str], damaged: Damaged = "skip") -> None:
        check_installed()
        self.name, self.damaged = os.fspath(name), damaged
        self.is_camera = is_camera(self.name)
        self.fault = ""
        with ExitStack() as opened:
            if self.is_camera:
                self._container = opened.enter_context(open_camera(self.name))
            else:
                # Not by its name, which FFmpeg may take for that of a protocol.
                file = opened.enter_context(_file(expand_user(self.name)))
                self._container = opened.enter_context(_container(file, self.name))
            self._stream = _stream(self._container, self.name)
            self._opened = opened.pop_all()
        rate = self._stream.average_rate or self._stream.guessed_rate
        self.rate = float(rate or _RATE)
        self.duration = None if self.is_camera else self._declared()
        self._reached = 0.0
        self._frames: Generator[Frame, None, None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._frames is not None:
            self._frames.close()  # first, as a thread may read from the container
        self._opened.close()

    def frames(self, step: Step) -> Generator[Frame, None, None]:
        """Yield the frames that begin a step, the first one always.

        In place of one that is left out comes the next one that is whole.
        Of a camera, those are left out for which nobody was ready in time.
        """
        taken = self._taken(step)
        self._frames = newest(taken) if self.is_camera else taken
        return self._frames

    def _taken(self, step: Step) -> Generator[Frame, None, None]:
        start, last, latest = self._start(), -1, 0.0
        for number, frame in enumerate(self._decoded()):
            if frame.time is None:
                time = number / self.rate
            else:
                start = frame.time if start is None else start
                time = max(0.0, frame.time - start)
            if frame.is_corrupt and self.damaged == "skip":
                continue
            at = step.at(number, time)
            # A clock that goes back, as in joined recordings, begins new steps.
            if at > last or time < latest:
                last = at
                width = self._width(frame)
                if width * frame.height >= MAX_PIXELS:
                    what = f"a frame has {width} x {frame.height} pixels"
                    what += ", must have fewer than 100 megapixels"
                    self.fault = f"breaks off at {time:.1f} s: {what}"
                    return
                yield Frame(time=time, pixels=self._pixels(frame))
            latest = time

    def _start(self) -> float | None:
        """The time of the container at which players begin; None if it has none."""
        start = self._container.start_time
        return None if start is None or self.is_camera else start / 1_000_000

    def _decoded(self) -> Iterator["VideoFrame"]:
        """Every frame that can be decoded; `fault` is set after the last one."""
        import av

        count = 0
        lost, damaged = list[float](), list[float]()  # when, in seconds
        try:
            for packet in self._packets():
                if packet.pts is not None and packet.time_base is not None:
                    end = float(
                        (packet.pts + (packet.duration or 0)) * packet.time_base
                    )
                    self._reached = max(self._reached, end - (self._start() or 0.0))
                if packet.stream.index != self._stream.index:
                    continue
                try:
                    decoded: Any = packet.decode()
                except av.error.InvalidDataError:
                    lost.append(self._reached)
                    continue
                for frame in decoded:
                    count += 1
                    if frame.is_corrupt:  # FFmpeg has made up what is missing in it
                        start = self._start() or 0.0
                        damaged.append((frame.time or self._reached + start) - start)
                    yield frame
        except (av.error.FFmpegError, OSError) as error:
            self.fault = f"breaks off at {self._reached:.1f} s: {_reason(error)}"
            return
        self._reached = self._reached or count / self.rate
        self.fault = self._missing(count and count + len(lost))
        if not self.fault:
            faults = (
                f"{counted(len(times), 'frame')} {what}, the first at {times[0]:.1f} s"
                for times, what in (
                    (lost, "can't be decoded"),
                    (damaged, "is damaged" if len(damaged) == 1 else "are damaged"),
                )
                if times
            )
            self.fault = "; ".join(faults)

    def _packets(self) -> Iterator["Packet[Any]"]:
        try:
            yield from self._container.demux()
        except IndexError:  # PyAV ends so if a stream began after the others
            return

    def _missing(self, count: int) -> str:
        """Why so many frames are too few; empty if they are all."""
        if not count:
            return "has no frame that can be read"
        if self.duration is None:
            return f"stopped at {self._reached:.1f} s" if self.is_camera else ""
        reached = self._reached
        if self._counts_frames:
            reached = min(reached, count / self.rate)
        if self.duration - reached <= _MISSING:
            return ""
        return f"breaks off at {reached:.1f} of {self.duration:.1f} s"

    @property
    def _counts_frames(self) -> bool:
        """Whether the duration of a file that lacks its end is known by its frames."""
        return self._container.format.name == "avi"

    def _declared(self) -> float | None:
        """The duration that the file tells in its header."""
        duration = (self._container.duration or 0) / 1_000_000
        if self._counts_frames:
            duration = max(duration, self._stream.frames / self.rate)
        return duration or None

    def _pixels(self, frame: "VideoFrame") -> Pixels:
        width = self._width(frame)
        pixels = frame.to_ndarray(format="rgb24", width=width, height=frame.height)
        turned = np.rot90(pixels, round(frame.rotation / 90))
        return np.ascontiguousarray(turned)

    def _width(self, frame: "VideoFrame") -> int:
        """The width of a frame whose pixels are square."""
        aspect = float(self._stream.sample_aspect_ratio or 1)
        if not _NARROW <= aspect <= _WIDE:
            return frame.width
        return max(1, round(frame.width * aspect))


def _file(path: Path) -> BufferedReader:
    try:
        if not path.stat().st_size:
            raise UserError(path, "is an empty file")
        return path.open("rb")
    except OSError as error:
        what = "no such file" if error.errno == errno.ENOENT else _reason(error)
        raise UserError(path, what, "check the path") from None


def _container(file: BufferedReader, name: str) -> "InputContainer":
    import av

    try:
        # Titles may be in any encoding.
        container: InputContainer = av.open(file, "r", metadata_errors="replace")
    except av.error.FFmpegError:
        what = "is no video that can be read, or one without its end"
        raise UserError(name, what, "open it in a player to check it") from None
    # FFmpeg reads pictures as videos of one frame.
    is_avif = container.metadata.get("major_brand") == "avif"
    if is_avif or container.format.name.endswith("_pipe"):
        container.close()
        todo = "use `predict` for pictures"
        if is_video(name):
            todo += ", and a name that ends as theirs do, such as .jpg"
        raise UserError(name, "is a picture, no video", todo)
    return container


def _stream(container: "InputContainer", name: str) -> "VideoStream":
    """The stream of pictures that players show."""
    from av.stream import Disposition

    streams = [
        stream
        for stream in container.streams.video
        # The cover of a piece of music is a stream, too.
        if not stream.disposition & Disposition.attached_pic
    ]
    if not streams:
        kinds = {stream.type for stream in container.streams}
        what = "has sound alone, and no video" if "audio" in kinds else "has no video"
        raise UserError(name, what)
    best = container.streams.best("video")
    stream: Any = best if best in streams else streams[0]
    if stream.codec_context is None:
        what = "is in a coding that FFmpeg can't read"
        raise UserError(name, what, "check it in a player, or convert it")
    if stream.width * stream.height >= MAX_PIXELS:
        what = f"has {stream.width} x {stream.height} pixels"
        raise UserError(name, f"{what}, must have fewer than 100 megapixels")
    stream.thread_type = "AUTO"  # frames are decoded on all cores
    video: VideoStream = stream
    return video


def _reason(error: Exception) -> str:
    """What went wrong, in the system's words."""
    text = getattr(error, "strerror", None) or str(error)
    return str(text)[:1].lower() + str(text)[1:]
