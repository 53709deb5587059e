"""Files of labels that are damaged, in any encoding, or hold values of any kind."""

import json
from pathlib import Path

import numpy as np
from PIL import Image

from multitask.contracts.infer import requested_heads
from multitask.contracts.table import any_file_name
from multitask.data import sources
from multitask.data.labels import set_aside
from tests.faults.outcomes import Outcome, Rng, damaged, outcome

NAMES = ("a.jpg", "straße.jpg", "naïve café.jpg", "日本.jpg", "b c.png")
VALUES = (
    *("1e300", "-1e300", "1e400", "inf", "-inf", "nan", "NaN", "1e-320", "9" * 400),
    *("0x1F", "1_000", "١٢", "½", "--", "", " ", "\t", '"', "'", "\\", "\0", "\r"),
    *("x" * 140_000, "=1+1", "[1, 2", '{"a": 1', "[" * 3000, "true", "False", "é"),
    *("3.4028236e38", "1e39", "-0", "+5", "5.", ".5", "1,5", "1.000,5", "\ud800x"),
    *("2024-05-31", "31/05/24", "12:30", "12%", "$5", "20-29", "(20, 29)", "70+"),
)
ENCODINGS = (
    *("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1"),
    *("cp1252", "cp437", "utf-32", "shift_jis", "gb18030", "koi8-r"),
)


def prepare(folder: Path) -> None:
    """Write the pictures that label files name."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in NAMES:
        Image.new("RGB", (8, 8)).save(folder / name)


def case(seed: int, folder: Path) -> Outcome:
    """Make a label file of a seed beside the pictures, and read it."""
    rng = np.random.default_rng(seed)
    ending = str(rng.choice([".csv", ".csv", ".tsv", ".txt", ".json", ".jsonl"]))
    rows = _rows(rng)
    kinds = {
        "values": _values, "columns": _columns, "encoding": _encoding,
        "mixed encodings": _mixed, "bytes": _damaged, "deep JSON": _deep,
    }  # fmt: skip
    name = str(rng.choice(list(kinds)))
    data = kinds[name](rows, ending, rng)
    file = folder / f"labels{ending}"
    file.write_bytes(data)
    return outcome(name, seed, lambda: read(f"fuzzed=table:{file}"))


@any_file_name()
def read(data: str) -> str:
    """Read a data set and its heads' targets as `fit` does."""
    reading = sources.read_all([data])
    table = reading.table
    heads = requested_heads((), table, reading.heads)
    table, _ = set_aside(table, [head.resolve(table) for head in heads])
    for head in heads:
        with np.errstate(over="raise", invalid="raise"):
            targets, weights = head.resolve(table).encode(table)
        if not (np.isfinite(targets).all() and np.isfinite(weights).all()):
            return f"targets of {head.name} are not finite"
    return "read"


def _rows(rng: Rng) -> list[dict[str, str]]:
    return [
        {
            "path": str(rng.choice(NAMES)) if number > 4 else NAMES[number],
            "age": str(rng.integers(1, 90)),
            "gender": str(rng.choice(["male", "female"])),
            "größe": f"{rng.normal(170, 9):.1f}",
        }
        for number in range(int(rng.integers(3, 12)))
    ]


def _text(rows: list[dict[str, str]], ending: str, rng: Rng, plain: bool) -> str:
    if ending == ".json":
        return json.dumps(rows, ensure_ascii=False)
    if ending == ".jsonl":
        return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    separator = "\t" if ending == ".tsv" else str(rng.choice([",", ";", "\t", "|"]))
    quoted = (lambda cell: cell) if plain else _quoted
    lines = [separator.join(map(quoted, rows[0]))]
    lines += [separator.join(quoted(cell) for cell in row.values()) for row in rows]
    return str(rng.choice(["\n", "\r\n", "\r"])).join(lines)


def _quoted(cell: str) -> str:
    return (
        '"' + cell.replace('"', '""') + '"' if set(cell) & set(',;\t|"\r\n') else cell
    )


def _bytes(text: str, encoding: str = "utf-8") -> bytes:
    return (
        text.encode("utf-8", "surrogatepass")
        .decode("utf-8", "replace")
        .encode(encoding, "replace")
    )


def _values(rows: list[dict[str, str]], ending: str, rng: Rng) -> bytes:
    """Odd values in some cells, or in all of a column."""
    column = str(rng.choice(list(rows[0])))
    value = str(rng.choice(np.array(VALUES, object)))
    all_rows = rng.random() < 0.3
    for row in rows:
        if all_rows or rng.random() < 0.3:
            row[column] = value
    return _bytes(_text(rows, ending, rng, plain=rng.random() < 0.3))


def _columns(rows: list[dict[str, str]], ending: str, rng: Rng) -> bytes:
    """Names of columns that are odd, there twice, empty or missing."""
    names = np.array(
        ["path", "age", "", " ", "age_low", "age_high", "box", "split", "x" * 140_000,
         "age.1", "Unnamed: 0", "\0", "status", "identity", "größe", "path "], object,
    )  # fmt: skip
    text = _text(rows, ending, rng, plain=False)
    old = str(rng.choice(list(rows[0])))
    new = str(rng.choice(names))
    return _bytes(text.replace(old, new) if rng.random() < 0.6 else _twice(text, rng))


def _twice(text: str, rng: Rng) -> str:
    lines = text.splitlines()
    line = int(rng.integers(len(lines)))
    lines[line] += "," + lines[line]
    return "\n".join(lines)


def _encoding(rows: list[dict[str, str]], ending: str, rng: Rng) -> bytes:
    return _bytes(_text(rows, ending, rng, False), str(rng.choice(ENCODINGS)))


def _mixed(rows: list[dict[str, str]], ending: str, rng: Rng) -> bytes:
    """Lines in several encodings, as files are that were joined."""
    lines = _text(rows, ending, rng, False).splitlines(keepends=True)
    return b"".join(_bytes(line, str(rng.choice(ENCODINGS))) for line in lines)


def _damaged(rows: list[dict[str, str]], ending: str, rng: Rng) -> bytes:
    return damaged(_bytes(_text(rows, ending, rng, False)), rng)[1]


def _deep(rows: list[dict[str, str]], ending: str, rng: Rng) -> bytes:
    depth = int(rng.choice([50, 900, 1100, 20_000, 200_000]))
    opened, closed = ("[", "]") if rng.random() < 0.5 else ('{"a":', "}")
    deep = opened * depth + "1" + closed * depth
    text = json.dumps(rows[0], ensure_ascii=False)[:-1] + f', "age": {deep}}}'
    return _bytes(f"[{text}]" if rng.random() < 0.7 else text)
