"""What does an answer rest on, in one picture?"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, kw_only=True, eq=False)
class Explanation:
    """A picture as the network saw it, and where what raises an answer is.

    `row` is the index of the evaluation's tables, `column` the label column whose
    answer is explained, and `is_right` whether that is the label. `heat` is from 0 to
    1, with fewer cells than the picture has pixels.
    """

    row: Any
    column: str
    is_right: bool
    pixels: npt.NDArray[np.uint8]  # (size, size, 3)
    heat: npt.NDArray[np.float32]  # (height, width)
