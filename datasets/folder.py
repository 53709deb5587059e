"""Which labels do the names of folders give? `--data genre=folder:stills/`.

    stills/drama/*.jpg                 or, with the parts of a split above the classes,
    stills/comedy/any/depth/*.jpg      stills/train/drama/*.jpg, stills/val/drama/*.jpg

One folder per class is the layout of most collections, such as CK+48 and FER2013.
"""

import os
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from multitask.contracts import catalog, infer
from multitask.contracts.catalog import from_config
from multitask.contracts.errors import UserError, counted, listed, nearest, shortened
from multitask.contracts.reading import (
    ENDINGS,
    PARTS,
    existing,
    pictures_and_others,
    translate,
)
from multitask.contracts.table import NO_LABELS, Reading
from multitask.tables.words import meanings

# The Cohn-Kanade sets name their frames by subject, sequence and number; the frames of
# one subject must stay in one part of a split.
SUBJECT = re.compile(r"(S\d{3})_\d{3}_\d{8}\.")
LAYOUT = "must hold two or more, one per class, as in drama/ and comedy/"


def read(folder: Path, *, name: str) -> Reading:
    """Read a folder of class folders as the labels of the head `name`.

    The table has `path`, the column `name`, `source`; `split` if folders called train,
    val or test lie above those of the classes; and `identity` for files named as in the
    Cohn-Kanade sets. For a named head the names of folders are translated to its
    classes, else the reading brings a softmax head. Pictures in no class folder, or in
    one that is no class of the named head, are skipped, and so are all other files in
    class folders; a note names the folders that are no class.

    Raises UserError if the folder is missing or a file, holds no picture or fewer than
    two classes, or if `name` can't be the name of a head.
    """
    where = f"--data {name}"
    _check_name(name, where)
    root = existing(folder, where)
    paths, others = pictures_and_others(root, where)
    table = _listed(root, paths, where)
    reasons = _outside(table)
    notes: tuple[str, ...] = ()
    if name in catalog.named():
        folders = table["label"]
        table["label"], unknown = _translated(folders, name, where)
        reasons = pd.concat([reasons, unknown])
        notes = _left_out(folders[unknown.index], name, where)
    empty = _empty(root, table) | _no_pictures(root, others)
    labelled = table.drop(index=reasons.index).reset_index(drop=True)
    _check_classes(labelled["label"], root, where, [*reasons, *empty.values()])
    heads = {}
    if name not in catalog.named():
        heads[name] = infer.softmax(sorted(labelled["label"].unique()))
        from_config(name, heads[name])  # refuses invalid names
    skipped = [*zip(table["path"][reasons.index], reasons, strict=True), *empty.items()]
    return Reading(
        table=_columns(labelled, name),
        skipped=pd.DataFrame(sorted(skipped), columns=["path", "reason"], dtype=object),
        heads=heads,
        notes=notes,
    )


def _check_name(name: str, where: str) -> None:
    if name == "folder":
        raise UserError(
            where, "no head given", "write NAME=folder:PATH, where NAME is the head"
        )
    if name in NO_LABELS:
        raise UserError(
            where,
            f"{name!r} is a column of every table",
            "choose another name for the head",
        )
    head = catalog.readers().get(name, name)
    has_many_labels = len(catalog.named().get(name, {}).get("columns", [name])) > 1
    if head != name or has_many_labels:
        raise UserError(
            where,
            f"{head} is a head of many labels, folders can name the classes of one",
            f"choose another name for the head: {name}_class=folder:PATH",
        )


def _listed(root: Path, paths: list[str], where: str) -> pd.DataFrame:
    """One row per picture: its path, and the label and split of its folder."""
    folders = [os.path.dirname(path) for path in paths]
    meanings = {folder: _meaning(root, folder) for folder in dict.fromkeys(folders)}
    for label, _ in meanings.values():
        try:
            (label or "").encode()
        except UnicodeEncodeError:
            raise UserError(
                where, f"folder {label!r} is not UTF-8", "rename it"
            ) from None
    labels, splits = zip(*(meanings[folder] for folder in folders), strict=True)
    table = {"path": paths, "label": labels, "split": splits}
    return pd.DataFrame(table, dtype=object)


def _meaning(root: Path, folder: str) -> tuple[str | None, str | None]:
    """The class and the part of a split that a folder stands for, each may be None."""
    split = None
    for name in Path(os.path.relpath(folder, root)).parts:
        part = PARTS.get(name.casefold())
        if part is None:
            # Systems compose accents in different ways: still one class.
            return unicodedata.normalize("NFC", name), split
        split = part
    return None, split


def _outside(table: pd.DataFrame) -> "pd.Series[str]":
    """A reason for each picture without a class."""
    splits = table["split"][table["label"].isna()]
    return splits.map(
        lambda split: (
            "lies in no class folder"
            if pd.isna(split)
            else f"lies in no class folder, only in that of part {split!r}"
        )
    ).astype(object)


def _translated(
    labels: "pd.Series[Any]", name: str, where: str
) -> "tuple[pd.Series[Any], pd.Series[str]]":
    """Labels in the spelling of a named head, and a reason for each unknown one."""
    config = catalog.named()[name]
    if "classes" not in config:
        numbers = pd.to_numeric(labels, errors="coerce").astype(float)
        in_range = numbers.between(config["low"], config["high"])
        expected = f"a number from {config['low']} to {config['high']}"
        unknown = labels[~in_range & labels.notna()]
        reasons = unknown.map(lambda label: f"folder {label!r} is not {expected}")
        return numbers.where(in_range), reasons
    classes = config["classes"]
    translated, faults = translate(labels, meanings(name))
    unknown = labels[faults.index]
    reason_of = {
        label: f"folder {label!r} is no class of {name}; {nearest(label, classes)}"
        for label in unknown.unique()
    }
    return translated, unknown.map(reason_of)


def _left_out(folders: "pd.Series[Any]", name: str, where: str) -> tuple[str, ...]:
    """Say which folders the named head does not take, and how to keep them.

    `folders` are those of the pictures that are skipped for it.
    """
    if folders.empty:
        return ()
    config, counts = catalog.named()[name], folders.astype(str).value_counts()
    reason = f"head {name} has no such class"
    if "classes" not in config:
        reason = f"head {name} goes from {config['low']} to {config['high']}"
    texts = (
        f"folder {shortened(str(label))!r} ({counted(n, 'picture')})"
        for label, n in sorted(counts.items())
    )
    return (
        f"{where}: left out, as {reason}: {listed(texts)}; to keep them, give another "
        f"name, as in {name}_class=folder:PATH, or rename the folders",
    )


def _empty(root: Path, table: pd.DataFrame) -> dict[str, str]:
    """Class folders without a picture, each with the same reason."""
    filled = set()
    for folder in {os.path.dirname(path) for path in table["path"]}:
        parts = Path(os.path.relpath(folder, root)).parts
        filled |= {root.joinpath(*parts[:n]) for n in range(len(parts) + 1)}
    reason = "the folder holds no picture of its own"
    return {str(path): reason for path in _class_folders(root) if path not in filled}


def _no_pictures(root: Path, files: list[str]) -> dict[str, str]:
    """Files in class folders that do not end as pictures do, each with a reason."""
    folders = {
        folder: _meaning(root, folder) for folder in {*map(os.path.dirname, files)}
    }
    reasons = {}
    for path in files:
        if folders[os.path.dirname(path)][0] is not None:
            ending = os.path.splitext(path)[1]
            has = f"ends in {ending}" if ending else "has no ending"
            reasons[path] = f"{has}; pictures end in {', '.join(ENDINGS)}"
    return reasons


def _class_folders(folder: Path, depth: int = 0) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or not path.is_dir():
            continue
        if path.name.casefold() not in PARTS:
            yield path
        elif depth < 8:  # a link to a folder above would never end
            yield from _class_folders(path, depth + 1)


def _check_classes(
    labels: "pd.Series[Any]", root: Path, where: str, reasons: list[str]
) -> None:
    classes = sorted(map(str, labels.unique()))
    if len(classes) < 2:
        content = "no class folder"
        if classes:
            content = f"only the class folder {classes[0]!r}"
        if reasons:
            content += f" ({len(reasons)} set aside, the first: {reasons[0]})"
        raise UserError(where, f"'{root}' holds {content}", LAYOUT)


def _columns(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """The columns of the table, without `split` and `identity` if these are empty."""
    files = table["path"].map(os.path.basename)
    subjects = [m[1] if (m := SUBJECT.match(file)) else None for file in files]
    columns = table[["path", "label"]].rename(columns={"label": name})
    columns["source"] = name
    columns["split"], columns["identity"] = table["split"], subjects
    empty = [c for c in ("split", "identity") if columns[c].isna().all()]
    return columns.drop(columns=empty)
