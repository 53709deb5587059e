"""Can the answers be trusted, for whom, and for what? One page to read and to pass on.

The page is a single file: charts are SVG in it, pictures are data URIs.
"""

from datetime import date
from pathlib import Path

from markupsafe import Markup
from multitask.reports import _frames, _html, _style, numbers, why
from multitask.reports._charts import lines
from multitask.reports._page import sections, thumbnails, words

from multitask.contracts.errors import counted
from multitask.contracts.evaluation import Evaluation
from multitask.contracts.head import Head
from multitask.contracts.run import PAGE, REPORT_JSON
from multitask.contracts.table import column
from multitask.metrics.assessment import assess

OF, ORDER = Evaluation, 90

_FILES = (REPORT_JSON, "classification_report.txt", "answers.csv", "model_card.md")
_NAMED = 4  # heads, or data sets, of a title
_CURVES = 12  # of the training on the page, those of the loss first


def write(evaluation: Evaluation, folder: Path) -> None:
    """Write `index.html`, which links other files that `folder` holds."""
    page = html(evaluation, folder).encode("utf-8", "replace")
    (folder / PAGE).write_bytes(page)


def html(evaluation: Evaluation, folder: Path, today: date | None = None) -> str:
    """The page, with links relative to `folder` and the date of `today`."""
    files = {path.name for path in folder.iterdir()}
    assessment = assess(evaluation)
    heads = assessment.heads
    page: str = _html.render(
        "page.html",
        title=title(evaluation),
        measured=measured(evaluation, today),
        evaluation=evaluation,
        unit=assessment.unit,
        verdicts=[
            {"name": name, "text": one.sentence, "kind": sections.kind(one)}
            for name, one in heads.items()
        ],
        folds=_html.cells(numbers.folds_table(evaluation).reset_index())
        if evaluation.folds
        else None,
        sections=[
            sections.section(head, evaluation, heads[head.name])
            | {"why": _why(head, folder)}
            for head in evaluation.heads
        ],
        about_heat=why.TEXT,
        answered=thumbnails.answered(evaluation),
        curves=curves(evaluation),
        augmentation=thumbnails.sheet(folder / "augmentation.png"),
        links=[name for name in _FILES if name in files],
    )
    return page


def title(evaluation: Evaluation) -> str:
    """The question that the page answers.

    >>> from types import SimpleNamespace
    >>> title(SimpleNamespace(heads=[SimpleNamespace(name=n) for n in ("age", "race")]))
    'How good are the answers to age and race?'
    """
    names = words.joined([head.name for head in evaluation.heads], _NAMED)
    return f"How good are the answers to {names}?"


def measured(evaluation: Evaluation, today: date | None) -> str:
    """Which network was measured on which data, and when."""
    part = {"all": "all pictures", "val": "the validation part"}.get(
        evaluation.split, f"the {evaluation.split} part"
    )
    names = column(evaluation.labels, "source").dropna().astype(str).unique().tolist()
    titled = set(names) <= {*evaluation.title.replace(",", " ").split()}
    data = "" if titled else f" of {words.joined(names, _NAMED)}"
    pictures = counted(len(evaluation.labels), "picture")
    text = f"{evaluation.title}, measured on {part}{data}: {pictures}. "
    return f"{_style.printable(text)}{_style.day(today)}."


def curves(evaluation: Evaluation) -> list[Markup]:
    """A chart of each quantity of the training, the losses first."""
    if evaluation.history is None:
        return []
    frame = _frames.curves(evaluation.history, evaluation.heads)
    names = list(frame["quantity"].unique())[:_CURVES]
    return [lines.by_epoch(frame[frame["quantity"] == name], name) for name in names]


def _why(head: Head, folder: Path) -> str | None:
    """The figure of what an answer looked at, if there is one."""
    source: str | None = thumbnails.sheet(folder / f"why_{head.name}.png")
    return source
