"""Why does a request get no answers? A status of HTTP and one line."""

from collections.abc import Mapping
from http import HTTPStatus

from multitask.contracts.errors import UserError


class Refusal(UserError):
    """A request, or one of its pictures, that is not answered.

    `status` is that of HTTP, `headers` are those of the response, and `reason` is the
    line without its beginning, which says where.
    """

    def __init__(
        self,
        status: HTTPStatus,
        where: object,
        what: str,
        todo: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(where, what, todo)
        self.reason = f"{what}; {todo}" if todo else what  # without where
        self.status = status
        self.headers = dict(headers or {})


def busy(what: str) -> Refusal:
    """The refusal of a request for which there is no place in the queue."""
    return Refusal(
        HTTPStatus.TOO_MANY_REQUESTS,
        "service",
        what,
        "try again in a few seconds",
        {"Retry-After": "2"},
    )
