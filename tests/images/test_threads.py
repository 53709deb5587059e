"""Are results handed over in order, as soon as they are there?"""

import itertools
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

import pytest

from multitask.images.threads import as_they_come, cores, first_in_order, in_order


@pytest.mark.parametrize("count", [0, 1, 7, 1000])
def test_results_come_in_order_and_none_is_missing(count):
    def late(number):
        time.sleep(0.002 * (number % 3 == 0) * (number < 30))
        return number

    assert list(in_order(late, count)) == list(range(count))
    for ahead in (1, 5):
        lists = list(as_they_come(late, range(count), ahead))
        assert list(itertools.chain(*lists)) == list(range(count))
        assert all(1 <= len(one) <= ahead for one in lists)


def test_a_result_never_waits_for_the_next_item():
    items = SimpleQueue[int | None]()
    results = as_they_come(lambda item: -item, iter(items.get, None), 8)
    for number in range(3):  # the next one is put only after this one's result
        items.put(number)
        assert next(results) == [-number]
    items.put(None)
    assert list(results) == []


def test_an_endless_iterable_is_read_only_so_far_ahead():
    read = []

    def endless():
        for number in itertools.count():
            read.append(number)
            yield number

    results = as_they_come(str, endless(), 4)
    assert not read  # nothing before the first result is wanted
    assert next(results)[0] == "0"
    time.sleep(0.2)
    # At most four were handed over in the first list, and four more are ahead.
    assert len(read) <= 8
    results.close()
    time.sleep(0.1)
    count = len(read)
    time.sleep(0.1)
    assert len(read) == count


@pytest.mark.parametrize("cores", [1, 2, 16])
def test_nothing_is_worked_on_after_the_first_before_it_is_wanted(cores, monkeypatch):
    monkeypatch.setattr("multitask.images.threads.cores", lambda: cores)
    begun = list[int]()

    def one(number):
        begun.append(number)
        return number

    results = first_in_order(one, 500, 40)
    assert list(itertools.islice(results, 40)) == list(range(40))
    results.close()
    assert sorted(begun) == list(range(40))
    for count in (7, 40, 500):
        assert list(first_in_order(one, count, 40)) == list(range(count))


@pytest.mark.parametrize("cores", [1, 2, 16])
def test_who_stops_early_waits_for_what_is_worked_on_alone(cores, monkeypatch):
    monkeypatch.setattr("multitask.images.threads.cores", lambda: cores)
    begun = list[int]()

    def one(number):
        begun.append(number)
        time.sleep(0.5 * (number >= 32))  # the first task is quick
        return number

    results = in_order(one, 500)
    assert next(results) == 0
    results.close()
    assert len(begun) <= 32 + 2 * cores  # of 96 or more that were handed to threads


def test_large_results_wait_one_by_one(monkeypatch):
    monkeypatch.setattr("multitask.images.threads.cores", lambda: 2)
    begun = list[int]()

    def one(number):
        begun.append(number)
        return number

    results = in_order(one, 500, most=1)
    assert next(results) == 0
    time.sleep(0.1)
    assert len(begun) <= 5
    assert list(results) == list(range(1, 500))


def test_no_result_is_lost_if_there_are_no_more_threads(monkeypatch):
    submit = ThreadPoolExecutor.submit

    def limited(pool, one, item):
        if item == 3:
            raise RuntimeError("can't start new thread")
        return submit(pool, one, item)

    monkeypatch.setattr(ThreadPoolExecutor, "submit", limited)
    taken = []

    def take():
        for ready in as_they_come(abs, range(6), 2):
            taken.extend(ready)

    with pytest.raises(RuntimeError, match="can't start new thread"):
        take()
    assert taken == [0, 1, 2]


def test_an_error_comes_after_the_results_before_it():
    def broken():
        yield from range(5)
        raise OSError("the camera is gone")

    taken = []

    def take(results):
        for ready in results:
            taken.extend(ready)

    with pytest.raises(OSError, match="the camera is gone"):
        take(as_they_come(abs, broken(), 3))
    assert taken == list(range(5))
    taken.clear()
    with pytest.raises(ZeroDivisionError):
        take(as_they_come(lambda n: 6 // n, [3, 2, 0, 1], 4))
    assert taken == [2, 3]


def test_threads_end_with_the_results():
    before = threading.active_count()
    for _ in range(5):
        assert sum(map(len, as_they_come(abs, range(50), 8))) == 50
        results = as_they_come(abs, itertools.count(), 8)
        next(results)
        results.close()
    deadline = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() <= before


def test_only_the_cores_that_a_process_may_use_count(monkeypatch):
    monkeypatch.delattr(os, "process_cpu_count", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda who: {3}, raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    assert cores() == 1
    monkeypatch.delattr(os, "sched_getaffinity")
    assert cores() == 64
    monkeypatch.setattr(os, "process_cpu_count", lambda: 2, raising=False)
    assert cores() == 2
