"""Do faces that arrive together share a batch, and is none lost or mixed up?"""

import threading
import time
from concurrent.futures import wait

import numpy as np
import pytest

from multitask.service.batches import Batches


class Recorder:
    """A network that answers with the value of each face, and waits if told to."""

    def __init__(self):
        self.sizes = []
        self.free = threading.Event()
        self.free.set()

    def __call__(self, pixels):
        self.free.wait(30)
        self.sizes.append(len(pixels))
        if (pixels == 255).any():
            raise ValueError("white")
        return [{"value": int(face[0, 0, 0])} for face in pixels]


def faces(*values):
    """A picture with a face of each value."""
    return np.stack([np.full((4, 4, 3), value, np.uint8) for value in values])


@pytest.fixture
def recorder():
    return Recorder()


@pytest.fixture
def batches(recorder):
    batches = Batches(recorder, size=8)
    yield batches
    recorder.free.set()
    batches.close()


def values(future):
    return [row["value"] for row in future.result(timeout=30)]


def busy(batches, recorder):
    """Have the network wait with a first face; returns its future."""
    recorder.free.clear()
    first = batches.submit(faces(0))
    while first.running() is False:
        time.sleep(0.001)
    return first


def test_faces_that_wait_share_a_batch_and_get_their_own_rows(batches, recorder):
    first = busy(batches, recorder)
    futures = [batches.submit(faces(2 * n, 2 * n + 1)) for n in range(1, 7)]
    recorder.free.set()
    assert values(first) == [0]
    assert [values(future) for future in futures] == [
        [2, 3], [4, 5], [6, 7], [8, 9], [10, 11], [12, 13],
    ]  # fmt: skip
    assert recorder.sizes == [1, 8, 4]  # 12 faces, of which 8 make a batch


def test_a_picture_with_more_faces_than_a_batch_is_not_cut(batches, recorder):
    assert values(batches.submit(faces(*range(20)))) == list(range(20))
    assert recorder.sizes == [20]


def test_a_face_that_fails_does_not_take_others_with_it(batches, recorder):
    first = busy(batches, recorder)
    good, bad, other = (batches.submit(faces(n)) for n in (1, 255, 2))
    recorder.free.set()
    assert values(first) == [0]
    assert (values(good), values(other)) == ([1], [2])
    with pytest.raises(ValueError, match="white"):
        bad.result(timeout=30)
    assert recorder.sizes == [1, 3, 1, 1, 1]
    assert batches.alive


def test_a_cancelled_picture_is_not_answered(batches, recorder):
    first = busy(batches, recorder)
    kept, dropped = batches.submit(faces(1)), batches.submit(faces(2))
    assert dropped.cancel()
    recorder.free.set()
    assert (values(first), values(kept)) == ([0], [1])
    assert recorder.sizes == [1, 1]


def test_a_lone_face_waits_for_nobody_and_others_for_those_that_come(batches, recorder):
    batches.expect(2)
    first = batches.submit(faces(1))
    second = batches.submit(faces(2))
    batches.expect(-2)
    assert (values(first), values(second)) == ([1], [2])
    assert recorder.sizes == [2]
    # One that is expected, but takes its time, is not waited for.
    batches.expect(1)
    assert values(batches.submit(faces(3))) == [3]
    batches.expect(-1)


def test_closing_answers_what_waits_and_takes_nothing_more(recorder):
    batches = Batches(recorder, size=2)
    first = busy(batches, recorder)
    futures = [batches.submit(faces(n)) for n in range(1, 6)]
    closing = threading.Thread(target=batches.close)
    closing.start()
    recorder.free.set()
    closing.join(30)
    assert not batches.alive
    assert [values(future) for future in (first, *futures)] == [[n] for n in range(6)]
    with pytest.raises(RuntimeError, match="ended"):
        batches.submit(faces(9))


def test_many_threads_lose_nothing(batches, recorder):
    answers = {}

    def ask(thread):
        futures = [batches.submit(faces(thread, n)) for n in range(50)]
        wait(futures, timeout=60)
        answers[thread] = [values(future) for future in futures]

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert answers == {t: [[t, n] for n in range(50)] for t in range(8)}
    assert sum(recorder.sizes) == 800
    assert max(recorder.sizes) <= 8


def test_batches_are_observed_with_their_sizes_and_seconds(recorder):
    seen = []
    batches = Batches(recorder, observe=lambda *values: seen.append(values))
    batches.submit(faces(1, 2, 3)).result(30)
    batches.close()
    ((size, seconds),) = seen
    assert size == 3
    assert 0 <= seconds < 30
