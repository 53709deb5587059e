"""Does `predict` write the rows of videos, and end as its exit status says?

The faces are bright squares.
"""

import json
from io import BytesIO, TextIOWrapper

import keras
import pandas as pd
import pytest
from PIL import Image
from scipy import ndimage

from multitask import predict_videos
from multitask.contracts import catalog
from multitask.contracts.run import NETWORK
from multitask.images import camera
from multitask.images.faces.crop import Framing
from multitask.images.faces.detectors import DETECTORS, Detector
from multitask.images.faces.face import Face
from multitask.networks import archive, build
from multitask.networks.analyzer import Analyzer
from multitask.networks.prediction.file import PredictionFile
from multitask.networks.spec import NetworkSpec
from multitask.predict import main
from tests.images.clips import cut, grey, write_clip

pytest.importorskip("av")
pytest.importorskip("edgefirst.tracker")
pytestmark = pytest.mark.usefixtures("opened_once")

FRAMING = Framing(x=0.5, y=0.4, distance=0.35)


def save(folder, trunk, framing=FRAMING):
    """Save an untrained network for gender."""
    keras.utils.set_random_seed(0)
    heads = tuple(catalog.heads(["gender"]))
    spec = NetworkSpec(trunk=trunk, size=16, heads=heads, framing=framing)
    archive.save(build.build(spec), spec, folder / NETWORK)
    return str(folder)


@pytest.fixture(scope="module")
def network(tiny_trunk, tmp_path_factory):
    return save(tmp_path_factory.mktemp("faces"), tiny_trunk)


@pytest.fixture(autouse=True)
def squares(monkeypatch):
    """Bright squares are faces."""

    def find(pixels, smallest):
        marks, _ = ndimage.label(pixels[..., 2] > 120)
        return [
            Face(box=(float(x.start), float(y.start), float(x.stop), float(y.stop)))
            for y, x in ndimage.find_objects(marks)
        ]

    entry = Detector(
        name="mtcnn", load=lambda: find, package="scipy", install="", landmarks=False,
        tensorflow=False,
        good_for="tests",
    )  # fmt: skip
    monkeypatch.setitem(DETECTORS, "mtcnn", entry)
    monkeypatch.setattr("multitask.images.faces.detectors._loaded", {})


def picture(*lefts):
    """A dark picture with faces whose left edges are these."""
    image = Image.new("RGB", (320, 120), (20, 20, 20))
    for left in lefts:
        image.paste((200, 120, 200), (left, 30, left + 60, 90))
    return image


@pytest.fixture
def clip(tmp_path):
    """A video of two seconds: one face, then two, then none."""
    shown = [picture(10)] * 4 + [picture(10, 200)] * 4 + [picture()] * 2
    return write_clip(tmp_path / "clip.mp4", shown, rate=5)


def test_a_video_is_written_row_by_row(network, clip, tmp_path, capsys):
    out = tmp_path / "rows.csv"
    assert main([network, str(clip), "--out", str(out)]) == 0
    rows = pd.read_csv(out)
    assert list(rows) == [
        *("status", "path", "time", "person", "box", "face_confidence"),
        *("gender", "gender_confidence"),
    ]
    assert rows["person"].fillna(-1).tolist() == [0] * 4 + [0, 1] * 4 + [-1] * 2
    assert rows["status"].tolist() == ["ok"] * 12 + ["no face"] * 2
    assert rows["time"].iloc[-1] == 1.8
    words = "12 faces of 2 persons in 10 frames, 2 of them without a face"
    assert f"{clip}: {words}\n" in capsys.readouterr().err


def test_persons_of_several_videos_are_counted_in_each(
    network, clip, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    write_clip(tmp_path / "other.mkv", [picture(90)] * 5, rate=5)
    assert main([network, "*.m[pk][4v]", "--persons", "--format", "json"]) == 0
    captured = capsys.readouterr()
    rows = pd.DataFrame(json.loads(captured.out))
    assert rows["path"].tolist() == ["clip.mp4", "clip.mp4", "other.mkv"]
    assert rows["person"].tolist() == [0, 1, 0]
    assert rows["frames"].tolist() == [8, 4, 5]
    assert rows["start"].tolist() == [0, 0.8, 0]
    assert rows["end"].tolist() == [1.4, 1.4, 0.8]
    assert "clip.mp4: 2 persons\nother.mkv: 1 person\n" in captured.err


def test_every_says_which_frames(network, clip, capsys):
    assert main([network, str(clip), "--every", "0.5s", "--format", "jsonl"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["time"] for row in rows] == [0, 0.6, 1.0, 1.0, 1.6]


def test_videos_are_named_on_standard_input(network, clip, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(f"{clip}\n".encode())))
    assert main([network, "-", "--format", "csv", "--persons"]) == 0
    assert capsys.readouterr().out.count(f"ok,{clip}") == 2


def test_labels_answered_yes_are_listed(tiny_trunk, clip, tmp_path, network, capsys):
    heads = tuple(catalog.heads(["attributes[Smiling,Young]"]))
    spec = NetworkSpec(trunk=tiny_trunk, size=16, heads=heads, framing=FRAMING)
    archive.save(build.build(spec), spec, tmp_path / NETWORK)
    given = [str(clip), "--labels", "--format", "jsonl", "--every", "4"]
    assert main([str(tmp_path), *given]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert all(set(row["labels"]) <= {"Smiling", "Young"} for row in rows[:-1])
    assert "Smiling" not in rows[0]
    assert rows[-1]["labels"] is None  # without a face
    assert main([network, *given]) == 2
    assert "--labels: no head that is read has yes/no" in capsys.readouterr().err


def test_people_read_times_in_seconds(network, clip, capsys):
    assert main([network, str(clip), "--every", "3", "--no-average"]) == 0
    lines = capsys.readouterr().out.splitlines()
    names = ["path", "status", "box", "person", "time", "gender"]
    assert lines[0].split() == names
    assert [line.split()[-4:-2] for line in lines[1:4]] == [
        ["0", "0"], ["0", "0.6"], ["0", "1.2"],
    ]  # fmt: skip


def test_a_video_that_breaks_off_gives_its_rows_and_an_exit_status(
    network, tmp_path, capsys
):
    shown = [picture(10 + 2 * number) for number in range(60)]
    path = cut(write_clip(tmp_path / "torn.mkv", shown, rate=5, crf="1"), 0.5)
    out = tmp_path / "rows.jsonl"
    assert main([network, str(path), "--out", str(out)]) == 1
    rows = pd.read_json(out, lines=True)
    assert rows["gender"].notna().sum() == len(rows) - 1 > 10
    fault = rows["status"].iloc[-1]
    assert fault.startswith("breaks off at ")
    assert fault.endswith(" of 12.0 s")
    assert capsys.readouterr().err.endswith(f"; {fault}\n")


def test_a_video_without_faces_has_no_answer(network, tmp_path, capsys):
    path = write_clip(tmp_path / "empty.mp4", grey(5), rate=5)
    assert main([network, str(path)]) == 1
    assert f"{path}: no face in 5 frames\n" in capsys.readouterr().err


def test_networks_that_know_no_framing_look_at_whole_frames(
    tiny_trunk, clip, tmp_path, capsys
):
    folder = save(tmp_path, tiny_trunk, framing=None)
    assert main([folder, str(clip), "--format", "csv"]) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("status,path,time,gender,gender_confidence\n")
    assert f"{clip}: 10 frames\n" in captured.err
    assert main([folder, str(clip), "--persons"]) == 2
    assert "--persons: needs faces to follow" in capsys.readouterr().err


def test_mistakes_are_told_before_the_network_is_opened(
    network, clip, tmp_path, capsys, monkeypatch
):
    def fail():
        raise AssertionError("TensorFlow is imported")

    monkeypatch.setattr(predict_videos, "import_tensorflow", fail)
    photo, empty = tmp_path / "a.png", tmp_path / "empty.mp4"
    picture(10).save(photo)
    empty.touch()
    for given, line in (
        ([str(clip), str(photo)], f"{photo}: is no video, but {clip} is one"),
        ([str(clip), str(empty)], f"{empty}: is an empty file"),
        ([str(tmp_path / "no.mp4")], f"{tmp_path / 'no.mp4'}: no such file"),
        (["camera:front"], "camera:front: names no camera"),
        ([str(clip), "--every", "0"], "--every: is '0'"),
        ([str(clip), "--box", "xywh"], "--box: is for pictures, and a video is given"),
        ([str(clip), "--annotate", "a"], "--annotate: is for pictures"),
        ([str(clip), "--sheet", "a.jpg"], "--sheet: is for pictures"),
        ([str(clip), "--format", "deepface"], "--format deepface: is for pictures"),
        ([str(photo), "--persons"], "--persons: is for videos, and none is given"),
        ([str(photo), "--no-average"], "--no-average: is for videos"),
        ([str(photo), "--every", "5"], "--every: is for videos"),
    ):
        assert main([network, *given]) == 2
        assert capsys.readouterr().err.startswith(line)


def test_a_stopped_video_starts_over(network, clip, tmp_path, capsys, monkeypatch):
    out = tmp_path / "rows.csv"
    assert main([network, str(clip), "--out", str(out)]) == 0
    whole = out.read_text()
    append = PredictionFile.append

    def interrupt(file, rows):
        append(file, rows.iloc[:3])
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(PredictionFile, "append", interrupt)
        assert main([network, str(clip), "--out", str(out)]) == 130
    assert f"stopped; the rows until then are in {out}.part" in capsys.readouterr().err
    assert out.read_text() == whole
    assert main([network, str(clip), "--out", str(out)]) == 0
    assert out.read_text() == whole
    assert not out.with_name("rows.csv.part").exists()


def test_what_a_camera_showed_until_ctrl_c_is_kept(
    network, tmp_path, capsys, monkeypatch
):
    pattern = camera.Device("testsrc=size=64x48:rate=10:duration=9", "lavfi", {})
    monkeypatch.setattr(camera, "device", lambda name: pattern)
    real = Analyzer.predict_video

    def stopped(*given, **settings):
        rows = real(*given, **settings)
        yield next(rows)
        raise KeyboardInterrupt

    monkeypatch.setattr(Analyzer, "predict_video", stopped)
    out = tmp_path / "rows.json"
    assert main([network, "camera:0", "--out", str(out)]) == 130
    assert f"stopped; the rows until then are in {out}\n" in capsys.readouterr().err
    assert {row["path"] for row in json.loads(out.read_text())} == {"camera:0"}


@pytest.mark.parametrize("options", [[], ["--damaged", "keep"]])
def test_damaged_frames_are_left_out_unless_one_keeps_them(
    network, clip, monkeypatch, options
):
    real, given = Analyzer.predict_video, []

    def noted(*values, **settings):
        given.append(settings["damaged"])
        return real(*values, **settings)

    monkeypatch.setattr(Analyzer, "predict_video", noted)
    assert main([network, str(clip), *options]) == 0
    assert given == ["keep" if options else "skip"]
