"""What is known of a face that was found?"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from multitask.images.decode import Pixels

Floats = npt.NDArray[np.floating]


@dataclass(frozen=True, eq=False, kw_only=True)
class Face:
    """A face in a picture. Positions are in pixels; the first one reaches from 0 to 1.

    `box` is (left, top, right, bottom), inside the picture. `confidence` is from 0 to
    1, NaN if the detector has none. `landmarks` (5, 2) are x and y of the eyes, the
    nose, and the corners of the mouth, the left one in the picture first, and may lie
    outside of the picture; None if the detector has none.
    """

    box: tuple[float, float, float, float]
    confidence: float = float("nan")
    landmarks: Floats | None = None

    @property
    def area(self) -> float:
        """The area of the box, in pixels."""
        left, top, right, bottom = self.box
        return (right - left) * (bottom - top)

    @property
    def box_text(self) -> str:
        """The box as tables have it: `left top right bottom`, in whole pixels."""
        return " ".join(str(round(edge)) for edge in self.box)


# Finds the faces in pixels (height, width, 3), down to a size in pixels.
Find = Callable[[Pixels, float], list[Face]]
