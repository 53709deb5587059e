"""Who may ask? Whoever knows the token, if there is one, and no page of another site.

Without a token, a page that the user of this machine visits could reach the service
under a name of its own that it has pointed here (DNS rebinding). So only requests for
local names are answered then.
"""

import secrets
from collections.abc import Awaitable, Callable, Iterable
from http import HTTPStatus
from ipaddress import ip_address
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from multitask.service.refusals import Refusal

LOCAL = ("127.0.0.1", "localhost", "::1")
_PORTS = {"http": 80, "https": 443}
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


def is_local(host: str) -> bool:
    """Whether a name or address is reached from this machine only.

    >>> is_local("127.0.0.2"), is_local("localhost"), is_local("localhost.example.com")
    (True, True, False)
    """
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


class SameSite:
    """Refuses requests of other sites' pages and, if `hosts` are given, other hosts.

    The local hosts are always allowed.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str] | None) -> None:
        self._app = app
        self._hosts = None if hosts is None else {*LOCAL, *map(str.lower, hosts)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = (
            self._refusal(Headers(scope=scope)) if scope["type"] == "http" else None
        )
        if refusal is None:
            await self._app(scope, receive, send)
        else:
            response = JSONResponse({"detail": refusal.line}, refusal.status)
            await response(scope, receive, send)

    def _refusal(self, headers: Headers) -> Refusal | None:
        host = headers.get("host", "")
        name, _ = _site(f"http://{host}")
        if self._hosts is not None and name not in self._hosts:
            return Refusal(
                HTTPStatus.MISDIRECTED_REQUEST,
                "Host",
                f"is {host[:100]!r}, must be {' or '.join(sorted(self._hosts))}",
                "serve with a token to be reached by other names",
            )
        origin = headers.get("origin")
        if origin is None:
            return None
        scheme = urlsplit(origin).scheme if "://" in origin else ""
        site = _site(origin)
        if site[0] and scheme in _PORTS and site == _site(f"{scheme}://{host}"):
            return None
        what = f"is {origin[:100]!r}, but pages of other sites may not ask"
        return Refusal(HTTPStatus.FORBIDDEN, "Origin", what)


def _site(address: str) -> tuple[str, int | None]:
    """Host and port of an address; an empty host if it is none."""
    try:
        parts = urlsplit(address)
        return parts.hostname or "", parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return "", None
