"""What does a trained network predict for files, arrays or PIL images?"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import pandas as pd
import tensorflow as tf

from multitask.contracts.errors import UserError, nearest, python_spelling
from multitask.contracts.head import Head
from multitask.contracts.recipe_texts import split_names
from multitask.images.decode import Picture, Pixels
from multitask.images.faces.parts import FaceFinder, Faces, Part, cut_all, finder
from multitask.images.video import EVERY
from multitask.networks import archive, describe
from multitask.networks.answers import Outputs, read_all
from multitask.networks.prediction.formats import count_pictures
from multitask.networks.prediction.inputs import Inputs, read_inputs
from multitask.networks.spec import NetworkSpec
from multitask.networks.video.predict import Reader, predict_video

_CHUNK = 256  # pictures answered at a time: memory stays flat, and rows come soon


class Analyzer:
    """A trained network with its heads: pictures in, a table of predictions out.

    `model` is its Keras model, which takes uint8 RGB images (batch, height, width, 3).

    >>> import multitask
    >>> faces = multitask.load("runs/faces/network.keras")  # doctest: +SKIP
    >>> faces.predict(["a.jpg", "b.png"])["age"].tolist()  # doctest: +SKIP
    [31.4, 62.0]
    """

    def __init__(self, model: keras.Model, spec: NetworkSpec) -> None:
        self.model = model
        self.spec = spec
        size = spec.side
        model(model.input)  # Keras exports only called models to ONNX

        # One traced function for every batch: the overhead of `model.predict` is too
        # large for a few pictures.
        self._forward = tf.function(
            lambda pixels: model(pixels, training=False),
            input_signature=[tf.TensorSpec((None, size, size, 3), tf.uint8)],
        )

    @classmethod
    def load(cls, path: str | Path) -> "Analyzer":
        """Open a network file or run folder.

        Raises UserError if there is none, or multitask did not write it.
        """
        return cls(*archive.load(path))

    def with_heads(self, heads: Sequence[Head]) -> "Analyzer":
        """The same network with other heads of the same names to read its outputs."""
        analyzer = copy(self)
        analyzer.spec = self.spec.with_heads(heads)
        return analyzer

    @property
    def heads(self) -> tuple[Head, ...]:
        """The heads of the network."""
        return self.spec.heads

    def __repr__(self) -> str:
        return describe.text(self.spec, self.model.count_params())

    def _repr_html_(self) -> str:
        return describe.html(self.spec, self.model.count_params())

    @property
    def notes(self) -> tuple[str, ...]:
        """Caveats about the data that the network was trained on."""
        return self.spec.notes

    @python_spelling
    def predict(
        self,
        pictures: Picture | Iterable[Picture] | pd.DataFrame,
        *,
        heads: str | Sequence[str] | None = None,
        probabilities: bool = False,
        box: str = "",
        faces: Faces = "auto",
        largest: bool = False,
        detector: str = "mtcnn",
        batch_size: int = 64,
        progress: Callable[[int], object] = lambda count: None,
    ) -> pd.DataFrame:
        """Predict for pictures: a table of faces, or of pictures, in their order.

        `pictures` are paths, folders, globs, bytes, PIL images or uint8 arrays (height,
        width, 3) in RGB order, alone or in a list of any mix; an array (pictures,
        height, width, 3); or a DataFrame with such pictures in its column `path` and,
        if it has one, the part to look at in its column `box`: `left top right bottom`
        in pixels, as text or as four numbers, empty for the whole picture. `box="xywh"`
        says that they are left, top, width and height; if the network was trained on a
        table of such boxes, `box` must say it, or `"xyxy"`. Columns such as `bbox`, or
        `x`, `y`, `w` and `h`, are boxes, too. In a DataFrame or a column of one, every
        row is one picture, and its index is kept.

        `faces="auto"` finds the faces of each picture and cuts them out as the
        network's training pictures were cropped: one row per face, large ones first. A
        picture that is such a crop already is one row, and so is one without a face,
        whose status is `no face`. With `largest`, only the largest face of a picture
        counts. `faces="detect"` cuts out the face of a crop, too. `faces="whole"` looks
        at whole pictures, one row each; so does `auto` with a network that was not
        trained on crops of faces (`spec.framing` is None). A picture with a box is not
        searched. `detector` is the name of one in `multitask.images.faces.detectors`.

        The columns are `status` (`ok`, or why there is no answer), `path` (empty if the
        picture is not a path), `box` (empty: the whole picture), and those of each
        head's `read`; with `probabilities`, also those of its `probabilities`, such as
        `gender_male`. If faces are looked for, `face` counts them from 0 in each
        picture, and `face_confidence` is from 0 to 1. `heads` are the names of those to
        read, by default all. `progress` is called with the number of pictures done
        since its last call.

        Raises UserError for an unknown head, a batch size below 1, a folder or glob
        without a picture, a DataFrame without `path`, for anything that is not a
        picture, for boxes whose form is in doubt, and if no picture is usable: no file
        exists, or arrays are not uint8. It also does for an unknown detector, and for
        `faces="detect"` with boxes or a network without a framing.
        """
        chunks = self.predict_chunks(
            pictures,
            heads=heads,
            probabilities=probabilities,
            box=box,
            faces=faces,
            largest=largest,
            detector=detector,
            batch_size=batch_size,
        )
        tables = []
        for table in chunks:
            tables.append(table)
            progress(count_pictures(table))
        return pd.concat(tables)

    @python_spelling
    def predict_chunks(
        self,
        pictures: Picture | Iterable[Picture] | pd.DataFrame,
        *,
        heads: str | Sequence[str] | None = None,
        probabilities: bool = False,
        box: str = "",
        faces: Faces = "auto",
        largest: bool = False,
        detector: str = "mtcnn",
        batch_size: int = 64,
        start: int = 0,
    ) -> Iterator[pd.DataFrame]:
        """Yield the table of `predict` in parts as they are answered.

        Each part has the rows of 256 pictures, the last one what is left; without
        pictures there is one part without rows. The first `start` pictures are left
        out. Raises UserError at once, as `predict` does.
        """
        _check_batch_size(batch_size)
        names = split_names(heads) if isinstance(heads, str) else heads
        selected = self.select(names)
        find = finder(faces, self.spec.framing, detector=detector, largest=largest)
        inputs = read_inputs(pictures, box, self.spec.box)
        _check_boxes(inputs, faces)
        return (
            self._predict_chunk(part, selected, find, probabilities, batch_size)
            for part in inputs.parts(start, _CHUNK)
        )

    @python_spelling
    def predict_video(
        self,
        video: str | os.PathLike[str],
        *,
        every: int | str = EVERY,
        persons: bool = False,
        average: bool = True,
        heads: str | Sequence[str] | None = None,
        probabilities: bool = False,
        faces: Faces = "auto",
        largest: bool = False,
        detector: str = "mtcnn",
        batch_size: int = 64,
        progress: Callable[[float], object] = lambda seconds: None,
    ) -> Iterator[pd.DataFrame]:
        """Yield the rows for the faces in a video, in parts as they are answered.

        `video` is a file or a camera (`camera:0` is the first one), and `every` the
        frames to look at: `5` is every fifth, `"0.5s"` one per half second. The columns
        are `status`, `path`, `time` (in seconds), `person` (a number, from frame to
        frame the same), `box`, `face_confidence`, and answers as in `predict`, for the
        mean of the outputs for the person's face so far; with `average=False`, for the
        frame alone. `persons` gives one row per person, after the last frame with it:
        `start`, `end` and `frames` stand in place of `time`, and answers are for the
        mean over all frames. A video that breaks off has a last row that says so.

        `faces`, `largest` and the others are as in `predict`, but a frame that is a
        crop of a face is searched, too; in whole frames nobody is followed. `progress`
        is called with the seconds done since its last call.

        Raises UserError, at once, if there is no such video or camera, a package is not
        installed (extra `video`), or an option is wrong.
        """
        _check_batch_size(batch_size)
        names = split_names(heads) if isinstance(heads, str) else heads
        reader = Reader(
            outputs=lambda pixels: self.outputs(
                pixels, np.arange(len(pixels)), batch_size=batch_size
            ),
            side=self.spec.side,
            find=finder(faces, self.spec.framing, detector=detector, largest=largest),
            heads=self.heads,
            selected=self.select(names),
            probabilities=probabilities,
            progress=progress,
        )
        return predict_video(video, every, reader, persons=persons, average=average)

    def _predict_chunk(
        self,
        inputs: Inputs,
        heads: Sequence[Head],
        find: FaceFinder | None,
        probabilities: bool,
        batch_size: int,
    ) -> pd.DataFrame:
        size, pictures = self.spec.side, inputs.pictures
        margin = self.spec.box_margin
        cut = cut_all(pictures, size, inputs.boxes, margin, find)
        # A picture without any part is a row, too.
        rows: list[tuple[int, Part | str]] = []
        for index, parts in enumerate(cut):
            found = [parts] if isinstance(parts, str) else parts
            rows.extend((index, part) for part in found)
        table = _before_answers(inputs, rows, faces=find is not None)
        good = np.flatnonzero(table["status"] == "ok")
        shown = [part.pixels for _, part in rows if isinstance(part, Part)]
        answers = self.answers(
            np.stack(shown) if shown else np.zeros((0, size, size, 3), np.uint8),
            np.arange(len(shown)),
            heads=heads,
            probabilities=probabilities,
            batch_size=batch_size,
        )
        # Nullable integers: an empty cell would turn a column of ints into floats.
        integers = answers.select_dtypes("integer").columns
        answers = answers.astype(dict.fromkeys(integers, "Int64"))
        labels = inputs.index[[index for index, _ in rows]]
        return table.join(answers.set_axis(good)).set_axis(labels, axis="index")

    def answers(
        self,
        pixels: Pixels,
        rows: npt.NDArray[np.intp],
        *,
        heads: Sequence[Head] | None = None,
        probabilities: bool = False,
        batch_size: int = 128,
    ) -> pd.DataFrame:
        """Predict for the `rows` of resized `pixels` (pictures, side, side, 3), uint8.

        The table has the columns of each head's `read`, and of its `probabilities` if
        they are wanted, and is indexed by `rows`.
        """
        outputs = self.outputs(pixels, rows, batch_size=batch_size)
        return read_all(
            self.heads, outputs, rows, selected=heads, probabilities=probabilities
        )

    def outputs(
        self, pixels: Pixels, rows: npt.NDArray[np.intp], *, batch_size: int = 128
    ) -> Outputs:
        """Raw outputs (rows, ...) of the network by head name."""
        # The network takes several crops of each picture into one batch.
        batch_size = max(1, batch_size // len(self.spec.crops()))
        # TensorFlow's convolutions can't take an empty batch.
        named = self._forward.get_concrete_function().structured_outputs
        empty = {n: np.zeros((0, *o.shape[1:]), np.float32) for n, o in named.items()}
        parts: list[dict[str, Any]] = [empty]
        for start in range(0, len(rows), batch_size):
            batch = pixels[rows[start : start + batch_size]]
            outputs = self._forward(tf.constant(batch, tf.uint8))
            parts.append({name: value.numpy() for name, value in outputs.items()})
        return {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}

    def select(self, names: Sequence[str] | None) -> tuple[Head, ...]:
        """The heads of these names, or all; UserError if there is no such head."""
        known = {head.name: head for head in self.heads}
        for name in names or ():
            if name not in known:
                todo = nearest(name, known)
                if todo.startswith("known"):  # no mistyped name
                    todo += "; train one that has it: python -m multitask.fit --heads "
                    todo += f"{name} --data NAME=FOLDER"
                what = f"this network has no head {name!r}"
                raise UserError("--heads", what, todo)
        return tuple(known[name] for name in dict.fromkeys(names or known))


def _check_batch_size(batch_size: int) -> None:
    if batch_size < 1:
        raise UserError("batch_size", f"is {batch_size}, must be 1 or more")


def _before_answers(
    inputs: Inputs, rows: Sequence[tuple[int, Part | str]], *, faces: bool
) -> pd.DataFrame:
    """The columns before the answers, of (place in the inputs, part or reason)."""
    pictures = [inputs.pictures[index] for index, _ in rows]
    parts = [part if isinstance(part, Part) else None for _, part in rows]
    # First, as pandas leaves out the middle columns of a table that is printed.
    table = pd.DataFrame(
        {
            "status": ["ok" if isinstance(part, Part) else part for _, part in rows],
            "path": [
                str(p) if isinstance(p, (str, os.PathLike)) else None for p in pictures
            ],
            "box": [
                part.box if part else inputs.boxes[index]
                for (index, _), part in zip(rows, parts, strict=True)
            ],
        },
        dtype=object,
    )
    if faces:
        numbers = [part.face if part else None for part in parts]
        table.insert(2, "face", pd.Series(numbers, dtype="Int64"))
        confidence = [part.confidence if part else np.nan for part in parts]
        table["face_confidence"] = np.array(confidence, np.float32)
    return table


def _check_boxes(inputs: Inputs, faces: str) -> None:
    """Raise UserError for boxes in which faces would be searched."""
    if faces == "detect" and any(inputs.boxes):
        what = "the pictures come with boxes already"
        raise UserError("--faces detect", what, "leave out one of them")
