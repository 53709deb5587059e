"""What does a stopped training resume from?"""

import json
import os
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import keras

from multitask.contracts import saving
from multitask.contracts.errors import UserError
from multitask.contracts.recipe import Precision
from multitask.contracts.run import CHECKPOINT

_OVERHEAD = 4096  # bytes of a file, and of a variable in it, beside its values
Figures = list[dict[str, Any]]  # one dict per epoch, as in history.csv


@dataclass(frozen=True, kw_only=True)
class State:
    """How far a training is, beside its weights; without arguments, not begun.

    The weights of the epoch `unsaved` (from 1) are kept, as it is the best one and its
    network is not saved yet; 0: none. `front` names the feature cache that the model
    learns from, or is empty. `features_loaded` is whether the layers between trunk and
    heads began with weights of another network.
    """

    unsaved: int = 0
    precision: Precision | None = None
    front: str = ""
    features_loaded: bool = False
    history: Figures = field(default_factory=list)


class Checkpoint:
    """The state that a training resumes from; consistent even after `kill -9`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / CHECKPOINT
        self.file = self.folder / "state.json"

    def read(self) -> State:
        """The state after the last epoch; a training not begun if there is none."""
        if not self.file.exists():
            return State()
        return State(**json.loads(self.file.read_text(encoding="utf-8")))

    def restore(self, model: keras.Model, epoch: int) -> None:
        """Load the weights of an epoch into a compiled model and its optimizer.

        Raises UserError if they belong to another network or optimizer.
        """
        if not model.optimizer.built:  # its variables must exist to be loaded
            model.optimizer.build(model.trainable_variables)
        try:
            model.load_weights(self._weights(epoch))
        except (ValueError, KeyError) as error:
            reason = str(error).splitlines()[0]
            raise UserError(
                self.folder,
                f"belongs to another network or optimizer ({reason})",
                "resume it with the version that started it, or train again",
            ) from None

    def keep_trunk(self, trunk: keras.Model) -> None:
        """Write the weights of a trunk whose layers are frozen, as it begins.

        Raises UserError if the disk is full.
        """
        with saving.reporting_write_errors(self.folder):
            self.folder.mkdir(exist_ok=True)
        with saving.replacing(self._trunk) as part:
            _save_weights(trunk, part)

    def restore_trunk(self, trunk: keras.Model) -> bool:
        """Load those weights; False if a training without them was begun."""
        if not self._trunk.exists():
            return False
        trunk.load_weights(self._trunk)
        return True

    @property
    def _trunk(self) -> Path:
        return self.folder / "trunk.weights.h5"

    def _weights(self, epoch: int) -> Path:
        return self.folder / f"epoch-{epoch}.weights.h5"

    def write(
        self,
        model: keras.Model,
        history: Figures,
        precision: Precision,
        unsaved: int,
        front: str = "",
        features_loaded: bool = False,
    ) -> None:
        """Write the weights, then the state that names them; remove older weights.

        The arguments are those of `State`; the weights of the epoch `unsaved` stay.

        Raises UserError if the disk is full.
        """
        self.folder.mkdir(exist_ok=True)
        weights = self._weights(len(history))
        part = self.file.with_suffix(".part")
        state = State(
            unsaved=unsaved,
            precision=precision,
            front=front,
            features_loaded=features_loaded,
            history=history,
        )
        try:
            _save_weights(model, weights)
            saving.flush(weights)
            part.write_text(json.dumps(asdict(state)), encoding="utf-8")
            saving.flush(part)
            os.replace(part, self.file)
        except OSError as error:
            weights.unlink(missing_ok=True)
            raise UserError(
                weights,
                f"can't be saved ({error.strerror or error}), the best epoch is kept",
                "free some space and continue with --resume",
            ) from None
        for old in self.folder.glob("epoch-*.weights.h5"):
            if old not in (weights, self._weights(unsaved)):
                old.unlink()

    def remove(self) -> None:
        """Remove it, if it is there."""
        # First: without a state, what a kill leaves of the folder is no checkpoint.
        self.file.unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)


def _save_weights(model: keras.Model, path: Path) -> None:
    """Save the weights of a model and its optimizer; OSError if the disk is full.

    HDF5 may end the whole program then: it writes only into space that there is.
    """
    optimizer = getattr(model, "optimizer", None)
    variables = [*model.variables, *(optimizer.variables if optimizer else ())]
    values = sum(v.numpy().nbytes for v in variables)
    saving.reserve(path, values + _OVERHEAD * (1 + len(variables)))
    model.save_weights(path)
