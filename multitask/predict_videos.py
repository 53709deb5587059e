"""What does `predict` do with videos and cameras?"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from multitask.contracts.errors import UserError, counted
from multitask.predict_output import heads_to_read, target
from multitask.terminal.bar import bar, status
from multitask.terminal.quiet import import_tensorflow
from multitask.terminal.tell import tell

if TYPE_CHECKING:
    import pandas as pd

    from multitask.networks.analyzer import Analyzer
    from multitask.networks.prediction.file import Target

# On which rows depend, beside the heads.
_OPTIONS = (
    *("every", "persons", "no_average", "faces", "largest", "detector", "damaged"),
    "labels",
)


def add_video_options(options: argparse.ArgumentParser) -> None:
    """Add the options for videos and cameras."""
    add = options.add_argument
    add(
        "--every",
        metavar="STEP",
        help="of videos, the frames to look at: 5 for every fifth one, 0.5s for one "
        "per half second (default 0.2s)",
    )
    add(
        "--persons",
        action="store_true",
        help="of videos, one row per person, answers averaged over all its frames "
        "(default: one per face and frame, averaged over the person's frames so far)",
    )
    add(
        "--no-average",
        action="store_true",
        help="of videos, answer for each frame alone",
    )


def videos_among(arguments: argparse.Namespace) -> list[str]:
    """The videos that the input stands for; empty if it is pictures.

    Raises UserError for a mix of both, and for options that the input has no use for.
    """
    from multitask.images.paths import matches
    from multitask.images.video import is_video

    expanded = {name: matches(name) for name in arguments.input}
    names = list(dict.fromkeys(chain(*expanded.values())))
    if not names:
        raise UserError(next(iter(expanded)), "matches no file")
    videos = [name for name in names if is_video(name)]
    if not videos:
        for option in ("every", "persons", "no_average"):
            if getattr(arguments, option):
                where = f"--{option.replace('_', '-')}"
                what = "is for videos, and none is given"
                raise UserError(where, what, "leave it out")
        return []
    for name in names:
        if not is_video(name):
            what = f"is no video, but {videos[0]} is one"
            raise UserError(name, what, "run one command for each kind of input")
    for option in ("box", "annotate", "sheet", "features"):
        if getattr(arguments, option):
            raise UserError(f"--{option}", "is for pictures, and a video is given")
    if arguments.format == "deepface":
        raise UserError("--format deepface", "is for pictures, and a video is given")
    for name, paths in expanded.items():
        if not paths:
            tell(f"left out: {name}: matches no file")
    return videos


def predict_videos(
    arguments: argparse.Namespace, videos: list[str], network: Path, form: str
) -> int:
    """Write the rows for videos, one after the other; returns the exit status."""
    import pandas as pd

    from multitask.images.video import EVERY, parse_step
    from multitask.networks.prediction.file import PredictionFile
    from multitask.networks.prediction.formats import Tally

    arguments.every = arguments.every or EVERY
    parse_step(arguments.every)
    seconds = _checked(videos)
    options = {name: getattr(arguments, name) for name in _OPTIONS}
    frame = pd.DataFrame({"path": videos})
    with target(arguments, network, form, frame, options) as file:
        if isinstance(file, PredictionFile):
            # Who a person is depends on all frames before, so none can be left out.
            file.size, file.tally = 0, Tally()
        import_tensorflow()
        import multitask
        from multitask.networks.answers import check_labels, with_labels

        with status("opening the network"):
            analyzer = multitask.load(network)
        analyzer = analyzer.with_tta(arguments.tta) if arguments.tta else analyzer
        analyzer = analyzer.with_engine(arguments.engine)
        for note in analyzer.notes:
            tell(note)
        labels = analyzer.select(heads_to_read(arguments)) if arguments.labels else ()
        if labels:
            check_labels(labels)
        faults = 0
        with _progress(seconds, arguments.out) as advance:
            for video in videos:
                summary = _Summary(video)
                try:
                    for rows in _rows(arguments, analyzer, video, advance):
                        file.append(with_labels(rows, labels) if labels else rows)
                        summary.add(rows)
                except KeyboardInterrupt:
                    _stop(arguments, summary, file)
                    return 130
                tell(str(summary))
                faults += bool(summary.fault)
        file.finish()
    return 0 if file.tally.answered and not faults else 1


def _rows(
    arguments: argparse.Namespace,
    analyzer: "Analyzer",
    video: str,
    advance: Callable[[float], None],
) -> "Iterator[pd.DataFrame]":
    return analyzer.predict_video(
        video,
        every=arguments.every,
        persons=arguments.persons,
        average=not arguments.no_average,
        heads=heads_to_read(arguments),
        probabilities=arguments.probabilities,
        faces=arguments.faces,
        largest=arguments.largest,
        detector=arguments.detector,
        damaged=arguments.damaged,
        batch_size=arguments.batch_size,
        progress=advance,
    )


def _checked(videos: Sequence[str]) -> float | None:
    """How long videos are together, in seconds; None if one of them does not say.

    Raises UserError if one can't be opened. Cameras are not tried yet.
    """
    from multitask.images.camera import device, is_camera
    from multitask.images.video import Video

    seconds: list[float | None] = []
    for name in videos:
        if is_camera(name):
            device(name)
            seconds.append(None)
        else:
            with Video(name) as video:
                seconds.append(video.duration)
    known = [each for each in seconds if each is not None]
    return sum(known) if len(known) == len(seconds) else None


@contextmanager
def _progress(
    seconds: float | None, out: str | None
) -> "Iterator[Callable[[float], None]]":
    """What to call with the seconds that are done; a bar, if it has an end to show."""
    printed = not out and sys.stdout.isatty()
    shown = seconds is not None and not printed
    done = 0.0
    with bar("seconds", round(seconds or 0)) if shown else nullcontext() as advance:

        def add(more: float) -> None:
            nonlocal done
            if advance is not None:
                advance(round(done + more) - round(done))
            done += more

        yield add


def _stop(arguments: argparse.Namespace, summary: "_Summary", target: "Target") -> None:
    """Say how far Ctrl-C let a video come, and keep what a camera has shown."""
    from multitask.images.camera import is_camera

    where = ""
    if arguments.out and target.tally.rows:
        if is_camera(summary.name):
            target.finish()
            where = f"; the rows until then are in {arguments.out}"
        else:
            where = f"; the rows until then are in {arguments.out}.part"
    tell(f"{summary}; stopped{where}")


class _Summary:
    """How many faces and persons a video shows, and why it ends too early."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.fault = ""
        self._faces = self._frames = self._empty = self._persons = 0
        self._has_persons = False

    def add(self, rows: "pd.DataFrame") -> None:
        """Count some more rows."""
        from multitask.images.faces.parts import NO_FACE

        answered = rows["status"] == "ok"
        empty = rows["status"] == NO_FACE
        self._empty += int(empty.sum())
        if "person" in rows and answered.any():
            self._persons = max(self._persons, int(rows["person"].max()) + 1)
        if "time" in rows:
            self._faces += int(answered.sum())
            self._frames += rows["time"].nunique()
        faults = rows["status"][~answered & ~empty]
        self.fault = str(faults.iloc[-1]) if len(faults) else self.fault
        self._has_persons = "person" in rows

    def __str__(self) -> str:
        text = counted(self._persons, "person")
        if self._frames:
            frames = counted(self._frames, "frame")
            text = f"{counted(self._faces, 'face')} of {text} in {frames}"
            if not self._has_persons:
                text = frames
            elif not self._faces:
                text = f"no face in {frames}"
            elif self._empty:
                text += f", {self._empty:,} of them without a face"
        return f"{self.name}: {text}" + (f"; {self.fault}" if self.fault else "")
