"""Are networks measured on the same rows, with differences that are paired?"""

import json
from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest
from multitask.datasets import sample

import multitask
from multitask.comparison.differences import verdict
from multitask.contracts import catalog
from multitask.contracts import run as run_files
from multitask.contracts.errors import UserError
from multitask.metrics.resampling import wilson
from multitask.networks import archive
from multitask.networks.analyzer import Analyzer
from multitask.networks.build import build
from multitask.networks.spec import NetworkSpec
from multitask.report import main

pytestmark = pytest.mark.usefixtures("opened_once")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """A folder with 60 faces of the sample, and their labels."""
    folder = tmp_path_factory.mktemp("drawn") / "faces"
    reading = sample.read(folder, count=60)
    return folder, reading.table


@pytest.fixture
def run(tmp_path, drawn, tiny_trunk):
    """A run that nobody trained, whose test part are rows of the drawn faces."""
    folder, table = drawn

    def run(name, tested, heads=("age", "gender"), data=None, notes=()):
        out = tmp_path / name
        out.mkdir()
        spec = NetworkSpec(
            trunk=tiny_trunk,
            size=16,
            heads=tuple(h.resolve(table) for h in catalog.heads(heads)),
            tta=1,
            notes=notes,
            recipe={"data": data or [f"sample={folder}"], "heads": list(heads)},
        )
        archive.save(build(spec), spec, out / "network.keras")
        parts = np.where(np.isin(np.arange(len(table)), tested), "test", "train")
        table[["path"]].assign(split=parts).to_csv(out / "split.csv", index=False)
        return out

    return run


def test_two_runs_are_measured_on_their_common_test_pictures(run, drawn, tmp_path):
    one, two = run("one", range(40)), run("two", range(10, 60))
    result = multitask.report([one, two], out=tmp_path / "out", say=lambda line: None)
    assert [network.name for network in result.networks] == ["one", "two"]
    assert (result.split, result.rows) == ("test", 30)
    first, second = result.evaluations.values()
    assert first.labels["path"].tolist() == drawn[1]["path"].iloc[10:40].tolist()
    assert second.labels["path"].tolist() == first.labels["path"].tolist()
    errors = [
        (each.labels["age"] - each.answers["age"]).abs().to_numpy()[:, None]
        for each in (first, second)
    ]
    (age,) = (d for d in result.differences if d.head == "age")
    assert age.difference == pytest.approx(errors[1].mean() - errors[0].mean())
    score = result.score("age", "one")
    assert score
    assert score.value == pytest.approx(errors[0].mean())
    document = json.loads((tmp_path / "out" / "side_by_side.json").read_text())
    assert document == result.to_json()
    assert any("30 measure all. Left out: 20 that one" in n for n in result.notes)
    assert pd.read_csv(tmp_path / "out" / "skipped.csv").empty


def test_evaluations_on_a_data_frame_have_its_index(run, drawn, tmp_path):
    one, two = run("one", range(40)), run("two", range(10, 60))
    frame = drawn[1][["path", "age", "gender"]].add_prefix("row ", axis="index")
    result = multitask.report([one, two], frame[::-1], out=tmp_path / "out", say=str)
    for each in result.evaluations.values():
        expected = frame.loc[each.labels.index]
        assert each.labels["path"].tolist() == expected["path"].tolist()
        assert each.answers.index.equals(each.labels.index)
        assert len(expected) == result.rows == 30


def test_notes_on_data_sets_that_are_not_measured_are_left_out(run, drawn, tmp_path):
    notes = ("--data sample: of one part.", "--data celeba: of one part.", "Mixed.")
    one, two = run("one", range(40), notes=notes), run("two", range(40))
    data = [f"sample={drawn[0]}"]
    result = multitask.report(
        [one, two], data, out=tmp_path / "out", say=lambda line: None
    )
    told = {f"one: {note}" for note in notes} & set(result.notes)
    assert told == {"one: --data sample: of one part.", "one: Mixed."}


def test_a_network_beside_itself_differs_in_nothing(run, tmp_path):
    one = run("one", range(40))
    two = tmp_path / "copy"
    two.mkdir()
    for name in ("network.keras", "split.csv"):
        (two / name).write_bytes((one / name).read_bytes())
    result = multitask.report([one, two], out=tmp_path / "out", say=lambda line: None)
    assert {d.difference for d in result.differences} == {0.0}
    assert {d.ci for d in result.differences} == {(0.0, 0.0)}
    assert {d.verdict for d in result.differences} == {"no difference shown"}


def test_pictures_that_one_answers_with_no_number_are_listed_and_left_out(
    run, drawn, tmp_path, monkeypatch
):
    real = Analyzer.outputs

    def outputs(self, pixels, rows, **settings):
        raw = real(self, pixels, rows, **settings)
        if self.file.parent.name == "two":
            raw["gender"] = raw["gender"].copy()
            raw["gender"][:3] = np.nan
        return raw

    monkeypatch.setattr(Analyzer, "outputs", outputs)
    one, two = run("one", range(40)), run("two", range(40))
    result = multitask.report([one, two], out=tmp_path / "out", say=lambda line: None)
    skipped = pd.read_csv(tmp_path / "out" / "skipped.csv")
    assert skipped["path"].tolist() == drawn[1]["path"].iloc[:3].tolist()
    assert set(skipped["network"]) == {"two"}
    assert set(skipped["reason"]) == {"no answer (not a number)"}
    assert {len(each.labels) for each in result.evaluations.values()} == {37}


def test_of_five_pictures_no_difference_is_shown(run, tmp_path):
    """All on one side is chance in 2 of 32 cases; of six in 2 of 64."""
    one, two = run("one", range(5)), run("two", range(5))
    result = multitask.report([one, two], out=tmp_path / "out", say=lambda line: None)
    (age,) = (d for d in result.differences if d.head == "age")
    assert age.difference != 0
    assert {d.verdict for d in result.differences} == {"no difference shown"}
    assert verdict(catalog.heads(["age"])[0], 0.1, 0.2, units=6) == "worse"
    # Where all are right, or none, every resample says the same: Wilson's interval.
    for score in result.scores:
        if score.value in (0.0, 1.0):
            assert score.ci == wilson(score.value, 5)


def test_runs_without_a_common_picture_end_with_one_line(run, tmp_path, capsys):
    one, two = run("one", range(20)), run("two", range(20, 60))
    out = tmp_path / "out"
    assert main([str(one), str(two), "--out", str(out)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("one and two: hold out no picture in common: 40 that one")
    assert not (out / "index.html").exists()


@pytest.mark.parametrize("count", [1, 2])
def test_a_report_that_another_process_has_written_meanwhile_stays(
    count, run, tmp_path, monkeypatch
):
    """It had the folder's lock just before."""

    @contextmanager
    def after_another(out):
        out.mkdir()
        (out / "index.html").write_text("of another process")
        yield

    monkeypatch.setattr(run_files, "only_process", after_another)
    runs = [run(name, range(40)) for name in ("one", "two")[:count]]
    out = tmp_path / "out"
    with pytest.raises(UserError, match="exists"):
        multitask.report(runs if count > 1 else runs[0], out=out, say=lambda line: None)
    assert (out / "index.html").read_text() == "of another process"


def test_the_command_prints_the_verdict_and_writes_the_page(run, tmp_path, capsys):
    one = run("one", range(40))
    two = run("two", range(40), heads=("gender",))
    out = tmp_path / "out"
    assert main([str(one), str(two), "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "Note: Only one answers age: not compared." in printed
    assert f"written to {out}, see {out / 'index.html'}" in printed
    assert (out / "index.html").exists()


@pytest.mark.parametrize(
    ("networks", "options", "message"),
    [
        (["one", "one"], [], "is given twice; give other networks"),
        (["one", "two"], ["--split", "train"], "--split: is train, but several"),
        (["faces", "faces"], [], "--data: is missing"),
    ],
)
def test_mistakes_are_told_before_anything_is_opened(
    networks, options, message, run, tmp_path, capsys
):
    runs = {name: str(run(name, range(40))) for name in ("one", "two")}
    words = [runs.get(name, name) for name in networks]
    assert main([*words, *options, "--out", str(tmp_path / "out")]) == 2
    assert message in capsys.readouterr().err


def test_heads_that_no_shared_picture_is_labelled_for_are_an_error(
    run, drawn, tmp_path
):
    is_trained = np.arange(60) >= 40
    labels = drawn[1].assign(age=drawn[1]["age"].where(is_trained), gender=None)
    file = tmp_path / "labels.csv"
    labels[["path", "age", "gender"]].to_csv(file, index=False)
    data = [f"mine=table:{file}"]
    one, two = (run(name, range(40), data=data) for name in ("one", "two"))
    with pytest.raises(UserError, match="the data has no labels for it"):
        multitask.report([one, two], out=tmp_path / "out", say=lambda line: None)


def test_paths_that_end_alike_are_told_apart(run, tmp_path):
    from multitask.experiments.names import check_side_by_side

    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        run("run", range(40)).rename(tmp_path / name / "run")
    files = check_side_by_side(
        [tmp_path / "a" / "run", tmp_path / "b" / "run"], None, has_data=False
    )
    assert list(files) == ["a/run", "b/run"]
