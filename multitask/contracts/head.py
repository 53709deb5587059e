"""What is a head? One question: its label columns, layers, loss, metrics and answers.

A head is data (a frozen dataclass made from `heads/catalog.toml` or a recipe); its
class, the kind, is code (`heads/softmax.py`). The life of a head in the order of the
methods below:

    labels --resolve--> head --encode--> targets, weights --loss, metrics--> training
    training targets --initial_bias--> the answers that training starts from
    features --layers--> outputs --read--> answers; labels, answers --summary--> report
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from multitask.contracts.errors import UserError
from multitask.contracts.table import interval_columns, label_columns

Array = npt.NDArray[Any]
Columns = dict[str, Array]  # (rows,) each, by name
Better = Literal["higher", "lower"]  # which values of a metric are the better ones


class Targets(NamedTuple):
    """A head's labels as arrays with one row per picture, none of them NaN.

    `weights` is 0 where nobody annotated; it has the shape of the loss before it is
    averaged: (rows,), or (rows, labels) for a multi-label head.
    """

    targets: Array
    weights: npt.NDArray[np.float32]

    @property
    def labelled(self) -> npt.NDArray[np.bool_]:
        """Which rows (rows,) have a label; for a multi-label head, at least one."""
        axes = tuple(range(1, self.weights.ndim))
        return np.asarray((self.weights > 0).any(axis=axes))


@dataclass(frozen=True, kw_only=True)
class Head(ABC):
    """The settings that every head has; a kind adds its own fields and methods.

    `columns` are the label columns that it reads, by default the column of its name.
    """

    name: str
    columns: tuple[str, ...] = ()
    loss_weight: float = 1.0
    class_weights: Literal["none", "balanced"] = "none"

    metric: ClassVar[str] = "accuracy"  # the key of `summary` to show first

    def __post_init__(self) -> None:
        # Keras and TensorFlow name operations after it, in ASCII.
        if not (self.name.isidentifier() and self.name.isascii()):
            raise UserError(
                f"head {self.name!r}", "is not a name", "use letters a-z, digits and _"
            )
        if not 0 < self.loss_weight < np.inf:
            raise UserError(
                self.where,
                f"loss_weight is {self.loss_weight}, must be a number above 0",
            )
        if not self.columns:
            object.__setattr__(self, "columns", (self.name,))

    @property
    def where(self) -> str:
        """How errors name this head."""
        return f"head {self.name}"

    # What others ask of a head, whatever its kind

    @property
    @abstractmethod
    def answer_type(self) -> Literal["class", "labels", "number"]:
        """What an answer is: one class, many yes/no labels, or a number."""

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes in the order of the outputs; empty if answers are not classes."""
        return ()

    @property
    def mirror(self) -> tuple[tuple[str, str], ...]:
        """Pairs of classes that are swapped in a mirrored picture."""
        return ()

    @property
    def label_smoothing(self) -> float:
        """The share of each label that training spreads over all classes."""
        return 0.0

    @property
    def temperature(self) -> float:
        """What calibration divides the logits of the outputs by; 1 leaves them."""
        return 1.0

    @property
    def thresholds(self) -> tuple[float, ...]:
        """The probability from which on each yes/no label is yes; empty for .5."""
        return ()

    @property
    def squared_error(self) -> bool:
        """Whether the loss is a squared error."""
        return False

    @property
    def unit(self) -> str:
        """The unit of a number."""
        return ""

    @property
    def within(self) -> float:
        """The error up to which a report counts a number as right."""
        return 0.0

    @property
    def slack(self) -> float:
        """How far outside an interval a number still counts as inside."""
        return 0.0

    @property
    def label_columns(self) -> tuple[str, ...]:
        """All columns that may hold its labels, those of intervals included."""
        return label_columns(self.columns)

    def labelled(self, table: pd.DataFrame) -> npt.NDArray[np.bool_]:
        """Which rows (rows,) have a label; raises UserError as `encode` does."""
        return self.encode(table).labelled

    # From labels to targets

    def resolve(self, table: pd.DataFrame) -> Self:
        """Fill in from the labels what the settings leave open, such as classes."""
        return self

    @abstractmethod
    def encode(self, table: pd.DataFrame) -> Targets:
        """Encode the head's columns as targets and weights.

        A column that the table lacks counts as empty. Raises UserError for a label
        that is not valid for the head.
        """

    @abstractmethod
    def strata(self, table: pd.DataFrame) -> pd.DataFrame:
        """Which answer each row has: one bool column per answer, named after it.

        Rows without a label are False throughout. Splits are stratified by these
        columns, and an answer must occur in the training part to be learned.
        """

    def balanced(self, table: pd.DataFrame, encoded: Targets) -> Targets:
        """Weight labels by how rare their classes are in this table.

        A class with n of N labels, one of K classes, gets the weight N / (K n), as with
        scikit-learn's `class_weight="balanced"`. Call it on the training part only.
        """
        strata = self.strata(table).to_numpy()
        counts = strata.sum(axis=0)
        present = counts > 0
        factors = np.zeros(len(counts))
        factors[present] = counts.sum() / (present.sum() * counts[present])
        factor = strata @ factors
        weights = encoded.weights * np.where(strata.any(axis=1), factor, 1.0)
        return Targets(encoded.targets, weights.astype(np.float32))

    def mirrored(self, targets: Array) -> Array:
        """Targets for the mirrored picture: the same, unless left and right matter."""
        return targets

    def unmirrored(self, outputs: Any) -> Any:
        """Turn outputs (batch, ...) for mirrored pictures into those for the pictures.

        This becomes part of the network, so it may use `keras.ops` only.
        """
        return outputs

    # The network

    @abstractmethod
    def layers(self, features: Any) -> Any:
        """Build the head on features (batch, channels); returns the float32 output.

        The output's layer or operation is named after the head.
        """

    def initial_bias(self, targets: Targets) -> Array | None:
        """The bias of the output layer before training, such as log class shares.

        With it and a kernel of 0, the network answers every picture with the
        distribution of the labels in the training part. `targets` holds at least one
        label; a weight is how much a label counts in an epoch. None keeps the initial
        weights that `layers` gives.
        """
        return None

    @abstractmethod
    def loss(self) -> Any:
        """A `keras.losses.Loss` with `reduction="mean_with_sample_weight"`."""

    def imitation(self, teacher: Any, outputs: Any) -> Any:
        """The loss (batch,) of outputs (batch, ...) against those of a teacher.

        By default it is the mean squared difference.
        """
        from keras import ops

        difference = ops.reshape(outputs - teacher, (ops.shape(outputs)[0], -1))
        return ops.mean(difference**2, axis=-1)

    @abstractmethod
    def metrics(self) -> list[Any]:
        """Keras metrics that honour weights; the first is shown during training."""

    # From outputs to answers

    def calibrate(self, table: pd.DataFrame, outputs: Array) -> Self:
        """Fit on the validation part what `read` needs besides the outputs."""
        return self

    def uncalibrated(self) -> Self:
        """The head with the same answers, but their confidences as without calibration.

        Of numbers, that is the interval.
        """
        return self

    def with_thresholds(self, thresholds: Mapping[str, float]) -> Self:
        """Answer yes from these probabilities on, by label, if it has such labels."""
        return self

    def from_probabilities(self, probabilities: Array) -> Array:
        """Outputs (rows, ...) that stand for these probabilities (rows, classes)."""
        return probabilities

    @abstractmethod
    def read(self, outputs: Array) -> pd.DataFrame:
        """Answers in the labels' spelling, with their confidence; one row per output.

        For every column `c` of the head: `c` and `c_confidence` (its probability), or
        for numbers `c`, `c_low` and `c_high` (the central 80%).
        """

    def probabilities(self, outputs: Array) -> pd.DataFrame:
        """The probability of each class, 0 to 1; one row per output.

        The columns are `c_CLASS` for every class of the head's column `c`, in the
        spelling of the labels, and sum to 1 in each row. Yes/no labels have one column
        each, `c_probability`, that of yes. By default, and for numbers, there is none.
        """
        return pd.DataFrame(index=range(len(outputs)))

    # The same without tables, which are slow for one picture; a kind may lack
    # them. `networks.answers` chooses.

    def read_columns(self, outputs: Array) -> Columns:
        """The columns of `read`, by name."""
        return as_columns(self.read(outputs))

    def probability_columns(self, outputs: Array) -> Columns:
        """The columns of `probabilities`, by name."""
        return as_columns(self.probabilities(outputs))

    @abstractmethod
    def summary(self, labels: pd.DataFrame, answers: pd.DataFrame) -> dict[str, Any]:
        """Measure answers on the labelled rows; the result has `n` and `self.metric`.

        With no labelled row it is `{"n": 0}`. All values are plain JSON.
        """


Heads = str | Head | Iterable[str | Head]  # as users give them


def as_columns(table: pd.DataFrame) -> Columns:
    """The columns of a table as arrays, by name."""
    return {str(name): cells.to_numpy() for name, cells in table.items()}


def check_classes(where: str, classes: tuple[str, ...]) -> None:
    """Raise UserError for a class with the name of a row of every report."""
    for name in ("accuracy", "micro avg", "macro avg", "weighted avg"):
        if name in classes:
            raise UserError(
                where,
                f"has a class {name!r}, which is also a row of every report",
                "rename it",
            )


def class_shares(counts: Array) -> Array:
    """The shares of labels (..., classes) by their counts, none of them 0.

    One label, or one in a thousand if that is more, is spread evenly over the classes.

    >>> class_shares(np.array([4.0, 0.0])).tolist()
    [0.9, 0.1]
    """
    total = counts.sum(axis=-1, keepdims=True)
    spread = np.maximum(1.0, total / 1000)
    return np.asarray((counts + spread / counts.shape[-1]) / (total + spread))


def class_column(question: str, label: str) -> str:
    """The column for one class of a question; `_low` and `_high` end an interval.

    >>> class_column("mood", "sad"), class_column("stress", "low")
    ('mood_sad', 'stress_low_')
    """
    column = f"{question}_{label}"
    return f"{column}_" if column in interval_columns(question) else column


def most_votes(votes: Array, classes: tuple[str, ...]) -> Array:
    """The class (rows,) with most of the votes (rows, classes); NaN for a tie or none.

    >>> most_votes(np.array([[3, 1], [2, 2], [0, 0]]), ("happy", "sad")).tolist()
    ['happy', nan, nan]
    """
    most = votes.max(axis=1, keepdims=True)
    has_one = ((votes == most) & (votes > 0)).sum(axis=1) == 1
    names = np.array(classes, dtype=object)[votes.argmax(axis=1)]
    return np.where(has_one, names, np.nan)


def elementwise_loss(function: Callable[[Any, Any], Any]) -> Any:
    """Make a Keras loss from `function(y_true, y_pred)`, with one value per weight.

    The loss is the weighted mean of these values. If all weights are 0, it is 0 and has
    no gradient.
    """
    import keras

    class Unreduced(keras.losses.Loss):  # type: ignore[misc]
        def call(self, y_true: Any, y_pred: Any) -> Any:
            return function(y_true, y_pred)

    return Unreduced(reduction="mean_with_sample_weight")
