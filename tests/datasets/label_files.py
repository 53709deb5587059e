"""How do tests write a file of labels?"""

from pathlib import Path


def label_file(folder: Path, text: str, *names: str, file: str = "labels.csv") -> Path:
    """A file of labels and the named pictures, which are empty: none is opened."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (folder / file).write_text(text, encoding="utf-8")
    return folder / file
