"""By which temperature do probabilities say how often answers are right?

Guo et al. 2017, "On Calibration of Modern Neural Networks".
"""

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import expit, log_softmax, logit, softmax

from multitask.contracts.errors import UserError
from multitask.contracts.head import Array

LEAST = 100  # labelled pictures to fit a temperature to
_BOUNDS = (0.1, 10.0)
_TINY, _ALMOST_1 = 1e-30, 1 - 1e-7  # float32 rounds what is nearer to 1


def check(where: str, temperature: float) -> None:
    """Raise UserError for a temperature that is not a number above 0."""
    if not 0 < temperature < np.inf:
        what = f"temperature is {temperature}, must be a number above 0"
        raise UserError(where, what)


def scale(probabilities: Array, temperature: float) -> Array:
    """Divide the logits of probabilities (rows, classes) by a temperature.

    Above 1, all are nearer to each other; which one is the highest stays.
    """
    if temperature == 1:
        return probabilities
    scaled = softmax(_logs(probabilities) / temperature, axis=1)
    return np.asarray(scaled.astype(probabilities.dtype))


def scale_each(probabilities: Array, temperature: float) -> Array:
    """Divide the logits of probabilities of yes (rows, labels) by a temperature."""
    if temperature == 1:
        return probabilities
    logits = logit(_inside(probabilities))
    return np.asarray(expit(logits / temperature).astype(probabilities.dtype))


def of_no_and_yes(probabilities: Array) -> Array:
    """The probabilities (n, 2) of no and yes, from those of yes (n,)."""
    yes = _inside(probabilities)
    return np.stack([1 - yes, yes], axis=1)


def fit(probabilities: Array, targets: Array, pictures: Array) -> float:
    """The temperature for which the log loss of probabilities (n, classes) is least.

    `targets` (n, classes) are the shares of the classes in each label, `pictures` (n,)
    the number of its picture. It is 1 with labels of fewer than 100 pictures, and
    unless it helps: fitted to every second picture, it must lower the log loss of the
    others, in the sum of both ways.
    """
    if len(np.unique(pictures)) < LEAST:
        return 1.0
    logs = _logs(probabilities)
    is_even = np.searchsorted(np.unique(pictures), pictures) % 2 == 0
    gain = 0.0
    for half in (is_even, ~is_even):
        temperature = _best(logs[half], targets[half])
        gain += _loss(1.0, logs[~half], targets[~half])
        gain -= _loss(temperature, logs[~half], targets[~half])
    return round(_best(logs, targets), 4) if gain > 0 else 1.0


def _best(logs: Array, targets: Array) -> float:
    """The temperature of the least log loss of a part of the labels.

    One of all labels counts as spread evenly over the classes: else the temperature of
    answers without an error would be as low as it may (Platt 1999, "Probabilistic
    Outputs for Support Vector Machines").
    """
    share = 1 / (len(targets) + 1)
    smooth = targets * (1 - share) + share / targets.shape[1]
    result = minimize_scalar(
        lambda log: _loss(np.exp(log), logs, smooth),
        bounds=np.log(_BOUNDS),
        method="bounded",
    )
    return float(np.exp(result.x))


def _loss(temperature: float, logs: Array, targets: Array) -> float:
    scaled = log_softmax(logs / temperature, axis=1)
    return float(-(targets * scaled).sum(axis=1).mean())


def _inside(probabilities: Array) -> Array:
    return np.clip(probabilities.astype(np.float64), _TINY, _ALMOST_1)


def _logs(probabilities: Array) -> Array:
    return np.log(np.maximum(probabilities.astype(np.float64), _TINY))
