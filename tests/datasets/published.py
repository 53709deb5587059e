"""How do the small examples of published layouts look, and what is in them?

Each has a cell that is broken, and is drawn by a function of an empty folder.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image


@dataclass(frozen=True, kw_only=True)
class Example:
    """What the reader must find: counts of classes, parts and persons, and reasons.

    `counts` are those of each column; None counts the empty cells. `skipped` are the
    names of files, each with what its reason says.
    """

    reader: str
    draw: Callable[[Path], object]
    counts: dict[str, dict[Any, int]]
    skipped: tuple[tuple[str, str], ...]


def picture(path: Path, number: int) -> None:
    """Noise, so that no two pictures are alike."""
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(number).integers(0, 256, (40, 40, 3), np.uint8)
    Image.fromarray(noise).save(path)


def lines(path: Path, *rows: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")


ADIENCE = "user_id original_image face_id age gender x y dx dy tilt_ang"
ADIENCE += " fiducial_yaw_angle fiducial_score"


def adience(folder: Path) -> None:
    """Two folds of six faces in three albums; in each fold one cell is broken."""
    ages = ["(25, 32)", "(25, 32)", "(0, 2)", "35", "None", "(60, 100)"]
    folds = {0: (ages, "mmffuu"), 1: ([*ages[:5], "(8, ten)"], "mmffmx")}
    for fold, (texts, genders) in folds.items():
        rows = [ADIENCE.replace(" ", "\t")]
        for face, (age, gender) in enumerate(zip(texts, genders, strict=True)):
            album = f"{fold if face < 3 else 7}@N03"
            box = "0\t414\t1086\t1383\t-115\t30\t17"
            rows.append(f"{album}\t{fold}{face}_o.jpg\t{face}\t{age}\t{gender}\t{box}")
            name = f"faces/{album}/coarse_tilt_aligned_face.{face}.{fold}{face}_o.jpg"
            picture(folder / name, 10 * fold + face)
        lines(folder / f"fold_{fold}_data.txt", *rows)
        lines(folder / f"fold_frontal_{fold}_data.txt", *rows[:3])


def appareal(folder: Path) -> None:
    """Eight, two and two faces; one of training is not there, one has no real age."""
    numbers = {"train": range(8), "valid": range(8, 10), "test": range(10, 12)}
    for part, own in numbers.items():
        rows = ["file_name,num_ratings,apparent_age_avg,apparent_age_std,real_age"]
        for number in own:
            real = "old" if number == 3 else 20 + number
            rows.append(f"{number:06d}.jpg,38,{30.5 + number},4.2,{real}")
            if number != 5:
                picture(folder / part / f"{number:06d}.jpg_face.jpg", number)
            picture(folder / part / f"{number:06d}.jpg", 50 + number)
        lines(folder / f"gt_avg_{part}.csv", *rows)


def lap(folder: Path) -> None:
    for part, start in (("train", 0), ("valid", 4)):
        names = [f"{part}_{start + n}.jpg" for n in range(4)]
        for number, name in enumerate(names, start):
            picture(folder / part / name, number)
        text = [f"{name},{25.5 + n},3.1" for n, name in enumerate(names)]
        lines(folder / f"{part}_gt.csv", "image,mean,stdv", *text)
    (folder / "valid" / "valid_5.jpg").unlink()


PEOPLE = ["nm0000001_rm1_1899-5-10_1968", "nm0000001_rm2_1899-5-10_1970"]
PEOPLE += [f"nm000000{n}_rm{n}_1950-1-1_1980" for n in range(2, 8)]
PEOPLE += [f"100{n}_1981-05-05_2009" for n in range(4)]


def imdbwiki(folder: Path) -> None:
    """The edition of `meta.csv`: the fourth has no age, the sixth a wrong gender."""
    rows = ["age,gender,path"]
    for number, name in enumerate(PEOPLE):
        crop = "wiki_crop" if name.startswith("100") else "imdb_crop"
        age = -1 if number == 3 else 20 + number
        gender = ["male", "female"][number % 2] if number != 5 else "2"
        rows.append(f"{age},{gender},{crop}/01/{name}.jpg")
        picture(folder / crop / "01" / f"{name}.jpg", number)
    lines(folder / "meta.csv", *rows)


def wiki(folder: Path) -> None:
    """The edition of yu4u: 1 is male, and the third picture is not there."""
    rows = ["genders,ages,img_paths"]
    for number in range(4):
        name = f"0{number}/{1000 + number}_1981-05-05_2009.jpg"
        rows.append(f"{number % 2},{28 + number},{name}")
        if number != 2:
            picture(folder / "wiki_crop" / name, number)
    lines(folder / "meta" / "wiki.csv", *rows)


def imdbclean(folder: Path) -> None:
    """Ten of training and three of validation, with boxes; one gender is wrong."""
    number = 0
    for part, count in (("train", 10), ("valid", 3)):
        rows = ["filename,age,gender,x_min,y_min,x_max,y_max,head_pitch"]
        for _ in range(count):
            name = f"01/nm{number // 2}_rm{number}_1950-1-1_1980.jpg"
            gender = "X" if number == 4 else "MF"[number % 2]
            rows.append(f"{name},{30 + number},{gender},4,5,24,35,-3.1")
            picture(folder / "data" / "imdb-clean-1024" / name, number)
            number += 1
        lines(folder / "csvs" / f"imdb_{part}_new_1024.csv", *rows)


def rafdb(folder: Path) -> None:
    """Eleven and three pictures; one class is 9, one picture is not there."""
    rows = []
    for number in range(14):
        name = f"train_{number + 1:05d}" if number < 11 else f"test_{number - 10:04d}"
        label = 9 if number == 4 else number % 7 + 1
        rows.append(f"{name}.jpg {label}")
        if number != 6:
            picture(folder / "basic/Image/aligned" / f"{name}_aligned.jpg", number)
    lines(folder / "basic/EmoLabel/list_patition_label.txt", *rows)


def rafdb_folders(folder: Path) -> None:
    """Two pictures of each class in train/, one in test/, and one in a folder 9."""
    number = 0
    for part, count in (("train", 2), ("test", 1)):
        for label in range(1, 8):
            for _ in range(count):
                name = f"{part}_{number:05d}_aligned.jpg"
                inside = {"train": "train", "test": "test_set"}[part]
                picture(folder / "DATASET" / inside / str(label) / name, number)
                number += 1
    picture(folder / "DATASET/train/9/odd.jpg", 99)
    lines(folder / "DATASET/train/1/notes.txt", "no picture")
    lines(folder / "train_labels.csv", "image,label", "train_00000_aligned.jpg,1")


AFFECTNET = "subDirectory_filePath,face_x,face_y,face_width,face_height"
AFFECTNET += ",facial_landmarks,expression,valence,arousal"


def affectnet(folder: Path) -> None:
    """Twelve rows of training and two of validation, whose file has no header.

    Classes 8 to 10 are none; that of no face has no box. The second has class 12.
    """
    labels = [0, 12, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0, 7]
    rows = []
    for number, label in enumerate(labels):
        box = "-1,-1,-1,-1" if label == 10 else "3,3,30,32"
        feel = "-2,-2" if label in (9, 10) else f"{number / 20:.2f},-0.1"
        rows.append(f"{number // 4}/{number}a.jpg,{box},1.5;2.5,{label},{feel}")
        picture(
            folder / f"Manually_Annotated_Images/{number // 4}/{number}a.jpg", number
        )
    lists = folder / "Manually_Annotated_file_lists"
    lines(lists / "training.csv", AFFECTNET, *rows[:12])
    lines(lists / "validation.csv", *rows[12:])


def affectnet_folders(folder: Path) -> None:
    number = 0
    for part, count in (("train", 2), ("val", 1)):
        for label in range(8):
            for _ in range(count):
                picture(folder / part / str(label) / f"{number}.jpg", number)
                number += 1
    picture(folder / "val" / "other" / "odd.jpg", 99)


VOTES = "neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"
COUNTED = [
    ("Training", "4,0,0,1,3,2,0,0,0,0"),
    ("Training", "0,10,0,0,0,0,0,0,0,0"),
    ("Training", "0,0,6,0,0,0,4,0,0,0"),
    ("Training", ""),  # no face, and no name
    ("Training", "4,0,0,4,0,0,0,0,2,0"),  # a tie
    ("Training", "1,0,0,0,0,0,0,2,7,0"),  # most say unknown
    ("PublicTest", "0,0,0,0,0,0,0,8,2,0"),
    ("PublicTest", "x,0,0,8,0,0,0,0,2,0"),
    ("PrivateTest", "0,0,0,0,9,0,0,1,0,0"),
]
FOLDERS = {"Training": "Train", "PublicTest": "Valid", "PrivateTest": "Test"}


def ferplus(folder: Path, files: bool = True) -> None:
    rows = [f"Usage,Image name,{VOTES}"]
    for number, (usage, votes) in enumerate(COUNTED):
        name = f"fer{number:07d}.png" if votes else ""
        rows.append(f"{usage},{name},{votes or '0,0,0,0,0,0,0,0,0,10'}")
        if name and files:
            picture(folder / f"FER2013{FOLDERS[usage]}" / name, number)
    lines(folder / "fer2013new.csv", *rows)


def pixels(number: int) -> str:
    noise = np.random.default_rng(number).integers(0, 256, 48 * 48)
    return " ".join(map(str, noise))


def ferplus_pixels(folder: Path) -> None:
    """The same without files of pictures: they are in fer2013.csv."""
    ferplus(folder, files=False)
    text = [f"0,{pixels(n)},{usage}" for n, (usage, _) in enumerate(COUNTED)]
    lines(folder / "fer2013.csv", "emotion,pixels,Usage", *text)


def fer2013(folder: Path) -> None:
    """Twelve faces; the class of the fourth is 7, the fifth has too few pixels."""
    rows = ["emotion, Usage, pixels"]
    for number in range(12):
        usage = ["Training", "PublicTest", "PrivateTest"][max(0, number - 9)]
        label = 7 if number == 3 else number % 7
        text = pixels(number)[: 200 if number == 4 else None]
        rows.append(f"{label},{usage},{text}")
    lines(folder / "icml_face_data.csv", *rows)


def fer2013_folders(folder: Path) -> None:
    names = ["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"]
    for part in ("train", "test"):
        for label, name in enumerate(names):
            path = folder / part / name / f"PrivateTest_{label}.jpg"
            picture(path, label + (50 if part == "test" else 0))
    picture(folder / "test" / "bored" / "odd.jpg", 99)


SEVEN = ("surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral")

EXAMPLES = {
    "adience": Example(
        reader="adience",
        draw=adience,
        counts={
            # 10 ages: (25, 32) four times, (0, 2) twice, 35 twice, (60, 100) once.
            "age": {None: 10, 35: 2},
            "age_low": {None: 5, 25: 4, 0: 2, 60: 1},
            "age_high": {None: 5, 32: 4, 2: 2, 100: 1},
            "gender": {"male": 5, "female": 4, None: 3},
            "identity": {"0@N03": 3, "1@N03": 3, "7@N03": 6},
        },
        skipped=(
            (
                "coarse_tilt_aligned_face.5.15_o.jpg",
                "'fold_1_data.txt' row 6: age is '(8, ten)', left empty; must be",
            ),
            (
                "coarse_tilt_aligned_face.5.15_o.jpg",
                "'fold_1_data.txt' row 6: gender is 'x', left empty; must be m (male) "
                "or f (female)",
            ),
        ),
    ),
    "appareal": Example(
        reader="appareal",
        draw=appareal,
        counts={
            "age": {20 + n: 1 for n in range(12) if n not in (3, 5)} | {None: 1},
            "apparent_age": {30.5 + n: 1 for n in range(12) if n != 5},
            "split": {"train": 7, "val": 2, "test": 2},
        },
        skipped=(
            ("000005.jpg_face.jpg", "'gt_avg_train.csv' row 6: no such file"),
            ("000003.jpg_face.jpg", "'gt_avg_train.csv' row 4: age is 'old', left"),
        ),
    ),
    "lap": Example(
        reader="appareal",
        draw=lap,
        counts={
            "apparent_age": {25.5: 2, 26.5: 1, 27.5: 2, 28.5: 2},
            "split": {"train": 4, "val": 3},
        },
        skipped=(("valid_5.jpg", "'valid_gt.csv' row 2: no such file"),),
    ),
    "imdbwiki": Example(
        reader="imdbwiki",
        draw=imdbwiki,
        counts={
            "age": {20 + n: 1 for n in range(12) if n != 3} | {None: 1},
            "gender": {"male": 6, "female": 5, None: 1},
            "identity": {"nm0000001": 2}
            | {f"nm000000{n}": 1 for n in range(2, 8)}
            | {f"100{n}": 1 for n in range(4)},
        },
        skipped=(
            (
                "nm0000005_rm5_1950-1-1_1980.jpg",
                "'meta.csv' row 6: gender is '2', left empty; must be 0 (female) or 1 "
                "(male)",
            ),
        ),
    ),
    "imdbwiki of yu4u": Example(
        reader="imdbwiki",
        draw=wiki,
        counts={"age": {28: 1, 29: 1, 31: 1}, "gender": {"female": 1, "male": 2}},
        skipped=(("1002_1981-05-05_2009.jpg", "'meta/wiki.csv' row 3: no such file"),),
    ),
    "imdb-clean": Example(
        reader="imdbwiki",
        draw=imdbclean,
        counts={
            "age": {30 + n: 1 for n in range(13)},
            "gender": {"male": 6, "female": 6, None: 1},
            "box": {"4 5 24 35": 13},
            "split": {"train": 10, "val": 3},
            "identity": {f"nm{n}": 2 for n in range(6)} | {"nm6": 1},
        },
        skipped=(("nm2_rm4_1950-1-1_1980.jpg", "row 5: gender is 'X', left empty"),),
    ),
    "rafdb": Example(
        reader="rafdb",
        draw=rafdb,
        # Each class twice, but for the cell 9 (sadness) and a picture (neutral).
        counts={
            "expression": {c: 2 for c in SEVEN} | {None: 1, "sadness": 1, "neutral": 1},
            "split": {"train": 10, "test": 3},
        },
        skipped=(
            ("train_00007_aligned.jpg", "row 7: no such file"),
            (
                "train_00005_aligned.jpg",
                "'basic/EmoLabel/list_patition_label.txt' row 5: expression is '9', "
                "left empty; must be 1 (surprise), 2 (fear)",
            ),
        ),
    ),
    "rafdb in folders": Example(
        reader="rafdb",
        draw=rafdb_folders,
        counts={
            "expression": {c: 3 for c in SEVEN} | {None: 1},
            "split": {"train": 15, "test": 7},
        },
        skipped=(
            ("notes.txt", "is no picture"),
            (
                "odd.jpg",
                "folder is '9', expression is left empty; must be 1 (surprise)",
            ),
        ),
    ),
    "affectnet": Example(
        reader="affectnet",
        draw=affectnet,
        counts={
            # Of 14 rows one is wrong, three are no expression; 0 and 7 come twice.
            "expression": {c: 1 for c in SEVEN}
            | {"neutral": 2, "contempt": 2, None: 4},
            "valence": {n / 20: 1 for n in range(14) if n not in (10, 11)} | {None: 2},
            "box": {"3 3 33 35": 12, None: 2},
            "split": {"train": 12, "val": 2},
        },
        skipped=(
            (
                "1a.jpg",
                "'Manually_Annotated_file_lists/training.csv' row 2: expression is "
                "'12', left empty; must be 0 (neutral), 1 (happiness)",
            ),
        ),
    ),
    "affectnet in folders": Example(
        reader="affectnet",
        draw=affectnet_folders,
        counts={
            "expression": {c: 3 for c in (*SEVEN, "contempt")} | {None: 1},
            "split": {"train": 16, "val": 9},
        },
        skipped=(("odd.jpg", "folder is 'other', expression is left empty; must be"),),
    ),
    "fer2013": Example(
        reader="fer2013",
        draw=fer2013,
        # 0 to 6 twice, without the fourth (happiness) and the fifth (sadness).
        counts={
            "expression": {c: 2 for c in ("anger", "disgust", "fear")}
            | {"happiness": 1, "sadness": 1, "surprise": 1, "neutral": 1, None: 1},
            "split": {"train": 9, "val": 1, "test": 1},
        },
        skipped=(
            ("", "'icml_face_data.csv' row 5: column 'pixels' has 5"),
            ("", "row 4: emotion is '7', expression is left empty; must be 0 (anger)"),
        ),
    ),
    "fer2013 in folders": Example(
        reader="fer2013",
        draw=fer2013_folders,
        counts={
            "expression": {c: 2 for c in SEVEN} | {None: 1},
            "split": {"train": 7, "test": 8},
        },
        skipped=(("odd.jpg", "folder is 'bored', expression is left empty; must be"),),
    ),
}
# Neutral 4 of 10, happiness 10, surprise 6, anger 9, contempt 8.
MOST_VOTES = dict.fromkeys(("neutral", "happiness", "surprise", "anger", "contempt"), 1)
EXAMPLES["ferplus"] = Example(
    reader="ferplus",
    draw=ferplus,
    counts={
        # A tie, one for which most said unknown, and the row with a wrong cell.
        "expression": {**MOST_VOTES, None: 3},
        "expression_neutral": {4: 2, 0: 4, None: 2},
        "split": {"train": 5, "val": 2, "test": 1},
    },
    skipped=(
        ("", "'fer2013new.csv' row 4 has no path"),
        ("fer0000007.png", "'fer2013new.csv' row 8: neutral is 'x', must be"),
    ),
)
EXAMPLES["ferplus in pixels"] = Example(
    reader="ferplus",
    draw=ferplus_pixels,
    counts={
        # The one without a name is a picture here, of no face.
        "expression": {**MOST_VOTES, None: 4},
        "expression_neutral": {4: 2, 0: 4, None: 3},
        "split": {"train": 6, "val": 2, "test": 1},
    },
    skipped=(("", "'fer2013new.csv' row 8: neutral is 'x', must be"),),
)
