"""Do large pictures wait for each other, and small ones never?"""

import threading

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
