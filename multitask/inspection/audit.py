"""How are data sets checked before a network learns from them?"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path

from multitask.contracts import catalog, plugins
from multitask.contracts.catalog import Config
from multitask.contracts.errors import UserError
from multitask.contracts.infer import requested_heads
from multitask.contracts.paths import expand_user
from multitask.contracts.run import new_folder, new_work
from multitask.contracts.table import any_file_name
from multitask.data.about import describe_data
from multitask.data.joint_heads import with_asked
from multitask.data.sources import (
    absolute,
    check_labelled,
    check_source,
    read_all,
    takes_name,
)
from multitask.images.damage import Damaged
from multitask.inspection.clean import check_target, clean, write_table
from multitask.inspection.faces import check_search
from multitask.inspection.findings import Findings, inspect_reading


@any_file_name()
def audit(
    data: Sequence[str],
    out: str | Path,
    *,
    heads: Sequence[str] = (),
    declared: Mapping[str, Config] | None = None,
    fix: str | PathLike[str] | None = None,
    faces: str = "whole",
    damaged: Damaged = "skip",
) -> Findings:
    """Check data sets `NAME=FOLDER` without training, and report on them.

    Every report on `Findings` writes its files into the new folder `out`. `fix` names
    a file for the table without bad and duplicate pictures, by the rules of
    `multitask.inspection.clean`. Without `heads`, every head that the data has labels
    for is checked. `declared` heads stand beside those that the data brings. `faces`
    says whether pictures without a face, or with several, are looked for, as in
    `faces.inspect_faces`; the table keeps them. Pictures whose decoder reports damage
    are unusable, unless `damaged` is `keep`.

    Raises UserError if an argument is wrong, a data set can't be read, or a file can't
    be written.
    """
    if not data:
        raise UserError("--data", "no data set given", "write --data NAME=FOLDER")
    for text in data:  # wrong names fail before the long work
        check_source(text)
    if heads and not any(map(takes_name, data)):
        catalog.heads(heads, declared)
    check_search(faces)
    out = new_folder(expand_user(out))
    target = check_target(expand_user(fix), out) if fix else None
    with new_work(out):
        return _audit(data, out, heads, declared or {}, target, faces, damaged)


def _audit(
    data: Sequence[str],
    out: Path,
    heads: Sequence[str],
    declared: Mapping[str, Config],
    target: Path | None,
    faces: str,
    damaged: Damaged,
) -> Findings:
    """Check data sets, report on them, and write the cleaned table to `target`."""
    reading = read_all(absolute(data), heads=heads)
    known = {**with_asked(reading, heads, declared), **declared}
    requested = requested_heads(heads, reading.table, known)
    resolved = [head.resolve(reading.table) for head in requested]
    findings = inspect_reading(
        reading, resolved, title=", ".join(data), folder=out, faces=faces,
        damaged=damaged,
    )  # fmt: skip
    findings = replace(findings, data=describe_data(data))
    if heads:
        check_labelled(resolved, findings.table)
    plugins.write_reports(findings, out, work=out)
    if target:
        cleaned = clean(findings.table, findings.files, findings.labels)
        check_target(target, out)  # somebody may have made one meanwhile
        write_table(cleaned, target, resolved, work=out)
    return findings
