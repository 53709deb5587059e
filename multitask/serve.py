"""How does a network answer over HTTP, with a page to try it? One command."""

import argparse
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from multitask.cli.options import add_damaged, add_inference
from multitask.contracts.errors import Parser, UserError, command
from multitask.contracts.run import NETWORK
from multitask.networks.named import catalog
from multitask.networks.named.description import card, card_file
from multitask.terminal.bar import status
from multitask.terminal.quiet import import_tensorflow
from multitask.terminal.tell import tell

if TYPE_CHECKING:
    from multitask.service.limits import Limits

TOKEN = "MULTITASK_TOKEN"  # the environment variable
_PACKAGES = ("fastapi", "multipart", "prometheus_client", "uvicorn")
_INSTALL = (
    'pip install "fastapi>=0.116,<1" "prometheus_client>=0.21,<1" '
    '"python-multipart>=0.0.34,<1" "starlette>=0.46" "uvicorn>=0.34,<1"'
)
_OPEN = (
    "anyone who reaches this address may use it, by this name or as localhost; --token "
    "keeps others out and allows other names"
)
_EPILOG = """\
addresses:
  /              a page to try it: drop photos, or use the camera
  POST /analyze  pictures in the field `pictures` of a form, the answers as JSON
  /heads         what the network answers
  /health        whether the service works
  /metrics       counters for Prometheus
  /openapi.json  all of this for programs

  curl -F pictures=@photo.jpg http://127.0.0.1:8000/analyze

Pictures are kept in memory until they are answered, and nowhere else. On SIGTERM or
Ctrl-C the service finishes the requests that it has accepted.
"""
# As in multitask.service.limits, which --help doesn't import.
_LIMITS = (
    ("max_bytes", "bytes of one request (default 33554432)"),
    ("max_pixels", "pixels of one picture (default 50000000)"),
    ("max_pictures", "pictures in one request (default 32)"),
    ("max_faces", "faces in one picture (default 200)"),
    ("queue", "requests being answered; further ones get status 429 (default 64)"),
    ("uploads", "uploads in progress; further ones get status 429 (default 64)"),
    ("client_uploads", "uploads in progress from one address (default 32)"),
    ("min_rate", "bytes per second below which an upload is refused (default 10000)"),
    ("upload_timeout", "seconds that an upload may take (default 60)"),
    ("answer_timeout", "seconds to wait for the answers (default 60)"),
)


def parser() -> argparse.ArgumentParser:
    """The command's options."""
    options = Parser(
        prog="python -m multitask.serve",
        description="Serve a trained network over HTTP, with a page to try it.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = options.add_argument
    add(
        "network",
        nargs="?",
        help=f"a network file, run folder or name (default: {catalog.DEFAULT})",
    )
    add(
        "--host",
        default="127.0.0.1",
        help="the address to listen on; 0.0.0.0 accepts connections from other "
        "machines (default 127.0.0.1: only from this one)",
    )
    add(
        "--port", type=int, default=8000,
        help="the port to listen on; 0 takes a free one (default 8000)",
    )  # fmt: skip
    add_inference(options)
    add_damaged(options, "uploads")
    add(
        "--token",
        help="answer only requests with the header `Authorization: Bearer TOKEN`; "
        f"or set the variable {TOKEN}, which other users of this machine can't see",
    )
    limits = options.add_argument_group("limits")
    for name, text in _LIMITS:
        option = "--" + name.replace("_", "-")
        limits.add_argument(option, type=int, metavar="N", help=text)
    return options


@command
def main(argv: list[str] | None = None) -> int:
    """Run `python -m multitask.serve`; returns the exit status."""
    arguments = parser().parse_args(argv)
    with _exit_on_sigterm():
        _serve(arguments)
    return 0


@contextmanager
def _exit_on_sigterm() -> Iterator[None]:
    """Have SIGTERM end the process with status 0, whenever it comes.

    Otherwise it would end the process as if it had been killed or, where that is the
    first process of a container, do nothing until the service listens.
    """

    is_ending = False

    def leave(number: int, frame: FrameType | None) -> None:
        nonlocal is_ending
        is_ending = True
        raise SystemExit(0)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    except Exception:
        if not is_ending:
            raise
        # A library that it interrupted made an error of its own out of it.
        raise SystemExit(0) from None
    finally:
        signal.signal(signal.SIGTERM, before)


def _serve(arguments: argparse.Namespace) -> None:
    _check_installed()
    from multitask.service.access import is_local
    from multitask.service.server import address, bind, run

    limits = _limits(arguments)
    token = _token(arguments.token)
    name = arguments.network or catalog.DEFAULT
    network = catalog.find(name)
    shown = _shown(name, network)
    with bind(arguments.host, arguments.port) as bound:
        import_tensorflow()
        import multitask
        from multitask.service.app import create_app

        with status("opening the network"):
            analyzer = multitask.load(network)
            if arguments.tta:
                analyzer = analyzer.with_tta(arguments.tta)
            analyzer = analyzer.with_engine(arguments.engine)
            app = create_app(
                analyzer,
                name=shown,
                card=card(network) if card_file(network).is_file() else "",
                limits=limits,
                token=token,
                hosts=[arguments.host],
                damaged=arguments.damaged,
            )
        for note in analyzer.notes:
            tell(note)
        if not is_local(arguments.host) and not token:
            tell(f"--host {arguments.host}: {_OPEN}")
        print(f"{shown} at {address(bound)} (Ctrl-C ends it)")
        run(app, bound, limits)


def _check_installed() -> None:
    """Raise UserError if a package of the extra `serve` is missing."""
    for name in _PACKAGES:
        try:
            import_module(name)
        except ImportError:
            what = f"needs the package {name}, which is not installed"
            raise UserError("serve", what, _INSTALL) from None


def _limits(arguments: argparse.Namespace) -> "Limits":
    from multitask.service.limits import Limits

    given = {name: getattr(arguments, name) for name, _ in _LIMITS}
    return Limits(**{name: n for name, n in given.items() if n is not None})


def _token(given: str | None) -> str:
    """The token of the option or the environment; empty if there is none."""
    where = TOKEN if given is None else "--token"
    token = os.environ.get(TOKEN) if given is None else given
    if token is None:
        return ""
    if token == "":
        raise UserError(where, "is empty", "leave it out to answer without a token")
    if not token.isascii() or any(map(str.isspace, token)):
        raise UserError(where, "must be ASCII letters, digits and signs, no spaces")
    return token


def _shown(network: str, file: Path) -> str:
    """How clients see a network: by its name or that of its folder, not by a path."""
    if catalog.is_named(network):
        return network
    folder = os.path.basename(os.path.dirname(os.path.abspath(file)))
    return folder if folder and file.name == NETWORK else file.stem


if __name__ == "__main__":
    sys.exit(main())
