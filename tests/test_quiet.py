"""Does TensorFlow start as it should?"""

import os

import pytest

from multitask.quiet import use_onednn

SWITCH = "TF_ENABLE_ONEDNN_OPTS"


@pytest.mark.parametrize(("before", "after"), [(None, "1"), ("0", "0"), ("1", "1")])
def test_onednn_is_used_unless_the_environment_says_no(before, after, monkeypatch):
    monkeypatch.setenv(SWITCH, before or "")
    if before is None:
        monkeypatch.delenv(SWITCH)
    use_onednn()
    assert os.environ[SWITCH] == after
