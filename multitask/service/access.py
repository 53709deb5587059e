"""Who may ask? Whoever knows the token, if there is one."""

import secrets
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Annotated

from fastapi import Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from multitask.service.refusals import Refusal

_scheme = HTTPBearer(auto_error=False)
Credentials = Annotated[HTTPAuthorizationCredentials | None, Security(_scheme)]


def bearer(token: str) -> Callable[[Credentials], Awaitable[None]]:
    """A dependency that refuses requests without this bearer token."""
    expected = token.encode()

    async def check(credentials: Credentials) -> None:
        given = credentials.credentials.encode() if credentials else b""
        if not secrets.compare_digest(given, expected):
            raise Refusal(
                HTTPStatus.UNAUTHORIZED,
                "Authorization",
                "is missing or wrong",
                "send the header `Authorization: Bearer TOKEN`",
                {"WWW-Authenticate": "Bearer"},
            )

    return check
