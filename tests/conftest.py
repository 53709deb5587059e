"""What do several test files share? A quiet TensorFlow, and small tables of labels."""

import gc
import os
from copy import copy
from pathlib import Path
from typing import Any

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"  # before anything imports TensorFlow
os.environ["KERAS_BACKEND"] = "tensorflow"

import numpy as np
import pandas as pd
import pytest

from tests import planted
from tests.runs import SHOWN, leave_out_reports

# TensorFlow makes so many objects that Python's own 700 take a tenth of all time.
gc.set_threshold(50_000, 20, 20)


@pytest.fixture
def faces():
    """Six pictures of two data sets, each with other columns empty."""
    nan = np.nan
    return pd.DataFrame(
        {
            "path": [f"{name}.jpg" for name in "abcdef"],
            "gender": ["male", "female", nan, "female", nan, "female"],
            "age": [31.0, nan, 4.0, 60.0, nan, nan],
            "age_low": [nan, 20.0, nan, nan, nan, nan],
            "age_high": [nan, 29.0, nan, nan, nan, nan],
            "Smiling": [1.0, nan, 0.0, nan, nan, 1.0],
            "Young": [nan, 1.0, 0.0, 0.0, nan, nan],
        }
    )


@pytest.fixture
def unlabelled():
    """Three pictures that nobody annotated."""
    return pd.DataFrame({"path": ["a.jpg", "b.jpg", "c.jpg"]})


@pytest.fixture
def no_pictures(monkeypatch):
    """Leave pictures out of the reports of a test's own fits: half of their time."""
    leave_out_reports(monkeypatch, "pictures")


@pytest.fixture
def numbers_alone(monkeypatch):
    """Leave all but the figures out of the reports of a test's own fits."""
    leave_out_reports(monkeypatch, *SHOWN)


@pytest.fixture(scope="session")
def opened():
    """The networks of `opened_once`, by their files and when these were written."""
    return {}


@pytest.fixture
def opened_once(opened, monkeypatch):
    """Open a network file again only once it has changed: half of a quick command."""
    from multitask.contracts.run import network_file
    from multitask.networks.network import Network

    usual: Any = vars(Network)["load"].__func__

    def load(cls, path):
        file = network_file(path)
        state = file.stat()
        key = cls, file, file.resolve(), state.st_mtime_ns, state.st_size
        if key not in opened:
            opened[key] = usual(cls, path)
        return copy(opened[key])

    monkeypatch.setattr(Network, "load", classmethod(load))


@pytest.fixture(autouse=True)
def no_framing(request, monkeypatch):
    """Find no faces at the begin of a fit, which takes seconds; but for `framing`."""
    if "framing" not in request.keywords:
        from multitask.data import framing

        monkeypatch.setattr(framing, "detect", lambda pixels: [])


@pytest.fixture(scope="session")
def tiny_trunk():
    """The name of a trunk that is built and trained in a moment."""
    from multitask.networks import trunks
    from tests import tiny

    name = tiny.register()
    yield name
    del trunks.TRUNKS[name]


@pytest.fixture
def named_folder(tmp_path, monkeypatch):
    """The folder whose networks can be named, and no others."""
    from multitask.networks.named import catalog

    folder = tmp_path / "named"
    folder.mkdir()
    monkeypatch.setattr(catalog, "BUNDLED", tmp_path / "bundled")
    monkeypatch.setenv(catalog.FOLDER, str(folder))
    return folder


@pytest.fixture
def planted_faces(tmp_path):
    """A folder with UTKFace names and known faults."""
    planted.write_faces(tmp_path / "faces")
    return tmp_path / "faces"


@pytest.fixture
def planted_audit(planted_faces, tmp_path):
    """The report on the planted faces; `fixed.csv` beside it is the cleaned table."""
    from multitask.inspection.audit import audit

    audit([f"utkface={planted_faces}"], tmp_path / "out", fix=tmp_path / "fixed.csv")
    return tmp_path / "out"


@pytest.fixture
def tables(monkeypatch):
    """A function that makes `--data planned=FOLDER` give a table."""
    from multitask.contracts import plugins
    from multitask.contracts.table import Reading

    planned = {}

    def use(table, folder):
        planned[Path(folder)] = table
        return f"planned={folder}"

    real = plugins.reader

    def reader(name):
        if name != "planned":
            return real(name)
        return lambda folder: Reading(table=planned[folder])

    monkeypatch.setattr(plugins, "reader", reader)
    return use


@pytest.fixture
def ages():
    """Intervals and exact ages: 25, 20 to 29, 29 to 40, 30, nothing."""
    nan = np.nan
    return pd.DataFrame(
        {
            "path": list("abcde"),
            "age": [25, nan, nan, 30, nan],
            "age_low": [nan, 20, 29, nan, nan],
            "age_high": [nan, 29, 40, nan, nan],
        }
    )
