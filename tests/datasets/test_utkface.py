"""Does the reader of UTKFace believe the names it can, and set the others aside?"""

import os
from pathlib import Path

import pytest
from multitask.datasets import utkface

from multitask.contracts import table
from multitask.contracts.errors import UserError
from multitask.contracts.reading import pictures

REAL = Path(__file__).parents[3] / "shared" / "data" / "UTKFace"
TIME = "20170109142408075"
NAME = f"31_1_2_{TIME}.jpg.chip.jpg"


def files(folder: Path, *names: str) -> Path:
    """Empty files: the reader goes by names and opens none."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


def test_name_gives_age_gender_and_race(tmp_path):
    reading = utkface.read(files(tmp_path, NAME))
    assert reading.table.to_dict("records") == [
        {
            "path": str(tmp_path / NAME),
            "age": 31.0,
            "gender": "female",
            "race": "asian",
            "source": "utkface",
        }
    ]
    assert reading.skipped.empty


@pytest.mark.parametrize("code", range(5))
def test_codes_are_the_publishers(tmp_path, code):
    reading = utkface.read(files(tmp_path, f"0_0_{code}_{TIME}.jpg.chip.jpg"))
    names = ["white", "black", "asian", "indian", "others"]
    assert reading.table.loc[0, ["gender", "race"]].tolist() == ["male", names[code]]


@pytest.mark.parametrize("ending", [".jpg", ".JPG", ".png", ".jpeg", ".jpg.chip.PNG"])
def test_other_endings_are_read(tmp_path, ending):
    assert len(utkface.read(files(tmp_path, f"116_1_4_{TIME}{ending}")).table) == 1


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (
            f"61_1_{TIME}.jpg.chip.jpg",
            "has 3 parts, must have 4: age_gender_race_time; the race may be missing",
        ),
        ("portrait.png", "has 1 part, must have 4: age_gender_race_time"),
        (f"61_3_1_{TIME}.jpg", "gender is '3', must be 0 (male) or 1 (female)"),
        (f"53__0_{TIME}.jpg", "gender is '', must be"),
        (f"61_1_7_{TIME}.jpg", "race is '7', must be 0 (white), 1 (black)"),
        (f"200_1_1_{TIME}.jpg", "age is 200, must be from 0 to 116"),
        (f"117_1_1_{TIME}.jpg", "age is 117, must be from 0 to 116"),
        (f"{'9' * 200}_1_1_1.jpg", "must be from 0 to 116"),
        (f"-3_1_1_{TIME}.jpg", "age is '-3', must be a whole number"),
        (f"²_1_1_{TIME}.jpg", "age is '²', must be a whole number"),
        (f"_1_1_{TIME}.jpg", "age is '', must be a whole number"),
    ],
)
def test_malformed_name_is_set_aside_with_its_reason(tmp_path, name, reason):
    reading = utkface.read(files(tmp_path, NAME, name))
    assert reading.table["path"].tolist() == [str(tmp_path / NAME)]
    assert reading.skipped["path"].tolist() == [str(tmp_path / name)]
    assert reason in reading.skipped["reason"][0]


def test_walk_is_recursive_sorted_and_leaves_out_what_is_no_picture(tmp_path):
    wanted = [f"part1/2_0_0_{TIME}.jpg", f"part2/x/1_0_0_{TIME}.jpg"]
    others = ["README.txt", f".3_0_0_{TIME}.jpg", f".cache/3_0_0_{TIME}.jpg"]
    reading = utkface.read(files(tmp_path, *reversed(wanted), *others))
    assert reading.table["path"].tolist() == [str(tmp_path / name) for name in wanted]
    assert reading.skipped.empty


def test_links_to_folders_are_followed_once(tmp_path):
    files(tmp_path / "elsewhere", NAME)
    folder = tmp_path / "faces"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path / "elsewhere")
    (folder / "loop").symlink_to(folder)
    assert pictures(folder, "--data x") == [str(folder / "link" / NAME)]


def test_tilde_is_expanded(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(files(tmp_path, f"faces/{NAME}")))
    paths = utkface.read(Path("~/faces")).table["path"]
    assert paths.tolist() == [str(tmp_path / "faces" / NAME)]


def test_no_such_folder(tmp_path):
    with pytest.raises(
        UserError, match=r"^--data utkface: there is no folder '.*nowhere'"
    ):
        utkface.read(tmp_path / "nowhere")


def test_file_instead_of_folder(tmp_path):
    path = files(tmp_path, "UTKFace.tar.gz") / "UTKFace.tar.gz"
    with pytest.raises(UserError, match=r"is a file, not a folder"):
        utkface.read(path)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "is empty"),
        (["a.txt", "sub/b.csv"], "holds 2 files such as 'a.txt' but no picture"),
        ([f"61_1_{TIME}.jpg"], "no picture in .* can be used, of 1; .* has 3 parts"),
    ],
)
def test_folder_without_usable_picture(tmp_path, names, message):
    with pytest.raises(UserError, match=message):
        utkface.read(files(tmp_path, *names))


@pytest.mark.skipif(not REAL.is_dir(), reason="the real UTKFace is not here")
def test_real_names():
    reading = utkface.read(REAL)
    # The three known ones; every other malformed name would be listed here as well.
    assert sorted(map(os.path.basename, reading.skipped["path"])) == [
        "39_1_20170116174525125.jpg.chip.jpg",
        "61_1_20170109142408075.jpg.chip.jpg",
        "61_1_20170109150557335.jpg.chip.jpg",
    ]
    assert len(reading.table) == len(os.listdir(REAL)) - 3
    assert reading.table["age"].between(0, 116).all()
    assert len(table.check(reading.table)) == len(reading.table)
