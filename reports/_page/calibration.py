"""Do confidences, intervals and thresholds hold what they promise?"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from markupsafe import Markup
from multitask.reports._charts import lines
from multitask.reports._page import words

from multitask.contracts.head import Head
from multitask.metrics.calibration import IntervalCoverage, Reliability
from multitask.metrics.curves import Curve
from multitask.metrics.thresholds import Threshold

_SURE = 1.96  # standard errors
_NAMED = 6  # curves up to which each has its colour and a line in the legend
_BY_CHANCE = 0.05  # a coverage this far off is worth a word


class Calibration(NamedTuple):
    """Sentences, and a chart of confidences."""

    sentences: list[str]
    chart: Markup | None


def calibration(found: Any, head: Head) -> Calibration | None:
    """What is known of a head's confidences or intervals, if anything is."""
    if isinstance(found, Reliability) and found.bins:
        return Calibration(_confidences(found), _diagram(found))
    if isinstance(found, IntervalCoverage):
        return Calibration(_interval(found, head.unit), None)
    return None


def _confidences(found: Reliability) -> list[str]:
    n = sum(each.n for each in found.bins)
    confidence = sum(each.n * each.confidence for each in found.bins) / n
    accuracy = sum(each.n * each.accuracy for each in found.bins) / n
    error = math.sqrt(max(accuracy * (1 - accuracy), 1 / n) / n)
    if abs(confidence - accuracy) < _SURE * error:
        verdict = "On average, confidences hold"
    else:
        verdict = (
            "Confidences are too high" if confidence > accuracy
            else "Confidences are too low"
        )  # fmt: skip
    hold = "holds" if len(found.bins) == 1 else "hold"
    sentences = [
        f"{verdict}: they are {confidence:.0%} on average, and {accuracy:.0%} of the "
        f"answers are right. The expected calibration error is {found.ece:.3f}, in "
        f"15 bins of equal width ({len(found.bins)} {hold} answers)."
    ]
    if found.temperature is not None:
        how = (
            f"calibration on the validation part (temperature {found.temperature:.2f})"
        )
        sentences.append(
            f"This is after {how}."
            if found.ece_before is None
            else f"Before {how}, the error was {found.ece_before:.3f}."
        )
    elif found.ece_before is not None:  # of folds, which have a temperature each
        sentences.append(
            "Before calibration on the validation part of each fold, the error was "
            f"{found.ece_before:.3f}."
        )
    return sentences


def _diagram(found: Reliability) -> Markup:
    bins = found.bins
    drawn: Markup = lines.reliability(
        [each.confidence for each in bins],
        [each.accuracy for each in bins],
        [each.n for each in bins],
        "Reliability: how often confident answers are right",
    )
    return drawn


def _interval(found: IntervalCoverage, unit: str) -> list[str]:
    width = f"{found.width:.1f} {unit}".rstrip()
    if not np.isfinite(found.coverage):
        return [f"The intervals are {width} wide on average; no label is exact."]
    off = found.coverage - found.level
    verdict = "as they should" if abs(off) < _BY_CHANCE else (
        "they are wider than needed" if off > 0 else "they are too narrow"
    )  # fmt: skip
    sentences = [
        f"The {found.level:.0%} intervals hold {found.coverage:.1%} of the labels "
        f"({verdict}) and are {width} wide on average."
    ]
    if found.coverage_before is not None and found.width_before is not None:
        before = f"{found.width_before:.1f} {unit}".rstrip()
        sentences.append(
            f"Before calibration on the validation part they held "
            f"{found.coverage_before:.1%}, at a width of {before}."
        )
    return sentences


def thresholds(found: Sequence[Threshold]) -> pd.DataFrame:
    """One row per label: its threshold, and the scores of yes beside those at 0.5."""
    rows = []
    for one in found:
        row = {"label": one.label, "threshold": f"{one.value:.2f}"}
        for name in ("precision", "recall", "f1"):
            title = words.full_name(name)
            row[title] = _two(getattr(one, name))
            row[f"{title} at 0.5"] = _two(one.at_half.get(name, np.nan))
        rows.append(row)
    return pd.DataFrame(rows)


def _two(value: float) -> str:
    return f"{value:.2f}" if np.isfinite(value) else ""


def curve_charts(found: Sequence[Curve]) -> list[Markup]:
    """ROC and precision-recall curves of all classes or labels."""
    if not found:
        return []
    if len(found) == 2 and found[0].n_positive + found[1].n_positive == found[0].n:
        found = found[:1]  # the other class of two has the same curve, mirrored
    shown = len(found) <= _NAMED
    rocs = [
        (f"{c.name}: AUC {c.roc_auc:.3f}" if shown else c.name, c.fpr, c.tpr)
        for c in found
    ]
    precisions = [
        (f"{c.name}: AP {c.average_precision:.3f}", c.recall, c.precision)
        for c in found
    ]
    return [
        lines.shares_over_shares(
            rocs, "ROC curve",
            ("false positive rate", "true positive rate"), diagonal=True,
        ),
        lines.shares_over_shares(
            precisions, "Precision-recall curve", ("recall", "precision")
        ),
    ]  # fmt: skip


def curve_table(found: Sequence[Curve]) -> pd.DataFrame:
    """One row per class or label: the areas below its curves."""
    return pd.DataFrame(
        {
            "label": one.name,
            "pictures": f"{one.n_positive:,} of {one.n:,}",
            "ROC AUC": f"{one.roc_auc:.3f}",
            "average precision": f"{one.average_precision:.3f}",
        }
        for one in found
    )
