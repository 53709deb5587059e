"""Does the code of a guide run, from its first block to its last?"""

import re
from pathlib import Path

import pytest

GUIDES = Path(__file__).resolve().parents[1] / "docs" / "guides"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def run(page):
    """Run the blocks of a page in order, in one namespace; returns the namespace."""
    text = page.read_text(encoding="utf-8")
    names = {"__name__": "guide"}
    for match in BLOCK.finditer(text):
        # Empty lines before it, so that an error names the line of the page.
        lines = text[: match.start(1)].count("\n")
        exec(compile("\n" * lines + match[1], page, "exec"), names)
    return names


@pytest.mark.slow
def test_the_guide_to_ones_own_loop_trains_saves_and_predicts(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = run(GUIDES / "your-own-loop.md")
    assert {"val_age_mae", "val_gender_accuracy"} <= set(names["history"].history)
    for file in ("faces.keras", "epoch-2.keras", "best.keras"):
        predicted = names["multitask"].load(file).predict(names["val"]["path"].tolist())
        assert predicted["status"].tolist() == ["ok"] * 24
    [stage, _] = names["model_of_stages"].spec.heads
    assert set(stage.classes) == {"young", "middle", "old"}
    assert names["model_of_mobilenet"].input.shape == (None, 96, 96, 3)
    answers = names["illumination"].read(names["outputs"]["illumination"])
    assert set(answers["illumination"]) <= {"bad", "medium", "high"}
