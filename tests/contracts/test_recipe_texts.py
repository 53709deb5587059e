"""What do the small languages of a recipe mean?"""

import pytest

from multitask.contracts.errors import UserError
from multitask.contracts.recipe_texts import check_freeze, parse_mix, parse_split

SHARES = (0.7, 0.15, 0.15)


@pytest.mark.parametrize(
    ("text", "shares"),
    [
        ("70/15/15", SHARES),
        ("80/20/0", (0.8, 0.2, 0.0)),
        ("62.5/12.5/25", (0.625, 0.125, 0.25)),
    ],
)
def test_three_numbers_are_shares(text, shares):
    assert parse_split(text).shares == pytest.approx(shares)


@pytest.mark.parametrize("text", ["70/30", "a/b/c", "", "70/15/15/0", "70,15,15"])
def test_what_is_no_three_shares_is_refused(text):
    with pytest.raises(UserError) as caught:
        parse_split(text)
    assert str(caught.value) == (
        f"--split: is {text!r}, must be official, like 70/15/15, or a run's split.csv"
    )


@pytest.mark.parametrize(
    ("text", "total"),
    [
        ("70/20/15", "105"),
        ("0/50/50", "100"),
        ("110/-5/-5", "100"),
        ("nan/50/50", "nan"),
    ],
)
def test_shares_that_do_not_fit_are_refused(text, total):
    with pytest.raises(
        UserError, match=f"^--split: {text} sums to {total}, must be three"
    ):
        parse_split(text)


@pytest.mark.parametrize("mix", ["even", "temperature", "temperature=0.5", "equal=2"])
def test_a_mix_that_is_none_names_those_there_are(mix):
    with pytest.raises(UserError, match=r"--mix: is .*proportional, equal, temp"):
        parse_mix(mix)


def test_what_is_no_way_to_freeze_is_an_error():
    with pytest.raises(UserError, match=r"^--freeze: is 'some'; must be none, all, or"):
        check_freeze("some")
    for text in ("none", "all", "3"):
        check_freeze(text)
