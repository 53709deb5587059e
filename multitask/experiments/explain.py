"""Which answers are explained in a report, and by what in their pictures?"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from multitask.contracts.evaluation import Evaluation
from multitask.contracts.head import Head
from multitask.contracts.results.explained import Explanation
from multitask.contracts.table import as_text, column
from multitask.images.decode import Pixels
from multitask.metrics import scores
from multitask.networks.gradcam import GradCam
from multitask.networks.network import Network
from multitask.networks.spec import Crop

UNEXPLAINED = (
    "What answers rest on is not shown: the trunk has no feature map that tells places "
    "apart."
)
_SHOWN = 4  # right answers of a head, and as many wrong ones
Explanations = Mapping[str, tuple[Explanation, ...]]


def explanations(
    network: Network, pixels: Pixels, labels: pd.DataFrame, answers: pd.DataFrame
) -> Explanations | None:
    """Explain a few right and wrong answers of each head; None if the trunk can't.

    `labels` and `answers` are indexed by rows of `pixels` (pictures, side, side, 3).
    The most confident answers are chosen, of numbers the nearest and the farthest.
    """
    try:
        cam = GradCam(network.model.get_layer("core"))
    except ValueError:
        return None
    explained = {}
    for head in network.heads:
        examples = _select_examples(head, labels, answers)
        if len(examples):
            explained[head.name] = _explained(cam, head, network, pixels, examples)
    return explained


def with_explanations(
    evaluation: Evaluation, network: Network, pixels: Pixels
) -> Evaluation:
    """The evaluation with a few answers explained, or a note on why none is.

    Its tables are indexed by rows of `pixels`.
    """
    known = explanations(network, pixels, evaluation.labels, evaluation.answers)
    if known is None:
        return replace(evaluation, notes=(*evaluation.notes, UNEXPLAINED))
    return replace(evaluation, explanations=known)


def _explained(
    cam: GradCam, head: Head, network: Network, pixels: Pixels, examples: pd.DataFrame
) -> tuple[Explanation, ...]:
    images = np.stack([pixels[row] for row in examples.index])
    crops = np.asarray(Crop().at(images, network.spec.size))
    heats = cam.maps(crops, head, examples["target"].to_numpy(np.intp))
    return tuple(
        Explanation(
            row=row,
            column=one.column,
            is_right=bool(one.is_right),
            pixels=crop,
            heat=heat,
        )
        for (row, one), crop, heat in zip(
            examples.iterrows(), crops, heats, strict=True
        )
    )


def _select_examples(
    head: Head, labels: pd.DataFrame, answers: pd.DataFrame
) -> pd.DataFrame:
    """Rows to explain: `column`, `target` (its output), `is_right`, in this order."""
    find = {"class": _classes, "labels": _yes, "number": _numbers}[head.answer_type]
    known = find(head, labels, answers)
    # Answers that are no numbers have a rank that is none.
    known = known.loc[np.isfinite(known["rank"].to_numpy(float))]
    known = known.sort_values("rank", ascending=False, kind="stable")
    right, wrong = known[known["is_right"]], known[~known["is_right"]]
    examples: pd.DataFrame = pd.concat([right.head(_SHOWN), wrong.head(_SHOWN)])
    return examples


def _classes(head: Head, labels: pd.DataFrame, answers: pd.DataFrame) -> pd.DataFrame:
    name = head.columns[0]
    label, answer = as_text(column(labels, name)), as_text(answers[name])
    places = {str(each): place for place, each in enumerate(head.classes)}
    table = pd.DataFrame(
        {
            "column": name,
            "target": answer.map(places),
            "is_right": label == answer,
            "rank": answers[f"{name}_confidence"],
        }
    )
    return table.loc[label.notna() & table["target"].notna()]


def _yes(head: Head, labels: pd.DataFrame, answers: pd.DataFrame) -> pd.DataFrame:
    """The most confident label of each row that is answered yes."""
    names = list(head.columns)
    values = answers[names].to_numpy(float, na_value=np.nan)  # NA: not a number
    yes = (values == 1) & np.stack([column(labels, n).notna() for n in names], axis=1)
    confidences = answers[[f"{name}_confidence" for name in names]].to_numpy(float)
    best = np.where(yes, confidences, -1.0).argmax(axis=1)
    rows = np.arange(len(best))
    label = np.stack([column(labels, n) for n in names], axis=1)
    table = pd.DataFrame(
        {
            "column": np.array(names, dtype=object)[best],
            "target": best,
            "is_right": label[rows, best] == 1,
            "rank": confidences[rows, best],
        },
        index=answers.index,
    )
    return table.iloc[np.flatnonzero(yes.any(axis=1))]


def _numbers(head: Head, labels: pd.DataFrame, answers: pd.DataFrame) -> pd.DataFrame:
    """The numbers near their labels, the nearest first, and far ones, the farthest."""
    errors = pd.Series(scores.scores(head, labels, answers)[:, 0], labels.index)
    errors = errors.dropna()
    near = errors <= (head.within or errors.median())
    return pd.DataFrame(
        {
            "column": head.columns[0],
            "target": 0,
            "is_right": near,
            "rank": errors.where(~near, -errors),
        }
    )
