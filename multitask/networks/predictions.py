"""How is a table of predictions written: as text, JSON, CSV or Parquet?"""

from pathlib import Path
from typing import TYPE_CHECKING

from multitask.contracts.errors import UserError
from multitask.contracts.saving import reporting_write_errors

if TYPE_CHECKING:
    import pandas as pd

FORMATS = ("table", "json", "jsonl", "csv", "parquet")


def write(predictions: "pd.DataFrame", form: str, path: Path | None) -> None:
    """Write the table of `Analyzer.predict` in one of `FORMATS`.

    It goes to the file `path`, or to standard output if that is None. In file names
    that are not UTF-8 the replacement character stands for what can't be encoded, as
    none of the formats can hold it. Raises UserError if the file can't be written, and
    for parquet without a file or without pyarrow.
    """
    predictions = predictions.assign(
        **{name: predictions[name].map(_encodable) for name in ("path", "status")}
    )
    if form == "parquet":
        _write_parquet(predictions, path)
        return
    text = _text(predictions, form)
    if path is None:
        print(text)
        return
    with reporting_write_errors(path):
        path.write_text(text + "\n", encoding="utf-8")


def _text(predictions: "pd.DataFrame", form: str) -> str:
    if form == "table":
        return predictions.to_string(index=False, float_format="{:.3f}".format)
    if form == "csv":
        return predictions.to_csv(index=False).rstrip("\n")
    if form == "json":
        return predictions.to_json(orient="records", indent=1, force_ascii=False)
    lines = predictions.to_json(orient="records", lines=True, force_ascii=False)
    return lines.rstrip("\n")


def _encodable(text: object) -> object:
    if not isinstance(text, str):
        return text
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _write_parquet(predictions: "pd.DataFrame", path: Path | None) -> None:
    if path is None:
        raise UserError("--format parquet", "is no text", "name a file with --out")
    try:
        with reporting_write_errors(path):
            predictions.to_parquet(path, index=False)
    except ImportError:
        raise UserError(
            "--format parquet", "needs pyarrow", "pip install pyarrow"
        ) from None
