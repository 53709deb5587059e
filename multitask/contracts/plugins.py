"""Which heads, data sets and reports are there? The file is the plug-in.

`heads/softmax.py` is the kind `softmax`, `datasets/utkface.py` is what
`--data utkface=PATH` names, and so is `datasets/adience.toml`, which declares a
published layout. Another package adds its own through the entry-point
groups `multitask.heads`, `multitask.datasets` and `multitask.reports`; a name in
use is refused, so that an installation can't change what a command means.
"""

import importlib
import pkgutil
import sys
from collections.abc import Callable
from functools import cache
from html import escape
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from multitask.contracts.errors import UserError, nearest
from multitask.contracts.run import PAGE, SKIPPED
from multitask.contracts.saving import replacing_files, reporting_write_errors

if TYPE_CHECKING:
    import pandas as pd

    from multitask.contracts.head import Head
    from multitask.contracts.table import Reading

GROUPS = ("heads", "datasets", "reports")


def names(group: str) -> list[str]:
    """Names of every plug-in of a group, ours first, each group sorted.

    >>> names("heads")[:4]
    ['distribution', 'regression', 'sigmoid', 'softmax']
    """
    return [*own(group), *sorted(_entries(group))]


def kind(name: str, where: str = "kind") -> type["Head"]:
    """The class of a kind of head: `Softmax` in `heads/softmax.py`.

    Raises UserError, which names `where`, for a kind that is unknown.
    """
    return _load("heads", name, name.title().replace("_", ""), where)  # type: ignore[no-any-return]


def kind_name(cls: type["Head"]) -> str:
    """The name that `kind` finds a class by: its file's, or its entry point's."""
    package, _, file = cls.__module__.rpartition(".")
    if package == "multitask.heads":
        return file
    for name, entry in _entries("heads").items():
        if entry.load() is cls:
            return name
    raise UserError(
        f"{cls.__module__}.{cls.__qualname__}",
        "can't be saved, as it is not a plug-in",
        "give it an entry point of the group multitask.heads",
    )


def reader(name: str) -> Callable[..., "Reading"]:
    """The function `read(folder) -> Reading` of a data set."""
    return _load("datasets", name, "read")  # type: ignore[no-any-return]


def about(reader: str) -> dict[str, str]:
    """What is stated of the data set of a reader: title, address, terms, labels.

    `datasets/NAME.py` has it in `ABOUT`, `datasets/NAME.toml` in a table `[about]`, and
    another package in `ABOUT` of the module with its function `read`. What is not
    stated is missing.
    """
    if reader in layouts():
        published = importlib.import_module("multitask.datasets._published")
        return dict(published.about(reader))
    module = sys.modules[_load("datasets", reader, "read").__module__]
    return dict(getattr(module, "ABOUT", {}))


def reports() -> list[ModuleType]:
    """Every module of the group `reports`, by its `ORDER`.

    Raises UserError for one that lacks what `write_reports` needs.
    """
    modules = [_load("reports", name, None) for name in names("reports")]
    for module in modules:
        missing = [n for n in ("OF", "ORDER", "write") if not hasattr(module, n)]
        if missing:
            raise UserError(
                f"report {module.__name__}",
                f"has no {', '.join(missing)}",
                "update or uninstall its package",
            )
    return sorted(modules, key=lambda module: module.ORDER)


def write_reports(
    result: object,
    folder: Path,
    skipped: "pd.DataFrame | None" = None,
    *,
    work: Path | None = None,
) -> None:
    """Have every report on results of this type write its files into `folder`.

    A module of `reports/` says by `OF` which type of result it is on (`Evaluation`,
    `DesignComparison`, `SweepResult`, `SideBySide` or `Findings`), by `ORDER` when its
    turn is (numbers 10, pictures 20, pages 90: a later one may show the files of an
    earlier one), and writes by `write(result, folder)`. The folder is made if missing.
    Files of an earlier report are replaced when all reports are written, or not at all.
    What was set aside (path, reason) stands beside them, if it is given. The files may
    be a part of the `work` in a folder, as in `replacing_files`.

    Raises UserError if the folder can't be written, or if the disk is full.
    """
    modules = [module for module in reports() if isinstance(result, module.OF)]
    with reporting_write_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with replacing_files(folder, work=work) as stage:
            if skipped is not None:
                from multitask.contracts.table import write_csv

                write_csv(skipped, stage / SKIPPED)
            for module in modules:
                module.write(result, stage)


def text(result: object) -> str:
    """What a command prints of a result: that of the reports which have a `text`."""
    return "\n\n".join(_shown(result, "text"))


def notebook(result: object) -> str:
    """The HTML of a result in a notebook: of the reports which have a `notebook`."""
    return "\n".join(_shown(result, "notebook"))


def _shown(result: object, form: str) -> list[str]:
    modules = [module for module in reports() if isinstance(result, module.OF)]
    return [getattr(m, form)(result) for m in modules if hasattr(m, form)]


class Shown:
    """A result that is displayed as its command prints it, and as tables in notebooks.

    `folder` is where its report is, None without one.
    """

    folder: Path | None

    def __repr__(self) -> str:
        return "\n".join([text(self), *self._page()])

    def _repr_html_(self) -> str:
        pages = [f"<p><code>{escape(page)}</code></p>" for page in self._page()]
        return "\n".join([notebook(self), *pages])

    def _page(self) -> list[str]:
        page = self.folder / PAGE if self.folder else None
        return [f"report: {page}"] if page and page.exists() else []


def own(group: str) -> list[str]:
    """Names of the plug-ins of a group that come with this package, sorted."""
    package = importlib.import_module(f"multitask.{group}")
    names = {module.name for module in pkgutil.iter_modules(package.__path__)}
    names |= set(layouts()) if group == "datasets" else set()
    return sorted(name for name in names if not name.startswith("_"))


@cache
def layouts() -> tuple[str, ...]:
    """Names of the published layouts that `datasets/NAME.toml` declares, sorted."""
    folders = importlib.import_module("multitask.datasets").__path__
    return tuple(sorted(f.stem for path in folders for f in Path(path).glob("*.toml")))


def _entries(group: str) -> dict[str, EntryPoint]:
    entries = {entry.name: entry for entry in entry_points(group=f"multitask.{group}")}
    clashes = set(entries) & set(own(group))
    if clashes:
        name = sorted(clashes)[0]
        raise UserError(
            entries[name].value,
            f"{name!r} is the name of one of the {group} of multitask",
            "rename the entry point or uninstall its package",
        )
    return entries


def _load(group: str, name: str, attribute: str | None, where: str = "") -> Any:
    if group == "datasets" and name in layouts():
        published = importlib.import_module("multitask.datasets._published")
        return published.reader(name)
    if name in own(group):
        module = importlib.import_module(f"multitask.{group}.{name}")
        return getattr(module, attribute) if attribute else module
    if name in _entries(group):
        return _entries(group)[name].load()
    usual, what = {"heads": ("kind", "kind"), "datasets": ("--data", "reader")}.get(
        group, (group, "plug-in")
    )
    raise UserError(
        where or usual, f"unknown {what} {name!r}", nearest(name, names(group))
    )
