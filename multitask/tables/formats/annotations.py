"""Which labels does an annotation file of mmpretrain's `MultiTaskDataset` have?

    {"metainfo": {"tasks": ["gender", "wear"]},
     "data_list": [{"img_path": "a.jpg", "gt_label": {"gender": 0, "wear": [1, 0, 1]}}]}

A label is the number of a class, or a list of yes (1) and no (0); a picture may lack a
task. `data_root` and `data_prefix`, which are settings in mmpretrain, may be beside
`metainfo` or in it. https://github.com/open-mmlab/mmpretrain, Apache-2.0
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from multitask.contracts import catalog, infer
from multitask.contracts.errors import UserError, nearest
from multitask.contracts.table import RESERVED

FORM = 'must be {"metainfo": {"tasks": [...]}, "data_list": [...]}'
ITEM = 'must be {"img_path": "a.jpg", "gt_label": {"gender": 0}}'


@dataclass(kw_only=True)
class LabelFile:
    """The content of a file of labels, its cells as they are in the file.

    Paths are relative to `root`. `lists` has the lengths of labels that are lists of
    yes and no, by task; their columns are `task_0`, `task_1`, ... In a `numbered` file
    classes have numbers instead of names.
    """

    root: Path
    cells: pd.DataFrame
    skipped: list[tuple[str, str]] = field(default_factory=list)
    lists: dict[str, int] = field(default_factory=dict)
    numbered: bool = False

    def heads(self, table: pd.DataFrame) -> dict[str, dict[str, Any]]:
        """The heads that the file brings; `table` has its cells with typed columns."""
        heads: dict[str, dict[str, Any]] = {}
        columns_of = {task: _columns(task, n) for task, n in self.lists.items()}
        for task, columns in columns_of.items():
            name = infer.head_name(task, {*heads, *catalog.named()})
            heads[name] = {"kind": "sigmoid", "columns": columns}
        if self.numbered:
            heads |= _numbered(table)
        others = table.drop(columns=sum(columns_of.values(), []))
        return infer.infer_heads(others) | heads


def _columns(task: str, length: int) -> list[str]:
    """The columns of a task whose label is a list."""
    return [f"{task}_{number}" for number in range(length)]


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


def annotations(path: Path, where: str) -> LabelFile:
    """Read an annotation file of mmpretrain.

    Items without a picture, and labels that are neither a number, a text nor a list of
    0 and 1, are skipped. Raises UserError if the file is no JSON or has another form.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, OSError) as error:
        raise UserError(where, f"'{path}' is no JSON: {error}", FORM) from error
    if not isinstance(content, dict) or not isinstance(content.get("data_list"), list):
        raise UserError(where, f"'{path}' has no list 'data_list'", FORM)
    metainfo = content.get("metainfo") or {}
    if not isinstance(metainfo, dict):
        raise UserError(where, f"'{path}': metainfo is no object", FORM)
    items = _Items(_tasks(metainfo.get("tasks"), where))
    for number, item in enumerate(content["data_list"]):
        fault = _fault(item)
        if fault:
            items.skipped.append((str(path), f"item {number} {fault}, {ITEM}"))
        else:
            items.add(item["img_path"], item.get("gt_label") or {})
    if items.skipped and not items.rows:
        raise UserError(*items.skipped[0])
    return LabelFile(
        root=_root(path, {**metainfo, **content}, where),
        cells=items.cells(),
        skipped=items.skipped,
        lists=items.lists,
        numbered=True,
    )


class _Items:
    """Collects rows from the items of an annotation file."""

    def __init__(self, tasks: list[str] | None) -> None:
        self.tasks = tasks
        self.rows: list[dict[str, Any]] = []
        self.skipped: list[tuple[str, str]] = []
        self.lists: dict[str, int] = {}

    def add(self, path: str, labels: dict[str, Any]) -> None:
        """Add the row of a picture."""
        row: dict[str, Any] = {"path": path}
        for task, label in labels.items():
            cells, fault = self._cells(task, label)
            row |= cells
            if fault:
                self.skipped.append((path, fault))
        self.rows.append(row)

    def _cells(self, task: str, label: Any) -> tuple[dict[str, Any], str]:
        """The cells of a label by column, and what is wrong with it."""
        if task in RESERVED or (self.tasks is not None and task not in self.tasks):
            return {}, f"label {task!r} is no task; {nearest(task, self.tasks or [])}"
        if label is None or isinstance(label, (int, float, str)):
            return {task: label}, ""
        if not isinstance(label, list) or not label:
            return {}, f"{task} is {label}, left empty"
        length = self.lists.get(task, len(label))
        if len(label) != length or any(answer not in (0, 1) for answer in label):
            return {}, f"{task} is {label}, left empty; must be {length} times 0 or 1"
        self.lists[task] = length
        return dict(zip(_columns(task, length), label, strict=True)), ""

    def cells(self) -> pd.DataFrame:
        """All rows as a table."""
        columns = dict.fromkeys(["path", *(name for row in self.rows for name in row)])
        cells = {name: [row.get(name) for row in self.rows] for name in columns}
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
        root /= Path(name).expanduser()
    return root


def _tasks(tasks: Any, where: str) -> list[str] | None:
    if tasks is None:
        return None
    if not isinstance(tasks, list) or not all(isinstance(t, str) for t in tasks):
        raise UserError(where, "metainfo.tasks is no list of names", FORM)
    for task in tasks:
        if task in RESERVED:
            raise UserError(
                where, f"a task is called {task!r}, a column of the table", "rename it"
            )
    return tasks


def _fault(item: Any) -> str:
    """What is wrong with an item; empty if nothing is."""
    if not isinstance(item, dict):
        return "is no object"
    if not isinstance(item.get("img_path"), str):
        return "has no img_path"
    if not isinstance(item.get("gt_label") or {}, dict):
        return "has a gt_label without tasks"
    return ""
