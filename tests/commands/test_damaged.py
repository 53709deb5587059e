"""Do the commands set damaged pictures aside, unless they are to be kept?"""

import shutil
from pathlib import Path
from typing import Any

import keras
import pandas as pd
import pytest

import multitask
from multitask import Machine, UserError
from multitask.audit import main as audit
from multitask.contracts import catalog
from multitask.contracts.run import NETWORK
from multitask.data.batches import decode_table
from multitask.networks import archive, build
from multitask.networks.spec import NetworkSpec
from multitask.predict import main as predict
from tests.images.test_damage import encoded, hurt


@pytest.fixture
def labels(tmp_path):
    """A table of four pictures, the second of which is damaged."""
    names = []
    for number in range(4):
        data = encoded("JPEG", quality=90 + number)
        names.append(f"{number}.jpg")
        (tmp_path / names[-1]).write_bytes(hurt(data) if number == 1 else data)
    genders = ["male", "female"] * 2
    file = tmp_path / "labels.csv"
    pd.DataFrame({"path": names, "gender": genders}).to_csv(file, index=False)
    return file


@pytest.fixture
def network(tiny_trunk, tmp_path):
    keras.utils.set_random_seed(0)
    spec = NetworkSpec(
        trunk=tiny_trunk, size=16, heads=tuple(catalog.heads(["gender"]))
    )
    archive.save(build.build(spec), spec, tmp_path / NETWORK)
    return tmp_path / NETWORK


def test_another_word_is_refused_in_python(network):
    opened = multitask.load(network)
    damaged: Any = "kep"
    for use in (opened.predict, opened.embed, opened.stream, opened.predict_video):
        given: Any = "a.mp4" if use == opened.predict_video else [encoded("JPEG")]
        with pytest.raises(UserError) as caught:
            use(given, damaged=damaged)
        assert str(caught.value) == (
            "damaged: is 'kep', must be one of skip, keep; did you mean 'keep'?"
        )


def test_predict_answers_for_them_only_if_they_are_kept(labels, network, tmp_path):
    pictures = sorted(map(str, labels.parent.glob("*.jpg")))
    for options, count in (([], 3), (["--damaged", "keep"], 4)):
        out = tmp_path / "answers.csv"
        predict([str(network), *pictures, "--out", str(out), *options])
        table = pd.read_csv(out)
        assert (table["status"] == "ok").sum() == count
        assert table["gender"].notna().sum() == count
        if count == 3:
            assert table["status"][1].startswith("is damaged: ")
        out.unlink()


def test_audit_lists_them_unless_they_are_kept(labels, tmp_path, capsys):
    for options, count in (([], 1), (["--damaged", "keep"], 0)):
        out = tmp_path / "audit"
        assert audit(["--data", f"m=table:{labels}", "--out", str(out), *options]) == 0
        printed = capsys.readouterr().out.splitlines()
        (line,) = [line for line in printed if line.startswith("unreadable")]
        assert line.split()[1] == str(count)
        shutil.rmtree(out)


def test_training_sets_them_aside_as_the_machine_says(labels):
    table = pd.read_csv(labels)
    table["path"] = [str(labels.parent / name) for name in table["path"]]
    for machine, count in ((Machine(), 3), (Machine(damaged="keep"), 4)):
        used, _, skipped = decode_table(
            table, 16, machine.memory, Path(), damaged=machine.damaged
        )
        assert (len(used), len(skipped)) == (count, 4 - count)
    with pytest.raises(UserError, match="damaged: is 'often', must be 'skip' or"):
        Machine(damaged="often")  # type: ignore[arg-type]
