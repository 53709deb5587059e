"""Does an audit find what was planted, count it right, and mend it by its rules?"""

import json
import os
import subprocess
import sys
import time
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from multitask import audit as command
from multitask.audit import audit, main
from multitask.contracts import catalog, plugins
from multitask.contracts.errors import UserError
from multitask.contracts.table import Reading, read_csv
from multitask.inspection import clean, duplicates, files
from multitask.inspection import findings as quality

ROOT = Path(__file__).parents[2]
UTKFACE = ROOT.parent / "shared" / "data" / "UTKFace"
TIME = "20170109142408075"


def scene(seed, size=48):
    """A picture like no other: its hash is far from those of all other seeds."""
    small = np.random.default_rng(seed).integers(0, 256, (9, 9, 3), np.uint8)
    return Image.fromarray(small).resize((size, size), Image.Resampling.BICUBIC)


@pytest.fixture
def planted(tmp_path):
    """UTKFace names. Two conflicting pairs, one that agrees, one of each fault."""
    folder = tmp_path / "faces"
    folder.mkdir()

    def save(name, picture, **options):
        picture.save(folder / f"{name}_{TIME}.png", **options)

    save("20_0_0", scene(1))
    save("20_1_0", scene(1))  # the same pixels, another gender
    save("30_0_1", scene(2))
    scene(2).save(folder / f"35_0_1_{TIME}.jpg", quality=80)  # near, another age
    save("40_1_2", scene(3))
    save("40_1_2_2", scene(3), compress_level=1)  # other bytes, same pixels and labels
    save("50_0_3", scene(4).convert("L"))
    save("51_1_4", Image.new("RGB", (40, 30), "white"))
    save("52_1_4", scene(5, 12))
    (folder / f"60_0_0_{TIME}.jpg").write_bytes(b"a letter")
    (folder / "61_1_20170109150557335.jpg").write_bytes(b"no race in the name")
    return folder


@pytest.fixture
def tables(monkeypatch):
    """Make `--data planned=FOLDER` give the table that a test plans."""
    planned = {}

    def use(table, folder):
        planned[Path(folder)] = table
        return f"planned={folder}"

    real = plugins.reader

    def reader(name):
        if name != "planned":
            return real(name)
        return lambda folder: Reading(table=planned[folder])

    monkeypatch.setattr(plugins, "reader", reader)
    return use


def found(folder):
    return json.loads((folder / "audit.json").read_text(encoding="utf-8"))


# What is found


def test_all_that_was_planted_is_found_and_nothing_else(planned_audit):
    facts = found(planned_audit)
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


@pytest.fixture
def planned_audit(planted, tmp_path):
    audit([f"utkface={planted}"], tmp_path / "out", fix=tmp_path / "fixed.csv")
    return tmp_path / "out"


def test_pairs_name_their_files_kind_and_what_they_disagree_about(planned_audit):
    pairs = {
        tuple(sorted(Path(p).name.partition(f"_{TIME}")[0] for p in pair["paths"])): (
            pair["kind"],
            pair["conflicts"],
        )
        for pair in found(planned_audit)["pairs"]
    }
    assert pairs == {
        ("20_0_0", "20_1_0"): ("exact", {"gender": ["male", "female"]}),
        ("30_0_1", "35_0_1"): ("near", {"age": ["30", "35"]}),
        ("40_1_2", "40_1_2_2"): ("exact", {}),
    }


def test_labels_are_counted_by_hand(planned_audit):
    heads = found(planned_audit)["heads"]
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
    [table] = [t for t in found(planned_audit)["together"]]
    assert table["heads"] == ["gender", "race"]
    assert table["counts"]["male"]["white"] == 2
    assert table["counts"]["female"]["others"] == 2


def test_sizes_and_modes_are_those_of_the_files(planned_audit):
    pictures = found(planned_audit)["pictures"]
    assert pictures["n"] == 9
    assert pictures["modes"] == {"RGB": 8, "L": 1}
    assert pictures["sizes"] == {"48x48": 7, "40x30": 1, "12x12": 1}


def test_page_shows_the_pictures_it_names(planned_audit):
    page = (planned_audit / "index.html").read_text(encoding="utf-8")
    pictures = {path.name for path in planned_audit.glob("*.png")}
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
    facts = found(tmp_path / "out")
    assert facts["malformed"] == 2
    assert facts["heads"]["gender"] == {"n": 2, "classes": {"male": 1, "female": 1}}
    assert facts["heads"]["age"]["n"] == 2
    reasons = {Path(r["path"]).name: r["reason"] for r in facts["malformed_labels"]}
    assert reasons["b.png"].startswith("gender is 'mail'")
    assert reasons["c.png"].startswith("age is '300.0'")
    assert findings.table["gender"].isna().tolist() == [False, True, False]
    assert table["gender"].notna().all()  # what was given is left alone


# Conflicts


@pytest.fixture
def ages():
    """Intervals and exact ages: 25, 20 to 29, 29 to 40, 30, nothing."""
    nan = np.nan
    return pd.DataFrame(
        {
            "path": list("abcde"),
            "age": [25, nan, nan, 30, nan],
            "age_low": [nan, 20, 29, nan, nan],
            "age_high": [nan, 29, 40, nan, nan],
        }
    )


def test_an_interval_conflicts_with_what_lies_outside_of_it(ages):
    known = duplicates.known(catalog.heads(["age"]), ages)
    conflicting = {
        (i, j)
        for i, j in combinations(range(5), 2)
        if known.apart(np.array([i]), np.array([j])).any()
    }
    # 25 lies in 20-29 but not in 29-40; these two share 29; 30 is only in the latter.
    assert conflicting == {(0, 2), (0, 3), (1, 3)}


def test_each_label_of_many_conflicts_by_itself(faces):
    heads = catalog.heads(["gender", "attributes[Smiling,Young]"])
    known = duplicates.known(heads, faces)
    assert known.names == ("gender", "Smiling", "Young")
    # a: male, Smiling, Young unknown; c: gender unknown, not Smiling, not Young
    assert known.apart(np.array([0]), np.array([2])).tolist() == [[0, 1, 0]]


# Counting


def looked(hashes, blank=()):
    """What `files.look` tells of pictures with these hashes, all pixels different."""
    return pd.DataFrame(
        {
            "reason": "",
            "phash": np.array(hashes, np.uint64),
            "digest": [str(i).encode() for i in range(len(hashes))],
            "blank": [i in blank for i in range(len(hashes))],
            "tiny": False,
        }
    )


def counted(hashes, **columns):
    table = pd.DataFrame({"path": [str(i) for i in range(len(hashes))], **columns})
    heads = catalog.heads(["gender"])
    return duplicates.duplicates(table, looked(hashes), duplicates.known(heads, table))


def test_equal_pictures_are_pairs_each_with_each():
    result = counted([7] * 4 + [2**40 - 1] * 2)
    assert result.pairs == 4 * 3 // 2 + 1
    assert len(result.listed) == 7


def test_a_picture_between_two_makes_them_no_pair():
    # 4 bits from the first to the second, 4 more to the third, 8 between them.
    result = counted([0, 0b1111, 0b11111111])
    assert result.listed[["left", "right"]].to_numpy().tolist() == [[0, 1], [1, 2]]


def test_counts_are_those_of_comparing_each_with_each():
    lots = np.random.default_rng(0)
    base = lots.integers(0, 2**64, 12, dtype=np.uint64)
    bits = np.uint64(1) << lots.integers(0, 64, (300, 3)).astype(np.uint64)
    hashes = lots.choice(base, 300) ^ bits[:, 0]
    hashes[::2] ^= bits[::2, 1] | bits[::2, 2]
    columns = {
        "gender": lots.choice(np.array(["male", "female", None]), 300),
        "split": lots.choice(np.array(["train", "test", None]), 300),
        "source": lots.choice(["a", "b"], 300),
    }
    result = counted(hashes, **columns)
    gender, split, source = columns.values()
    pairs = [
        (i, j)
        for i, j in combinations(range(300), 2)
        if int(hashes[i] ^ hashes[j]).bit_count() <= 4
    ]
    differ = [
        sum(c[i] != c[j] and None not in (c[i], c[j]) for i, j in pairs)
        for c in (gender, split)
    ]
    assert len(pairs) > 500
    assert result.pairs == len(pairs)
    assert [result.conflicting, result.leaking] == differ
    across = sum(source[i] != source[j] for i, j in pairs)
    assert result.sources["a", "b"] == across
    assert sum(result.sources.values()) == len(pairs)
    listed = map(tuple, result.listed[["left", "right"]].to_numpy().tolist())
    assert sorted(listed) == pairs


def test_pairs_too_many_to_list_are_counted_all_the_same():
    genders = ["male"] * 5_000 + ["female"] * 10
    result = counted([1] * 5_010, gender=genders)
    assert result.pairs == 5_010 * 5_009 // 2
    assert result.conflicting == 5_000 * 10
    assert len(result.listed) == duplicates.LISTED
    assert (result.listed["score"] > 0).all()


def test_blank_pictures_are_pairs_only_if_all_pixels_are_equal():
    table = pd.DataFrame({"path": list("abc")})
    look = looked([0, 0, 0], blank=(0, 1, 2))
    look["digest"] = [b"white", b"grey", b"white"]
    known = duplicates.known([], table)
    result = duplicates.duplicates(table, look, known)
    assert result.listed[["left", "right"]].to_numpy().tolist() == [[0, 2]]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("each", "bits"), [(1, 0), (10, 2), (100, 0), (1000, 0), (20, 4)]
)
def test_200_000_hashes_are_paired_in_a_minute(each, bits):
    lots = np.random.default_rng(each)
    hashes = lots.integers(0, 2**64, 200_000 // each, dtype=np.uint64).repeat(each)
    for _ in range(bits):
        turned = lots.integers(0, 64, len(hashes)).astype(np.uint64)
        hashes ^= np.uint64(1) << turned
    start = time.process_time()
    result = counted(hashes, gender=lots.choice(["male", "female"], len(hashes)))
    assert time.process_time() - start < 60
    if bits <= 2:  # two with 2 bits turned are 4 apart at most: each with each
        assert result.pairs == 200_000 // each * (each * (each - 1) // 2)
        assert result.conflicting == pytest.approx(result.pairs / 2, rel=0.02)


# Leaks


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
    facts = found(tmp_path / "out")
    assert (facts["duplicate_pairs"], facts["leaking_pairs"]) == (2, 1)
    assert facts["identities"] == [{"identity": "planned:ann", "parts": "train, val"}]
    assert facts["leaks"] == 2
    leaking = [pair for pair in facts["pairs"] if "splits" in pair]
    assert [pair["splits"] for pair in leaking] == [["train", "test"]]
    assert (tmp_path / "out" / "leaks.png").exists()


def test_pairs_of_two_data_sets_are_told_apart(tables, tmp_path):
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
    facts = found(tmp_path / "out")
    assert facts["sources"] == {"set0": 3, "set1": 2}
    assert facts["pairs_within"] == {"set0": 1}
    assert facts["pairs_across"] == {"set0, set1": 1}


def test_a_box_is_looked_at_and_not_what_lies_around_it(tables, tmp_path):
    both = Image.new("RGB", (96, 48))
    both.paste(scene(1), (0, 0))
    both.paste(scene(2), (48, 0))
    both.save(tmp_path / "a.png")
    both.save(tmp_path / "b.png")
    scene(2).save(tmp_path / "c.png")
    table = pd.DataFrame(
        {
            "path": [str(tmp_path / f"{name}.png") for name in "abc"],
            "box": ["0 0 48 48", "48 0 96 48", None],
            "gender": "male",
        }
    )
    audit([tables(table, tmp_path)], tmp_path / "out")
    [pair] = found(tmp_path / "out")["pairs"]
    assert [Path(path).name for path in pair["paths"]] == ["b.png", "c.png"]
    assert pair["kind"] == "exact"
    assert found(tmp_path / "out")["pictures"]["sizes"] == {"96x48": 2, "48x48": 1}


# Mending


def test_fix_keeps_one_of_each_and_empties_what_is_in_doubt(planned_audit, tmp_path):
    fixed = read_csv(tmp_path / "fixed.csv")
    rows = {
        Path(path).name.partition(f"_{TIME}")[0]: tuple(labels)
        for path, *labels, _ in fixed.fillna("").to_numpy().tolist()
    }
    assert rows == {
        "20_0_0": ("20.0", "", "white"),
        "30_0_1": ("", "male", "black"),
        "40_1_2": ("40.0", "female", "asian"),
        "50_0_3": ("50.0", "male", "indian"),
    }
    assert list(fixed) == ["path", "age", "gender", "race", "source"]


def test_what_was_fixed_has_nothing_left_to_fix(planned_audit, tables, tmp_path):
    fixed = pd.read_csv(tmp_path / "fixed.csv")
    findings = audit([tables(fixed, tmp_path)], tmp_path / "again")
    assert findings.wrong() == {}
    assert found(tmp_path / "again")["duplicate_pairs"] == 0


def test_the_ends_of_a_chain_both_stay_and_intervals_are_emptied_whole(ages):
    # a - b - c - d: each 4 bits from the next; a stays, b goes for it, c stays as b
    # is gone, d goes for c. Both a and c are contradicted by none or one that went.
    hashes = [0, 0xF, 0xFF, 0xFFF, 2**64 - 2**30]
    known = duplicates.known(catalog.heads(["age"]), ages)
    left = clean.clean(ages, looked(hashes), known)
    assert left["path"].tolist() == ["a", "c", "e"]
    # b (20-29) fits a (25) and c (29-40), d (30) fits c.
    assert left["age"].tolist()[0] == 25
    assert left[["age_low", "age_high"]].to_numpy()[1].tolist() == [29, 40]
    other = ages.assign(age=[25, np.nan, np.nan, 50, np.nan])
    known = duplicates.known(catalog.heads(["age"]), other)
    left = clean.clean(other, looked(hashes), known)
    assert left.loc[1, ["age", "age_low", "age_high"]].isna().all()


def test_parquet_by_its_ending(planted, tmp_path):
    pytest.importorskip("pyarrow")
    audit([f"utkface={planted}"], tmp_path / "out", fix=tmp_path / "f.parquet")
    assert len(pd.read_parquet(tmp_path / "f.parquet")) == 4


# The command


def test_command_prints_a_table_and_strict_says_what_is_wrong(
    planted, tmp_path, capsys
):
    asked = ["--data", f"utkface={planted}", "--out"]
    assert main([*asked, str(tmp_path / "one")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["rows", "10", "utkface", "10"]
    assert any(line.startswith("conflicting pairs") for line in lines)
    assert main([*asked, str(tmp_path / "two"), "--strict"]) == 1
    said = capsys.readouterr().out.splitlines()[-1]
    assert said == (
        "strict: 1 unreadable, 1 malformed, 2 conflicting pairs, 1 blank, 1 tiny"
    )
    assert (tmp_path / "two" / "index.html").exists()


def test_strict_passes_what_is_flawless(tmp_path, capsys):
    folder = tmp_path / "faces"
    folder.mkdir()
    for number in range(3):
        scene(number).save(folder / f"{number}_0_0_{TIME}.png")
    asked = ["--data", f"utkface={folder}", "--out", str(tmp_path / "out"), "--strict"]
    assert main(asked) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "strict: nothing wrong"
    assert found(tmp_path / "out")["pairs"] == []


def test_only_the_heads_asked_for(planted, tmp_path):
    audit([f"utkface={planted}"], tmp_path / "out", heads=["race"])
    facts = found(tmp_path / "out")
    assert list(facts["heads"]) == ["race"]
    assert facts["other_columns"] == ["age", "gender"]
    assert facts["conflicting_pairs"] == 0


def test_mistakes_are_one_line_told_before_the_work(planted, tmp_path, capsys):
    data = ["--data", f"utkface={planted}"]
    there = tmp_path / "there.csv"
    there.touch()
    out = ["--out", str(tmp_path / "out")]
    for asked, line in (
        (out, "--data: names no data set; write --data NAME=FOLDER"),
        ([*data, "--out", str(planted)], f"{planted}: exists already"),
        ([*data, *out, "--heads", "rase"], "--heads: no head 'rase'; did you mean"),
        ([*data, *out, "--heads", "pose"], "head pose: the data holds no label"),
        ([*data, *out, "--fix", "a.txt"], "--fix: 'a.txt' must end in .csv"),
        ([*data, *out, "--fix", str(there)], f"--fix: '{there}' exists already"),
    ):
        assert main(asked) == 2
        said, error = capsys.readouterr()
        assert said == ""
        assert error.startswith(line)
        assert error.count("\n") == 1
        assert not (tmp_path / "out").exists()


def test_if_no_picture_can_be_read_the_findings_say_so_and_there_is_no_fix(tmp_path):
    folder = tmp_path / "faces"
    folder.mkdir()
    (folder / f"1_0_0_{TIME}.jpg").touch()
    with pytest.raises(UserError, match="^--fix: no row is left"):
        audit([f"utkface={folder}"], tmp_path / "out", fix=tmp_path / "f.csv")
    facts = found(tmp_path / "out")
    assert facts["unreadable_files"][0]["reason"].startswith("empty file")
    assert facts["pictures"]["sizes"] == {}
    assert not (tmp_path / "f.csv").exists()


def test_names_that_are_no_text_are_counted_like_others(tmp_path):
    folder = tmp_path / "faces"
    folder.mkdir()
    for name in (b"20", b"21"):
        path = os.fsencode(folder) + b"/" + name + b"_0_0_\xff.png"
        with open(path, "wb") as file:
            scene(1).save(file, "PNG")
    audit([f"utkface={folder}"], tmp_path / "out", fix=tmp_path / "f.csv")
    assert found(tmp_path / "out")["conflicting_pairs"] == 1
    assert os.path.exists(read_csv(tmp_path / "f.csv")["path"][0])


def test_tensorflow_stays_away(planted, tmp_path):
    program = (
        "import sys; from multitask.audit import main; main(sys.argv[1:]); "
        "print('tensorflow' in sys.modules, 'keras' in sys.modules)"
    )
    asked = ["--data", f"utkface={planted}", "--out", str(tmp_path / "out")]
    done = subprocess.run(
        [sys.executable, "-c", program, *asked],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "False False"


def test_every_finding_has_a_place_in_the_text(planted, tmp_path):
    findings = audit([f"utkface={planted}"], tmp_path / "out")
    from multitask.reports import _audit

    names = {name for name, _, _ in _audit.facts(findings)}
    assert set(findings.wrong()) <= names
    assert command.parser().prog == "multitask audit"
    assert quality.leaking_identities(findings.table).empty
    assert files.inspect_file(str(tmp_path / "gone.png")).reason == "no such file"


@pytest.mark.slow
@pytest.mark.skipif(not UTKFACE.is_dir(), reason="needs the data set UTKFace")
def test_utkface_is_audited_in_a_minute_and_mended(tmp_path):
    start = time.process_time()
    findings = audit(
        [f"utkface={UTKFACE}"], tmp_path / "out", fix=tmp_path / "fixed.csv"
    )
    assert time.process_time() - start < 120  # of two cores
    facts = found(tmp_path / "out")
    assert facts["rows"] + facts["malformed"] == 18_979
    assert (facts["malformed"], facts["unreadable"]) == (3, 0)
    assert 300 < facts["duplicate_pairs"] < 1000
    assert 0.5 < facts["conflicting_pairs"] / facts["duplicate_pairs"] < 1
    assert facts["pictures"]["sizes"] == {"200x200": 18_976}
    fixed = read_csv(tmp_path / "fixed.csv")
    dropped = facts["rows"] - len(fixed)
    assert 0 < dropped <= facts["duplicate_pairs"] + facts["blank"]
    assert fixed["age"].isna().sum() > 100
    assert len(findings.table) == facts["rows"]


def test_heads_that_the_data_bring_are_looked_at(tmp_path):
    from multitask.datasets import sample

    sample.write(tmp_path / "faces", "folders", count=20, head="pose")
    audit([f"side=folder:{tmp_path / 'faces'}"], tmp_path / "out")
    document = json.loads((tmp_path / "out" / "audit.json").read_text())
    assert document["heads"]["side"]["n"] == 20


def test_numbers_that_are_all_out_of_range_are_malformed_and_no_traceback(
    tables, tmp_path, capsys
):
    for number in (1, 2):
        scene(number).save(tmp_path / f"{number}.png")
    paths = [str(tmp_path / f"{number}.png") for number in (1, 2)]
    table = pd.DataFrame({"path": paths, "age": [1985.0, 1990.0]})
    out = tmp_path / "audit"
    assert main(["--data", tables(table, tmp_path), "--out", str(out)]) == 0
    assert found(out)["malformed"] == 2
    assert "age labels" in capsys.readouterr().out
