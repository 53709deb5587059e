"""Does each mistake get one line that says where, what, and what to do?"""

import json
import os
import shutil
import sys

import keras
import numpy as np
import pandas as pd
import pytest
from multitask.datasets import sample
from PIL import Image

import multitask
from multitask import predict
from multitask.contracts.recipe import Recipe
from multitask.experiments.evaluate import report
from multitask.experiments.prepare import prepare
from multitask.experiments.run import fit
from multitask.fit import main
from multitask.report import main as report_main
from tests import layouts
from tests.runs import SHOWN, leave_out_reports

WELL = [
    "--trunk",
    "tiny",
    "--epochs",
    "1",
    "--batch-size",
    "8",
    "--precision",
    "float32",
]


@pytest.fixture(scope="module")
def faces(tmp_path_factory, tiny_trunk):
    folder = tmp_path_factory.mktemp("drawn") / "faces"
    layouts.write(folder, "utkface", count=60, seed=0)
    return folder


@pytest.fixture(scope="module")
def run(faces, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "run"
    options = [
        "--heads",
        "gender,race",
        "--data",
        f"utkface={faces}",
        "--out",
        str(out),
    ]
    with pytest.MonkeyPatch.context() as patch:
        leave_out_reports(patch, *SHOWN)
        assert main([*options, *WELL]) == 0
    return out


def fails(capsys, command, arguments):
    """The one line on standard error of a command that must end with status 2."""
    capsys.readouterr()
    assert command([str(argument) for argument in arguments]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1, lines
    return lines[0]


def fit_fails(capsys, tmp_path, *arguments):
    line = fails(capsys, main, [*arguments, "--out", tmp_path / "out"])
    # What fails before training leaves nothing that would be in the way next time.
    assert not (tmp_path / "out").exists()
    return line


def test_no_such_folder(capsys, tmp_path):
    line = fit_fails(capsys, tmp_path, "--data", f"utkface={tmp_path / 'none'}")
    assert "none" in line
    assert "no file or folder" in line


def test_a_folder_with_no_usable_picture(capsys, tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    assert "no picture" in fit_fails(capsys, tmp_path, "--data", f"utkface={tmp_path}")


def test_pictures_none_of_which_can_be_decoded(capsys, tmp_path):
    (tmp_path / "d").mkdir()
    for age in range(5):
        (tmp_path / "d" / f"{age}_0_0_2017.jpg").write_bytes(b"broken")
    data = f"utkface={tmp_path / 'd'}"
    line = fit_fails(capsys, tmp_path, "--data", data, "--heads", "age")
    assert "pictures: none can be used" in line


@pytest.mark.parametrize(
    ("arguments", "wrong", "meant"),
    [
        (["--heads", "gendre"], "gendre", "gender"),
        (["--heads", "age:regresion"], "regresion", "regression"),
        (["--heads", "attributes[Smilin]"], "Smilin", "Smiling"),
        (["--trunk", "cnnn"], "cnnn", "cnn"),
        (["--augment", "standart"], "standart", "standard"),
        (["--recipe", "defualt"], "defualt", "default"),
    ],
)
def test_an_unknown_name_gets_the_nearest_known(
    capsys, tmp_path, arguments, wrong, meant
):
    line = fit_fails(capsys, tmp_path, *arguments)
    assert wrong in line
    assert f"did you mean {meant!r}?" in line


def test_keras_on_another_backend(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    monkeypatch.delitem(sys.modules, "keras")  # as before it is imported
    line = fit_fails(capsys, tmp_path, "--heads", "gender")
    assert line == "KERAS_BACKEND: is 'jax', must be 'tensorflow'"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have text as names")
def test_a_folder_whose_name_is_not_utf_8(capsys, tmp_path):
    folder = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9")
    os.mkdir(folder)
    line = fit_fails(capsys, tmp_path, "--data", f"utkface={folder}")
    assert "is not UTF-8; rename the folder" in line


def test_an_unknown_recipe_key_names_file_and_nearest_key(capsys, tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text("epoch = 3\n")
    line = fit_fails(capsys, tmp_path, "--recipe", file)
    assert "mine.toml: unknown key 'epoch'; did you mean 'epochs'?" in line


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('epochs = "many"', "epochs is 'many', must be a whole number"),
        ("epochs = true", "epochs is True, must be a whole number"),
        ("dropout = false", "dropout is False, must be a number"),
    ],
)
def test_a_recipe_value_of_the_wrong_type(capsys, tmp_path, text, problem):
    file = tmp_path / "mine.toml"
    file.write_text(f"{text}\n")
    line = fit_fails(capsys, tmp_path, "--recipe", file)
    assert f"mine.toml: {problem}" in line


def test_weights_that_do_not_fit_are_told_before_pictures_are_read(
    capsys, tmp_path, monkeypatch
):
    from multitask.data import batches

    sample.read(tmp_path / "faces", count=30)
    image = keras.Input((8, 8, 3))
    other = keras.Model(image, keras.layers.Conv2D(3, 3)(image))
    other.save(tmp_path / "other.keras")
    monkeypatch.setattr(batches, "decode_table", None)  # would fail
    line = fit_fails(
        capsys, tmp_path, "--data", f"sample={tmp_path / 'faces'}",
        "--weights", tmp_path / "other.keras",
    )  # fmt: skip
    assert "give weights of the same trunk" in line
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--epochs", "0"], "--epochs: is 0, must be 1 or more"),
        (["--batch-size=-1"], "--batch-size: is -1"),
        (["--learning-rate", "-1"], "--learning-rate: is -1.0, must be above 0"),
        (["--dropout", "1"], "--dropout: is 1.0"),
        (["--crop", "0.2"], "--crop: is 0.2, must be from 0.5 to 1"),
        (["--folds", "1"], "--folds: is 1, must be 2 or more, or 0"),
        (["--cap", "race=0"], "--cap: is race=0, must be 1 or more"),
        (["--cap", "gendre=5", "--heads", "gender"], "--cap: unknown head 'gendre'"),
        (["--mix", "classes=x", "--heads", "gender"], "--mix: unknown head 'x'"),
        (["--mix", "even"], "--mix: is 'even', must be proportional, equal, temp"),
        (["--identity", "("], "--identity: '(' is not a regular expression"),
        (["--crop", "nan"], "--crop: is nan, must be from 0.5 to 1"),
        (["--split", "70/15/10"], "--split: is 70/15/10, which sums to 95"),
        (["--split", "most"], "--split: is 'most', must be official, shares"),
        (["--image-size", "4"], "--image-size: is 4, trunk cnn needs 16 or more"),
        (["--schedule", "cosinus"], "--schedule: is 'cosinus', must be 'cosine'"),
        (
            ["--loss-weights", "gendre=2"],
            "unknown head 'gendre'; did you mean 'gender'?",
        ),
        (["--class-weights", "equal"], "--class-weights.all: is 'equal'"),
    ],
)
def test_a_setting_that_can_not_be(capsys, tmp_path, faces, arguments, problem):
    line = fit_fails(
        capsys, tmp_path, "--data", f"utkface={faces}", "--heads", "gender", *arguments
    )
    assert problem in line


def test_a_head_that_the_data_has_no_label_for(capsys, tmp_path, faces):
    line = fit_fails(
        capsys, tmp_path, "--data", f"utkface={faces}", "--heads", "gender,expression"
    )
    assert "head expression: the data has no column 'expression'; it has " in line
    assert "gender" in line


def test_two_data_sets_that_disagree_about_the_values_of_a_label(
    capsys, tmp_path, faces
):
    drawn = tmp_path / "drawn"
    sample.read(drawn, count=20)
    labels = pd.read_csv(drawn / "labels.csv")
    labels["gender"] = np.arange(20) % 2
    labels.to_csv(drawn / "labels.csv", index=False)
    data = ["--data", f"utkface={faces}", "--data", f"sample={drawn}"]
    line = fit_fails(capsys, tmp_path, *data, "--heads", "gender")
    assert "not among its classes, first '0' in data set sample" in line
    labels["gender"] = np.where(np.arange(20) % 2, "woman", "man")
    labels.to_csv(drawn / "labels.csv", index=False)
    line = fit_fails(capsys, tmp_path, *data, "--heads", "gender")
    assert "not among its classes, first 'man' in data set sample" in line
    assert "male, female" in line


@pytest.mark.slow
def test_a_few_labels_that_no_head_can_have_are_set_aside(tmp_path, run):
    folder = tmp_path / "faces"
    layouts.write(folder, "utkface", count=60, seed=7)
    paths = sorted(map(str, folder.glob("*.jpg")))
    labels = pd.DataFrame({"path": paths, "age": np.arange(60.0) + 20})
    labels["gender"] = np.where(np.arange(60) % 2, "female", "male")
    labels.loc[3, "gender"], labels.loc[[5, 9], "age"] = "Malee", [117.0, -3.0]
    labels.to_csv(tmp_path / "labels.csv", index=False)
    data = (f"mine=table:{tmp_path / 'labels.csv'}",)
    lines: list[str] = []
    recipe = Recipe(
        heads=("gender", "age"), data=data, trunk="tiny", epochs=1, batch_size=8,
        precision="float32",
    )  # fmt: skip
    fitted = fit(recipe, tmp_path / "run", say=lines.append)
    assert any(
        line.startswith("ignored: 2 unusable labels, the first: a") for line in lines
    )
    skipped = pd.read_csv(fitted.folder / "skipped.csv").set_index("path")["reason"]
    assert skipped[paths[3]].startswith("row 4: gender is 'Malee', left empty; must")
    assert skipped[paths[5]] == "age is '117', outside 0 to 116"
    assert skipped[paths[9]].startswith("age is '-3'")
    assert len(pd.read_csv(fitted.folder / "split.csv")) == 60  # the pictures stay
    folder = report(run, data, out=tmp_path / "report").folder
    assert folder is not None
    assert len(pd.read_csv(folder / "skipped.csv")) == 1  # it has no head of age


def test_a_class_that_the_network_never_saw(capsys, tmp_path, run, faces):
    drawn = tmp_path / "drawn"
    sample.read(drawn, count=20)
    labels = pd.read_csv(drawn / "labels.csv")
    labels["race"] = "martian"
    labels.to_csv(drawn / "labels.csv", index=False)
    line = fails(capsys, report_main, [run, "--data", f"sample={drawn}"])
    assert "head race: 20 labels of column 'race' are not among its classes" in line
    assert "'martian'" in line


def test_an_output_folder_that_exists(capsys, tmp_path, run, faces):
    line = fails(capsys, main, ["--data", f"utkface={faces}", "--out", run])
    assert "already exists" in line
    (tmp_path / "notes.txt").touch()
    line = fails(capsys, report_main, [run, "--out", tmp_path])
    assert "already exists" in line


def test_resuming_what_is_no_run(capsys, tmp_path):
    line = fails(capsys, main, ["--resume", "--out", tmp_path])
    assert "is not a run to resume" in line
    assert "needs a run to resume" in fails(capsys, main, ["--resume"])


def test_resuming_with_other_settings(capsys, run):
    line = fails(capsys, main, ["--resume", "--out", run, "--epochs", "3"])
    assert "--resume with --epochs" in line


def test_a_network_file_that_is_none(capsys, tmp_path, faces):
    file = tmp_path / "photo.keras"
    file.write_bytes(b"\xff\xd8\xff")
    assert "is not a network file" in fails(capsys, predict.main, [file, faces])
    line = fails(capsys, predict.main, [tmp_path / "nothing.keras", faces])
    assert "does not exist; give a run folder" in line


def test_a_truncated_network_file(capsys, tmp_path, run, faces):
    data = (run / "network.keras").read_bytes()
    for length in (len(data) // 2, len(data) - 30):
        (tmp_path / "cut.keras").write_bytes(data[:length])
        line = fails(capsys, predict.main, [tmp_path / "cut.keras", faces])
        assert "cut.keras" in line
        assert "truncated" in line


def test_a_network_file_made_elsewhere(capsys, tmp_path, faces):
    import keras

    image = keras.Input((8, 8, 3))
    keras.Model(image, keras.layers.Flatten()(image)).save(tmp_path / "other.keras")
    line = fails(
        capsys, report_main, [tmp_path / "other.keras", "--data", f"utkface={faces}"]
    )
    assert "is not a network of multitask" in line
    assert "keras.models.load_model" in line


def test_a_picture_of_100_megapixels_is_set_aside_not_fatal(
    capsys, tmp_path, faces, run
):
    copy = tmp_path / "faces"
    shutil.copytree(faces, copy)
    Image.new("1", (10_000, 10_000)).save(copy / "20_0_0_2017.png")
    recipe = Recipe(data=(f"utkface={copy}",), heads=("gender",), trunk="tiny")
    skipped = prepare(recipe, tmp_path / "out", lambda line: None).skipped
    assert skipped["path"].str.endswith("20_0_0_2017.png").tolist() == [True]
    assert "100 megapixels" in skipped["reason"][0]
    answers = multitask.load(run).predict(copy / "20_0_0_2017.png")
    assert "100 megapixels" in answers["status"][0]
    assert answers["gender"].isna().all()


def test_a_part_that_the_data_does_not_have(capsys, tmp_path, run, faces):
    other = tmp_path / "other"
    layouts.write(other, "utkface", count=10, seed=5)
    line = fails(
        capsys, report_main, [run, "--data", f"utkface={other}", "--split", "test"]
    )
    assert "no pictures in the part 'test'; use --split all" in line


def test_a_report_on_the_run_s_own_data_measures_its_test_part(capsys, run, tmp_path):
    assert report_main([str(run), "--out", str(tmp_path / "repeated")]) == 0
    one, two = (
        pd.read_csv(folder / "answers.csv")
        for folder in (run / "report", tmp_path / "repeated")
    )
    pd.testing.assert_frame_equal(one, two, rtol=1e-4)
    assert (one["split"] == "test").all()


def test_resuming_a_finished_run_leaves_it_as_it_is(capsys, run):
    before = (run / "network.keras").read_bytes()
    line = fails(capsys, main, ["--resume", "--out", run])
    assert "is finished" in line
    assert (run / "network.keras").read_bytes() == before


def test_data_without_labels_for_one_head_can_still_be_measured(tmp_path, run):
    drawn = tmp_path / "drawn"
    sample.read(drawn, count=20)
    labels = pd.read_csv(drawn / "labels.csv", dtype=str)
    labels.assign(race="").to_csv(drawn / "labels.csv", index=False)
    out = tmp_path / "report"
    options = [str(run), "--data", f"sample={drawn}", "--out", str(out)]
    assert report_main(options) == 0
    heads = json.loads((out / "report.json").read_text())["heads"]
    assert heads["race"]["n"] == 0
    assert heads["race"]["sentence"].startswith("Race: no labels")
    assert heads["gender"]["n"] == labels["gender"].notna().sum()


def test_numbers_that_no_recipe_can_hold(capsys, tmp_path):
    assert "below 2^32" in fit_fails(capsys, tmp_path, "--seed", "5000000000")
    line = fit_fails(capsys, tmp_path, "--learning-rate", "inf")
    assert "--learning-rate: is inf" in line


def test_a_kind_that_would_confuse_left_and_right(capsys, tmp_path):
    line = fit_fails(capsys, tmp_path, "--heads", "pose:sigmoid")
    assert "can't swap left and right in mirrored pictures" in line


def test_one_head_asked_for_in_two_ways(capsys, tmp_path):
    line = fit_fails(capsys, tmp_path, "--heads", "age,age:regression")
    assert "gives both 'age' and 'age:regression'" in line


def test_two_heads_on_one_column(capsys, tmp_path):
    file = tmp_path / "two.toml"
    file.write_text(
        'heads = ["age", "years"]\n[head.years]\nkind = "regression"\n'
        'columns = ["age"]\nhigh = 116\n'
    )
    line = fit_fails(capsys, tmp_path, "--recipe", file)
    assert "head years: reads column 'age', which head age also reads" in line
