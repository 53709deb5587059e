"""Are spellings of one label joined, and those that nobody declared told?"""

import numpy as np
import pandas as pd
import pytest

from multitask.contracts import catalog
from multitask.contracts.errors import UserError
from multitask.data.labels import set_aside


def test_a_label_that_is_none_is_found_beside_columns_that_are_not_there():
    [head] = catalog.heads(["attributes[Smiling,Bald,Young]"])
    cells = {"path": list("abcdefghijkl"), "Smiling": [1.0, 0] * 6, "Bald": [0.0] * 12}
    table = pd.DataFrame(cells)
    table.loc[4, "Smiling"] = 7.0
    kept, faults = set_aside(table, [head])
    assert kept["Smiling"].isna().tolist() == [i == 4 for i in range(12)]
    assert faults["path"].tolist() == ["e"]
    assert faults["reason"].iloc[0].startswith("Smiling is '7.0': head attributes: 1 ")
    table.loc[:5, "Smiling"] = 7.0  # of so many it is told as a mistake
    with pytest.raises(UserError, match="are neither 0 nor 1, first 7"):
        set_aside(table.assign(Bald=np.nan), [head])
