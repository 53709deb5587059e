"""What does a trained network say about files, arrays or PIL images?"""

import os
from collections.abc import Callable, Iterable, Sequence
from copy import copy
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import pandas as pd
import tensorflow as tf

from multitask.contracts.errors import UserError, nearest
from multitask.contracts.head import Head
from multitask.images.decode import Picture, Pixels, decode_all
from multitask.networks import archive
from multitask.networks.spec import NetworkSpec

Outputs = dict[str, npt.NDArray[np.float32]]
_CHUNK = 1024  # pictures decoded at a time, so that memory stays flat


class Analyzer:
    """A trained network with its heads: pictures in, a table of answers out.

    >>> import multitask
    >>> faces = multitask.load("runs/faces/network.keras")  # doctest: +SKIP
    >>> faces.predict(["a.jpg", "b.png"])["age"].tolist()  # doctest: +SKIP
    [31.4, 62.0]
    """

    def __init__(self, model: keras.Model, spec: NetworkSpec) -> None:
        self.model = model
        self.spec = spec
        size = spec.side

        # One traced function for every batch: `model.predict` has a cost of its own
        # that a few pictures can't repay.
        self._forward = tf.function(
            lambda pixels: model(pixels, training=False),
            input_signature=[tf.TensorSpec((None, size, size, 3), tf.uint8)],
        )

    @classmethod
    def load(cls, path: str | Path) -> "Analyzer":
        """Open a network file or run folder; UserError if it is none of ours."""
        return cls(*archive.load(path))

    def with_heads(self, heads: Sequence[Head]) -> "Analyzer":
        """The same network, its outputs read by other heads of the same names."""
        made = copy(self)
        made.spec = self.spec.with_heads(heads)
        return made

    @property
    def heads(self) -> tuple[Head, ...]:
        """The questions that it answers."""
        return self.spec.heads

    @property
    def notes(self) -> tuple[str, ...]:
        """What must be known of the data it learnt from."""
        return self.spec.notes

    def predict(
        self,
        pictures: Picture | Iterable[Picture],
        *,
        heads: Sequence[str] | None = None,
        batch_size: int = 64,
        progress: Callable[[int], object] = lambda done: None,
    ) -> pd.DataFrame:
        """Answer for pictures: a row each, in their order.

        `pictures` are paths, bytes, PIL images or uint8 arrays (height, width, 3) in
        RGB order, mixed as you like; one alone and an array (pictures, height, width,
        3) work too. The columns are `path` (empty for what is no path), `status`
        (`ok`, or why there is no answer), `box` (empty: the whole picture), and those
        of each head's `read`. `progress` is called with how many more are done.

        Raises UserError for an unknown head or a batch size below 1.
        """
        if batch_size < 1:
            raise UserError("batch_size", f"is {batch_size}, must be 1 or more")
        chosen = self._chosen(heads)
        listed = _listed(pictures)
        parts = []
        for start in range(0, max(1, len(listed)), _CHUNK):
            chunk = listed[start : start + _CHUNK]
            parts.append(self._chunk(chunk, chosen, batch_size))
            progress(len(chunk))
        return pd.concat(parts, ignore_index=True)

    def _chunk(
        self, pictures: list[Picture], heads: Sequence[Head], batch_size: int
    ) -> pd.DataFrame:
        size = self.spec.side
        pixels = np.zeros((len(pictures), size, size, 3), np.uint8)
        status = np.full(len(pictures), "ok", dtype=object)
        for index, picture in decode_all(pictures, size):
            if isinstance(picture, str):
                status[index] = picture
            else:
                pixels[index] = picture
        paths = [
            str(p) if isinstance(p, (str, os.PathLike)) else None for p in pictures
        ]
        table = pd.DataFrame(
            {"path": paths, "status": status, "box": None}, dtype=object
        )
        good = np.flatnonzero(status == "ok")
        answers = self.answers(pixels, good, heads=heads, batch_size=batch_size)
        # Else one picture without an answer would make a float of each 1 beside it.
        whole = answers.select_dtypes("integer").columns
        return table.join(answers.astype(dict.fromkeys(whole, "Int64")))

    def answers(
        self,
        pixels: Pixels,
        rows: npt.NDArray[np.intp],
        *,
        heads: Sequence[Head] | None = None,
        batch_size: int = 128,
    ) -> pd.DataFrame:
        """Answer for the `rows` of `pixels` (pictures, side, side, 3), already resized.

        The table is indexed by `rows`.
        """
        outputs = self.outputs(pixels, rows, batch_size=batch_size)
        return read_all(heads or self.heads, outputs, rows)

    def outputs(
        self, pixels: Pixels, rows: npt.NDArray[np.intp], *, batch_size: int = 128
    ) -> Outputs:
        """Raw outputs (rows, ...) of the network by head name."""
        # The network looks at each picture several times, at all of them at once.
        batch_size = max(1, batch_size // len(self.spec.crops()))
        # TensorFlow's convolutions can't take an empty batch.
        named = self._forward.get_concrete_function().structured_outputs
        none = {n: np.zeros((0, *o.shape[1:]), np.float32) for n, o in named.items()}
        parts: list[dict[str, Any]] = [none]
        for start in range(0, len(rows), batch_size):
            batch = pixels[rows[start : start + batch_size]]
            outputs = self._forward(tf.constant(batch, tf.uint8))
            parts.append({name: value.numpy() for name, value in outputs.items()})
        return {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}

    def _chosen(self, names: Sequence[str] | None) -> tuple[Head, ...]:
        known = {head.name: head for head in self.heads}
        for name in names or ():
            if name not in known:
                raise UserError(
                    "--heads",
                    f"this network has no head {name!r}",
                    nearest(name, known),
                )
        return tuple(known[name] for name in dict.fromkeys(names or known))


def read_all(
    heads: Sequence[Head], outputs: Outputs, rows: npt.NDArray[np.intp]
) -> pd.DataFrame:
    """The answers in raw outputs (rows, ...), a table indexed by `rows`."""
    tables = [head.read(outputs[head.name]) for head in heads]
    return pd.concat(tables, axis="columns").set_axis(rows, axis="index")


def _listed(pictures: Any) -> list[Picture]:
    if isinstance(pictures, np.ndarray):
        many = pictures.ndim == 4 or pictures.dtype.kind in "OUS"  # paths of a table
        return list(pictures) if many and pictures.ndim else [pictures]
    alone = (str, bytes, os.PathLike)
    if isinstance(pictures, alone) or hasattr(pictures, "convert"):
        return [pictures]
    return list(pictures)
