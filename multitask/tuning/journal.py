"""How does a sweep go on that was begun when Optuna still recorded the trials?"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from multitask.contracts.errors import UserError
from multitask.contracts.recipe_files import current_name
from multitask.contracts.run import same_settings
from multitask.contracts.saving import write_text
from multitask.contracts.settings import field_value
from multitask.tuning.search import import_optuna
from multitask.tuning.space import Dimension
from multitask.tuning.storage import PRECISION, Trial, trial_folder, write_trial

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial

JOURNAL = "trials.log"
IMPORTED = "trials.log.imported"
_STUDY = "trials"  # Optuna's name for what the journal holds


def import_journal(
    out: Path, sweep: Mapping[str, Any], dimensions: Sequence[Dimension]
) -> None:
    """Record the trials of Optuna's journal as ours, if the folder has one.

    Raises UserError for a journal that is damaged or of another sweep, and if Optuna is
    not installed.
    """
    file = out / JOURNAL
    if not file.exists():
        return
    study = _study(file)
    begun = json.loads(study.user_attrs.get("settings", "{}"))
    if not same_settings(begun, json.loads(json.dumps(sweep))):
        raise UserError(
            file, "belongs to another sweep", "choose another folder with --out"
        )
    if precision := study.user_attrs.get("precision"):
        write_text(out / PRECISION, precision)
    replaced = {trial.user_attrs.get("replaces") for trial in study.trials}
    for frozen in study.trials:
        settings = _settings(frozen, dimensions)
        waiting = frozen.state.name == "WAITING" and "replaces" not in frozen.user_attrs
        if settings and not waiting and frozen.number not in replaced:
            write_trial(out, _trial(frozen, settings))
    file.rename(out / IMPORTED)


def _study(file: Path) -> "Study":
    """What the journal holds; a last line that was cut short does not count."""
    optuna = import_optuna(file, "was written by Optuna, which is missing")
    try:
        backend = optuna.storages.journal.JournalFileBackend(str(file))
        storage = optuna.storages.JournalStorage(backend)
        study: Study = optuna.load_study(
            study_name=_STUDY,
            storage=storage,
            sampler=optuna.samplers.RandomSampler(),
        )
    except (ValueError, KeyError, TypeError, AssertionError) as error:
        raise UserError(
            file,
            f"is not the storage of a sweep ({error})",
            "choose another folder with --out",
        ) from None
    return study


def _settings(frozen: "FrozenTrial", dimensions: Sequence[Dimension]) -> dict[str, Any]:
    """The values of a trial as their settings have them; none if one is missing."""
    recorded = {**frozen.system_attrs.get("fixed_params", {}), **frozen.params}
    values = {current_name(name): value for name, value in recorded.items()}
    if set(values) != {one.name for one in dimensions}:
        return {}
    return {
        one.name: field_value(one.kind, values[one.name], one.name)
        for one in dimensions
    }


def _trial(frozen: "FrozenTrial", settings: Mapping[str, Any]) -> Trial:
    """A trial of ours; one that waits to replace a stopped one is stopped itself."""
    attributes = frozen.user_attrs
    state = frozen.state.name.lower()
    return Trial(
        trial=frozen.number,
        folder=attributes.get("folder", trial_folder(frozen.number)),
        state="running" if state == "waiting" else state,  # type: ignore[arg-type]
        settings=settings,
        score=frozen.value if state == "complete" else None,
        heads={
            name.removeprefix("head "): value
            for name, value in attributes.items()
            if name.startswith("head ")
        },
        epoch=attributes.get("epoch"),
        seconds=attributes.get("seconds"),
        curve=tuple(attributes.get("curve", ())),
        reason=attributes.get("reason", ""),
        deaths=attributes.get("deaths", 0),
        died_after=attributes.get("died_after", 0),
        interrupted=attributes.get("interrupted", False),
    )
