"""Do commands find the network that is meant, by name or by default, and say so?"""

import json
import os
import shutil

import numpy as np
import pytest
from PIL import Image

import multitask
from multitask import predict
from multitask.contracts import catalog
from multitask.contracts.errors import UserError
from multitask.contracts.run import NETWORK
from multitask.networks import archive, build
from multitask.networks.__main__ import main as networks
from multitask.networks.spec import NetworkSpec
from multitask.report import main as measure

CARD = "---\nlicense: cc-by-4.0\n---\n# Faces of a test\n"


@pytest.fixture(scope="module")
def trained(tiny_trunk, tmp_path_factory):
    """A network file."""
    heads = tuple(catalog.heads(["gender", "age"]))
    spec = NetworkSpec(trunk=tiny_trunk, size=16, heads=heads, tta=1)
    path = tmp_path_factory.mktemp("trained") / NETWORK
    archive.save(build.build(spec), spec, path)
    return path


@pytest.fixture
def faces(trained, named_folder):
    """The network `faces` in the named folder."""
    (named_folder / "faces").mkdir()
    return shutil.copy(trained, named_folder / "faces" / NETWORK)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The working folder, with one picture in it and one in a folder."""
    folder = tmp_path / "here"
    (folder / "more").mkdir(parents=True)
    pixels = np.random.default_rng(0).integers(0, 256, (20, 20, 3), np.uint8)
    for name in ("photo.png", "more/other.png"):
        Image.fromarray(pixels).save(folder / name)
    monkeypatch.chdir(folder)
    return folder


def said(capsys, main, *arguments, status=0):
    """Standard output and error of a command that ends with this status."""
    assert main([str(argument) for argument in arguments]) == status
    return capsys.readouterr()


# predict


def test_without_a_network_predict_uses_the_default_and_says_so(faces, here, capsys):
    printed = said(capsys, predict.main, "photo.png", "more", "--format", "json")
    assert printed.err.splitlines()[0] == (
        "no network named: using faces; see python -m multitask.networks faces"
    )
    rows = json.loads(printed.out)
    assert [row["path"] for row in rows] == ["photo.png", "more/other.png"]
    expected = multitask.load(faces).predict("photo.png")
    assert rows[0]["gender"] == expected["gender"][0]


def test_a_name_is_a_network_and_options_may_stand_anywhere(faces, here, capsys):
    printed = said(capsys, predict.main, "faces", "--format", "json", "photo.png")
    assert [row["path"] for row in json.loads(printed.out)] == ["photo.png"]
    assert "no network named" not in printed.err


def test_a_name_alone_lacks_pictures(faces, here, capsys):
    line = said(capsys, predict.main, "faces", status=2).err
    assert line == (
        "faces: is a network, and no picture is given; name pictures, folders or a "
        "table after the network\n"
    )
    (here / "more").rename(here / "faces")
    line = said(capsys, predict.main, "faces", status=2).err
    assert line.endswith("; for the pictures in the folder here, write ./faces\n")
    printed = said(capsys, predict.main, "./faces", "--format", "json")
    assert len(json.loads(printed.out)) == 1


def test_a_folder_here_with_the_name_of_a_network_is_not_passed_over(
    faces, here, capsys
):
    (here / "more").rename(here / "faces")
    printed = said(capsys, predict.main, "faces", "photo.png", status=2)
    assert printed.out == ""
    assert printed.err == (
        "faces: is the name of a network, and a folder here; write ./faces for the "
        "pictures in the folder, or rename it for the network\n"
    )
    # No doubt is left where the folder is given, too.
    printed = said(capsys, predict.main, "faces", "./faces", "--format", "json")
    assert len(json.loads(printed.out)) == 1


@pytest.mark.parametrize("word", ["facez", "runs/faces", "photo.pgn", "~nobody/x"])
def test_a_word_that_is_nothing_is_not_answered_by_the_default(
    word, faces, here, capsys
):
    printed = said(capsys, predict.main, word, "photo.png", status=2)
    assert printed.out == ""
    assert printed.err.startswith(
        f"{word}: is neither a network nor a picture, video, folder or table; check "
        "the path, or name a network ("
    )
    assert "faces" in printed.err.rpartition("name a network")[2]
    assert ": known" not in printed.err


@pytest.mark.parametrize(
    "words", [("",), ("faces", ""), ("", "photo.png"), ("faces", "photo.png", "")]
)
def test_an_empty_name_is_not_the_folder_here(words, faces, here, capsys):
    printed = said(capsys, predict.main, *words, status=2)
    assert printed.out == ""
    assert printed.err == (
        "input: has an empty name; check that the variables of your shell are set\n"
    )


def test_no_network_has_an_empty_name(here):
    with pytest.raises(UserError, match="network: is an empty name"):
        multitask.load("")


def test_a_run_without_a_network_is_not_answered_by_the_default(faces, here, capsys):
    (here / "more" / "recipe.toml").touch()
    line = said(capsys, predict.main, "more", "photo.png", status=2).err
    assert line.startswith("more/network.keras: does not exist; give a run folder ")


def test_a_network_after_a_picture_is_in_the_wrong_place(faces, here, capsys):
    line = said(capsys, predict.main, "photo.png", "faces", status=2).err
    assert line == (
        "photo.png: is a picture, but the network comes first; write python -m "
        "multitask.predict faces photo.png\n"
    )


def test_a_folder_of_runs_is_not_read_as_pictures(faces, here, capsys):
    for name in ("a", "b"):
        run = here / "runs" / name
        run.mkdir(parents=True)
        (run / "network.keras").write_bytes(b"")
    line = said(capsys, predict.main, "runs", "photo.png", status=2).err
    assert line == "runs: is no network, but holds 2 runs; name one of them: " + (
        ", ".join(os.path.join("runs", name) for name in ("a", "b")) + "\n"
    )


def test_without_the_default_predict_says_what_is_missing(named_folder, here, capsys):
    line = said(capsys, predict.main, "photo.png", status=2).err
    assert line.startswith("faces: does not come with this installation of multitask; ")


def test_a_head_that_a_network_lacks_says_how_to_train_it(faces, here, capsys):
    line = said(
        capsys, predict.main, "photo.png", "--heads", "smile", status=2
    ).err.splitlines()[-1]
    assert line == (
        "--heads: faces has no head 'smile'; it has gender, age; CelebA has "
        "attributes[Smiling]; train one on pictures sorted into one folder per class: "
        "python -m multitask.fit --heads smile --data smile=folder:PATH "
        "--weights faces --out runs/smile"
    )


# load and report


def test_load_opens_a_network_by_name_and_the_default(faces, trained, here):
    for network in (multitask.load("faces"), multitask.load()):
        assert [head.name for head in network.heads] == ["gender", "age"]
    with pytest.raises(multitask.UserError, match="did you mean 'faces'"):
        multitask.load("face")


def test_a_named_network_is_measured_on_given_data_alone(faces, here, capsys):
    line = said(capsys, measure, "faces", status=2).err
    assert line == (
        "--data: is missing, as faces comes without the data that trained it; write "
        "--data NAME=FOLDER\n"
    )
    with pytest.raises(multitask.UserError, match="data: is missing, as faces comes"):
        multitask.report("faces")


def test_nothing_is_written_beside_a_named_network(faces, here, capsys, monkeypatch):
    from multitask.data.batches import decode_table as decode
    from multitask.data.sources import read_all as read
    from multitask.experiments import evaluate

    places = []

    def read_all(sets, sample, heads):
        places.append(sample.parent)
        return read(sets, sample, heads)

    def decode_table(table, size, memory, spill, *others, **more):
        places.append(spill)
        return decode(table, size, memory, spill, *others, **more)

    monkeypatch.setattr(evaluate, "read_all", read_all)
    monkeypatch.setattr(evaluate, "decode_table", decode_table)
    (here / "labels.csv").write_text("path,gender\nphoto.png,male\n")
    data = f"mine=table:{here / 'labels.csv'}"
    measured = multitask.report("faces", data=data, out="first")
    assert measured.title == "faces on mine"
    said(capsys, measure, "faces", "--data", data, "--out", "second")
    made = [place.resolve() for place in places]
    assert made == [here / "first"] * 2 + [here / "second"] * 2
    assert multitask.report(faces, data=data, out="third").title == "faces on mine"
    assert places[4:] == [faces.parent] * 2  # a run may be there


# networks


def test_networks_lists_what_can_be_named(faces, named_folder, here, capsys):
    (row,) = said(capsys, networks).out.splitlines()[1:]
    size = f"{faces.stat().st_size / 1e6:.1f} MB"
    assert row.split() == f"faces folder {named_folder} gender, age 16 {size}".split()
    (named_folder / "faces" / "model_card.md").write_text(CARD)
    head, row = said(capsys, networks).out.splitlines()
    assert head.split() == ["name", "source", "heads", "pixels", "file", "licence"]
    assert row.endswith("cc-by-4.0")
    shown = "# Faces of a test\n\nLicence: cc-by-4.0\n"  # not as in the file's head
    assert said(capsys, networks, "faces").out == shown


def test_a_network_that_is_none_is_one_row_with_the_reason(faces, named_folder, capsys):
    (named_folder / "half.keras").write_bytes(b"half")
    (named_folder / "._faces.keras").write_bytes(b"of another system")
    (named_folder / "faces" / "model_card.md").write_bytes(b"Jos\xe9")
    printed = said(capsys, networks)
    _, whole, half = printed.out.splitlines()
    assert whole.split()[0] == "faces"
    file = named_folder / "half.keras"
    assert half.startswith(f"half   folder {named_folder}  {file}: is not a network ")
    assert printed.err == (
        f"ignored, as no name can mean it: {named_folder / '._faces.keras'}\n"
    )
    assert said(capsys, networks, "faces").out == "Jos\ufffd\n"


def test_networks_without_a_card_or_without_networks(
    faces, named_folder, capsys, monkeypatch
):
    description = said(capsys, networks, "faces").out.splitlines()
    assert description[0].startswith("faces: trunk ")
    assert any(line.startswith("  gender: male, female") for line in description)
    assert f"{named_folder / 'faces'}" in description[-1]
    assert description[-1].startswith("It has no model card")
    assert said(capsys, networks, "facez", status=2).err.startswith(
        "facez: is not a known"
    )
    shutil.rmtree(named_folder / "faces")
    printed = said(capsys, networks)
    assert printed.out == (
        "no networks: none are bundled with this installation, and "
        f"{named_folder} holds none\n"
    )
    monkeypatch.delenv("MULTITASK_NETWORKS")
    assert said(capsys, networks).out.endswith("and MULTITASK_NETWORKS is not set\n")
