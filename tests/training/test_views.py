"""Are views different, and the same wherever they are rendered?"""

from dataclasses import replace

import numpy as np

from multitask.contracts.augmentation import Augmentation, parse_augmentation
from multitask.images.resize import middle
from multitask.training.views import View, render, row_namer, samples, view_seed, views

PIXELS = np.random.default_rng(0).integers(0, 256, (9, 20, 20, 3), np.uint8)
STANDARD = parse_augmentation("standard")


def test_views_are_all_different_and_begin_with_the_picture_itself():
    assert views(replace(Augmentation(), rotate=0.1), 3) == (
        View(),
        View(lot=1),
        View(lot=2),
    )
    assert views(STANDARD, 4) == (
        View(),
        View(mirrored=True),
        View(lot=1),
        View(mirrored=True, lot=1),
    )
    assert views(STANDARD, 1) == (View(),)


def test_a_view_that_is_not_augmented_has_one_name_for_all_augmentations():
    names = [
        [
            row_namer(PIXELS[0], parse_augmentation(name))(view)
            for name in ("flip", "strong")
        ]
        for view in (View(), View(mirrored=True), View(lot=1))
    ]
    assert [first == second for first, second in names] == [True, True, False]
    assert len({name for pair in names for name in pair}) == 4


def test_names_of_rows_are_those_of_earlier_versions():
    # Caches are found by them.
    picture = np.zeros((2, 2, 3), np.uint8)
    namer = row_namer(picture, Augmentation(rotate=0.1))
    assert namer(View()).hex() == "1d0801c849bf98076c6babeb68934644"
    assert namer(View(mirrored=True, lot=2)).hex() == "32f6a112e0aa867b15b5d12fffa366ac"


def test_samples_begin_with_the_picture_as_it_is_and_in_a_mirror():
    shown = samples(PIXELS, STANDARD, 16, views(STANDARD, 4))
    assert shown.shape == (9, 4, 16, 16, 3)
    np.testing.assert_array_equal(shown[:, 0], middle(PIXELS, 16).round())
    np.testing.assert_array_equal(shown[:, 1], shown[:, 0, :, ::-1])
    assert not np.array_equal(shown[:, 2], shown[:, 0])


def test_a_view_is_rendered_alike_each_time_and_each_lot_differently():
    def rendered(view):
        seed = view_seed(row_namer(PIXELS[3], STANDARD)(view), view)
        return render(PIXELS[3:4], view, seed, STANDARD, 16).numpy()

    np.testing.assert_array_equal(rendered(View(lot=1)), rendered(View(lot=1)))
    assert not np.allclose(rendered(View(lot=1)), rendered(View(lot=2)))
