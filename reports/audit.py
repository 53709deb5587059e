"""What did an audit find, in numbers, on a page, and in a few lines?"""

import json
from pathlib import Path
from typing import Any

import pandas as pd
from multitask.reports import _audit_figures, _html, _style

from multitask.contracts.saving import reporting_write_errors
from multitask.contracts.table import column
from multitask.images.near import NEAR
from multitask.inspection import findings as quality
from multitask.inspection.duplicates import LISTED, named_sources
from multitask.inspection.files import BLANK, TINY
from multitask.inspection.findings import Findings

JSON, PAGE = "audit.json", "index.html"
_SHOWN = 50  # rows of a list on the page; audit.json has them all
_COMMON = 20  # sizes that are told one by one


def write(findings: Findings, title: str, folder: Path) -> None:
    """Write `audit.json`, `index.html` and pictures into the new folder `folder`.

    Raises UserError if it can't be written.
    """
    found = plain(findings)
    with reporting_write_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(found, indent=1, allow_nan=False)
        (folder / JSON).write_text(text + "\n", encoding="utf-8")
        drawn = _audit_figures.write(findings, found["pairs"], folder)
        page = html(findings, found, title, drawn)
        (folder / PAGE).write_bytes(page.encode("utf-8", "replace"))


def plain(findings: Findings) -> dict[str, Any]:
    """All findings as plain JSON: counts first, then lists of examples."""
    table, files, found = findings.table, findings.files, findings.duplicates
    two = {f"{a}, {b}": n for (a, b), n in found.sources.items() if a != b}
    return {
        "rows": len(table),
        "sources": _counted(named_sources(table)),
        "unreadable": len(findings.unreadable),
        "malformed": len(findings.malformed),
        "blank": int(files["blank"].sum()),
        "tiny": int(files["tiny"].sum()),
        "duplicate_pairs": found.pairs,
        "exact_pairs": found.exact,
        "near_pairs": found.pairs - found.exact,
        "conflicting_pairs": found.conflicting,
        "conflicts": {name: n for name, n in found.conflicts.items() if n},
        "pairs_within": {a: n for (a, b), n in found.sources.items() if a == b},
        "pairs_across": two,
        "leaks": found.leaking + len(findings.identities),
        "leaking_pairs": found.leaking,
        "leaking_identities": len(findings.identities),
        "heads": {h.name: quality.counts(h, table) for h in findings.heads},
        "other_columns": quality.other_columns(table, findings.heads),
        "together": [
            {"heads": list(names), "counts": frame.T.to_dict()}
            for names, frame in quality.together(findings.heads, table).items()
        ],
        "correlations": {
            head.name: _without_nan(quality.correlations(head, table))
            for head in findings.heads
            if head.answer_type == "labels"
        },
        "pictures": _pictures(files),
        "unreadable_files": findings.unreadable.to_dict("records"),
        "malformed_labels": findings.malformed.to_dict("records"),
        "blank_files": table["path"][files["blank"]].tolist(),
        "tiny_files": table["path"][files["tiny"]].tolist(),
        "identities": findings.identities.to_dict("records"),
        "pairs": _pairs(findings),
        "notes": list(findings.notes),
    }


def _counted(values: "pd.Series[Any]") -> dict[str, int]:
    return {str(name): int(n) for name, n in values.value_counts().items()}


def _without_nan(frame: pd.DataFrame) -> dict[str, Any]:
    return {
        str(one): {
            str(k): None if pd.isna(v) else round(float(v), 4) for k, v in row.items()
        }
        for one, row in frame.iterrows()
    }


def _pictures(files: pd.DataFrame) -> dict[str, Any]:
    """Sizes and colour modes of the readable files, before anything is converted."""
    there = files[files["reason"] == ""]
    sizes = there["width"].astype(str) + "x" + there["height"].astype(str)
    return {
        "n": len(there),
        "modes": _counted(there["mode"]),
        "sizes": _counted(sizes.astype(str)) if len(there) else {},
    }


def _pairs(findings: Findings) -> list[dict[str, Any]]:
    paths = findings.table["path"].tolist()
    parts = column(findings.table, "split").tolist()
    made = []
    for row in findings.duplicates.listed.itertuples(index=False):
        left, right = int(row.left), int(row.right)  # type: ignore[arg-type]
        pair: dict[str, Any] = {
            "paths": [paths[left], paths[right]],
            "kind": "exact" if row.exact else "near",
            "bits": int(row.bits),  # type: ignore[arg-type]
            "conflicts": {},
        }
        if row.score:
            pair["conflicts"] = quality.conflicts(findings, left, right)
        if row.leaks:
            pair["splits"] = [parts[left], parts[right]]
        made.append(pair)
    return made


# The page


def html(
    findings: Findings, found: dict[str, Any], title: str, drawn: dict[str, str]
) -> str:
    """The page; `drawn` names the pictures beside it and says what they show."""
    pairs = found["pairs"]
    sizes = sorted(found["pictures"]["sizes"].items(), key=lambda item: -item[1])
    page: str = _html.render(
        "audit.html",
        title=title,
        found=found,
        facts=facts(findings),
        wrong=findings.wrong(),
        drawn=drawn,
        near=NEAR,
        blank=BLANK,
        tiny=TINY,
        listed=LISTED,
        shown=_SHOWN,
        sizes=sizes[:_COMMON],
        more_sizes=max(0, len(sizes) - _COMMON),
        numbers=[_number(h, found["heads"][h.name]) for h in _of(findings, "number")],
        labels=[_labels(h, found["heads"][h.name]) for h in _of(findings, "labels")],
        conflicting=[_row(p) for p in pairs if p["conflicts"]],
        leaking=[_row(p) for p in pairs if "splits" in p],
        duplicates=[_row(p) for p in pairs if not p["conflicts"]],
    )
    return page


def _of(findings: Findings, form: str) -> list[Any]:
    return [head for head in findings.heads if head.answer_type == form]


def _row(pair: dict[str, Any]) -> dict[str, Any]:
    said = [f"{name}: {a} | {b}" for name, (a, b) in pair["conflicts"].items()]
    kind = "same pixels" if pair["kind"] == "exact" else f"{pair['bits']} bits apart"
    parts = " | ".join(pair.get("splits", ()))
    return {"paths": pair["paths"], "kind": kind, "said": said, "parts": parts}


def _number(head: Any, counts: dict[str, Any]) -> dict[str, Any]:
    unit = f" {head.unit}" if head.unit else ""
    facts = {"labelled": f"{counts['n']:,}", "of them exact": f"{counts['exact']:,}"}
    if counts["n"]:
        facts |= {k: f"{counts[k]:.4g}{unit}" for k in ("mean", "min", "max")}
    return {"name": head.name, "facts": facts, "bands": counts["bands"]}


def _labels(head: Any, counts: dict[str, Any]) -> dict[str, Any]:
    rows = [
        [name, f"{c['n']:,}", f"{c['yes']:,}", _share(c["yes"], c["n"])]
        for name, c in counts.items()
    ]
    return {"name": head.name, "header": ["label", "n", "yes", "share"], "rows": rows}


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else ""


# In a few lines


def facts(findings: Findings) -> list[tuple[str, int, str]]:
    """The counts that matter most: name, count, and what it is in more words."""
    found, files = findings.duplicates, findings.files
    worst = sorted(found.conflicts.items(), key=lambda item: -item[1])
    named = ", ".join(f"{name} {n:,}" for name, n in worst[:5] if n)
    across = sum(n for (a, b), n in found.sources.items() if a != b)
    sources = _counted(named_sources(findings.table))
    told = ", ".join(f"{name} {n:,}" for name, n in sources.items())
    leaks = f"{found.leaking:,} pairs, {len(findings.identities):,} identities"
    return [
        ("rows", len(findings.table), told),
        ("unreadable", len(findings.unreadable), "files that are no picture"),
        ("malformed", len(findings.malformed), "set aside: name or label is wrong"),
        ("blank", int(files["blank"].sum()), "one even surface"),
        ("tiny", int(files["tiny"].sum()), f"a side under {TINY} pixels"),
        ("duplicate pairs", found.pairs,
         f"{found.exact:,} exact, {found.pairs - found.exact:,} near; "
         f"{across:,} across data sets"),
        ("conflicting pairs", found.conflicting, named or "labels agree"),
        ("leaks", found.leaking + len(findings.identities), leaks),
    ]  # fmt: skip


def text(findings: Findings) -> str:
    """The facts as a plain table, then how many rows each head has a label in."""
    rows = [(name, f"{count:,}", more) for name, count, more in facts(findings)]
    for head in findings.heads:
        counts = quality.counts(head, findings.table)
        rows.append((f"{head.name} labels", f"{_labelled(counts):,}", _few(counts)))
    wide = [max(len(row[i]) for row in rows) for i in (0, 1)]
    lines = [f"{a:<{wide[0]}}  {b:>{wide[1]}}  {c}".rstrip() for a, b, c in rows]
    return str(_style.printable("\n".join([*findings.notes, *lines])))


def _labelled(counts: dict[str, Any]) -> int:
    if "n" in counts and isinstance(counts["n"], int):
        return int(counts["n"])
    return max((label["n"] for label in counts.values()), default=0)


def _few(counts: dict[str, Any]) -> str:
    if "classes" in counts:
        common = sorted(counts["classes"].items(), key=lambda item: -item[1])
        more = f", +{len(common) - 7} more" if len(common) > 7 else ""
        return ", ".join(f"{name} {n:,}" for name, n in common[:7]) + more
    if "bands" in counts:
        if not counts["n"]:
            return ""
        return f"{counts['min']:g} to {counts['max']:g}, mean {counts['mean']:.1f}"
    return f"{len(counts)} labels"
