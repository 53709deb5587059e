"""Is a column that a question makes called as another one of the file?"""

from collections.abc import Iterable, Mapping

from multitask.contracts.errors import UserError
from multitask.tables.declaration import column_section


def check_generated(
    question: str,
    columns: Iterable[object],
    present: Iterable[object],
    where: str,
    made: Mapping[str, str] | None = None,
) -> None:
    """Raise UserError if a column made of a `question` is `present` already.

    `made` says of which column of the file a column that is present was made, too.
    """
    of = {name: name for name in map(str, present)} | dict(made or {})
    for column in map(str, columns):
        if column in of:
            raise UserError(
                where,
                f"{question!r} makes a column {column!r}, and there is one",
                f'rename it, or leave it out: role = "none" under '
                f"{column_section(of[column])} in the TOML beside the file",
            )
