"""What is stated of the data sets that pictures come from?"""

from collections.abc import Iterable

from multitask.contracts import plugins
from multitask.contracts.results.described import DataDescription
from multitask.data.sources import parse


def describe_data(data: Iterable[str]) -> tuple[DataDescription, ...]:
    """What the readers of data sets `NAME=FOLDER` state of them.

    Of a reader that is not installed, as that of another machine's, nothing is known.
    """
    return tuple(describe_set(one.name, one.reader) for one in map(parse, data))


def describe_set(name: str, reader: str) -> DataDescription:
    """What a reader states of the data set that a user calls `name`."""
    is_known = reader in plugins.names("datasets")
    stated = plugins.about(reader) if is_known else {}
    return DataDescription(name=name, reader=reader, **stated)
