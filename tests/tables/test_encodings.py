"""Are files of labels read in any encoding, and what can't be read told by its byte?"""

import json
import sys

import pandas as pd
import pytest
from PIL import Image

from multitask.contracts.errors import UserError
from multitask.tables.read import read

NAMES = ["café.png", "b.png", "c.png"]
WORDS = ["größer", "kleiner", "größer"]
BOTH = [*zip(NAMES, WORDS, strict=True)]
CSV = "path,größe\r\n" + "".join(f"{name},{word}\r\n" for name, word in BOTH)
JSON = json.dumps([{"path": n, "größe": w} for n, w in BOTH], ensure_ascii=False)
LINES = "\n".join(
    json.dumps({"path": n, "größe": w}, ensure_ascii=False) for n, w in BOTH
)


@pytest.fixture(params=["with pyarrow", "without pyarrow"])
def folder(request, tmp_path, monkeypatch):
    """A folder with the pictures; pandas stores text with and without pyarrow."""
    if request.param == "with pyarrow":
        pytest.importorskip("pyarrow")
    else:
        monkeypatch.setitem(sys.modules, "pyarrow", None)
        with pd.option_context("mode.string_storage", "python"):
            for name in NAMES:
                Image.new("RGB", (8, 8)).save(tmp_path / name)
            yield tmp_path
        return
    for name in NAMES:
        Image.new("RGB", (8, 8)).save(tmp_path / name)
    yield tmp_path


ENCODINGS = [
    *("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"),
    *("utf-32", "latin-1", "cp1252"),
]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize(
    ("ending", "text"), [(".csv", CSV), (".json", JSON), (".jsonl", LINES)]
)
def test_a_file_of_any_usual_encoding_is_read(encoding, ending, text, folder):
    file = folder / f"labels{ending}"
    file.write_bytes(text.encode(encoding))
    reading = read(file, name="mine")
    assert reading.table["größe"].tolist() == WORDS
    assert reading.table["path"].tolist() == [str(folder / name) for name in NAMES]
    remarks = " ".join(reading.decisions["remarks"])
    is_western = encoding in ("latin-1", "cp1252")
    assert ("Windows-1252" in remarks) == is_western


def test_each_cell_of_a_mixed_file_is_read_in_its_own_encoding(folder):
    file = folder / "labels.csv"
    lines = CSV.splitlines(keepends=True)
    encodings = ("utf-8", "cp1252", "utf-8", "cp1252")
    file.write_bytes(
        b"".join(line.encode(e) for line, e in zip(lines, encodings, strict=True))
    )
    reading = read(file, name="mine")
    assert reading.table["größe"].tolist() == WORDS
    remark = reading.decisions.set_index("column")["remarks"]["größe"]
    assert remark == "2 are not UTF-8, read as Windows-1252, such as 'größer'"


def test_a_byte_that_is_no_letter_is_told_with_its_row(folder):
    file = folder / "labels.csv"
    data = CSV.encode("cp1252").replace(b"kleiner", b"kl\x81iner")
    file.write_bytes(data)
    with pytest.raises(UserError) as told:
        read(file, name="mine")
    assert told.value.line == (
        f"--data mine: '{file}': can't be read: row 2: größe has the byte 0x81, which "
        "is neither UTF-8 nor Windows-1252"
    )


@pytest.mark.parametrize(("ending", "text"), [(".json", JSON), (".jsonl", LINES)])
def test_a_byte_of_json_that_is_no_letter_is_told_with_its_line(ending, text, folder):
    file = folder / f"labels{ending}"
    data = text.encode("cp1252").replace(b"kleiner", b"kl\x81iner")
    file.write_bytes(data)
    with pytest.raises(UserError) as told:
        read(file, name="mine")
    place = data.index(b"\x81") + 1
    line = 1 if ending == ".json" else 2
    what = f"byte {place}, 0x81 in line {line}, is neither UTF-8 nor Windows-1252"
    assert f"is not valid JSON: {what}" in told.value.line


def test_half_a_letter_of_utf_16_is_told_with_its_line(folder):
    file = folder / "labels.csv"
    file.write_bytes(CSV.replace("\r", "").encode("utf-16")[:-1])
    with pytest.raises(UserError, match=r"0x0a in line 4, is not UTF-16"):
        read(file, name="mine")


def test_zero_bytes_are_left_out_with_a_remark(folder):
    file = folder / "labels.csv"
    file.write_bytes(CSV.encode().replace(b"kleiner", b"klei\0ner"))
    reading = read(file, name="mine")
    assert reading.table["größe"].tolist() == WORDS
    assert "without 1 zero byte" in reading.decisions["remarks"].tolist()
