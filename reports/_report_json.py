"""What does `report.json` say of a head beside its summary?"""

import math
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from typing import Any

from multitask.contracts.evaluation import Evaluation
from multitask.metrics.assessment import (
    Assessment,
    Baseline,
    Gap,
    HeadAssessment,
    Subgroup,
    assess,
)


def document(evaluation: Evaluation, folds: Mapping[str, Any]) -> dict[str, Any]:
    """All of `report.json`, with None for numbers that are not finite."""
    assessment = assess(evaluation)
    whole = {
        "title": evaluation.title,
        "split": evaluation.split,
        "notes": list(evaluation.notes),
        "rows": len(evaluation.labels),
        "resampled": assessment.unit,
        "heads": heads(assessment),
        **({"folds": folds} if folds else {}),
    }
    finite: dict[str, Any] = _finite(whole)
    return finite


def heads(assessment: Assessment) -> dict[str, dict[str, Any]]:
    """The summary of each head and what is known beside it, by its name."""
    return {
        name: {**head.summary, **_assessed(head)}
        for name, head in assessment.heads.items()
    }


def _assessed(head: HeadAssessment) -> dict[str, Any]:
    known: dict[str, Any] = {
        "sentence": head.sentence,
        "is_useful": head.is_useful,
        "main_score": head.main or None,
        "invalid_answers": head.invalid,
        "ci": _intervals(head, head.summary),
        "baseline": _baseline(head.baseline) if head.baseline else None,
        "baselines": [_baseline(one) for one in head.baselines],
        "subgroups": [_subgroup(one) for one in head.subgroups],
        "gaps": [_gap(one) for one in head.gaps],
    }
    if head.at_half is not None:
        known["main_score_at_half"] = head.at_half
    if "per_label" in head.summary:
        known["useless_labels"] = list(head.useless_labels)
    calibration = head.calibration
    if is_dataclass(calibration) and not isinstance(calibration, type):
        known["calibration"] = asdict(calibration)
    for name in ("thresholds", "curves"):
        parts = getattr(head, name)
        if parts:
            known[name] = [asdict(part) for part in parts]
    return known


def _intervals(
    head: HeadAssessment, summary: Mapping[str, Any], prefix: str = ""
) -> dict[str, Any]:
    """The interval of each score, under the keys that it has in the summary."""
    result: dict[str, Any] = {}
    for key, value in summary.items():
        score = head.scores.get(f"{prefix}{key}")
        if isinstance(value, Mapping):
            result[key] = _intervals(head, value, f"{prefix}{key}/")
        elif score is not None:
            result[key] = list(score.ci) if score.ci else None
    return result


def _baseline(baseline: Baseline) -> dict[str, Any]:
    scores = {name: v for name, v in baseline.scores.items() if "/" not in name}
    return {**asdict(baseline), "scores": scores}


def _subgroup(group: Subgroup) -> dict[str, Any]:
    plain = asdict(group)
    score = plain.pop("score")
    ci = list(score["ci"]) if score["ci"] else None
    return {
        **{key: plain[key] for key in ("column", "group", "title", "n")},
        "score": score["name"],
        "value": score["value"],
        "ci": ci,
        "baseline": score["baseline"],
        **{key: plain[key] for key in ("difference", "p_value", "is_small")},
    }


def _gap(gap: Gap) -> dict[str, Any]:
    return {key: value for key, value in asdict(gap).items() if value is not None}


def _finite(value: Any) -> Any:
    """None for NaN and infinity, which are not JSON: strict readers reject them."""
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
