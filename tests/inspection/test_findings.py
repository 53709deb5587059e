"""Do the findings hold what was planted, and the labels as counted by hand?"""

from pathlib import Path

import pandas as pd
import pytest

from multitask.inspection.audit import audit
from multitask.inspection.findings import leaking_identities
from tests.planted import TIME, document, scene


def test_all_planted_faults_are_found_and_no_others(planted_audit):
    facts = document(planted_audit)
    assert facts["rows"] == 10  # 11 files without the malformed name
    assert facts["sources"] == {"utkface": 10}
    assert (facts["unreadable"], facts["malformed"]) == (1, 1)
    assert (facts["blank"], facts["tiny"]) == (1, 1)
    assert (facts["duplicate_pairs"], facts["conflicting_pairs"]) == (3, 2)
    assert (facts["exact_pairs"], facts["near_pairs"]) == (2, 1)
    assert facts["conflicts"] == {"age": 1, "gender": 1}
    assert facts["leaks"] == 0
    assert Path(facts["unreadable_files"][0]["path"]).name == f"60_0_0_{TIME}.jpg"
    assert "no picture that can be read" in facts["unreadable_files"][0]["reason"]
    assert "must have 4" in facts["malformed_labels"][0]["reason"]


def test_labels_are_counted_by_hand(planted_audit):
    heads = document(planted_audit)["heads"]
    assert list(heads) == ["age", "gender", "race"]
    assert heads["gender"] == {"n": 10, "classes": {"male": 5, "female": 5}}
    assert heads["race"]["classes"] == {
        "white": 3, "black": 2, "asian": 2, "indian": 1, "others": 2,
    }  # fmt: skip
    age = heads["age"]
    # 20 20 30 35 40 40 50 51 52 60
    assert (age["n"], age["exact"], age["min"], age["max"]) == (10, 10, 20, 60)
    assert age["mean"] == pytest.approx(39.8)
    assert age["bands"]["20+"] == 2
    assert age["bands"]["50+"] == 3
    [table] = [t for t in document(planted_audit)["together"]]
    assert table["heads"] == ["gender", "race"]
    assert table["counts"]["male"]["white"] == 2
    assert table["counts"]["female"]["others"] == 2


def test_a_label_that_no_head_can_have_is_malformed_and_counts_for_nothing(
    tables, tmp_path
):
    for name in "abc":
        scene(ord(name)).save(tmp_path / f"{name}.png")
    table = pd.DataFrame(
        {
            "path": [str(tmp_path / f"{name}.png") for name in "abc"],
            "gender": ["male", "mail", "female"],
            "age": [20.0, 30.0, 300.0],
        }
    )
    findings = audit([tables(table, tmp_path)], tmp_path / "out")
    facts = document(tmp_path / "out")
    assert facts["malformed"] == 2
    assert facts["heads"]["gender"] == {"n": 2, "classes": {"male": 1, "female": 1}}
    assert facts["heads"]["age"]["n"] == 2
    reasons = {Path(r["path"]).name: r["reason"] for r in facts["malformed_labels"]}
    assert reasons["b.png"].startswith("gender is 'mail'")
    assert reasons["c.png"].startswith("age is '300'")
    assert findings.table["gender"].isna().tolist() == [False, True, False]
    assert table["gender"].notna().all()  # the input is unchanged


def test_near_pictures_and_identities_in_two_parts_are_leaks(tables, tmp_path):
    seeds = [1, 1, 2, 2, 3, 4, 5]
    paths = [tmp_path / f"{i}.png" for i in range(7)]
    for path, seed in zip(paths, seeds, strict=True):
        scene(seed).save(path)
    table = pd.DataFrame(
        {
            "path": list(map(str, paths)),
            "split": ["train", "test", "train", "train", "train", "val", None],
            "identity": [None, None, None, None, "ann", "ann", "ann"],
            "gender": "male",
        }
    )
    audit([tables(table, tmp_path)], tmp_path / "out")
    facts = document(tmp_path / "out")
    assert (facts["duplicate_pairs"], facts["leaking_pairs"]) == (2, 1)
    assert facts["identities"] == [{"identity": "planned:ann", "parts": "train, val"}]
    assert facts["leaks"] == 2
    leaking = [pair for pair in facts["pairs"] if "splits" in pair]
    assert [pair["splits"] for pair in leaking] == [["train", "test"]]
    assert (tmp_path / "out" / "leaks.png").exists()


def test_pairs_across_data_sets_are_counted_apart(tables, tmp_path):
    readings = []
    for number, seeds in enumerate([(1, 1, 2), (2, 3)]):
        folder = tmp_path / f"set{number}"
        folder.mkdir()
        paths = [folder / f"{i}.png" for i in range(len(seeds))]
        for path, seed in zip(paths, seeds, strict=True):
            scene(seed).save(path)
        table = pd.DataFrame({"path": map(str, paths), "source": f"set{number}"})
        readings.append(tables(table.assign(gender="male"), folder))
    audit(readings, tmp_path / "out")
    facts = document(tmp_path / "out")
    assert facts["sources"] == {"set0": 3, "set1": 2}
    assert facts["pairs_within"] == {"set0": 1}
    assert facts["pairs_across"] == {"set0, set1": 1}


def test_identities_within_one_part_are_no_leak():
    table = pd.DataFrame(
        {"identity": ["a", "a", None], "split": ["test"] * 2 + ["val"]}
    )
    assert leaking_identities(table).empty
