"""What do several test files share? A quiet TensorFlow, and small tables of labels."""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"  # before anything imports TensorFlow
os.environ["KERAS_BACKEND"] = "tensorflow"

import numpy as np
import pandas as pd
import pytest


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
    from multitask.contracts import plugins

    modules = [m for m in plugins.reports() if not m.__name__.endswith(".pictures")]
    monkeypatch.setattr(plugins, "reports", lambda: modules)


@pytest.fixture(scope="session")
def tiny_trunk():
    """The name of a trunk that is built and trained in a moment."""
    from multitask.networks import trunks
    from tests import tiny

    name = tiny.register()
    yield name
    del trunks.TRUNKS[name]
