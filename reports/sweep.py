"""How did the trials of a sweep go, in numbers, on a page, and in a few lines?"""

import json
from pathlib import Path
from typing import Any

import pandas as pd
from multitask.reports import _html, _style

from multitask.contracts.saving import reporting_write_errors
from multitask.tuning.space import formatted

JSON, CSV, PAGE, PLOT = "sweep.json", "sweep.csv", "index.html", "sweep.png"
_BEST = "best.toml"
_SHOWN = 15  # trials that the command prints


def write(document: dict[str, Any], folder: Path) -> None:
    """Write `sweep.json`, `sweep.csv`, `sweep.png` and `index.html`.

    Raises UserError if they can't be written.
    """
    with reporting_write_errors(folder):
        said = json.dumps(document, indent=1, allow_nan=False)
        (folder / JSON).write_text(said + "\n", encoding="utf-8")
        rows(document).to_csv(folder / CSV, index=False)
        with _style.style():
            _style.save(plot(document), folder / PLOT)
        page = _html.render(
            "sweep.html",
            title=document["title"],
            judged=document["judged"],
            notes=document["notes"],
            settings=_html.cells(settings(document)),
            trials=_html.cells(shown(document)),
            plot=PLOT,
            links=[name for name in (_BEST, JSON, CSV) if (folder / name).exists()],
        )
        (folder / PAGE).write_text(page, encoding="utf-8")


def rows(document: dict[str, Any]) -> pd.DataFrame:
    """A row a trial, the best first, those without a score last."""
    return pd.DataFrame(
        {
            "trial": one["trial"],
            "folder": one["folder"],
            "state": one["state"],
            **{name: one["settings"].get(name) for name in document["varied"]},
            "score": one["score"],
            **{
                f"{head} {metric}": one["heads"].get(head)
                for head, metric in document["metrics"].items()
            },
            "best epoch": one["epoch"],
            "epochs": len(one["curve"]),
            "seconds": one["seconds"],
            "reason": one["reason"],
        }
        for one in _ordered(document)
    )


def _ordered(document: dict[str, Any]) -> list[dict[str, Any]]:
    trials = document["trials"]
    done = [one for one in trials if one["state"] == "complete"]
    rest = [one for one in trials if one["state"] != "complete"]
    return [*sorted(done, key=lambda one: -one["score"]), *rest]


def shown(document: dict[str, Any]) -> pd.DataFrame:
    """The same as texts, without columns that say nothing."""
    states = {"complete": "done", "pruned": "given up", "fail": "failed"}
    lines = []
    for one in _ordered(document):
        line = {"trial": str(one["trial"]), "state": states.get(one["state"], "runs")}
        for name in document["varied"]:
            known = name in one["settings"]
            line[name] = formatted(one["settings"][name]) if known else ""
        line["score"] = _fixed(one["score"], 4)
        for head, metric in document["metrics"].items():
            digits = 2 if metric == "mae" else 3
            line[f"{head}, {metric}"] = _fixed(one["heads"].get(head), digits)
        epochs = len(one["curve"])
        line["best epoch"] = f"{one['epoch'] or '-'} of {epochs}" if epochs else ""
        line["seconds"] = _fixed(one["seconds"], 0)
        line["reason"] = _style.short(one["reason"], 120)
        lines.append(line)
    table = pd.DataFrame(lines)
    return table.loc[:, (table != "").any()]


def settings(document: dict[str, Any]) -> pd.DataFrame:
    """What was varied, what the best trial has, and how much each matters."""
    best = _best(document)
    table = pd.DataFrame(
        {
            "setting": name,
            "tried": one["tried"],
            "best": formatted(best["settings"][name]) if best else "",
            "importance": _fixed(document["importance"].get(name), 2),
        }
        for name, one in document["varied"].items()
    )
    return table if document["importance"] else table.drop(columns="importance")


def _best(document: dict[str, Any]) -> dict[str, Any] | None:
    first = next(iter(_ordered(document)), None)
    return first if first and first["state"] == "complete" else None


def plot(document: dict[str, Any]) -> Any:
    """Scores by epoch, a line a trial; and by each setting, a point a trial."""
    trials = [one for one in document["trials"] if one["curve"]]
    names = list(document["varied"])
    panels = 1 + len(names)
    across = min(3, panels)
    down = -(-panels // across)
    made = _style.figure(3.8 * across, 3.0 * down + 0.3, "Trials")
    axes = made.subplots(down, across, squeeze=False).ravel()
    done = [one for one in document["trials"] if one["state"] == "complete"]
    best = _best(document)
    for one in sorted(trials, key=lambda one: one is best):  # the best on top
        axes[0].plot(
            range(1, 1 + len(one["curve"])),
            one["curve"],
            marker="o" if len(one["curve"]) == 1 else "",
            color=_style.BLUE if one is best else _style.GREY,
            alpha=1.0 if one is best else 0.5,
            linewidth=2.2 if one is best else 1.0,
            linestyle="-" if one["state"] == "complete" else ":",
        )
    axes[0].set_title("each trial (dotted: given up; blue: best)")
    axes[0].set_xlabel("epoch")
    axes[0].set_ylabel(document["judged"])
    axes[0].xaxis.get_major_locator().set_params(integer=True)
    for axis, name in zip(axes[1:], names, strict=False):
        values = [one["settings"][name] for one in done]
        numbers = all(isinstance(v, int | float) for v in values) and not any(
            isinstance(v, bool) for v in values
        )
        axis.scatter(
            values if numbers else [formatted(value) for value in values],
            [one["score"] for one in done],
            color=[_style.BLUE if one is best else _style.GREY for one in done],
            alpha=0.8,
            zorder=3,
        )
        if document["varied"][name]["log"]:
            _style.log_scale(axis)
        axis.set_title(f"by {name}")
        axis.set_ylabel("score")
        axis.margins(x=0.12)
    for axis in axes[panels:]:
        axis.set_visible(False)
    return made


def text(document: dict[str, Any]) -> str:
    """What the command prints at its end."""
    table = shown(document)
    tables = [settings(document), table.head(_SHOWN)]
    said = "\n\n".join(one.to_string(index=False, na_rep="") for one in tables)
    more = len(table) - _SHOWN
    return said + (f"\nand {more} more" if more > 0 else "")


def _fixed(value: Any, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"
