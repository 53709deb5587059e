"""How is a recipe read from a file, also from one of an earlier version?"""

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from multitask.contracts.errors import UserError, nearest

RENAMED = {"looks": "tta", "average": "ema"}
# Options of the command now: they tell of the machine, not of the training.
MACHINE = ("cache", "memory")
MERGED = {  # by the setting that holds them now
    "schedule": ("schedule", "warmup", "plateau", "least_learning_rate"),
    "mix": ("mix", "oversample"),
    "then": ("then_unfreeze", "then_epochs", "then_learning_rate"),
    "features": ("features", "features_l2", "features_norm"),
}
REPLACED = {  # values that are gone, by setting, and the nearest that is left
    "optimizer": {"rmsprop": "adam", "lion": "adamw"},
    "balance": {"rlw": "static"},
}
GONE = (*RENAMED, *MACHINE, "cache_precision") + tuple(
    old for new, names in MERGED.items() for old in names if old != new
)
_DEFAULTS = {
    "schedule": "cosine",
    "warmup": 1.0,
    "patience": 3,
    "min_learning_rate": 0.0,
    "mix": "proportional",
    "features": 0,
}


def translate(settings: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Settings of an earlier version as those of this one, and what was changed.

    Settings of this version are returned as they are, with no changes.

    >>> translate({"looks": 2, "epochs": 8})
    ({'epochs': 8, 'tta': 2}, ['looks is now tta = 2'])
    """
    new = {name: value for name, value in settings.items() if name not in GONE}
    changes = []
    for before, after in RENAMED.items():
        if before in settings:
            new[after] = settings[before]
            changes.append(f"{before} is now {after} = {_shown(new[after])}")
    for after, names in MERGED.items():
        old = [name for name in names if name in settings and name != after]
        if old:
            new[after] = _MERGE[after](settings)
            changes.append(f"{', '.join(old)}: now {after} = {_shown(new[after])}")
    for name, values in REPLACED.items():
        value = settings.get(name)
        if isinstance(value, str) and value in values:
            new[name] = values[value]
            changes.append(
                f"{name} = {_shown(value)} no longer exists, {_shown(new[name])} takes "
                "its place"
            )
    machine = [name for name in MACHINE if name in settings]
    if machine:
        options = " and ".join(f"--{name}" for name in machine)
        changes.append(f"{', '.join(machine)} left out, now given by {options}")
    if settings.get("cache_precision", "float32") != "float32":
        changes.append("cache_precision left out, features are kept in float32")
    elif "cache_precision" in settings:
        changes.append("cache_precision left out")
    return new, changes


def _shown(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def _schedule(settings: Mapping[str, Any]) -> str:
    name = str(settings.get("schedule", _DEFAULTS["schedule"]))
    if name == "plateau":
        keys = {"patience": "plateau", "min_learning_rate": "least_learning_rate"}
    else:  # the other two had no effect
        keys = {"warmup": "warmup"}
    # Defaults are left out, as whoever asks for the same today leaves them out.
    values = {new: settings.get(old) for new, old in keys.items()}
    others = {key: value for key, value in values.items() if value != _DEFAULTS[key]}
    return _keywords(name, others)


def _mix(settings: Mapping[str, Any]) -> str:
    if settings.get("oversample"):
        return f"classes={settings['oversample']}"
    return str(settings.get("mix", _DEFAULTS["mix"]))


def _then(settings: Mapping[str, Any]) -> str:
    stages = settings.get("then_unfreeze")
    if not stages:
        return ""
    rate = settings.get("then_learning_rate") or None  # 0: a tenth
    others = {"epochs": settings.get("then_epochs"), "learning_rate": rate}
    return _keywords(stages, others)


def _features(settings: Mapping[str, Any]) -> str:
    norm = "yes" if settings.get("features_norm") else None
    units = settings.get("features", _DEFAULTS["features"])
    return _keywords(units, {"l2": settings.get("features_l2") or None, "norm": norm})


def _keywords(first: object, others: Mapping[str, object]) -> str:
    """`first,key=value` of the values that are there."""
    known = [f"{key}={value}" for key, value in others.items() if value is not None]
    return ",".join([str(first), *known])


_MERGE = {
    "schedule": _schedule,
    "mix": _mix,
    "then": _then,
    "features": _features,
}


_NAMED = Path(__file__).parent / "recipes"


def names() -> list[str]:
    """The recipes that come with the package."""
    return sorted(path.stem for path in _NAMED.glob("*.toml"))


def path(name: str) -> Path:
    """The file of a recipe that comes with the package."""
    return _NAMED / f"{name}.toml"


def read(source: str | Path, say: Callable[[str], object] = print) -> dict[str, Any]:
    """The settings in a recipe file, or in the recipe of that name, not yet checked.

    Those of earlier versions are translated, and `say` is given one line on them.
    Raises UserError if there is no such file or if it is no TOML.
    """
    file = Path(source).expanduser()
    if not file.is_file():
        file = path(str(source))
    if not file.is_file():
        raise UserError(
            "--recipe", f"no file or recipe {source!s}", nearest(source, names())
        )
    try:
        settings = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(file, f"is no TOML: {error}") from None
    translated, changes = translate(settings)
    if changes:
        say(f"{file} is of an earlier version and is read as: {'; '.join(changes)}")
    return translated
