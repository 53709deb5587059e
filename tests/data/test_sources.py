"""Does `--data` find the reader that is meant, and keep data sets apart?"""

from pathlib import Path

import pandas as pd
import pytest

from multitask.contracts import plugins
from multitask.contracts.errors import UserError
from multitask.contracts.table import Reading
from multitask.data import sources
from multitask.data.sources import Source, absolute, check_source, parse


def reader(monkeypatch, **readers):
    """Add readers to those that there are."""
    usual = plugins.reader
    monkeypatch.setattr(
        plugins, "reader", lambda name: readers.get(name) or usual(name)
    )


@pytest.mark.parametrize(
    ("text", "name", "reader", "path"),
    [
        ("utkface=faces", "utkface", "utkface", "faces"),
        ("more=utkface:faces", "more", "utkface", "faces"),
        ("utkface:faces", "utkface", "utkface", "faces"),
        ("sample", "sample", "sample", ""),
        ("utkface=C:/faces", "utkface", "utkface", "C:/faces"),  # C is no reader
        ("utkface=a=b:c", "utkface", "utkface", "a=b:c"),
        ("other=faces", "other", "other", "faces"),
    ],
)
def test_the_text_names_reader_name_and_folder(text, name, reader, path):
    assert parse(text) == Source(name=name, reader=reader, path=path)


def test_absolute_keeps_what_is_meant(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = absolute(["sample", "utkface=faces", "more=utkface:x y"])
    assert data == (
        "sample",
        f"utkface={tmp_path / 'faces'}",
        f"more=utkface:{tmp_path / 'x y'}",
    )
    assert absolute(data) == data


def test_a_reader_that_names_its_labels_takes_no_other_name(tmp_path):
    with pytest.raises(UserError, match="reader utkface can't be given another name"):
        sources.read_all([f"more=utkface:{tmp_path}"])


def test_a_reader_may_take_the_name_and_bring_a_head(tmp_path, monkeypatch):
    def named(folder, *, name):
        table = pd.DataFrame({"path": [f"{name}.jpg"], name: ["drama"]})
        return Reading(table=table, heads={name: {"kind": "softmax"}})

    reader(monkeypatch, genre=named)
    reading = sources.read_all([f"genre={tmp_path}"])
    assert reading.table[["genre", "source"]].iloc[0].tolist() == ["drama", "genre"]
    assert reading.heads == {"genre": {"kind": "softmax"}}


def test_people_of_two_data_sets_are_never_the_same(tmp_path, monkeypatch):
    def one(folder):
        return Reading(
            table=pd.DataFrame({"path": ["a.jpg", "b.jpg"], "identity": ["7", None]})
        )

    def other(folder):
        return Reading(table=pd.DataFrame({"path": ["c.jpg"], "identity": ["7"]}))

    reader(monkeypatch, one=one, other=other)
    table = sources.read_all([f"one={tmp_path}", f"other={tmp_path}"]).table
    assert table["identity"].dropna().tolist() == ["one:7", "other:7"]
    assert table["identity"].isna().tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("one.csv", "--data: 'one.csv' has no name; write one=table:one.csv"),
        ("my data.csv", "--data: 'my data.csv' has no name; write my_data=table:my da"),
        ("stills/", "--data: 'stills/' has no name; write stills=folder:stills/"),
        ("mood=stills", "--data: unknown reader 'mood'; write mood=folder:stills"),
        ("mood=one.csv", "--data: unknown reader 'mood'; write mood=table:one.csv"),
        ("smile=stills", "--data: unknown reader 'smile'; write smile=folder:stills"),
        (
            "folders=stills",
            "--data: unknown reader 'folders'; did you mean folder=stills? Or write "
            "folders=folder:stills",
        ),
        (
            "flat",
            "--data: 'flat' has no name; write READER=flat with one of the readers "
            "adience, affectnet, appareal, celeba, fairface, fer2013, ferplus, folder",
        ),
        ("a.md", "--data: 'a.md' has no name; a table of labels ends in .csv, .tsv"),
        (
            "mine=/nope",
            "--data mine: there is no file or folder '/nope'; check the pat",
        ),
        ("/nope", "--data: there is no file or folder '/nope'; check the path"),
        (
            "mine=tabel:one.csv",
            "--data: unknown reader 'tabel'; did you mean mine=table:one.csv?",
        ),
        ("tabel:one.csv", "--data: unknown reader 'tabel'; did you mean table:one.csv"),
        ("mine=xyz:one.csv", "--data: unknown reader 'xyz'; known: adience, affectnet"),
        ("UTKFaces=U", "--data: unknown reader 'UTKFaces'; did you mean utkface=U?"),
        ("utkface", "--data: 'utkface' has no folder; write utkface=FOLDER"),
    ],
)
def test_what_is_no_data_set_says_how_to_write_one(text, line, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("one.csv", "my data.csv", "a.md", "flat/a.jpg", "stills/drama/a.jpg",
                 "stills/comedy/b.jpg"):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    with pytest.raises(UserError) as caught:
        sources.check_source(text)
    assert str(caught.value).startswith(line)


def test_options_follow_the_path_unless_a_file_is_called_like_that(tmp_path):
    file = tmp_path / "a.csv"
    text = f"mine=table:{file},root={tmp_path}"
    assert parse(text).options == (("root", str(tmp_path)),)
    assert (str(parse(text)), parse(text).path) == (text, str(file))
    relative = f"mine=table:{file},root=b"
    assert absolute([relative]) == (f"mine=table:{file},root={Path('b').resolve()}",)
    file.touch()
    for name in ("lr=0.1,ema=0.9", "x,y"):
        [whole] = absolute([f"mine=table:{file},root={tmp_path / name}"])
        assert parse(whole).options == (("root", str(tmp_path / name)),)
        (tmp_path / name).mkdir()
        (tmp_path / name / "b.csv").touch()
        [whole] = absolute([f"mine=table:{tmp_path / name / 'b.csv'},root=c"])
        assert parse(whole).path == str(tmp_path / name / "b.csv")
        assert parse(whole).options == (("root", str(Path("c").resolve())),)
    odd = tmp_path / "a.csv,root=b"
    odd.write_text("path\n")
    assert parse(f"mine=table:{odd}") == Source(
        name="mine", reader="table", path=str(odd)
    )


def test_an_unknown_option_is_refused_with_the_nearest(tmp_path):
    with pytest.raises(UserError, match="table has no option 'roots'; did you mean"):
        check_source(f"mine=table:{tmp_path},roots=b")
    with pytest.raises(UserError, match="utkface has no option 'root'"):
        check_source(f"utkface={tmp_path},root=b")
