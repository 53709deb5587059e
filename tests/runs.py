"""What do tests of fit share? Small recipes, and ways to stop a training."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from multitask.contracts.recipe import Recipe

ROOT = Path(__file__).parents[1]
HEADS = ("age", "gender", "expression", "attributes[Smiling,Eyeglasses]")
SHOWN = ("pictures", "why", "model_card", "page")  # reports that people look at
EPOCHS = 14  # of `start_fit`, which must not end before it is stopped


def tiny_recipe(faces: Path, **changes: Any) -> Recipe:
    """A recipe for `gender` of the sample drawn in `faces`, on the trunk `tiny`."""
    settings: dict[str, Any] = {
        "heads": ("gender",),
        "data": (f"sample={faces}",),
        "trunk": "tiny",
        "epochs": 2,
        "batch_size": 16,
        "precision": "float32",
    }
    return Recipe(**(settings | changes))


def leave_out_reports(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Have fits write no reports of these names, which take most of a quick one."""
    from multitask.contracts import plugins

    modules = [
        module
        for module in plugins.reports()
        if module.__name__.rpartition(".")[2] not in names
    ]
    monkeypatch.setattr(plugins, "reports", lambda: modules)


def quiet(line: str) -> None:
    """Say nothing."""


def fit_options(out: Path, faces: Path) -> list[str]:
    """The options of a fit of `EPOCHS` epochs, the same whenever it is resumed."""
    return [
        "--heads", "gender", "--data", f"sample={faces}", "--trunk", "tiny",
        "--epochs", str(EPOCHS), "--batch-size", "8", "--precision", "float32",
        "--out", str(out),
    ]  # fmt: skip


def start_fit(out: Path, faces: Path, epochs: int) -> "subprocess.Popen[bytes]":
    """A fit in a process of its own that has finished so many epochs."""
    process = subprocess.Popen(
        [sys.executable, ROOT / "tests" / "tiny.py", "fit", *fit_options(out, faces)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert process.stderr
    for _ in range(2400):
        history = out / "history.csv"
        if history.exists() and len(history.read_text().splitlines()) > epochs:
            return process
        if process.poll() is not None:
            raise AssertionError(process.stderr.read().decode())
        time.sleep(0.05)
    raise AssertionError("no epoch was finished in two minutes")


def stop_in(monkeypatch: pytest.MonkeyPatch, epoch: int) -> None:
    """Have Ctrl-C pressed in an epoch (from 1) of the next training, once."""
    from multitask.training.display import Progress

    usual = Progress.on_train_batch_end

    def stop(self: Any, batch: int, logs: Any = None) -> None:
        if self.model.optimizer.iterations > (epoch - 1) * self.params["steps"]:
            monkeypatch.setattr(Progress, "on_train_batch_end", usual)
            raise KeyboardInterrupt
        usual(self, batch, logs)

    monkeypatch.setattr(Progress, "on_train_batch_end", stop)
