"""Which of several networks answers better, on pictures that none of them saw?"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from multitask.comparison.differences import drawn_units, verdict
from multitask.comparison.matching import Match, matched_heads
from multitask.comparison.same_rows import Answered, GivenNetwork, answer_same_rows
from multitask.contracts import plugins
from multitask.contracts.errors import UserError, counted
from multitask.contracts.machine import Machine
from multitask.contracts.results.side_by_side import (
    NetworkDifference,
    NetworkScore,
    SideBySide,
)
from multitask.contracts.run import (
    SAMPLE,
    SPLIT,
    network_file,
    new_work,
)
from multitask.contracts.table import any_file_name
from multitask.data.sources import absolute, parse, read_all
from multitask.experiments.held_out import held_out_by_all
from multitask.experiments.notes.chance import INTERVALS, MANY_DIFFERENCES
from multitask.experiments.notes.leaks import unlisted_notes
from multitask.experiments.notes.parts import few_labels_notes
from multitask.experiments.notes.training import notes_about
from multitask.metrics import scores
from multitask.metrics.uncertainty import interval
from multitask.networks import archive

_PARTS = {"test": "test part", "val": "validation part", "all": "pictures"}


@any_file_name()
def measure_side_by_side(
    networks: Mapping[str, Path],
    data: Sequence[str] = (),
    *,
    out: Path,
    split: str | None = None,
    faces: str = "",
    machine: Machine = Machine(),  # noqa: B008  (it is frozen)
) -> SideBySide:
    """Measure networks on the pictures that all of them hold out; write a report.

    `networks` are files by the names that tell them apart. By default, `data` are
    those that trained them, and `split` is the test part if a network or the data has
    one, else all pictures that none of them learned from. `faces` is as in
    `evaluate.report`.

    Raises UserError for whatever the user can fix: among others if the networks hold
    out no picture in common, or answer no question in common.
    """
    opened = [_given(name, file) for name, file in networks.items()]
    with new_work(out):
        return _measured(opened, data, out, split=split, faces=faces, machine=machine)


def _measured(
    networks: Sequence[GivenNetwork],
    data: Sequence[str],
    out: Path,
    *,
    split: str | None,
    faces: str,
    machine: Machine,
) -> SideBySide:
    """Measure networks, and write a report into `out`."""
    matches, notes = matched_heads({one.name: one.spec.heads for one in networks})
    sets = _sets(data, networks)
    heads = dict.fromkeys(head for one in networks for head in one.heads)
    reading = read_all(sets, out / SAMPLE, heads)
    runs = {
        one.name: (one.file.parent, not data and bool(one.data)) for one in networks
    }
    table, part, told = held_out_by_all(reading.table, runs, split)
    table = table.reset_index(drop=True)
    answered = answer_same_rows(
        networks, table, part, faces=faces, machine=machine, out=out
    )
    measured, unlabelled = _labelled(matches, answered)
    result = SideBySide(
        title=f"{' and '.join(runs)} on {_named(sets)}",
        split=part,
        rows=len(answered.groups),
        networks=answered.networks,
        metrics={match.name: match.head.metric for match in measured},
        units={match.name: match.head.unit for match in measured},
        better={m.name: scores.better_direction(m.head) for m in measured},
        scores=tuple(_scores(measured, answered)),
        differences=tuple(_differences(measured, answered)),
        notes=(
            *told,
            *(note for one in networks for note in _unlisted(one, data, sets)),
            *notes,
            *unlabelled,
            *reading.notes,
            *_caveats(measured, answered, part, reading.notes, sets),
            INTERVALS.format(part=_PARTS[part]),
            MANY_DIFFERENCES,
        ),
        evaluations=answered.evaluations,
        folder=out,
    )
    plugins.write_reports(result, out, answered.skipped, work=out)
    return result


def _sets(data: Sequence[str], networks: Sequence[GivenNetwork]) -> tuple[str, ...]:
    """The data sets to measure on, by default those of all trainings."""
    own = dict.fromkeys(text for one in networks for text in one.data)
    sets = absolute(data or tuple(own))
    if not sets:
        raise UserError("--data", "no data set given", "write --data NAME=FOLDER")
    return tuple(sets)


def _named(sets: Sequence[str]) -> str:
    """The names of data sets; two tables may have the same.

    >>> _named(["mine=table:a.csv", "mine=table:b.csv", "utkface=UTK"])
    'mine, utkface'
    """
    return ", ".join(dict.fromkeys(parse(text).name for text in sets))


def _given(name: str, file: Path) -> GivenNetwork:
    file = network_file(file)
    return GivenNetwork(name=name, file=file, spec=archive.load_spec(file))


def _unlisted(
    one: GivenNetwork, data: Sequence[str], sets: Sequence[str]
) -> Iterator[str]:
    """That nobody knows which pictures a network learned from, if so."""
    if (data or not one.data) and not one.file.with_name(SPLIT).exists():
        notes = unlisted_notes(one.file, sets, one.name, f" {one.name}")
        yield from notes


def _labelled(
    matches: Sequence[Match], answered: Answered
) -> tuple[list[Match], list[str]]:
    """The questions with labels that all networks know, and notes on the others.

    Raises UserError if none has any.
    """
    labelled, notes = [], []
    for match in matches:
        first = next(iter(answered.scores(match).values()))
        if np.isnan(first).all():
            notes.append(
                f"No picture has a label of {match.name} that all networks know: not "
                "compared."
            )
        else:
            labelled.append(match)
    if not labelled:
        raise UserError(
            " and ".join(answered.evaluations),
            f"hold out {counted(len(answered.groups), 'picture')} in common, none of "
            "which has a label of a head that they share",
            "give other pictures with --data",
        )
    return labelled, notes


def _scores(matches: Sequence[Match], answered: Answered) -> Iterator[NetworkScore]:
    for match in matches:
        is_share = scores.better_direction(match.head) == "higher"
        for network, each in answered.scores(match).items():
            value, draws = scores.mean(each), scores.bootstrap(each, answered.groups)
            units = drawn_units(each, answered.groups)
            yield NetworkScore(
                head=match.name,
                network=network,
                value=value,
                ci=interval(value, draws, units, is_share)
                or scores.confidence_interval(draws),
                n=int((~np.isnan(each)).any(axis=1).sum()),
            )


def _differences(
    matches: Sequence[Match], answered: Answered
) -> Iterator[NetworkDifference]:
    """Every pair of networks, a later one against an earlier one."""
    for match in matches:
        by_network = answered.scores(match)
        draws = {
            network: scores.bootstrap(each, answered.groups)
            for network, each in by_network.items()
        }
        for other, network in combinations(by_network, 2):
            one, before = by_network[network], by_network[other]
            low, high = scores.confidence_interval(draws[network] - draws[other])
            yield NetworkDifference(
                head=match.name,
                network=network,
                other=other,
                difference=scores.mean(one) - scores.mean(before),
                ci=(low, high),
                verdict=verdict(
                    match.head, low, high, drawn_units(one, answered.groups)
                ),
            )


def _caveats(
    matches: Sequence[Match],
    answered: Answered,
    part: str,
    told: Sequence[str],
    sets: Sequence[str],
) -> Iterator[str]:
    """What else makes the figures say less than they seem to, if not yet `told`."""
    for name, of_network in answered.skipped.groupby("network", sort=False):
        first = of_network["reason"].iloc[0]
        count = counted(len(of_network), "picture or label", "pictures or labels")
        yield f"{name} could not use {count}, the first: {first}."
    first_evaluation = next(iter(answered.evaluations.values()))
    heads = [match.head for match in matches]
    labels: pd.DataFrame = first_evaluation.labels
    yield from few_labels_notes(heads, labels, part)
    for name, evaluation in answered.evaluations.items():
        about = notes_about(evaluation.notes, sets)
        new = (note for note in about if note not in told)
        yield from (f"{name}: {note}" for note in new)
