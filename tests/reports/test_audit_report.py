"""Does the report on an audit show every finding, and other people's names as text?"""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from multitask.reports import audit as report

from multitask.inspection.audit import audit
from tests.planted import TIME, document, scene

NAN = np.nan


def test_pairs_name_their_files_similarity_and_contradictions(planted_audit):
    pairs = {
        tuple(sorted(Path(p).name.partition(f"_{TIME}")[0] for p in pair["paths"])): (
            pair["kind"],
            pair["conflicts"],
        )
        for pair in document(planted_audit)["pairs"]
    }
    assert pairs == {
        ("20_0_0", "20_1_0"): ("exact", {"gender": ["male", "female"]}),
        ("30_0_1", "35_0_1"): ("near", {"age": ["30", "35"]}),
        ("40_1_2", "40_1_2_2"): ("exact", {}),
    }


def test_page_shows_the_pictures_it_names(planted_audit):
    page = (planted_audit / "index.html").read_text(encoding="utf-8")
    pictures = {path.name for path in planted_audit.glob("*.png")}
    assert {"conflicts.png", "duplicates.png", "blank.png", "classes.png"} <= pictures
    assert {"number_age.png", "number_age_gender.png", "number_age_race.png"} < pictures
    assert "together_gender_race.png" in pictures
    for name in pictures:
        assert f'<img src="{name}"' in page
    assert "age: 30 | 35" in page


def test_names_of_other_people_are_never_code(tables, tmp_path):
    path = tmp_path / "<script>.png"
    scene(1).save(path)
    table = pd.DataFrame({"path": [str(path)], "gender": ["<b>"], "<i>": [1]})
    audit([tables(table, tmp_path)], tmp_path / "out")
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "<b>" not in page
    assert "<i>" not in page
    assert "&lt;b&gt;" in page


def headings(page):
    """The names of the columns of each table of text."""
    tables = re.findall(r'<table class="text.*?<thead>(.*?)</thead>', page, re.DOTALL)
    return [re.findall("<th>(.*?)</th>", table) for table in tables]


def test_tables_of_columns_and_files_name_what_is_in_them(tmp_path):
    scene(1).save(tmp_path / "1.png")
    (tmp_path / "2.png").write_bytes(b"")
    for name in ("one.csv", "two.csv"):
        (tmp_path / name).write_text("path,mood\n1.png,calm\n2.png,tense\n")
    one, two = (f"{name}=table:{tmp_path}/{name}.csv" for name in ("one", "two"))
    audit([one], tmp_path / "out")
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert headings(page) == [["column", "read as", "remarks"], ["path", "reason"]]
    audit([one, two], tmp_path / "both")
    page = (tmp_path / "both" / "index.html").read_text(encoding="utf-8")
    assert headings(page)[0] == ["data set", "column", "read as", "remarks"]


def test_every_finding_has_a_place_in_the_text(planted_faces, tmp_path):
    findings = audit([f"utkface={planted_faces}"], tmp_path / "out")
    names = {name for name, _, _ in report.facts(findings)}
    assert set(findings.wrong()) <= names


@pytest.mark.parametrize(
    ("columns", "line"),
    [
        ({"vip": [1, 0, 0, 1, 0]}, ["vip labels", "5", "0 3, 1 2"]),
        ({"vip": [1, 0, NAN, NAN, 0]}, ["vip labels", "3", "0 2, 1 1"]),
        (
            {"Smiling": [1, 0, 0, 1, 0], "Young": [NAN, 0, NAN, 0, 0]},
            ["attributes labels", "5", "yes: Smiling 2 of 5, Young 0 of 3"],
        ),
    ],
)
def test_labels_of_yes_and_no_are_counted(tables, tmp_path, columns, line):
    paths = [str(tmp_path / f"{n}.png") for n in range(5)]
    for number, path in enumerate(paths):
        scene(number).save(path)
    table = pd.DataFrame({"path": paths, **columns})
    declared = {"vip": {"kind": "sigmoid"}}
    heads = ["vip"] if "vip" in columns else ["attributes[Smiling,Young]"]
    data = [tables(table, tmp_path)]
    findings = audit(data, tmp_path / "out", heads=heads, declared=declared)
    assert line in [re.split(r"  +", row) for row in report.text(findings).splitlines()]
