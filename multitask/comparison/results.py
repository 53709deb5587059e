"""What does a comparison store of each network that it trained and measured?"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from multitask.contracts.head import Array
from multitask.contracts.results.design_comparison import Cell, Cost, HeadScores
from multitask.contracts.saving import replacing, write_text

RESULT = "result.json"  # of a network that is trained and measured
SCORES = "scores.npz"  # of each test picture, by head


@dataclass(frozen=True, kw_only=True)
class NetworkResult:
    """The scores of each head that a network answers, and what the network cost."""

    name: str
    heads: Mapping[str, HeadScores]
    cost: Cost


def read_result(folder: Path) -> NetworkResult | None:
    """The result in a network's folder; None while it is not trained to its end."""
    file = folder / RESULT
    if not file.exists():
        return None
    plain = json.loads(file.read_text(encoding="utf-8"))
    return NetworkResult(
        name=plain["name"],
        heads={n: HeadScores.from_json(each) for n, each in plain["heads"].items()},
        cost=Cost(**plain["cost"]),
    )


def write_result(
    folder: Path, result: NetworkResult, scores: Mapping[str, Array]
) -> None:
    """Write a result, and the `scores` (test rows, labels) by head, into a folder.

    The result comes last: a folder with one is done.
    """
    plain = {
        "name": result.name,
        "heads": {name: each.to_json() for name, each in result.heads.items()},
        "cost": asdict(result.cost),
    }
    with replacing(folder / SCORES) as part, part.open("wb") as file:
        np.savez(file, **scores)  # type: ignore[arg-type]
    write_text(folder / RESULT, json.dumps(plain, indent=1))


def read_scores(out: Path, cell: Cell, head: str) -> Array:
    """The scores (test rows, labels) of a head in a cell of the comparison `out`."""
    for name in cell.networks:
        with np.load(out / name / SCORES) as scores:
            if head in scores:
                return np.asarray(scores[head])
    raise KeyError(head)
