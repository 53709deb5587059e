"""What must a reader of a comparison know of how it was made?"""

from collections.abc import Mapping

from multitask.contracts.errors import counted
from multitask.contracts.recipe import Recipe
from multitask.networks.pretrained import NONE


def comparison_notes(
    recipe: Recipe, rows: Mapping[str, int], seeds: int
) -> tuple[str, ...]:
    """Sentences for every report; `rows` counts the pictures of each part."""
    notes = [
        f"Of the pictures, {rows['train']:,} trained the networks, {rows['val']:,} "
        f"chose the best epoch, and {rows['test']:,} measured them. Another comparison "
        "has the same parts with --split and this folder's split.csv.",
        f"All networks learned from the same split, for {_epochs(recipe)}; a network "
        "learned nothing from a picture without a label of its heads. Scores of the "
        "training part are those of a random sample, no larger than the test part.",
        "Intervals are of 95%, by the bootstrap over the test part, in which pictures "
        "of one person, or nearly alike, are drawn together; those of differences are "
        "paired. With several seeds they are of the mean over seeds, widened by "
        "Student's t times its standard error: few seeds say little about chance in "
        "training. Of many differences, one in twenty is shown where there is none.",
        "Peak memory is the most that the process held while it trained, with all "
        "pictures and what earlier networks left behind: an upper bound. It is unknown "
        "for a network whose training was stopped in between.",
    ]
    if not recipe.batch_size:
        notes.append(
            "Each network has the batch size that fit chooses for as many labelled "
            "pictures."
        )
    if recipe.caches_features:
        of_seed = " of a seed" if recipe.weights == NONE else ""
        notes.append(
            "Seconds of training are those of the epochs: what is frozen was computed "
            f"before, once for all networks{of_seed}."
        )
    if seeds == 1:
        notes.append(
            "There was one seed: the intervals leave out chance in training, of which "
            "--seeds 3 shows something."
        )
    elif seeds == 2:
        notes.append(
            "Two seeds say so little about chance in training that intervals are too "
            "wide to show much: use three or more."
        )
    return tuple(notes)


def _epochs(recipe: Recipe) -> str:
    """How long each network was trained."""
    count = sum(stage.epochs for stage in recipe.stages())
    epochs = counted(count, "epoch")
    if not recipe.patience:
        return epochs
    return (
        f"at most {epochs} (each stopped after {recipe.patience} without improvement; "
        "its seconds and pictures are those of the epochs it had)"
    )
