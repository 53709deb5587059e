"""Are labels that a head can't take left out if few, and an error if many?"""

import numpy as np
import pandas as pd
import pytest

from multitask.contracts import catalog
from multitask.contracts.errors import UserError
from multitask.data.labels import set_aside


def test_an_unusable_label_is_left_empty_also_beside_missing_columns():
    [head] = catalog.heads(["attributes[Smiling,Bald,Young]"])
    cells = {"path": list("abcdefghijkl"), "Smiling": [1.0, 0] * 6, "Bald": [0.0] * 12}
    table = pd.DataFrame(cells)
    table.loc[4, "Smiling"] = 7.0
    cleaned, faults = set_aside(table, [head])
    assert cleaned["Smiling"].isna().tolist() == [i == 4 for i in range(12)]
    assert faults["path"].tolist() == ["e"]
    assert faults["reason"].iloc[0].startswith("Smiling is '7': head attributes: 1 ")
    table.loc[:5, "Smiling"] = 7.0  # so many are a mistake
    with pytest.raises(UserError, match="neither 0 nor 1, first '7'"):
        set_aside(table.assign(Bald=np.nan), [head])
