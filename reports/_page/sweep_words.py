"""Which settings are best, how sure is that, and what should be done next?"""

import math

from multitask.contracts.errors import counted
from multitask.contracts.results.sweep_result import SweepResult, TrialResult, formatted
from multitask.contracts.run import BEST

_ENOUGH = 10  # finished trials, from which on a search has seen something
_SURE = 1.96 * math.sqrt(2)  # standard errors between two scores, at 95%
_EDGE = 0.03  # of a range: a best value this near to its end calls for a wider one


def verdict(result: SweepResult) -> list[str]:
    """Sentences: the best variant, how sure it is, and what to do next."""
    best = result.best
    if best is None or best.score is None:
        failed = sum(trial.state == "fail" for trial in result.trials)
        return [
            f"No trial was finished: {failed} of "
            f"{counted(len(result.trials), 'trial')} failed. Read their reasons below."
        ]
    return [_best(result, best), _sure(result, best), _next(result, best)]


def _finished(result: SweepResult) -> list[TrialResult]:
    return [t for t in result.trials if t.state == "complete" and t.score is not None]


def _best(result: SweepResult, best: TrialResult) -> str:
    settings = ", ".join(
        f"{name} {formatted(best.settings[name])}"
        for name in result.varied
        if name in best.settings
    )
    metrics = ", ".join(
        f"{head} {metric} {value:.{2 if result.better[head] == 'lower' else 3}f}"
        for head, metric in result.metrics.items()
        if (value := best.heads.get(head)) is not None
    )
    count = counted(len(_finished(result)), "finished trial")
    return (
        f"Best of {count}: {settings or 'the recipe as it is'}. Its {result.judged} is "
        f"{best.score:.3f}" + (f" ({metrics})." if metrics else ".")
    )


def _sure(result: SweepResult, best: TrialResult) -> str:
    """Whether other trials may be as good as the best one."""
    assert best.score is not None
    others = [
        best.score - trial.score
        for trial in _finished(result)
        if trial.score is not None and trial.settings != best.settings
    ]
    if not others:
        return "How sure that is can't be told: no other variant was finished."
    if result.standard_error is None:
        return (
            f"The next best is {min(others):.3f} lower; whether that is more than "
            "chance can't be told, as trials differ in their validation pictures."
        )
    limit = _SURE * result.standard_error
    near = sum(distance < limit for distance in others)
    if near:
        trials = counted(near, "other trial")
        return (
            f"It may as well be another: scores less than about {limit:.3f} apart can "
            f"be chance with so many validation pictures, and {trials} "
            f"{'is' if near == 1 else 'are'} that near."
        )
    return (
        f"That is fairly sure: the next best is {min(others):.3f} lower, and about "
        f"{limit:.3f} can be chance with so many validation pictures."
    )


def _next(result: SweepResult, best: TrialResult) -> str:
    """What to do next: wider ranges, more trials, and a fit of the best."""
    steps = []
    edges = [name for name in result.varied if _is_at_an_end(result, best, name)]
    if edges:
        steps.append(
            f"widen the range of {' and '.join(edges)}, as the best value is at its end"
        )
    finished = len(_finished(result))
    tries = any(one.ends for one in result.varied.values())
    if finished < _ENOUGH and tries:
        steps.append(f"try more than {finished} of them (--trials)")
    steps.append(f"train {BEST} and measure it on the test part, which chose nothing")
    return f"Next: {'; '.join(steps)}."


def _is_at_an_end(result: SweepResult, best: TrialResult, name: str) -> bool:
    """Whether the best value of a range is at one of its ends."""
    setting = result.varied[name]
    value = best.settings.get(name)
    if setting.ends is None or not isinstance(value, int | float):
        return False
    low, high = setting.ends
    if setting.log and low > 0:
        low, high, value = math.log(low), math.log(high), math.log(value)
    room = _EDGE * (high - low)
    return not low + room < value < high - room
