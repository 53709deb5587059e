"""In which encoding is a text, and which of its bytes can't be read?

Old files are UTF-16, or in the alphabet of one continent; some have several encodings,
as they were joined from several files.
"""

import codecs
import re

from multitask.contracts.errors import counted

_MARKS = {  # longer ones first
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_LINE_END = re.compile(r"\r\n?|\n")
WESTERN = "cp1252"  # Windows's, which contains Latin-1's letters


def as_utf8(data: bytes) -> tuple[bytes, str]:
    """A text as UTF-8 without a mark, if it is UTF-16 or 32; and a remark, or "".

    Other texts stay as they are, but for the mark of UTF-8. Raises ValueError, which
    names byte and line, for one that is not what its first bytes say.
    """
    encoding = _encoding(data)
    if encoding:
        data = decoded(data, encoding).encode("utf-8", "surrogatepass")
    data = data.removeprefix(codecs.BOM_UTF8)
    zeros = data.count(0)
    remark = f"without {counted(zeros, 'zero byte')}" if zeros else ""
    return data.replace(b"\0", b"") if zeros else data, remark


def as_text(data: bytes) -> tuple[str, str]:
    """A whole text, and a remark if it is neither UTF-8, 16 nor 32, else "".

    Raises ValueError, which names byte and line, for what is none of these and not
    Windows-1252 either.
    """
    encoding = _encoding(data)
    if encoding:
        return decoded(data, encoding), ""
    try:
        return data.decode("utf-8-sig"), ""
    except UnicodeDecodeError as error:
        text = decoded(data.removeprefix(codecs.BOM_UTF8), WESTERN)
        what = _place(data, error.start, "utf-8")
        return text, f"read as Windows-1252, as {what} is not UTF-8"


def decoded(data: bytes, encoding: str) -> str:
    """A text in an encoding; ValueError names the byte and line that are not."""
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        what = _place(data, error.start, encoding)
        name = "UTF-8 nor Windows-1252" if encoding == WESTERN else encoding.upper()
        is_not = "neither" if encoding == WESTERN else "not"
        raise ValueError(f"{what} is {is_not} {name}") from None


def _place(data: bytes, start: int, encoding: str) -> str:
    """Which byte in which line, both counted from 1."""
    before = data[:start].decode(encoding, "replace")
    line = 1 + len(_LINE_END.findall(before))
    return f"byte {start + 1:,}, 0x{data[start]:02x} in line {line:,},"


def _encoding(data: bytes) -> str:
    """UTF-16 or 32, as the first bytes or zeros between letters tell; else ""."""
    for mark, encoding in _MARKS.items():
        if data.startswith(mark):
            return encoding
    start = data[:1000]
    if start.count(0) <= 0.3 * len(start):
        return ""
    if start.count(0) > 0.6 * len(start):
        return "utf-32-le" if data[1:2] == b"\0" else "utf-32-be"
    return "utf-16-le" if data[1:2] == b"\0" else "utf-16-be"
