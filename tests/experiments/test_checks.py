"""Is a recipe that can't work refused before the long work begins?"""

import pytest

from multitask.contracts.errors import UserError
from multitask.experiments.run import fit
from tests.runs import tiny_recipe

pytestmark = pytest.mark.usefixtures("no_pictures")


@pytest.mark.parametrize("change", [{"patience": 3}, {"schedule": "plateau"}])
def test_waiting_for_a_gain_needs_a_validation_part(drawn_faces, tmp_path, change):
    with pytest.raises(UserError, match="^--split: leaves no validation part"):
        fit(tiny_recipe(drawn_faces, split="80/0/20", **change), tmp_path / "run")
