"""What did an audit find, in numbers, on a page, and in a few lines?"""

import json
from pathlib import Path
from typing import Any

import pandas as pd
from multitask.reports import _audit_faces, _audit_figures, _audit_labels, _html, _style

from multitask.contracts.errors import counted, shortened
from multitask.contracts.head import Head
from multitask.contracts.run import PAGE
from multitask.contracts.table import column
from multitask.images.near import BLANK, NEAR, SAME
from multitask.inspection.duplicates import LISTED, source_names
from multitask.inspection.files import TINY
from multitask.inspection.findings import (
    Findings,
    answer_counts,
    conflicting_labels,
    cooccurrences,
    label_correlations,
    unread_columns,
    yes_no_text,
)

OF, ORDER = Findings, 90

JSON = "audit.json"
_SHOWN = 50  # rows of a list on the page; audit.json has them all
_SIZES = 20  # sizes of pictures on the page, the most frequent ones
_CLASSES = 7  # in a line of text, the most frequent ones


def write(findings: Findings, folder: Path) -> None:
    """Write `audit.json`, `index.html` and its figures into `folder`."""
    document = plain(findings)
    text = json.dumps(document, indent=1, allow_nan=False)
    (folder / JSON).write_text(text + "\n", encoding="utf-8")
    figures = _audit_figures.write(findings, document["pairs"], folder)
    page = html(findings, document, figures)
    (folder / PAGE).write_bytes(page.encode("utf-8", "replace"))


def plain(findings: Findings) -> dict[str, Any]:
    """What `audit.json` holds: counts first, then lists of examples."""
    table, files, pairs = findings.table, findings.files, findings.duplicates
    return {
        "rows": len(table),
        "sources": _counts(source_names(table)),
        "unreadable": len(findings.unreadable),
        "malformed": len(findings.malformed),
        "blank": int(files["blank"].sum()),
        "tiny": int(files["tiny"].sum()),
        "duplicate_pairs": pairs.pairs,
        "exact_pairs": pairs.exact,
        "near_pairs": pairs.pairs - pairs.exact - pairs.mirrored,
        "mirrored_pairs": pairs.mirrored,
        "conflicting_pairs": pairs.conflicting,
        "look_alike_pairs": pairs.look_alike,
        "conflicts": {name: n for name, n in pairs.conflicts.items() if n},
        "pairs_within": {a: n for (a, b), n in pairs.sources.items() if a == b},
        "pairs_across": {
            f"{a}, {b}": n for (a, b), n in pairs.sources.items() if a != b
        },
        "leaks": pairs.leaking + len(findings.identities),
        "leaking_pairs": pairs.leaking,
        "leaking_identities": len(findings.identities),
        "heads": {h.name: answer_counts(h, table) for h in findings.heads},
        "other_columns": unread_columns(table, findings.heads),
        "together": [
            {"heads": list(names), "counts": frame.T.to_dict()}
            for names, frame in cooccurrences(findings.heads, table).items()
        ],
        "correlations": {
            head.name: _rounded(label_correlations(head, table))
            for head in _with_answers(findings, "labels")
        },
        "pictures": _pictures(files),
        "faces": _audit_faces.plain(findings.faces),
        "unreadable_files": findings.unreadable.to_dict("records"),
        "malformed_labels": findings.malformed.to_dict("records"),
        "blank_files": table["path"][files["blank"]].tolist(),
        "tiny_files": table["path"][files["tiny"]].tolist(),
        "identities": findings.identities.to_dict("records"),
        "pairs": _pairs(findings),
        "columns": findings.columns.to_dict("records"),
        "notes": list(findings.notes),
    }


def _counts(values: "pd.Series[Any]") -> dict[str, int]:
    """How often each value occurs, the most frequent first."""
    return {str(name): int(n) for name, n in values.value_counts().items()}


def _rounded(frame: pd.DataFrame) -> dict[str, dict[str, float | None]]:
    """A frame as nested dicts, with None for NaN."""
    return {
        str(one): {
            str(k): None if pd.isna(v) else round(float(v), 4) for k, v in row.items()
        }
        for one, row in frame.iterrows()
    }


def _pictures(files: pd.DataFrame) -> dict[str, Any]:
    """Sizes and colour modes of the readable files, before any conversion."""
    readable = files[files["reason"] == ""]
    sizes = readable["width"].astype(str) + "x" + readable["height"].astype(str)
    return {
        "n": len(readable),
        "modes": _counts(readable["mode"]),
        "sizes": _counts(sizes.astype(str)) if len(readable) else {},
    }


def _pairs(findings: Findings) -> list[dict[str, Any]]:
    paths = findings.table["path"].tolist()
    cells = column(findings.table, "box").astype(object)
    boxes = cells.where(cells.notna(), None).tolist()
    parts = column(findings.table, "split").tolist()
    pairs = []
    for row in findings.duplicates.listed.itertuples(index=False):
        left, right = int(row.left), int(row.right)  # type: ignore[arg-type]
        pair: dict[str, Any] = {
            "paths": [paths[left], paths[right]],
            "kind": _kind(row),
            "bits": int(row.bits),  # type: ignore[arg-type]
            "conflicts": {},
        }
        if boxes[left] or boxes[right]:
            pair["boxes"] = [boxes[left], boxes[right]]
        if row.look_alike:
            pair["differences"] = conflicting_labels(findings, left, right)
        elif row.score:
            mirrored = bool(row.mirrored)
            pair["conflicts"] = conflicting_labels(findings, left, right, mirrored)
        if row.leaks:
            pair["splits"] = [parts[left], parts[right]]
        pairs.append(pair)
    return pairs


def _kind(row: Any) -> str:
    if row.look_alike:
        return str(_audit_figures.LOOK_ALIKE)
    if row.mirrored:
        return str(_audit_figures.MIRRORED)
    return "exact" if row.exact else "near"


def _with_answers(findings: Findings, answer_type: str) -> list[Head]:
    return [head for head in findings.heads if head.answer_type == answer_type]


# The page


def html(findings: Findings, document: dict[str, Any], figures: dict[str, str]) -> str:
    """The page; `figures` are the titles of the figures in its folder, by file."""
    pairs, counts = document["pairs"], document["heads"]
    sizes = sorted(document["pictures"]["sizes"].items(), key=lambda item: -item[1])
    page: str = _html.render(
        "audit.html",
        title=findings.title,
        document=document,
        facts=facts(findings),
        wrong=findings.wrong(),
        titles=figures,
        near=NEAR,
        same=SAME,
        blank=BLANK,
        tiny=TINY,
        listed=LISTED,
        shown=_SHOWN,
        heat_maps=_audit_labels.HEAT_MAPS,
        sizes=sizes[:_SIZES],
        more_sizes=max(0, len(sizes) - _SIZES),
        numbers=[_number(h, counts[h.name]) for h in _with_answers(findings, "number")],
        labels=[_labels(h, counts[h.name]) for h in _with_answers(findings, "labels")],
        conflicting=[_row(p) for p in pairs if p["conflicts"]],
        leaking=[_row(p) for p in pairs if "splits" in p],
        look_alike=[_row(p) for p in pairs if p["kind"] == _audit_figures.LOOK_ALIKE],
        duplicates=[_row(p) for p in pairs if _audit_figures.agrees(p)],
        **_audit_faces.rows(document["faces"]),
    )
    return page


def _row(pair: dict[str, Any]) -> dict[str, Any]:
    return {
        "paths": pair["paths"],
        "similarity": _audit_figures.similarity(pair),
        "conflicts": _audit_figures.conflict_texts(pair),
        "parts": " | ".join(pair.get("splits", ())),
    }


def _number(head: Head, counts: dict[str, Any]) -> dict[str, Any]:
    facts = {"labelled": f"{counts['n']:,}", "exact": f"{counts['exact']:,}"}
    if counts["n"]:
        facts |= {
            name: f"{counts[name]:.4g} {head.unit}".rstrip()
            for name in ("mean", "min", "max")
        }
    return {"name": head.name, "facts": facts, "bands": counts["bands"]}


def _labels(head: Head, counts: dict[str, Any]) -> dict[str, Any]:
    rows = [
        [name, f"{c['n']:,}", f"{c['yes']:,}", _share(c["yes"], c["n"])]
        for name, c in counts.items()
    ]
    return {"name": head.name, "header": ["label", "n", "yes", "share"], "rows": rows}


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else ""


# In a few lines


def facts(findings: Findings) -> list[tuple[str, int, str]]:
    """The most important counts: name, count, details."""
    pairs, files = findings.duplicates, findings.files
    worst = sorted(pairs.conflicts.items(), key=lambda item: -item[1])
    conflicts = ", ".join(f"{name} {n:,}" for name, n in worst[:5] if n)
    across = sum(n for (a, b), n in pairs.sources.items() if a != b)
    sources = _counts(source_names(findings.table))
    rows = ", ".join(f"{name} {n:,}" for name, n in sources.items())
    leaks = (
        f"{counted(pairs.leaking, 'pair')}, "
        f"{counted(len(findings.identities), 'identity', 'identities')}"
    )
    found = [
        ("rows", len(findings.table), rows),
        ("unreadable", len(findings.unreadable), "files that are not a picture"),
        ("malformed", len(findings.malformed), f"set aside: {findings.malformed_text}"),
        ("blank", int(files["blank"].sum()), "one flat surface"),
        ("tiny", int(files["tiny"].sum()), f"a side under {TINY} pixels"),
        ("duplicate pairs", pairs.pairs,
         f"{pairs.exact:,} exact, {pairs.pairs - pairs.exact - pairs.mirrored:,} near, "
         f"{pairs.mirrored:,} mirrored; {across:,} across data sets"),
        ("conflicting pairs", pairs.conflicting, conflicts or "labels agree"),
        ("look alike", pairs.look_alike, "near in hash, but not in pixels and labels"),
        ("leaks", pairs.leaking + len(findings.identities), leaks),
    ]  # fmt: skip
    return [*found, *_audit_faces.facts(findings.faces)]


def text(findings: Findings) -> str:
    """The facts as a plain table, then the number of labelled rows of each head."""
    rows = _rows(findings)
    wide = [max(len(row[i]) for row in rows) for i in (0, 1)]
    lines = [f"{a:<{wide[0]}}  {b:>{wide[1]}}  {c}".rstrip() for a, b, c in rows]
    texts = [text for text in (findings.columns_text, *findings.notes) if text]
    return str(_style.printable("\n".join([*texts, *lines])))


def notebook(findings: Findings) -> str:
    """The same as HTML for a notebook."""
    table = pd.DataFrame(_rows(findings), columns=["", "count", "details"])
    return str(_html.notebook(findings.notes, table))


def _rows(findings: Findings) -> list[tuple[str, str, str]]:
    table = findings.table
    rows = [(name, f"{count:,}", details) for name, count, details in facts(findings)]
    for head in findings.heads:
        details = _details(head, answer_counts(head, table))
        rows.append((f"{head.name} labels", f"{head.labelled(table).sum():,}", details))
    return rows


def _details(head: Head, counts: dict[str, Any]) -> str:
    if head.answer_type == "labels":
        return str(yes_no_text(counts))
    if head.answer_type == "number":
        if not counts["n"]:
            return ""
        return f"{counts['min']:g} to {counts['max']:g}, mean {counts['mean']:.1f}"
    by_count = sorted(counts["classes"].items(), key=lambda item: -item[1])
    more = len(by_count) - _CLASSES
    listed = ", ".join(f"{shortened(name)} {n:,}" for name, n in by_count[:_CLASSES])
    return listed + (f", +{more} more" if more > 0 else "")
