"""Do the functions of `multitask` take what they say, and return what they write?"""

import os
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import multitask
from multitask.contracts.errors import UserError
from tests import layouts
from tests.runs import leave_out_reports, quiet, stop_in

pytestmark = pytest.mark.usefixtures("tiny_trunk", "no_pictures")
SETTINGS: dict[str, Any] = {"trunk": "tiny", "batch_size": 8, "precision": "float32"}


@pytest.fixture(scope="module")
def frame(tmp_path_factory):
    """Forty drawn faces with labels, the half of them as pictures in memory."""
    folder = tmp_path_factory.mktemp("faces")
    layouts.write(folder, "utkface", count=40, seed=0)
    files = sorted(folder.rglob("*.jpg"))
    pictures = [np.asarray(Image.open(f)) if f in files[::2] else f for f in files]
    parts = [f.name.split("_") for f in files]
    return pd.DataFrame(
        {
            "path": pictures,
            "gender": pd.Categorical([("male", "female")[int(p[1])] for p in parts]),
            "old": [int(p[0]) > 40 for p in parts],
        }
    )


@pytest.fixture(scope="module")
def fitted(frame, tiny_trunk, tmp_path_factory):
    out = tmp_path_factory.mktemp("fitted") / "run"
    with pytest.MonkeyPatch.context() as patch:
        leave_out_reports(patch, "pictures")
        return multitask.fit(
            data={"mine": frame}, out=out, epochs=1, say=quiet, **SETTINGS
        )


def test_a_run_of_a_frame_can_be_read_measured_and_repeated(fitted, frame, tmp_path):
    out = fitted.folder
    assert out.name == "run"
    assert not fitted.interrupted
    assert {head.name for head in fitted.network.heads} == {"gender", "old"}
    assert fitted.network is fitted.network  # opened once
    assert fitted.history["epoch"].tolist() == [1]
    assert fitted.evaluation.folder == out / "report"
    # The frame is in the run: what measures and repeats the run does not need it.
    (text,) = fitted.network.spec.recipe["data"]
    assert text == f"mine=table:{out / 'data' / 'mine.csv'}"
    again = multitask.report(out)
    assert again.folder == out / "report-2"
    assert again.summaries() == fitted.evaluation.summaries()
    repeated = multitask.fit(out / "recipe.toml", out=tmp_path / "two", say=quiet)
    assert repeated.evaluation.summaries() == again.summaries()
    measured = multitask.report(fitted, frame.head(6), split="all")
    assert len(measured.labels) == 6
    assert measured.folder
    assert (measured.folder / "data" / "table.csv").exists()
    shown = repr(fitted)
    assert shown.startswith(f"run in {out}\n\n")
    assert "\nrun: test, " in shown
    assert shown.endswith(f"report: {out / 'report' / 'index.html'}")
    assert "<td>gender</td>" in fitted._repr_html_()
    assert "gender: one of male, female" in repr(fitted.network)
    assert "<td>one of male, female</td>" in fitted.network._repr_html_()


def test_a_notebook_shows_names_as_text_not_as_html(frame, tmp_path):
    named = frame.rename(columns={"old": "<b>"}).drop(columns="gender")
    named["<b>"] = np.where(named["<b>"], "<i>&", "x")
    findings = multitask.audit({"mine": named}, out=tmp_path / "out")
    shown = findings._repr_html_()
    assert "&lt;i&gt;&amp;" in shown
    assert "<i>" not in shown
    assert repr(findings).endswith(f"report: {tmp_path / 'out' / 'index.html'}")
    assert findings.folder == tmp_path / "out"


@pytest.mark.slow
def test_ctrl_c_leaves_a_run_that_can_be_used_and_resumed(frame, tmp_path, monkeypatch):
    lines: list[str] = []
    stop_in(monkeypatch, epoch=2)
    out = tmp_path / "run"
    run = multitask.fit(data=frame, out=out, epochs=3, say=lines.append, **SETTINGS)
    assert run.interrupted
    assert repr(run).startswith(f"run in {out}, stopped early\n")
    assert len(run.network.predict(frame.head(2))) == 2
    resuming = f"multitask.fit(out={str(out)!r}, resume=True)"
    assert f"stopped after epoch 1; resume with: {resuming}" in lines
    run = multitask.fit(out=out, resume=True, say=quiet)
    assert not run.interrupted
    assert run.history["epoch"].tolist() == [1, 2, 3]


def test_ctrl_c_in_the_first_epoch_leaves_nothing(frame, tmp_path, monkeypatch):
    lines: list[str] = []
    stop_in(monkeypatch, epoch=1)
    out = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        multitask.fit(data=frame, out=out, epochs=2, say=lines.append, **SETTINGS)
    assert lines[-1] == "stopped before an epoch was done; the run is not kept"
    assert not out.exists()


def test_the_pictures_of_a_frame_that_are_not_there_are_told_of_the_frame(
    frame, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    absent = frame.assign(path=[f"no/{n}.jpg" for n in range(len(frame))])
    with pytest.raises(UserError) as caught:
        multitask.fit(data={"mine": absent}, out="run")
    assert str(caught.value) == (
        "the DataFrame 'mine', row 0: there is no file 'no/0.jpg', nor a picture in "
        f"any other row; relative paths are looked for in '{tmp_path}'"
    )
    with pytest.raises(UserError, match="'mine': split is 'tst', must be one of train"):
        multitask.fit(data={"mine": frame.assign(split="tst")}, out="run")
    with pytest.raises(UserError, match="^split: is 'tst', must .* you mean 'test'?"):
        multitask.report("run", split="tst")
    assert os.listdir(tmp_path) == []


def test_a_wrong_name_is_told_before_a_folder_that_exists(frame, tmp_path):
    with pytest.raises(UserError, match="trunk: unknown trunk 'cnnn'"):
        multitask.fit(data=frame, trunk="cnnn", out=tmp_path)


@pytest.mark.slow
def test_a_sweep_varies_a_mapping(frame, tmp_path):
    def sweep(**changes):
        return multitask.sweep(
            data=frame, heads="gender", out=tmp_path / "out", say=quiet,
            vary={"dropout": [0.1, 0.2]}, **{**SETTINGS, "epochs": 1, **changes},
        )  # fmt: skip

    result = sweep()
    assert [dict(trial.settings) for trial in result.trials] == [
        {"dropout": 0.1},
        {"dropout": 0.2},
    ]
    assert result.folder == tmp_path / "out"
    assert "<td>0.1, 0.2</td>" in result._repr_html_()
    assert len(sweep(trials=5).trials) == 2  # it goes on, and is done
    with pytest.raises(UserError, match="out: contains another sweep"):
        sweep(epochs=2)


def test_a_dry_comparison_lists_its_networks(frame, tmp_path):
    result = multitask.compare(
        data=frame, designs="single, multi", out=tmp_path / "out", dry_run=True,
        say=quiet, **SETTINGS,
    )  # fmt: skip
    assert [cell.design for cell in result.cells] == ["single", "multi"]
    assert repr(result).startswith("single   tiny: tiny-0-")
    assert "<p>multi    tiny: tiny-0-2-heads</p>" in result._repr_html_()
    assert not (tmp_path / "out" / "recipe.toml").exists()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epoch": 3}, "epoch: unknown setting; did you mean 'epochs'?"),
        ({"loss_weight": {"age": 2}}, "loss_weight: unknown setting; did you mean 'lo"),
        ({"epochs": 0}, "epochs: is 0, must be 1 or more"),
        ({"batch_size": -1}, "batch_size: is -1, must be 0 or more"),
        ({"then": "all,epochs=2"}, "then: needs a frozen trunk; add freeze all"),
        ({"data": 3}, "data: is of type int, must be a mapping"),
        ({"data": pd.DataFrame({"file": ["a.jpg"], "age": [3]})},
         "the DataFrame 'table': has no column 'path', only file, age; rename"),
        ({"data": {"m": pd.DataFrame({"path": []})}}, "the DataFrame 'm': has no rows"),
        ({"data": "utkface"}, "data: 'utkface' has no folder; write utkface=FOLDE"),
        ({"heads": "agee"}, "heads: unknown head 'agee'; did you mean 'age'?"),
        ({"resume": True}, "resume: needs a run to resume; add out, its folder"),
    ],
)  # fmt: skip
def test_mistakes_speak_of_keywords_not_of_options(
    settings, message, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="^" + re.escape(message)) as caught:
        multitask.fit(**settings)
    assert "--" not in str(caught.value)
    assert os.listdir(tmp_path) == []  # nothing is left of what failed


def no_data_is_read(monkeypatch):
    from multitask.data import sources

    def read_all(*_):
        raise AssertionError("the data was read")

    for module in ("multitask.experiments.prepare", "multitask.experiments.evaluate",
                   "multitask.inspection.audit"):  # fmt: skip
        monkeypatch.setattr(f"{module}.read_all", read_all, raising=False)
    monkeypatch.setattr(sources, "read_all", read_all)


@pytest.mark.parametrize("name", ["fit", "audit", "compare", "sweep"])
@pytest.mark.parametrize(
    ("out", "message"),
    [
        (
            "file/below/out",
            "can't be a folder: 'file' is a file; choose another",
        ),
        ("file", "already exists; choose another folder with out"),
        ("/proc/none/out", "can't be written: '/proc': "),
    ],
)
def test_an_output_folder_that_cannot_be_written_is_said_before_data_is_read(
    name, out, message, tmp_path, monkeypatch
):
    no_data_is_read(monkeypatch)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    more = {"vary": {"dropout": [0.1, 0.2]}} if name == "sweep" else {}
    with pytest.raises(UserError) as caught:
        getattr(multitask, name)(data="utkface=U", out=out, **more)
    assert message.replace("'file'", f"'{tmp_path / 'file'}'") in str(caught.value)


def test_the_answers_of_an_evaluation_have_the_index_of_the_data_frame(
    fitted, frame, tmp_path
):
    # Every third row twice under one name: an index may repeat itself.
    named = frame.set_axis([f"face {row // 3}" for row in range(len(frame))])
    named["path"] = [*named["path"].iloc[:-1], "missing.jpg"]
    whole = multitask.report(
        fitted, named, split="all", out=tmp_path / "report", say=quiet
    )
    assert whole.answers.index.tolist() == named.index[:-1].tolist()
    assert whole.labels["gender"].tolist() == named["gender"].iloc[:-1].tolist()
    assert set(whole.summaries()) == {"gender", "old"}
    assert repr(whole).count("\n")
    assert whole._repr_html_()

    # Of the run itself too, whose test part is a choice of rows.
    assert len(fitted.evaluation.labels) < len(frame)
    labels = fitted.evaluation.labels
    assert labels["gender"].tolist() == frame.loc[labels.index, "gender"].tolist()
    assert labels.index.equals(fitted.evaluation.answers.index)


def test_the_index_of_several_data_frames_starts_with_their_names(
    fitted, frame, tmp_path
):
    dates = pd.date_range("2024-01-01", periods=len(frame))
    one, other = frame.head(3), frame.set_axis(dates).tail(2)
    frames = {"one": one, "other": other}
    both = multitask.report(
        fitted, frames, split="all", out=tmp_path / "report", say=quiet
    )
    assert both.answers.index.tolist() == [
        *[("one", row) for row in range(3)],
        *[("other", date) for date in dates[-2:]],
    ]
