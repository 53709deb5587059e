"""How do tests of reports get labels and answers, and read what was reported?"""

import json
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from multitask.contracts.catalog import from_config
from multitask.contracts.evaluation import Evaluation
from multitask.contracts.head import Head

AGE = from_config(
    "age",
    {
        "kind": "regression",
        "low": 0,
        "high": 100,
        "unit": "years",
        "bands": [0, 20, 40],
        "within": 5,
    },
)
GENDER = from_config("gender", {"kind": "softmax", "classes": ["male", "female"]})
MOOD = from_config("mood", {"kind": "softmax", "classes": ["glad", "sad", "so so"]})
FACE = from_config("face", {"kind": "sigmoid", "columns": ["Smiling", "Bald"]})
HEADS = (AGE, GENDER, FACE)
HISTORY = pd.DataFrame(
    {
        "epoch": [1, 2],
        "seconds": [9.0, 8.0],
        "learning_rate": [0.1, 0.1],
        "loss": [3.0, 2.0],
        "val_loss": [3.5, 2.5],
        "age_loss": [1.0, 0.5],
        "val_age_loss": [np.nan, np.nan],
        "age_mae": [9.0, 8.0],
        "val_age_mae": [9.5, 8.5],
        "gender_accuracy": [0.5, 0.75],
    }
)


def by_hand(**changes) -> Evaluation:
    """Four pictures: one without age, one without gender, one without Bald."""
    labels = pd.DataFrame(
        {
            "path": ["a.png", "b.png", "c.png", "d.png"],
            "age": [10.0, 30.0, 50.0, np.nan],
            "gender": ["male", "female", None, "female"],
            "Smiling": [1.0, 0.0, 1.0, 1.0],
            "Bald": [0.0, 0.0, np.nan, 1.0],
        }
    )
    answers = pd.DataFrame(
        {
            "age": [12.0, 20.0, 51.0, 5.0],
            "age_low": [9.0, 15.0, 52.0, 0.0],
            "age_high": [20.0, 25.0, 60.0, 9.0],
            "gender": ["male", "male", "male", "female"],
            "gender_confidence": [0.9, 0.8, 0.6, 0.7],
            "Smiling": [1, 1, 0, 1],
            "Smiling_confidence": [0.9, 0.55, 0.95, 0.6],
            "Bald": [0, 1, 0, 1],
            "Bald_confidence": [0.9, 0.75, 0.9, 0.8],
        }
    )
    evaluation = Evaluation(
        title="four", split="test", labels=labels, answers=answers, heads=HEADS
    )
    return replace(evaluation, **changes)


def random_evaluation(
    folder: Path, rows: int = 30, seed: int = 0, **changes
) -> Evaluation:
    """Random labels and answers of pictures in `folder`; a third of the labels is
    missing."""
    rng = np.random.default_rng(seed)
    labels = pd.DataFrame({"path": [str(folder / f"{i}.png") for i in range(rows)]})
    for path in labels["path"]:
        Image.fromarray(rng.integers(0, 255, (20, 30, 3), np.uint8)).save(path)
    answers = pd.DataFrame(index=labels.index)
    for head in (*HEADS, MOOD):
        for name in head.columns:
            for table in (labels, answers):
                table[name] = _random(head, rng, rows)
            answers[f"{name}_confidence"] = rng.uniform(0.5, 1, rows)
            labels[name] = labels[name].where(rng.random(rows) > 0.3)
    answers["age_low"], answers["age_high"] = answers["age"] - 9, answers["age"] + 9
    evaluation = Evaluation(
        title="random",
        split="val",
        labels=labels,
        answers=answers,
        heads=(*HEADS, MOOD),
    )
    return replace(evaluation, **changes)


def _random(head: Head, rng: np.random.Generator, rows: int):
    if head.answer_type == "number":
        return rng.uniform(0, 100, rows).round()
    if head.answer_type == "labels":
        return rng.integers(0, 2, rows)
    return rng.choice(np.array(head.strata(pd.DataFrame()).columns, object), rows)


def strict(text: str):
    def refuse(constant: str):
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(text, parse_constant=refuse)


def color_count(path: Path) -> int:
    with Image.open(path) as image:
        assert min(image.size) > 200
        limit = image.width * image.height
        colors = image.convert("RGB").getcolors(maxcolors=limit)
    assert colors is not None
    return len(colors)


class Page(HTMLParser):
    """The sources, links, tags and text of a page, as a browser parses them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.sources: set[str] = set()
        self.links: set[str] = set()
        self.tags: set[str] = set()
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        values = dict(attrs)
        if tag == "img":
            self.sources.add(values["src"])
        if tag == "a":
            self.links.add(values["href"])

    def handle_data(self, data):
        self.text += f"{data}\n"
