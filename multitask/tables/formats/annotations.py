"""Which labels does an annotation file of mmpretrain's `MultiTaskDataset` have?

    {"metainfo": {"tasks": ["gender", "wear"]},
     "data_list": [{"img_path": "a.jpg", "gt_label": {"gender": 0, "wear": [1, 0, 1]}}]}

A label is the number of a class, -1 for none, or a list: of class numbers `[0, 2]`, or
of yes (1), no (0) and unknown (null or -1) `[1, null, 0]`, as `lists.py` tells; a
picture may lack a task. A task may be `{"name": "gender", "categories": [...]}`, and
all of them `{"gender": [...]}` or `{"gender": {"categories": [...]}}`.
`data_root` and `data_prefix`, which are settings in mmpretrain, may be beside
`metainfo` or in it. https://github.com/open-mmlab/mmpretrain, Apache-2.0
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from multitask.contracts import catalog, infer
from multitask.contracts.errors import UserError, nearest
from multitask.contracts.paths import expand_user
from multitask.contracts.table import RESERVED
from multitask.tables.decisions import Decisions
from multitask.tables.formats.encodings import as_text

FORM = 'must be {"metainfo": {"tasks": [...]}, "data_list": [...]}'
ITEM = 'must be {"img_path": "a.jpg", "gt_label": {"gender": 0}}'


@dataclass(kw_only=True)
class LabelFile:
    """The content of a file of labels, its cells as they are in the file.

    Paths are relative to `root`. In a `numbered` file classes have numbers instead of
    names, unless `names` lists those of a column. `brings` has settings of heads that
    read columns in a way of their own, such as several together.
    """

    root: Path
    cells: pd.DataFrame
    skipped: list[tuple[str, str]] = field(default_factory=list)
    numbered: bool = False
    names: dict[str, list[str]] = field(default_factory=dict)
    brings: dict[str, dict[str, Any]] = field(default_factory=dict)

    def own_columns(self, table: pd.DataFrame) -> list[str]:
        """The columns of a table that the heads read which the file brings."""
        heads = self.brings.items()
        read = {column for name, head in heads for column in infer.read_by(name, head)}
        return [column for column in map(str, table) if column in read]

    def heads(self, table: pd.DataFrame) -> dict[str, dict[str, Any]]:
        """The heads that the file brings; `table` has its cells with typed columns."""
        heads = dict(self.brings)
        others = table.drop(columns=self.own_columns(table))
        if self.numbered:
            heads |= _numbered(others)
        return infer.infer_heads(others) | heads


def _numbered(table: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Heads that take the place of named ones whose classes are only numbered.

    The file does not say which number is `male`, so such a head has its own classes.
    """
    heads: dict[str, dict[str, Any]] = {}
    for task, config in catalog.named().items():
        labels = table[task].dropna() if task in table else pd.Series(dtype=object)
        numeric = len(labels) and pd.api.types.is_numeric_dtype(labels)
        if "classes" in config and numeric:
            if not 0 <= labels.max() < infer.MOST:
                raise UserError(
                    task,
                    f"is {labels.max():g} in an annotation, must be a class number "
                    f"below {infer.MOST}",
                )
            classes = [str(number) for number in range(int(labels.max()) + 1)]
            is_yes_no = len(classes) <= 2
            heads[task] = (
                {"kind": "sigmoid"}
                if is_yes_no
                else {"kind": "softmax", "classes": classes}
            )
    return heads


def annotations(path: Path, where: str, decisions: Decisions) -> LabelFile:
    """Read an annotation file of mmpretrain.

    A class of -1 is left to the steps for all tables, unless these can't tell that it
    means none. Items without a picture, and labels that are neither a number, a text
    nor a list of 0 and 1, are skipped. Raises UserError if the file is no JSON or has
    another form.
    """
    try:
        text, remark = as_text(path.read_bytes())
        content = json.loads(text)
    except (ValueError, OSError) as error:
        raise UserError(where, f"'{path}' is not valid JSON: {error}", FORM) from error
    if not isinstance(content, dict) or not isinstance(content.get("data_list"), list):
        raise UserError(where, f"'{path}' has no list 'data_list'", FORM)
    if remark:
        decisions.read_as("(file)", "JSON")
        decisions.remark("(file)", remark)
    metainfo = content.get("metainfo") or {}
    if not isinstance(metainfo, dict):
        raise UserError(where, f"'{path}': metainfo is not an object", FORM)
    names = _tasks(metainfo.get("tasks"), where)
    items = _Items(names)
    for number, item in enumerate(content["data_list"]):
        fault = _fault(item)
        if fault:
            items.skipped.append((str(path), f"item {number} {fault}, {ITEM}"))
        else:
            items.add(number, item["img_path"], item.get("gt_label") or {})
    if items.skipped and not items.rows:
        raise UserError(*items.skipped[0])
    cells = items.cells()
    for task, count in items.emptied.items():
        decisions.remark(task, f"not annotated: {count:,} '-1'")
    return LabelFile(
        root=_root(path, {**metainfo, **content}, where),
        cells=cells,
        skipped=items.skipped,
        numbered=True,
        names={task: names for task, names in (names or {}).items() if names},
    )


class _Items:
    """Collects rows from the items of an annotation file."""

    def __init__(self, tasks: dict[str, list[str]] | None) -> None:
        self.tasks = tasks
        self.rows: list[dict[str, Any]] = []
        self.skipped: list[tuple[str, str]] = []
        self.emptied: dict[str, int] = {}  # classes of -1 by task

    def add(self, number: int, path: str, labels: dict[str, Any]) -> None:
        """Add the row of a picture."""
        row: dict[str, Any] = {"path": path}
        for task, label in labels.items():
            cell, fault = self._cell(task, label)
            if fault:
                self.skipped.append((path, f"{fault} (item {number})"))
            else:
                row[task] = cell
        self.rows.append(row)

    def _cell(self, task: str, label: Any) -> tuple[Any, str]:
        """The cell of a label, a list as text, and what is wrong with it."""
        if task in RESERVED or (self.tasks is not None and task not in self.tasks):
            return None, f"label {task!r} is no task; {nearest(task, self.tasks or ())}"
        if isinstance(label, list):
            return json.dumps(label, ensure_ascii=False), ""
        if label is not None and not isinstance(label, int | float | str):
            return None, f"{task} is {label}, left empty; must be a class or a list"
        names = (self.tasks or {}).get(task)
        if not names or not isinstance(label, int | float):
            return label, ""
        if label == -1:
            self.emptied[task] = self.emptied.get(task, 0) + 1
            return None, ""
        if label not in range(len(names)):
            most = len(names) - 1
            return (
                None,
                f"{task} is {label}, left empty; must be a class from 0 to {most}",
            )
        return names[int(label)], ""

    def cells(self) -> pd.DataFrame:
        """All rows as a table; -1 is empty beside class 1 alone, where it is not no."""
        columns = dict.fromkeys(["path", *(name for row in self.rows for name in row)])
        cells = {name: [row.get(name) for row in self.rows] for name in columns}
        for name in cells.keys() - {"path"}:
            known = [cell for cell in cells[name] if cell is not None]
            if -1 in known and all(cell in (1, -1) for cell in known):
                cells[name] = [None if cell == -1 else cell for cell in cells[name]]
                self.emptied[name] = known.count(-1)
        return pd.DataFrame(cells, dtype=object)


def _root(path: Path, settings: dict[str, Any], where: str) -> Path:
    """The folder of the pictures: `data_prefix` in `data_root`, as in mmpretrain."""
    root = path.parent
    for key in ("data_root", "data_prefix"):
        name = settings.get(key) or ""
        if isinstance(name, dict):  # {"img_path": "train"}
            name = name.get("img_path") or ""
        if not isinstance(name, str):
            raise UserError(where, f"{key} is {name!r}, must be the name of a folder")
        root /= expand_user(name)
    return root


def _tasks(tasks: Any, where: str) -> dict[str, list[str]] | None:
    """The names of each task's classes by its name; none where they only have numbers.

    A task is a name or an object with `name` and `categories`, or `tasks` is an object
    that has either by name.
    """
    if tasks is None:
        return None
    if isinstance(tasks, dict):  # {"gender": ["male", "female"]}, or an object
        tasks = [
            {"name": name, **(of if isinstance(of, dict) else {"categories": of})}
            for name, of in tasks.items()
        ]
    if not isinstance(tasks, list):
        raise UserError(where, "metainfo.tasks is not a list of names", FORM)
    names: dict[str, list[str]] = {}
    for task in tasks:
        name: Any = task
        categories: Any = []
        if isinstance(task, dict):
            name = task.get("name")
            categories = task.get("categories") or task.get("classes") or []
        if not isinstance(name, str) or not isinstance(categories, list):
            raise UserError(where, "metainfo.tasks is not a list of names", FORM)
        if name in RESERVED:
            raise UserError(
                where, f"a task is called {name!r}, a column of the table", "rename it"
            )
        names[name] = [str(category) for category in categories]
    return names


def _fault(item: Any) -> str:
    """What is wrong with an item; empty if nothing is."""
    if not isinstance(item, dict):
        return "is not an object"
    if not isinstance(item.get("img_path"), str):
        return "has no img_path"
    if not isinstance(item.get("gt_label") or {}, dict):
        return "has a gt_label without tasks"
    return ""
