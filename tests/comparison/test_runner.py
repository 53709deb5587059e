"""Are all networks trained on the same pictures, and to their end?"""

import pandas as pd
import pytest

from multitask.comparison import designs
from multitask.comparison.runner import design_runner
from multitask.comparison.study import compare
from multitask.contracts.recipe import Recipe
from multitask.training import callbacks


def test_a_cap_leaves_all_designs_the_same_pictures(tmp_path, drawn_faces, tiny_trunk):
    recipe = Recipe(
        heads=("gender", "illumination"), data=(f"imfdb={drawn_faces}",),
        trunk="tiny", cap={"gender": 8},
    )  # fmt: skip
    runner = design_runner(recipe, tmp_path / "out", (), lambda line: None)
    train = runner.table[runner.table["split"] == "train"]
    assert train["gender"].value_counts().tolist() == [8, 8]
    (both,) = designs.plans("multi", runner.heads, ())
    for plan in (both, *designs.plans("single", runner.heads, ())):
        prepared, table = runner.prepare(plan, 0)
        rows = set(prepared.training(table).rows)
        assert rows == set(table.index[table["split"] == "train"])
        assert rows <= set(train.index)


def test_each_network_records_the_split_of_all(compared):
    whole = (compared.out / "split.csv").read_text()
    for cell in compared.result.cells:
        for name in cell.networks:
            assert (compared.out / name / "split.csv").read_text() == whole


def test_a_dry_run_has_a_cell_for_each_design_and_seed(compared, tmp_path):
    merges = ("gender+illumination",)
    runner = design_runner(compared.recipe, tmp_path / "out", merges, lambda line: None)
    cells, seconds = runner.estimate(("single", "merged"), 2)
    assert [(cell.design, cell.seed, cell.networks) for cell in cells] == [
        ("single", 0, ("tiny-0-gender", "tiny-0-illumination")),
        ("single", 1, ("tiny-1-gender", "tiny-1-illumination")),
        ("merged", 0, ("tiny-0-gender+illumination",)),
        ("merged", 1, ("tiny-1-gender+illumination",)),
    ]
    assert seconds > 0
    assert all(cell.cost is None and not cell.heads for cell in cells)


@pytest.mark.slow
def test_a_network_that_ctrl_c_stopped_is_trained_to_its_end(
    compared, tmp_path, monkeypatch
):
    out = tmp_path / "out"
    usual = callbacks.BestEpoch.on_epoch_end

    def stop(self, epoch, logs=None):
        usual(self, epoch, logs)
        raise KeyboardInterrupt

    def run():
        return compare(compared.recipe, out, designs=("multi",), say=lambda line: None)

    monkeypatch.setattr(callbacks.BestEpoch, "on_epoch_end", stop)
    with pytest.raises(KeyboardInterrupt):
        run()
    assert not (out / "tiny-0-2-heads" / "result.json").exists()
    monkeypatch.setattr(callbacks.BestEpoch, "on_epoch_end", usual)
    [cell] = run().cells
    history = pd.read_csv(out / "tiny-0-2-heads" / "history.csv")
    assert history["epoch"].tolist() == [1, 2]
    assert cell.cost is not None
    assert cell.cost.pictures_trained > 0
    assert cell.cost.peak_mb is None
