"""How is a card written, with its block of metadata, in Markdown?"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from multitask.reports._style import printable

from multitask.contracts.results.described import DataDescription

NOT_STATED = "not stated"
# Before the name of a file: /home/me/, or C:\\Users\\me\\; but not of an address.
_FOLDERS = re.compile(r"(?<![\w/:.])(?:[A-Za-z]:)?[\\/](?:[^\s\\/,;'\"]+[\\/])+")


def metadata(values: Mapping[str, Any]) -> str:
    """The block of metadata that a card begins with, in YAML; empty values left out.

    >>> print(metadata({"license": "mit", "tags": ["a"], "datasets": []}))
    ---
    license: "mit"
    tags: ["a"]
    ---
    """
    # All of JSON is YAML, whatever is in the texts.
    lines = [
        f"{key}: {json.dumps(value, ensure_ascii=False)}"
        for key, value in values.items()
        if value
    ]
    return str(printable("\n".join(["---", *lines, "---"])))


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table in Markdown."""
    lines = [
        [*header],
        ["---"] * len(header),
        *([cell(c) for c in row] for row in rows),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cell(value: object) -> str:
    """A text that can't end a cell, nor be read as a tag.

    >>> cell("a|b <i>")
    'a\\\\|b &lt;i>'
    """
    text = " ".join(str(without_folders(value)).split())
    return text.replace("|", "\\|").replace("<", "&lt;")


def without_folders(value: Any) -> Any:
    """Plain data whose texts name files without the folders of this machine.

    >>> without_folders({"split": "/home/me/a/split.csv", "data": ["u=/home/me/u"]})
    {'split': 'split.csv', 'data': ['u=u']}
    """
    if isinstance(value, Mapping):
        return {key: without_folders(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [without_folders(inner) for inner in value]
    return _FOLDERS.sub("", value) if isinstance(value, str) else value


def bullets(lines: Iterable[str]) -> str:
    """A list in Markdown; that nothing is known if it is empty."""
    return "\n".join(f"- {cell(line)}" for line in lines) or "- None is known."


def data_table(data: Iterable[DataDescription]) -> str:
    """What the publishers of data sets state of them."""
    return table(
        ["data set", "where", "terms", "what its labels are"],
        (
            [
                f"{one.title or one.name} (`{one.name}`)",
                one.address or NOT_STATED,
                one.terms or NOT_STATED,
                one.labels or NOT_STATED,
            ]
            for one in data
        ),
    )


def card(head: str, title: str, sections: Mapping[str, str]) -> str:
    """A whole card: its metadata, its title, and its sections by their headings."""
    parts = [head, f"# {cell(title)}"]
    parts += [
        f"## {heading}\n\n{body}" if heading else body
        for heading, body in sections.items()
        if body
    ]
    return str(printable("\n\n".join(parts) + "\n"))
