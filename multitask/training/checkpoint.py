"""What does a stopped training go on from?"""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import keras

from multitask.contracts import saving
from multitask.contracts.errors import UserError

Figures = list[dict[str, Any]]  # a dict an epoch, as a row of history.csv


class Checkpoint:
    """What a stopped training needs to go on; always whole, even after `kill -9`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "checkpoint"
        self.state = self.folder / "state.json"

    def read(self) -> dict[str, Any]:
        """The state of the last epoch, or nothing if none was finished."""
        if not self.state.exists():
            return {}
        return dict(json.loads(self.state.read_text(encoding="utf-8")))

    def restore(self, model: keras.Model, epoch: int) -> None:
        """Fill a compiled model with the state of an epoch that was kept."""
        # The optimizer must have its variables before they can be filled.
        model.optimizer.build(model.trainable_variables)
        try:
            model.load_weights(self._weights(epoch))
        except (ValueError, KeyError) as error:
            raise UserError(
                self.folder,
                f"is of another network or optimizer ({str(error).splitlines()[0]})",
                "a run can only be resumed by the version that began it; train anew",
            ) from None

    def _weights(self, epoch: int) -> Path:
        return self.folder / f"epoch-{epoch}.weights.h5"

    def write(
        self,
        model: keras.Model,
        history: Figures,
        precision: str,
        unsaved: int,
        front: str = "",
    ) -> None:
        """Weights first, then the state that names them, then the old ones go.

        Those of the best epoch stay while its network is `unsaved`. `front` names what
        the model learns from the features of, and does not hold itself.
        """
        self.folder.mkdir(exist_ok=True)
        weights = self._weights(len(history))
        part = self.state.with_suffix(".part")
        state = {
            "unsaved": unsaved,
            "precision": precision,
            "front": front,
            "history": history,
        }
        try:
            model.save_weights(weights)
            saving.flush(weights)
            part.write_text(json.dumps(state), encoding="utf-8")
            saving.flush(part)
            os.replace(part, self.state)
        except OSError as error:
            weights.unlink(missing_ok=True)
            raise UserError(
                weights,
                f"can't be saved ({error.strerror or error}), the best epoch is kept",
                "free some space and go on with --resume",
            ) from None
        for old in self.folder.glob("epoch-*.weights.h5"):
            if old not in (weights, self._weights(unsaved)):
                old.unlink()

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
