"""How do tests read a table that they write down?"""

from pathlib import Path

from multitask.datasets import table

from multitask.contracts.table import Reading
from tests.datasets.label_files import label_file


def read(folder: Path, header: str, *rows: str, toml: str = "") -> Reading:
    """The reading of a CSV with these columns beside `path`, and one line per row."""
    names = [f"{number}.jpg" for number in range(1, len(rows) + 1)]
    lines = [f"{name},{row}" for name, row in zip(names, rows, strict=True)]
    file = label_file(folder, "\n".join([f"path,{header}", *lines, ""]), *names)
    if toml:
        (folder / f"{file.name}.toml").write_text(toml, encoding="utf-8")
    reading: Reading = table.read(file, name="mine")
    return reading


def labels(folder: Path, column: str, *cells: str, toml: str = "") -> list[object]:
    """The labels that the cells of one column are read as, None for no label."""
    values = read(folder, column, *cells, toml=toml).table[column]
    return [None if value != value else value for value in values.tolist()]


def decided(reading: Reading) -> dict[str, tuple[str, str]]:
    """The role of each column, and the remarks on it."""
    rows = reading.decisions[["column", "role", "remarks"]].itertuples(index=False)
    return {column: (role, remarks) for column, role, remarks in rows}
