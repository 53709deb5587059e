"""What does the site hold that no page says by itself?

MkDocs calls the `on_` functions while it builds the site. Tables of options and
settings come from the parsers and from `Recipe`, the notebook becomes a page, examples
in docstrings are shown as code, and a page that loads something from another server is
an error.
"""

import argparse
import html
import json
import logging
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import griffe
from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # `mkdocs` alone does not look there

from multitask.__main__ import COMMANDS, module  # noqa: E402
from multitask.contracts import recipe  # noqa: E402

log = logging.getLogger("mkdocs.hooks")  # a warning fails a strict build
PLACEHOLDER = re.compile(r"^<!-- generated: (\w+) -->$", re.MULTILINE)
TITLES = {"positional arguments": "Arguments"}  # of argparse
# A script, a style, a picture or a frame from elsewhere; links are fine.
ELSEWHERE = re.compile(
    r"<(?:script|img|iframe|source)\b[^>]*\bsrc=\"?(?:https?:)?//"
    r"|<link\b(?=[^>]*\brel=\"?(?:stylesheet|preconnect|icon))[^>]*\bhref=\"?(?:https?:)?//"
)


def on_files(files: Any, config: Any) -> Any:
    """Add the notebook as a page."""
    text = (ROOT / "docs" / "first-network.ipynb").read_text(encoding="utf-8")
    content = notebook(json.loads(text))
    files.append(File.generated(config, "first-network.md", content=content))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Fill in what is generated where a page says `<!-- generated: NAME -->`."""
    generated = {"commands": commands, "settings": settings}
    return PLACEHOLDER.sub(lambda match: generated[match[1]](), markdown)


def on_post_page(output: str, page: Any, **_: Any) -> None:
    """Warn of a page that can't be read without a network."""
    for match in ELSEWHERE.finditer(output):
        place = output[match.start() : match.end() + 60]
        log.warning(f"{page.file.src_path} loads from another server: {place}")


# The notebook


def notebook(document: dict[str, Any]) -> str:
    """A notebook as Markdown, with the outputs that it was saved with."""
    parts = []
    for cell in document["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "code":
            parts.append(f"```python\n{source}\n```")
            parts += map(shown_output, joined(cell["outputs"]))
        else:
            parts.append(source)
    return "\n\n".join(parts)


def joined(outputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Outputs in which text that a cell printed at several times is in one piece."""
    pieces: list[dict[str, Any]] = []
    for output in outputs:
        if "text" in output and pieces and "text" in pieces[-1]:
            pieces[-1] = {"text": [*pieces[-1]["text"], *output["text"]]}
        else:
            pieces.append(output)
    return pieces


def shown_output(output: dict[str, Any]) -> str:
    """What a cell printed or returned."""
    data = output.get("data", {})
    if "text/html" in data:
        page = "".join(data["text/html"])
        page = re.sub(r"<style.*?</style>", "", page, flags=re.DOTALL)
        page = re.sub(r"<table\b[^>]*>", "<table>", page)  # in the style of the site
        return re.sub(r"\n\s*\n", "\n", page)  # an empty line would end the HTML
    return f"```text\n{''.join(output.get('text') or data['text/plain']).rstrip()}\n```"


# Options and settings


def commands() -> str:
    """A section for every command: what it does, its arguments, its options."""
    return "\n\n".join(
        part for name, what in COMMANDS for part in command(name, sentence(what))
    )


def command(name: str, what: str) -> Iterator[str]:
    """The parts of a command's section, among them a table for each group of options.

    A command that takes the settings of a training refers to `fit` for these.
    """
    parser = parser_of(name)
    actions = shown(parser) if parser else []
    arguments = [metavar(a) for a in actions if not a.option_strings]
    usage = "".join(f" {a}" for a in [*arguments, *["[OPTIONS]"] * bool(parser)])
    yield f"## {name}"
    yield f"```bash\npython -m multitask.{name}{usage}\n```"
    yield what
    settings = {key(a) for a in shown(parser_of("fit"))}
    trains = (
        name != "fit" and len(settings & set(map(key, actions))) > len(settings) / 2
    )
    for group in parser._action_groups if parser else []:
        rows = [a for a in group._group_actions if a in actions]
        if trains:
            rows = [a for a in rows if key(a) not in settings]
        if rows:
            title = group.title or ""
            yield f"**{TITLES.get(title, sentence(title).rstrip('.'))}**"
            yield options(rows)
    if parser and parser.epilog:
        yield f"```text\n{parser.epilog.strip()}\n```"
    if trains:
        rest = sorted(flags for flags, _ in settings - set(map(key, actions)))
        known = [flags for flags in rest if flags not in {key(a)[0] for a in actions}]
        without = known and f", except {', '.join(f'`{flags}`' for flags in known)}"
        yield f"All settings of [`fit`](#fit) work, too{without or ''}."


def parser_of(name: str) -> argparse.ArgumentParser | None:
    """The parser of a command, None if it takes no options."""
    make = getattr(module(name), "parser", None)
    parser: argparse.ArgumentParser | None = make() if make else None
    return parser


def shown(parser: argparse.ArgumentParser | None) -> list[argparse.Action]:
    """What `--help` lists, without `--help` itself."""
    every = parser._actions if parser else []
    return [a for a in every if a.help != argparse.SUPPRESS and a.dest != "help"]


def key(action: argparse.Action) -> tuple[str, str]:
    """What two commands have in common if they share an option."""
    return ", ".join(action.option_strings), str(action.help)


def metavar(action: argparse.Action) -> str:
    """How the value of an argument is written, empty if there is none."""
    if action.nargs == 0:
        return ""
    if action.metavar:
        name = action.metavar if isinstance(action.metavar, str) else action.metavar[0]
    elif action.choices:
        name = "|".join(map(str, action.choices))
    else:
        name = action.dest.upper()
    if action.nargs == "?":
        return f"[{name}]"
    return f"{name}..." if action.nargs in ("+", "*") else name


def options(actions: Iterable[argparse.Action]) -> str:
    """A table of options and what they do."""
    rows = []
    for action in actions:
        spelling = f"{', '.join(action.option_strings)} {metavar(action)}".strip()
        rows.append((code(spelling), sentence(action.help)))
    return table(("argument", "what it does"), rows)


def settings() -> str:
    """A table of the settings of a recipe for each of their groups."""
    parts = []
    for group in recipe.GROUPS:
        rows = [
            (code(name), code(shown_default(default)), sentence(text))
            for name, text, default in recipe.settings()
            if recipe.group(name) == group
        ]
        if rows:
            parts.append(f"### {group[0].upper()}{group[1:]}")
            parts.append(table(("setting", "default", "what it does"), rows))
    return "\n\n".join(parts)


def shown_default(default: Any) -> str:
    """A default as Python writes it; lists for tuples."""
    return repr(list(default) if isinstance(default, tuple) else default)


def table(names: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table."""
    names = list(names)
    lines = [names, ["---"] * len(names), *map(list, rows)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def code(text: str) -> str:
    """Text as code that may stand in a table."""
    text = html.escape(text, quote=False).replace("|", "&#124;")
    return f'<code class="whole">{text}</code>'


def sentence(text: str | None) -> str:
    """A help text with a capital and a full stop."""
    text = html.escape(text or "", quote=False)
    text = text.replace("|", "&#124;").replace("%%", "%")
    return f"{text[:1].upper()}{text[1:].rstrip('.')}." if text else ""


# Docstrings


class FencedDoctests(griffe.Extension):
    """Show the examples of docstrings as code: Markdown takes `>>>` for a quotation."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        """Fence the examples in the docstring of an object."""
        if obj.docstring:
            obj.docstring.value = fenced(obj.docstring.value)


def fenced(text: str) -> str:
    """A docstring whose doctests are fenced blocks, or a section that griffe knows.

    >>> fenced("Add.\\n\\n>>> 1 + 1\\n2").splitlines()
    ['Add.', '', '```pycon', '>>> 1 + 1', '2', '```']
    >>> fenced("Example:\\n    >>> 1 + 1\\n    2").splitlines()
    ['Examples:', '    >>> 1 + 1', '    2']
    """
    text = re.sub(r"^Example:$", "Examples:", text, flags=re.MULTILINE)
    text = re.sub(r" *# doctest: \+SKIP$", "", text, flags=re.MULTILINE)
    blocks = re.split(r"\n{2,}", text)
    return "\n\n".join(
        f"```pycon\n{block}\n```" if block.startswith(">>>") else block
        for block in blocks
    )
