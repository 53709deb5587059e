"""Is each picture shown as often as the mix and the cap say?"""

import numpy as np
import pandas as pd
import pytest

from multitask.contracts import catalog
from multitask.contracts.errors import UserError
from multitask.contracts.recipe_texts import parse_mix
from multitask.data.sampling import capped, epoch, rates

GENDER = catalog.heads(["gender"])


def sets():
    """900 pictures of one data set, 100 of another, of which 20 show a woman."""
    return pd.DataFrame(
        {
            "source": ["large"] * 900 + ["small"] * 100,
            "gender": ["male"] * 450
            + ["female"] * 450
            + ["male"] * 80
            + ["female"] * 20,
        }
    )


@pytest.mark.parametrize(
    ("mix", "large"),
    [
        ("proportional", 0.9),
        ("equal", 0.5),
        ("temperature=2", 0.75),  # 30 : 10, the square roots
        ("temperature=1", 0.9),
    ],
)
def test_data_sets_share_an_epoch_as_the_mix_says(mix, large):
    weights = rates(sets(), GENDER, parse_mix(mix))
    assert weights.sum() == pytest.approx(1000)
    assert weights[:900].sum() == pytest.approx(1000 * large)
    assert np.ptp(weights[:900]) == pytest.approx(0)


def test_oversampling_shows_the_classes_equally_often_over_all_data_sets():
    table = sets()
    weights = rates(table, GENDER, parse_mix("classes=gender"))
    # 530 men and 470 women, each of the two 500 times.
    assert weights[table["gender"] == "male"].tolist() == pytest.approx(
        [500 / 530] * 530
    )
    assert weights[table["gender"] == "female"].sum() == pytest.approx(500)


@pytest.mark.parametrize(("temperature", "women"), [(1, 0.1), (2, 0.25), (1e9, 0.5)])
def test_a_temperature_oversamples_in_part(temperature, women):
    genders = ["male"] * 900 + ["female"] * 100  # 30 : 10 are the square roots
    table = pd.DataFrame({"gender": genders + [np.nan] * 10})
    mix = parse_mix(f"classes=gender,temperature={temperature}")
    weights = rates(table, GENDER, mix)
    assert weights[900:1000].sum() == pytest.approx(1000 * women)
    assert weights.sum() == pytest.approx(1010)
    assert weights[1000:].tolist() == pytest.approx([1.0] * 10)


def test_oversampling_holds_where_a_class_is_in_one_data_set_only():
    table = pd.DataFrame(
        {
            "source": ["a"] * 900 + ["b"] * 100,
            "gender": ["male"] * 900 + ["female"] * 100,
        }
    )
    weights = rates(table, GENDER, parse_mix("classes=gender"))
    assert [weights[:900].sum(), weights[900:].sum()] == pytest.approx([500, 500])


def test_oversampling_leaves_what_has_no_label_as_often_as_before():
    table = pd.DataFrame({"gender": ["male"] * 30 + ["female"] * 10 + [np.nan] * 10})
    weights = rates(table, GENDER, parse_mix("classes=gender"))
    assert weights[40:].tolist() == pytest.approx([1.0] * 10)
    assert weights[:30].sum() == pytest.approx(20)
    assert weights[30:40].sum() == pytest.approx(20)


def test_oversampling_needs_a_head_with_one_class_per_picture():
    with pytest.raises(UserError, match="--mix: unknown head 'gendre'; did you mean"):
        rates(sets(), GENDER, parse_mix("classes=gendre"))
    heads = catalog.heads(["attributes"])
    with pytest.raises(UserError, match="--class-weights attributes=balanced"):
        rates(sets(), heads, parse_mix("classes=attributes"))


def test_an_epoch_shows_each_row_as_often_as_its_rate():
    weights = np.array([2.0, 0.5, 0.5, 1.0, 0.0] * 20) * 5 / 4
    counts = np.zeros(100)
    for seed in range(400):
        rows = epoch(weights, np.random.default_rng(seed))
        assert len(rows) == 100
        times = np.bincount(rows, minlength=100)
        assert (np.abs(times - weights) < 1).all()  # rounded up or down, no further
        counts += times
    # 400 times a coin of at most 1/2: a deviation of 10 at most; five of them.
    assert np.abs(counts - 400 * weights).max() <= 50


def test_with_a_rate_of_one_an_epoch_shows_every_row_once():
    rows = epoch(np.ones(1003), np.random.default_rng(5))
    assert sorted(rows) == list(range(1003))
    assert rows.tolist() != list(range(1003))


def test_a_cap_leaves_no_class_more_than_its_share_unless_a_rarer_one_needs_it():
    table = sets()
    mask = capped(table, GENDER, {"gender": 50}, seed=1)
    assert table[mask]["gender"].value_counts().to_dict() == {"male": 50, "female": 50}
    assert capped(table, GENDER, {"all": 460}, 1).sum() == 460 + 460
    assert capped(table, GENDER, {}, 1).all()


def test_a_cap_keeps_rare_classes_and_what_has_no_label():
    table = pd.DataFrame(
        {
            "gender": ["male"] * 100 + ["female"] * 3 + [np.nan] * 5,
            "race": ["white"] * 90 + ["indian"] * 13 + [np.nan] * 5,
        }
    )
    mask = capped(table, catalog.heads(["gender", "race"]), {"all": 10}, seed=0)
    left = table[mask]
    assert left["gender"].isna().sum() == 5
    assert (left["gender"] == "female").sum() == 3
    assert (left["race"] == "indian").sum() >= 10
    assert len(left) < 60
