"""Which pictures does a request bring, if it keeps to the limits?"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus

from fastapi import Request
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect

from multitask.contracts.errors import counted
from multitask.service.limits import Limits
from multitask.service.refusals import Refusal, busy

FIELD = "pictures"
_WHERE = "upload"
_MULTIPART = "multipart/form-data"
_DRAINED_SECONDS = 5.0
_START_SECONDS = 5.0  # in which an upload may be slower than it must be later
_NAME = 100  # characters of a file's name


@dataclass(frozen=True, kw_only=True)
class Upload:
    """One file of a request: its bytes, and its name, which is only shown."""

    name: str
    data: bytes = field(repr=False)


class Uploads:
    """The uploads in progress, of all clients and of each address."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._by_client: Counter[str] = Counter()

    def __len__(self) -> int:
        return self._by_client.total()

    @contextmanager
    def place(self, client: str) -> Iterator[None]:
        """A place for an upload of an address; Refusal if there is none."""
        own = self._by_client[client]
        if own >= self._limits.client_uploads:
            raise busy(f"has {counted(own, 'upload')} of your address in progress")
        if len(self) >= self._limits.uploads:
            raise busy(f"has {counted(len(self), 'upload')} in progress")
        self._by_client[client] += 1
        try:
            yield
        finally:
            self._by_client[client] -= 1
            self._by_client += Counter()  # forget those that have none


class Body:
    """The body of a request, which is read once."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self._more = True

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """What is still to come; ClientDisconnect if the client goes away."""
        while self._more:
            message = await self.request.receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            self._more = message.get("more_body", False)
            yield message.get("body", b"")

    async def disconnected(self) -> None:
        """Return when the client of a body that was read goes away."""
        while (await self.request.receive())["type"] != "http.disconnect":
            pass

    async def drain(self, limits: Limits) -> None:
        """Read what a refused request still sends, within reason.

        A connection that is closed while its client still sends is reset, and the
        client never sees why.
        """
        if "expect" in self.request.headers:
            return  # the client waits to be told whether it may send at all
        left = limits.max_bytes
        with suppress(TimeoutError, ClientDisconnect):
            async with asyncio.timeout(_DRAINED_SECONDS):
                async for chunk in self.chunks():
                    left -= len(chunk)
                    if left < 0:
                        return


async def read_uploads(body: Body, limits: Limits) -> list[Upload]:
    """The files of a request's field `pictures`, kept in memory.

    Raises Refusal for another type of body, one that is too large, too slow or takes
    too long or holds anything else, and for no or too many files.
    """
    _check_headers(body.request, limits)
    now = asyncio.get_running_loop().time
    end = now() + limits.upload_timeout
    try:
        async with asyncio.timeout_at(end) as timeout:
            form = await _parse(body, limits, timeout)
    except TimeoutError:
        late = now() >= end
        what = f"took more than {counted(limits.upload_timeout, 'second')}"
        slow = f"is slower than {counted(limits.min_rate, 'byte')} a second"
        raise Refusal(
            HTTPStatus.REQUEST_TIMEOUT,
            _WHERE,
            what if late else slow,
            headers={"Connection": "close"},
        ) from None
    except MultiPartException as error:
        if error.message.startswith("Too many files"):
            raise Refusal(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                _WHERE,
                f"has more than {counted(limits.max_pictures, 'picture')}",
                "send the others in another request",
            ) from None
        raise _wrong(f"is no valid {_MULTIPART}: {error.message}") from None
    except ClientDisconnect:
        raise _wrong("ended early") from None
    except ValueError as error:  # of a codec, which the request may choose
        what = f"names its files in an encoding that can't be read ({error})"
        raise _wrong(what, "send the names as UTF-8") from None
    try:
        return [await _read(name, file) for name, file in _files(form)]
    finally:
        await form.close()


def _check_headers(request: Request, limits: Limits) -> None:
    kind = request.headers.get("content-type", "")
    if kind.partition(";")[0].strip().lower() != _MULTIPART:
        raise Refusal(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "Content-Type",
            f"is {kind[:_NAME]!r}, must be {_MULTIPART}",
            f"curl -F {FIELD}=@photo.jpg sends it",
        )
    with suppress(ValueError):  # of no number, or one of thousands of digits
        if int(request.headers.get("content-length", "")) > limits.max_bytes:
            raise _too_large(limits)


async def _parse(body: Body, limits: Limits, timeout: asyncio.Timeout) -> FormData:
    began = asyncio.get_running_loop().time()
    end = began + limits.upload_timeout

    def expect_more(received: int) -> None:
        slowest = began + _START_SECONDS + received / limits.min_rate
        timeout.reschedule(min(end, slowest))

    async def within_limits() -> AsyncGenerator[bytes, None]:
        received = 0
        expect_more(received)
        async for chunk in body.chunks():
            received += len(chunk)
            if received > limits.max_bytes:
                raise _too_large(limits)
            expect_more(received)
            yield chunk

    parser = MultiPartParser(
        body.request.headers,
        within_limits(),
        max_files=limits.max_pictures,
        max_fields=1,
    )
    parser.spool_max_size = limits.max_bytes + 1  # never written to a disk
    return await parser.parse()


def _files(form: FormData) -> list[tuple[str, UploadFile]]:
    """The names and files of a form that has nothing but pictures."""
    files: list[tuple[str, UploadFile]] = []
    for field_name, value in form.multi_items():
        if field_name != FIELD:
            what = f"has the unknown field {field_name[:_NAME]!r}, must be {FIELD!r}"
            raise _wrong(what)
        if not isinstance(value, UploadFile):
            todo = "neither paths nor addresses are read here"
            raise _wrong(f"field {FIELD!r} is text, must be a file", todo)
        name = (value.filename or "").strip()[:_NAME] or f"picture {len(files) + 1}"
        # Halves of characters, which some encodings give, have no place in JSON.
        name = name.encode("utf-8", "replace").decode("utf-8")
        files.append((name, value))
    if not files:
        raise _wrong("has no picture", f"send files in the field {FIELD!r}")
    return files


async def _read(name: str, file: UploadFile) -> Upload:
    data = await file.read()
    await file.close()  # at once, so that only one file is held twice
    return Upload(name=name, data=data)


def _wrong(what: str, todo: str = "") -> Refusal:
    return Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, _WHERE, what, todo)


def _too_large(limits: Limits) -> Refusal:
    what = f"has more than {counted(limits.max_bytes, 'byte')}"
    return Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _WHERE, what)
