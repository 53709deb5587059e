"""What error has a sweep's constant answer, by which it judges errors of a number?"""

from typing import cast

import numpy as np
import pandas as pd
import pytest

from multitask.contracts import catalog
from multitask.contracts.errors import UserError
from multitask.contracts.recipe import Recipe

optuna = pytest.importorskip("optuna")


def _chance(table, out, heads=("age",)):
    """The chance level of a sweep over these heads; columns of the table are labels."""
    from multitask.experiments.prepare import Prepared
    from multitask.networks.spec import NetworkSpec
    from multitask.sweep import Asked
    from multitask.tuning.trials import Trials

    recipe = Recipe(trunk="tiny")
    prepared = Prepared(
        recipe=recipe,
        spec=NetworkSpec(trunk="tiny", size=8, heads=catalog.heads(list(heads))),
        table=table,
        pixels=np.zeros((len(table), 8, 8, 3), np.uint8),
        members=np.arange(len(table)),
        skipped=pd.DataFrame(),
    )
    trials = Trials(
        base=recipe,
        prepared=prepared,
        parts=cast("pd.Series[str]", table["split"]),
        out=out,
        asked=Asked(vary=()),
        varied=(),
        trials=1,
        study=optuna.create_study(),
        lock=None,
        say=print,
    )
    return trials._chance(table)


def _table(train, val, test=(), name="age"):
    """Pictures with these labels in the parts."""
    parts = {"train": train, "val": val, "test": test}
    return pd.DataFrame(
        [(part, label) for part, labels in parts.items() for label in labels],
        columns=["split", name],
    )


def test_chance_is_the_error_on_validation_of_the_median_of_training(tmp_path):
    table = _table(
        train=[20.0, 22.0, 24.0, 26.0, 88.0, np.nan],
        val=[20.0, 25.0, 60.0, np.nan],
        test=[100.0, 100.0, 100.0],
    )
    # The median of training is 24, off by 4, 1 and 36 on validation, 41/3 on average.
    # Its mean 36 would be off by 16, 11 and 24 (51/3), the median 25 of validation by
    # 5, 0 and 35 (40/3).
    assert _chance(table, tmp_path) == {"age": pytest.approx(41 / 3)}


def test_of_an_interval_the_middle_counts_in_training_and_what_is_outside_in_validation(
    tmp_path,
):
    table = _table(train=[10.0, np.nan, 90.0], val=[np.nan, np.nan, 34.5])
    table["age_low"] = [np.nan, 20, np.nan, 20, 30, np.nan]
    table["age_high"] = [np.nan, 29, np.nan, 29, 39, np.nan]
    # The median of 10, 24.5 and 90 is 24.5. It lies inside 20 to 29; 30 to 39 begins at
    # 29.5, since ages are whole years, so it is 5 off; and 10 off of 34.5.
    assert _chance(table, tmp_path) == {"age": pytest.approx((0 + 5 + 10) / 3)}


def test_where_the_median_never_errs_the_chance_level_is_1(tmp_path):
    # Errors are divided by it, so it can't be 0.
    table = _table(train=[24.0, 24.0, 50.0], val=[24.0])
    assert _chance(table, tmp_path) == {"age": 1}


def test_a_head_of_classes_has_no_chance_level(tmp_path):
    table = _table(train=["male", "female"], val=["female"], name="gender")
    table["age"] = [20.0, 30.0, 29.0]
    # Of 20 and 30 the median is 25, off by 4.
    assert _chance(table, tmp_path, ["gender", "age"]) == {"age": pytest.approx(4)}


def test_a_number_that_only_training_labels_has_no_chance_level(tmp_path):
    table = _table(train=[20.0, 30.0], val=[np.nan])
    with pytest.raises(UserError, match="age: has no label in the validation part"):
        _chance(table, tmp_path)
