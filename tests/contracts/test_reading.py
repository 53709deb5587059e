"""Are spellings of a label translated, and unknown ones reported?"""

import numpy as np
import pandas as pd

from multitask.contracts.reading import translate

GENDERS = {"male": "male", "female": "female", "0": "male", "1": "female", "?": np.nan}


def test_case_and_blanks_do_not_count_and_numbers_are_spellings():
    said, reasons = translate(pd.Series(["MALE", " Female ", 0, "1"]), GENDERS)
    assert said.tolist() == ["male", "female", "male", "female"]
    assert reasons.empty


def test_what_is_empty_or_declared_to_be_stays_empty_without_a_reason():
    said, reasons = translate(pd.Series([None, np.nan, "", "  ", "?"]), GENDERS)
    assert said.isna().all()
    assert reasons.empty


def test_an_unknown_spelling_is_left_empty_and_told_with_the_nearest():
    labels = pd.Series(["male", "femal", "male", "femal", "x"], index=[5, 6, 7, 8, 9])
    said, reasons = translate(labels, GENDERS)
    assert said.isna().tolist() == [False, True, False, True, True]
    assert reasons.index.tolist() == [6, 8, 9]
    assert reasons[6].startswith("is 'femal', left empty; did you mean 'female'?")
    assert reasons[9].startswith("is 'x', left empty; known: male, female")


def test_numbers_may_be_the_meaning():
    said, _ = translate(pd.Series(["-1", "1", None]), {"-1": 0.0, "1": 1.0})
    assert said.dtype == float
    assert said.tolist()[:2] == [0.0, 1.0]
    assert np.isnan(said[2])
