"""Requests that are damaged or hostile, sent to the service as a server would."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np

from multitask.contracts import catalog
from multitask.data.framing import USUAL
from multitask.networks import build
from multitask.networks.analyzer import Analyzer
from multitask.networks.answers import NO_NUMBER
from multitask.networks.spec import NetworkSpec
from multitask.service.app import create_app
from multitask.service.limits import Limits
from tests import tiny
from tests.faults import pictures
from tests.faults.outcomes import Outcome, Rng, damaged, outcome

TOKEN = "secret"
BOUNDARY = b"boundary"
LIMITS = Limits(
    max_bytes=150_000,
    max_pixels=10_000,
    max_pictures=3,
    max_faces=2,
    queue=2,
    uploads=3,
    client_uploads=2,
    upload_timeout=1,
    answer_timeout=20,
)
Headers = list[tuple[bytes, bytes]]
_OTHERS = {404, 405}  # of addresses and methods that the OpenAPI page doesn't have
_BROKEN = "no number"  # a service whose network gives none for gender
_INTERVALS = {"age_low", "age_high"}  # empty in a network that was not calibrated
_QUERIES = (
    *(b"", b"heads=age", b"heads=age,gender", b"heads=gender&heads=age", b"heads=Age"),
    *(
        b"heads=",
        b"heads=,",
        b"heads=%00",
        b"heads=%ff%fe",
        b"heads=age&heads=",
        b"&&&",
    ),
    *(
        b"faces=detect",
        b"faces=whole",
        b"faces=auto",
        b"faces=",
        b"faces=x&faces=whole",
    ),
    *(b"largest=true", b"largest=1&faces=detect", b"largest=yes&faces=whole", b"a=1"),
    *(b"probabilities=true", b"probabilities=2", b"probabilities", b"=", b"%", b"%zz"),
    *(b"heads=" + b"a," * 5000, b"heads=%F0%9F%98%80", b"heads=age;gender", b"?heads"),
    *(b"HEADS=age", b"heads[]=age", b"heads=../../etc/passwd", b"\xff\xfe=\x80"),
)
_NAMES = (
    *(
        b"a.jpg",
        b"",
        b"../../etc/passwd",
        b"a\\\\b.png",
        b"%0d%0a.jpg",
        b"\xff\xfe.jpg",
    ),
    *(
        b"x" * 5000,
        "日本.jpg".encode(),
        b"\\ud800.jpg",
        b"a;b.jpg",
        b"\x00.jpg",
        b"<b>",
    ),
    *(b"xn--a", b"..", b"a" * 70 + b".b", b"+AGE-", b"a\tb", b"\x1b[31m"),
)
_CHARSETS = (
    *(
        b"utf-8",
        b"utf-16",
        b"utf-7",
        b"latin-1",
        b"ascii",
        b"idna",
        b"punycode",
        b"hex",
    ),
    *(b"unicode_escape", b"raw_unicode_escape", b"undefined", b"base64", b"rot13", b""),
    *(b"x\x00y", b"cp037", b"utf-32", b"zip", b"none", b"\xff", b"u" * 300, b"mbcs"),
)
_VALUES = (
    *(b"", b"*", b"null", b"\x00", b"\xff\xfe", b"a" * 9000, b"-1", b"0", b"1e9", b" "),
    *(b"9" * 5000, b"\xb2", b"127.0.0.1", b"localhost:99999", b"[::1", b"evil.example"),
    *(b"http://evil.example", b"http://localhost", b"http://[::1", b"file:///etc"),
    *(
        b"Bearer",
        b"Bearer x",
        b"bearer secret",
        b"Basic \xff",
        b"Bearer " + b"x" * 9000,
    ),
    *(b"multipart/form-data", b"multipart/form-data; boundary=", b"multipart/mixed"),
    *(b"multipart/form-data; boundary=" + b"b" * 300, b"application/json", b"chunked"),
    *(b"multipart/form-data;boundary=\xff", b'multipart/form-data; boundary="x', b";"),
    *(b"gzip", b"100-continue", b"bytes=0-", b"2", b"close, upgrade", b"\t"),
)
_FIELDS = (
    *(b"host", b"origin", b"content-type", b"content-length", b"authorization"),
    *(b"transfer-encoding", b"content-encoding", b"expect", b"accept", b"cookie"),
    *(b"range", b"connection", b"x-forwarded-for", b"referer", b"content-disposition"),
)
_PATHS = (
    *(
        b"/",
        b"/analyze",
        b"/heads",
        b"/health",
        b"/metrics",
        b"/openapi.json",
        b"/docs",
    ),
    *(b"/analyze/", b"//analyze", b"/Analyze", b"/../etc/passwd", b"/%2e%2e/", b"/%00"),
    *(b"/\xff", b"/heads?", b"/" + b"a" * 9000, b"/analyze%0d%0aX: y", b"*", b""),
    *(b"/%F0%9F%98%80", b"/%ff%fe", b"/metrics/", b"/health;x", b"/.git/config"),
)
_METHODS = (
    *("GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT"),
    *("get", "X" * 200, "PROPFIND", "é"),
)


@dataclass(kw_only=True)
class Request:
    """What a server hands on of a request; `chunks` are those of its body.

    Its `end` is `whole`, `cut off`, or `stalled`: then nothing more comes, for ever.
    """

    method: str = "POST"
    path: bytes = b"/analyze"
    query: bytes = b""
    headers: Headers
    chunks: Sequence[bytes]
    end: str = "whole"


@dataclass(frozen=True, kw_only=True)
class Response:
    """What came back for a request."""

    request: Request
    status: int
    body: bytes


@cache
def _runner() -> asyncio.Runner:
    return asyncio.Runner()


@cache
def _app(name: str) -> Any:
    """A service for whole pictures, for faces and with a token, or with a NaN in it."""
    heads = tuple(catalog.heads(["age", "gender", "attributes[Smiling,Young]"]))
    framing = USUAL if name == "faces" else None
    spec = NetworkSpec(trunk=tiny.register(), size=16, heads=heads, framing=framing)
    model = build.build(spec)
    if name == _BROKEN:
        bias = model.get_layer("core").get_layer("gender").bias
        bias.assign([np.nan, 0.0])
    token = TOKEN if name == "faces" else ""
    return create_app(Analyzer(model, spec), name=name, limits=LIMITS, token=token)


def case(seed: int, folder: Path) -> Outcome:
    """Make requests of a seed, and see what the service answers and how it is then."""
    rng = np.random.default_rng(seed)
    kinds = {
        "pictures": _pictures, "form": _form, "headers": _headers, "query": _query,
        "address": _address, "chunks": _chunks, "charset": _charset,
    }  # fmt: skip
    name = str(rng.choice([*kinds, "crowd"]))
    service = str(rng.choice(["whole", "faces", _BROKEN]))
    app = _app(service)
    if name == "crowd":
        asked = [
            kinds[str(rng.choice(["pictures", "form", "chunks"]))](rng)
            for _ in range(int(rng.integers(4, 9)))
        ]
    else:
        asked = [kinds[name](rng)]
    if rng.random() < 0.02:
        asked[0].end = "stalled"
    return outcome(name, seed, lambda: _runner().run(_answered(app, asked)))


async def _answered(app: Any, requests: list[Request]) -> str:
    """How the service takes requests that come at once; `told` if it refuses all."""
    responses = await asyncio.gather(*(_ask(app, request) for request in requests))
    health = await _ask(app, _plain("GET", b"/health"))
    metrics = await _ask(app, _plain("GET", b"/metrics"))
    for response in responses:
        if fault := _fault(app, response):
            return fault
    if health.status != 200:
        return f"then not healthy: {health}"
    if b"multitask_requests_in_progress 0.0\n" not in metrics.body:
        return "then a request is in progress for ever"
    is_read = any(response.status == 200 for response in responses)
    return "read" if is_read else "told"


async def _ask(app: Any, request: Request) -> Response:
    """The response of an ASGI application; its status is 0 if it sent none."""
    left = list(request.chunks) or [b""]
    started, body = list[int](), bytearray()

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(0)
        if left:
            more = len(left) > 1 or request.end != "whole"
            return {"type": "http.request", "body": left.pop(0), "more_body": more}
        if request.end == "cut off":
            return {"type": "http.disconnect"}
        await asyncio.Event().wait()  # for ever
        raise AssertionError

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            started.append(message["status"])
        body.extend(message.get("body", b""))

    await app(_scope(request), receive, send)
    status = started[0] if len(started) == 1 else 0
    return Response(request=request, status=status, body=bytes(body))


def _scope(request: Request) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": "http",
        "path": unquote(request.path.decode("latin-1")),
        "raw_path": request.path,
        "query_string": request.query,
        "root_path": "",
        "headers": request.headers,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8000),
        "state": {},
    }


def _fault(app: Any, response: Response) -> str:
    """What is wrong with a response; empty if nothing is."""
    request = response.request
    if response.status not in _allowed(app, request):
        return f"status {response.status} of {request.method} {request.path!r}"
    if response.status != 200:
        if request.method == "HEAD" and not response.body:
            return ""
        told = json.loads(response.body)
        line = told.get("detail")
        is_line = isinstance(line, str) and line and len(line.splitlines()) == 1
        return "" if is_line and len(told) == 1 else f"refused with {told}"
    if request.method == "POST":
        body = json.loads(response.body, parse_constant=_refuse_constant)
        faults = (_picture_fault(app, picture) for picture in body["pictures"])
        return next(filter(None, faults), "")
    return ""


def _allowed(app: Any, request: Request) -> set[int]:
    """The statuses that a response may have."""
    path = unquote(request.path.decode("latin-1"))
    methods = app.openapi()["paths"].get(path, {})
    if request.method.lower() in methods and request.method.isupper():
        return {int(status) for status in methods[request.method.lower()]["responses"]}
    return _OTHERS | {200, 403, 421}


def _refuse_constant(text: str) -> None:
    raise AssertionError(f"{text} is no JSON")


def _picture_fault(app: Any, picture: dict[str, Any]) -> str:
    """What is wrong with the answers about a picture."""
    faces, status = picture["faces"], picture["status"]
    if len(status.splitlines()) != 1:
        return f"status {status!r}"
    if status not in ("ok", NO_NUMBER):
        return f"{len(faces)} faces, but {status}" if faces else ""
    if not faces:
        return f"no face, but {status}"
    for face in faces:
        if face["box"]:
            left, top, right, bottom = face["box"]
            across, down = picture["width"], picture["height"]
            if not (0 <= left < right <= across and 0 <= top < bottom <= down):
                return f"box {face['box']} in {across} x {down}"
        answers = {n: v for n, v in face["answers"].items() if n not in _INTERVALS}
        known = not (app.title.endswith(_BROKEN) and "gender" in answers)
        filled = {value is not None for value in answers.values()}
        if filled != {known} or status != ("ok" if known else NO_NUMBER):
            return f"{status}, but {answers}"
    return ""


# Requests


def _plain(method: str = "POST", path: bytes = b"/analyze") -> Request:
    """A request that is right, but has no body."""
    headers = [(b"host", b"127.0.0.1:8000")]
    headers += [(b"authorization", b"Bearer " + TOKEN.encode())]
    return Request(method=method, path=path, headers=headers, chunks=[])


def _upload(files: Sequence[tuple[bytes, bytes]]) -> Request:
    """A request that is right, with files."""
    request = _plain()
    kind = b"multipart/form-data; boundary=" + BOUNDARY
    parts = [_part(name, data) for name, data in files]
    body = b"".join(parts) + b"--" + BOUNDARY + b"--\r\n"
    request.headers += [(b"content-type", kind)]
    request.headers += [(b"content-length", str(len(body)).encode())]
    request.chunks = [body]
    return request


def _part(name: bytes, data: bytes) -> bytes:
    head = b'Content-Disposition: form-data; name="pictures"; filename="%s"' % name
    return b"--%s\r\n%s\r\n\r\n%s\r\n" % (BOUNDARY, head, data)


def _files(
    rng: Rng, least: int = 1, whole_share: float = 0.4
) -> list[tuple[bytes, bytes]]:
    """Names, and pictures of which a share is whole."""
    whole = list(pictures.whole().values())
    files = []
    for _ in range(int(rng.integers(least, 5))):
        data = whole[int(rng.integers(len(whole)))]
        data = data if rng.random() < whole_share else damaged(data, rng)[1]
        files.append((_drawn(_NAMES, rng), data if rng.random() < 0.95 else b""))
    return files


def _pictures(rng: Rng) -> Request:
    """Damaged pictures in a form that is right."""
    request = _upload(_files(rng, least=0))
    if rng.random() < 0.3:
        request.query = _drawn(_QUERIES, rng)
    return request


def _form(rng: Rng) -> Request:
    """A form that is damaged, or has other fields."""
    request = _upload(_files(rng))
    (body,) = request.chunks
    change = rng.integers(3)
    if change == 0:
        request.chunks = [damaged(body, rng)[1]]
    elif change == 1:
        old = _drawn((b"pictures", b"filename", b"form-data", b"\r\n", b"name"), rng)
        new = _drawn((b"", b"x", b"\xff", b"\n", b"filename*", b"\x00", b";" * 99), rng)
        request.chunks = [body.replace(old, new, int(rng.integers(1, 4)))]
    else:  # the heads of the parts alone
        place = body.find(b"\r\n\r\n")
        request.chunks = [damaged(body[:place], rng)[1] + body[place:]]
    return request


def _headers(rng: Rng) -> Request:
    request = _upload(_files(rng))
    for _ in range(int(rng.integers(1, 4))):
        change = rng.integers(3)
        field = (_drawn(_FIELDS, rng), _drawn(_VALUES, rng))
        if change == 0:
            request.headers.append(field)
        elif change == 1:
            request.headers = [h for h in request.headers if h[0] != field[0]]
        else:
            request.headers = [
                field if h[0] == field[0] else h for h in request.headers
            ] or [field]
    return request


def _query(rng: Rng) -> Request:
    request = _upload(_files(rng, whole_share=0.9))
    drawn = (_drawn(_QUERIES, rng) for _ in range(int(rng.integers(1, 3))))
    request.query = b"&".join(drawn)
    if rng.random() < 0.3:
        request.query = damaged(request.query or b"heads=age", rng)[1]
    return request


def _address(rng: Rng) -> Request:
    request = _upload(_files(rng)) if rng.random() < 0.5 else _plain()
    request.path = _drawn(_PATHS, rng)
    request.method = _drawn(_METHODS, rng)
    return request


def _chunks(rng: Rng) -> Request:
    """A body in many pieces, some of them empty, that may end early."""
    request = _upload(_files(rng))
    (body,) = request.chunks
    cuts = sorted(rng.integers(0, len(body), int(rng.integers(1, 40))).tolist())
    pieces = zip([0, *cuts], [*cuts, len(body)], strict=True)
    request.chunks = [body[start:end] for start, end in pieces]
    if rng.random() < 0.5:
        request.chunks = request.chunks[: int(rng.integers(1, len(request.chunks) + 1))]
        request.end = "cut off"
    return request


def _charset(rng: Rng) -> Request:
    """Another encoding for the names in a form."""
    request = _upload(_files(rng))
    charset = b"; charset=" + _drawn(_CHARSETS, rng)
    request.headers = [
        (name, value + charset if name == b"content-type" else value)
        for name, value in request.headers
    ]
    return request


def _drawn(values: Sequence[Any], rng: Rng) -> Any:
    return values[int(rng.integers(len(values)))]
