"""Do large pictures wait for each other, and small ones never?"""

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from PIL import Image

from multitask.images.room import FREE, Room


def running(room, sizes):
    """The most pixels that threads with pictures of these sizes held at once."""
    held, most, lock = 0, 0, threading.Lock()
    start = threading.Barrier(len(sizes))

    def work(size):
        nonlocal held, most
        start.wait()
        for _ in range(20):
            with room.lease():
                room.take(size)
                with lock:
                    held += size
                    most = max(most, held)
                with lock:
                    held -= size

    threads = [threading.Thread(target=work, args=[size]) for size in sizes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not any(thread.is_alive() for thread in threads)
    return most


def test_pixels_in_memory_are_bounded_whatever_the_number_of_threads():
    room = Room(10 * FREE)
    assert running(room, [4 * FREE] * 16) <= 10 * FREE


def test_a_picture_larger_than_the_room_goes_alone():
    room = Room(10 * FREE)
    assert running(room, [50 * FREE] * 4) == 50 * FREE


def test_small_pictures_and_those_outside_a_lease_never_wait():
    room = Room(10 * FREE)
    with room.lease():
        room.take(10 * FREE)  # all there is
        room.take(10 * FREE)  # a second picture of one thread does not wait
        done = threading.Event()

        def small():
            with room.lease():
                room.take(FREE)
            room.take(10 * FREE)
            done.set()

        threading.Thread(target=small, daemon=True).start()
        assert done.wait(10)
    with room.lease():
        room.take(10 * FREE)  # what was taken is given back


MEASURE = """
import sys
from multitask.images import threads
threads.cores = lambda: 8
from multitask.images.decode import decode_all
for _ in decode_all([sys.argv[1]] * 8, 64):
    pass
# Not by getrusage: what began this process may have been larger.
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(int(status["VmHWM"].split()[0]) // 1024)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="measures memory in KB")
def test_eight_of_the_largest_pictures_take_hardly_more_memory_than_one(tmp_path):
    """At 4 bytes a pixel, and 1 before it is RGB, one takes 500 MB."""
    file = tmp_path / "grey.png"
    Image.new("L", (9999, 9999), 90).save(file)
    run = subprocess.run(
        [sys.executable, "-c", MEASURE, str(file)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    assert int(run.stdout) < 1000
