"""How is a recipe read from a file, also from one of an earlier version?"""

import tomllib
from collections.abc import Mapping
from itertools import takewhile
from pathlib import Path
from typing import Any

from multitask.contracts.errors import Say, UserError, add_keywords, nearest
from multitask.contracts.paths import expand_user
from multitask.contracts.recipe_texts import COMPOSED
from multitask.contracts.settings import option

GONE: dict[str, Any] = {  # settings of earlier versions, and their defaults
    "looks": 4,
    "average": 0.0,
    "warmup": 1.0,
    "plateau": 3,
    "least_learning_rate": 0.0,
    "oversample": "",
    "then_unfreeze": "",
    "then_epochs": 0,
    "then_learning_rate": 0.0,
    "features_l2": 0.0,
    "features_norm": False,
    "cache": "~/.cache/multitask",
    "memory": 2.0,
    "cache_precision": "float32",
}
RENAMED = {"looks": "tta", "average": "ema"}
MERGED = {  # by the setting that holds them now, and their keys in it
    "schedule": {
        "warmup": "warmup",
        "plateau": "patience",
        "least_learning_rate": "min_learning_rate",
    },
    "mix": {"oversample": "classes"},
    "then": {
        "then_unfreeze": "stages",
        "then_epochs": "epochs",
        "then_learning_rate": "learning_rate",
    },
    "features": {"features_l2": "l2", "features_norm": "norm"},
}
_USAGES = {  # of the settings that hold them now
    "warmup": "cosine,warmup=EPOCHS",
    "plateau": "plateau,patience=EPOCHS",
    "least_learning_rate": "plateau,min_learning_rate=X",
    "oversample": "classes=HEAD",
    "then_unfreeze": "all,epochs=N",
    "then_epochs": "all,epochs=N",
    "then_learning_rate": "all,epochs=N,learning_rate=X",
    "features_l2": "N,l2=X",
    "features_norm": "N,norm=yes",
}
# Options of the command now: they are about the machine, not the training.
MACHINE = ("cache", "memory")
_REPLACED = {  # values that are gone, by setting, and the nearest that is left
    "optimizer": {"rmsprop": "adam", "lion": "adamw"},
    "balance": {"rlw": "static"},
}
_NAMED = Path(__file__).parent / "recipes"
add_keywords(GONE)
Settings = Mapping[str, Any]


def translate(settings: Settings) -> tuple[dict[str, Any], list[str]]:
    """Settings of an earlier version as those of this one, and the changes.

    Settings of this version stay as they are. One that is gone is left out without a
    word if it has the value that it had by default. Raises UserError for a text of
    today that has parts beside it in settings of an earlier version.

    >>> translate({"looks": 2, "average": 0.0, "epochs": 8})
    ({'epochs': 8, 'tta': 2}, ['tta = 2 (was looks)'])
    """
    new = {name: value for name, value in settings.items() if name not in GONE}
    old = {
        name: settings[name]
        for name, default in GONE.items()
        if settings.get(name, default) != default
    }
    if isinstance(new.get("features"), int):
        new["features"] = str(new["features"])
    changes = []
    for before, after in RENAMED.items():
        if before in old:
            new[after] = old[before]
            changes.append(f"{after} = {_shown(new[after])} (was {before})")
    for name, merge in _MERGE.items():
        parts = [part for part in MERGED[name] if part in old]
        if parts and "," in str(new.get(name, "")):
            raise UserError(
                f"{name} = {_shown(new[name])}",
                f"is set beside {', '.join(parts)} of an earlier version",
                f"set {name} alone",
            )
        text = merge({**new, **old})
        if parts and text != new.get(name, merge({})):
            new[name] = text
            changes.append(f"{name} = {_shown(text)} (was {', '.join(parts)})")
    for name, values in _REPLACED.items():
        value = settings.get(name)
        if isinstance(value, str) and value in values:
            new[name] = values[value]
            changes.append(f"{name} = {_shown(new[name])} ({value} no longer exists)")
    return new, changes + _left_out(old)


def current_name(name: str) -> str:
    """What `--vary` calls a setting, also one that has another name since.

    >>> current_name("average"), current_name("features-l2"), current_name("dropout")
    ('ema', 'features.l2', 'dropout')
    """
    old = name.strip().removeprefix("--").replace("-", "_")
    for setting, keys in MERGED.items():
        if old in keys and setting in COMPOSED:
            return f"{setting}.{keys[old]}"
    return RENAMED.get(old, name)


def where_now(name: str, values: str = "") -> UserError:
    """The error of a setting of an earlier version, which says what to write today.

    `values` are those that `--vary` lists; without any, it was an option.
    """
    where = f"--vary {name.replace('_', '-')}" if values else option(name)
    holders = [setting for setting, keys in MERGED.items() if name in keys]
    if name in RENAMED:
        new = usage = option(RENAMED[name])
        what = f"is now called {new}"
    elif holders:
        new = option(holders[0])
        what, usage = f"is now part of {new}", f"{new} {_USAGES[name]}"
    else:
        return UserError(where, "no longer exists", "leave it out")
    if values and (varied := current_name(name)) != name:
        usage = f"--vary {varied}={values}"
    elif values:
        usage = f"--vary {holders[0]}={_USAGES[name]},..."
    return UserError(where, what, f"write {usage}")


def _left_out(old: Settings) -> list[str]:
    """What to say of settings that no recipe holds any longer."""
    notes = []
    if "cache_precision" in old:
        notes.append("features cached in float32 (cache_precision no longer exists)")
    options = [f"--{name} {old[name]}" for name in MACHINE if name in old]
    if options:
        notes.append(f"without {' and '.join(options)} (give them as options)")
    return notes


def _shown(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def _schedule(settings: Settings) -> str:
    name = settings.get("schedule", "cosine")
    keys = {"patience": "plateau"} if name == "plateau" else {"warmup": "warmup"}
    keys["min_learning_rate"] = "least_learning_rate"
    return _keywords(name, keys, settings)


def _mix(settings: Settings) -> str:
    if "oversample" in settings:  # both at once were refused
        return f"classes={settings['oversample']}"
    return str(settings.get("mix", "proportional"))


def _then(settings: Settings) -> str:
    keys = {"epochs": "then_epochs", "learning_rate": "then_learning_rate"}
    return _keywords(settings.get("then_unfreeze", ""), keys, settings)


def _features(settings: Settings) -> str:
    keys = {"l2": "features_l2", "norm": "features_norm"}
    if settings.get("features_norm") is True:
        settings = {**settings, "features_norm": "yes"}
    return _keywords(settings.get("features", 0), keys, settings)


def _keywords(first: object, keys: Mapping[str, str], settings: Settings) -> str:
    """`first,key=value` of the settings that are there; `keys` are their new names."""
    values = [f"{new}={settings[old]}" for new, old in keys.items() if old in settings]
    return ",".join([str(first), *values])


_MERGE = {"schedule": _schedule, "mix": _mix, "then": _then, "features": _features}


def names() -> list[str]:
    """The recipes that come with the package."""
    return sorted(path.stem for path in _NAMED.glob("*.toml"))


def path(name: str) -> Path:
    """The file of a recipe that comes with the package."""
    return _NAMED / f"{name}.toml"


def header(name: str) -> list[str]:
    """The lines in which the file of a recipe of the package describes it."""
    lines = path(name).read_text(encoding="utf-8").splitlines()
    return [
        line.removeprefix("#").removeprefix(" ").rstrip()
        for line in takewhile(lambda line: line.startswith("#"), lines)
    ]


def needed_data(name: str) -> str:
    """The data that a recipe of the package is for; "" for any, and for other recipes.

    >>> needed_data("imfdb-base")
    'IMFDB (--data imfdb=FOLDER), one of its seven heads or all'
    """
    if name not in names():
        return ""
    data = header(name)[0].removeprefix("Data:").strip()
    return data if "--data" in data else ""


def read(
    source: str | Path, say: Say = print, *, resume: bool = False
) -> dict[str, Any]:
    """The settings in a recipe file, or in the recipe of that name, not yet checked.

    Those of earlier versions are translated; `say` is given one line on what changed.
    Raises UserError if there is no such file or if it is not TOML; and with `resume`,
    for a run to go on with, if its training can't go on as it began.
    """
    file = expand_user(source)
    if not file.is_file():
        file = path(str(source))
    if not file.is_file():
        raise UserError(
            "--recipe",
            f"there is no recipe or file {source!s}",
            nearest(source, names()),
        )
    try:
        settings = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(file, f"is not valid TOML: {error}") from None
    for name, values in _REPLACED.items() if resume else ():
        if settings.get(name) in values:
            begun = f"{name} {settings[name]}"
            raise UserError(
                file, f"was started with {begun}, which no longer exists", "train again"
            )
    translated, changes = translate(settings)
    if changes:
        say(f"{file} is from an earlier version, and is read with {'; '.join(changes)}")
    return translated
