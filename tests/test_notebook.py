"""Does the notebook in docs/ run from its first cell to its last?"""

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from docs import hooks

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOK = ROOT / "docs" / "first-network.ipynb"


def read():
    return nbformat.read(NOTEBOOK, as_version=4)


def test_the_saved_outputs_are_of_one_run_of_all_cells_and_name_no_machine():
    cells = [cell for cell in read().cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == [*range(1, len(cells) + 1)]
    outputs = str([cell.outputs for cell in cells])
    assert "Traceback" not in outputs
    assert not re.search(r"(?<![\w.])/\w+/\w+", outputs)  # an absolute path


def test_the_page_shows_text_cells_as_they_are_code_as_code_and_outputs_after_it():
    html = (
        '<div>\n<style scoped>\n  a {}\n</style>\n<table border="1" class="dataframe">'
    )
    page = hooks.notebook(
        {
            "cells": [
                {"cell_type": "markdown", "source": ["# A\n", "b"]},
                {
                    "cell_type": "code",
                    "source": ["f()"],
                    "outputs": [
                        {"output_type": "stream", "text": ["one\n"]},
                        {"output_type": "stream", "text": ["and a half\n"]},
                        {"data": {"text/plain": ["two"]}},
                        {"data": {"text/plain": ["2"], "text/html": [html]}},
                    ],
                },
            ]
        }
    )
    assert page.split("\n\n") == [
        "# A\nb",
        "```python\nf()\n```",
        "```text\none\nand a half\n```",
        "```text\ntwo\n```",
        "<div>\n<table>",
    ]


@pytest.mark.slow
def test_every_cell_runs(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    resources = {"metadata": {"path": str(tmp_path)}}
    executed = NotebookClient(read(), timeout=900, resources=resources).execute()
    answers = executed.cells[-1].outputs[-1]["data"]["text/plain"]
    shares = [float(number) for number in re.findall(r"\d\.\d*", answers)]
    assert len(shares) == 8  # male and female, for four pictures
    assert [
        round(a + b, 2) for a, b in zip(shares[::2], shares[1::2], strict=True)
    ] == [1.0] * 4
