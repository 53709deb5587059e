"""How do faces lie in the training pictures, so that predictions can repeat it?"""

import pandas as pd

from multitask.contracts.errors import Say
from multitask.data.batches import box_texts
from multitask.images.decode import PictureError, decode
from multitask.images.faces.crop import Framing, measure
from multitask.images.faces.detectors import FEW, FIRST, detect
from multitask.images.faces.face import Face
from multitask.images.threads import first_in_order
from multitask.terminal.bar import track

MOST = 500  # pictures that are measured
# Where FairFace has its faces (medians of 200 pictures): for pictures whose faces are
# cut out without a network that has a framing.
USUAL = Framing(x=0.495, y=0.298, distance=0.379)


def measured(table: pd.DataFrame, margin: float, seed: int, say: Say) -> Framing | None:
    """The framing of the pictures of a table; None unless they are crops of faces.

    At most 500 random ones are looked at; of a picture with a box, what is in it and
    the `margin` around it. `say` tells if most show a single face, but not alike.
    """
    rows = table.sample(min(MOST, len(table)), random_state=seed)
    paths, boxes = rows["path"].tolist(), box_texts(rows)

    def look(index: int) -> tuple[tuple[int, ...], list[Face]]:
        try:
            pixels = decode(paths[index], boxes[index], margin)
        except PictureError:  # which was readable a moment ago
            return (1, 1, 3), []
        return pixels.shape, detect(pixels)

    measured_pictures, single = [], 0
    results = first_in_order(look, len(paths), FIRST)
    for shape, faces in track(results, "finding faces", len(paths)):
        measured_pictures.append((shape, faces))
        single += len(faces) == 1
        if len(measured_pictures) == FIRST and single < FEW * FIRST:
            return None
    framing = measure(measured_pictures)
    if framing:
        say("the pictures are crops of faces: predict will find and cut out faces")
    elif len(measured_pictures) >= FIRST and single > len(measured_pictures) / 2:
        what = "most pictures show one face, but each somewhere else"
        say(f"{what}: --faces detect trains on the faces alone")
    return framing
