"""Which files does a run hold, and may a folder be written to?"""

from pathlib import Path
from typing import Any

from multitask.contracts.errors import UserError
from multitask.contracts.saving import write_text

NETWORK = "network.keras"  # the best epoch
RECIPE = "recipe.toml"  # every setting
HISTORY = "history.csv"  # figures of each epoch
SPLIT = "split.csv"  # path, split
SKIPPED = "skipped.csv"  # path, reason: what was set aside
LOCK, READING = ".lock", ".reading"  # locks of processes that share a folder


def new_folder(out: Path) -> Path:
    """The folder that is yet to be made; UserError if it exists.

    One that holds nothing but the sample's drawings and locks, of a run that failed
    before it began, counts as free.
    """
    held = {path.name for path in out.iterdir()} if out.is_dir() else set()
    if out.exists() and not (held and held <= {"sample", LOCK, READING}):
        begun = out.is_dir() and (out / RECIPE).exists()
        raise UserError(
            out,
            "exists already, must be a new folder",
            "name another with --out" + ", or add --resume to go on" * begun,
        )
    return out


def same_work(out: Path, settings: dict[str, Any], what: str, key: str) -> bool:
    """Whether the folder has a work in it that is asked for again, and can go on.

    `settings` are what makes it the same, `key` the table that they have beside those
    of a recipe, and `what` it is called. Raises UserError if the folder holds something
    else.
    """
    import tomli_w

    file = out / RECIPE
    if not file.exists():
        new_folder(out)
        return False
    found = file.read_text(encoding="utf-8")
    if found != tomli_w.dumps(settings):
        whose = f"another {what}" if f"\n[{key}]\n" in found else "other work"
        raise UserError(out, f"holds {whose}", "name another folder with --out")
    return True


def begin(out: Path, settings: dict[str, Any]) -> None:
    """Make the folder of such a work, and write down what it is.

    Raises UserError if it can't be written.
    """
    import tomli_w

    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(out, f"can't be written: {error.strerror}") from None
    write_text(out / RECIPE, tomli_w.dumps(settings))
