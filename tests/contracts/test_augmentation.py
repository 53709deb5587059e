"""Do the names of --augment mean what they say?"""

import re

import pytest

from multitask.contracts.augmentation import PRESETS, parse_augmentation
from multitask.contracts.errors import UserError


def test_an_unknown_preset_names_the_known():
    with pytest.raises(UserError) as caught:
        parse_augmentation("standart")
    assert str(caught.value) == (
        "--augment: unknown preset 'standart'; did you mean 'standard'? "
        "Known: none, flip, standard, strong, mixup, rotate, shift, shear, zoom"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rotate:huge", "unknown strength 'huge'; known: small, medium, large"),
        ("rotate:smal", "unknown strength 'smal'; did you mean 'small'?"),
        ("strong:large", "'strong' takes no strength; write strong"),
        ("flip,,zoom", "unknown preset ''"),
    ],
)
def test_what_is_no_augmentation_is_told(text, message):
    with pytest.raises(UserError, match="^--augment: " + re.escape(message)):
        parse_augmentation(text)


def test_moves_have_strengths_and_add_up():
    assert parse_augmentation("rotate") == parse_augmentation("rotate:medium")
    for name in ("rotate", "shift", "shear", "zoom"):
        small, medium, large = (
            getattr(parse_augmentation(f"{name}:{strength}"), name)
            for strength in ("small", "medium", "large")
        )
        assert 0 < small < medium < large
    both = parse_augmentation("standard,rotate:large")
    assert both.rotate == parse_augmentation("rotate:large").rotate
    assert both.erase == PRESETS["standard"].erase
