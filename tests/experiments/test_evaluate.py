"""Is a network measured on the right pictures, with a warning if figures mislead?"""

import errno
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from filelock import FileLock

import multitask
from multitask.contracts.errors import UserError
from multitask.contracts.machine import Machine
from multitask.experiments import evaluate
from multitask.experiments.evaluate import report, report_folder
from multitask.experiments.outputs import network_outputs
from multitask.experiments.prepare import prepare
from multitask.experiments.run import fit
from multitask.networks import archive
from multitask.networks.analyzer import Analyzer
from tests import layouts
from tests.runs import quiet, tiny_recipe

pytestmark = pytest.mark.usefixtures("numbers_alone", "opened_once")


def test_a_report_has_the_keys_that_scripts_rely_on(drawn_run):
    report = json.loads((drawn_run.folder / "report" / "report.json").read_text())
    heads = report["heads"]
    assert report["rows"] == len(drawn_run.evaluation.labels)
    assert {"n", "accuracy", "macro_f1", "classification_report"} <= set(
        heads["gender"]
    )
    assert {"n", "mae"} <= set(heads["age"])
    assert {"n", "mean_accuracy", "macro_f1", "per_label"} <= set(heads["attributes"])


def test_the_saved_network_gives_the_answers_of_the_report(drawn_run):
    evaluation = drawn_run.evaluation
    answers = multitask.load(drawn_run.folder).predict(
        evaluation.labels["path"].tolist()
    )
    for column in ("age", "gender_confidence", "Smiling_confidence"):
        np.testing.assert_allclose(
            answers[column].to_numpy(float),
            evaluation.answers[column].to_numpy(float),
            rtol=1e-4,
            atol=1e-4,
        )


@pytest.mark.slow
def test_the_saved_network_gives_the_answers_computed_from_features(
    drawn_faces, tmp_path
):
    recipe = tiny_recipe(drawn_faces, freeze="all", views=3)
    machine = Machine(cache=tmp_path / "cache")
    run = fit(recipe, tmp_path / "run", machine=machine, say=quiet)
    assert any("as it is and 2 mirrored" in note for note in run.evaluation.notes)
    answers = multitask.load(run.folder).predict(run.evaluation.labels["path"].tolist())
    np.testing.assert_allclose(
        answers["gender_confidence"].to_numpy(float),
        run.evaluation.answers["gender_confidence"].to_numpy(float),
        rtol=1e-4,
    )


@pytest.mark.skipif(
    not hasattr(os, "posix_fallocate"), reason="room is not reserved on this system"
)
def test_a_trained_network_is_measured_without_room_for_features(
    drawn_faces, tmp_path, monkeypatch
):
    lines: list[str] = []

    def full(file, start, size):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def outputs_on_a_full_disk(*args):
        with monkeypatch.context() as patch:
            patch.setattr(os, "posix_fallocate", full)
            return network_outputs(*args)

    recipe = tiny_recipe(drawn_faces, freeze="all", augment="none", epochs=1)
    machine = Machine(cache=tmp_path / "cache")
    with monkeypatch.context() as patch:
        patch.setattr(evaluate, "network_outputs", outputs_on_a_full_disk)
        run = fit(recipe, tmp_path / "full", machine=machine, say=lines.append)
    start = "Features are computed without the cache: "
    assert any(line.startswith(start) for line in lines)
    roomy = fit(recipe, tmp_path / "roomy", machine=machine, say=quiet)
    np.testing.assert_allclose(
        run.evaluation.answers["gender_confidence"].astype(float),
        roomy.evaluation.answers["gender_confidence"].astype(float),
        rtol=1e-3,
    )


def test_a_report_on_pictures_that_were_moved_knows_them_again(drawn_faces, tmp_path):
    copy = tmp_path / "faces"
    shutil.copytree(drawn_faces, copy)
    run = fit(tiny_recipe(copy, epochs=1), tmp_path / "run", say=quiet)
    split = pd.read_csv(run.folder / "split.csv")
    moved = split.assign(path=split["path"].str.replace("faces", "other", n=1))
    moved.to_csv(run.folder / "split.csv", index=False)
    with pytest.raises(UserError, match="lists no picture that still exists"):
        report(run.folder)
    evaluation = report(run.folder, [f"sample={copy}"])
    assert evaluation.split == "test"
    tested = split.loc[split["split"] == "test", "path"]
    assert sorted(evaluation.labels["path"]) == sorted(tested)
    assert any("recognized by the end of the path" in n for n in evaluation.notes)
    others = tmp_path / "others"
    layouts.write(others, "utkface", count=20)
    evaluation = report(run.folder, [f"utkface={others}"])
    assert (evaluation.split, len(evaluation.labels)) == ("all", 20)
    assert not any("were recognized" in note for note in evaluation.notes)


def test_a_report_leaves_out_notes_on_data_sets_that_it_does_not_measure(
    drawn_run, tmp_path
):
    file = Path(shutil.copy(drawn_run.folder / "network.keras", tmp_path))
    notes = ("--data sample: of one part.", "--data celeba: of one part.", "Mixed.")
    archive.save_spec(replace(archive.load_spec(file), notes=notes), file)
    layouts.write(tmp_path / "others", "utkface", count=20)
    evaluation = report(file, [f"utkface={tmp_path / 'others'}"])
    assert set(evaluation.notes) & set(notes) == {"Mixed."}
    evaluation = report(file)  # on the sample, which it learned from
    assert set(evaluation.notes) & set(notes) == {notes[0], "Mixed."}


def test_a_report_without_the_split_of_its_own_data_says_so(drawn_run, tmp_path):
    shutil.copy(drawn_run.folder / "network.keras", tmp_path)
    evaluation = report(tmp_path / "network.keras")
    assert evaluation.split == "all"
    assert any(
        "no split.csv beside it lists its training pictures" in n
        for n in evaluation.notes
    )


def test_a_report_on_its_own_data_is_of_pictures_that_the_run_listed(
    drawn_faces, tmp_path
):
    folder = tmp_path / "faces"
    layouts.write(folder, "celeba", count=120)
    settings = {"heads": ("gender",), "data": (f"celeba={folder}",), "limit": 60}
    recipe = tiny_recipe(drawn_faces, **settings, epochs=1, split="60/20/20")
    run = fit(recipe, tmp_path / "run", say=quiet)
    evaluation = report(run.folder)
    listed = pd.read_csv(run.folder / "split.csv").set_index("path")["split"]
    assert set(listed.loc[evaluation.labels["path"]]) == {"test"}
    assert len(evaluation.labels) == (listed == "test").sum()


def test_a_data_set_without_parts_beside_one_that_has_some_is_measured_whole(
    drawn_run, drawn_faces, tmp_path
):
    other = tmp_path / "other"
    layouts.write(other, "utkface", count=10, seed=5)
    sets = [f"sample={drawn_faces}", f"utkface={other}"]
    measured = report(drawn_run.folder, sets, out=tmp_path / "report")
    counts = measured.labels["source"].value_counts().to_dict()
    assert counts == {
        "sample": len(drawn_run.evaluation.labels),
        "utkface": len(list(other.rglob("*.jpg"))),
    }


def test_a_full_disk_while_the_report_is_written_is_told(
    drawn_faces, tmp_path, monkeypatch
):
    from multitask.reports import numbers

    def full(comparison, folder):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(numbers, "write", full)
    with pytest.raises(UserError, match="report: can't be written: No space left"):
        fit(tiny_recipe(drawn_faces), tmp_path / "run", say=quiet)
    assert len(multitask.load(tmp_path / "run").heads) == 1


def test_reports_go_into_new_folders_beside_the_network(drawn_run):
    before = set(drawn_run.folder.glob("report*"))
    folders = [Path(f"{report(drawn_run.folder).folder}").name for _ in range(2)]
    assert folders == ["report-2", "report-3"]
    for name in folders:
        folder = drawn_run.folder / name
        assert {"report.json", "answers.csv", "skipped.csv"} <= set(os.listdir(folder))
        shutil.rmtree(folder)
    assert set(drawn_run.folder.glob("report*")) == before


def test_a_report_that_was_killed_is_made_again_in_its_folder(drawn_run):
    folder = drawn_run.folder / "report-2"
    folder.mkdir()
    assert report_folder(drawn_run.folder).name == "report-3"
    (folder / ".part-journal").write_text("{}")
    assert report_folder(drawn_run.folder) == folder
    with FileLock(folder / ".lock"):  # it still goes on
        assert report_folder(drawn_run.folder).name == "report-3"
    shutil.rmtree(folder)


def test_a_part_can_be_named(drawn_run, tmp_path):
    split = pd.read_csv(drawn_run.folder / "split.csv")["split"]
    for part in ("val", "all"):  # elsewhere it is the test part
        out = tmp_path / part
        evaluation = report(drawn_run.folder, split=part, out=out)
        assert (evaluation.split, evaluation.folder) == (part, out)
        expected = len(split) if part == "all" else (split == part).sum()
        assert len(evaluation.labels) == expected
    with pytest.raises(UserError) as caught:
        report(drawn_run.folder, split="tset", out=tmp_path / "tset")
    assert str(caught.value) == (
        "--split: is 'tset', must be one of train, val, test, all; did you mean 'test'?"
    )


@pytest.mark.parametrize("usable", [True, False])
def test_outputs_of_a_frozen_trunk_are_those_of_the_network(
    drawn_faces, tmp_path, usable
):
    recipe = tiny_recipe(drawn_faces, epochs=1, freeze="all", image_size=24)
    machine = Machine(cache=tmp_path / "cache")
    run = fit(recipe, tmp_path / "run", say=quiet, machine=machine)
    prepared = prepare(recipe, tmp_path / "run", quiet, machine=machine)
    analyzer, rows = multitask.load(run.folder), np.array([3, 1])
    if not usable:
        shutil.rmtree(tmp_path / "cache")
        (tmp_path / "cache").touch()
    lines: list[str] = []
    raw = network_outputs(
        analyzer, recipe, machine, prepared.pixels, rows, lines.append
    )
    expected = analyzer.outputs(prepared.pixels, rows)
    np.testing.assert_allclose(raw["gender"], expected["gender"], rtol=1e-4, atol=1e-5)
    without = [line for line in lines if "computed without the cache" in line]
    assert len(without) == (not usable)


def test_a_report_measures_the_groups_of_two_columns_on_request(drawn_run, tmp_path):
    evaluation = multitask.report(
        drawn_run.folder, by="gender*expression", out=tmp_path / "by", say=quiet
    )
    report = json.loads((tmp_path / "by" / "report.json").read_text("utf-8"))
    groups = report["heads"]["age"]["subgroups"]
    both = [group for group in groups if group["column"] == "gender*expression"]
    labels = evaluation.labels[evaluation.labels["age"].notna()]
    pairs = labels.groupby(["gender", "expression"]).size()
    assert {tuple(group["group"].split(", ")): group["n"] for group in both} == dict(
        pairs
    )
    assert all(group["is_small"] for group in both)
    assert "Weakest" not in report["heads"]["age"]["sentence"]


def test_a_group_that_the_data_has_not_is_an_error_before_anything_is_read(
    drawn_run, tmp_path
):
    with pytest.raises(UserError, match="by: 'gendre' is no .*mean 'gender'"):
        multitask.report(
            drawn_run.folder, by=["gendre*age"], out=tmp_path / "by", say=quiet
        )


def test_pictures_without_a_number_are_left_out_of_a_report_and_counted(
    drawn_run, tmp_path, monkeypatch
):
    def damaged(self, pixels, rows, **settings):
        outputs = whole(self, pixels, rows, **settings)
        outputs["gender"] = outputs["gender"].copy()
        outputs["gender"][:lost] = np.nan
        return outputs

    whole = Analyzer.outputs
    monkeypatch.setattr(Analyzer, "outputs", damaged)
    measured, lost = len(drawn_run.evaluation.labels), 2
    evaluation = report(drawn_run.folder, out=tmp_path / "report")
    note = "2 pictures without an answer (not a number) are left out."
    assert note in evaluation.notes
    assert len(evaluation.labels) == len(evaluation.answers) == measured - 2
    lost = measured
    with pytest.raises(UserError, match="answers none of .* with a number"):
        report(drawn_run.folder, out=tmp_path / "other")
