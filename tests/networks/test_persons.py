"""Do faces keep their number from frame to frame, and are their outputs averaged?"""

import sys

import numpy as np
import pytest

from multitask.contracts.errors import UserError
from multitask.networks.video.persons import Persons, Track, check_installed

pytest.importorskip("edgefirst.tracker")


def face(x, y=100.0, side=80.0):
    """The box of a face with its left top corner at x, y."""
    return (x, y, x + side, y + side)


def follow(persons, boxes):
    """The persons of faces of which the detector is sure."""
    return persons.follow(boxes, [0.99] * len(boxes))


def test_faces_keep_their_number_where_they_move_and_turn_up_in_another_order():
    persons = Persons(interval=0.2)
    for step in range(20):
        faces = [face(10 * step), face(600 - 10 * step, y=300)]
        numbers = follow(persons, faces[:: 1 if step % 2 else -1])
        # The second one comes first in the first frame.
        assert numbers == ([1, 0] if step % 2 else [0, 1])


def test_faces_far_from_any_other_are_new_persons():
    persons = Persons(interval=0.2)
    assert follow(persons, [face(0)]) == [0]
    assert follow(persons, [face(0), face(400)]) == [0, 1]
    assert follow(persons, [face(800), face(400)]) == [2, 1]


# A face may be hidden for a second: 5 frames of 0.2 s. The least is 3 frames.
@pytest.mark.parametrize(("interval", "hidden"), [(0.2, 5), (0.04, 25), (2.0, 3)])
def test_a_face_that_is_hidden_for_a_second_keeps_its_number(interval, hidden):
    persons = Persons(interval)
    assert follow(persons, [face(50)]) == [0]
    for _ in range(hidden):
        assert follow(persons, []) == []
        assert persons.gone() == []
    assert follow(persons, [face(50)]) == [0]
    for _ in range(hidden + 1):
        follow(persons, [])
    assert persons.gone() == [0]
    assert persons.gone() == []
    assert follow(persons, [face(50)]) == [1]


def test_faces_that_are_not_followed_are_persons_of_their_own(monkeypatch):
    class Lost:
        def update(self, boxes, *_):
            return [None] * len(boxes)

        def get_active_tracks(self):
            return []

    persons = Persons(interval=0.2)
    monkeypatch.setattr(persons, "_tracker", Lost())
    assert follow(persons, [face(0), face(400)]) == [0, 1]
    assert follow(persons, [face(0)]) == [2]
    assert persons.gone() == [0, 1, 2]


def test_faces_of_detectors_without_confidence_are_followed():
    persons = Persons(interval=0.2)
    for step in range(5):
        boxes = [face(5 * step), face(400)]
        assert persons.follow(boxes, [float("nan"), 0.1]) == [0, 1]


def walk(rng, people=3, seconds=20, rate=5):
    """Boxes and persons of each frame: people walk a face's width per second.

    They turn at random, cross each other, and are missed in one frame of twenty. Boxes
    tremble by 4% of their size.
    """
    sides = rng.uniform(50, 110, people)
    places = rng.uniform((100, 100), (1180, 620), (people, 2))
    headings = rng.uniform(0, 2 * np.pi, people)
    for _ in range(seconds * rate):
        headings += rng.normal(0, 0.6 / np.sqrt(rate), people)
        steps = np.stack([np.cos(headings), np.sin(headings)], axis=1)
        places = np.clip(places + steps * sides[:, None] / rate, 60, (1220, 660))
        seen = np.flatnonzero(rng.random(people) >= 0.05)
        middles = places + rng.normal(0, 0.04, (people, 2)) * sides[:, None]
        sizes = sides * rng.normal(1, 0.04, people)
        corners = middles - sizes[:, None] / 2
        yield (
            [
                face(corners[who, 0], corners[who, 1], side=sizes[who].item())
                for who in seen
            ],
            seen,
        )


def test_people_who_walk_about_keep_their_numbers():
    frames, changes = 0, 0
    for seed in range(10):
        persons, numbers = Persons(interval=0.2), dict[int, int]()
        for faces, seen in walk(np.random.default_rng(seed)):
            for who, number in zip(seen, follow(persons, faces), strict=True):
                changes += numbers.setdefault(who, number) != number
                numbers[who] = number
                frames += 1
    assert frames > 2500
    assert changes <= 3


def test_outputs_are_averaged_over_frames():
    track = Track(person=3, start=1.0)
    track.add(
        1.0,
        {"gender": np.array([0.9, 0.1], np.float32), "age": np.array([30], np.float32)},
    )
    track.add(
        1.5,
        {"gender": np.array([0.4, 0.6], np.float32), "age": np.array([33], np.float32)},
    )
    assert (track.start, track.end, track.frames) == (1.0, 1.5, 2)
    mean = track.mean()
    np.testing.assert_allclose(mean["gender"], [[0.65, 0.35]], rtol=1e-6)
    np.testing.assert_allclose(mean["age"], [[31.5]])
    assert mean["age"].dtype == np.float32


def test_without_the_package_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "edgefirst.tracker", None)
    with pytest.raises(UserError, match=r"needs the package edgefirst-tracker .*video"):
        check_installed()
