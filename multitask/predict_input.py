"""What do the words after `predict` mean: which network, and which pictures?"""

import argparse
import os
import sys
from glob import has_magic
from pathlib import Path
from typing import TYPE_CHECKING

from multitask.cli.next_steps import command_line
from multitask.contracts.errors import UserError, counted, listed, nearest
from multitask.contracts.paths import expand_user
from multitask.contracts.recipe_texts import split_names
from multitask.contracts.run import NETWORK
from multitask.networks.named import catalog
from multitask.networks.named.heads import check_heads
from multitask.terminal.tell import tell

if TYPE_CHECKING:
    import pandas as pd

STANDARD_INPUT = "-"


def read_pictures(arguments: argparse.Namespace) -> "tuple[pd.DataFrame, str]":
    """The pictures that are meant, `path` and columns of boxes; what boxes are."""
    import pandas as pd

    from multitask.contracts.reading import TABLES
    from multitask.images.paths import expand

    names: list[str] = arguments.input
    files = [name for name in names if name.lower().endswith(TABLES)]
    if not files and arguments.box:
        raise UserError("--box", "is for a table, and none is given", "leave it out")
    if not files:
        paths = expand(names, tell)
        return pd.DataFrame({"path": pd.Series(paths, dtype=object)}), ""
    if len(names) > 1:
        raise UserError(files[0], "is a table", "give one table, without other input")
    from multitask.tables import read

    return read.read_pictures(Path(files[0]), "input", arguments.box)


def with_lines(names: list[str]) -> list[str]:
    """The names with the lines of standard input, one path each, in place of `-`.

    Raises UserError if they are no paths, or `-` is given twice.
    """
    if STANDARD_INPUT not in names:
        return names
    if (count := names.count(STANDARD_INPUT)) > 1:
        what = f"is given {count} times, but standard input can be read only once"
        raise UserError(STANDARD_INPUT, what, f"write one {STANDARD_INPUT}")
    # Bytes: a file may have a name that is no text in this system's encoding.
    lines = [os.fsdecode(line.rstrip(b"\r\n")) for line in sys.stdin.buffer]
    given = [line for line in lines if line.strip()]
    if not given:
        raise UserError("standard input", "holds no path", "write one per line")
    place = names.index(STANDARD_INPUT)
    return [*names[:place], *given, *names[place + 1 :]]


def take_network(arguments: argparse.Namespace) -> Path:
    """The file of the network; the input is then what is left.

    Raises UserError if there is no such network, if it lacks a head, for an empty name,
    and for a first word that is neither a network nor anything with pictures: it must
    not be answered by the default one.
    """
    if arguments.network is not None:
        arguments.input.insert(0, arguments.network)
    if not all(arguments.input):  # a path would make of it the folder here
        todo = "check that the variables of your shell are set"
        raise UserError("input", "has an empty name", todo)
    first, *others = arguments.input
    if catalog.is_network(first):
        if not others:
            here = f"; for the pictures in the folder here, write ./{first}"
            todo = "name pictures, folders or a table after the network"
            todo += here if catalog.is_named(first) and Path(first).exists() else ""
            raise UserError(first, "is a network, and no picture is given", todo)
        arguments.input = others
        network = catalog.find(first)
        if catalog.is_named(first) and Path(first).is_dir():
            _check_meant(first, others)
        check_heads(network, split_names(arguments.heads or ""), first)
        return network
    _check_order(first, others)
    network = catalog.find(catalog.DEFAULT)
    check_heads(network, split_names(arguments.heads or ""), catalog.DEFAULT)
    card = command_line("networks", catalog.DEFAULT)
    tell(f"no network named: using {catalog.DEFAULT}; see {card}")
    return network


def _check_meant(name: str, others: list[str]) -> None:
    """Raise UserError unless a folder with the name of a network is given, too."""
    if all(Path(word) != Path(name) for word in others):
        what = "is the name of a network, and a folder here"
        todo = f"write ./{name} for the pictures in the folder, or rename it for the"
        raise UserError(name, what, f"{todo} network")


def _check_order(first: str, others: list[str]) -> None:
    """Raise UserError if a network is not the first word, or any word is nothing.

    A folder of runs, whose reports are full of pictures, is one that names no network.
    """
    from multitask.contracts.reading import ENDINGS, TABLES
    from multitask.images.video import is_video

    folder = expand_user(first)
    runs = sorted(folder.glob(f"*/{NETWORK}")) if folder.is_dir() else []
    if runs:
        what = f"is no network, but holds {counted(len(runs), 'run')}"
        names = listed(str(run.parent) for run in runs)
        raise UserError(first, what, f"name one of them: {names}")
    for network in catalog.networks_among(others):
        rest = [word for word in others if word != network]
        order = command_line("predict", network, first, *rest)
        is_picture = first.lower().endswith(ENDINGS)
        what = "is a picture" if is_picture else "holds no network"
        what += ", but the network comes first"
        raise UserError(first, what, f"write {order}")
    for word in (first, *others):
        is_named_so = word.lower().endswith((*ENDINGS, *TABLES)) or has_magic(word)
        is_named_so |= word == STANDARD_INPUT or is_video(word)
        if not is_named_so and not expand_user(word).exists():
            names = nearest(word, catalog.names())
            what = "is neither a network nor a picture, video, folder or table"
            todo = f"check the path, or name a network ({names})"
            raise UserError(word, what, todo)
