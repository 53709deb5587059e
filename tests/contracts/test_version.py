"""Is the version the same wherever it is written?"""

import configparser
from pathlib import Path

import multitask
from multitask.contracts.version import VERSION


def test_setup_cfg_and_the_package_hold_the_same_version():
    setup = configparser.ConfigParser()
    setup.read(Path(__file__).parents[2] / "setup.cfg", encoding="utf-8")
    assert setup["metadata"]["version"] == VERSION == multitask.__version__
