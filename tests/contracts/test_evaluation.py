"""Does an evaluation give the summary of each of its heads?"""

import pandas as pd

from multitask.contracts import catalog
from multitask.contracts.evaluation import Evaluation


def evaluate():
    """Three pictures; a network with the heads gender and age."""
    labels = pd.DataFrame({"gender": ["male", "female", None], "age": [30.0, 40.0, 50]})
    answers = pd.DataFrame(
        {
            "gender": ["male", "male", "male"],
            "gender_confidence": [0.9, 0.8, 0.7],
            "age": [31.0, 42.0, 53.0],
            "age_low": 0.0,
            "age_high": 90.0,
        }
    )
    return Evaluation(
        title="run", split="test", labels=labels, answers=answers,
        heads=catalog.heads(["gender", "age"]),
    )  # fmt: skip


def test_summaries_are_those_of_the_heads_by_name():
    evaluation = evaluate()
    summaries = evaluation.summaries()
    assert list(summaries) == ["gender", "age"]
    assert (summaries["gender"]["n"], summaries["gender"]["accuracy"]) == (2, 0.5)
    assert (summaries["age"]["n"], summaries["age"]["mae"]) == (3, 2.0)
    assert (evaluation.notes, evaluation.history, evaluation.folds) == ((), None, ())


def test_a_result_without_a_report_claims_none(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "index.html").write_text("")
    one, other = evaluate(), evaluate()
    assert "report: " not in repr(one)
    assert len({one, other, one}) == 2  # tables can't be compared as a whole
    assert one != other
