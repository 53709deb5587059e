"""What does the card of a network say?"""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from multitask.reports._cards import text

from multitask.contracts.errors import counted
from multitask.contracts.evaluation import Evaluation
from multitask.contracts.head import Head
from multitask.contracts.results.described import TrainedNetwork
from multitask.contracts.table import sources
from multitask.metrics import sentences
from multitask.metrics.assessment import (
    Assessment,
    HeadAssessment,
    Score,
    Subgroup,
    assess,
)
from multitask.metrics.rounding import decimals, p_value_text, rounded, with_interval

_PARTS = {"test": "test part", "val": "validation part", "train": "training part"}
_WATTS = 12.0  # of a core: an assumption, which the card states
_NUMBERS = ("mae", "accuracy", "mean_accuracy", "macro_f1", "interval_accuracy")
_GROUPS = 20  # of a head, the weakest ones
_NAMED = 5  # of those among the limits


def model_card(evaluation: Evaluation, network: TrainedNetwork) -> str:
    """The card of the network that an evaluation measured."""
    assessment = assess(evaluation, evaluation.by)
    heads = assessment.heads.values()
    published = all(one.is_published for one in network.data)
    head = text.metadata(
        {
            "license": network.licence,
            "library_name": "keras",
            "pipeline_tag": "image-classification",
            "tags": ["multitask", *(one.head for one in heads)],
            "datasets": [one.reader for one in network.data] if published else [],
            "model-index": _index(evaluation, assessment),
        }
    )
    card: str = text.card(
        head,
        evaluation.title,
        {
            "": text.bullets(one.sentence for one in heads),
            "Uses": _uses(),
            "What it answers": _answers(evaluation.heads),
            "Data and terms": _data(network),
            "How good it is": _scores(evaluation, assessment),
            "For whom": _groups(assessment),
            "Limits": text.bullets(_limits(evaluation, assessment)),
            "How it was made": _making(network),
            "Time and energy": _energy(network),
        },
    )
    return card


def _index(evaluation: Evaluation, assessment: Assessment) -> list[dict[str, Any]]:
    """The results as the hub reads them: one per head, with its main numbers."""
    results = [
        {
            "task": {"type": "image-classification", "name": one.head},
            "dataset": _measured(evaluation, one.head),
            "metrics": [
                {
                    "type": score.name,
                    "value": score.value,
                    "name": f"{score.name} of {one.head}{_interval(score)}",
                }
                for score in _main(one)
            ],
        }
        for one in assessment.heads.values()
        if _main(one)
    ]
    return [{"name": evaluation.title, "results": results}] if results else []


def _measured(evaluation: Evaluation, name: str) -> dict[str, str]:
    """The data sets that have labels of a head, and the part that was measured."""
    table = evaluation.labels
    (head,) = (head for head in evaluation.heads if head.name == name)
    labelled = table[head.labelled(table)]
    names = sorted({*sources(labelled)} - {""}) or ["data"]
    return {"type": names[0], "name": f"{', '.join(names)}, {_part(evaluation)}"}


def _main(one: HeadAssessment) -> list[Score]:
    scores = (one.scores.get(name) for name in _NUMBERS)
    return [score for score in scores if score and score.value == score.value]


def _decimals(score: Score) -> int:
    """Those that a value has at least: groups are told apart by them."""
    return 1 if score.better == "lower" else 2


def _interval(score: Score) -> str:
    if score.ci is None:
        return ""
    low, high = score.ci
    return f", 95% interval {low:.4g} to {high:.4g}"


def _part(evaluation: Evaluation) -> str:
    return _PARTS.get(evaluation.split, "all pictures")


def _uses() -> str:
    return (
        "Which uses the author intends is not stated. Its answers repeat the labels "
        "that it learned from, with their errors.\n\n"
        "Out of scope, where pictures show people: any decision about a person, such "
        "as identification, surveillance, hiring, policing, border control, credit or "
        "access; inferring identity, ethnicity, emotion or health; pictures unlike "
        "those it was measured on."
    )


def _answers(heads: tuple[Head, ...]) -> str:
    rows = [
        [one.name, _kind(one), ", ".join(one.classes or one.columns)] for one in heads
    ]
    return str(text.table(["head", "answer", "labels"], rows))


def _kind(head: Head) -> str:
    if head.answer_type == "number":
        return f"a number, in {head.unit}" if head.unit else "a number"
    return "one class" if head.answer_type == "class" else "yes or no to each"


def _data(network: TrainedNetwork) -> str:
    """Where the pictures come from, their terms, and how they were split."""
    parts = ", ".join(
        f"{count:,} in the {_PARTS[part]}" for part, count in network.parts.items()
    )
    data = text.data_table(network.data) if network.data else "The data is not stated."
    return (
        f"Licence of the network: {network.licence or text.NOT_STATED}. The terms of "
        "what it learned from may restrict its use.\n\n"
        f"{data}\n\nPictures: {parts or text.NOT_STATED}."
    )


def _scores(evaluation: Evaluation, assessment: Assessment) -> str:
    """The main numbers with their intervals, beside those of a constant."""
    measured = counted(len(evaluation.labels), "picture")
    lines = [
        [
            one.head,
            score.name,
            with_interval(score.value, score.ci, least=_decimals(score)),
            _constant(score),
            f"{score.n:,}",
        ]
        for one in assessment.heads.values()
        for score in _main(one)
    ]
    header = ["head", "score", "value (95% interval)", "a constant's", "labelled"]
    return (
        f"Measured on {_part(evaluation)}, {measured}. Intervals are by the bootstrap "
        f"over {assessment.unit}.\n\n{text.table(header, lines)}"
    )


def _constant(score: Score) -> str:
    """The score of the constant, with the digits of the head's own."""
    if score.baseline is None:
        return ""
    digits = decimals(score.value, score.ci, _decimals(score))
    return f"{score.baseline:.{digits}f}"


def _groups(assessment: Assessment) -> str:
    """The groups of each head, the weakest first."""
    rows = []
    for one in assessment.heads.values():
        sign = 1 if one.main and one.scores[one.main].better == "higher" else -1
        known = [g for g in one.subgroups if g.score.value == g.score.value]
        weakest = sorted(known, key=lambda g: sign * g.score.value)[:_GROUPS]
        rows += [
            [
                one.head,
                g.title,
                with_interval(g.score.value, g.score.ci, least=_decimals(g.score)),
                rounded(g.difference, g.score.ci, sign=True, least=_decimals(g.score)),
                p_value_text(g.p_value),
                f"{g.n:,}" + " (few)" * g.is_small,
            ]
            for g in weakest
        ]
    if not rows:
        return "No column of the data divides the pictures into groups: not known."
    header = [
        *("head", "group", "score (95% interval)", "to the others", "p", "pictures"),
    ]
    chance = (
        "`p` is the chance of such a difference if there were none, corrected for the "
        "number of groups: from 0.05 on, no difference was shown."
    )
    return f"{text.table(header, rows)}\n\n{chance}"


def _limits(evaluation: Evaluation, assessment: Assessment) -> Iterator[str]:
    for one in assessment.heads.values():
        if not one.scores:
            yield f"{one.head}: no labels, so nothing is known of how good it is."
        elif one.is_useful is None:
            yield f"{one.head}: could not be shown to be better than a constant answer."
        elif not one.is_useful:
            yield f"{one.head}: not shown to be better than a constant. Don't use it."
        elif groups := sentences.weaker(one):
            yield f"{one.head}: worse than for all others: {_worst(one, groups)}."
    yield from evaluation.notes
    yield "Pictures unlike those measured: how good it is for them isn't known."


def _worst(one: HeadAssessment, groups: list[Subgroup]) -> str:
    """Groups with their scores, at most a few of them."""
    names = [
        g.title
        + f", {with_interval(g.score.value, g.score.ci, least=_decimals(g.score))}"
        + ", no better than a constant there" * one.is_useless_for(g)
        for g in groups[:_NAMED]
    ]
    more = len(groups) - len(names)
    return "; ".join([*names, f"and {more} more"] if more else names)


def _making(network: TrainedNetwork) -> str:
    versions = ", ".join(f"{name} {v}" for name, v in network.versions.items())
    recipe = json.dumps(
        text.without_folders(network.recipe), indent=1, default=str, ensure_ascii=False
    )
    made = (
        f"Trunk `{network.trunk}`, {network.size} by {network.size} pixels, "
        f"{network.parameters:,} parameters. Measured with {versions}."
    )
    if not network.recipe:
        return f"{made} Its recipe is not stated."
    return f"{made} Its recipe:\n\n```json\n{recipe}\n```"


def _energy(network: TrainedNetwork) -> str:
    """How long training took, and about what energy that is by the CPU's time."""
    if network.seconds is None:
        return "Time and energy of the training are not stated."
    epochs = counted(network.epochs or 0, "epoch")
    lines = [f"Training: {epochs} in {_duration(network.seconds)}."]
    if network.cpu_seconds is None:
        return f"{lines[0]} Its energy was not measured."
    hours = network.cpu_seconds / 3600
    lines.append(
        f"All cores together computed {_duration(network.cpu_seconds)}. Energy was not "
        f"measured: if a core takes {_WATTS:g} W, an assumption, it is "
        f"{hours * _WATTS:.2g} Wh, without memory, cooling, a GPU, and trainings "
        "that came before this one."
    )
    return " ".join(lines)


def _duration(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
