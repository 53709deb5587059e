"""Are the layouts that tests write those of the publishers, with true labels?"""

from pathlib import Path

import pandas as pd
import pytest
from multitask.datasets import utkface
from multitask.datasets._truth import truth
from PIL import Image

from tests import layouts

COUNT = 40


FACES = [truth(0, number) for number in range(COUNT)]


@pytest.fixture(scope="module")
def layout_folder(tmp_path_factory):
    """A function that gives the folder of a layout, written once."""
    folders: dict[str, Path] = {}

    def folder(layout: str) -> Path:
        if layout not in folders:
            folders[layout] = tmp_path_factory.mktemp("layouts") / layout
            layouts.write(folders[layout], layout, count=COUNT)
        return folders[layout]

    return folder


@pytest.mark.parametrize("layout", layouts.LAYOUTS)
def test_layout_holds_every_picture(layout_folder, layout):
    files = [path for path in layout_folder(layout).rglob("*") if path.suffix == ".jpg"]
    assert len(files) == COUNT
    with Image.open(files[0]) as image:
        assert (image.size, image.format) == ((96, 96), "JPEG")


def test_utkface_layout_is_read_as_the_truth(layout_folder):
    reading = utkface.read(layout_folder("utkface"))
    assert reading.skipped.empty
    # The serial number of a face is the end of its name's time.
    order = reading.table["path"].str.extract(r"(\d{5})\.jpg\.chip")[0].astype(int)
    rows = reading.table.set_index(order).sort_index()[["age", "gender", "race"]]
    assert rows.values.tolist() == [[f.age, f.gender, f.race] for f in FACES]


def test_celeba_layout(layout_folder):
    folder = layout_folder("celeba")
    lines = (folder / "list_attr_celeba.txt").read_text().splitlines()
    assert lines[0] == str(COUNT)
    names = lines[1].split()
    assert len(names) == 40
    for number, (line, face) in enumerate(zip(lines[2:], FACES, strict=True)):
        name, *signs = line.split()
        assert name == f"{number + 1:06d}.jpg"
        assert (folder / "img_align_celeba" / name).is_file()
        attributes = {n: s == "1" for n, s in zip(names, signs, strict=True)}
        assert set(signs) <= {"1", "-1"}
        assert attributes == face.attributes()


def test_celeba_layout_keeps_a_person_in_one_part(layout_folder):
    def second(name: str) -> list[str]:
        lines = (layout_folder("celeba") / name).read_text().splitlines()
        assert [line.split()[0] for line in lines][0] == "000001.jpg"
        return [line.split()[1] for line in lines]

    pairs = set(
        zip(
            second("identity_CelebA.txt"),
            second("list_eval_partition.txt"),
            strict=True,
        )
    )
    # 40 faces are 10 people of four; the ninth is for validation, the tenth a test.
    assert len(pairs) == 10
    assert {("9", "1"), ("10", "2"), ("1", "0")} <= pairs


def test_imfdb_layout(layout_folder):
    folder = layout_folder("imfdb")
    seen = []
    for text in sorted(folder.glob("*/*/*.txt")):
        actor, movie = text.parts[-3:-1]
        assert text.stem == movie
        for line in text.read_text().splitlines():
            fields = line.split("\t")
            assert len(fields) == 17
            assert (text.parent / "images" / fields[2]).is_file()
            assert (fields[7], fields[9]) == (movie, actor)
            assert actor.upper().startswith(fields[10])  # an actor has one gender
            seen.append(tuple(field.lower() for field in fields[10:]))
    columns = [
        "gender",
        "expression",
        "occlusion",
        "illumination",
        "age_group",
        "pose",
        "makeup",
    ]
    true = [tuple(str(face.labels()[c]) for c in columns) for face in FACES]
    assert sorted(seen) == sorted(true)


def test_fairface_layout(layout_folder):
    folder = layout_folder("fairface")
    train = pd.read_csv(folder / "fairface_label_train.csv")
    val = pd.read_csv(folder / "fairface_label_val.csv")
    assert (len(train), len(val)) == (32, 8)  # every fifth of 40 is for validation
    rows = pd.concat([train, val])
    assert list(rows) == ["file", "age", "gender", "race", "service_test"]
    assert all((folder / name).is_file() for name in rows["file"])
    assert val["file"].str.startswith("val/").all()
    first = (layouts.decade(FACES[0].age), FACES[0].gender.title())
    assert (train["age"][0], train["gender"][0]) == first
    assert set(rows["gender"]) == {"Male", "Female"}
    assert len(set(rows["race"])) == 7


@pytest.mark.parametrize(
    ("age", "name"),
    [
        (0, "0-2"),
        (2, "0-2"),
        (3, "3-9"),
        (9, "3-9"),
        (10, "10-19"),
        (69, "60-69"),
        (70, "more than 70"),
    ],
)
def test_fairface_classes_of_age(age, name):
    assert layouts.decade(age) == name


def test_folders_layout_has_a_folder_per_class(layout_folder):
    folder = layout_folder("folders")
    for number, face in enumerate(FACES):
        assert (folder / face.expression / f"{number:05d}.jpg").is_file()


def test_folders_of_another_head(tmp_path):
    layouts.write(tmp_path, "folders", count=12, head="gender")
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"male", "female"}
