"""Are pixels, faces and uploads in progress limited, and is work ended that fails?"""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from multitask.images.faces.parts import PictureCrop
from multitask.service import uploads as uploads_module
from multitask.service.limits import Limits
from multitask.service.refusals import Refusal
from multitask.service.room import Room
from multitask.service.service import Service
from tests.service.served import encoded, pixels
from tests.service.test_upload_memory import request_of

PICTURE = encoded(pixels())


class Numbers:
    """In the place of a network: a picture has as many faces as it is told."""

    def __init__(self, faces=1):
        self.faces = faces
        self.asked: list[list[str]] = []

    def columns(self, heads, probabilities):
        self.asked.append(list(heads))
        return ["value"]

    def finder(self, faces, largest):
        return None

    def cut(self, picture, find):
        return [PictureCrop(np.zeros((4, 4, 3), np.uint8))] * self.faces

    def answer(self, parts):
        return [{"value": 1.0, "warning": None}] * len(parts)

    def answers(self, row, columns):
        return {"value": row["value"]}


@pytest.fixture
def start():
    """Make services, which are closed at the end."""
    services = []

    def make(network=None, **limits):
        service = Service(network or Numbers(), Limits(**limits))  # type: ignore[arg-type]
        services.append(service)
        return service

    yield make
    for service in services:
        service.close()


def refused(service, request, **options):
    with pytest.raises(Refusal) as refusal:
        asyncio.run(service.analyze(request, **options))
    return refusal.value


def test_pictures_in_memory_have_so_many_pixels_together_and_no_more():
    used = []
    with ThreadPoolExecutor(8) as pool:

        async def all_of(sizes):
            room = Room(pool, 100)

            def work():
                used.append(room.used)
                time.sleep(0.02)

            await asyncio.wait_for(
                asyncio.gather(*(room.run(size, work) for size in sizes)), 30
            )
            await asyncio.sleep(0)
            return room.used

        left = asyncio.run(all_of([60, 40, 30, 500, 50, 50, 10]))
    assert left == 0
    assert max(used) == 100
    assert len(used) == 7


def test_room_is_kept_until_a_thread_ends_even_if_its_client_has_gone():
    free = threading.Event()

    async def leave(pool):
        room = Room(pool, 100)
        task = asyncio.create_task(room.run(80, lambda: free.wait(30)))
        await asyncio.sleep(0.1)
        task.cancel()
        await asyncio.wait([task])
        kept = room.used
        free.set()
        await asyncio.wait_for(room.run(100, lambda: None), 30)
        return kept

    with ThreadPoolExecutor(2) as pool:
        assert asyncio.run(leave(pool)) == 80


def test_a_service_decodes_at_most_twice_the_largest_picture_at_once(start):
    service = start(max_pixels=480)  # what PICTURE has: 20 * 24
    used = []
    cut = service.predictor.cut

    def observed(*arguments):
        used.append(service._room.used)
        return cut(*arguments)

    service.predictor.cut = observed
    answers = asyncio.run(service.analyze(request_of(*[PICTURE] * 6)))
    assert [answer.status for answer in answers] == ["ok"] * 6
    assert 480 <= max(used) <= 960


def test_a_picture_with_too_many_faces_is_refused_and_none_is_left_out(start):
    service = start(Numbers(faces=3), max_faces=3)
    (answer,) = asyncio.run(service.analyze(request_of(PICTURE)))
    assert len(answer.faces) == 3
    service = start(Numbers(faces=4), max_faces=3)
    refusal = refused(service, request_of(PICTURE))
    assert refusal.status == 413
    assert refusal.line == (
        "a: has 4 faces, must have at most 3; send parts of the picture, or ask with "
        "largest=true"
    )


def test_heads_are_split_at_commas_as_the_command_does(start):
    service = start()
    asyncio.run(service.analyze(request_of(PICTURE), heads=["age, gender", "race"]))
    asyncio.run(service.analyze(request_of(PICTURE)))
    assert service.predictor.asked == [["age", "gender", "race"], []]


def test_slow_uploads_do_not_keep_others_from_being_answered(start):
    service = start(queue=1, uploads=8, client_uploads=2)

    async def clients():
        slow = [
            asyncio.create_task(
                service.analyze(request_of(PICTURE, seconds=30, client=address))
            )
            for address in ("10.0.0.1", "10.0.0.1", "10.0.0.2")
        ]
        await asyncio.sleep(0.1)
        with pytest.raises(Refusal, match="has 2 uploads of your address in progress"):
            await service.analyze(request_of(PICTURE, client="10.0.0.1"))
        answers = await service.analyze(request_of(PICTURE, client="10.0.0.3"))
        for task in slow:
            task.cancel()
        await asyncio.wait(slow)
        return answers

    (answer,) = asyncio.run(clients())
    assert answer.status == "ok"
    assert len(service._uploads) == 0


def test_an_upload_below_the_least_rate_is_given_up_before_its_time(start, monkeypatch):
    monkeypatch.setattr(uploads_module, "_START_SECONDS", 0.2)
    service = start(upload_timeout=60, min_rate=1_000_000)
    began = time.monotonic()
    refusal = refused(service, request_of(PICTURE, PICTURE, seconds=0.15))
    assert refusal.status == 408
    assert refusal.line == "upload: is slower than 1,000,000 bytes a second"
    assert time.monotonic() - began < 30
    service = start(upload_timeout=60, min_rate=1_000)  # 1.4 seconds for a picture
    assert asyncio.run(service.analyze(request_of(PICTURE, PICTURE, seconds=0.15)))


def test_pictures_that_wait_are_not_answered_for_a_client_that_has_gone(start):
    service = start(max_pixels=480)
    seen = []
    free = threading.Event()

    def slowly(picture, find):
        seen.append(picture)
        free.wait(1)
        return [PictureCrop(np.zeros((4, 4, 3), np.uint8))]

    service.predictor.cut = slowly
    refusal = refused(service, request_of(*[PICTURE] * 12, gone=True))
    free.set()
    assert refusal.line == "request: its client went away before the answers came"
    service._pool.shutdown()
    assert len(seen) <= 2


def test_a_failure_ends_the_work_for_the_other_pictures(start):
    service = start(max_pixels=480)
    seen = []

    def fail(picture, find):
        seen.append(picture)
        time.sleep(0.05)
        raise ZeroDivisionError

    service.predictor.cut = fail
    with pytest.raises(ExceptionGroup):
        asyncio.run(service.analyze(request_of(*[PICTURE] * 12)))
    service._pool.shutdown()
    assert len(seen) < 8
    assert service._requests == 0
