"""How probable is each of several ordered values? The answer is their expectation."""

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import pandas as pd
from multitask.heads import _conformal
from multitask.heads._number import Number, interval_error
from scipy.special import softmax

from multitask.contracts.errors import UserError
from multitask.contracts.head import (
    Array,
    Columns,
    Targets,
    class_shares,
    elementwise_loss,
)

_MOST = 10_000  # values; ages have 117
_POWERS = (1.0, 1.25, 1.5, 1.75, 2.0, 2.5)


@dataclass(frozen=True, kw_only=True)
class Distribution(Number):  # type: ignore[misc]
    """A softmax over the values from `low` to `high` in steps of `step`.

    The loss of an exact label is the cross-entropy to a normal distribution around it
    with standard deviation `sigma`, in `unit` (Gao et al. 2017, "Deep Label
    Distribution Learning with Label Ambiguity"), plus `expectation_weight` times the
    absolute error of the expectation (Gao et al. 2018, "Age Estimation Using
    Expectation of Label Distribution Learning"). The loss of an interval is the
    negative log of the probability mass inside it.

    Outputs (batch, values) are probabilities. An answer is the expectation of the
    probabilities raised to the power `sharpness` and normalized. Calibration sets it to
    the power with the least error on the validation part; where all labels there are
    intervals, the error is the distance to the nearer end. A long tail to one side
    draws a plain expectation away from the median.

    The central 80% of an answer lies between the values up to which the probabilities
    sum to the two `levels`. Calibration sets these to the levels that a tenth of the
    validation part is below, and above, so corrected that the interval holds 80% of new
    labels (Chernozhukov et al. 2021, "Distributional Conformal Prediction"; see
    `heads/_conformal.py`). Without it, and with fewer than 9 labels there, they are .1
    and .9, and the ends whole steps.
    """

    step: float = 1.0
    sigma: float = 2.5
    expectation_weight: float = 0.25
    sharpness: float = 1.0
    levels: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("step", "sigma", "sharpness"):
            if not 0 < getattr(self, name) < np.inf:
                raise UserError(
                    self.where, f"{name} is {getattr(self, name)}, must be above 0"
                )
        if self.levels and not 0 <= self.levels[0] <= self.levels[1] <= 1:
            what = f"levels are {self.levels}, must ascend from 0 to 1"
            raise UserError(self.where, what)
        if not 0 <= self.expectation_weight < np.inf:
            what = f"expectation_weight is {self.expectation_weight}, must be 0 or more"
            raise UserError(self.where, what)
        if (self.high - self.low) / self.step > _MOST:
            what = f"step {self.step} leaves more than {_MOST:,} values"
            raise UserError(self.where, what, "set a larger step")
        if len(self.values) < 2:
            raise UserError(
                self.where, f"step {self.step} leaves one value, must leave two or more"
            )

    @property
    def values(self) -> Array:
        """The values (values,) whose probabilities the outputs are, ascending."""
        count = int(np.floor((self.high - self.low) / self.step + 1e-9)) + 1
        return np.asarray(self.low + self.step * np.arange(count))

    @property
    def slack(self) -> float:
        """Half a step: an age of 29.4 lies within 20 to 29, as labels are whole."""
        return self.step / 2

    def layers(self, features: Any) -> Any:
        import keras

        return keras.layers.Dense(
            len(self.values), activation="softmax", dtype="float32", name=self.name
        )(features)

    def initial_bias(self, targets: Targets) -> Array:
        """Answer with the mean of what the loss compares each label with.

        An exact label is a normal distribution, an interval an even one.
        """
        count = len(self.values)
        low, high = ((targets.targets.T - self.low) / self.step).astype(float)
        is_exact = low == high
        nearest = np.round(low[is_exact]).astype(int).clip(0, count - 1)
        exact = np.bincount(nearest, targets.weights[is_exact], count)
        ends = np.ceil(low - 0.5), np.floor(high + 0.5)
        first, last = (end[~is_exact].astype(int).clip(0, count - 1) for end in ends)
        each = targets.weights[~is_exact] / (last - first + 1)
        # What begins at a value less what ended before it.
        intervals = np.bincount(first, each, count + 1)
        intervals -= np.bincount(last + 1, each, count + 1)
        distances = (self.values - self.values[:, None]) / self.sigma
        counts = exact @ softmax(-(distances**2) / 2, axis=1)
        return np.log(class_shares(counts + np.cumsum(intervals)[:count]))

    def loss(self) -> Any:
        return elementwise_loss(self._loss)

    def _loss(self, y_true: Any, y_pred: Any) -> Any:
        from keras import ops

        log = _log_probabilities(y_pred)
        low, high = y_true[:, :1], y_true[:, 1:]  # (batch, 1)
        smooth = ops.softmax(-(((self.values - low) / self.sigma) ** 2) / 2)
        exact = -ops.sum(smooth * log, axis=-1)
        exact += self.expectation_weight * self._error(y_true, y_pred)
        # Half a step to each side, so that an interval between two values holds one.
        half = self.step / 2
        inside = (self.values >= low - half) & (self.values <= high + half)
        # Not -inf, whose gradient would be NaN.
        mass = ops.logsumexp(ops.where(inside, log, -1e9), axis=-1)
        return ops.where(low[:, 0] == high[:, 0], exact, -mass)

    def _error(self, y_true: Any, y_pred: Any) -> Any:
        from keras import ops

        values = self.values.astype("float32")
        expected = ops.sum(y_pred * values, axis=-1, keepdims=True)
        return interval_error(y_true, expected)

    def imitation(self, teacher: Any, outputs: Any) -> Any:
        from keras import ops

        return -ops.sum(teacher * _log_probabilities(outputs), axis=-1)

    def metrics(self) -> list[Any]:
        import keras

        return [keras.metrics.MeanMetricWrapper(self._error, name="mae")]

    def calibrate(self, table: pd.DataFrame, outputs: Array) -> Self:
        truth, rows = self.labels_to_calibrate(table)
        known = np.isfinite(outputs[rows]).all(axis=1)
        truth, rows = truth[known], rows[known]
        if not len(rows):
            return self
        outputs = outputs[rows]
        is_exact = (truth[:, 0] == truth[:, 1]).all()
        low, high = truth.T if is_exact else (truth + [-self.slack, self.slack]).T

        def error(power: float) -> float:
            numbers = self._expected(outputs, power)
            distances = np.maximum(low - numbers, numbers - high)
            return float(np.maximum(distances, 0).mean())

        levels = _conformal.ends(
            *(self._sum_up_to(outputs, end) for end in (low, high))
        )
        return replace(self, sharpness=min(_POWERS, key=error), levels=levels)

    def uncalibrated(self) -> Self:
        return replace(self, levels=None)

    def _sums(self, outputs: Array) -> Array:
        """The sum (rows, values + 1) of the probabilities below each step, and of all.

        The probability of a value is spread evenly over the step around it.
        """
        sums = np.cumsum(outputs, axis=1, dtype=np.float64)
        return np.pad(sums / sums[:, -1:], [(0, 0), (1, 0)])

    def _sum_up_to(self, outputs: Array, numbers: Array) -> Array:
        """The sum (rows,) of the probabilities up to a number in each row."""
        steps = (numbers - self.low) / self.step + 0.5
        first = np.clip(np.floor(steps).astype(int), 0, len(self.values) - 1)
        sums, rows = self._sums(outputs), np.arange(len(outputs))
        below, up_to = sums[rows, first], sums[rows, first + 1]
        share = np.clip(steps - first, 0, 1)
        return np.asarray(below + share * (up_to - below))

    def _number_at(self, outputs: Array, level: float, *, last: bool) -> Array:
        """The number (rows,) up to which probabilities sum to a level.

        Over values without a probability, it is the first such number, or the `last`.
        """
        sums, rows = self._sums(outputs), np.arange(len(outputs))
        is_below = sums[:, 1:] <= level if last else sums[:, 1:] < level
        first = np.minimum(is_below.sum(axis=1), len(self.values) - 1)
        below, mass = sums[rows, first], np.diff(sums, axis=1)[rows, first]
        share = np.where(mass > 0, (level - below) / np.where(mass > 0, mass, 1), last)
        steps = first + np.clip(share, 0, 1) - 0.5
        numbers = self.low + self.step * steps
        return np.asarray(np.clip(numbers, self.low, self.high))

    def _expected(self, outputs: Array, power: float) -> Array:
        sharp = outputs.astype(np.float64) ** power
        return np.asarray(sharp @ self.values / sharp.sum(axis=1))

    def read_columns(self, outputs: Array) -> Columns:
        name = self.columns[0]
        expected = self._expected(outputs, self.sharpness)
        # What is no number has no interval either.
        low, high = (
            np.where(np.isnan(expected), np.nan, end) for end in self._ends(outputs)
        )
        return {name: expected, f"{name}_low": low, f"{name}_high": high}

    def _ends(self, outputs: Array) -> tuple[Array, Array]:
        """The ends (rows,) of the central 80% of each answer."""
        if self.levels:
            low, high = self.levels
            return (
                self._number_at(outputs, low, last=False),
                self._number_at(outputs, high, last=True),
            )
        mass = np.cumsum(outputs, axis=1)
        mass /= mass[:, -1:]
        low, high = (self.values[(mass < level).sum(axis=1)] for level in (0.1, 0.9))
        return low, high


def _log_probabilities(y_pred: Any) -> Any:
    """The logarithm (batch, values) of a softmax, from its logits if Keras has them.

    The gradient of a clipped logarithm is 0 where a probability is tiny: a network that
    is wrong and sure of it would learn nothing.
    """
    from keras import ops

    logits = getattr(y_pred, "_keras_logits", None)
    if logits is None:
        return ops.log(ops.maximum(y_pred, np.finfo("float32").tiny))
    return ops.log_softmax(logits)
