"""How do answers look in the shape of DeepFace, and which heads have a place in it?

DeepFace (Serengil and Ozpinar 2020, "LightFace"; MIT) answers four questions, by the
keys that `deepface.DeepFace.analyze` of version 0.0.103 gives.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from multitask.contracts.head import Head
from multitask.images.upright import upright_size
from multitask.networks.prediction.formats import DEEPFACE, encodable_text

ACTIONS = ("emotion", "age", "gender", "race")
Face = dict[str, Any]  # of DeepFace: its keys and values
Answers = Mapping[str, Any] | pd.DataFrame  # (faces,) each, by column
_PLACES = ("status", "path", "box", "face_confidence", "warning")
# The label columns that ask each question.
_COLUMNS = {
    "emotion": ("emotion", "expression"),
    "age": ("age",),
    "gender": ("gender", "sex"),
    "race": ("race7", "race", "ethnicity"),
}
# DeepFace's classes in its order, each with what else they are called.
_CLASSES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "emotion": {
        "angry": ("anger",),
        "disgust": ("disgusted",),
        "fear": ("fearful",),
        "happy": ("happiness",),
        "sad": ("sadness",),
        "surprise": ("surprised",),
        "neutral": (),
    },
    "gender": {"Woman": ("female", "woman"), "Man": ("male", "man")},
    "race": {
        "asian": ("east asian", "southeast asian"),
        "indian": (),
        "black": (),
        "white": (),
        "middle eastern": (),
        "latino hispanic": (),
    },
}


@dataclass(frozen=True, kw_only=True)
class Question:
    """One of DeepFace's questions, and the head that answers it.

    `classes` are, by the name of each class in DeepFace, those of the head that it
    stands for; a class that DeepFace lacks keeps its name. Empty for a number.
    """

    action: str
    head: Head
    classes: Mapping[str, tuple[str, ...]]


def questions(heads: Sequence[Head]) -> dict[str, Question]:
    """DeepFace's questions that heads answer, by action, in DeepFace's order.

    Of several heads for one question, that with most of DeepFace's classes counts.
    """
    answered = {}
    for action in ACTIONS:
        asked = [one for head in heads if (one := _question(action, head))]
        if asked:
            answered[action] = max(asked, key=lambda one: _known(one, action))
    return answered


def left_out(heads: Sequence[Head]) -> tuple[str, ...]:
    """The names of the heads that have no place in DeepFace's shape."""
    used = {question.head.name for question in questions(heads).values()}
    return tuple(head.name for head in heads if head.name not in used)


def answers(
    columns: Answers, heads: Sequence[Head], *, among: Sequence[Head] = ()
) -> list[Face]:
    """What DeepFace says of each face, from answers with probabilities.

    `columns` are arrays (faces,), or a DataFrame. `heads` are those that answered, one
    at least with a place in that shape, of `among` all of the network, by default the
    same. `age` is in whole years; `gender`, `race` and `emotion` are percentages by
    class, of which `dominant_gender` and so on is the largest. Values are plain Python,
    ready for JSON.
    """
    parts = [
        _percentages(columns, one, among or heads)
        if one.classes
        else _numbers(columns, one)
        for one in questions(heads).values()
    ]
    return [
        {key: value for part in face for key, value in part.items()}
        for face in zip(*parts, strict=True)
    ]


def warning(columns: Mapping[str, Any], row: int) -> Face:
    """The key `warning` of a face, None if there is nothing to warn of.

    A network that does not know its training pictures has no such column, and no key.
    """
    if "warning" not in columns:
        return {}
    cell = columns["warning"][row]
    return {"warning": None if pd.isna(cell) else cell}


def region(box: str) -> dict[str, Any]:
    """The `region` of a box `left top right bottom`, in pixels, with unknown eyes.

    >>> region("10 20 50 80")
    {'x': 10, 'y': 20, 'w': 40, 'h': 60, 'left_eye': None, 'right_eye': None}
    """
    left, top, right, bottom = (round(float(edge)) for edge in box.split())
    sides = {"x": left, "y": top, "w": right - left, "h": bottom - top}
    return {**sides, "left_eye": None, "right_eye": None}


def with_deepface(
    rows: pd.DataFrame, heads: Sequence[Head], *, among: Sequence[Head] = ()
) -> pd.DataFrame:
    """Rows of `predict` with probabilities, and what DeepFace says of each.

    `heads` and `among` are as in `answers`. A cell of the new column `deepface` has
    `img_path` and DeepFace's keys; without an answer, `img_path` and `error` alone. The
    region of an empty box is the whole picture; None if its file can't be read.
    """
    is_ok = (rows["status"] == "ok").to_numpy()
    answered = iter(answers(rows[is_ok], heads, among=among))
    faces = []
    for row in rows[[name for name in _PLACES if name in rows]].to_dict("records"):
        path = row["path"]
        face = {"img_path": encodable_text(path)}
        if row["status"] == "ok":
            place = _place(row["box"], path)
            sure = confidence(row.get("face_confidence"))
            face |= next(answered) | {"region": place, "face_confidence": sure}
            face |= warning({str(name): [cell] for name, cell in row.items()}, 0)
        else:
            face["error"] = encodable_text(row["status"])
        faces.append(face)
    return rows.assign(**{DEEPFACE: pd.Series(faces, rows.index, dtype=object)})


def confidence(value: Any) -> float | None:
    """A confidence as DeepFace rounds it; None if the detector has none."""
    return None if pd.isna(value) else round(float(value), 2)


def _place(box: Any, path: Any) -> dict[str, Any] | None:
    """The region of a box, or of the whole picture without one."""
    if not pd.isna(box):
        return region(box)
    sides = upright_size(path)
    return region(f"0 0 {sides[0]} {sides[1]}") if sides else None


def _question(action: str, head: Head) -> Question | None:
    """How a head answers a question; None if it does not."""
    if head.columns[0] not in _COLUMNS[action]:
        return None
    if action == "age":
        is_number = head.answer_type == "number"
        return Question(action=action, head=head, classes={}) if is_number else None
    if head.answer_type != "class":
        return None
    groups: dict[str, tuple[str, ...]] = {name: () for name in _CLASSES[action]}
    for name in head.classes:
        theirs = _theirs(action, name)
        groups[theirs] = (*groups.get(theirs, ()), name)
    classes = {theirs: names for theirs, names in groups.items() if names}
    question = Question(action=action, head=head, classes=classes)
    least = len(_CLASSES[action]) if action == "gender" else 1
    return question if _known(question, action) >= least else None


def _theirs(action: str, name: str) -> str:
    """What DeepFace calls a class; the name itself if it has no such class."""
    plain = name.lower().replace("_", " ")
    for theirs, others in _CLASSES[action].items():
        if plain in (theirs, *others):
            return theirs
    return name


def _known(question: Question, action: str) -> int:
    """How many of DeepFace's classes a head tells apart."""
    return len(set(question.classes) & set(_CLASSES.get(action, ())))


def _numbers(columns: Answers, question: Question) -> list[Face]:
    numbers = columns[question.head.columns[0]]
    return [{question.action: round(float(number))} for number in numbers]


def _percentages(
    columns: Answers, question: Question, heads: Sequence[Head]
) -> list[Face]:
    action, head = question.action, question.head
    names = _probability_columns(head, heads)
    shares = np.column_stack(
        [
            sum(np.asarray(columns[names[one]], np.float64) for one in ours)
            for ours in question.classes.values()
        ]
    )
    theirs = list(question.classes)
    return [
        {
            action: dict(zip(theirs, row, strict=True)),
            f"dominant_{action}": theirs[best],
        }
        for row, best in zip((100 * shares).tolist(), shares.argmax(1), strict=True)
    ]


def _probability_columns(head: Head, heads: Sequence[Head]) -> dict[str, str]:
    """The column with the probability of each class of a head.

    `_probability` follows its name if an answer of any head has that name.
    """
    taken = {name for each in heads for name in each.columns}
    columns = {name: f"{head.columns[0]}_{name}" for name in head.classes}
    return {
        name: f"{column}_probability" if column in taken else column
        for name, column in columns.items()
    }
