"""What must a reader of a comparison know of how it was made?"""

from collections.abc import Iterator, Mapping, Sequence

from multitask.contracts.errors import counted
from multitask.contracts.recipe import Recipe
from multitask.contracts.results.design_comparison import Cell
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


def unanswered_notes(cells: Sequence[Cell]) -> Iterator[str]:
    """A sentence for each head of a network that does not always give a number."""
    for cell in cells:
        for name, measured in cell.heads.items():
            if measured.unanswered:
                pictures = counted(measured.unanswered, "test picture")
                yield (
                    f"{cell.design} on {cell.trunk}, seed {cell.seed}, gives no answer "
                    f"(not a number) of {name} for {pictures}: left out of its score, "
                    "and of differences."
                )
