"""Are the right frames of a video read, at the right times, and is the rest told?"""

import sys
import threading

import numpy as np
import pytest
from PIL import Image

from multitask.contracts.errors import UserError
from multitask.images import camera, video
from multitask.images.video import Step, Video, is_video, parse_step
from tests.images.clips import cut, grey, write_clip, write_sound

pytest.importorskip("av")


def read(path, every=1, damaged="skip"):
    """The times of the frames taken, the pictures that they show, and the fault."""
    with Video(path, damaged) as opened:
        frames = list(opened.frames(parse_step(every)))
        shown = [round(float(np.median(frame.pixels)) / 2) for frame in frames]
        return [round(frame.time, 3) for frame in frames], shown, opened.fault


@pytest.fixture(params=["clip.mp4", "clip.mkv", "clip.avi", "clip.ts"])
def clip(request, tmp_path):
    """Three seconds of 25 frames each in every container."""
    return write_clip(tmp_path / request.param, grey(75))


def near(shown, numbers):
    """Whether pictures are those of these numbers, as far as lossy codecs tell."""
    return np.abs(np.array(shown) - np.array(numbers)).max() <= 1


def test_every_nth_frame_is_taken_from_the_first_one_on(clip):
    times, shown, fault = read(clip, 10)
    assert times == [0, 0.4, 0.8, 1.2, 1.6, 2.0, 2.4, 2.8]
    assert near(shown, range(0, 75, 10))
    assert fault == ""


def test_seconds_take_the_first_frame_of_each_step(clip):
    times, shown, _ = read(clip, "0.5s")
    # 25 frames per second: the first ones at or after 0.5, 1.5 and 2.5 s.
    assert times == [0, 0.52, 1.0, 1.52, 2.0, 2.52]
    assert near(shown, [0, 13, 25, 38, 50, 63])


def test_steps_shorter_than_a_frame_take_all_frames_once(tmp_path):
    path = write_clip(tmp_path / "clip.mp4", grey(10))
    assert read(path, "0.001s")[0] == read(path, 1)[0]
    assert len(read(path, 1)[0]) == 10


@pytest.mark.parametrize(
    ("every", "step"),
    [
        (5, Step(frames=5)),
        ("5", Step(frames=5)),
        ("0.5s", Step(seconds=0.5)),
        (" 2 s", Step(seconds=2.0)),
        (".25s", Step(seconds=0.25)),
    ],
)
def test_steps_are_frames_or_seconds(every, step):
    assert parse_step(every) == step


@pytest.mark.parametrize(
    "every", [0, -1, "0s", "0.5", 0.5, "fast", "", "1m", None, True]
)
def test_other_steps_are_refused(every):
    with pytest.raises(UserError, match="--every: is .*5, or seconds such as 0.5s"):
        parse_step(every)


def test_times_of_a_variable_frame_rate_are_those_at_which_frames_are_shown(tmp_path):
    times = [0, 0.04, 0.08, 1.0, 1.5, 1.52, 4.0, 4.04]
    path = write_clip(tmp_path / "clip.mp4", grey(8), times=times)
    assert read(path, 1)[0] == times
    # From 1.52 to 4 s there is no frame to take.
    taken, shown, fault = read(path, "0.5s")
    assert taken == [0, 1.0, 1.5, 4.0]
    assert near(shown, [0, 3, 4, 6])
    assert fault == ""


@pytest.mark.parametrize("rotation", [0, 90, 180, -90])
def test_frames_are_upright(tmp_path, rotation):
    upright = Image.new("RGB", (64, 48), "white")
    upright.paste((0, 0, 0), (0, 0, 16, 12))  # black at the top left
    # As a camera that was turned has recorded it.
    stored = upright.rotate(-rotation, expand=True)
    path = write_clip(tmp_path / "clip.mp4", [stored] * 3, rotation=rotation)
    with Video(path) as opened:
        frame = next(opened.frames(Step(frames=1)))
    np.testing.assert_allclose(frame.pixels, np.asarray(upright), atol=24)


def test_wide_pixels_become_square(tmp_path):
    path = write_clip(tmp_path / "clip.mp4", grey(3, (64, 48)), aspect="3/2")
    with Video(path) as opened:
        assert next(opened.frames(Step(frames=1))).pixels.shape == (48, 96, 3)


@pytest.mark.parametrize("aspect", ["20", "1/20"])
def test_pixels_that_no_camera_has_are_taken_as_square(tmp_path, aspect):
    path = write_clip(tmp_path / "clip.mp4", grey(3, (64, 48)), aspect=aspect)
    with Video(path) as opened:
        assert next(opened.frames(Step(frames=1))).pixels.shape == (48, 64, 3)


def test_frames_that_wide_pixels_make_too_large_are_a_fault(tmp_path, monkeypatch):
    path = write_clip(tmp_path / "clip.mp4", grey(3, (64, 48)), aspect="4")
    monkeypatch.setattr(video, "MAX_PIXELS", 4 * 64 * 48)
    times, _, fault = read(path)
    assert times == []
    assert fault == (
        "breaks off at 0.0 s: a frame has 256 x 48 pixels, must have fewer than 100 "
        "megapixels"
    )
    monkeypatch.setattr(video, "MAX_PIXELS", 4 * 64 * 48 + 1)
    assert len(read(path)[0]) == 3


def test_frames_keep_their_colours(tmp_path):
    picture = Image.new("RGB", (64, 48), (200, 60, 40))
    path = write_clip(tmp_path / "clip.mp4", [picture] * 3)
    with Video(path) as opened:
        pixels = next(opened.frames(Step(frames=1))).pixels
    assert pixels.dtype == np.uint8
    np.testing.assert_allclose(pixels[24, 32], (200, 60, 40), atol=3)


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.avi"])
def test_a_video_that_breaks_off_gives_its_frames_and_a_fault(tmp_path, name):
    noise = np.random.default_rng(0).integers(0, 256, (150, 48, 64, 3), np.uint8)
    # In front, as streaming has it: else a part of an .mp4 can't be read at all.
    index = {"movflags": "faststart"} if name == "clip.mp4" else {}
    path = write_clip(tmp_path / name, map(Image.fromarray, noise), **index)
    whole = read(path, 1)[0]
    times, _, fault = read(cut(path, 0.6), 1)
    assert times == whole[: len(times)]
    assert 60 < len(times) < 110
    assert fault.startswith(f"breaks off at {times[-1]:.1f}"[:15])
    assert fault.endswith("of 6.0 s")


def test_sound_that_is_longer_than_the_pictures_is_no_fault(tmp_path):
    for name in ("clip.mp4", "clip.mkv"):
        path = write_clip(tmp_path / name, grey(25), sound=6.0)
        times, _, fault = read(path, 5)
        assert (len(times), fault) == (5, "")


def test_damaged_frames_are_left_out_and_told(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (75, 48, 64, 3), np.uint8)
    path = write_clip(
        tmp_path / "clip.mp4", map(Image.fromarray, noise), movflags="faststart"
    )
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 3000] = bytes(3000)
    path.write_bytes(data)
    times, _, fault = read(path, 1)
    assert 20 < len(times) < 75
    assert "can't be decoded, the first at 1." in fault


def test_what_holds_no_video_is_refused(tmp_path):
    empty, text = tmp_path / "empty.mp4", tmp_path / "text.mp4"
    empty.touch()
    text.write_text("no video\n" * 100)
    sound = write_sound(tmp_path / "sound.mp4")
    torn = cut(write_clip(tmp_path / "torn.mp4", grey(25)), 0.7)
    for path, what in (
        (empty, "is an empty file"),
        (text, "is no video that can be read, or one without its end"),
        (torn, "is no video that can be read, or one without its end"),
        (sound, "has sound alone, and no video"),
        (tmp_path / "none.mp4", "no such file"),
        (tmp_path, "is a directory"),
    ):
        with pytest.raises(UserError, match=f"^{path}: {what}"):
            Video(path)


def replaced(path, old, new):
    """Change the bytes of a file, which must have the old ones; returns its path."""
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new))
    return path


def test_a_title_in_another_encoding_does_not_matter(tmp_path):
    path = write_clip(tmp_path / "clip.mp4", grey(5))
    assert len(read(replaced(path, b"Lavf", b"L\xe4vf"))[0]) == 5


def test_a_coding_that_nobody_knows_is_told(tmp_path):
    path = replaced(write_clip(tmp_path / "a.mp4", grey(5)), b"avc1", b"xyz1")
    line = "is in a coding that FFmpeg can't read; check it in a player, or convert it"
    with pytest.raises(UserError, match=line):
        Video(path)


class Late:
    """A container in which a stream began after the others: PyAV ends as this."""

    def __init__(self, container):
        self.container = container

    def __getattr__(self, name):
        return getattr(self.container, name)

    def demux(self):
        yield from self.container.demux()
        raise IndexError("list index out of range")


def test_a_stream_that_begins_later_does_not_matter(tmp_path):
    with Video(write_clip(tmp_path / "clip.ts", grey(5))) as opened:
        opened._container = Late(opened._container)  # type: ignore[assignment]
        assert len(list(opened.frames(Step(frames=1)))) == 5
        assert opened.fault == ""


@pytest.mark.parametrize("form", ["jpeg", "png", "webp", "tiff", "bmp"])
def test_a_picture_is_for_predict(form, tmp_path):
    path, named = tmp_path / f"photo.{form}", tmp_path / "photo.mp4"
    for file in (path, named):
        Image.new("RGB", (32, 32), "red").save(file, form)
    told = "is a picture, no video; use `predict` for pictures"
    with pytest.raises(UserError, match=f"^{path}: {told}$"):
        Video(path)
    with pytest.raises(UserError, match=f"^{named}: {told}, and a name that ends as"):
        Video(named)


def test_the_cover_of_a_piece_of_music_is_no_video(tmp_path):
    path = write_sound(tmp_path / "music.mp4", cover=Image.new("RGB", (64, 64), "red"))
    with pytest.raises(UserError, match="has sound alone, and no video"):
        Video(path)


def test_names_are_no_protocols(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = write_clip(tmp_path / "concat.mp4", grey(5))
    odd = path.rename(tmp_path / "concat:other.mp4")
    assert len(read(odd.name, 1)[0]) == 5


def test_only_one_frame_is_held_at_a_time(tmp_path):
    path = write_clip(tmp_path / "clip.mp4", grey(75))
    with Video(path) as opened:
        frames = opened.frames(Step(frames=1))
        assert next(frames).time == 0
        assert opened._reached < 2  # so that the rest of the file is not read yet


@pytest.fixture
def pattern(monkeypatch):
    """A camera that shows FFmpeg's test pattern, 20 frames of it at full speed."""
    device = camera.Device("testsrc=size=64x48:rate=10:duration=2", "lavfi", {})
    monkeypatch.setattr(camera, "device", lambda name: device)


def test_a_camera_gives_its_newest_frames(pattern):
    with Video("camera:0") as opened:
        assert opened.is_camera
        assert opened.duration is None
        times = [frame.time for frame in opened.frames(Step(frames=5))]
        fault = opened.fault
    # The reader may have missed some of them, but never the last.
    assert set(times) <= {0.0, 0.5, 1.0, 1.5}
    assert times == sorted(times)
    assert times[-1] == 1.5
    assert fault == "stopped at 2.0 s"


def test_a_camera_is_left_before_its_end(monkeypatch):
    endless = camera.Device("testsrc=size=64x48:rate=10", "lavfi", {})
    monkeypatch.setattr(camera, "device", lambda name: endless)
    before = threading.active_count()
    with Video("camera:0") as opened:
        frames = opened.frames(Step(frames=1))
        next(frames)
        assert threading.active_count() > before
        frames.close()
        # No thread reads on.
        assert threading.active_count() == before
        assert opened.fault == ""


def test_slow_readers_get_the_newest_item_and_errors_of_the_source():
    def source():
        yield from range(1000)
        raise OSError("unplugged")

    items = camera.newest(source())
    with pytest.raises(OSError, match="unplugged"):
        last = [item for item in items][-1]
    items = camera.newest(iter(range(1000)))
    last = list(items)[-1]
    assert last == 999


def test_cameras_have_a_number(tmp_path):
    with pytest.raises(UserError, match="camera:front: names no camera; the first"):
        Video("camera:front")
    with pytest.raises(UserError, match="camera:77: can't be opened"):
        Video("camera:77")


@pytest.mark.parametrize(
    ("platform", "device"),
    [
        ("linux", ("/dev/video1", "v4l2", {})),
        ("darwin", ("1", "avfoundation", {"framerate": "30"})),
        ("win32", ("video=Back", "dshow", {})),
    ],
)
def test_each_system_names_its_cameras(monkeypatch, platform, device):
    import av

    devices = [
        av.DeviceInfo("Microphone", "", False, ["audio"]),
        av.DeviceInfo("Front", "", True, ["video"]),
        av.DeviceInfo("Back", "", False, ["video"]),
    ]
    monkeypatch.setattr(av, "enumerate_input_devices", lambda form: devices)
    monkeypatch.setattr("sys.platform", platform)
    assert camera.device("camera:1") == device


def test_videos_are_told_by_their_names():
    assert is_video("a/Clip.MOV")
    assert is_video("camera:0")
    assert not is_video("photo.jpg")


def test_without_the_package_the_extra_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(
        UserError, match=r"video: videos need the package av .*\[video\]"
    ):
        Video(tmp_path / "clip.mp4")


def test_damage_that_ffmpeg_conceals_is_told(tmp_path):
    import av

    noise = np.random.default_rng(0).integers(50, 60, (30, 240, 320, 3), np.uint8)
    path = write_clip(tmp_path / "clip.avi", map(Image.fromarray, noise), rate=10)
    assert read(path, 1)[2] == ""
    with av.open(path) as file:
        packets = [packet for packet in file.demux() if packet.size]
    start = packets[20].pos + packets[20].size // 2
    data = bytearray(path.read_bytes())
    data[start : start + 20] = bytes(range(200, 220))
    path.write_bytes(data)
    told = "1 frame is damaged, the first at 2.0 s"
    every = [round(0.1 * number, 1) for number in range(30)]
    times, _, fault = read(path, 1)
    assert (times, fault) == (every[:20] + every[21:], told)
    times, _, fault = read(path, 1, "keep")
    assert (times, fault) == (every, told)
    # The next one that is whole comes in place of one that is left out.
    assert read(path, 5)[0] == [0, 0.5, 1, 1.5, 2.1, 2.5]
    assert read(path, 5, "keep")[0] == [0, 0.5, 1, 1.5, 2, 2.5]
