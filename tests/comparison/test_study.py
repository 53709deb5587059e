"""Does a comparison measure every design on one split, and go on where it stopped?"""

import json
import shutil
import tomllib
from dataclasses import replace

import pandas as pd
import pytest

import multitask
from multitask.comparison.study import compare
from multitask.contracts.errors import UserError
from multitask.contracts.recipe import Recipe

MERGES = ("gender+illumination",)


def silent(line):
    """Say nothing."""


@pytest.mark.parametrize(
    ("settings", "trunks", "message"),
    [
        ({"folds": 3}, (), "--folds: can't be used in a comparison; use --seeds"),
        ({}, ("tiny", "tyni"), "--trunk: unknown trunk 'tyni'; did you mean 'tiny'?"),
        ({"split": "80/20/0"}, (), "head gender: has no labels in the test part"),
        (
            {"split": "80/0/20", "patience": 2},
            (),
            "--split: leaves the validation part empty",
        ),
        ({"freeze": "4"}, ("cnn", "tiny"), "--freeze: is 4, but the trunk has only 1"),
    ],
)
def test_mistakes_are_found_before_a_folder_is_made(
    settings, trunks, message, tmp_path, drawn_faces, tiny_trunk
):
    recipe = Recipe(
        heads=("gender",), data=(f"imfdb={drawn_faces}",), trunk="tiny", **settings
    )
    with pytest.raises(UserError) as caught:
        compare(
            recipe, tmp_path / "out", designs=("single",), trunks=trunks, say=silent
        )
    assert str(caught.value).startswith(message)
    assert not (tmp_path / "out").exists()


def test_one_head_makes_no_comparison(tmp_path, drawn_faces, tiny_trunk):
    data = (f"imfdb={drawn_faces}",)
    recipe = Recipe(heads=("gender",), data=data, trunk="tiny", split="60/20/20")
    with pytest.raises(
        UserError, match="--heads: is gender alone: all designs would be the same"
    ):
        compare(recipe, tmp_path / "out", dry_run=True, say=silent)


def test_every_design_answers_every_head_with_an_interval_and_a_cost(compared):
    out, result = compared.out, compared.result
    cells = {cell.design: cell for cell in result.cells}
    assert list(cells) == ["single", "merged", "multi"]
    parts = pd.read_csv(out / cells["multi"].networks[0] / "split.csv")["split"]
    assert {part: (parts == part).sum() for part in result.rows} == result.rows
    for design, cell in cells.items():
        expected = {"gender", "illumination"}
        expected |= {"gender+illumination"} if design == "merged" else set()
        assert set(cell.heads) == expected
        for scores in cell.heads.values():
            assert scores.ci is not None
            assert scores.test is not None
            assert 0 <= scores.ci[0] <= scores.test <= scores.ci[1] <= 1
            assert scores.train is not None
            assert scores.val is not None
        assert cell.precision == "float32"
        assert cell.cost is not None
        assert None not in vars(cell.cost).values()
    for mean in result.means:  # of one seed
        scores = cells[mean.design].heads[mean.head]
        assert mean.test == pytest.approx(scores.test)
        assert mean.ci == pytest.approx(scores.ci)
    assert result.better == {"gender": "higher", "illumination": "higher"}
    assert result.merged == ("gender+illumination",)
    single, multi = cells["single"].cost, cells["multi"].cost
    assert single.parameters > 1.5 * multi.parameters
    assert single.pictures_trained == 2 * multi.pictures_trained


def test_the_folder_holds_the_result_its_table_its_picture_and_a_page(compared):
    document = json.loads((compared.out / "compare.json").read_text())
    assert document == compared.result.to_json()
    assert len(pd.read_csv(compared.out / "compare.csv")) == 7
    assert "gender+illumination" in (compared.out / "index.html").read_text()
    assert (compared.out / "compare.png").stat().st_size > 5000


def test_the_scores_of_a_design_are_those_of_its_networks(compared):
    result = compared.result
    network = multitask.load(compared.out / "tiny-0-2-heads")
    assert [head.name for head in network.heads] == ["gender", "illumination"]
    differences = {(one.design, one.head): one for one in result.differences}
    assert set(differences) == {
        (design, head)
        for design in ("merged", "multi")
        for head in ("gender", "illumination")
    }
    cells = {cell.design: cell.heads for cell in result.cells}
    for (design, head), difference in differences.items():
        expected = cells[design][head].test - cells["single"][head].test
        assert difference.difference == pytest.approx(expected)
        low, high = difference.ci
        assert low <= difference.difference <= high
        if difference.verdict != "no difference shown":  # nor is it of few pictures
            assert low > 0 or high < 0


def test_a_comparison_goes_on_where_it_stopped_and_no_other_does(compared):
    recipe, out = compared.recipe, compared.out
    lines: list[str] = []
    assert compare(recipe, out, merges=MERGES, say=lines.append) == compared.result
    assert sum(line.startswith("training ") for line in compared.lines) == 4
    assert not any(line.startswith("training ") for line in lines)
    for dry_run in (False, True):
        with pytest.raises(UserError, match="contains another comparison"):
            compare(recipe, out, designs=("multi",), dry_run=dry_run, say=silent)


def test_its_recipe_says_what_is_compared_as_older_versions_did(compared):
    recipe = tomllib.loads((compared.out / "recipe.toml").read_text())
    assert recipe["compare"] == {
        "designs": ["single", "merged", "multi"],
        "trunks": [],
        "merges": ["gender+illumination"],
    }


@pytest.mark.slow
def test_each_trunk_has_its_own_cells_and_differences(compared, tmp_path):
    recipe = replace(compared.recipe, epochs=1, image_size=32)
    trunks = ("tiny", "base_cnn")
    result = compare(recipe, tmp_path / "out", trunks=trunks, say=silent)
    expected = [(t, d) for t in trunks for d in ("single", "multi")]
    assert [(cell.trunk, cell.design) for cell in result.cells] == expected
    for mean in result.means:
        [cell] = [
            cell for cell in result.cells
            if (cell.trunk, cell.design) == (mean.trunk, mean.design)
        ]  # fmt: skip
        assert mean.test == pytest.approx(cell.heads[mean.head].test)
    differences = {(one.trunk, one.head) for one in result.differences}
    assert differences == {(t, h) for t in trunks for h in recipe.heads}
    resumed = compare(recipe, tmp_path / "out", trunks=trunks, say=silent)
    assert resumed == result


@pytest.mark.slow
def test_more_seeds_go_on_with_a_comparison(compared, tmp_path):
    out = tmp_path / "out"
    lines: list[str] = []
    shutil.copytree(compared.out, out)
    more = compare(compared.recipe, out, merges=MERGES, seeds=2, say=lines.append)
    assert [line for line in lines if line.startswith("training ")] == [
        f"training {number} of 8: tiny-1-{name}"
        for number, name in enumerate(
            ("gender", "illumination", "gender+illumination", "2-heads"), 5
        )
    ]
    assert tuple(c for c in more.cells if not c.seed) == compared.result.cells


def test_a_comparison_goes_on_with_its_own_pictures_only(compared, tmp_path):
    shutil.copytree(compared.out, tmp_path / "out")
    file = tmp_path / "out" / "split.csv"
    file.write_text("".join(file.read_text().splitlines(keepends=True)[:-1]))
    with pytest.raises(
        UserError, match="be resumed only with the data that it started with"
    ):
        compare(compared.recipe, tmp_path / "out", merges=MERGES, say=silent)


def test_a_folder_that_lacks_its_split_is_begun_anew(compared, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(compared.out, out)
    split = (out / "split.csv").read_text()
    (out / "split.csv").unlink()  # as if stopped right after the recipe was written
    compare(compared.recipe, out, merges=MERGES, say=silent)
    assert (out / "split.csv").read_text() == split
