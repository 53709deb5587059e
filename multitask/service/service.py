"""How do the pictures of a request become its response?"""

import asyncio
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http import HTTPStatus

import numpy as np
from fastapi import Request

from multitask.contracts.errors import UserError, as_python, counted
from multitask.images.decode import PictureError
from multitask.images.faces.parts import NO_FACE, FaceFinder, Faces, Part
from multitask.service.batches import Batches, Row
from multitask.service.limits import Limits
from multitask.service.metrics import Metrics
from multitask.service.network import ServedNetwork
from multitask.service.pictures import decode_upload, pixel_count
from multitask.service.refusals import Refusal, busy
from multitask.service.schemas import FaceResponse, PictureResponse
from multitask.service.uploads import Body, Upload, read_uploads

_OK = "ok"


class Service:
    """A network, the threads that work for it, and what may be asked of it."""

    def __init__(self, network: ServedNetwork, limits: Limits) -> None:
        self.network, self.limits, self.metrics = network, limits, Metrics()
        self._requests = 0
        # As many as cores, which bounds the memory for pixels, too.
        self._pool = ThreadPoolExecutor(os.cpu_count() or 1, "cut")
        self._batches = Batches(network.answer, observe=self.metrics.batch)

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
            with self._place():
                columns, find = self._chosen(heads, probabilities, faces, largest)
                uploads = await read_uploads(body, self.limits)
                return await self._answered(uploads, columns, find)
        except Refusal as refusal:
            if refusal.status != HTTPStatus.REQUEST_TIMEOUT:
                await body.drain(self.limits)
            raise

    @contextmanager
    def _place(self) -> Iterator[None]:
        """A place in the queue; Refusal if there is none."""
        if self._requests >= self.limits.queue:
            raise busy(f"has {counted(self._requests, 'request')} in progress")
        self._requests += 1
        self.metrics.in_progress.set(self._requests)
        try:
            yield
        finally:
            self._requests -= 1
            self.metrics.in_progress.set(self._requests)

    def _chosen(
        self, heads: Sequence[str], probabilities: bool, faces: Faces, largest: bool
    ) -> tuple[list[str], FaceFinder | None]:
        try:
            columns = self.network.columns(heads, probabilities)
            return columns, self.network.finder(faces, largest)
        except UserError as error:
            where, _, what = as_python(error.line).partition(": ")
            raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, where, what) from None

    async def _answered(
        self, uploads: Sequence[Upload], columns: list[str], find: FaceFinder | None
    ) -> list[PictureResponse]:
        seconds = self.limits.answer_timeout
        try:
            async with asyncio.timeout(seconds):
                answers = await asyncio.gather(
                    *(self._picture(upload, columns, find) for upload in uploads)
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
        loop = asyncio.get_running_loop()
        try:
            parts, size = await loop.run_in_executor(
                self._pool, self._cut, upload, find
            )
        except Refusal as refusal:
            self.metrics.pictures.labels("refused").inc()
            return refusal
        rows: Sequence[Row] = ()
        if parts:
            pixels = np.stack([part.pixels for part in parts])
            rows = await asyncio.wrap_future(self._batches.submit(pixels))
        status = _OK if parts else NO_FACE
        self.metrics.pictures.labels(status).inc()
        self.metrics.faces.inc(len(parts))
        return PictureResponse(
            name=upload.name,
            status=status,
            width=size[0],
            height=size[1],
            faces=[
                _face(part, {column: row[column] for column in columns})
                for part, row in zip(parts, rows, strict=True)
            ],
        )

    def _cut(
        self, upload: Upload, find: FaceFinder | None
    ) -> tuple[list[Part], tuple[int, int]]:
        """The parts that are answered, and width and height of the picture."""
        began = time.perf_counter()
        self._batches.expect(1)
        try:
            pixel_count(upload.data, upload.name, self.limits.max_pixels)
            pixels = decode_upload(upload.data, upload.name)
            parts = self.network.cut(pixels, find)
            return parts, (pixels.shape[1], pixels.shape[0])
        except PictureError as error:
            what = str(error)
            raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, upload.name, what) from None
        finally:
            self._batches.expect(-1)
            self.metrics.cut_seconds.observe(time.perf_counter() - began)


def _refused(upload: Upload, refusal: Refusal) -> PictureResponse:
    return PictureResponse(
        name=upload.name, status=refusal.reason, width=None, height=None, faces=[]
    )


def _face(part: Part, answers: Row) -> FaceResponse:
    box = None
    if part.box:
        left, top, right, bottom = map(int, part.box.split())
        box = left, top, right, bottom
    known = part.confidence == part.confidence  # not NaN
    confidence = round(float(part.confidence), 6) if known else None
    return FaceResponse(box=box, confidence=confidence, answers=answers)
