"""Which labels does UTKFace have? Age, gender and race, in the file names.

`[age]_[gender]_[race]_[date&time].jpg.chip.jpg`, by Zhang, Song and Qi, "Age
Progression/Regression by Conditional Adversarial Autoencoder" (CVPR 2017).
"""

import os
from pathlib import Path

import pandas as pd

from multitask.contracts.errors import UserError, counted
from multitask.contracts.reading import pictures
from multitask.contracts.table import Reading

ABOUT = {
    "title": "UTKFace",
    "address": "https://susanqq.github.io/UTKFace/",
    "terms": "non-commercial research; the pictures belong to their owners",
    "labels": "age is an estimate by an algorithm that people checked; gender and race "
    "are annotators' impressions",
}
GENDERS = {"0": "male", "1": "female"}
RACES = {"0": "white", "1": "black", "2": "asian", "3": "indian", "4": "others"}
OLDEST = 116  # the publishers' range is 0 to 116 years
WHERE = "--data utkface"


def read(folder: Path) -> Reading:
    """Read a folder of UTKFace, with or without sub-folders.

    The table has `path`, `age` (years), `gender`, `race` and `source`. Pictures with
    other names are skipped. Raises UserError if the folder is missing or a file, or no
    picture in it can be used.
    """
    rows, skipped = [], []
    for path in pictures(folder, WHERE):
        fields = os.path.basename(path).split("_", 3)
        reason = _fault(fields)
        if reason:
            skipped.append((path, reason))
        else:
            age, gender, race = fields[:3]
            rows.append((path, float(age), GENDERS[gender], RACES[race]))
    if not rows:
        name = os.path.basename(skipped[0][0])
        raise UserError(
            WHERE,
            f"no picture in '{folder}' can be used, of {len(skipped):,}; for "
            f"example {name!r}: {skipped[0][1]}",
        )
    table = pd.DataFrame(rows, columns=["path", "age", "gender", "race"])
    return Reading(
        table=table.assign(source="utkface"),
        skipped=pd.DataFrame(skipped, columns=["path", "reason"], dtype=str),
    )


def _fault(fields: list[str]) -> str:
    """What is wrong with the fields of a file name; empty if nothing is."""
    if len(fields) < 4:
        parts = counted(len(fields), "part")
        missing = "; the race may be missing" if len(fields) == 3 else ""
        return f"the name has {parts}, must have 4: age_gender_race_time{missing}"
    age, gender, race = fields[:3]
    if not (age.isascii() and age.isdigit()):
        return f"age is {age!r}, must be a whole number from 0 to {OLDEST}"
    if len(age.lstrip("0")) > 3 or int(age) > OLDEST:
        return f"age is {age}, must be from 0 to {OLDEST}"
    if gender not in GENDERS:
        return f"gender is {gender!r}, must be {_listed(GENDERS)}"
    if race not in RACES:
        return f"race is {race!r}, must be {_listed(RACES)}"
    return ""


def _listed(codes: dict[str, str]) -> str:
    *most, last = (f"{code} ({name})" for code, name in codes.items())
    return f"{', '.join(most)} or {last}"
