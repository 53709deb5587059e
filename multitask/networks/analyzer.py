"""What does a network predict for files, arrays or PIL images?"""

import os
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from typing import Self

import numpy as np
import pandas as pd

from multitask.contracts.errors import UserError, python_spelling
from multitask.images.damage import Damaged, check_damaged
from multitask.images.decode import Picture
from multitask.images.faces.parts import FaceFinder, Faces, make_finder
from multitask.images.video import EVERY
from multitask.networks.network import Network
from multitask.networks.prediction.answering import Answering, Embeddings, streamed
from multitask.networks.prediction.formats import count_pictures
from multitask.networks.prediction.inputs import (
    check_many,
    check_searchable,
    read_inputs,
)
from multitask.networks.video.predict import Reader, predict_video

_CHUNK = 256  # pictures whose rows come together: soon, and in little memory


class Analyzer(Network):
    """A trained network with its heads: pictures in, a table of predictions out.

    `model` is its Keras model, which takes uint8 RGB images (batch, height, width, 3).

    >>> import multitask
    >>> faces = multitask.load("runs/faces/network.keras")  # doctest: +SKIP
    >>> faces.predict(["a.jpg", "b.png"])["age"].tolist()  # doctest: +SKIP
    [31.4, 62.0]
    """

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
        damaged: Damaged = "skip",
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
        has a row. `faces="detect"` cuts out the face of a crop, too. `faces="whole"`
        looks at whole pictures, one row each; so does `auto` with a network that was
        not trained on crops of faces (`spec.framing` is None). A picture with a box is
        not searched: what is in the box is used as it is, not aligned as a face is. So
        the `box` of a face that `predict` found, given back, may get other answers.
        `detector` is the name of one in `multitask.images.faces.detectors`. A picture
        whose decoder reports damage has no answer, unless `damaged` is `"keep"`.

        The columns are `status` (`ok`, or why there is no answer), `path` (empty if the
        picture is not a path), `box` (empty: the whole picture), `warning` (`unlike the
        training pictures`, or empty; if the network knows these), and those of each
        head's `read`; with `probabilities`, also those of its `probabilities`, such as
        `gender_male`. If faces are looked for, `face` counts them from 0 in each
        picture, and `face_confidence` is from 0 to 1. `heads` are the names of those to
        read, by default all. `progress` is called with the number of pictures done
        since its last call.

        Raises UserError for an unknown head, a batch size that is no number from 1 on,
        a folder or glob without a picture, a DataFrame without `path`, for anything
        that is not a picture, for boxes whose form is in doubt, and if no picture is
        usable: no file exists, or arrays are not uint8. It also does for an unknown
        detector or another word for `damaged`, and for `faces="detect"` with boxes or a
        network without a framing.
        """
        chunks = self.predict_chunks(
            pictures,
            heads=heads,
            probabilities=probabilities,
            box=box,
            faces=faces,
            largest=largest,
            detector=detector,
            damaged=damaged,
            batch_size=batch_size,
        )
        tables = []
        for table in chunks:
            tables.append(table)
            progress(count_pictures(table))
        return tables[0] if len(tables) == 1 else pd.concat(tables)

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
        damaged: Damaged = "skip",
        batch_size: int = 64,
        start: int = 0,
    ) -> Iterator[pd.DataFrame]:
        """Yield the table of `predict` in parts as they are answered.

        Each part has the rows of 256 pictures, the last one what is left; without
        pictures there is one part without rows. The first `start` pictures are left
        out. Raises UserError at once, as `predict` does.
        """
        find = make_finder(faces, self.spec.framing, detector=detector, largest=largest)
        answering = self._answering(heads, find, probabilities, batch_size, damaged)
        inputs = read_inputs(pictures, box, self.spec.box)
        check_searchable(inputs, faces)
        return map(answering.predictions, inputs.parts(start, _CHUNK))

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
        damaged: Damaged = "skip",
        batch_size: int = 64,
        progress: Callable[[float], object] = lambda seconds: None,
    ) -> Iterator[pd.DataFrame]:
        """Yield the rows for the faces in a video, in parts as they are answered.

        `video` is a file or a camera (`camera:0` is the first one), and `every` the
        frames to look at: `5` is every fifth, `"0.5s"` one per half second. The columns
        are `status`, `path`, `time` (in seconds), `person` (a number, from frame to
        frame the same), `box`, `face_confidence`, and answers as in `predict`, for the
        mean of the outputs for the person's face so far; with `average=False`, for the
        frame alone. `warning` is as in `predict`, for the frame alone, or for most
        frames of a person. `persons` gives one row per person, after the last frame
        with it: `start`, `end` and `frames` stand in place of `time`, and answers are
        for the mean over all frames. A video that breaks off has a last row that says
        so.

        `faces`, `largest` and the others are as in `predict`, but a frame that is a
        crop of a face is searched, too; in whole frames nobody is followed. `damaged`
        says what becomes of frames that FFmpeg reports as damaged. `progress` is called
        with the seconds done since its last call.

        The call opens the file or camera. It is closed after the last part, by an
        error, or when the iterator is closed or no longer referred to.

        Raises UserError, at once, if there is no such video or camera, a package is not
        installed (extra `video`), or an option is wrong.
        """
        _check_batch_size(batch_size)
        check_damaged(damaged)
        reader = Reader(
            outputs=lambda pixels: self.outputs_and_far(pixels, batch_size),
            warns=self.training is not None,
            side=self.spec.side,
            find=make_finder(
                faces, self.spec.framing, detector=detector, largest=largest
            ),
            heads=self.heads,
            selected=self.select(heads),
            probabilities=probabilities,
            progress=progress,
        )
        return predict_video(
            video, every, reader, persons=persons, average=average, damaged=damaged
        )

    @python_spelling
    def embed(
        self,
        pictures: Picture | Iterable[Picture] | pd.DataFrame,
        *,
        heads: str | Sequence[str] | None = None,
        probabilities: bool = False,
        box: str = "",
        faces: Faces = "auto",
        largest: bool = False,
        detector: str = "mtcnn",
        damaged: Damaged = "skip",
        batch_size: int = 64,
        progress: Callable[[int], object] = lambda count: None,
    ) -> Embeddings:
        """Predict for pictures, and return the features that all heads begin from, too.

        Takes and raises what `predict` does. Returns `rows`, the table of `predict`,
        and `features` (rows, channels), float32: those after the trunk and its shared
        dense layer, averaged over the crops that the network looks at. They are NaN for
        a row without an answer. Pictures that look alike to the network have features
        with a high cosine similarity.

        >>> rows, features = faces.embed(["a.jpg", "b.png"])  # doctest: +SKIP
        >>> features.shape  # doctest: +SKIP
        (2, 1280)
        """
        chunks = self.embed_chunks(
            pictures,
            heads=heads,
            probabilities=probabilities,
            box=box,
            faces=faces,
            largest=largest,
            detector=detector,
            damaged=damaged,
            batch_size=batch_size,
        )
        parts = []
        for part in chunks:
            parts.append(part)
            progress(count_pictures(part.rows))
        features = np.concatenate([part.features for part in parts])
        return Embeddings(pd.concat([part.rows for part in parts]), features)

    @python_spelling
    def embed_chunks(
        self,
        pictures: Picture | Iterable[Picture] | pd.DataFrame,
        *,
        heads: str | Sequence[str] | None = None,
        probabilities: bool = False,
        box: str = "",
        faces: Faces = "auto",
        largest: bool = False,
        detector: str = "mtcnn",
        damaged: Damaged = "skip",
        batch_size: int = 64,
        start: int = 0,
    ) -> Iterator[Embeddings]:
        """Yield what `embed` returns in parts, as `predict_chunks` yields tables."""
        find = make_finder(faces, self.spec.framing, detector=detector, largest=largest)
        answering = self._answering(heads, find, probabilities, batch_size, damaged)
        inputs = read_inputs(pictures, box, self.spec.box)
        check_searchable(inputs, faces)
        return map(answering.embeddings, inputs.parts(start, _CHUNK))

    @python_spelling
    def stream(
        self,
        pictures: Iterable[Picture],
        *,
        heads: str | Sequence[str] | None = None,
        probabilities: bool = False,
        faces: Faces = "auto",
        largest: bool = False,
        detector: str = "mtcnn",
        damaged: Damaged = "skip",
        batch_size: int = 16,
    ) -> Generator[pd.DataFrame, None, None]:
        """Yield a table as that of `predict` for each picture, as soon as it is there.

        `pictures` is any iterable, endless ones included, of paths, bytes, PIL images
        or uint8 arrays; a folder or a glob in it is no picture. A thread reads them, at
        most `batch_size` ahead, and others decode them and find faces while the network
        answers those that are ready. So a picture never waits for a later one, and
        memory stays flat. The index of a table is the number of its picture, from 0.

        Raises UserError at once as `predict` does, and for a single picture. An error
        that `pictures` raises comes after the tables of the pictures before it.

        >>> for table in faces.stream(camera()):  # doctest: +SKIP
        ...     print(table["age"].tolist())
        """
        check_many(pictures)
        find = make_finder(faces, self.spec.framing, detector=detector, largest=largest)
        answering = self._answering(heads, find, probabilities, batch_size, damaged)
        return streamed(answering, pictures)

    @python_spelling
    def warm_up(
        self, *, faces: Faces = "auto", detector: str = "mtcnn", batch_size: int = 64
    ) -> Self:
        """Do what else the first call does: load the detector, and trace the network.

        Later calls of `predict`, `embed` and `stream` with these settings take about
        the same time from the first one on. Returns the network itself:

        >>> network = multitask.load("faces").warm_up()  # doctest: +SKIP

        Raises UserError for settings that `predict` refuses.
        """
        find = make_finder(faces, self.spec.framing, detector=detector)
        answering = self._answering(None, find, True, batch_size)
        answering.warm_up()
        return self

    def _answering(
        self,
        heads: str | Sequence[str] | None,
        find: FaceFinder | None,
        probabilities: bool,
        batch_size: int,
        damaged: Damaged = "skip",
    ) -> Answering:
        _check_batch_size(batch_size)
        check_damaged(damaged)
        return Answering(
            spec=self.spec,
            forward=self.forward,
            heads=self.select(heads),
            find=find,
            probabilities=probabilities,
            batch_size=batch_size,
            damaged=damaged,
            training=self.training,
        )


def _check_batch_size(batch_size: int) -> None:
    """Raise UserError unless a batch is a whole number of pictures, and not empty."""
    if not isinstance(batch_size, int | np.integer) or isinstance(batch_size, bool):
        raise UserError("batch_size", f"is {batch_size!r}, must be a whole number")
    if batch_size < 1:
        raise UserError("batch_size", f"is {batch_size}, must be 1 or more")
