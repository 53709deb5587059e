"""Which settings come with the package, for which data, and what did they give?"""

import sys

from multitask.contracts import recipe_files
from multitask.contracts.errors import Parser, UserError, command, nearest


def parser() -> Parser:
    """The command's options."""
    options = Parser(
        prog="python -m multitask.recipes",
        description="List the recipes that --recipe accepts by name.",
    )
    options.add_argument("name", nargs="?", help="describe this recipe alone")
    return options


@command
def main(argv: list[str] | None = None) -> int:
    """Run `python -m multitask.recipes`; returns the exit status."""
    name, known = parser().parse_args(argv).name, recipe_files.names()
    if name and name not in known:
        raise UserError(name, "is no recipe of this package", nearest(name, known))
    for each in [name] if name else known:
        header = "".join(
            f"  {line}".rstrip() + "\n" for line in recipe_files.header(each)
        )
        print(f"{each}\n{header}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
