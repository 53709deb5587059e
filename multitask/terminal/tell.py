"""How does a command say what is no result?"""

import sys

from multitask.contracts.errors import printable


def tell(line: str) -> None:
    """Print a line on standard error, with signs of its own in place of controls."""
    print(printable(line), file=sys.stderr)
