"""How good is a network on labelled pictures?"""

from collections.abc import Sequence
from itertools import count
from os import PathLike
from pathlib import Path

import numpy as np
import pandas as pd

from multitask.contracts import plugins
from multitask.contracts.errors import Say, UserError, counted
from multitask.contracts.evaluation import Evaluation
from multitask.contracts.machine import Machine
from multitask.contracts.paths import expand_user
from multitask.contracts.recipe import Recipe
from multitask.contracts.recipe_texts import check_measured
from multitask.contracts.run import (
    HISTORY,
    NETWORK,
    REPORT,
    SAMPLE,
    SPLIT,
    existing,
    is_abandoned,
    network_file,
    new_folder,
    new_work,
)
from multitask.contracts.table import any_file_name
from multitask.data.batches import decode_table
from multitask.data.labels import set_aside
from multitask.data.sources import absolute, check_labelled, parse, read_all
from multitask.experiments.calibrate import calibrate, uncalibrated
from multitask.experiments.describe import describe_network
from multitask.experiments.explain import with_explanations
from multitask.experiments.held_out import select_part
from multitask.experiments.notes.leaks import unlisted_notes
from multitask.experiments.notes.parts import few_labels_notes, measured_part
from multitask.experiments.notes.training import frozen_notes_of, notes_about
from multitask.experiments.outputs import (
    known_rows,
    network_outputs,
    training_features,
)
from multitask.experiments.prepare import Prepared
from multitask.images.decode import Cut, Pixels
from multitask.images.faces.parts import make_finder
from multitask.metrics.groupings import check_by
from multitask.networks import archive
from multitask.networks.analyzer import Analyzer
from multitask.networks.answers import Outputs, rows_of
from multitask.networks.answers import read_all as read_answers
from multitask.networks.spec import NetworkSpec
from multitask.terminal.bar import status

_CALIBRATED = 2000  # at most so many pictures of the validation part calibrate
_CHOSEN_BY = 5000  # and so many choose thresholds, as some labels are rare


def evaluate_run(
    prepared: Prepared,
    table: pd.DataFrame,
    folder: Path,
    *,
    stage: Recipe,
    varied: Pixels | None,
    say: Say,
) -> Evaluation:
    """Calibrate the run in `folder` on its validation part, report on its test part.

    `table` is that of `prepared` with its `split`, `stage` the last stage trained;
    `varied` goes into the report.
    """
    machine = prepared.machine
    part, warnings = measured_part(prepared.recipe, table, prepared.members)
    labels = table[table["split"] == part]
    say(f"measuring on {counted(len(labels), 'picture')}, and writing the report")
    with status("opening the network"):
        analyzer = Analyzer.load(folder)
    val = table[table["split"] == "val"]
    most = _CHOSEN_BY if stage.threshold_rule else _CALIBRATED
    val = val.sample(min(len(val), most), random_state=stage.seed)
    rows = labels.index.to_numpy()
    both = np.concatenate([val.index.to_numpy(), rows])  # so that features come at once
    raw = network_outputs(analyzer, stage, machine, prepared.pixels, both, say)
    is_known, told = known_rows(analyzer.heads, raw, folder, len(labels))
    warnings += told
    raw = rows_of(raw, is_known)
    val, labels = val[is_known[: len(val)]], labels[is_known[len(val) :]]
    rows = labels.index.to_numpy()
    if len(val):
        analyzer, told = _calibrated(analyzer, val, raw, stage, folder / NETWORK)
        warnings += told
    if not stage.caches_features:  # else this alone would take longer than the training
        known = training_features(analyzer, prepared.pixels, table, stage.seed)
        if known:
            archive.save_training(known, folder / NETWORK)
    warnings += few_labels_notes(analyzer.heads, labels, part)
    raw = {name: values[len(val) :] for name, values in raw.items()}
    evaluation = Evaluation(
        title=folder.name,
        split=part,
        labels=labels,
        answers=read_answers(analyzer.heads, raw, rows, probabilities=True),
        uncalibrated=uncalibrated(analyzer.heads, raw, rows),
        heads=analyzer.heads,
        notes=(*analyzer.notes, *_caveats(analyzer.spec), *warnings),
        history=_history(folder),
        varied=varied,
        network=describe_network(analyzer, folder),
        folder=folder / REPORT,
    )
    return _reported(evaluation, analyzer, prepared.pixels, folder / REPORT)


def _calibrated(
    analyzer: Analyzer, val: pd.DataFrame, raw: Outputs, stage: Recipe, file: Path
) -> tuple[Analyzer, tuple[str, ...]]:
    """The network calibrated on `val`, whose outputs come first, and warnings."""
    of_val = {name: values[: len(val)] for name, values in raw.items()}
    heads, told = calibrate(analyzer.heads, val, of_val, stage.threshold_rule)
    if heads != analyzer.heads:
        analyzer = analyzer.with_heads(heads)
        archive.save_spec(analyzer.spec, file)
    return analyzer, told


def _history(run: Path) -> pd.DataFrame | None:
    """The figures of each epoch of a run, if they are there."""
    file = run / HISTORY
    return pd.read_csv(file) if file.exists() else None


def _caveats(spec: NetworkSpec) -> tuple[str, ...]:
    """What to know of how a network was trained, beside its notes."""
    return (*spec.leaks, *frozen_notes_of(spec.recipe))


def _unlisted(file: Path, sets: Sequence[str], name: str) -> tuple[str, ...]:
    """That nobody knows which pictures a network learned from, if so."""
    is_known = file.with_name(SPLIT).exists()
    return () if is_known else unlisted_notes(file, sets, name)


@any_file_name()
def report(
    network: str | Path,
    data: Sequence[str] = (),
    *,
    split: str | None = None,
    out: str | PathLike[str] | None = None,
    faces: str = "",
    machine: Machine = Machine(),  # noqa: B008  (it is frozen)
    name: str = "",
    by: str | Sequence[str] = (),
) -> Evaluation:
    """Measure a network file or run on data sets `NAME=FOLDER` and write a report.

    By default the data are the run's own, and `split` is `test` if the run or the data
    has such a part, else `all`. `faces` is as in `Analyzer.predict`, by default as in
    the training; of a picture with several, the one counts that is much larger than
    all others, and pictures without it are left out. `by` names columns whose groups
    are measured, or products such as `race*gender`. The report goes into `out`, or
    into a new folder beside the network. With a `name`, or address, its file is
    nobody's run: all that is written goes into the folder of the report.

    Raises UserError for whatever the user can fix.
    """
    check_measured(split)
    network = expand_user(network)
    with status("opening the network"):
        analyzer = Analyzer.load(network)
    cut = face_cut(analyzer.spec, faces)
    folder = report_folder(network, out)
    with new_work(folder):
        return _measure(
            analyzer, network, _sets(data, analyzer.spec), folder,
            own=not data, split=split, cut=cut, machine=machine, name=name, by=by,
        )  # fmt: skip


def _measure(
    analyzer: Analyzer,
    network: Path,
    sets: Sequence[str],
    folder: Path,
    *,
    own: bool,
    split: str | None,
    cut: Cut | None,
    machine: Machine,
    name: str,
    by: str | Sequence[str],
) -> Evaluation:
    """Measure a network on data sets, its `own` or others, and write into `folder`."""
    spec, run = analyzer.spec, network if network.is_dir() else network.parent
    place = folder if name else run
    reading = read_all(sets, place / SAMPLE, spec.recipe.get("heads", ()))
    table, part, warnings = select_part(reading.table, split, run, own=own)
    table, unusable = set_aside(table.reset_index(drop=True), analyzer.heads)
    check_labelled(analyzer.heads, table, every=False)
    by = check_by(by, table, analyzer.heads)
    table, pixels, unreadable = decode_table(
        table, spec.side, machine.memory, existing(place), spec.box_margin,
        cut=cut, damaged=machine.damaged,
    )  # fmt: skip
    named = name or run.resolve().name
    warnings += () if own else _unlisted(network_file(network), sets, named)
    warnings += (*_caveats(spec), *few_labels_notes(analyzer.heads, table, part))
    trained, rows = notes_about(spec.notes, sets), table.index.to_numpy()
    with status(f"measuring on {counted(len(table), 'picture')}"):
        raw = analyzer.outputs(pixels, rows)
    is_known, told = known_rows(analyzer.heads, raw, network, len(rows))
    warnings += told
    raw, table, rows = rows_of(raw, is_known), table[is_known], rows[is_known]
    evaluation = Evaluation(
        title=_title(named, sets),
        split=part,
        labels=table,
        answers=read_answers(analyzer.heads, raw, rows, probabilities=True),
        uncalibrated=uncalibrated(analyzer.heads, raw, rows),
        heads=analyzer.heads,
        notes=tuple(dict.fromkeys((*trained, *reading.notes, *warnings))),
        by=by,
        history=_history(run) if own else None,
        network=describe_network(analyzer, run),
        folder=folder,
    )
    skipped = pd.concat([reading.skipped, unusable, unreadable], ignore_index=True)
    return _reported(evaluation, analyzer, pixels, folder, skipped, work=folder)


def _title(network: str, sets: Sequence[str]) -> str:
    return f"{network} on {', '.join(parse(text).name for text in sets)}"


def _reported(
    evaluation: Evaluation,
    network: Analyzer,
    pixels: Pixels,
    folder: Path,
    skipped: pd.DataFrame | None = None,
    *,
    work: Path | None = None,
) -> Evaluation:
    """The evaluation with a few answers explained, once its report is written."""
    explained = with_explanations(evaluation, network, pixels)
    with status("writing the report"):
        plugins.write_reports(explained, folder, skipped, work=work)
    return explained


def _sets(data: Sequence[str], spec: NetworkSpec) -> tuple[str, ...]:
    """The data sets to measure on, by default those of the training."""
    sets = absolute(data or spec.recipe.get("data", ()))
    if not sets:
        raise UserError("--data", "no data set given", "write --data NAME=FOLDER")
    return tuple(sets)


def face_cut(spec: NetworkSpec, faces: str) -> Cut | None:
    """What cuts the face out of a labelled picture; None for whole pictures."""
    in_training = "detect" if spec.recipe.get("faces") == "detect" else "whole"
    find = make_finder(faces or in_training, spec.framing)
    return find.labelled if find else None


def report_folder(network: str | Path, out: str | PathLike[str] | None = None) -> Path:
    """The folder of a report: `out`, or the first of report, report-2, ... that is new.

    One of these whose command was killed is new, too.

    Raises UserError if it exists or can't be made.
    """
    if out:
        return new_folder(expand_user(out))
    path = expand_user(network)
    run = path if path.is_dir() else path.parent
    names = (REPORT + (f"-{i}" if i > 1 else "") for i in count(1))
    folders = (run / name for name in names)
    return next(
        new_folder(one) for one in folders if not one.exists() or is_abandoned(one)
    )
