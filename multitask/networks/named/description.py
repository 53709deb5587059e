"""What does a network file say of itself, read without Keras?"""

import hashlib
import re
import zipfile
from pathlib import Path
from typing import Any

from multitask.contracts.run import NETWORK
from multitask.networks.stored import schema
from multitask.networks.stored.members import SPEC_MEMBER, UNREADABLE

_CARD = "model_card.md"
_DATASETS = re.compile(
    r"^datasets:[ \t]*\n((?:[ \t]*-[ \t]+\S.*(?:\n|\Z))+)", re.MULTILINE
)
_LICENCE = re.compile(r"^license:[ \t]*(\S.*?)[ \t]*$", re.MULTILINE)


def describe(path: Path) -> dict[str, Any]:
    """The spec of a network as plain data: `trunk`, `size`, `heads` and so on.

    Raises UserError if the file is damaged, or not one of this package.
    """
    return schema.read(path).model_dump(exclude_unset=True)


def holds_network(path: Path) -> bool:
    """Whether a file is a network of this package, and not any other of Keras."""
    try:
        with zipfile.ZipFile(path) as members:
            return SPEC_MEMBER in members.namelist()
    except UNREADABLE:
        return False


def digest(network: Path) -> str:
    """The SHA-256 of a network's file."""
    with network.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def card_file(network: Path) -> Path:
    """Where the model card of a network is, if it has one.

    `model_card.md` beside a `network.keras`, NAME.md beside a NAME.keras.
    """
    if network.name == NETWORK:
        return network.with_name(_CARD)
    return network.with_suffix(".md")


def card(network: Path) -> str:
    """The text of a network's card, with \ufffd for what is not in UTF-8."""
    return card_file(network).read_text(encoding="utf-8", errors="replace")


def card_text(network: Path) -> str:
    """The text of a network's card, without its head but with the licence from it."""
    head, name = _head(network), licence(network)
    text = (
        card(network).removeprefix(f"---\n{head}\n---").strip()
        if head
        else card(network)
    )
    return text.rstrip() + (f"\n\nLicence: {name}" if name else "") + "\n"


def licence(network: Path) -> str:
    """The licence that the head of a network's card names; "" if there is none."""
    match = _LICENCE.search(_head(network))
    return match[1] if match else ""


def datasets(network: Path) -> tuple[str, ...]:
    """The data sets that the head of a network's card names, if it names any.

    They follow a line `datasets:`, as on the Hugging Face Hub: `  - FairFace`.
    """
    match = _DATASETS.search(_head(network))
    lines = match[1].split("\n") if match else ()
    return tuple(line.strip(" \t-") for line in lines if line)


def _head(network: Path) -> str:
    """What stands between the first two lines `---` of a card; "" without them."""
    text = card(network) if card_file(network).is_file() else ""
    head, end, _ = text.removeprefix("---\n").partition("\n---")
    return head if end and text.startswith("---\n") else ""
