"""What holds for every response: it is counted, and browsers may do little with it."""

import logging
import time
from collections.abc import Mapping

from starlette.datastructures import MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from multitask.service.metrics import Metrics

PATHS = ("/", "/analyze", "/heads", "/health", "/metrics", "/openapi.json")
_HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_FAILED = {"detail": "service: failed; its log says why"}
_log = logging.getLogger(__name__)


class Outermost:
    """Counts requests by path and status, adds headers, and answers for failures."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"] if scope["path"] in PATHS else "other"
        status = 0  # as long as nothing was sent

        async def counting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        began = time.perf_counter()
        try:
            await self._app(scope, receive, counting)
        except Exception:
            # Here, as uvicorn would close the connection on which others may follow.
            _log.exception("%s %s failed", scope["method"], path)
            if status:
                raise  # a response that has begun can't become another
            await JSONResponse(_FAILED, 500)(scope, receive, counting)
        finally:
            self._metrics.requests.labels(path, str(status)).inc()
            self._metrics.seconds.labels(path).observe(time.perf_counter() - began)
