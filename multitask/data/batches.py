"""How do pictures and targets reach the network: decoded once, shuffled, varied?"""

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from tqdm import tqdm

from multitask.contracts.augmentation import Augmentation
from multitask.contracts.errors import UserError
from multitask.contracts.head import Array, Head, Targets
from multitask.data import sampling
from multitask.data.sampling import Rates
from multitask.images.augment import augment, mix, partner
from multitask.images.decode import Pixels, decode_all
from multitask.images.resize import middle


def decode_table(
    table: pd.DataFrame, size: int, memory: float, spill: Path
) -> tuple[pd.DataFrame, Pixels, pd.DataFrame]:
    """Decode a table's pictures once, to `size` pixels a side.

    Returns the rows whose picture could be read, indexed by their place in the
    pixels; the pixels (pictures, size, size, 3); and what was set aside (`path`,
    `reason`). Up to `memory` gigabytes they lie in memory, else in an unnamed file in
    the folder `spill`, which ends with the program.

    Raises UserError if no picture is left or the disk is too small.
    """
    pixels = _allocate(len(table), size, memory, spill)
    boxes = [None] * len(table)
    if "box" in table:
        boxes = table["box"].astype(object).where(table["box"].notna(), None).tolist()
    reasons = {}
    pictures = decode_all(table["path"].tolist(), size, boxes)
    for index, picture in tqdm(
        pictures, "reading", len(table), unit=" pictures", leave=False, disable=None
    ):
        if isinstance(picture, str):
            reasons[index] = picture
        else:
            pixels[index] = picture
    table = table.reset_index(drop=True)
    bad = sorted(reasons)
    skipped = pd.DataFrame(
        {"path": table["path"].iloc[bad], "reason": [reasons[i] for i in bad]}
    )
    if len(bad) == len(table):
        raise UserError(
            f"all {len(table)} pictures", "can't be used", f"first: {reasons[bad[0]]}"
        )
    return table.drop(index=bad), pixels, skipped


def _allocate(count: int, size: int, memory: float, spill: Path) -> Pixels:
    shape = (count, size, size, 3)
    if np.prod(shape) <= memory * 1e9:
        return np.empty(shape, np.uint8)
    try:
        with tempfile.TemporaryFile(dir=spill) as file:
            _reserve(file.fileno(), int(np.prod(shape)))
            # The array keeps a handle of its own, and the file lives as long.
            return np.memmap(file, np.uint8, "r+", shape=shape)
    except OSError as error:
        raise UserError(
            spill,
            f"has no room for {np.prod(shape) / 1e9:.1f} GB of pixels ({error})",
            "free some, raise --memory or lower --image-size",
        ) from None


def _reserve(file: int, size: int) -> None:
    """Take the room now: a mapped file that finds none later ends the program."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file, 0, size)
    else:
        os.truncate(file, size)


@dataclass(frozen=True, kw_only=True)
class Batches:
    """Labelled pictures in batches, as `tf.data` datasets of (image, targets, weights).

    `rows` (pictures,) are places in `pixels`; `encoded` holds targets and weights of
    these rows by head. Images (batch, size, size, 3) are float32 in 0..255, the middle
    of the pictures or, varied, about that; targets and weights are dicts by head name.
    `rates` (pictures,), 1 on average, are how often an epoch of training shows each;
    by default once.

    With a `size` of 0 `pixels` are features (places, ...) instead, shown as they are,
    and rows that follow one another are `views` of one picture, of which an epoch shows
    one.
    """

    pixels: Array
    rows: npt.NDArray[np.intp]
    encoded: dict[str, Targets]
    batch_size: int
    size: int
    rates: Rates | None = None
    views: int = 1

    @property
    def pictures(self) -> int:
        """How many there are, however many views of each."""
        return len(self.rows) // self.views

    @property
    def steps(self) -> int:
        """Steps an epoch of training: a rest smaller than a batch waits for another."""
        return max(1, self.pictures // self.batch_size)

    def in_order(self) -> Any:
        """Every row once, not varied."""
        import tensorflow as tf

        count = len(self.rows)
        starts = range(0, count, self.batch_size)
        places = [np.arange(s, min(s + self.batch_size, count)) for s in starts]
        data = tf.data.Dataset.range(len(places))
        data = data.map(self._picker(lambda step: places[step]))
        labels = self._labels()
        return data.map(
            lambda inputs, chosen: (self._plain(inputs), *labels(chosen))
        ).prefetch(2)

    def _plain(self, inputs: Any) -> Any:
        import tensorflow as tf

        return tf.cast(middle(inputs, self.size) if self.size else inputs, tf.float32)

    def shuffled(
        self,
        heads: Sequence[Head],
        how: Augmentation,
        seed: int,
        epochs: int,
        first_epoch: int = 0,
    ) -> Any:
        """Epochs from `first_epoch` to `epochs`, each in its own order and varied.

        What a step sees depends on the seed and its number alone, so that a training
        resumed goes on as if it had not stopped.
        """
        import tensorflow as tf

        steps, count = self.steps, self.batch_size

        @lru_cache(maxsize=2)
        def order(epoch: int) -> npt.NDArray[np.intp]:
            lots = np.random.default_rng((seed, epoch))
            if self.rates is None:
                shown = lots.permutation(self.pictures)
            else:
                shown = sampling.epoch(self.rates, lots)
            return shown * self.views + (shown + epoch) % self.views

        def places(step: int) -> npt.NDArray[np.intp]:
            epoch, step = divmod(step, steps)
            return order(epoch)[step * count : (step + 1) * count]

        labels = self._labels(heads)

        def vary(number: Any, inputs: Any, chosen: Any) -> Any:
            lot = tf.stack([tf.constant(seed, tf.int64), number])
            flipped = tf.zeros_like(chosen, tf.bool)
            if self.size:
                inputs, flipped = augment(inputs, lot, how, self.size)
            else:
                inputs = self._plain(inputs)
            targets, weights = labels(chosen, flipped)
            if not how.mixup:
                return inputs, targets, weights
            inputs, share = mix(inputs, lot, how)
            return inputs, *_mixed(targets, weights, share)

        pick = self._picker(places)
        data = tf.data.Dataset.range(first_epoch * steps, epochs * steps)
        data = data.map(lambda number: (number, *pick(number)))
        return data.map(vary, num_parallel_calls=2).prefetch(2)

    def _picker(self, places: Any) -> Any:
        """A mapped function from a step to its images and their places in `rows`."""
        import tensorflow as tf

        def pick(step: Any) -> tuple[Array, npt.NDArray[np.intp]]:
            chosen = places(int(step))
            return self.pixels[self.rows[chosen]], chosen

        def mapped(step: Any) -> Any:
            images, chosen = tf.numpy_function(
                pick, [step], (self.pixels.dtype, tf.int64), stateful=False
            )
            images.set_shape((None, *self.pixels.shape[1:]))
            chosen.set_shape((None,))
            return images, chosen

        return mapped

    def _labels(self, heads: Sequence[Head] = ()) -> Any:
        """A mapped function from places (and which are flipped) to targets, weights."""
        import tensorflow as tf

        targets = {name: tf.constant(e.targets) for name, e in self.encoded.items()}
        weights = {name: tf.constant(e.weights) for name, e in self.encoded.items()}
        swapped = {}
        for head in heads:
            straight = self.encoded[head.name].targets
            mirrored = head.mirrored(straight)
            if not np.array_equal(straight, mirrored):
                swapped[head.name] = tf.constant(mirrored)

        def labels(chosen: Any, flipped: Any = None) -> Any:
            found = {name: tf.gather(all, chosen) for name, all in targets.items()}
            for name, all in swapped.items():
                which = tf.reshape(flipped, (-1, *[1] * (len(all.shape) - 1)))
                found[name] = tf.where(which, tf.gather(all, chosen), found[name])
            return found, {n: tf.gather(all, chosen) for n, all in weights.items()}

        return labels


def _mixed(
    targets: dict[str, Any], weights: dict[str, Any], share: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Labels (2 batch, ...) of mixed pictures: their own, then the other's.

    The weights share out what counts, so that losses are those of mixed labels also for
    heads whose labels can't be mixed, and for pictures of which one is not labelled.
    """
    import tensorflow as tf

    both = {
        name: tf.concat([own, partner(own)], axis=0) for name, own in targets.items()
    }
    shared = {}
    for name, weight in weights.items():
        own = tf.reshape(share, (-1, *[1] * (len(weight.shape) - 1)))
        shared[name] = tf.concat([own * weight, (1.0 - own) * partner(weight)], axis=0)
    return both, shared


def with_labels_doubled(
    inputs: Any, targets: dict[str, Any], weights: dict[str, Any]
) -> Any:
    """A batch whose labels are doubled, like those of mixed pictures."""
    import tensorflow as tf

    def doubled(all: dict[str, Any]) -> dict[str, Any]:
        return {name: tf.concat([one, one], axis=0) for name, one in all.items()}

    return inputs, doubled(targets), doubled(weights)
