"""How are answers in a file or a DataFrame read, as far as a search needs them?"""

import glob
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from multitask.contracts.errors import UserError
from multitask.contracts.paths import expand_user
from multitask.contracts.table import check_path, headed
from multitask.retrieval.conditions import Column

if TYPE_CHECKING:
    import duckdb

# As predict writes it. Nothing is guessed that could leave out lines or rename classes,
# and each column's type is that of all its cells.
_CSV = """read_csv(?, header=true, skip=0, delim=',', quote='"', escape='"', comment='',
    hive_partitioning=false, {})"""
_JSON = "read_json(?, hive_partitioning=false, {})"
_GUESSED = {
    _CSV: "sample_size=-1, auto_type_candidates=['BIGINT', 'DOUBLE', 'VARCHAR']",
    _JSON: "sample_size=-1",
}
_TYPED = {_CSV: "auto_detect=false, columns={{{}}}", _JSON: "columns={{{}}}"}
_READERS = {
    ".csv": _CSV,
    ".parquet": "read_parquet(?, hive_partitioning=false)",
    ".json": _JSON,
    ".jsonl": _JSON,
}
_NUMBER = re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|DOUBLE|FLOAT|DECIMAL\(.*\)")
_DEEPFACE = re.compile(rb'\s*\[\s*\[\s*\{\s*"img_path"')  # a list per picture
_DATES = ("DATE", "TIME", "UUID", "INTERVAL")
_TODO = "give a file that predict wrote: .csv, .json, .jsonl or .parquet"
_NOT_YES_OR_NO = ("face",)  # a number, which `face_confidence` is not about


class Answers(ABC):
    """A table of answers, of which `load` reads columns into DuckDB.

    `names` are its columns. The table `answers` in `connection` has the column `row`,
    which counts from 0, and those that `load` returns.
    """

    def __init__(self, names: Sequence[str], where: str) -> None:
        self.names = list(names)
        self.where = where
        self.connection = _connect()

    def close(self) -> None:
        """Give back the memory and files of the connection."""
        self.connection.close()

    def load(self, names: Iterable[str]) -> dict[str, Column]:
        """Read columns, with what stands beside them; by their names."""
        beside = ("", "_confidence", "_probability")
        wanted = [f"{name}{end}" for name in names for end in beside]
        used = [name for name in dict.fromkeys(wanted) if name in self.names]
        aliases = {name: f"c{number}" for number, name in enumerate(used)}
        self._read(aliases)
        types = dict(
            self.connection.execute(
                "SELECT column_name, data_type FROM duckdb_columns() "
                "WHERE table_name = 'answers'"
            ).fetchall()
        )
        plain = {n: self._column(n, c, types[c]) for n, c in aliases.items()}
        return {name: self._labelled(plain, column) for name, column in plain.items()}

    @abstractmethod
    def rows(self, positions: npt.NDArray[np.int64]) -> pd.DataFrame:
        """These rows (positions,), in this order, with all columns."""

    @abstractmethod
    def _read(self, aliases: dict[str, str]) -> None:
        """Make the table `answers` of these columns."""

    def _column(self, name: str, alias: str, data_type: str) -> Column:
        sql = f"SELECT count({alias}), any_value({alias}) FROM answers"
        count, example = self._one(sql)
        if not count:
            return Column(name=name, kind="empty", value=alias)
        if data_type == "BOOLEAN":
            return Column(name=name, kind="yes/no", value=f"{alias}::INTEGER")
        if data_type == "VARCHAR":
            return Column(name=name, kind="text", value=alias, example=example)
        if _NUMBER.fullmatch(data_type):
            (is_binary,) = self._one(f"SELECT bool_and({alias} IN (0, 1)) FROM answers")
            return Column(name=name, kind="number", value=alias, is_binary=is_binary)
        return Column(name=name, kind="other", value=alias)

    def _labelled(self, columns: dict[str, Column], column: Column) -> Column:
        """The column as one of yes/no labels, if it holds these."""
        if not column.is_binary or column.name in _NOT_YES_OR_NO:
            return column
        likely, sure = (
            columns.get(f"{column.name}_{end}") for end in ("probability", "confidence")
        )
        yes = column.value
        if sure and sure.kind == "number":
            least, of_both = self._least_sure(yes, sure.value)
            if least is None or least >= 0.499:
                share = f"CASE {yes} WHEN 1 THEN {sure.value} ELSE 1 - {sure.value} END"
                column = replace(column, kind="yes/no", probability=f"({share})")
            elif of_both is not None and of_both > 0.999:
                column = replace(column, kind="yes/no")
        if (
            likely
            and likely.kind == "number"
            and f"{likely.name}_low" not in self.names
        ):
            column = replace(column, kind="yes/no", probability=likely.value)
        return column

    def _least_sure(self, yes: str, sure: str) -> tuple[float | None, float | None]:
        """The lowest confidence, and the sum of the lowest ones of yes and of no.

        With a threshold t, yes has a confidence from t on and no one above 1 - t: they
        sum to 1 or more. One of three classes 0, 1 and 2 may look the same, or be less
        sure.
        """
        least = f"min({sure}) FILTER (WHERE {yes} = "
        sql = f"SELECT min({sure}), {least}1) + {least}0) FROM answers"
        lowest, of_both = self._one(sql)
        return lowest, of_both

    def _one(self, sql: str) -> tuple[Any, ...]:
        (row,) = self.connection.execute(sql).fetchall()
        return tuple(row)


def open_answers(source: "str | PathLike[str] | pd.DataFrame") -> Answers:
    """The answers in a file that `predict` wrote, or in a DataFrame.

    Raises UserError for any other type, if there is no such file, it can't be read, its
    ending is unknown, or it has no column `path`; and if DuckDB is not installed.
    """
    if isinstance(source, pd.DataFrame):
        return _Frame(source)
    if not isinstance(source, (str, PathLike)):
        what = f"is of type {type(source).__name__}, must be a file or a DataFrame"
        raise UserError("answers", what, "give what predict returned or wrote")
    return _File(expand_user(source))


def _connect() -> "duckdb.DuckDBPyConnection":
    try:
        import duckdb
    except ImportError:
        todo = 'pip install "duckdb>=2,<3"'
        raise UserError(
            "search", "needs DuckDB, which is not installed", todo
        ) from None
    # Nothing is downloaded, whatever a file needs.
    names = ("autoinstall_known_extensions", "autoload_known_extensions")
    return duckdb.connect(config=dict.fromkeys(names, "false"))


class _File(Answers):
    def __init__(self, path: Path) -> None:
        where = str(path)
        if not path.is_file():
            what = "is a folder" if path.is_dir() else "no such file"
            raise UserError(where, what, _TODO if path.is_dir() else "check the path")
        ending = path.suffix.lower()
        if ending not in _READERS:
            what = f"has the ending {ending!r}" if ending else "has no ending"
            raise UserError(where, f"{what}, which holds no answers", _TODO)
        super().__init__([], where)
        if ending == ".json" and _is_deepface(path):
            what = "is in DeepFace's shape, which is not searched"
            todo = "write csv, json or parquet by predict without --format deepface"
            raise UserError(where, what, todo)
        # What DuckDB would take as a pattern must be the name of this one file.
        self._file = glob.escape(os.path.abspath(path))
        self._reader = _READERS[ending]
        types = self._types()
        if self._reader in _TYPED:
            # Texts stay what they are, even if all of them are dates.
            quoted = (
                f"{_literal(name)}: {_literal(_as_written(name, kind))}"
                for name, kind in types.items()
            )
            typed = _TYPED[self._reader].format(", ".join(quoted))
            self._reader = self._reader.format(typed)
        self.names = list(types)
        check_path(pd.DataFrame(columns=self.names), where, _TODO)

    def _types(self) -> dict[str, str]:
        reader = self._reader.format(_GUESSED.get(self._reader, ""))
        described = self._run(f"DESCRIBE SELECT * FROM {reader}", [self._file])
        return {str(row[0]): str(row[1]) for row in described.fetchall()}

    def _run(self, sql: str, values: list[Any]) -> "duckdb.DuckDBPyConnection":
        import duckdb

        try:
            return self.connection.execute(sql, values)
        except duckdb.Error as error:
            reason = str(error).replace(self._file, self.where).splitlines()[0]
            what = f"can't be read as a table of answers ({reason})"
            raise UserError(self.where, what, _TODO) from None

    def _read(self, aliases: dict[str, str]) -> None:
        chosen = "".join(f", {_name(n)} AS {alias}" for n, alias in aliases.items())
        self._run(
            "CREATE TABLE answers AS SELECT row_number() OVER () - 1 AS row"
            f"{chosen} FROM {self._reader}",
            [self._file],
        )
        floats = self.connection.execute(
            "SELECT column_name FROM duckdb_columns() WHERE table_name = 'answers' "
            "AND data_type IN ('FLOAT', 'DOUBLE')"
        ).fetchall()
        for (alias,) in floats:  # else it is larger than any number
            sql = f"UPDATE answers SET {alias} = NULL WHERE isnan({alias})"
            self.connection.execute(sql)

    def rows(self, positions: npt.NDArray[np.int64]) -> pd.DataFrame:
        wanted = pd.DataFrame({"row": positions, "place": np.arange(len(positions))})
        self.connection.register("wanted", wanted)
        names = ", ".join(f"answers.{_name(name)}" for name in self.names)
        matches = self._run(
            f"SELECT {names} FROM (SELECT *, row_number() OVER () - 1 AS "
            f"{_name(self._unused)} FROM {self._reader}) AS answers JOIN wanted "
            f"ON answers.{_name(self._unused)} = wanted.row ORDER BY wanted.place",
            [self._file],
        )
        rows = matches.df()
        lists = [name for name in self.names if rows[name].dtype == object]
        return rows.assign(**{name: rows[name].map(_as_list) for name in lists})

    @property
    def _unused(self) -> str:
        """A name that no column has, whatever the case of its letters."""
        return "row" + "_" * max(map(len, self.names))


def _is_deepface(path: Path) -> bool:
    """Whether a file of JSON begins as `predict --format deepface` writes it."""
    try:
        with path.open("rb") as file:
            return bool(_DEEPFACE.match(file.read(1000)))
    except OSError:
        return False  # as DuckDB will say


class _Frame(Answers):
    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame
        self._columns = headed(frame.reset_index(drop=True), "answers")
        check_path(self._columns, "answers")
        super().__init__(list(map(str, self._columns)), "answers")

    def _read(self, aliases: dict[str, str]) -> None:
        table = pd.DataFrame({"row": np.arange(len(self._columns))})
        for name, alias in aliases.items():
            table[alias] = _plain(self._columns[name])
        self.connection.register("frame", table)
        self.connection.execute("CREATE TABLE answers AS SELECT * FROM frame")

    def rows(self, positions: npt.NDArray[np.int64]) -> pd.DataFrame:
        return self._frame.iloc[positions]


def _plain(cells: "pd.Series[Any]") -> "pd.Series[Any]":
    """Cells as truth values, numbers or text; as lists if they are something else."""
    filled = cells.dropna()
    kind = pd.api.types.infer_dtype(filled.astype(object), skipna=False)
    if filled.empty:
        return pd.Series([None] * len(cells), dtype="string[python]")
    if kind == "boolean":
        return cells.astype("boolean")
    if kind in ("integer", "floating", "mixed-integer-float"):
        if pd.api.types.is_numeric_dtype(cells.dtype):
            return cells
        return pd.to_numeric(cells.astype(object))
    if kind == "string":
        texts = cells.astype(object).map(_encodable, na_action="ignore")
        return texts.astype("string[python]")
    return pd.Series([[]] * len(cells), dtype=object)


def _as_list(cell: Any) -> Any:
    """A list, which DuckDB gives as an array, as `predict` has it; else the cell."""
    return cell.tolist() if isinstance(cell, np.ndarray) else cell


def _encodable(text: str) -> str:
    """A text with the replacement character for what UTF-8 can't hold."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _as_written(name: str, data_type: str) -> str:
    """The type that keeps cells as they are: a path may look like a number."""
    is_text = name == "path" or data_type.startswith(_DATES)
    return "VARCHAR" if is_text else data_type


def _name(name: str) -> str:
    """A column's name as SQL quotes it."""
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    """A text as SQL quotes it."""
    return "'" + text.replace("'", "''") + "'"
