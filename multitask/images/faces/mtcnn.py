"""Where are faces, by MTCNN (Zhang et al. 2016), with networks and weights of `mtcnn`?

A small network looks at every place of the picture in many sizes, two larger ones at
what it proposes. The package's own pipeline holds the picture in float64 and compares
all proposals with each other, which takes memory by the square of their number. This
one looks at strips, and cuts proposals out of the picture's halves, quarters and so on,
in batches. TensorFlow traces each network once, for pictures of all sizes.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from multitask.images.decode import Pixels
from multitask.images.faces.face import Face, Find, Floats
from multitask.terminal.quiet import held_back

_CELL, _STRIDE = 12, 2  # pixels that the first network sees at a place, and its steps
_BEYOND = 4  # pixels beyond the border that it sees, too, for faces that are cut
_FACTOR = 0.709  # from one size to the next: half the area
_LEAST = (0.6, 0.7, 0.7)  # confidence of each network
_STRIP = 400_000  # pixels that the first network sees at once
_BATCH = 256  # proposals that the others see at once
_LARGER = (1.0, 1.1, 1.2)  # crops in which landmarks are found, next to a face's square
_MIRRORED = [1, 0, 2, 4, 3]  # the landmarks of a mirrored face from left to right
_SAME_PLACE, _SAME_FACE = 0.5, 0.7  # overlaps above which the better box is kept


class _Networks(NamedTuple):
    """Functions of TensorFlow that many threads may call."""

    propose: Any  # pixels -> boxes
    refine: Any  # pixels, where to sample -> scores, offsets
    finish: Any  # the same -> scores, offsets, landmarks
    suppress: Any  # boxes, scores -> indices of those to keep


def load() -> Find:
    """Load the networks; the function that finds faces may be called by many threads.

    Raises ImportError without the package `mtcnn`.
    """
    networks = _networks()
    with held_back():  # what TensorFlow says of CropAndResize where it first runs
        _run_once(networks)

    def find(pixels: Pixels, smallest: float) -> list[Face]:
        return list(_find(networks, pixels, smallest))

    return find


def _networks() -> _Networks:
    import mtcnn
    import tensorflow as tf
    from mtcnn.stages import StageONet, StagePNet, StageRNet

    # By their paths: for a bare name, mtcnn looks into the current folder first, and
    # unpickles what lies there.
    weights = Path(mtcnn.__file__).parent / "assets" / "weights"
    pnet = StagePNet(weights=str(weights / "pnet.lz4")).model
    rnet = StageRNet(weights=str(weights / "rnet.lz4")).model
    onet = StageONet(weights=str(weights / "onet.lz4")).model
    image = tf.TensorSpec((None, None, 3), tf.uint8)
    boxes, scores = tf.TensorSpec((None, 4)), tf.TensorSpec((None,))

    def propose(pixels: Any) -> Any:
        offsets, scores = pnet(_normalized(pixels)[None], training=False)
        places = tf.where(scores[0, :, :, 1] > _LEAST[0])
        corners = tf.cast(_STRIDE * places[:, ::-1], tf.float32)
        moved = _CELL * tf.gather_nd(offsets[0], places)
        boxes = tf.concat([corners, corners + _CELL], axis=1) + moved
        scores = tf.gather_nd(scores[0, :, :, 1], places)
        return tf.gather(boxes, kept(boxes, scores, _SAME_PLACE))

    def kept(boxes: Any, scores: Any, overlap: float = _SAME_FACE) -> Any:
        count = tf.shape(scores)[0]
        return tf.image.non_max_suppression(boxes, scores, count, overlap)

    def refine(pixels: Any, boxes: Any) -> Any:
        offsets, scores = rnet(_crops(pixels, boxes, 24), training=False)
        return scores[:, 1], offsets

    def finish(pixels: Any, boxes: Any) -> Any:
        offsets, points, scores = onet(_crops(pixels, boxes, 48), training=False)
        return scores[:, 1], offsets, points

    def traced(function: Any, *signature: Any) -> Any:
        # No Python of these is to be translated, which AutoGraph would write to a disk.
        graph = tf.function(function, input_signature=signature, autograph=False)
        graph.get_concrete_function()  # now, not by the first of several threads
        return graph

    return _Networks(
        propose=traced(propose, image),
        refine=traced(refine, image, boxes),
        finish=traced(finish, image, boxes),
        suppress=traced(kept, boxes, scores),
    )


def _run_once(networks: _Networks) -> None:
    """Run each network, which TensorFlow optimizes at its first call."""
    pixels = np.zeros((_CELL + 2 * _BEYOND,) * 2 + (3,), np.uint8)
    box, score = np.array([[0, 0, 1, 1]], np.float32), np.ones(1, np.float32)
    networks.propose(pixels)
    networks.refine(pixels, box)
    networks.finish(pixels, box)
    networks.suppress(box, score)


def _normalized(pixels: Any) -> Any:
    import tensorflow as tf

    return (tf.cast(pixels, tf.float32) - 127.5) / 128


def _crops(pixels: Any, boxes: Any, size: int) -> Any:
    """Normalized crops (boxes, size, size, 3), grey beyond the picture."""
    import tensorflow as tf

    first = tf.zeros(tf.shape(boxes)[0], tf.int32)
    crops = tf.image.crop_and_resize(
        pixels[None], boxes, first, (size, size), extrapolation_value=127.5
    )
    return _normalized(crops)


def _find(networks: _Networks, pixels: Pixels, smallest: float) -> Iterator[Face]:
    halves = _halves(pixels)
    boxes = _squares(_proposals(networks.propose, halves, smallest))
    if not len(boxes):
        return
    scores, offsets = _seen(networks.refine, halves, boxes, 24)
    good = scores > _LEAST[1]
    boxes, scores = _moved(boxes, offsets)[good], scores[good]
    if not len(boxes):
        return
    single = networks.suppress(boxes.astype(np.float32), scores.astype(np.float32))
    squares = _squares(boxes[single.numpy()])
    scores, offsets, _ = _seen(networks.finish, halves, squares, 48)
    boxes = _moved(squares, offsets)
    sure = np.flatnonzero(scores > _LEAST[2])
    sure = sure[_outermost(boxes[sure], scores[sure])]
    if not len(sure):
        return
    landmarks = _landmarks(networks.finish, halves, boxes[sure])
    for box, score, points in zip(boxes[sure], scores[sure], landmarks, strict=True):
        left, top, right, bottom = box.tolist()
        yield Face(
            box=(left, top, right, bottom), confidence=float(score), landmarks=points
        )


def _landmarks(finish: Any, halves: list[Pixels], boxes: Floats) -> Floats:
    """Landmarks (boxes, 5, 2): means of those in larger crops and mirrored ones.

    They are more exact than those of one crop.
    """
    squares = [_squares(boxes, larger) for larger in _LARGER]
    # Mirrored ones are sampled from right to left.
    crops = np.stack([c for s in squares for c in (s, s[:, [2, 1, 0, 3]])])
    _, _, points = _seen(finish, halves, crops.reshape(-1, 4), 48)
    shares = points.reshape(*crops.shape[:2], 2, 5).swapaxes(2, 3)
    corners, sides = crops[..., None, :2], crops[..., None, 2:] - crops[..., None, :2]
    seen = corners + sides * shares
    seen[1::2] = seen[1::2][:, :, _MIRRORED]
    return np.asarray(seen.mean(axis=0))


def _halves(pixels: Pixels) -> list[Pixels]:
    """The picture, its half, its quarter and so on, down to the cell."""
    halves = [pixels]
    while min(halves[-1].shape[:2]) >= 2 * _CELL:
        halves.append(np.asarray(Image.fromarray(halves[-1]).reduce(2)))
    return halves


def _proposals(
    propose: Callable[..., Any], halves: list[Pixels], smallest: float
) -> Floats:
    """Boxes (proposals, 4) that may hold a face of `smallest` pixels or more."""
    height, width = halves[0].shape[:2]
    scale, boxes = _CELL / smallest, [np.zeros((0, 4))]
    while min(height, width) * scale >= _CELL - 2 * _BEYOND:
        size = round(width * scale), round(height * scale)
        # From a picture that is at most twice as large, which takes little time.
        number = min(max(0, int(-np.log2(scale))), len(halves) - 1)
        resized = Image.fromarray(halves[number])
        resized = resized.resize(size, Image.Resampling.BILINEAR)
        around = ((_BEYOND, _BEYOND), (_BEYOND, _BEYOND), (0, 0))
        level = np.pad(np.asarray(resized), around, mode="edge")
        grown = np.tile([width / size[0], height / size[1]], 2)
        for top, strip in _strips(level):
            places = propose(strip).numpy() + np.tile([0, top], 2)
            boxes.append((places - _BEYOND) * grown)
        scale *= _FACTOR
    return np.concatenate(boxes)


def _strips(pixels: Pixels) -> Iterator[tuple[int, Pixels]]:
    """The first row of each strip and its pixels, so that they hold every place."""
    height, width = pixels.shape[:2]
    rows = max(2 * _CELL, _STRIP // width // _STRIDE * _STRIDE)
    for top in range(0, height - _CELL + 1, rows - (_CELL - _STRIDE)):
        yield top, pixels[top : top + rows]


def _seen(
    network: Callable[..., Any], halves: list[Pixels], boxes: Floats, size: int
) -> list[Floats]:
    """What a network says of boxes (boxes, 4): scores, offsets, and so on.

    Each is cut out of the smallest half in which it has `size` pixels or more.
    """
    sides = np.maximum(boxes[:, 3] - boxes[:, 1], 1)
    numbers = np.clip(np.log2(sides / size).astype(int), 0, len(halves) - 1)
    order, parts = np.argsort(numbers, kind="stable"), []
    for number in np.unique(numbers):
        pixels, rows = halves[number], np.flatnonzero(numbers == number)
        shrunk = np.array(pixels.shape[1::-1]) / halves[0].shape[1::-1]
        for start in range(0, len(rows), _BATCH):
            some = boxes[rows[start : start + _BATCH]] * np.tile(shrunk, 2)
            parts.append(network(pixels, _sampled(some, pixels, size)))
    back = np.argsort(order)
    return [np.concatenate(part)[back] for part in zip(*parts, strict=True)]


def _sampled(boxes: Floats, pixels: Pixels, size: int) -> Floats:
    """Where TensorFlow should sample boxes first, last: 0 and 1 are border pixels."""
    last = np.maximum(np.array(pixels.shape[1::-1]) - 1, 1)
    half_step = (boxes[:, 2:] - boxes[:, :2]) / size / 2
    low, high = boxes[:, :2] + half_step - 0.5, boxes[:, 2:] - half_step - 0.5
    rows_first = [(low / last)[:, ::-1], (high / last)[:, ::-1]]
    return np.concatenate(rows_first, axis=1).astype(np.float32)


def _moved(boxes: Floats, offsets: Floats) -> Floats:
    """Boxes moved by offsets (boxes, 4), shares of their sides."""
    return boxes + offsets * np.tile(boxes[:, 2:] - boxes[:, :2], 2)


def _squares(boxes: Floats, larger: float = 1.0) -> Floats:
    """Squares with the centres of boxes and their longer sides, times `larger`."""
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = np.max(boxes[:, 2:] - boxes[:, :2], axis=1, keepdims=True) / 2 * larger
    return np.concatenate([centres - half, centres + half], axis=1)


def _outermost(boxes: Floats, scores: Floats) -> npt.NDArray[np.intp]:
    """The indices of boxes that share little of their area with any better one.

    Unlike an overlap as a share of both boxes together, this drops a box in another.
    """
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    order, kept = np.argsort(-scores, kind="stable"), list[int]()
    while len(order):
        best, order = order[0], order[1:]
        kept.append(best)
        low = np.maximum(boxes[best, :2], boxes[order, :2])
        high = np.minimum(boxes[best, 2:], boxes[order, 2:])
        shared = np.prod(np.maximum(high - low, 0), axis=1)
        order = order[shared <= _SAME_FACE * np.minimum(areas[best], areas[order])]
    return np.array(kept, np.intp)
