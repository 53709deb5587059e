"""Which settings come with the package, for which data, and what did they give?"""

import sys

from multitask.contracts import recipe_files
from multitask.contracts.errors import Parser, command


@command
def main(argv: list[str] | None = None) -> int:
    """Run `python -m multitask.recipes`; returns the exit status."""
    Parser(
        prog="python -m multitask.recipes",
        description="List the recipes that --recipe accepts by name.",
    ).parse_args(argv)
    for name in recipe_files.names():
        print(f"{name}\n{_header(name)}\n")
    return 0


def _header(name: str) -> str:
    """What a recipe's file says of itself: its first comment, indented."""
    lines = []
    for line in recipe_files.path(name).read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        lines.append(f"  {line.removeprefix('#').removeprefix(' ')}".rstrip())
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
