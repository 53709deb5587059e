"""Are designs compared on the same pictures, and merged answers read back right?"""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from multitask.datasets import sample

from multitask.compare import DESIGNS, Asked, compare, main
from multitask.comparison import designs
from multitask.contracts import catalog
from multitask.contracts.catalog import to_config
from multitask.contracts.errors import UserError
from multitask.contracts.recipe import Recipe
from multitask.experiments import scores
from multitask.training import callbacks


def table():
    nan = np.nan
    return pd.DataFrame(
        {
            "path": list("abcdef"),
            "split": ["train"] * 4 + ["test"] * 2,
            "gender": ["male", "female", "female", nan, "male", "female"],
            "makeup": ["over", "over", "partial", "over", "partial", "over"],
            "age": [1.0, 2, 3, 4, 5, 6],
        }
    )


def heads():
    return catalog.heads(["gender", "makeup", "age"])


def test_a_merge_has_a_class_for_each_combination_that_training_holds():
    merged = designs.merge("gender+makeup", heads(), table())
    assert merged.combinations == (
        ("male", "over"), ("female", "partial"), ("female", "over"),
    )  # fmt: skip
    made = designs.with_merged(table(), [merged])
    labels = made["gender+makeup"]
    assert labels[:3].tolist() == ["male+over", "female+over", "female+partial"]
    assert labels[3:5].isna().all()  # one not labelled, one not seen in training
    assert merged.head.encode(made).weights.tolist() == [1, 1, 1, 0, 0, 1]


def test_merged_answers_are_read_back_as_sums_over_combinations():
    merged = designs.merge("gender+makeup", heads(), table())
    said = merged.outputs(np.array([[0.5, 0.2, 0.3]]))
    np.testing.assert_allclose(said["gender"], [[0.5, 0.5]])  # male, female
    np.testing.assert_allclose(said["makeup"], [[0.2, 0.8]])  # partial, over


def test_a_merge_changes_places_in_a_mirror_as_its_parts_do():
    labels = pd.DataFrame(
        {
            "split": "train",
            "pose": ["left", "up", "right"],
            "makeup": ["over", "over", "partial"],
        }
    )
    merged = designs.merge("pose+makeup", catalog.heads(["pose", "makeup"]), labels)
    left, right = ("left", "over"), ("right", "over")
    assert {left, right, ("left", "partial")} < set(merged.combinations)
    swapped = merged.head.mirrored(np.arange(len(merged.combinations)))
    assert merged.combinations[swapped[merged.combinations.index(left)]] == right
    up = merged.combinations.index(("up", "over"))
    assert swapped[up] == up


def test_a_sigmoid_part_is_read_from_its_second_class():
    parts = catalog.heads(["gender:sigmoid", "makeup"])
    merged = designs.merge("gender+makeup", parts, table())
    said = merged.outputs(np.array([[0.5, 0.2, 0.3], [0.1, 0.0, 0.9]]))
    assert parts[0].read(said["gender"])["gender"].tolist() == ["female", "female"]
    np.testing.assert_allclose(said["gender"][:, 0], [0.5, 0.9])


def test_a_merge_is_trained_as_its_parts_are():
    gender, makeup, _ = heads()
    assert to_config(gender)["label_smoothing"] == 0.1
    parts = (gender, replace(makeup, class_weights="balanced", loss_weight=0.25))
    head = designs.merge("gender+makeup", parts, table()).head
    assert to_config(head)["label_smoothing"] == 0.1
    assert head.class_weights == "balanced"
    assert head.loss_weight == (1.75 + 0.25) / 2


def test_designs_train_what_they_are_named_for():
    merged = designs.merge("gender+makeup", heads(), table())
    names = {
        design: [plan.name for plan in designs.plans(design, heads(), [merged])]
        for design in DESIGNS
    }
    assert names == {
        "single": ["gender", "makeup", "age"],
        "merged": ["gender+makeup", "age"],
        "multi": ["3-heads"],
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gendr+makeup", "--merge: no head 'gendr'; did you mean 'gender'?"),
        ("gender+age", "--merge: head age answers with a number, must have one class"),
        ("gender", "--merge: is 'gender', must be two or more heads: A+B"),
        ("gender+gender", "--merge: is 'gender+gender', must be two or more"),
    ],
)
def test_a_merge_that_cannot_be_is_told(text, message):
    with pytest.raises(UserError) as caught:
        designs.merge(text, heads(), table())
    assert str(caught.value).startswith(message)


def test_heads_never_labelled_together_cannot_be_merged():
    apart = table()
    apart.loc[:2, "makeup"] = np.nan
    with pytest.raises(UserError, match="never labelled together"):
        designs.merge("gender+makeup", heads(), apart)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"designs": ("singel",)}, "--designs: no design 'singel'; did you mean 'sin"),
        ({"designs": ("merged",)}, "--designs: merged needs heads to merge; add --me"),
        ({"designs": ("multi",), "seeds": 0}, "--seeds: is 0, must be 1 or more"),
        ({"designs": ("multi", "single", "multi")}, "--designs: names multi twice"),
        ({"designs": ("multi",), "trunks": ("cnn", "cnn")}, "--trunks: names cnn twi"),
        ({"designs": ("multi",), "merges": ("a+b",)}, "--merge: has no effect without"),
        (
            {"merges": ("a+b", "b+c")},
            "--merge: joins b twice; each head has one answer",
        ),
    ],
)
def test_what_cannot_be_compared_is_told(settings, message):
    with pytest.raises(UserError) as caught:
        Asked(**settings)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("settings", "trunks", "message"),
    [
        ({"folds": 3}, (), "--folds: has no effect on a comparison; use --seeds"),
        ({"oversample": "gender"}, (), "--oversample: is by one head, which not every"),
        ({}, ("tiny", "tyni"), "--trunk: no trunk 'tyni'; did you mean 'tiny'?"),
        ({"split": "80/20/0"}, (), "head gender: has no label in the test part"),
        ({"split": "80/0/20", "patience": 2}, (), "--split: leaves no validation part"),
        ({"freeze": "4"}, ("cnn", "tiny"), "--freeze: lets 4 stages learn, the "),
        ({"weights": "a.keras"}, ("cnn", "tiny"), "--weights: is a file, which can't"),
    ],
)
def test_it_is_told_before_a_network_is_trained(
    settings, trunks, message, tmp_path, tiny_trunk
):
    sample.write(tmp_path / "faces", "imfdb", count=40)
    recipe = Recipe(
        heads=("gender",), data=(f"imfdb={tmp_path / 'faces'}",), trunk="tiny",
        **settings,
    )  # fmt: skip
    asked = Asked(designs=("single",), trunks=trunks)
    with pytest.raises(UserError) as caught:
        compare(recipe, tmp_path / "out", asked, say=lambda line: None)
    assert str(caught.value).startswith(message)
    assert not (tmp_path / "out").exists()


def test_one_head_makes_no_comparison(tmp_path, tiny_trunk):
    sample.write(tmp_path / "faces", "imfdb", count=40)
    data = (f"imfdb={tmp_path / 'faces'}",)
    recipe = Recipe(heads=("gender",), data=data, trunk="tiny", split="60/20/20")
    asked = Asked(designs=("single", "multi"))
    with pytest.raises(
        UserError, match="--heads: is gender, for which all designs have one"
    ):
        compare(recipe, tmp_path / "out", asked, dry=True, say=lambda line: None)


def test_a_single_class_in_training_is_told(tmp_path, tiny_trunk):
    sample.write(tmp_path / "faces", "imfdb", count=40)
    paths = sorted(map(str, (tmp_path / "faces").rglob("*.jpg")))
    labels = pd.DataFrame({"path": paths, "gender": "male"})
    labels.to_csv(tmp_path / "men.csv", index=False)
    recipe = Recipe(
        heads=("gender",), data=(f"men=table:{tmp_path / 'men.csv'}",), trunk="tiny"
    )
    asked = Asked(designs=("single",))
    with pytest.raises(UserError, match="gender: a single class is left in training"):
        compare(recipe, tmp_path / "out", asked, say=lambda line: None)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (["train", "val", "test"], "is labelled in the test part for one person alone"),
        (["train", "train", "test", "test"], "has no label in the validation part"),
    ],
)
def test_a_head_that_a_part_hardly_labels_is_told(tmp_path, tiny_trunk, parts, message):
    sample.write(tmp_path / "faces", "imfdb", count=240)
    paths = pd.Series(sorted(map(str, (tmp_path / "faces").rglob("*.jpg"))))
    people = paths.map(lambda path: Path(path).parents[2].name)
    names = list(people.unique())
    labels = pd.DataFrame({"path": paths, "identity": people, "gender": "male"})
    labels.loc[::2, "gender"] = "female"
    labels["makeup"] = np.where(labels.index % 3, "over", "partial")
    labels["split"] = people.map(
        {n: parts[i % len(parts)] for i, n in enumerate(names)}
    )
    if "val" not in parts:  # which only pictures of unknown makeup are in
        labels.loc[people == names[1], "split"] = "val"
        labels.loc[people == names[1], "makeup"] = None
    else:
        test = people[labels["split"] == "test"]
        labels.loc[people.isin(set(test) - {test.iloc[0]}), "makeup"] = None
    labels.to_csv(tmp_path / "faces.csv", index=False)
    recipe = Recipe(
        heads=("gender", "makeup"), data=(f"f=table:{tmp_path / 'faces.csv'}",),
        trunk="tiny",
    )  # fmt: skip
    asked = Asked(designs=("single",))
    with pytest.raises(UserError, match=f"head makeup: {message}"):
        compare(recipe, tmp_path / "out", asked, say=lambda line: None)


def test_a_combination_that_training_lacks_is_answered_wrong(compared):
    recipe, out, *_ = compared
    with np.load(out / "tiny-0-gender+illumination" / "scores.npz") as kept:
        whole = kept["gender+illumination"]
        parts = [kept[name] for name in ("gender", "illumination")]
    np.testing.assert_array_equal(
        np.isnan(whole), np.isnan(parts[0]) | np.isnan(parts[1])
    )


def test_a_cap_leaves_all_designs_the_same_pictures(tmp_path, tiny_trunk):
    from multitask.comparison.runner import design_runner as make_bench

    sample.write(tmp_path / "faces", "imfdb", count=60)
    recipe = Recipe(
        heads=("gender", "illumination"), data=(f"imfdb={tmp_path / 'faces'}",),
        trunk="tiny", cap={"gender": 8},
    )  # fmt: skip
    bench = make_bench(recipe, tmp_path / "out", (), lambda line: None)
    train = bench.table[bench.table["split"] == "train"]
    assert train["gender"].value_counts().tolist() == [8, 8]
    (both,) = designs.plans("multi", bench.heads, ())
    for plan in (both, *designs.plans("single", bench.heads, ())):
        made, table = bench._prepared(plan, 0)
        rows = set(made.training(table).rows)
        assert rows == set(table.index[table["split"] == "train"])
        assert rows <= set(train.index)


# A comparison


@pytest.fixture(scope="module")
def compared(tmp_path_factory, tiny_trunk):
    folder = tmp_path_factory.mktemp("compared")
    sample.write(folder / "faces", "imfdb", count=120)
    recipe = Recipe(
        heads=("gender", "illumination"),
        data=(f"imfdb={folder / 'faces'}",),
        trunk="tiny",
        epochs=2,
        batch_size=16,
        precision="float32",
        split="60/20/20",
        tta=1,
    )
    asked = Asked(merges=("gender+illumination",), seeds=1)
    said: list[str] = []
    return recipe, folder / "out", asked, compare(
        recipe, folder / "out", asked, say=said.append
    ), said  # fmt: skip


def test_every_design_answers_every_head_with_an_interval_and_a_cost(compared):
    _, out, _, document, _ = compared
    assert json.loads((out / "compare.json").read_text()) == document
    cells = {cell["design"]: cell for cell in document["cells"]}
    assert list(cells) == ["single", "merged", "multi"]
    parts = pd.read_csv(out / cells["multi"]["networks"][0] / "split.csv")["split"]
    assert {n: (parts == n).sum() for n in document["rows"]} == document["rows"]
    for design, cell in cells.items():
        expected = {"gender", "illumination"}
        expected |= {"gender+illumination"} if design == "merged" else set()
        assert set(cell["heads"]) == expected
        for one in cell["heads"].values():
            low, high = one["ci"]
            assert 0 <= low <= one["test"] <= high <= 1
            assert {"train", "val"} <= set(one)
        assert cell["precision"] == "float32"
        assert set(cell["cost"]) >= {
            "parameters", "bytes", "train_seconds", "forward_ms_1", "forward_ms_32",
            "peak_mb", "pictures_trained",
        }  # fmt: skip
    for mean in document["means"]:  # of one seed
        found = cells[mean["design"]]["heads"][mean["head"]]
        assert mean["test"] == pytest.approx(found["test"])
        assert mean["ci"] == pytest.approx(found["ci"])
    single, multi = cells["single"]["cost"], cells["multi"]["cost"]
    assert single["parameters"] > 1.5 * multi["parameters"]
    assert single["pictures_trained"] == 2 * multi["pictures_trained"]
    assert len(pd.read_csv(out / "compare.csv")) == 7
    page = (out / "index.html").read_text()
    assert "gender+illumination" in page
    assert (out / "compare.png").stat().st_size > 5000


def test_costs_stand_beside_their_ratios_to_single(compared):
    from multitask.reports import comparison

    *_, document, _ = compared
    costs = comparison.costs(document).set_index("design")
    assert list(costs.index) == [
        "single", "merged", "multi", "merged / single", "multi / single",
    ]  # fmt: skip
    single, _, multi = (cell["cost"] for cell in document["cells"])
    ratio = multi["parameters"] / single["parameters"]
    assert costs.loc["multi / single", "parameters, M"] == f"{ratio:.2f}"
    assert costs.loc["multi / single", "pictures trained, k"] == "0.50"
    stopped = json.loads(json.dumps(document))
    stopped["cells"][2]["cost"]["peak_mb"] = None
    shown = comparison.costs(stopped)["peak memory, MB"]
    assert list(shown == "") == [False, False, True, True, True]
    alone = {
        **document,
        "cells": [c for c in document["cells"] if c["design"] == "multi"],
    }
    assert list(comparison.costs(alone)["design"]) == ["multi"]


def test_the_scores_of_a_design_are_those_of_its_networks(compared):
    import multitask

    _, out, _, document, _ = compared
    made = multitask.load(out / "tiny-0-2-heads")
    assert [head.name for head in made.heads] == ["gender", "illumination"]
    differences = {(d["design"], d["head"]): d for d in document["differences"]}
    assert set(differences) == {
        (design, head)
        for design in ("merged", "multi")
        for head in ("gender", "illumination")
    }
    cells = {cell["design"]: cell["heads"] for cell in document["cells"]}
    for (design, head), found in differences.items():
        expected = cells[design][head]["test"] - cells["single"][head]["test"]
        assert found["difference"] == pytest.approx(expected)
        low, high = found["ci"]
        assert low <= found["difference"] <= high
        shown = low > 0 or high < 0
        assert (found["verdict"] == "no difference shown") != shown


def test_a_comparison_goes_on_where_it_stopped_and_no_other_does(compared):
    recipe, out, asked, document, said = compared
    again: list[str] = []
    assert compare(recipe, out, asked, say=again.append) == document
    assert sum(line.startswith("training ") for line in said) == 4
    assert not any(line.startswith("training ") for line in again)
    for dry in (False, True):
        with pytest.raises(UserError, match="holds another comparison"):
            compare(recipe, out, Asked(designs=("multi",)), dry=dry, say=again.append)


@pytest.mark.slow
def test_each_trunk_has_its_own_cells_and_differences(compared, tmp_path):
    recipe, *_ = compared
    asked = Asked(designs=("single", "multi"), trunks=("tiny", "base_cnn"))
    recipe = replace(recipe, epochs=1, image_size=32)
    document = compare(recipe, tmp_path / "out", asked, say=lambda line: None)
    expected = [(t, d) for t in ("tiny", "base_cnn") for d in ("single", "multi")]
    assert [(c["trunk"], c["design"]) for c in document["cells"]] == expected
    for one in document["means"]:
        [cell] = [
            c for c in document["cells"]
            if (c["trunk"], c["design"]) == (one["trunk"], one["design"])
        ]  # fmt: skip
        assert one["test"] == pytest.approx(cell["heads"][one["head"]]["test"])
    found = {(d["trunk"], d["head"]) for d in document["differences"]}
    assert found == {(t, h) for t in ("tiny", "base_cnn") for h in recipe.heads}
    again = compare(recipe, tmp_path / "out", asked, say=lambda line: None)
    assert again == document


@pytest.mark.slow
def test_networks_that_stop_by_themselves_are_told(compared, tmp_path):
    recipe, *_ = compared
    asked, recipe = Asked(designs=("multi",)), replace(recipe, patience=1, epochs=3)
    document = compare(recipe, tmp_path / "out", asked, say=lambda line: None)
    said = "at most 3 epochs (each stopped by itself after 1 without gain"
    assert any(said in note for note in document["notes"])


@pytest.mark.slow
def test_more_seeds_go_on_with_a_comparison(compared, tmp_path):
    recipe, out, asked, document, _ = compared
    shutil.copytree(out, tmp_path / "out")
    said: list[str] = []
    more = compare(recipe, tmp_path / "out", replace(asked, seeds=2), say=said.append)
    assert [line for line in said if line.startswith("training ")] == [
        f"training tiny-1-{name}"
        for name in ("gender", "illumination", "gender+illumination", "2-heads")
    ]
    assert [c for c in more["cells"] if not c["seed"]] == document["cells"]


def test_a_comparison_goes_on_with_its_own_pictures_only(compared, tmp_path):
    recipe, out, asked, *_ = compared
    shutil.copytree(out, tmp_path / "out")
    file = tmp_path / "out" / "split.csv"
    file.write_text("".join(file.read_text().splitlines(keepends=True)[:-1]))
    with pytest.raises(UserError, match="only be resumed on the data it began with"):
        compare(recipe, tmp_path / "out", asked, say=lambda line: None)


@pytest.mark.slow
def test_a_network_that_ctrl_c_stopped_is_trained_to_its_end(
    compared, tmp_path, monkeypatch
):
    recipe, *_ = compared
    asked, out = Asked(designs=("multi",)), tmp_path / "out"
    usual = callbacks.BestEpoch.on_epoch_end

    def stop(self, epoch, logs=None):
        usual(self, epoch, logs)
        raise KeyboardInterrupt

    monkeypatch.setattr(callbacks.BestEpoch, "on_epoch_end", stop)
    with pytest.raises(KeyboardInterrupt):
        compare(recipe, out, asked, say=lambda line: None)
    assert not (out / "tiny-0-2-heads" / "result.json").exists()
    monkeypatch.setattr(callbacks.BestEpoch, "on_epoch_end", usual)
    [cell] = compare(recipe, out, asked, say=lambda line: None)["cells"]
    history = pd.read_csv(out / "tiny-0-2-heads" / "history.csv")
    assert history["epoch"].tolist() == [1, 2]
    assert cell["cost"]["pictures_trained"] > 0
    assert cell["cost"]["peak_mb"] is None


def test_a_dry_run_lists_the_networks_and_trains_none(compared, tmp_path, capsys):
    recipe, *_ = compared
    options = ["--heads", "gender,illumination", "--data", recipe.data[0],
               "--trunk", "tiny", "--epochs", "2", "--merge", "gender+illumination",
               "--seeds", "2", "--dry-run", "--out", str(tmp_path / "out")]  # fmt: skip
    assert main(options) == 0
    said = capsys.readouterr().out
    assert "about " in said
    assert said.count("tiny-1-gender+illumination") == 1
    assert said.count("tiny-1-2-heads") == 1
    assert not (tmp_path / "out").exists()


def test_differences_over_seeds_are_wider_where_seeds_differ(tmp_path):
    from multitask.comparison.differences import means, to_single

    lots = np.random.default_rng(0)
    cells: list[dict[str, Any]] = []
    [gender] = catalog.heads(["gender"])
    base = (lots.random((400, 1)) < 0.8).astype(float)
    for seed, lost in enumerate((0, 60)):
        for design in ("single", "multi"):
            right = base.copy()
            if design == "multi":
                right[:lost] = 0
            folder = tmp_path / f"{design}-{seed}"
            folder.mkdir()
            np.savez(folder / "scores.npz", gender=right)
            cell = {"design": design, "trunk": "t", "seed": seed}
            cells.append(cell | {"networks": [folder.name], "heads": {"gender": {}}})
    rows = {"t": np.arange(400)}
    [found] = to_single(tmp_path, cells, [gender], rows)
    assert found["difference"] < 0
    assert found["verdict"] == "no difference shown"  # of two seeds, one shows none
    assert -1 <= found["ci"][0] < found["ci"][1] <= 1
    for one in means(tmp_path, cells, [gender], rows):
        assert 0 <= one["ci"][0] < one["test"] < one["ci"][1] <= 1
    [found] = to_single(tmp_path, [c for c in cells if c["seed"]], [gender], rows)
    assert found["verdict"] == "worse"


@pytest.mark.parametrize("seeds", [2, 3, 10])
def test_few_seeds_show_no_difference_where_there_is_none(seeds):
    lots = np.random.default_rng(0)
    shown = 0
    for _ in range(2000):
        means = lots.normal(0, 1, seeds)  # chance in training, and none in pictures
        draws = [np.full(1000, one) for one in means]
        low, high = scores.confidence_interval(scores.with_seed_variance(draws, means))
        shown += low > 0 or high < 0
    # 5%, whose standard deviation over 2,000 is 0.5%.
    assert 0.03 < shown / 2000 < 0.07


def test_a_single_seed_is_as_it_was_drawn():
    draws = np.arange(5.0)
    np.testing.assert_array_equal(scores.with_seed_variance([draws], [2.0]), draws)


def test_a_head_that_nothing_was_merged_with_has_no_difference(tmp_path):
    from multitask.comparison.differences import to_single

    for name, heads in (("g", "gender"), ("m", "makeup"), ("gp", "gender")):
        (tmp_path / name).mkdir()
        right = {heads: np.eye(4)[:, :1]}
        np.savez(tmp_path / name / "scores.npz", **right)  # type: ignore[arg-type]
    cells = [
        {"design": design, "trunk": "t", "seed": 0, "networks": networks,
         "heads": {"gender": {}, "makeup": {}}}
        for design, networks in (("single", ["g", "m"]), ("merged", ["gp", "m"]))
    ]  # fmt: skip
    asked = catalog.heads(["gender", "makeup"])
    found = to_single(tmp_path, cells, asked, {"t": np.arange(4)})
    assert [one["head"] for one in found] == ["gender"]


@pytest.mark.parametrize(
    ("head", "difference", "alone", "saved"),
    [
        ("age", -1.0, 5.0, 0.2),  # years: less is better
        ("gender", 0.02, 0.9, 0.2),  # of 10% errors 2 are saved
        ("gender", -0.02, 0.9, -0.2),
        ("gender", 0.0, 1.0, 0.0),
    ],
)
def test_what_is_saved_is_a_share_of_the_errors(head, difference, alone, saved):
    from multitask.comparison.differences import errors_saved as share

    [head] = catalog.heads([head])
    assert share(head, difference, alone) == pytest.approx(saved)
