"""What is stated of the data sets that pictures come from?"""

from collections.abc import Iterable

from multitask.contracts import plugins
from multitask.contracts.results.described import DataDescription
from multitask.data.sources import parse


def describe_data(data: Iterable[str]) -> tuple[DataDescription, ...]:
    """What the readers of data sets `NAME=FOLDER` state of them."""
    return tuple(
        DataDescription(name=one.name, reader=one.reader, **plugins.about(one.reader))
        for one in map(parse, data)
    )
