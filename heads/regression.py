"""Which number is it, as one output unit?"""

from dataclasses import dataclass, replace
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from multitask.heads import _conformal
from multitask.heads._number import Number, interval_error
from scipy.special import logit

from multitask.contracts.head import Array, Columns, Targets, elementwise_loss

_END = 1e-3  # of the range: no initial answer is nearer to an end


@dataclass(frozen=True, kw_only=True)
class Regression(Number):  # type: ignore[misc]
    """One sigmoid unit, rescaled to the range from `low` to `high`.

    Outputs (batch, 1) are in `unit`. The loss is the `error` of the output divided by
    the range; it is 0 inside an interval. `huber` is quadratic up to a tenth of the
    range (Huber 1964, "Robust Estimation of a Location Parameter").

    `residuals` are between which values the label minus the answer lies in 80% of the
    validation part, in `unit`: a tenth is below, a tenth above. Calibration measures
    them, so corrected that they hold 80% of new labels (see `heads/_conformal.py`).
    They make the central 80% of an answer, which is empty without them, as it is if
    fewer than 9 pictures of the validation part have a label.
    """

    error: Literal["mse", "mae", "huber"] = "mse"
    residuals: tuple[float, float] | None = None

    @property
    def squared_error(self) -> bool:
        return self.error == "mse"

    def layers(self, features: Any) -> Any:
        import keras

        unit = keras.layers.Dense(
            1, activation="sigmoid", dtype="float32", name=f"{self.name}-unit"
        )(features)
        return keras.layers.Rescaling(
            self.high - self.low, offset=self.low, dtype="float32", name=self.name
        )(unit)

    def initial_bias(self, targets: Targets) -> Array:
        """Answer with the constant of the least error: the labels' mean, or median."""
        middles, weights = targets.targets.mean(axis=1, dtype=float), targets.weights
        if self.error == "mae":
            constant = np.quantile(middles, 0.5, weights=weights, method="inverted_cdf")
        else:
            constant = np.average(middles, weights=weights)
        share = (constant - self.low) / (self.high - self.low)
        # Nearer to an end, the sigmoid has hardly any gradient to learn by.
        return np.array([logit(np.clip(share, _END, 1 - _END))])

    def loss(self) -> Any:
        return elementwise_loss(self._loss)

    def _loss(self, y_true: Any, y_pred: Any) -> Any:
        from keras import ops

        distance = interval_error(y_true, y_pred) / (self.high - self.low)
        if self.error == "mae":
            return distance
        if self.error == "mse":
            return distance**2
        delta = 0.1
        return ops.where(
            distance <= delta, distance**2 / 2, delta * (distance - delta / 2)
        )

    def imitation(self, teacher: Any, outputs: Any) -> Any:
        from keras import ops

        return self._loss(ops.concatenate([teacher, teacher], axis=-1), outputs)

    def metrics(self) -> list[Any]:
        import keras

        return [keras.metrics.MeanMetricWrapper(interval_error, name="mae")]

    def calibrate(self, table: pd.DataFrame, outputs: Array) -> Self:
        labels, rows = self.labels_to_calibrate(table)
        residuals = labels - outputs[rows]
        return replace(self, residuals=_conformal.ends(*residuals.T))

    def uncalibrated(self) -> Self:
        return replace(self, residuals=None)

    def read_columns(self, outputs: Array) -> Columns:
        name, predictions = self.columns[0], outputs[:, 0]
        low, high = self.residuals or (np.nan, np.nan)
        return {
            name: predictions,
            f"{name}_low": np.clip(predictions + low, self.low, self.high),
            f"{name}_high": np.clip(predictions + high, self.low, self.high),
        }
