"""What does `multitask` say in Python of labelled pictures, and of networks on them?"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from multitask.contracts.errors import Say, python_spelling

if TYPE_CHECKING:
    from multitask.cli.keywords import Data, File
    from multitask.contracts.head import Heads
    from multitask.contracts.machine import Machine
    from multitask.contracts.results.side_by_side import SideBySide
    from multitask.experiments.run import Run
    from multitask.images.damage import Damaged
    from multitask.images.faces.parts import Faces
    from multitask.inspection.findings import Findings


@python_spelling
def audit(
    data: "Data",
    *,
    out: "File | None" = None,
    heads: "Heads | None" = None,
    fix: "File | None" = None,
    faces: "Faces" = "whole",
    damaged: "Damaged" = "skip",
    say: Say = print,
) -> "Findings":
    """Check labelled pictures for faults that harm training; nothing is trained.

    Args:
        data: Labelled pictures, as in `fit`.
        out: A new folder for the report; by default `runs/audit-DATE-TIME`.
        heads: Heads whose labels to check; by default all that the data has labels for.
        fix: A new file (.csv, .parquet) for the table without faulty pictures.
        faces: List pictures without a face and those with several, which `fix` keeps
            (`"detect"`; `"auto"`: but not in data sets that show few faces), or look
            for none (`"whole"`).
        damaged: `"keep"` uses what can be read of damaged pictures.
        say: Called with each line on data that is written or guessed.

    Returns:
        The findings: their `folder`, `duplicates`, `faces`, and `wrong()`, the counts
        of faults.

    Raises:
        UserError: The data can't be read, or a file can't be written.

    Example:
        >>> multitask.audit({"utkface": "U"}, fix="clean.csv").wrong()  # doctest: +SKIP
        {'unreadable': 3, 'conflicting pairs': 12}
    """
    from multitask.cli import keywords, options
    from multitask.contracts.run import new_folder
    from multitask.data import given
    from multitask.inspection import audit
    from multitask.terminal import quiet

    names, declared = ((), {}) if heads is None else keywords.split_heads(heads)
    folder = new_folder(options.default_folder(out, "audit-"))
    with given.recorded(data, folder, say) as texts:
        if faces in ("auto", "detect"):
            quiet.import_tensorflow()
        return audit.audit(
            *(texts or (), folder), heads=names, declared=declared,
            fix=fix, faces=faces, damaged=damaged,
        )  # fmt: skip


def side_by_side(
    networks: "Sequence[Run | File]",
    data: "Data | None",
    split: str | None,
    faces: "Faces | None",
    *,
    by: "str | Sequence[str]",
    out: "File | None",
    say: Say,
    machine: "Machine | None",
) -> "SideBySide":
    """Measure several networks on the same pictures, as `multitask.report` documents.

    Raises UserError as it does.
    """
    from multitask.cli import keywords, options
    from multitask.contracts.run import new_folder
    from multitask.data import given
    from multitask.experiments import names
    from multitask.terminal import quiet

    names.check_no_groups(by)
    listed = [keywords.file("network", network) for network in networks]
    files = names.check_side_by_side(listed, split, has_data=data is not None)
    folder = new_folder(options.default_folder(out, "report-"))
    with given.recorded(data, folder, say) as texts:
        quiet.import_tensorflow()
        from multitask.comparison.side_by_side import measure_side_by_side

        result = measure_side_by_side(
            files,
            texts or (),
            out=folder,
            split=split,
            faces=faces or "",
            machine=keywords.machine(machine),
        )
        evaluations = {
            name: given.indexed(evaluation, data, texts)
            for name, evaluation in result.evaluations.items()
        }
        return replace(result, evaluations=evaluations)
