"""Which networks can be named? The command `python -m multitask.networks`."""

import os
import sys
from itertools import zip_longest

from multitask.contracts.errors import Parser, UserError, command, listed
from multitask.networks.named import catalog
from multitask.networks.named.description import card_file, card_text, describe, licence


def parser() -> Parser:
    """The command's options."""
    options = Parser(
        prog="python -m multitask.networks",
        description="List the networks that can be named instead of a file.",
    )
    options.add_argument("name", nargs="?", help="print the model card of this network")
    return options


@command
def main(argv: list[str] | None = None) -> int:
    """Run `python -m multitask.networks`; returns the exit status."""
    name = parser().parse_args(argv).name
    if name:
        print(_card(name), end="")
        return 0
    print(_table(), end="")
    for path in catalog.unnamed():
        print(f"ignored, as no name can mean it: {path}", file=sys.stderr)
    return 0


def _card(name: str) -> str:
    """The text of a network's model card, or what its file says of it."""
    path = catalog.find(name)
    if card_file(path).is_file():
        return card_text(path)
    spec = describe(path)
    heads = "".join(
        f"  {head['name']}: {', '.join(head.get('classes') or ()) or head['kind']}\n"
        for head in spec["heads"]
    )
    return (
        f"{name}: trunk {spec['trunk']}, pictures of {spec['size']} pixels, heads\n"
        f"{heads}"
        f"It has no model card, which says for whom it works and under which licence: "
        f"{card_file(path)} does not exist.\n"
    )


def _table() -> str:
    """A line for each network, under a heading."""
    networks = catalog.networks()
    if not networks:
        folder = os.environ.get(catalog.FOLDER)
        own = f"{folder} holds none" if folder else f"{catalog.FOLDER} is not set"
        return f"no networks: none are bundled with this installation, and {own}\n"
    lines = [["name", "source", "heads", "pixels", "file", "licence"]]
    lines += [[one.name, one.source, *_described(one)] for one in networks]
    # The reason why a network is none takes the place of all that follows its source.
    cells = [line if len(line) == len(lines[0]) else line[:2] for line in lines]
    columns = zip_longest(*cells, fillvalue="")
    widths = [max(map(len, column)) for column in columns]
    rows = (
        "  ".join(
            cell.ljust(width) for cell, width in zip(line, widths, strict=False)
        ).rstrip()
        for line in lines
    )
    return "".join(f"{row}\n" for row in rows)


def _described(network: catalog.Named) -> list[str]:
    """Heads, side of the pictures in pixels, size of the file, and licence.

    Of a file that is no network, or missing, it is the reason alone.
    """
    try:
        path = network.path()
        spec = describe(path)
    except UserError as error:
        return [error.line]
    heads = listed(head["name"] for head in spec["heads"])
    megabytes = path.stat().st_size / 1e6
    return [heads, str(spec["size"]), f"{megabytes:.1f} MB", licence(path)]


if __name__ == "__main__":
    sys.exit(main())
