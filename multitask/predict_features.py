"""How does `predict --features` write the features of rows beside them?"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from multitask.contracts.errors import UserError
from multitask.networks.named import catalog

if TYPE_CHECKING:
    from multitask.networks.prediction.features import FeatureFile
    from multitask.networks.prediction.file import Target


def add_feature_option(options: argparse.ArgumentParser) -> None:
    """The option that writes features."""
    options.add_argument(
        "--features",
        metavar="FILE.npy",
        help="write the features of each row, too, which `search --like` needs; only "
        "with --out (default: none)",
    )


def check_features(arguments: argparse.Namespace) -> None:
    """Raise UserError unless features can be written beside the rows."""
    if arguments.features and not arguments.out:
        what = "belongs to the rows of a file, and there is none"
        raise UserError("--features", what, "give --out FILE, too")


def feature_file(
    arguments: argparse.Namespace, network: Path, target: "Target"
) -> "FeatureFile | None":
    """The file of features, behind those of the rows that are written already.

    Raises UserError if it can't be written.
    """
    from multitask.networks.prediction.features import FeatureFile
    from multitask.networks.prediction.file import PredictionFile

    if not arguments.features or not isinstance(target, PredictionFile):
        return None
    # A bundled network lies elsewhere on another machine.
    is_bundled = network.parent.parent == catalog.BUNDLED
    name = network.parent.name if is_bundled else str(network.absolute())
    path = Path(arguments.features).expanduser()
    file = FeatureFile(path=path, network=name, sha256=target.work["network"])
    file.check()
    file.resume(target.tally.rows)
    return file
