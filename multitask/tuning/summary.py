"""What is there to be told of a sweep's trials?"""

from typing import Any

from optuna import importance
from optuna.trial import FrozenTrial

from multitask.tuning.space import Dimension, formatted
from multitask.tuning.trials import Trials, folder_of

_TOLD = 10  # trials from which on it can be told what matters
_DEALT = ("seed", "trunk", "image_size", "crop")  # that a fit deals its parts by


def summary(trials: Trials) -> dict[str, Any]:
    """All that is to be shown of the trials."""
    found = []
    for trial in trials.tried():
        at = trial.user_attrs
        line = {
            "trial": trial.number,
            "folder": folder_of(trial),
            "state": trial.state.name.lower(),
            "settings": trial.params,
            "score": trial.value if trial.state.name == "COMPLETE" else None,
            "heads": {head.name: at.get(f"head {head.name}") for head in trials.heads},
            "epoch": at.get("epoch"),
            "seconds": at.get("seconds"),
            "curve": at.get("curve", []),
            "reason": at.get("reason", ""),
        }
        found.append(line)
    return {
        "title": trials.out.name,
        "judged": trials.judged,
        "metrics": {head.name: head.metric for head in trials.heads},
        "varied": {
            one.name: {"tried": _described(one), "log": one.log}
            for one in trials.varied
        },
        "trials": found,
        "importance": _importance(trials),
        "notes": _notes(trials),
    }


def done(trials: Trials) -> list[FrozenTrial]:
    """The trials that were trained to their end."""
    return [t for t in trials.tried() if t.state.name == "COMPLETE"]


def _importance(trials: Trials) -> dict[str, float]:
    """What share of the scores' variance each setting explains, if it can be told.

    Hutter et al. 2014, "An Efficient Approach for Assessing Hyperparameter
    Importance" (functional ANOVA).
    """
    found = done(trials)
    alike = len({t.value for t in found}) < 2
    if len(trials.varied) < 2 or len(found) < _TOLD or alike:
        return {}
    judge = importance.FanovaImportanceEvaluator(seed=0)
    shares = importance.get_param_importances(trials.study, evaluator=judge)
    return {name: float(share) for name, share in shares.items()}


def _notes(trials: Trials) -> list[str]:
    notes = [
        *trials.prepared.remarks,
        "Scores are of the validation part, at the epoch of its lowest loss. The "
        "best of many trials is partly the luckiest: measure it on the test part, "
        "by a fit of best.toml, before you believe it.",
    ]
    if any(head.answer_type == "number" for head in trials.judged_by):
        notes.append(
            "The score of a number is the share of the error that it saves a "
            "constant answer, the median of the training part; that of a class is "
            "its accuracy."
        )
    if len(trials.varied) > 1 and len(done(trials)) < _TOLD:
        notes.append(
            f"How much each setting matters is told from {_TOLD} finished trials on."
        )
    dealt = [one.name for one in trials.varied if one.setting in _DEALT]
    if trials.own_parts:
        notes.append("Trials were not all validated on the same pictures.")
    elif dealt and not trials.base.split_rule.file:
        notes.append(
            f"A fit of best.toml deals its parts by {' and '.join(dealt)}, which "
            f"trials varied: with --split {trials.out / 'split.csv'} its test part "
            "has no picture that chose the settings."
        )
    return notes


def _described(one: Dimension) -> str:
    if not one.ranges:
        return ", ".join(map(formatted, one.values))
    low, high = map(formatted, one.values)
    return f"{low} to {high}" + ", on a log scale" * one.log
