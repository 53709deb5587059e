"""Do the examples in the docstrings of reports hold?"""

import doctest

import pytest
from multitask.reports import _audit_figures, _frames, _style, _tiles


@pytest.mark.parametrize("module", [_audit_figures, _frames, _style, _tiles])
def test_the_examples_in_the_docstrings_hold(module):
    # pytest would collect reports/numbers.py as the standard library's `numbers`.
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0
