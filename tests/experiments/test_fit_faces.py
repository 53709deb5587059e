"""Which part of a picture does `fit --faces` train on, and what does it remember?"""

import json
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import multitask
from multitask.contracts.errors import UserError
from multitask.contracts.recipe import Recipe
from multitask.data.framing import USUAL
from multitask.experiments.evaluate import report
from multitask.experiments.prepare import prepare, prepare_variant
from multitask.experiments.run import fit
from multitask.fit import main
from multitask.images.faces.crop import Framing
from multitask.networks import archive
from multitask.networks.stored.members import SPEC_MEMBER
from tests import portraits
from tests.runs import SHOWN, leave_out_reports, quiet, stop_in

pytest.importorskip("skimage", reason="needs scikit-image")
pytestmark = pytest.mark.usefixtures("numbers_alone", "opened_once", "tiny_trunk")
DATA = Path(__file__).parents[3] / "shared" / "data"


def recipe(data, **changes):
    """A recipe for pictures of 48 pixels, which are shown whole."""
    settings: dict[str, Any] = {
        "trunk": "tiny", "image_size": 48, "crop": 1.0, "tta": 1, "epochs": 1,
        "batch_size": 8, "precision": "float32", "augment": "none",
    }  # fmt: skip
    return Recipe(data=(data,), **(settings | changes))


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """The data set of 20 photos of a face, and of some that are of no use."""
    pictures = [portraits.photo(seed, 130 + 5 * seed) for seed in range(20)]
    pictures += [portraits.photo(20), portraits.photo(21, 150, 140)]  # none, two alike
    pictures += [portraits.photo(22, 220, 110)]  # the first much larger
    folder = tmp_path_factory.mktemp("data") / "photos"
    data = portraits.write(folder, pictures)
    table = pd.read_csv(folder / "labels.csv")
    table.loc[len(table)] = ["23.png", "calm", "train"]
    (folder / "23.png").write_text("no picture")
    table.to_csv(folder / "labels.csv", index=False)
    return data


@pytest.fixture(scope="module")
def crops(tmp_path_factory):
    """The data set of 30 pictures cropped as `portraits.FRAMING` says."""
    folder = tmp_path_factory.mktemp("data") / "crops"
    return portraits.write(folder, map(portraits.cropped, range(30)))


@pytest.fixture(scope="module")
def of_photos(photos, tiny_trunk, tmp_path_factory):
    """A run on the faces of the photos."""
    out = tmp_path_factory.mktemp("runs") / "photos"
    with pytest.MonkeyPatch.context() as patch:
        leave_out_reports(patch, *SHOWN)
        return fit(recipe(photos, faces="detect"), out, say=quiet)


@pytest.fixture(scope="module")
def of_crops(crops, tiny_trunk, tmp_path_factory):
    """A run on the crops, whose framing is measured, and the lines that it says."""
    lines = list[str]()
    out = tmp_path_factory.mktemp("runs") / "crops"
    with pytest.MonkeyPatch.context() as patch:
        leave_out_reports(patch, *SHOWN)
        return fit(recipe(crops), out, say=lines.append), lines


def distances(prepared, framing):
    """The mean difference of each picture to the portrait's face, in levels."""
    face = portraits.face_in(framing, 48).astype(int)
    return np.abs(prepared.pixels[prepared.table.index] - face).mean(axis=(1, 2, 3))


def same_answers(one, other):
    """Fail unless two evaluations have the same pictures and answers."""
    assert one.labels["path"].tolist() == other.labels["path"].tolist()
    pd.testing.assert_frame_equal(
        one.answers.reset_index(drop=True), other.answers.reset_index(drop=True)
    )


def test_detect_cuts_the_face_out_of_each_photo(photos, tmp_path):
    prepared = prepare(recipe(photos, faces="detect"), tmp_path, quiet)
    assert prepared.spec.framing == USUAL
    assert len(prepared.table) == 21
    assert distances(prepared, USUAL).max() < 12
    whole = prepare(recipe(photos, faces="whole"), tmp_path, quiet)
    assert whole.spec.framing is None
    assert len(whole.table) == 23
    assert distances(whole, USUAL).min() > 40


def test_photos_without_one_clear_face_are_listed_with_the_reason(of_photos):
    skipped = pd.read_csv(of_photos.folder / "skipped.csv")
    names = skipped["path"].str.extract(r"(\d+)\.png$")[0].tolist()
    assert names == ["20", "21", "23"]
    none, several, unreadable = skipped["reason"]
    assert none == "no face"
    assert several == (
        "2 faces, none of them much larger than the others: say which by a column `box`"
    )
    assert unreadable.startswith("no picture that can be read")


def test_faces_are_cut_out_as_for_the_network_in_weights(photos, tmp_path):
    wanted = recipe(photos, faces="detect", weights="faces", trunk="cnn", image_size=0)
    of_faces = multitask.load("faces").spec
    prepared = prepare(wanted, tmp_path, quiet)
    assert prepared.spec.framing == of_faces.framing != USUAL
    assert prepared.pixels.shape[1] == of_faces.size


def test_a_variant_with_other_weights_has_faces_cut_out_anew(photos, tmp_path):
    wanted = recipe(photos, faces="detect", trunk="cnn", image_size=80)
    before = prepare(wanted, tmp_path, quiet)
    same = replace(before.recipe, epochs=2)
    assert prepare_variant(before, same, tmp_path, quiet).pixels is before.pixels
    begun = replace(before.recipe, weights="faces")
    other = prepare_variant(before, begun, tmp_path, quiet)
    assert other.spec.framing == multitask.load("faces").spec.framing != USUAL
    assert (other.pixels[0] != before.pixels[0]).any()


def test_what_is_in_a_box_is_not_searched(photos, tmp_path):
    table = pd.read_csv(photos.partition(":")[2])
    table["path"] = [str(Path(photos.partition(":")[2]).parent / p) for p in table.path]
    table["box"] = np.where(table.index == 21, "0 0 260 260", "")
    table.to_csv(tmp_path / "boxed.csv", index=False)
    data = f"mine=table:{tmp_path / 'boxed.csv'}"
    prepared = prepare(recipe(data, faces="detect"), tmp_path, quiet)
    assert len(prepared.table) == 22
    row = prepared.table.index[prepared.table["box"] == "0 0 260 260"]
    with Image.open(prepared.table["path"][row[0]]) as image:
        left = np.asarray(image.crop((0, 0, 260, 260)).resize((48, 48)), int)
    assert np.abs(prepared.pixels[row[0]] - left).mean() < 6


def test_a_run_on_faces_predicts_and_is_measured_on_faces(of_photos, photos, tmp_path):
    assert of_photos.network.spec.framing == USUAL
    answers = of_photos.network.predict(portraits.photo(30, 150, 140))
    assert answers["face"].tolist() == [0, 1]
    again = report(of_photos.folder, out=tmp_path / "again")
    same_answers(again, of_photos.evaluation)
    given = report(of_photos.folder, [photos], split="all", out=tmp_path / "given")
    assert len(given.labels) == 21
    listed = pd.read_csv(tmp_path / "given" / "skipped.csv")
    assert listed["reason"].str.startswith(("no face", "2 faces")).sum() == 2
    whole = report(
        of_photos.folder, [photos], split="all", faces="whole", out=tmp_path / "whole"
    )
    assert len(whole.labels) == 23


@pytest.mark.framing
def test_auto_measures_crops_and_trains_on_them_as_they_are(crops, of_crops, tmp_path):
    run, lines = of_crops
    assert "the pictures are crops of faces: predict will find and cut out faces" in (
        lines
    )
    framing = run.network.spec.framing
    assert framing
    assert framing.pictures == 30
    for name in ("x", "y", "distance", "aspect"):
        wanted = getattr(portraits.FRAMING, name)
        assert getattr(framing, name) == pytest.approx(wanted, abs=0.02), name
    assert archive.load_spec(run.folder / "network.keras").framing == framing
    auto = prepare(recipe(crops), tmp_path, quiet)
    whole = prepare(recipe(crops, faces="whole"), tmp_path, quiet)
    np.testing.assert_array_equal(auto.pixels, whole.pixels)
    assert whole.spec.framing is None
    photo = run.network.predict(portraits.photo(1, 180, 150))
    assert photo["face"].tolist() == [0, 1]
    (kept,) = run.network.predict(portraits.cropped(40)).to_dict("records")
    assert kept["box"] is None


@pytest.mark.framing
def test_a_report_of_a_network_for_crops_takes_either(of_crops, photos, tmp_path):
    run, _ = of_crops
    sizes = {
        faces: len(
            report(run.folder, [photos], split="all", faces=faces, out=tmp_path / name)
            .labels
        )
        for name, faces in (("usual", ""), ("detect", "detect"), ("auto", "auto"))
    }  # fmt: skip
    assert sizes == {"": 23, "detect": 21, "auto": 21}
    own = report(run.folder, out=tmp_path / "own")
    same_answers(own, run.evaluation)


@pytest.mark.framing
def test_photos_whose_faces_lie_anywhere_give_a_hint(tmp_path):
    pictures = (portraits.photo(seed, 80 + 3 * seed) for seed in range(40))
    data = portraits.write(tmp_path / "photos", pictures)
    lines = list[str]()
    prepared = prepare(recipe(data), tmp_path, lines.append)
    assert prepared.spec.framing is None
    assert lines[-1] == (
        "most pictures show one face, but each somewhere else: --faces detect trains "
        "on the faces alone"
    )


@pytest.mark.framing
def test_pictures_without_faces_have_no_framing_and_say_nothing(tmp_path):
    data = portraits.write(tmp_path / "data", map(portraits.photo, range(45)))
    lines = list[str]()
    assert prepare(recipe(data), tmp_path, lines.append).spec.framing is None
    assert not [line for line in lines if "face" in line]


@pytest.mark.framing
def test_a_variant_keeps_the_framing_or_looks_anew(crops, tmp_path):
    prepared = prepare(recipe(crops), tmp_path, quiet)
    framing = prepared.spec.framing
    assert framing

    def variant(before, **changes):
        return prepare_variant(
            before, replace(before.recipe, **changes), tmp_path, quiet
        )

    same = variant(prepared, epochs=2)
    assert same.spec.framing == framing
    assert same.pixels is prepared.pixels
    larger = variant(prepared, image_size=64)
    assert larger.spec.framing == framing
    cut = variant(prepared, faces="detect")
    assert cut.spec.framing == USUAL
    whole = variant(cut, faces="whole")
    assert whole.spec.framing is None


@pytest.mark.slow
@pytest.mark.framing
def test_networks_of_a_comparison_and_of_folds_know_the_framing(crops, tmp_path):
    table = pd.read_csv(crops.partition(":")[2]).drop(columns="split")
    table["light"] = ["warm", "warm", "cold"] * 10
    labels = Path(crops.partition(":")[2]).with_name("both.csv")
    table.to_csv(labels, index=False)
    both = recipe(f"mine=table:{labels}", split="60/20/20")
    multitask.compare(both, out=tmp_path / "compare", say=quiet)
    files = list((tmp_path / "compare").rglob("network.keras"))
    assert len(files) == 3  # one of both heads, one of each
    fit(replace(both, folds=2), tmp_path / "folds", say=quiet)
    files += (tmp_path / "folds").rglob("network.keras")
    assert len(files) == 5
    framings = {archive.load_spec(file).framing for file in files}
    (framing,) = framings
    assert isinstance(framing, Framing)
    assert framing.pictures == 30


THERE = pytest.param(False, id="there", marks=pytest.mark.slow)


@pytest.mark.parametrize("gone", [THERE, pytest.param(True, id="gone")])
def test_a_resumed_run_cuts_faces_as_before(
    gone, of_photos, photos, tmp_path, monkeypatch
):
    """Also if the network whose framing it took is gone by now."""
    weights = tmp_path / "weights"
    weights.mkdir()
    model, spec = archive.load(of_photos.folder)
    other = Framing(x=0.5, y=0.4, distance=0.25)
    archive.save(model, replace(spec, framing=other), weights / "network.keras")
    run = recipe(photos, faces="detect", weights=str(weights), epochs=3)
    stop_in(monkeypatch, 2)
    stopped = fit(run, tmp_path / "run", say=quiet)
    assert stopped.interrupted
    assert stopped.network.spec.framing == other
    if gone:
        shutil.rmtree(weights)
    done = fit(run, tmp_path / "run", resume=True, say=quiet)
    assert done.history["epoch"].tolist() == [1, 2, 3]
    assert done.network.spec.framing == other


def test_the_command_takes_the_option(photos, tmp_path, capsys):
    command = ["--data", photos, "--trunk", "tiny", "--image-size", "16", "--epochs"]
    command += ["1", "--out", str(tmp_path / "run"), "--faces"]
    assert main([*command, "some"]) == 2
    assert "--faces" in capsys.readouterr().err
    assert main([*command, "detect"]) == 0
    assert multitask.load(tmp_path / "run").spec.framing == USUAL
    assert 'faces = "detect"' in (tmp_path / "run" / "recipe.toml").read_text()


def test_a_network_of_before_has_no_framing(of_photos, photos, tmp_path):
    """Its file says nothing of one: it looks at whole pictures, and must be told to."""
    before = tmp_path / "before.keras"
    with (
        zipfile.ZipFile(of_photos.folder / "network.keras") as saved,
        zipfile.ZipFile(before, "w") as members,
    ):
        for name in saved.namelist():
            content = saved.read(name)
            if name == SPEC_MEMBER:
                config = json.loads(content)
                del config["framing"], config["recipe"]["faces"]
                content = json.dumps(config).encode()
            members.writestr(name, content)
    network = multitask.load(before)
    assert network.spec.framing is None
    assert "face" not in network.predict(portraits.photo(1, 150, 140))
    whole = report(before, [photos], split="all", out=tmp_path / "whole")
    assert len(whole.labels) == 23
    with pytest.raises(UserError, match="--faces detect: this network doesn't know"):
        report(before, [photos], faces="detect", out=tmp_path / "detect")


@pytest.mark.framing
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "wanted"),
    [("utkface", (0.494, 0.286, 0.397, 1.0)), ("celeba", (0.5, 0.511, 0.228, 0.817))],
)
def test_published_crops_have_the_framing_that_was_measured(name, wanted, tmp_path):
    folder = DATA / {"utkface": "UTKFace", "celeba": "CelebA"}[name]
    if not folder.is_dir():
        pytest.skip(f"needs the data set {name}")
    heads = {"utkface": "gender", "celeba": "attributes[Smiling]"}[name]
    some = recipe(f"{name}={folder}", heads=(heads,), limit=80)
    framing = prepare(some, tmp_path, quiet).spec.framing
    assert framing
    found = (framing.x, framing.y, framing.distance, framing.aspect)
    assert found == pytest.approx(wanted, abs=0.03)
