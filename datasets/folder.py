"""What do the names of folders say? One folder a class: `--data genre=folder:stills/`.

    stills/drama/*.jpg                 or, with its parts in folders of their own,
    stills/comedy/any/depth/*.jpg      stills/train/drama/*.jpg, stills/val/drama/*.jpg

The layout in which most collections are passed on, and that of CK+48 and FER2013.
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
from multitask.contracts.errors import UserError, nearest
from multitask.contracts.reading import existing, pictures, translate
from multitask.contracts.table import RESERVED, Reading

PARTS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}
# What others call the classes of named heads.
WORDS = {
    "expression": {
        "angry": "anger",
        "happy": "happiness",
        "joy": "happiness",
        "sad": "sadness",
        "surprised": "surprise",
        **dict.fromkeys(("fearful", "afraid", "scared"), "fear"),
        "disgusted": "disgust",
    },
    "gender": {
        **dict.fromkeys(("man", "men", "males"), "male"),
        **dict.fromkeys(("woman", "women", "females"), "female"),
    },
}
# The Cohn-Kanade sets name their frames by subject, sequence and number; frames of one
# subject must not be learnt from and measured on.
SUBJECT = re.compile(r"(S\d{3})_\d{3}_\d{8}\.")
LAYOUT = "must hold two or more, one a class, as in drama/ and comedy/"


def read(folder: Path, *, name: str) -> Reading:
    """Read a folder of class folders, the labels of the head `name`.

    The table has `path`, the column `name`, `source`; `split` where folders called
    train, val or test lie above those of the classes; and `identity` for files named
    as in the Cohn-Kanade sets. For a named head the folders' names are translated to
    its classes, else the reading brings a softmax head. Pictures in no class folder,
    or in one that is no class of a named head, are set aside.

    Raises UserError if there is no such folder, it is a file, it holds no picture or
    fewer than two classes, or if `name` can't be a head's.
    """
    where = f"--data {name}"
    _check_name(name, where)
    root = existing(folder, where)
    table = _listed(root, pictures(root, where), where)
    reasons = _outside(table)
    if name in catalog.named():
        table["label"], unknown = _translated(table["label"], name, where)
        reasons = pd.concat([reasons, unknown])
    empty = _empty(root, table)
    kept = table.drop(index=reasons.index).reset_index(drop=True)
    _check_classes(kept["label"], root, where, [*reasons, *empty.values()])
    heads = {}
    if name not in catalog.named():
        heads[name] = infer.softmax(sorted(kept["label"].unique()))
        from_config(name, heads[name])  # refuses names that none can have
    skipped = [*zip(table["path"][reasons.index], reasons, strict=True), *empty.items()]
    return Reading(
        table=_columns(kept, name),
        skipped=pd.DataFrame(sorted(skipped), columns=["path", "reason"], dtype=object),
        heads=heads,
    )


def _check_name(name: str, where: str) -> None:
    if name == "folder":
        raise UserError(
            where, "names no head", "write NAME=folder:PATH, NAME is the head"
        )
    if name in (*RESERVED, "status"):
        raise UserError(
            where, f"{name!r} is a column of every table", "call the head otherwise"
        )
    reader = catalog.readers().get(name, name)
    many = len(catalog.named().get(name, {}).get("columns", [name])) > 1
    if reader != name or many:
        raise UserError(
            where,
            f"{reader} is a head of many labels, folders can name the classes of one",
            f"call the folders' head otherwise: {name}_class=folder:PATH",
        )


def _listed(root: Path, paths: list[str], where: str) -> pd.DataFrame:
    """A row a picture: its path, and the label and split that its place says."""
    folders = [os.path.dirname(path) for path in paths]
    said = {folder: _meaning(root, folder) for folder in dict.fromkeys(folders)}
    for label, _ in said.values():
        try:
            (label or "").encode()
        except UnicodeEncodeError:
            raise UserError(
                where, f"folder {label!r} is not UTF-8", "rename it"
            ) from None
    labels, splits = zip(*(said[folder] for folder in folders), strict=True)
    table = {"path": paths, "label": labels, "split": splits}
    return pd.DataFrame(table, dtype=object)


def _meaning(root: Path, folder: str) -> tuple[str | None, str | None]:
    """The class and the part that a folder's place says, None for what it does not."""
    split = None
    for name in Path(os.path.relpath(folder, root)).parts:
        part = PARTS.get(name.casefold())
        if part is None:
            # As one system writes an accent and another: one class, not two.
            return unicodedata.normalize("NFC", name), split
        split = part
    return None, split


def _outside(table: pd.DataFrame) -> "pd.Series[str]":
    splits = table["split"][table["label"].isna()]
    return splits.map(
        lambda split: (
            "lies in no class folder"
            if pd.isna(split)
            else f"lies in no class folder, only in one of the part {split!r}"
        )
    ).astype(object)


def _translated(
    labels: "pd.Series[Any]", name: str, where: str
) -> "tuple[pd.Series[Any], pd.Series[str]]":
    """Labels in the spelling of a named head; a reason for each that it has not."""
    config = catalog.named()[name]
    if "classes" not in config:
        numbers = pd.to_numeric(labels, errors="coerce").astype(float)
        inside = numbers.between(config["low"], config["high"])
        known = f"a number from {config['low']} to {config['high']}"
        unknown = labels[~inside & labels.notna()]
        reasons = unknown.map(lambda label: f"folder {label!r} is not {known}")
        return numbers.where(inside), reasons
    classes = config["classes"]
    meanings = {c: c for c in classes} | WORDS.get(name, {})
    said, reasons = translate(labels, meanings)
    unknown = labels[reasons.index]
    told = {
        label: f"folder {label!r} is no class of {name}; {nearest(label, classes)}"
        for label in unknown.unique()
    }
    return said, unknown.map(told)


def _empty(root: Path, table: pd.DataFrame) -> dict[str, str]:
    """Class folders that hold no picture, with the reason that is told for them."""
    filled = set()
    for folder in {os.path.dirname(path) for path in table["path"]}:
        parts = Path(os.path.relpath(folder, root)).parts
        filled |= {root.joinpath(*parts[:n]) for n in range(len(parts) + 1)}
    reason = "the folder holds no picture of its own"
    return {str(path): reason for path in _class_folders(root) if path not in filled}


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
    found = sorted(map(str, labels.unique()))
    if len(found) < 2:
        holds = f"of class folders only {found[0]!r}" if found else "no class folder"
        if reasons:
            holds += f" ({len(reasons)} set aside, the first: {reasons[0]})"
        raise UserError(where, f"'{root}' holds {holds}", LAYOUT)


def _columns(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """The table as its contract has it, without columns in which nothing is said."""
    files = table["path"].map(os.path.basename)
    subjects = [m[1] if (m := SUBJECT.match(file)) else None for file in files]
    made = table[["path", "label"]].rename(columns={"label": name})
    made["source"] = name
    made["split"], made["identity"] = table["split"], subjects
    optional = [c for c in ("split", "identity") if made[c].isna().all()]
    return made.drop(columns=optional)
