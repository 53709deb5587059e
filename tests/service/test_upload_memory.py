"""Do uploads stay in memory, and is each held only as often as it must be?"""

import asyncio
from typing import Any

from starlette.datastructures import UploadFile
from starlette.requests import Request

from multitask.service.limits import Limits
from multitask.service.uploads import Body, read_uploads

LARGE = 3_000_000  # bytes, which Starlette by itself would write to a disk


def request_of(*files, seconds=0.0, client="10.0.0.1", gone=False):
    """A request whose form has these files in the field `pictures`.

    So many `seconds` pass before each; after the last the client stays, or is `gone`.
    """
    parts = [
        b'--B\r\nContent-Disposition: form-data; name="pictures"; filename="a"\r\n\r\n'
        + data
        + b"\r\n"
        for data in files
    ]
    messages = [
        {"type": "http.request", "body": part, "more_body": True} for part in parts
    ]
    messages.append({"type": "http.request", "body": b"--B--\r\n", "more_body": False})

    async def receive():
        if messages:
            await asyncio.sleep(seconds)
            return messages.pop(0)
        if not gone:
            await asyncio.sleep(60)
        return {"type": "http.disconnect"}

    headers = [(b"content-type", b"multipart/form-data; boundary=B")]
    scope: dict[str, Any] = {
        "type": "http",
        "method": "POST",
        "path": "/analyze",
        "headers": headers,
    }
    scope["client"] = (client, 1234)
    return Request(scope, receive)


def test_an_upload_is_never_written_to_a_disk_and_closed_as_it_is_read(monkeypatch):
    read = UploadFile.read
    files: list[UploadFile] = []
    closed_before = []

    async def observed(self, size=-1):
        assert self.file._rolled is False  # which it is once it is on a disk
        closed_before.append([file.file.closed for file in files])
        files.append(self)
        return await read(self, size)

    monkeypatch.setattr(UploadFile, "read", observed)
    contents = [bytes([n]) * LARGE for n in range(3)]
    body = Body(request_of(*contents))
    uploads = asyncio.run(read_uploads(body, Limits()))
    assert [upload.data for upload in uploads] == contents
    assert closed_before == [[], [True], [True, True]]
