"""What does a network predict for these files? One command, one row per face."""

import argparse
import sys
from contextlib import nullcontext
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from multitask.cli.next_steps import command_line
from multitask.cli.options import add_damaged, add_inference
from multitask.contracts.errors import Parser, UserError, command
from multitask.contracts.paths import expand_user
from multitask.contracts.recipe_texts import check_some_heads, split_names
from multitask.networks.named import catalog
from multitask.networks.prediction.formats import (
    DEEPFACE,
    ENDINGS,
    FORMATS,
    count_pictures,
    resolve_format,
)
from multitask.predict_input import read_pictures, take_network, with_lines
from multitask.predict_output import (
    add_feature_option,
    check_features,
    drawings,
    feature_file,
    heads_to_read,
    shape,
    target,
)
from multitask.predict_videos import (
    add_video_options,
    predict_videos,
    videos_among,
)
from multitask.terminal.bar import bar, status
from multitask.terminal.quiet import import_tensorflow
from multitask.terminal.tell import tell

if TYPE_CHECKING:
    import pandas as pd

    from multitask.networks.prediction.features import FeatureFile
    from multitask.networks.prediction.file import Target

_OPTIONS = ("faces", "largest", "detector", "damaged", "labels", "tta")  # beside heads
_SHOWN = 12  # arguments of a command that is printed

_EPILOG = """\
The columns are status (ok, or why there is no answer), path, face (0, 1, ... from large
to small), box and face_confidence, and for each label the answer and how sure it is:
gender and gender_confidence, its probability; age and age_low, age_high, which hold the
central 80% of the probability. Without a search for faces there are no face and
face_confidence. A picture without a face is a row with the status "no face".
Videos have time, in seconds, and person, a number, in place of face.

Rows are written as they are computed. Run the same command again to resume from the
rows in FILE.part; a finished FILE is replaced once the new one is complete,
and a FILE that holds anything else, or ends in .txt, is never replaced.

exit status:
  0    at least one picture was answered; a line on standard error counts the others
  1    none was, or a video could not be read to its end
  2    a mistake in the command; nothing was answered
  130  stopped by Ctrl-C
"""


def parser() -> argparse.ArgumentParser:
    """The command's options."""
    options = Parser(
        prog="python -m multitask.predict",
        description="Predict for pictures, one row per face or picture.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = options.add_argument
    add(
        "network",
        nargs="?",
        help=f"a network file, run folder or name (default: {catalog.DEFAULT})",
    )
    add(
        "input",
        nargs="+",
        help="picture files, folders and globs, or one table of them (.csv, .xlsx, "
        ".parquet, .json, ...), whose boxes are cut out; or video files and cameras "
        "(camera:0 is the first); - for paths on standard input",
    )
    add(
        "--box",
        choices=("xyxy", "xywh"),
        default="",
        help="what boxes in one column of a table are: left, top, right and bottom, or "
        "left, top, width and height (default xyxy)",
    )
    _add_faces(options)
    add_video_options(options)
    add("--heads", metavar="A,B", help="heads to predict (default: all)")
    add(
        "--probabilities",
        action="store_true",
        help="add the probability of each class: gender_male, gender_female, ...",
    )
    _add_output(options)
    add_feature_option(options)
    add_inference(options)
    add(
        "--batch-size", type=int, default=64, metavar="N",
        help="pictures per batch (default 64)",
    )  # fmt: skip
    return options


def _add_faces(options: argparse.ArgumentParser) -> None:
    """The options that say which faces are looked for."""
    add = options.add_argument
    add(
        "--faces",
        choices=("auto", "detect", "whole"),
        default="auto",
        help="auto: find faces if the network was trained on crops of faces, but keep "
        "a picture that is such a crop; detect: find them in crops, too; whole: answer "
        "for whole pictures (default auto)",
    )
    add("--largest", action="store_true", help="only the largest face of a picture")
    add(
        "--detector", default="mtcnn", metavar="NAME",
        help="mtcnn, or haar, which needs the extra haar (default mtcnn)",
    )  # fmt: skip
    add_damaged(options, "pictures and frames")


def _add_output(options: argparse.ArgumentParser) -> None:
    """The options that say what is written, and where."""
    add = options.add_argument
    add(
        "--labels",
        action="store_true",
        help="one column, `labels`, that lists the yes/no labels answered yes",
    )
    add(
        "--annotate",
        metavar="FOLDER",
        help="write a copy of each picture with the boxes and "
        "answers in it (default: none)",
    )
    add(
        "--sheet",
        metavar="FILE",
        help="write a contact sheet of all faces (.jpg, .png, .webp; default: none)",
    )
    add(
        "--out",
        metavar="FILE",
        help=f"write to a file, in the format of its extension ({', '.join(ENDINGS)}; "
        "default: standard output)",
    )
    add(
        "--format",
        choices=FORMATS,
        help="the format on standard output (default table); deepface: JSON as "
        "DeepFace's analyze gives it, also for --out FILE.json",
    )


@command
def main(argv: list[str] | None = None) -> int:
    """Run `python -m multitask.predict`; returns the exit status."""
    arguments = parser().parse_args(argv)
    form = resolve_format(arguments.out, arguments.format)
    if arguments.heads is not None:
        check_some_heads(split_names(arguments.heads))
    if arguments.batch_size < 1:
        raise UserError("--batch-size", f"is {arguments.batch_size}, must be 1 or more")
    if arguments.labels and form == DEEPFACE:
        what = "DeepFace's shape has no place for yes/no labels"
        raise UserError("--labels", what, "leave out one of --labels and --format")
    check_features(arguments)
    # Imported here, as pandas takes its time and `--help` doesn't need it.
    from multitask.images.faces.parts import check_faces
    from multitask.images.paths import check_usable
    from multitask.images.sheet import check_sheet

    if arguments.sheet:  # before a network is looked for, or downloaded
        check_sheet(expand_user(arguments.sheet))
    check_faces(arguments.faces, arguments.detector)
    network = take_network(arguments)
    arguments.input = with_lines(arguments.input)
    if videos := videos_among(arguments):
        return predict_videos(arguments, videos, network, form)
    meant, box = read_pictures(arguments)
    paths = meant["path"].tolist()
    check_usable(paths)
    options = {name: getattr(arguments, name) for name in _OPTIONS} | {"format": form}
    with target(arguments, network, form, meant, options) as file:
        try:
            _predict(arguments, network, meant, box, file)
        except KeyboardInterrupt:
            done = f"stopped after {file.tally.pictures:,} of {len(paths):,} pictures"
            if arguments.out and file.tally.rows:
                given = sys.argv[1:] if argv is None else argv
                again = command_line("predict", *given)
                done += "; the same command resumes from there"
                # A pattern that the shell replaced may stand for thousands of names.
                done += f": {again}" if len(given) <= _SHOWN else ""
            tell(done)
            return 130
    tell(str(file.tally))
    return 0 if file.tally.answered else 1


def _predict(
    arguments: argparse.Namespace,
    network: Path,
    pictures: "pd.DataFrame",
    box: str,
    file: "Target",
) -> None:
    """Write the rows that are still missing, and their features if they are wanted."""
    boxes = len(pictures.columns) > 1
    with feature_file(arguments, network, file, boxes=boxes) as features:
        _write(arguments, network, pictures, box, file, features)
        if features:  # first, as a stop in between must leave rows to resume from
            features.finish()
        file.finish()


def _write(
    arguments: argparse.Namespace,
    network: Path,
    pictures: "pd.DataFrame",
    box: str,
    file: "Target",
    features: "FeatureFile | None",
) -> None:
    done = file.tally.pictures
    drawn = drawings(arguments, pictures["path"].tolist(), done)
    import_tensorflow()
    import multitask

    with status("opening the network"):
        analyzer = multitask.load(network)
    analyzer = analyzer.with_tta(arguments.tta) if arguments.tta else analyzer
    analyzer = analyzer.with_engine(arguments.engine)
    shaped = shape(arguments, analyzer.select(heads_to_read(arguments)), analyzer)
    meant = pictures if len(pictures.columns) > 1 else pictures["path"].tolist()
    settings = _settings(arguments) | {"box": box, "start": done}
    chunks = (
        features.passing(analyzer.embed_chunks(meant, **settings))
        if features
        else analyzer.predict_chunks(meant, **settings)
    )
    for note in analyzer.notes:
        tell(note)
    if meant is pictures and analyzer.spec.framing and arguments.faces == "auto":
        tell("boxes are cut out as they are: no face is found or aligned in them")
    if done:
        tell(f"resuming after {done:,} of {len(pictures):,} pictures")
    # Rows that are printed on a terminal show the progress themselves.
    printed = not arguments.out and sys.stdout.isatty()
    if printed:
        with status("predicting"):
            chunks = chain([next(chunks)], chunks)
    progress = nullcontext(_no_bar) if printed else bar("reading", len(pictures), done)
    with progress as advance:
        for rows in chunks:
            for each in drawn:
                each.write(rows)
            file.append(shaped(rows))
            advance(count_pictures(rows))
    for each in drawn:
        each.finish()


def _settings(arguments: argparse.Namespace) -> dict[str, Any]:
    """The options that `Analyzer.predict_chunks` takes, too."""
    return {
        "faces": arguments.faces,
        "largest": arguments.largest,
        "detector": arguments.detector,
        "damaged": arguments.damaged,
        "heads": heads_to_read(arguments),
        "probabilities": arguments.probabilities or arguments.format == DEEPFACE,
        "batch_size": arguments.batch_size,
    }


def _no_bar(count: int) -> None:
    """Advance no bar."""


if __name__ == "__main__":
    sys.exit(main())
