"""How does a training show how far it is, on a terminal and without one?"""

import inspect
import sys
import time
from typing import Any, Self

import keras

from multitask.contracts.errors import Say
from multitask.terminal.bar import is_terminal
from multitask.terminal.figures import Snapshot, duration, line, render
from multitask.training.callbacks import BestEpoch, by_head

_VALIDATION_STEP = 1 / 3  # of a training step: the forward pass alone


class Progress(keras.callbacks.Callback):  # type: ignore[misc]
    """Shows the figures of a stage: live on a terminal, else a line per epoch.

    It is live only if `say` is `print`: whoever catches lines gets them all. `title`
    says which of several trainings it is, and `later` how many epochs the stages after
    this one have. Enter it as a context for the time of the training.
    """

    def __init__(
        self,
        best: BestEpoch,
        validation_steps: int = 0,
        *,
        later: int = 0,
        say: Say = lambda line: None,
        title: str = "",
    ) -> None:
        super().__init__()
        self.best, self.later, self.say, self.title = best, later, say, title
        self.validation_work = validation_steps * _VALIDATION_STEP
        self.quantities = {"loss": "loss"}
        for head in best.spec.heads:
            for metric in head.metrics()[:1]:
                name = metric.name
                self.quantities[f"{head.name} {name}"] = f"{head.name}_{name}"
        self.logs: dict[str, Any] = {}
        self.work = 0.0  # steps done of the epoch
        self.epoch = len(best.history)  # from 0
        self.start: tuple[float, float] | None = None  # time, and steps done by then
        self.live: Any = None

    def __enter__(self) -> Self:
        if inspect.unwrap(self.say) is print and is_terminal(sys.stdout):
            from rich.console import Console
            from rich.live import Live

            console = Console()
            # It vanishes if others follow: what came of each is said in a line.
            self.live = Live(
                console=console,
                transient=bool(self.title),
                get_renderable=lambda: render(self.snapshot(), console.height),
            )
            self.live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end_epochs()  # Ctrl-C may come between what follows an epoch
        if self.live:
            live, self.live = self.live, None
            live.stop()

    @property
    def epochs(self) -> int:
        """How many epochs the whole training has, if no stage ends early."""
        return self.best.last + self.later

    def snapshot(self) -> Snapshot:
        """What the display shows now."""
        history = self.best.history
        share = self.work / self._epoch_work
        return Snapshot(
            title=self.title,
            quantities=self.quantities,
            epoch=min(self.epoch + 1, self.best.last),
            epochs=self.epochs,
            done=min(1.0, (self.epoch + share) / self.epochs),
            left=self._left(),
            train=by_head(self.logs, self.best.spec.heads) if self.logs else {},
            validation=history[-1] if history else {},
            best=history[self.best.best_epoch - 1] if history else {},
            ended=self.live is None,
        )

    @property
    def _epoch_work(self) -> float:
        return float((self.params or {}).get("steps") or 1) + self.validation_work

    def _left(self) -> str:
        """The remaining time, from the second step on: the first one is compiled."""
        if not self.start:
            return "compiling"
        done = self.epoch * self._epoch_work + self.work
        if done <= self.start[1]:
            return ""
        rate = (time.monotonic() - self.start[0]) / (done - self.start[1])
        left = duration(rate * max(0.0, self.best.last * self._epoch_work - done))
        # How long a step of a later stage takes, nobody knows yet.
        return f"{left} left" + " in this stage" * bool(self.later)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.logs = dict(logs or {})
        self.work += 1
        if not self.start:
            done = self.epoch * self._epoch_work + self.work
            self.start = time.monotonic(), done

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        self.work += _VALIDATION_STEP

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._end_epochs()

    def _end_epochs(self) -> None:
        """Show each epoch that is over and has not been shown yet."""
        for figures in self.best.history[self.epoch :]:
            self.epoch, self.work = self.epoch + 1, 0.0
            if not self.live:
                self.say(line(figures, self.quantities, self.epochs))
