"""How is a trained network opened, and what does it compute for resized pixels?"""

import math
from collections.abc import Collection, Sequence
from copy import copy
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Self

import keras
import numpy as np
import pandas as pd

from multitask.contracts.errors import UserError
from multitask.contracts.head import Columns, Head
from multitask.contracts.recipe import TTA
from multitask.contracts.recipe_texts import check_some_heads, split_names
from multitask.contracts.run import network_file
from multitask.images.decode import Pixels
from multitask.networks import archive, describe, unlike
from multitask.networks.answers import (
    NO_NUMBER,
    Outputs,
    finite,
    read_all,
    read_columns,
)
from multitask.networks.build import build
from multitask.networks.forward import Engine, Features, Forward, Rows, shared_features
from multitask.networks.named.description import datasets, licence
from multitask.networks.named.heads import lacking
from multitask.networks.spec import NetworkSpec
from multitask.networks.stored.model import safely
from multitask.networks.unlike import Far, TrainingFeatures


class Network:
    """A trained network with its heads.

    `model` is its Keras model, which takes uint8 RGB images (batch, height, width, 3).
    """

    def __init__(
        self,
        model: keras.Model,
        spec: NetworkSpec,
        file: Path | None = None,
        training: bytes | None = None,
        engine: Engine = "tensorflow",
    ) -> None:
        self.model = model
        self.spec = spec
        self.file = file  # that it was loaded from
        self._training = training
        model(model.input)  # Keras exports only called models to ONNX
        self.forward = Forward(model, spec, file or "network", engine)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Open a network file or run folder.

        Raises UserError if there is none, or multitask did not write it.
        """
        file = network_file(path)
        model, spec = archive.load(file)
        with safely(file, "is damaged"):
            return cls(model, spec, file, archive.load_training(file))

    @cached_property
    def training(self) -> TrainingFeatures | None:
        """What is known of its training pictures, if anything is.

        Raises UserError if that part of the file is damaged.
        """
        if not self._training:
            return None
        shared = shared_features(self.model.get_layer("core")).shape
        return unlike.read(self._training, math.prod(shared[1:]), self.file)

    def with_heads(self, heads: Sequence[Head]) -> Self:
        """The same network with other heads of the same names to read its outputs."""
        analyzer = copy(self)
        analyzer.spec = self.spec.with_heads(heads)
        return analyzer

    def with_tta(self, tta: int) -> Self:
        """The same network with other test-time augmentation.

        It averages its answers over 1, 2, 4 or 16 crops of each picture. Time grows in
        proportion. Raises UserError for another number.
        """
        if tta not in TTA:
            raise UserError("tta", f"is {tta}, must be 1, 2, 4 or 16")
        spec = replace(self.spec, tta=tta)
        model = build(spec, self.model.get_layer("core"))
        # What is far by the features of other crops is not known.
        training = self._training if tta == self.spec.tta else None
        return type(self)(model, spec, self.file, training, self.forward.engine)

    def with_engine(self, engine: Engine) -> Self:
        """The same network, run by another engine: `"tensorflow"` or `"litert"`.

        On a CPU LiteRT takes a fraction of the time for single pictures, and less for
        batches; before the first one it takes seconds to convert the network. Answers
        differ in their last digits. It needs the package ai-edge-litert (extra
        `litert`), and is meant for programs that answer many times.

        Raises UserError for another engine and if the package is not installed; at the
        first picture, if the network has operations that LiteRT lacks.
        """
        return type(self)(self.model, self.spec, self.file, self._training, engine)

    @property
    def heads(self) -> tuple[Head, ...]:
        """The heads of the network."""
        return self.spec.heads

    def __repr__(self) -> str:
        return describe.text(self.spec, self.model.count_params(), self._card)

    def _repr_html_(self) -> str:
        return describe.html(self.spec, self.model.count_params(), self._card)

    @property
    def _card(self) -> describe.Card:
        names = datasets(self.file) if self.file else ()
        return describe.Card(licence=self.licence, datasets=names)

    @property
    def licence(self) -> str:
        """The licence that the card beside its file names; "" if there is none."""
        return licence(self.file) if self.file else ""

    @property
    def notes(self) -> tuple[str, ...]:
        """Caveats about the data that the network was trained on."""
        return self.spec.notes

    def answers(
        self,
        pixels: Pixels,
        rows: Rows,
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

    def answer_columns(
        self, pixels: Pixels, *, heads: Sequence[Head] | None = None
    ) -> Columns:
        """The columns of `answers` with probabilities for all of `pixels`, as arrays.

        There is also a `warning`, as in `predict`, if the network knows its training
        pictures. For a single picture, a table would take long beside the network.

        Raises UserError if an output is not a number.
        """
        outputs, far = self.outputs_and_far(pixels, 64)
        if not finite(self.heads if heads is None else heads, outputs).all():
            where = self.file or "network"
            raise UserError(where, f"gives {NO_NUMBER}", "train or copy it again")
        columns = read_columns(self.heads, outputs, selected=heads, probabilities=True)
        if far is not None:
            words = [unlike.UNLIKE if is_far else None for is_far in far]
            columns["warning"] = np.array(words, object)
        return columns

    def outputs_and_far(self, pixels: Pixels, batch_size: int) -> tuple[Outputs, Far]:
        """Raw outputs (pictures, ...) by head name, and what is unlike the training.

        That is True or False for each picture; None if the network doesn't know.
        """
        rows = np.arange(len(pixels))
        if self.training is None:
            return self.forward.outputs(pixels, rows, batch_size), None
        outputs, features = self.forward.with_features(pixels, rows, batch_size)
        return outputs, self.training.unlike(features)

    def outputs(self, pixels: Pixels, rows: Rows, *, batch_size: int = 128) -> Outputs:
        """Raw outputs (rows, ...) of the network by head name."""
        return self.forward.outputs(pixels, rows, batch_size)

    def features(
        self, pixels: Pixels, rows: Rows, *, batch_size: int = 128
    ) -> Features:
        """Features (rows, channels) as those of `embed`, of resized `pixels`."""
        return self.forward.with_features(pixels, rows, batch_size)[1]

    def select(self, names: str | Sequence[str] | None) -> tuple[Head, ...]:
        """The heads of these names, all for None; UserError for others, or no name.

        Names in a text are separated by commas.
        """
        known = {head.name: head for head in self.heads}
        if names is None:
            return tuple(known.values())
        if not isinstance(names, Collection):
            what = f"is of type {type(names).__name__}, must be names"
            raise UserError("--heads", what, f"known: {', '.join(known)}")
        names = split_names(names) if isinstance(names, str) else tuple(names)
        check_some_heads(names)
        for name in names:
            if not isinstance(name, str):
                what = f"name {name!r}, which is no text"
                raise UserError("--heads", what, f"known: {', '.join(known)}")
            if name not in known:
                raise lacking(name, list(known))
        return tuple(known[name] for name in dict.fromkeys(names))
