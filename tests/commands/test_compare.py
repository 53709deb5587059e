"""Does the command list what it would train, and say in one line what is wrong?"""

import pytest

from multitask.compare import main
from tests import layouts


@pytest.fixture
def options(tmp_path, tiny_trunk):
    layouts.write(tmp_path / "faces", "imfdb", count=60)
    data = f"imfdb={tmp_path / 'faces'}"
    out = str(tmp_path / "out")
    return ["--heads", "gender,illumination", "--data", data, "--trunk", "tiny",
            "--split", "60/20/20", "--epochs", "1", "--batch-size", "16",
            "--out", out]  # fmt: skip


def test_a_dry_run_lists_the_networks_and_trains_none(options, tmp_path, capsys):
    merge = ["--merge", "gender+illumination", "--seeds", "2", "--dry-run"]
    assert main([*options, *merge]) == 0
    shown = capsys.readouterr().out
    assert "about " in shown
    assert shown.count("tiny-1-gender+illumination") == 1
    assert shown.count("tiny-1-2-heads") == 1
    assert not (tmp_path / "out").exists()


def test_it_compares_single_and_multi_if_nothing_is_merged(options, capsys):
    assert main([*options, "--dry-run"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2:] == [
        "single   tiny: tiny-0-gender, tiny-0-illumination",
        "multi    tiny: tiny-0-2-heads",
    ]


@pytest.mark.slow
def test_it_prints_scores_differences_and_costs(options, tmp_path, capsys):
    assert main([*options, "--designs", "single, multi"]) == 0
    shown = capsys.readouterr().out
    assert "gender, accuracy" in shown
    assert "more than single" in shown
    assert "multi / single" in shown
    assert f"written to {tmp_path / 'out'}" in shown


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["--designs", "singel"], "--designs: unknown design 'singel'; did you mean"),
        (["--pairs"], "--pairs: unknown option"),
        (["--seeds", "0"], "--seeds: is 0, must be 1 or more"),
        (["--memory", "0"], "--memory: is 0.0, must be above 0"),
    ],
)
def test_mistakes_are_one_line(options, extra, message, capsys):
    assert main([*options, *extra]) == 2
    assert capsys.readouterr().err.startswith(message)
