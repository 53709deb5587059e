"""How does the service listen, and how does it end?"""

import logging
import socket
from asyncio import TimerHandle
from contextlib import ExitStack
from functools import partial
from typing import Any

import h11
import uvicorn
from fastapi import FastAPI
from starlette.responses import JSONResponse
from uvicorn.protocols.http.h11_impl import H11Protocol

from multitask.contracts.errors import UserError
from multitask.service.limits import Limits

_HEADERS_SECONDS = 10.0  # in which a client must have sent the headers of a request
_CONNECTIONS = 2  # for each request that may be in progress
_GRACE_SECONDS = 5.0  # to send the last responses


class HeadersInTime(H11Protocol):
    """HTTP/1.1 that closes connections on which no request begins in time.

    uvicorn itself waits for ever for the headers of a request. What it refuses before
    the application sees it is one line of JSON here, as all other refusals are.
    """

    _check: TimerHandle | None = None

    def __init__(self, config: uvicorn.Config, *more: Any, **named: Any) -> None:
        super().__init__(config, *more, **named)
        self._most, self.limit_concurrency = self.limit_concurrency, None
        self._answered_by, self.app = self.app, self._unless_crowded

    async def _unless_crowded(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer, or refuse if there are too many connections."""
        app: Any = self._answered_by
        if self._most is not None and len(self.connections) >= self._most:
            line = "service: has too many connections; try again in a few seconds"
            app = JSONResponse({"detail": line}, 503, {"Retry-After": "2"})
        await app(scope, receive, send)

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, and close the connection."""
        body = b'{"detail":"request: is no valid HTTP/1.1"}'
        headers = [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            ("Connection", "close"),
        ]
        response = h11.Response(status_code=400, headers=headers, reason=b"Bad Request")
        for event in (response, h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._check:
            self._check.cancel()
        super().connection_lost(exc)

    def _watch(self) -> None:
        close = partial(self._close_if_idle, self.cycle)
        self._check = self.loop.call_later(_HEADERS_SECONDS, close)

    def _close_if_idle(self, before: Any) -> None:
        """Close it if no request has begun since `before`, the last one then."""
        idle = self.cycle is None or self.cycle.response_complete
        if idle and self.cycle is before:
            self.transport.close()
        else:
            self._watch()


def bind(host: str, port: int) -> socket.socket:
    """A socket on the first address of a host; UserError if it can't be had.

    Port 0 stands for any free port. Connections are refused until `run`.
    """
    where = f"--host {host} --port {port}"
    if not 0 <= port < 65536:
        raise UserError(f"--port {port}", "must be from 0 to 65535")
    try:
        (family, *_, address), *_ = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        with ExitStack() as on_error:
            # asyncio sends at once (TCP_NODELAY) only where the protocol is named: else
            # the body of an answer waits 40 ms for the client to confirm its headers.
            tcp = (family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
            bound = on_error.enter_context(socket.socket(*tcp))
            # One that just ended may still have connections that are being closed.
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(address)
            on_error.pop_all()
        return bound
    except (socket.gaierror, UnicodeError) as error:  # UnicodeError: a long label
        reason = getattr(error, "strerror", None) or str(error)
        todo = "give a name or address of this machine, such as 0.0.0.0"
        raise UserError(where, f"can't listen there: {reason}", todo) from None
    except OSError as error:
        reason = error.strerror or str(error)
        todo = "choose another: --port 0 takes any free one"
        raise UserError(where, f"can't listen there: {reason}", todo) from None


def address(bound: socket.socket) -> str:
    """The address of a bound socket as a browser takes it."""
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def configure(app: FastAPI, limits: Limits) -> uvicorn.Config:
    """How uvicorn serves the app: as HTTP/1.1, without a word on standard error."""
    # What is wrong with a form is said in the response.
    logging.getLogger("python_multipart").setLevel(logging.ERROR)
    longest = limits.upload_timeout + limits.answer_timeout + _GRACE_SECONDS
    return uvicorn.Config(
        app,
        http=HeadersInTime,
        ws="none",
        log_level="error",
        access_log=False,
        server_header=False,
        # More connections than requests, as browsers keep some that are idle.
        limit_concurrency=_CONNECTIONS * (limits.uploads + limits.queue),
        timeout_graceful_shutdown=int(longest),
    )


def run(app: FastAPI, bound: socket.socket, limits: Limits) -> None:
    """Serve until SIGTERM or Ctrl-C, then finish the requests that were accepted.

    Once all is done, uvicorn repeats the signal for the handler that was there before.
    """
    uvicorn.Server(configure(app, limits)).run(sockets=[bound])
