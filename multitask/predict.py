"""What does a network say about these files? One command, one row a picture."""

import argparse
import glob
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from multitask.cli.quiet import import_tensorflow
from multitask.contracts.errors import Parser, UserError, command

if TYPE_CHECKING:
    import pandas as pd

FORMATS = ("table", "json", "jsonl", "csv", "parquet")


def inputs(texts: list[str]) -> list[str]:
    """The picture files that names, folders (all below them) and globs stand for.

    A name that is no file stays, to be one row that says so. Raises UserError for a
    folder or glob without any picture.
    """
    from multitask.contracts.reading import pictures

    found: list[str] = []
    for text in texts:
        path = Path(text).expanduser()
        if path.is_dir():
            found += pictures(path, str(path))
        elif not path.exists() and glob.has_magic(text):
            matched = sorted(glob.glob(str(path), recursive=True))
            if not matched:
                raise UserError(text, "matches no file")
            for name in matched:
                found += pictures(name, name) if Path(name).is_dir() else [name]
        else:
            found.append(str(path))
    return list(dict.fromkeys(found))


def write(answers: "pd.DataFrame", form: str, out: Path | None) -> None:
    """Write answers as `form`, to a file or to standard output.

    No form can hold a file's name that is not UTF-8, so that what is not comes out as
    the replacement character. Raises UserError if the file can't be written or
    parquet has no file or library.
    """
    answers = answers.assign(
        **{name: answers[name].map(_encodable) for name in ("path", "status")}
    )
    if form == "parquet":
        _write_parquet(answers, out)
        return
    text = {
        "table": lambda: answers.to_string(index=False, float_format="{:.3f}".format),
        "json": lambda: answers.to_json(orient="records", indent=1, force_ascii=False),
        "jsonl": lambda: answers.to_json(
            orient="records", lines=True, force_ascii=False
        ).rstrip("\n"),
        "csv": lambda: answers.to_csv(index=False).rstrip("\n"),
    }[form]()
    if out is None:
        print(text)
        return
    try:
        out.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise UserError(out, f"can't be written: {error.strerror}") from None


def _encodable(text: object) -> object:
    if not isinstance(text, str):
        return text
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _write_parquet(answers: "pd.DataFrame", out: Path | None) -> None:
    if out is None:
        raise UserError("--format parquet", "is no text", "name a file with --out")
    try:
        answers.to_parquet(out, index=False)
    except ImportError:
        raise UserError(
            "--format parquet", "needs pyarrow", "pip install pyarrow"
        ) from None
    except OSError as error:
        raise UserError(out, f"can't be written: {error.strerror}") from None


def parser() -> argparse.ArgumentParser:
    """The command's options."""
    made = Parser(
        prog="multitask predict", description="Answer for pictures, a row each."
    )
    made.add_argument("network", help="a network file or a run folder")
    made.add_argument("input", nargs="+", help="picture files, folders and globs")
    made.add_argument("--heads", metavar="A,B", help="only these; by default all")
    made.add_argument("--format", choices=FORMATS, default="table")
    made.add_argument("--out", metavar="FILE", help="by default standard output")
    made.add_argument("--batch-size", type=int, default=64, metavar="N")
    return made


@command
def main(argv: list[str] | None = None) -> int:
    """Run `multitask predict`; returns the exit status."""
    arguments = parser().parse_args(argv)
    import_tensorflow()
    import multitask

    analyzer = multitask.load(arguments.network)
    files = inputs(arguments.input)
    from tqdm import tqdm

    with tqdm(total=len(files), unit=" pictures", leave=False, disable=None) as bar:
        answers = analyzer.predict(
            files,
            heads=arguments.heads.split(",") if arguments.heads else None,
            batch_size=arguments.batch_size,
            progress=bar.update,
        )
    for note in analyzer.notes:
        print(note, file=sys.stderr)
    write(answers, arguments.format, Path(arguments.out) if arguments.out else None)
    return 0 if (answers["status"] == "ok").any() else 1


if __name__ == "__main__":
    sys.exit(main())
