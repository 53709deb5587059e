"""What do several networks answer for the same pictures?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from multitask.comparison.matching import Match
from multitask.contracts.errors import UserError
from multitask.contracts.evaluation import Evaluation
from multitask.contracts.head import Array
from multitask.contracts.machine import Machine
from multitask.contracts.results.side_by_side import MeasuredNetwork
from multitask.contracts.run import existing
from multitask.data import split
from multitask.data.batches import decode_table
from multitask.data.labels import usable
from multitask.data.sources import check_labelled
from multitask.experiments.evaluate import face_cut
from multitask.experiments.outputs import known_rows
from multitask.images import near
from multitask.metrics import scores
from multitask.networks.analyzer import Analyzer
from multitask.networks.answers import NO_NUMBER, read_all, rows_of
from multitask.networks.spec import NetworkSpec


@dataclass(frozen=True, kw_only=True)
class GivenNetwork:
    """A network to measure: how messages call it, its file, and what is in it."""

    name: str
    file: Path
    spec: NetworkSpec

    @property
    def data(self) -> tuple[str, ...]:
        """The data sets that trained it, if its file names any."""
        return tuple(self.spec.recipe.get("data", ()))

    @property
    def heads(self) -> tuple[str, ...]:
        """The heads that were asked for when it was trained, if any were."""
        return tuple(self.spec.recipe.get("heads", ()))


@dataclass(frozen=True, kw_only=True)
class Answered:
    """The evaluations of several networks on the same rows, by their names.

    `groups` (rows,) numbers the rows, those of one person alike; `skipped` lists what a
    network could not use (`network`, `path`, `reason`).
    """

    evaluations: Mapping[str, Evaluation]
    networks: tuple[MeasuredNetwork, ...]
    groups: Array
    skipped: pd.DataFrame

    def scores(self, match: Match) -> dict[str, Array]:
        """The scores (rows, labels) of each network in a question that they share.

        They are NaN where not all of them have one.
        """
        by_network = {}
        for network, head in match.heads.items():
            evaluation = self.evaluations[network]
            each = scores.scores(head, evaluation.labels, evaluation.answers)
            places = [head.columns.index(column) for column in match.columns]
            by_network[network] = each[:, places]
        known = ~np.isnan(list(by_network.values())).any(axis=0)
        return {n: np.where(known, each, np.nan) for n, each in by_network.items()}


def answer_same_rows(
    networks: Sequence[GivenNetwork],
    table: pd.DataFrame,
    part: str,
    *,
    faces: str,
    machine: Machine,
    out: Path,
) -> Answered:
    """Have networks answer for the rows of a `table`, and keep those that all can use.

    The table's index counts its rows. Raises UserError if no row is left.
    """
    seen = near.Seen(len(table))
    evaluations: dict[str, Evaluation] = {}
    measured, skipped = [], []
    for one in networks:
        analyzer, spec = Analyzer.load(one.file), one.spec
        labels, unusable = usable(table, analyzer.heads)
        check_labelled(analyzer.heads, labels, every=False)
        labels, pixels, unreadable = decode_table(
            labels, spec.side, machine.memory, existing(out), spec.box_margin,
            None if evaluations else seen.look, face_cut(spec, faces),
        )  # fmt: skip
        raw = analyzer.outputs(pixels, labels.index.to_numpy())
        is_known, _ = known_rows(analyzer.heads, raw, one.file, len(labels))
        unanswered = labels.loc[~is_known, ["path"]].assign(reason=NO_NUMBER)
        raw, labels = rows_of(raw, is_known), labels[is_known]
        evaluations[one.name] = Evaluation(
            title=one.name,
            split=part,
            labels=labels,
            answers=read_all(
                analyzer.heads, raw, labels.index.to_numpy(), probabilities=True
            ),
            heads=analyzer.heads,
            notes=(*spec.notes, *spec.leaks),
        )
        measured.append(_measured(one, analyzer.model.count_params()))
        unused = pd.concat([unusable, unreadable, unanswered], ignore_index=True)
        skipped.append(unused.assign(network=one.name)[["network", "path", "reason"]])
    rows = _common_rows(evaluations)
    return Answered(
        evaluations={
            name: replace(
                each, labels=each.labels.loc[rows], answers=each.answers.loc[rows]
            )
            for name, each in evaluations.items()
        },
        networks=tuple(measured),
        groups=split.groups(table.loc[rows], near.links(seen.frequencies[rows])),
        skipped=pd.concat(skipped, ignore_index=True),
    )


def _measured(one: GivenNetwork, parameters: int) -> MeasuredNetwork:
    return MeasuredNetwork(
        name=one.name,
        trunk=one.spec.trunk,
        parameters=parameters,
        heads=tuple(head.name for head in one.spec.heads),
    )


def _common_rows(evaluations: Mapping[str, Evaluation]) -> pd.Index:
    """The index of the pictures that all networks could use."""
    first, *others = (each.labels.index for each in evaluations.values())
    for other in others:
        first = first.intersection(other)
    if first.empty:
        raise UserError(
            " and ".join(evaluations),
            "can use no picture in common",
            "look for no faces, with --faces whole",
        )
    return first
