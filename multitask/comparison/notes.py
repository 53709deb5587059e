"""What must a reader of a comparison know of how it was made?"""

from collections.abc import Mapping

from multitask.contracts.recipe import Recipe
from multitask.experiments.notes.chance import few_seeds_notes, seeds_note
from multitask.experiments.notes.parts import shared_split_note
from multitask.experiments.notes.training import epochs_text, frozen_seconds_notes


def comparison_notes(
    recipe: Recipe, rows: Mapping[str, int], seeds: int
) -> tuple[str, ...]:
    """Sentences for every report; `rows` counts the pictures of each part."""
    notes = [
        shared_split_note(rows, "comparison"),
        f"All networks learned from the same split, for {epochs_text(recipe)}; a "
        "network learned nothing from a picture without a label of its heads. Scores "
        "of the training part are those of a random sample, no larger than the test "
        "part.",
        seeds_note(),
        "Peak memory is the most that the process held while it trained, with all "
        "pictures and what earlier networks left behind: an upper bound. It is unknown "
        "for a network whose training was stopped in between.",
    ]
    if not recipe.batch_size:
        notes.append(
            "Each network has the batch size that fit chooses for as many labelled "
            "pictures."
        )
    return (*notes, *frozen_seconds_notes(recipe), *few_seeds_notes(seeds))
