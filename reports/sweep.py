"""How did the trials of a sweep go, in numbers, on a page, and in a few lines?"""

import json
from pathlib import Path

import pandas as pd
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from multitask.reports import _html, _style
from multitask.reports._charts import lines
from multitask.reports._page import sweep_words

from multitask.contracts.results.sweep_result import SweepResult, TrialResult, formatted
from multitask.contracts.run import BEST, PAGE

OF, ORDER = SweepResult, 90
JSON, CSV, PLOT = "sweep.json", "sweep.csv", "sweep.png"
_PRINTED = 15  # trials in the text
_STATES = {"complete": "done", "pruned": "given up", "fail": "failed"}


def write(result: SweepResult, folder: Path) -> None:
    """Write `sweep.json`, `sweep.csv`, `sweep.png` and `index.html`."""
    document = json.dumps(result.plain(), indent=1, allow_nan=False)
    (folder / JSON).write_text(document + "\n", encoding="utf-8")
    rows(result).to_csv(folder / CSV, index=False)
    with _style.style():
        _style.save(plot(result), folder / PLOT)
    page = _html.render(
        "sweep.html",
        title=result.title,
        day=_style.day(),
        judged=result.judged,
        verdict=sweep_words.verdict(result),
        drawn=charts(result),
        method=result.notes,
        settings=_html.cells(settings(result)),
        trials=_html.cells(cells(result)),
        links=[name for name in (BEST, JSON, CSV) if (folder / name).exists()],
    )
    (folder / PAGE).write_text(page, encoding="utf-8")


def text(result: SweepResult) -> str:
    """The verdict, then the settings and the best trials as plain tables."""
    trials = cells(result)
    tables = [settings(result), trials.head(_PRINTED)]
    texts = [one.to_string(index=False, na_rep="") for one in tables]
    more = len(trials) - _PRINTED
    shown = "\n\n".join(["\n".join(sweep_words.verdict(result)), *texts])
    return shown + (f"\nand {more} more" if more > 0 else "")


def notebook(result: SweepResult) -> str:
    """The same as HTML for a notebook."""
    trials = cells(result)
    more = len(trials) - _PRINTED
    last = f"{more} more trials are in {CSV}" if more > 0 else ""
    words = [result.title, *sweep_words.verdict(result), last]
    return str(_html.notebook(words, settings(result), trials.head(_PRINTED)))


def rows(result: SweepResult) -> pd.DataFrame:
    """One row per trial, the best first, those without a score last."""
    return pd.DataFrame(
        {
            "trial": trial.trial,
            "folder": trial.folder,
            "state": trial.state,
            **{name: trial.settings.get(name) for name in result.varied},
            "score": trial.score,
            **{
                f"{head} {metric}": trial.heads.get(head)
                for head, metric in result.metrics.items()
            },
            "best epoch": trial.epoch,
            "epochs": len(trial.curve),
            "seconds": trial.seconds,
            "reason": trial.reason,
        }
        for trial in result.ranked
    )


def cells(result: SweepResult) -> pd.DataFrame:
    """The same rows as text, without the columns that are empty."""
    lines = []
    for trial in result.ranked:
        line = {
            "trial": str(trial.trial),
            "state": _STATES.get(trial.state, "running"),
        }
        for name in result.varied:
            held = name in trial.settings
            line[name] = formatted(trial.settings[name]) if held else ""
        line["score"] = _fixed(trial.score, 4)
        for head, metric in result.metrics.items():
            digits = 2 if result.better[head] == "lower" else 3  # errors, shares
            line[f"{head}, {metric}"] = _fixed(trial.heads.get(head), digits)
        epochs = len(trial.curve)
        line["best epoch"] = f"{trial.epoch or '-'} of {epochs}" if epochs else ""
        line["seconds"] = _fixed(trial.seconds, 0)
        line["reason"] = _style.short(trial.reason, 120)
        lines.append(line)
    table = pd.DataFrame(lines)
    return table.loc[:, (table != "").any()]


def settings(result: SweepResult) -> pd.DataFrame:
    """What was varied, its value in the best trial, and how much it matters."""
    best = result.best
    table = pd.DataFrame(
        {
            "setting": name,
            "tried": one.tried,
            "best": formatted(best.settings[name]) if best else "",
            "importance": _fixed(result.importance.get(name), 2),
        }
        for name, one in result.varied.items()
    )
    return table if result.importance else table.drop(columns="importance")


def _fixed(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


# Pictures


def charts(result: SweepResult) -> list[Markup]:
    """The scores of trials by epoch, and one chart per setting."""
    best = result.best
    trials = [trial for trial in result.trials if trial.curve]
    trials.sort(key=lambda trial: trial is best)  # the best on top
    drawn = []
    if trials:
        curves = [(trial.curve, _kind(trial, best)) for trial in trials]
        title = "Each trial (dotted: given up)"
        drawn.append(lines.scores_by_epoch(curves, title, result.judged))
    done = [t for t in result.trials if t.state == "complete" and t.score is not None]
    for name, varied in result.varied.items() if done else ():
        values = [trial.settings[name] for trial in done]
        drawn.append(
            lines.scores_by_setting(
                [v if isinstance(v, int | float) else formatted(v) for v in values],
                [trial.score or 0.0 for trial in done],
                ["blue" if trial is best else "grey" for trial in done],
                f"Score by {name}", log=varied.log,
            )
        )  # fmt: skip
    return drawn


def _kind(trial: TrialResult, best: TrialResult | None) -> str:
    if trial is best:
        return "blue"
    return "grey" if trial.state == "complete" else "grey dotted"


def plot(result: SweepResult) -> Figure:
    """Scores by epoch, one line per trial; and by each setting, one point per trial."""
    panels = 1 + len(result.varied)
    columns = min(3, panels)
    lines = -(-panels // columns)
    figure: Figure = _style.figure(3.8 * columns, 3.0 * lines + 0.3, "Trials")
    axes = figure.subplots(lines, columns, squeeze=False).ravel()
    _plot_curves(axes[0], result)
    for axis, name in zip(axes[1:], result.varied, strict=False):
        _plot_setting(axis, result, name)
    for axis in axes[panels:]:
        axis.set_visible(False)
    return figure


def _plot_curves(axis: Axes, result: SweepResult) -> None:
    """The score of every trial by epoch."""
    best = result.best
    trials = [trial for trial in result.trials if trial.curve]
    for trial in sorted(trials, key=lambda trial: trial is best):  # the best on top
        axis.plot(
            range(1, 1 + len(trial.curve)),
            trial.curve,
            marker="o" if len(trial.curve) == 1 else "",
            color=_color(trial, best),
            alpha=1.0 if trial is best else 0.5,
            linewidth=2.2 if trial is best else 1.0,
            linestyle="-" if trial.state == "complete" else ":",
        )
    axis.set_title("each trial (dotted: given up; blue: best)")
    axis.set_xlabel("epoch")
    axis.set_ylabel(result.judged)
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))


def _plot_setting(axis: Axes, result: SweepResult, name: str) -> None:
    """The score of every finished trial by its value of a setting."""
    best = result.best
    trials = [trial for trial in result.trials if trial.state == "complete"]
    values = [trial.settings[name] for trial in trials]
    numeric = all(isinstance(value, int | float) for value in values)
    axis.scatter(
        values if numeric else [formatted(value) for value in values],
        [trial.score or 0.0 for trial in trials],
        color=[_color(trial, best) for trial in trials],
        alpha=0.8,
        zorder=3,
    )
    if result.varied[name].log:
        _style.log_scale(axis)
    axis.set_title(f"by {name}")
    axis.set_ylabel("score")
    axis.margins(x=0.12)


def _color(trial: TrialResult, best: TrialResult | None) -> str:
    return str(_style.BLUE if trial is best else _style.GREY)
