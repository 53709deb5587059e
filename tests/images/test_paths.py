"""Do names, folders and globs stand for the pictures that a shell's user means?"""

import pytest
from PIL import Image

from multitask.contracts.errors import UserError
from multitask.images.paths import expand


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    """Three pictures, one of them in a folder below, a broken one and a text."""
    folder = tmp_path_factory.mktemp("faces")
    (folder / "more é").mkdir()
    for name in ("a.png", "b,c.PNG", "more é/d.png"):
        Image.new("RGB", (4, 4)).save(folder / name)
    (folder / "e.jpg").write_bytes(b"a letter")
    (folder / "notes.txt").write_text("a letter")
    return folder


NAMES = ["a.png", "b,c.PNG", "e.jpg", "more é/d.png"]


@pytest.fixture
def paths(faces):
    return [str(faces / name) for name in NAMES]


def test_a_folder_stands_for_all_pictures_below_it(faces, paths):
    assert expand([str(faces)]) == paths


def test_globs_find_files_and_folders(faces, paths):
    assert expand([f"{faces}/*.png"]) == paths[:1]
    assert expand([f"{faces}/**/*.png"]) == [paths[0], paths[3]]
    assert expand([f"{faces}/[ab]*"]) == paths[:2]
    assert expand([f"{faces}/mo*"]) == paths[3:]
    assert expand([f"{faces}/*é"]) == paths[3:]


def test_each_file_comes_once_in_the_order_asked(faces, paths):
    assert expand([paths[3], str(faces), paths[0]]) == [paths[3], *paths[:3]]


def test_a_tilde_is_the_home_folder(faces, paths, monkeypatch):
    monkeypatch.setenv("HOME", str(faces))
    assert expand(["~/a.png", "~/more*", "~"]) == [paths[0], paths[3], *paths[1:3]]


def test_a_tilde_before_the_name_of_no_user_is_a_letter():
    assert expand(["~no-such-user/a.png"]) == ["~no-such-user/a.png"]


def test_names_may_look_like_globs(tmp_path):
    folder = tmp_path / "album [1]"
    folder.mkdir()
    for name in ("a[1].png", "a1.png"):
        Image.new("RGB", (4, 4)).save(folder / name)
    both = [str(folder / "a1.png"), str(folder / "a[1].png")]
    assert expand([str(folder)]) == both
    assert expand([both[1]]) == both[1:]
    assert expand([f"{tmp_path}/alb*"]) == both


def test_a_folder_without_a_picture_is_an_error(tmp_path):
    with pytest.raises(UserError, match="is empty; pictures end in .jpg"):
        expand([str(tmp_path)])


def test_a_folder_without_a_picture_is_left_out_beside_others(faces, paths, tmp_path):
    (tmp_path / "none").mkdir()
    none, lines = str(tmp_path / "none"), list[str]()
    assert expand([none, paths[0], none], lines.append) == paths[:1]
    assert len(lines) == 1
    assert lines[0].startswith(f"left out: {none}: is empty; pictures end in")
    with pytest.raises(UserError, match="is empty; pictures end in .jpg"):
        expand([none, none], lines.append)
    assert len(lines) == 1


def test_a_glob_without_a_match_is_an_error(faces):
    with pytest.raises(UserError, match=r"\*\.tiff: matches no file$"):
        expand([f"{faces}/*.tiff"])


def test_a_name_that_is_no_file_stays(faces, paths):
    none = str(faces / "none.jpg")
    assert expand([none, paths[0]]) == [none, paths[0]]


def test_a_picture_named_twice_is_answered_once_and_told(faces, paths):
    lines = list[str]()
    assert expand([paths[0], str(faces), paths[0]], lines.append) == paths
    assert lines[0] == "left out: 2 pictures named more than once"


def test_files_of_a_folder_without_the_ending_of_a_picture_are_told(tmp_path):
    for name in ("a.jpg", "b.heic", "deeper/c.HEIC", "d.CR2", "noext", ".hidden"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    lines = list[str]()
    assert expand([str(tmp_path), str(tmp_path)], lines.append) == [f"{tmp_path}/a.jpg"]
    assert lines[-1] == (
        "left out: 4 files without the ending of a picture: "
        ".heic (2), .cr2 (1), none (1)"
    )
    assert expand([str(tmp_path / "noext")], lines.append) == [f"{tmp_path}/noext"]
    assert len(lines) == 2


def test_a_glob_without_a_match_is_left_out_beside_others(faces, paths):
    none, lines = f"{faces}/*.tiff", list[str]()
    assert expand([none, paths[0]], lines.append) == paths[:1]
    assert lines == [f"left out: {none}: matches no file"]
    with pytest.raises(UserError, match=r"\*\.tiff: matches no file$"):
        expand([none, f"{faces}/*.bmp"], lines.append)
    assert lines[1:] == [f"left out: {faces}/*.bmp: matches no file"]


def test_an_empty_folder_that_a_glob_matches_is_left_out_alone(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    Image.new("RGB", (4, 4)).save(tmp_path / "two" / "a.png")
    lines = list[str]()
    assert expand([f"{tmp_path}/*"], lines.append) == [f"{tmp_path}/two/a.png"]
    assert lines[0].startswith(f"left out: {tmp_path}/one: is empty")


def test_a_folder_of_videos_alone_says_how_to_name_them(tmp_path):
    for name in ("b.mp4", "c.MP4", "notes.txt"):
        (tmp_path / name).touch()
    with pytest.raises(UserError) as error:
        expand([str(tmp_path)])
    assert error.value.line == (
        f"{tmp_path}: holds 2 videos and no picture; write {tmp_path}/*.mp4 for the "
        "videos (in Python, use predict_video)"
    )
