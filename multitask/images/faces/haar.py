"""Where are faces, by OpenCV's cascade of Haar features (Viola and Jones 2001)?"""

from pathlib import Path
from threading import local

from multitask.contracts.errors import UserError
from multitask.images.decode import Pixels
from multitask.images.faces.face import Face, Find

_FILE = "haarcascade_frontalface_alt2.xml"
_NEIGHBORS = 5  # places around a face at which it must be found
_FACTOR = 1.1  # from one size to the next


def load() -> Find:
    """The function that finds faces; many threads may call it.

    Raises UserError if OpenCV has no cascade, as from version 5 on.
    """
    import cv2

    file = Path(cv2.__file__).parent / "data" / _FILE
    if not file.exists():
        what = f"OpenCV {cv2.__version__} has no {_FILE}"
        todo = "in your clone: pip install -e '.[haar]'"
        raise UserError("detector haar", what, todo)
    threads = local()  # as a cascade can't be used by two of them at once

    def find(pixels: Pixels, smallest: float) -> list[Face]:
        if not hasattr(threads, "cascade"):
            threads.cascade = cv2.CascadeClassifier(str(file))
        boxes = threads.cascade.detectMultiScale(
            cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY),
            scaleFactor=_FACTOR,
            minNeighbors=_NEIGHBORS,
            minSize=(int(smallest), int(smallest)),
        )
        return [
            Face(box=(float(x), float(y), float(x + width), float(y + height)))
            for x, y, width, height in boxes
        ]

    return find
