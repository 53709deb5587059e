"""What does `predict` make of its rows, and what does it write beside them?"""

import argparse
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from multitask.contracts.errors import UserError, listed
from multitask.contracts.paths import expand_user
from multitask.contracts.recipe_texts import split_names
from multitask.networks.named import catalog
from multitask.networks.prediction.formats import DEEPFACE
from multitask.terminal.tell import tell

if TYPE_CHECKING:
    import pandas as pd

    from multitask.contracts.head import Head
    from multitask.networks.analyzer import Analyzer
    from multitask.networks.prediction.drawn import Drawing
    from multitask.networks.prediction.features import FeatureFile
    from multitask.networks.prediction.file import Target


def add_feature_option(options: argparse.ArgumentParser) -> None:
    """The option that writes features."""
    options.add_argument(
        "--features",
        metavar="FILE.npy",
        help="write the features of each row, too, which `search --like` needs; only "
        "with --out (default: none)",
    )


def check_features(arguments: argparse.Namespace) -> None:
    """Raise UserError unless features can be written beside the rows."""
    if arguments.features and not arguments.out:
        what = "belongs to the rows of a file, and there is none"
        raise UserError("--features", what, "give --out FILE, too")


def heads_to_read(arguments: argparse.Namespace) -> tuple[str, ...] | None:
    """The names of the heads to read; None for all."""
    return split_names(arguments.heads or "") or None


@contextmanager
def target(
    arguments: argparse.Namespace,
    network: Path,
    form: str,
    pictures: "pd.DataFrame",
    options: Mapping[str, Any],
) -> "Iterator[Target]":
    """Where the rows go; UserError if they can't.

    `options` are others than heads and probabilities on which rows depend.
    """
    from multitask.networks.prediction.file import Printed, same_work, writing

    if not arguments.out:
        is_terminal = sys.stdout.isatty()
        width = shutil.get_terminal_size().columns if is_terminal else None
        yield Printed(form=form, width=width)
        return
    heads, probabilities = heads_to_read(arguments), arguments.probabilities
    work = same_work(network, pictures, heads, probabilities, options)
    with writing(expand_user(arguments.out), form, work) as file:
        yield file


@contextmanager
def feature_file(
    arguments: argparse.Namespace, network: Path, target: "Target", *, boxes: bool
) -> "Iterator[FeatureFile | None]":
    """The file of features, after those of the rows that are written already.

    `boxes` says whether the pictures come with boxes. Raises UserError if the file
    can't be written.
    """
    from multitask.networks.prediction.features import FeatureFile, writing_features
    from multitask.networks.prediction.file import PredictionFile

    if not arguments.features or not isinstance(target, PredictionFile):
        yield None
        return
    # A bundled network lies elsewhere on another machine.
    is_bundled = network.parent.parent == catalog.BUNDLED
    name = network.parent.name if is_bundled else str(network.absolute())
    path = expand_user(arguments.features)
    names = ("faces", "largest", "detector", "damaged", "tta")
    file = FeatureFile(
        path=path,
        network=name,
        sha256=target.work["network"],
        options={n: getattr(arguments, n) for n in names} | {"boxes": boxes},
        work=target.work,
    )
    with writing_features(file, target.tally.rows):
        yield file


def shape(
    arguments: argparse.Namespace, heads: "Sequence[Head]", analyzer: "Analyzer"
) -> "Callable[[pd.DataFrame], pd.DataFrame]":
    """What gives rows the columns that are written; UserError if they can't have them.

    Says which heads have no place in the format.
    """
    from multitask.networks.answers import check_labels, with_labels
    from multitask.networks.prediction.deepface import left_out, with_deepface

    if arguments.labels:
        check_labels(heads)
        return lambda rows: with_labels(rows, heads)
    if arguments.format != DEEPFACE:
        return lambda rows: rows
    others = left_out(heads)
    if len(others) == len(heads):
        what = f"DeepFace's shape has no place for {listed(others)}"
        raise UserError("--format deepface", what, "choose another format")
    if others:
        tell(f"--format deepface leaves out {listed(others)}{_others_keys(heads)}")
    return lambda rows: with_deepface(rows, heads, among=analyzer.heads)


def _others_keys(heads: "Sequence[Head]") -> str:
    """Which keys of DeepFace's are named as a head, but are the answer of another."""
    from multitask.networks.prediction.deepface import questions

    names = {head.name for head in heads}
    return "".join(
        f"; the key {key} is what the head {question.head.name} answers"
        for key, question in questions(heads).items()
        if key in names - {question.head.name}
    )


def drawings(
    arguments: argparse.Namespace, paths: list[str], done: int
) -> "list[Drawing]":
    """What draws the rows, and tells what they leave out, checked before the work."""
    from multitask.networks.prediction.drawn import (
        AnnotatedFolder,
        ContactSheet,
        FirstPictures,
    )

    drawn: list[Drawing] = [FirstPictures(say=tell)]
    if arguments.annotate:
        folder = expand_user(arguments.annotate)
        drawn.append(AnnotatedFolder(folder=folder, paths=paths, say=tell))
    if arguments.sheet:
        sheet = expand_user(arguments.sheet)
        drawn.append(ContactSheet(path=sheet, say=tell))
    for each in drawn:
        each.check(resumed=done > 0)
    for option in ("annotate", "sheet"):
        _tell_if_inside(getattr(arguments, option), arguments.input)
    return drawn


def _tell_if_inside(drawn: str | None, words: list[str]) -> None:
    """Say if what is drawn lies in a folder whose pictures are predicted for."""
    if not drawn:
        return
    place = expand_user(drawn).resolve()
    for word in words:
        folder = expand_user(word)
        if folder.is_dir() and place.is_relative_to(folder.resolve()):
            tell(f"{drawn} is inside {word}: the next predict for {word} reads it, too")
