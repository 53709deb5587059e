"""How much of a difference, or of the best of many figures, may be chance?"""

INTERVALS = (
    "Intervals are of 95%, by the bootstrap over the {part}, in which pictures of one "
    "person, or nearly alike, are drawn together; those of differences are paired."
)
MANY_DIFFERENCES = "Of many differences, one in twenty is shown where there is none."
VALIDATED = (
    "Scores are measured on the validation part, at the epoch with the lowest "
    "validation loss. The best of many trials is partly the luckiest: measure it on "
    "the test part, by a fit of {best}, before you rely on it."
)


def seeds_note() -> str:
    """How intervals take the seeds of several trainings into account."""
    return (
        f"{INTERVALS.format(part='test part')} With several seeds they are of the mean "
        "over seeds, widened by Student's t times its standard error: few seeds say "
        f"little about chance in training. {MANY_DIFFERENCES}"
    )


def few_seeds_notes(seeds: int) -> tuple[str, ...]:
    """What so few seeds leave out."""
    if seeds == 1:
        return (
            "There was one seed: the intervals leave out chance in training, of which "
            "--seeds 3 shows something.",
        )
    if seeds == 2:
        return (
            "Two seeds say so little about chance in training that intervals are too "
            "wide to show much: use three or more.",
        )
    return ()
