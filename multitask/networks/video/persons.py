"""Which faces in the frames of a video are those of one person?

ByteTrack (Zhang et al. 2022, "ByteTrack: Multi-Object Tracking by Associating Every
Detection Box") links boxes that overlap, as `edgefirst-tracker` has it (extra `video`).
Nobody is recognized: who leaves and comes back, or is there after a cut, is a new
person.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from multitask.contracts.errors import UserError
from multitask.images.decode import Pixels
from multitask.networks.answers import Outputs
from multitask.networks.video.cuts import is_cut, thumbnail

if TYPE_CHECKING:
    from edgefirst.tracker import ByteTrack

_LOST, _FRAMES = 1.0, 3  # seconds, but at least frames, for which a face may be hidden
_OVERLAP = 0.05  # of a face with where it was expected, as a share of both boxes
_GAIN = 1.0  # faces are where the detector says; less follows them slowly
_SECOND = 1_000_000_000  # nanoseconds


def check_installed() -> None:
    """Raise UserError without the package that follows faces."""
    try:
        import edgefirst.tracker  # noqa: F401
    except ImportError as error:
        what = f"following faces needs the package edgefirst-tracker ({error})"
        raise UserError(
            "video", what, "in your clone: pip install -e '.[video]'"
        ) from None


class Persons:
    """Numbers for the persons in a video, from 0 in the order in which they appear.

    `interval` is the time between frames, in seconds.
    """

    def __init__(self, interval: float) -> None:
        # Its clock counts frames: where a video has none for long, nothing moved.
        self._frame = 0
        self._numbers: dict[str, int] = {}
        self._count = 0
        self._lifespan = max(_FRAMES, round(_LOST / interval)) * _SECOND
        self._tracker = self._start()
        self._last: Pixels | None = None  # the thumbnail of the last frame

    def _start(self) -> "ByteTrack":
        """A tracker that has seen nobody."""
        from edgefirst.tracker import ByteTrack

        return ByteTrack(
            high_conf=0.0,
            iou=_OVERLAP,
            update=_GAIN,
            lifespan_ns=self._lifespan,
        )

    def look(self, pixels: Pixels) -> None:
        """Let everybody leave if a new shot begins with the next frame, of `pixels`."""
        thumb = thumbnail(pixels)
        if self._last is not None and is_cut(self._last, thumb):
            self._tracker = self._start()
        self._last = thumb

    def follow(
        self, boxes: Sequence[Sequence[float]], confidences: Sequence[float]
    ) -> list[int]:
        """The number of the person of each face in the next frame.

        `boxes` are (left, top, right, bottom) in pixels, `confidences` from 0 to 1, NaN
        if the detector has none.
        """
        scores = np.array(confidences, np.float32)
        tracks = self._tracker.update(
            np.array(boxes, np.float32).reshape(-1, 4),
            np.where(np.isnan(scores), np.float32(1), scores),
            [0] * len(boxes),
            self._frame * _SECOND,
        )
        self._frame += 1
        # A face that is not followed is a person of its own, who leaves at once.
        return [
            self._number(track.uuid if track else f"not followed {self._count}")
            for track in tracks
        ]

    def gone(self) -> list[int]:
        """The persons who left since this was asked last."""
        tracks = self._tracker.get_active_tracks()
        here = {track.info.uuid for track in tracks}
        left = [uuid for uuid in self._numbers if uuid not in here]
        return [self._numbers.pop(uuid) for uuid in left]

    def _number(self, uuid: str) -> int:
        if uuid not in self._numbers:
            self._numbers[uuid] = self._count
            self._count += 1
        return self._numbers[uuid]


@dataclass(kw_only=True)
class Track:
    """A person in a video: first and last seen, in seconds, in how many frames.

    In `far` of these frames the face is unlike the training pictures. The mean of a
    network's outputs over all frames is `mean()`.
    """

    person: int
    start: float
    end: float = 0.0
    frames: int = 0
    far: int = 0
    _sums: dict[str, npt.NDArray[np.float64]] = field(default_factory=dict)

    def add(
        self,
        time: float,
        outputs: Mapping[str, npt.NDArray[np.float32]],
        *,
        far: bool = False,
    ) -> None:
        """Add a frame in which the person was seen, and the outputs (...) for it."""
        self.end, self.frames, self.far = time, self.frames + 1, self.far + far
        for name, values in outputs.items():
            self._sums[name] = self._sums.get(name, 0.0) + values.astype(np.float64)

    def mean(self) -> Outputs:
        """The mean outputs (1, ...) by head name."""
        return {
            name: (total / self.frames)[None].astype(np.float32)
            for name, total in self._sums.items()
        }
