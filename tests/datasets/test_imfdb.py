"""Does the reader of IMFDB read films as they are, with the dirt that is in them?"""

import time
from pathlib import Path

import pytest
from multitask.datasets import imfdb
from multitask.datasets._truth import truth

from multitask.contracts import catalog
from multitask.contracts.errors import UserError
from multitask.contracts.table import check
from multitask.data import sources
from tests import layouts

REAL = Path(__file__).parents[3] / "shared" / "data" / "IMFDB"
LABELS = ("MALE", "ANGER", "NONE", "BAD", "YOUNG", "LEFT", "PARTIAL")
READ = ["male", "anger", "none", "bad", "young", "left", "partial"]
COLUMNS = ["gender", "expression", "occlusion", "illumination"] + [
    "age_group",
    "pose",
    "makeup",
]


def line(crop="a.jpg", labels=LABELS, actor="Amir", drop=None) -> str:
    """A line of 17 fields, or without the one at place `drop`."""
    fields = ["1", "frame1.jpg", crop, "0", "0", "9", "9", "Film", "2001", actor]
    fields += labels
    if drop is not None:
        del fields[drop]
    return "\t".join(fields)


def film(path: Path, *lines: str, pictures=("a.jpg",), name="Amir/Film") -> Path:
    """A film's folder with empty pictures: the reader opens none."""
    (path / name / "images").mkdir(parents=True)
    for picture in pictures:
        (path / name / "images" / picture).touch()
    text = "".join(f"{text}\n" for text in lines)
    (path / name / f"{Path(name).name}.txt").write_text(text, encoding="utf-8")
    return path


def labels(reading) -> dict[str, list[object]]:
    """Of each picture its labels, None where one is empty."""
    table = reading.table[COLUMNS].astype(object)
    cells = table.where(table.notna(), None).values.tolist()
    names = (Path(path).name for path in reading.table["path"])
    return dict(zip(names, cells, strict=True))


def skipped(reading) -> list[tuple[str, str]]:
    rows = reading.skipped.itertuples(index=False)
    return [(Path(row.path).name, row.reason) for row in rows]


def test_the_last_seven_fields_are_labels_and_the_folder_is_the_actor(tmp_path):
    reading = imfdb.read(film(tmp_path, line()))
    assert reading.table.to_dict("records") == [
        {
            "path": str(tmp_path / "Amir" / "Film" / "images" / "a.jpg"),
            "identity": "Amir",
            **dict(zip(COLUMNS, READ, strict=True)),
            "source": "imfdb",
        }
    ]
    assert reading.skipped.empty


def test_what_the_sample_writes_is_read_as_the_truth(tmp_path):
    layouts.write(tmp_path / "new", "imfdb", count=60)
    reading = imfdb.read(tmp_path / "new")
    assert reading.skipped.empty
    faces = [truth(0, number) for number in range(60)]
    true = [[getattr(face, column) for column in COLUMNS] for face in faces]
    assert sorted(reading.table[COLUMNS].values.tolist()) == sorted(true)
    # Six actors of each gender; the first face of a gender is its first actor's first.
    assert reading.table["identity"].nunique() == 12
    first = Path("MaleActor1", "Film1", "images", "MaleActor1_Film1_1.jpg")
    row = reading.table.set_index("path").loc[str(tmp_path / "new" / first)]
    male = next(face for face in faces if face.gender == "male")
    assert row[COLUMNS].tolist() == [getattr(male, column) for column in COLUMNS]
    for head in catalog.heads(["imfdb"]):
        assert head.encode(reading.table).weights.all()


def test_meanings_are_the_classes_of_the_catalog():
    for column, meanings in imfdb.MEANINGS.items():
        assert set(meanings.values()) == set(catalog.named()[column]["classes"])
    assert list(imfdb.MEANINGS) == COLUMNS


def test_data_marks_actors_with_the_name_of_the_set(tmp_path):
    table = sources.read_all([f"imfdb={film(tmp_path, line())}"]).table
    assert table["identity"].tolist() == ["imfdb:Amir"]


# Lines


@pytest.mark.parametrize("drop", range(10))
def test_one_field_before_the_labels_may_be_missing(tmp_path, drop):
    lines = [line("b.jpg"), line("a.jpg", drop=drop)]
    reading = imfdb.read(film(tmp_path, *lines, pictures=("a.jpg", "b.jpg")))
    if drop == 2:  # what is missing is the picture
        assert labels(reading) == {"b.jpg": READ}
        assert [name for name, _ in skipped(reading)] == ["0", "a.jpg"]
    else:
        assert labels(reading) == {"a.jpg": READ, "b.jpg": READ}
        assert reading.skipped.empty


def test_blank_lines_and_lines_of_a_byte_order_mark_are_none(tmp_path):
    lines = ["", "\ufeff", "   ", "\t\t", f"\ufeff{line()}", "\ufeff"]
    reading = imfdb.read(film(tmp_path, *lines))
    assert labels(reading) == {"a.jpg": READ}
    assert reading.skipped.empty


def test_blanks_around_and_small_letters_do_not_count(tmp_path):
    fields = ["MALE ", " anger", "None", "BAD  ", "Young", "LEFT", "PARTIAL \r"]
    reading = imfdb.read(film(tmp_path, line(" a.jpg ", fields)))
    assert labels(reading) == {"a.jpg": READ}


def test_tabs_at_the_end_that_are_too_many_or_too_few(tmp_path):
    bare = line("b.jpg", ["FEMALE", "FEAR", "", "", "", "", ""]).rstrip("\t")
    lines = [line() + "\t\t", bare, line("c.jpg", LABELS[:-1])]
    names = ("a.jpg", "b.jpg", "c.jpg")
    reading = imfdb.read(film(tmp_path, *lines, pictures=names))
    assert labels(reading) == {
        "a.jpg": READ,
        "b.jpg": ["female", "fear", None, None, None, None, None],
        "c.jpg": [*READ[:-1], None],
    }
    assert reading.skipped.empty


def test_a_line_of_another_length_is_set_aside(tmp_path):
    path = film(tmp_path, line(), "5\tframe.jpg\tb.jpg", pictures=("a.jpg", "b.jpg"))
    reading = imfdb.read(path)
    assert labels(reading) == {"a.jpg": READ}
    assert skipped(reading) == [
        ("Film.txt", "line 2 has 3 fields, must have 17"),
        ("b.jpg", "Film.txt does not list it"),
    ]


# Labels


def read_label(path: Path, column: str, text: str):
    """The reading of a line that says this, and the label of the column."""
    fields = list(LABELS)
    fields[COLUMNS.index(column)] = text
    reading = imfdb.read(film(path, line(labels=fields)))
    return reading, labels(reading)["a.jpg"][COLUMNS.index(column)]


@pytest.mark.parametrize(
    ("column", "text", "label"),
    [
        ("occlusion", "NONE", "none"),  # an answer, no empty cell
        ("age_group", "MIDDDLE", "middle"),
        ("expression", "ANGER NONE", "anger"),
        ("expression", "NONE  ANGER", "anger"),
        ("expression", "FEAR FEAR", "fear"),
        ("occlusion", "BAD HAIR", "hair"),
        ("makeup", "", None),
    ],
)
def test_a_label_is_what_the_field_says(tmp_path, column, text, label):
    reading, read = read_label(tmp_path, column, text)
    assert read == label
    assert reading.skipped.empty


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("occlusion", "GLASSES NONE"),  # both are answers
        ("expression", "ANGER FEAR"),
        ("expression", "NONE"),
        ("expression", "ANGRY FACE"),
        ("illumination", "DARK"),
    ],
)
def test_a_label_that_is_none_is_left_empty_and_told(tmp_path, column, text):
    reading, read = read_label(tmp_path, column, text)
    assert read is None
    ((name, reason),) = skipped(reading)
    assert name == "a.jpg"
    assert reason.startswith(f"{column} is {text!r}, left empty; ")


def test_two_fields_joined_by_a_blank_are_parted(tmp_path):
    # A tab was typed as a blank: 16 fields, but gender is where it belongs.
    text = line(labels=["MALE", "ANGER NONE", "BAD", "YOUNG", "LEFT", "PARTIAL"])
    reading = imfdb.read(film(tmp_path, text))
    assert labels(reading) == {"a.jpg": READ}
    assert reading.skipped.empty


def test_a_picture_listed_twice_keeps_what_both_lines_say(tmp_path):
    other = ["MALE", "FEAR", "", "BAD", "OLD", "LEFT", "PARTIAL"]
    lines = [line(), line("b.jpg"), line(labels=other)]
    reading = imfdb.read(film(tmp_path, *lines, pictures=("a.jpg", "b.jpg")))
    # Expression and age differ; an empty occlusion differs from nothing.
    assert labels(reading) == {
        "a.jpg": ["male", None, "none", "bad", None, "left", "partial"],
        "b.jpg": READ,
    }
    left = "of one picture, left empty; must be the same in all"
    assert skipped(reading) == [
        ("a.jpg", f"expression is anger and fear {left}"),
        ("a.jpg", f"age_group is young and old {left}"),
    ]
    assert len(check(reading.table)) == 2


# Pictures and texts


def test_pictures_of_a_film_without_text_are_set_aside(tmp_path):
    film(tmp_path, line())
    (film(tmp_path, line(), name="Kajol/Other") / "Kajol/Other/Other.txt").unlink()
    reading = imfdb.read(tmp_path)
    assert reading.table["identity"].tolist() == ["Amir"]
    assert reading.skipped.values.tolist() == [
        [
            str(tmp_path / "Kajol" / "Other" / "images" / "a.jpg"),
            "no text file lies in the film's folder",
        ]
    ]


def test_the_one_text_may_have_any_name_of_two_the_films_counts(tmp_path):
    path = film(tmp_path, line(), name="Amir/My_Film") / "Amir" / "My_Film"
    (path / "My_Film.txt").rename(path / "labels.TXT")
    assert labels(imfdb.read(tmp_path)) == {"a.jpg": READ}
    (path / "my film.txt").write_text(line(labels=["FEMALE", *LABELS[1:]]))
    assert labels(imfdb.read(tmp_path)) == {"a.jpg": ["female", *READ[1:]]}
    (path / "my film.txt").rename(path / "notes.txt")
    film(tmp_path, line("b.jpg"), pictures=["b.jpg"])
    reading = imfdb.read(tmp_path)
    reason = "2 text files lie in the film's folder, none has its name"
    assert skipped(reading) == [("a.jpg", reason)]


def test_lines_of_a_film_without_pictures_are_set_aside(tmp_path):
    film(tmp_path, line())
    film(tmp_path, line("z.jpg"), pictures=[], name="Kajol/Other")
    reading = imfdb.read(tmp_path)
    assert labels(reading) == {"a.jpg": READ}
    path = tmp_path / "Kajol" / "Other" / "images" / "z.jpg"
    reason = "Other.txt lists it, there is no such picture"
    assert reading.skipped.values.tolist() == [[str(path), reason]]


@pytest.mark.parametrize(
    ("listed", "there"),
    [
        ("a.jpg", "A.JPG"),
        ("a.jpg", "a.png"),
        ("a.jpg", "A.jpeg"),
        ("images/a.jpg", "a.jpg"),
        ("Zo\u00eb 1.jpg", "Zoe\u0308 1.jpg"),
    ],
)
def test_a_picture_spelt_otherwise_is_found(tmp_path, listed, there):
    reading = imfdb.read(film(tmp_path, line(listed), pictures=[there]))
    assert labels(reading) == {there: READ}
    assert reading.skipped.empty


def test_a_crop_without_a_picture_and_a_picture_without_a_line(tmp_path):
    lines = [line("a.jpg"), line("b.jpg")]
    reading = imfdb.read(film(tmp_path, *lines, pictures=("a.jpg", "c.jpg")))
    assert labels(reading) == {"a.jpg": READ}
    assert skipped(reading) == [
        ("b.jpg", "Film.txt lists it, there is no such picture"),
        ("c.jpg", "Film.txt does not list it"),
    ]


def test_the_folder_names_the_actor_however_spelt(tmp_path):
    # The lines spell the actor in another way each, and so do two of the folders.
    film(tmp_path, line(actor="SharukhKhan"), name="Sharukh_Khan/One")
    film(tmp_path, line(actor="SHARUKH KHAN "), name="Sharukh_Khan/Two")
    film(tmp_path, line(actor="Sharukh.Khan"), name="sharukh khan/Three")
    film(tmp_path, line(actor="Salman"), name="SalmanKhan/Four")
    table = imfdb.read(tmp_path).table
    films = [Path(path).parts[-3] for path in table["path"]]
    assert dict(zip(films, table["identity"], strict=True)) == {
        "One": "Sharukh_Khan",
        "Two": "Sharukh_Khan",
        "Three": "Sharukh_Khan",
        "Four": "SalmanKhan",
    }


def test_blanks_unicode_tilde_and_links(tmp_path, monkeypatch):
    name = "my films \u00e9\u4e2d"
    film(tmp_path / name, line(), name="Am\u00edr Khan/The Film")
    images = tmp_path / name / "Am\u00edr Khan" / "The Film" / "images"
    images.rename(tmp_path / "elsewhere")
    images.symlink_to(tmp_path / "elsewhere")
    monkeypatch.setenv("HOME", str(tmp_path))
    table = imfdb.read(Path(f"~/{name}")).table
    assert table["path"].tolist() == [str(images / "a.jpg")]
    assert table["identity"].tolist() == ["Am\u00edr Khan"]


def test_the_working_folder_may_be_the_actors(tmp_path, monkeypatch):
    monkeypatch.chdir(film(tmp_path, line()) / "Amir")
    assert imfdb.read(Path(".")).table["identity"].tolist() == ["Amir"]


# Mistakes


def error(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        imfdb.read(path)
    return str(caught.value)


def test_no_such_folder_and_a_file_instead(tmp_path):
    assert error(tmp_path / "no").startswith("--data imfdb: there is no folder '")
    (tmp_path / "imfdb.zip").touch()
    assert "is a file, not a folder" in error(tmp_path / "imfdb.zip")


def test_no_picture_at_all(tmp_path):
    message = error(film(tmp_path, line(), pictures=[]))
    assert "holds 1 file such as 'Amir/Film/Film.txt' but no picture" in message


def test_no_text_at_all(tmp_path):
    (film(tmp_path) / "Amir" / "Film" / "Film.txt").unlink()
    assert error(tmp_path) == (
        f"--data imfdb: no picture in '{tmp_path}' can be used; 1 things were set "
        "aside, the first 'Amir/Film/images/a.jpg': no text file lies in the film's "
        "folder"
    )


# As it is published, and as large


@pytest.mark.skipif(not REAL.is_dir(), reason="the real IMFDB is not here")
def test_real_films():
    reading = imfdb.read(REAL)
    assert len(check(reading.table)) == 240
    assert reading.table["identity"].value_counts().tolist() == [30] * 8
    assert reading.skipped.empty
    # Only gender and expression are labels in this part of it.
    assert reading.table[["gender", "expression"]].notna().all(axis=None)
    assert reading.table[COLUMNS[2:]].isna().all(axis=None)
    assert reading.table["gender"].value_counts().to_dict() == {
        "male": 120,
        "female": 120,
    }


@pytest.mark.slow
def test_200000_pictures_are_read_in_seconds(tmp_path, monkeypatch):
    paths = []
    for number in range(100):
        names = [f"{n}.jpg" for n in range(2000)]
        name = f"Actor{number}/Film"
        film(tmp_path, *map(line, names), pictures=[], name=name)
        paths += [str(tmp_path / name / "images" / picture) for picture in names]
    # Said to be there: to make so many files takes longer than all else.
    monkeypatch.setattr(imfdb, "pictures", lambda folder, where: paths)
    start = time.process_time()
    assert len(imfdb.read(tmp_path).table) == 200_000
    assert time.process_time() - start < 20
