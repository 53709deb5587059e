"""Are mistakes told before TensorFlow is imported, which takes seconds?"""

import subprocess
import sys
from pathlib import Path

import pytest

from multitask.contracts import plugins
from multitask.contracts.errors import UserError
from multitask.contracts.table import Reading
from multitask.experiments import names

ROOT = Path(__file__).parents[2]
WITHOUT = """
import sys
sys.modules["tensorflow"] = sys.modules["keras"] = None  # an import of them fails
from multitask.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (
            "fit --trunk resnet51",
            "--trunk: unknown trunk 'resnet51'; did you mean 'resne",
        ),
        (
            "fit --heads unknown",
            "--heads: unknown head 'unknown'; known: age, gender, ",
        ),
        (
            "fit --recipe HEAD",
            "head trunk: is also the name of a layer; give the head ",
        ),
        ("fit --out OUT", "OUT: already exists; choose another "),
        ("fit --out=", "--out: is empty; name a folder, or leave it out"),
        (
            "fit --data utkfaces=U",
            "--data: unknown reader 'utkfaces'; did you mean utk",
        ),
        ("fit --data utkface=U", "--data utkface: there is no file or folder 'U'; "),
        (
            "compare --trunks cnn,vgg61",
            "--trunk: unknown trunk 'vgg61'; did you mean 'vgg1",
        ),
        (
            "sweep --vary dropout=0.1,0.2 --heads x",
            "--heads: unknown head 'x'; known: age",
        ),
        (
            "report NONE",
            "NONE: is not a known network; ",
        ),
        ("report no/run", "no/run: does not exist; give a run folder or a .keras file"),
        (
            "report NONE --split tst",
            "--split: is 'tst', must be one of train, val, test, all; did you mean 'te",
        ),
        (
            "predict NONE a.jpg --format jsn",
            "--format: is 'jsn', must be one of table, csv, json, jsonl, deepface, "
            "parquet; did you mean 'json'?",
        ),
        ("fit --out OUT --trunk cnnn", "--trunk: unknown trunk 'cnnn'; did you mean"),
        ("fit --out OUT --data utkface=U", "--data utkface: there is no file or fol"),
        ("audit --out OUT --data mine=U", "--data mine: there is no file or folder 'U"),
        (
            "predict OUT/a.jpg OUT/run.keras",
            "OUT/a.jpg: is a picture, but the network comes first; write python "
            "-m multitask.predict OUT/run.keras OUT/a.jpg",
        ),
        (
            "predict OUT OUT/run.keras",
            "OUT: holds no network, but the network comes first; write python -m",
        ),
        ("predict a.PNG runs/a", "runs/a: is neither a network nor a picture, video, "),
        ("fit --split offical", "--split: is 'offical', must be official, shares such"),
    ],
)
def test_a_cheap_mistake_needs_no_tensorflow(options, line, tmp_path):
    (tmp_path / "HEAD").write_text(
        'heads = ["trunk"]\ndata = ["utkface=U"]\n'
        '[head.trunk]\nkind = "softmax"\nclasses = ["a", "b"]\n'
    )
    (tmp_path / "OUT").mkdir()
    (tmp_path / "OUT" / "file").touch()
    result = subprocess.run(
        [sys.executable, "-c", WITHOUT, *options.split()],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.stderr.startswith(line)
    assert result.returncode == 2


def test_a_reader_of_another_package_and_the_sample_may_make_their_files(
    monkeypatch, tmp_path
):
    ours = plugins.names("datasets")
    monkeypatch.setattr(plugins, "names", lambda group: [*ours, "web"])
    monkeypatch.setattr(plugins, "reader", lambda name: lambda folder: Reading)
    names.check_folders([f"web={tmp_path / 'new'}", f"sample={tmp_path / 'new'}"])
    names.check_folders(["sample", f"utkface={tmp_path}"])
    with pytest.raises(UserError, match="--data utkface: there is no file or folder"):
        names.check_folders([f"utkface={tmp_path / 'new'}"])
