"""What number is it, as one output unit?"""

from dataclasses import dataclass, replace
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from multitask.heads._number import Number, outside

from multitask.contracts.head import Array, elementwise_loss


@dataclass(frozen=True, kw_only=True)
class Regression(Number):  # type: ignore[misc]
    """One sigmoid unit scaled to `low`..`high`, so outputs (batch, 1) are in `unit`.

    The loss is the `error` (mse, mae, or huber with its bend at a tenth of the range)
    in shares of the range; within an interval label it is 0. `residuals` are the 10%
    and 90% points of truth minus answer on the validation part, found after training:
    they make the central 80% of an answer, which is empty without them.
    """

    error: Literal["mse", "mae", "huber"] = "mse"
    residuals: tuple[float, float] | None = None

    @property
    def squared_error(self) -> bool:
        return self.error == "mse"

    def layers(self, features: Any) -> Any:
        import keras

        unit = keras.layers.Dense(
            1, activation="sigmoid", dtype="float32", name=f"{self.name}_unit"
        )(features)
        return keras.layers.Rescaling(
            self.high - self.low, offset=self.low, dtype="float32", name=self.name
        )(unit)

    def loss(self) -> Any:
        return elementwise_loss(self._loss)

    def _loss(self, ends: Any, said: Any) -> Any:
        from keras import ops

        distance = outside(ends, said) / (self.high - self.low)
        if self.error == "mae":
            return distance
        if self.error == "mse":
            return distance**2
        bend = 0.1
        return ops.where(
            distance <= bend, distance**2 / 2, bend * (distance - bend / 2)
        )

    def metrics(self) -> list[Any]:
        import keras

        return [keras.metrics.MeanMetricWrapper(outside, name="mae")]

    def calibrate(self, table: pd.DataFrame, outputs: Array) -> Self:
        truth = self.interval(table)
        exact = truth[:, 0] == truth[:, 1]
        if not exact.any():
            return self
        low, high = np.quantile(truth[exact, 0] - outputs[exact, 0], [0.1, 0.9])
        return replace(self, residuals=(float(low), float(high)))

    def read(self, outputs: Array) -> pd.DataFrame:
        name, said = self.columns[0], outputs[:, 0]
        low, high = self.residuals or (np.nan, np.nan)
        return pd.DataFrame(
            {
                name: said,
                f"{name}_low": np.clip(said + low, self.low, self.high),
                f"{name}_high": np.clip(said + high, self.low, self.high),
            }
        )
