"""What does the card of labelled data say?"""

from collections.abc import Iterator

from multitask.reports._cards import text

from multitask.contracts.errors import counted
from multitask.contracts.head import Head
from multitask.contracts.table import column
from multitask.inspection.findings import Findings, answer_counts


def data_card(findings: Findings) -> str:
    """The card of the pictures and labels that an audit looked at."""
    published = all(one.is_published for one in findings.data) and findings.data
    head = text.metadata(
        {
            "pretty_name": ", ".join(one.title or one.name for one in findings.data),
            "task_categories": ["image-classification"],
            "tags": ["multitask", *(one.name for one in findings.heads)],
            "source_datasets": [one.reader for one in findings.data]
            if published
            else [],
        }
    )
    count = len(findings.table)
    card: str = text.card(
        head,
        ", ".join(one.title or one.name for one in findings.data) or findings.title,
        {
            "": f"{counted(count, 'row')} with labels of "
            f"{counted(len(findings.heads), 'head')}, as an audit found them.",
            "Data and terms": _terms(findings),
            "Labels": _labels(findings),
            "Parts": _parts(findings),
            "Faults": text.bullets(_faults(findings)),
            "People": _people(findings),
            "What is not known": text.bullets(_unknown(findings)),
            "Notes": text.bullets(findings.notes) if findings.notes else "",
        },
    )
    return card


def _terms(findings: Findings) -> str:
    return text.data_table(findings.data) if findings.data else "Not stated."


def _labels(findings: Findings) -> str:
    rows = []
    for head in findings.heads:
        labelled = int(head.labelled(findings.table).sum())
        rows.append([head.name, f"{labelled:,}", _answers(head, findings)])
    return str(text.table(["head", "labelled rows", "answers"], rows))


def _answers(head: Head, findings: Findings) -> str:
    """How often each answer occurs, or where the numbers lie."""
    counts = answer_counts(head, findings.table)
    if head.answer_type == "class":
        return ", ".join(f"{name} {n:,}" for name, n in counts["classes"].items())
    if head.answer_type == "labels":
        return ", ".join(
            f"{name} {n['yes']:,} of {n['n']:,}" for name, n in counts.items()
        )
    if not counts["n"]:
        return ""
    ends = f"{counts['min']:g} to {counts['max']:g} {head.unit}".rstrip()
    return f"{ends}, mean {counts['mean']:.1f}"


def _parts(findings: Findings) -> str:
    parts = column(findings.table, "split").value_counts()
    if parts.empty:
        return "The data has no split of its own."
    return ", ".join(f"{part}: {n:,}" for part, n in parts.items()) + "."


def _faults(findings: Findings) -> Iterator[str]:
    for name, n in findings.wrong().items():
        yield f"{name}: {n:,}"
    pairs = findings.duplicates
    if pairs.pairs:
        yield f"pairs of pictures that are the same or nearly so: {pairs.pairs:,}"


def _people(findings: Findings) -> str:
    identities = column(findings.table, "identity").nunique()
    if not identities:
        return "Who is in a picture is not stated: one person may be in several parts."
    return f"{identities:,} identities."


def _unknown(findings: Findings) -> Iterator[str]:
    for one in findings.data:
        missing = [
            what
            for what, value in (
                ("where it is published", one.address),
                ("its terms", one.terms),
                ("who labelled it, and how", one.labels),
            )
            if not value
        ]
        if missing:
            yield f"{one.name}: {', '.join(missing)}."
    yield "Whether the people in the pictures agreed to this use."
