"""How do the pictures of a request become its response?"""

import asyncio
import re
import time
from collections.abc import Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from typing import Any, TypeVar

import numpy as np
from fastapi import Request
from starlette.requests import ClientDisconnect

from multitask.contracts.errors import UserError, as_python, counted
from multitask.contracts.recipe_texts import split_names
from multitask.images.damage import Damaged
from multitask.images.decode import PictureError
from multitask.images.faces.parts import NO_FACE, FaceFinder, Faces, PictureCrop
from multitask.images.threads import cores
from multitask.networks.answers import NO_NUMBER
from multitask.service.batches import Batches, Row
from multitask.service.limits import Limits
from multitask.service.metrics import Metrics
from multitask.service.pictures import decode_upload, pixel_count
from multitask.service.predictor import WARNING, Predictor
from multitask.service.refusals import Refusal, busy
from multitask.service.room import Room
from multitask.service.schemas import FaceResponse, PictureResponse
from multitask.service.uploads import Body, Upload, Uploads, read_uploads

T = TypeVar("T")

_OK = "ok"
_PICTURES = 2  # of the largest allowed size that are in memory at once


class Service:
    """A predictor, the threads that work for it, and what may be asked of it."""

    def __init__(
        self, predictor: Predictor, limits: Limits, damaged: Damaged = "skip"
    ) -> None:
        self.predictor, self.limits, self.metrics = predictor, limits, Metrics()
        self.damaged = damaged
        self._requests = 0
        self._uploads = Uploads(limits)
        self._pool = ThreadPoolExecutor(cores(), "cut")
        self._room = Room(self._pool, _PICTURES * limits.max_pixels)
        self._batches = Batches(predictor.answer, observe=self.metrics.batch)

    @property
    def alive(self) -> bool:
        """Whether requests are answered."""
        return self._batches.alive

    def close(self) -> None:
        """Answer what was accepted, then end the threads."""
        self._pool.shutdown()
        self._batches.close()

    async def analyze(
        self,
        request: Request,
        *,
        heads: Sequence[str] = (),
        probabilities: bool = False,
        faces: Faces = "auto",
        largest: bool = False,
    ) -> list[PictureResponse]:
        """Answer for the pictures of a request, in their order.

        Raises Refusal if the request is wrong or comes at a wrong time, and if none of
        its pictures can be used.
        """
        body = Body(request)
        try:
            columns, find = self._columns_and_finder(
                heads, probabilities, faces, largest
            )
            uploads = await self._received(body)
            with self._place():
                return await self._answered(body, uploads, columns, find)
        except Refusal as refusal:
            if refusal.status != HTTPStatus.REQUEST_TIMEOUT:
                await body.drain(self.limits)
            raise

    async def _received(self, body: Body) -> list[Upload]:
        """The files of a request, for which it needs no place in the queue."""
        self._check_queue()  # so that nothing is sent in vain
        client = body.request.client
        try:
            with self._uploads.place(client.host if client else ""):
                self._count()
                return await read_uploads(body, self.limits)
        finally:
            self._count()

    def _check_queue(self) -> None:
        if self._requests >= self.limits.queue:
            raise busy(f"has {counted(self._requests, 'request')} in progress")

    @contextmanager
    def _place(self) -> Iterator[None]:
        """A place in the queue; Refusal if there is none."""
        self._check_queue()
        self._requests += 1
        self._count()
        try:
            yield
        finally:
            self._requests -= 1
            self._count()

    def _count(self) -> None:
        self.metrics.in_progress.set(self._requests + len(self._uploads))

    def _columns_and_finder(
        self, heads: Sequence[str], probabilities: bool, faces: Faces, largest: bool
    ) -> tuple[list[str], FaceFinder | None]:
        try:
            if not all(text.strip(" ,") for text in heads):
                raise UserError("heads", "is empty", "name heads, or leave it out")
            names = split_names(",".join(heads))
            columns = self.predictor.columns(names, probabilities)
            return columns, self.predictor.finder(faces, largest)
        except UserError as error:
            where, _, what = _as_parameters(error.line).partition(": ")
            raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, where, what) from None

    async def _answered(
        self,
        body: Body,
        uploads: Sequence[Upload],
        columns: list[str],
        find: FaceFinder | None,
    ) -> list[PictureResponse]:
        seconds = self.limits.answer_timeout
        try:
            async with asyncio.timeout(seconds):
                answers = await _while_connected(
                    body,
                    [self._picture(upload, columns, find) for upload in uploads],
                )
        except TimeoutError:
            raise Refusal(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "service",
                f"had no answer within {counted(seconds, 'second')}",
                "try again later, or send fewer or smaller pictures",
                {"Retry-After": "10"},
            ) from None
        refusals = [one for one in answers if isinstance(one, Refusal)]
        if len(refusals) == len(answers):
            raise refusals[0]
        return [
            _refused(upload, one) if isinstance(one, Refusal) else one
            for upload, one in zip(uploads, answers, strict=True)
        ]

    async def _picture(
        self, upload: Upload, columns: list[str], find: FaceFinder | None
    ) -> PictureResponse | Refusal:
        try:
            parts, size = await self._parts(upload, find)
        except Refusal as refusal:
            self.metrics.pictures.labels("refused").inc()
            return refusal
        rows: Sequence[Row] = ()
        if parts:
            pixels = np.stack([part.pixels for part in parts])
            rows = await asyncio.wrap_future(self._batches.submit(pixels))
        answers = [self.predictor.answers(row, columns) for row in rows]
        status = _OK if parts else NO_FACE
        if any(set(each.values()) == {None} for each in answers):
            status = NO_NUMBER
        self.metrics.pictures.labels(status).inc()
        self.metrics.faces.inc(len(parts))
        return PictureResponse(
            name=upload.name,
            status=status,
            width=size[0],
            height=size[1],
            faces=[
                _face(part, row[WARNING], each)
                for part, row, each in zip(parts, rows, answers, strict=True)
            ],
        )

    async def _parts(
        self, upload: Upload, find: FaceFinder | None
    ) -> tuple[list[PictureCrop], tuple[int, int]]:
        limit = self.limits.max_pixels
        count = partial(pixel_count, upload.data, upload.name, limit)
        pixels = await asyncio.get_running_loop().run_in_executor(self._pool, count)
        return await self._room.run(pixels, partial(self._cut, upload, find))

    def _cut(
        self, upload: Upload, find: FaceFinder | None
    ) -> tuple[list[PictureCrop], tuple[int, int]]:
        """The parts that are answered, and width and height of the picture."""
        began = time.perf_counter()
        self._batches.expect(1)
        try:
            pixels = decode_upload(upload.data, upload.name, self.damaged)
            parts = self.predictor.cut(pixels, find)
            _check_faces(parts, upload.name, self.limits.max_faces)
            return parts, (pixels.shape[1], pixels.shape[0])
        except PictureError as error:
            what = str(error)
            raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, upload.name, what) from None
        finally:
            self._batches.expect(-1)
            self.metrics.cut_seconds.observe(time.perf_counter() - began)


async def _while_connected(
    body: Body, work: Sequence[Coroutine[Any, Any, T]]
) -> list[T]:
    """The results of all work, which ends if some fails or the client goes away."""

    async def watch() -> None:
        await body.disconnected()
        raise ClientDisconnect

    try:
        async with asyncio.TaskGroup() as group:
            watcher = group.create_task(watch())
            tasks = [group.create_task(one) for one in work]
            await asyncio.wait(tasks)
            watcher.cancel()
    except ExceptionGroup as group_error:
        if failures := group_error.split(ClientDisconnect)[1]:
            raise failures from None
        what = "its client went away before the answers came"
        raise Refusal(HTTPStatus.REQUEST_TIMEOUT, "request", what) from None
    return [task.result() for task in tasks]


def _as_parameters(line: str) -> str:
    """A line that names settings as a request does, not as the command line."""
    return as_python(re.sub(r"--(faces) (\w+)", r"\1=\2", line))


def _check_faces(parts: Sequence[PictureCrop], name: str, most: int) -> None:
    """Raise Refusal for more faces than are answered: none is left out silently."""
    if len(parts) > most:
        raise Refusal(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            name,
            f"has {counted(len(parts), 'face')}, must have at most {most:,}",
            "send parts of the picture, or ask with largest=true",
        )


def _refused(upload: Upload, refusal: Refusal) -> PictureResponse:
    return PictureResponse(
        name=upload.name, status=refusal.reason, width=None, height=None, faces=[]
    )


def _face(part: PictureCrop, warning: str | None, answers: Row) -> FaceResponse:
    box = None
    if part.box:
        left, top, right, bottom = map(int, part.box.split())
        box = left, top, right, bottom
    known = part.confidence == part.confidence  # not NaN
    confidence = round(float(part.confidence), 6) if known else None
    return FaceResponse(
        box=box,
        confidence=confidence,
        warning=warning,
        answers=answers,
    )
