"""How do rows of text become lines with aligned columns?"""

from collections.abc import Collection, Sequence


def aligned(rows: Sequence[Sequence[str]], numbers: Collection[int] = ()) -> str:
    """Rows of cells as lines of text with aligned columns, those of `numbers` right.

    >>> print(aligned([("head", "labelled"), ("age", "40")], numbers=[1]))
    head  labelled
    age         40
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(widths[i]) if i in numbers else cell.ljust(widths[i])
            for i, cell in enumerate(row)
        ).rstrip()
        for row in rows
    )
