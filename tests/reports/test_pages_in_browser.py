"""Is every page readable on a phone, a tablet and a desktop, as Chromium shows it?"""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from multitask.reports import comparison, page, sweep

from multitask.contracts.catalog import from_config
from multitask.contracts.results.design_comparison import Difference
from multitask.inspection.audit import audit
from tests.browsers import FAULTS, chromium
from tests.evaluations import HISTORY, random_evaluation
from tests.reports.results import comparison_result, sweep_result

WIDTHS = (390, 768, 1280)
LONG = "Donaudampfschifffahrtsgesellschaftskapitän"


@pytest.fixture(scope="module")
def browser():
    """Chromium, if it is installed."""
    with chromium() as running:
        yield running


@pytest.fixture
def faults(browser):
    """A function that lists what is wrong with a page at each width and colour."""

    def faults(file):
        complaints = []
        found = {}
        for width in WIDTHS:
            opened = browser.new_page(viewport={"width": width, "height": 844})
            opened.on("pageerror", lambda error: complaints.append(str(error)))
            opened.on("console", lambda line: complaints.append(line.text))
            opened.goto(file.as_uri())
            for scheme in ("light", "dark"):
                opened.emulate_media(color_scheme=scheme)
                wrong = [*opened.evaluate(FAULTS), *complaints]
                complaints.clear()
                if wrong:
                    found[width, scheme] = wrong
            opened.close()
        return found

    return faults


def many_classes(folder, count):
    """An evaluation of one head with `count` classes, right half of the time."""
    classes = [f"class {n}" for n in range(count)]
    classes[:2] = [LONG, "早い男性の顔の表情"]
    head = from_config("kind", {"kind": "softmax", "classes": classes})
    evaluation = random_evaluation(folder, heads=(head,))
    rng = np.random.default_rng(0)
    labels = pd.DataFrame({"path": np.resize(evaluation.labels["path"], 6 * count)})
    labels["kind"] = np.resize(classes, len(labels))
    labels["camera"] = rng.choice(["front", "back", LONG], len(labels))
    right = rng.random(len(labels)) < 0.5
    answers = pd.DataFrame(
        {
            "kind": np.where(right, labels["kind"], rng.choice(classes, len(labels))),
            "kind_confidence": rng.uniform(0.2, 1, len(labels)),
        }
    )
    return replace(evaluation, labels=labels, answers=answers)


def test_the_page_of_several_heads_fits(faults, tmp_path):
    page.write(random_evaluation(tmp_path, 200, history=HISTORY), tmp_path)
    assert faults(tmp_path / "index.html") == {}


@pytest.mark.parametrize("count", [12, pytest.param(30, marks=pytest.mark.slow), 200])
def test_a_page_of_many_classes_fits(faults, tmp_path, count):
    page.write(many_classes(tmp_path, count), tmp_path)
    assert (tmp_path / "index.html").stat().st_size < 2e6
    assert faults(tmp_path / "index.html") == {}


def test_the_page_of_a_comparison_fits(faults, tmp_path):
    result = comparison_result()
    worse = Difference(
        trunk="cnn", design="merged", head="gender", difference=-0.3, ci=(-0.4, -0.2),
        saved=-1.5, verdict="worse",
    )  # fmt: skip
    result = replace(result, differences=(*result.differences, worse))
    comparison.write(result, tmp_path)
    assert faults(tmp_path / "index.html") == {}


def test_the_page_of_a_sweep_fits(faults, tmp_path):
    sweep.write(sweep_result(), tmp_path)
    assert faults(tmp_path / "index.html") == {}


def test_the_page_of_an_audit_fits(faults, planted_faces, tmp_path):
    audit([f"utkface={planted_faces}"], tmp_path / "out")
    assert faults(tmp_path / "out" / "index.html") == {}
