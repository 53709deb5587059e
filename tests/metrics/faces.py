"""How do tests of metrics get labels and answers of drawn networks?"""

from dataclasses import replace

import numpy as np
import pandas as pd

from multitask.contracts.catalog import from_config
from multitask.contracts.evaluation import Evaluation
from multitask.contracts.head import Head

AGE = from_config(
    "age",
    {
        "kind": "regression",
        "high": 100,
        "unit": "years",
        "bands": [0, 10, 20, 40],
        "within": 5,
    },
)
GENDER = from_config("gender", {"kind": "softmax", "classes": ["male", "female"]})
RACE = from_config("race", {"kind": "softmax", "classes": ["white", "black", "asian"]})
FACE = from_config("face", {"kind": "sigmoid", "columns": ["Smiling", "Bald", "Hat"]})
HEADS = (AGE, GENDER, RACE, FACE)


def drawn(rows: int = 600, seed: int = 0, missing: float = 0.2, **changes):
    """Answers that are right most of the time, and labels with gaps."""
    rng = np.random.default_rng(seed)
    labels = pd.DataFrame({"path": [f"{row}.jpg" for row in range(rows)]})
    labels["age"] = rng.integers(0, 90, rows).astype(float)
    labels["gender"] = rng.choice(["male", "female"], rows)
    labels["race"] = rng.choice(["white", "black", "asian"], rows, p=[0.6, 0.3, 0.1])
    for name, share in zip(FACE.columns, (0.5, 0.05, 0.2), strict=True):
        labels[name] = (rng.random(rows) < share).astype(float)
    answers = pd.DataFrame(index=labels.index)
    answers["age"] = np.clip(labels["age"] + rng.normal(1, 6, rows), 0, 100)
    answers["age_low"] = answers["age"] - rng.uniform(4, 10, rows)
    answers["age_high"] = answers["age"] + rng.uniform(4, 10, rows)
    for name in ("gender", "race"):
        wrong = rng.random(rows) < 0.15
        answers[name] = labels[name].where(~wrong, rng.permutation(labels[name]))
        answers[f"{name}_confidence"] = rng.uniform(0.5, 1, rows)
    for name in FACE.columns:
        wrong = rng.random(rows) < 0.1
        answers[name] = np.where(wrong, 1 - labels[name], labels[name]).astype(int)
        answers[f"{name}_confidence"] = rng.uniform(0.5, 1, rows)
    for name in ("age", "gender", "race", *FACE.columns):
        labels[name] = labels[name].where(rng.random(rows) >= missing)
    return replace(evaluation(labels, answers), **changes)


def evaluation(
    labels: pd.DataFrame, answers: pd.DataFrame, heads: tuple[Head, ...] = HEADS
) -> Evaluation:
    """An evaluation of these two tables on the test part."""
    return Evaluation(
        title="drawn", split="test", labels=labels, answers=answers, heads=heads
    )


def of_classes(truth, answers, classes=("male", "female"), **others) -> Evaluation:
    """An evaluation of the head `gender` alone; `others` are columns of labels."""
    head = from_config("gender", {"kind": "softmax", "classes": list(classes)})
    labels = pd.DataFrame({"gender": truth, **others})
    labels.insert(0, "path", [f"{row}.jpg" for row in range(len(labels))])
    given = pd.DataFrame({"gender": answers}, index=labels.index)
    given["gender_confidence"] = 0.9
    return evaluation(labels, given, (head,))
