"""How do pictures become batches: decoded once, then shuffled and augmented?"""

import itertools
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from PIL import Image

from multitask.contracts.augmentation import Augmentation
from multitask.contracts.errors import UserError
from multitask.contracts.head import Array, Head, Targets
from multitask.data import sampling
from multitask.data.sampling import Rates
from multitask.images.augment import augment, mix, partner
from multitask.images.damage import Damaged
from multitask.images.decode import Cut, Pixels, decode_all
from multitask.images.resize import middle
from multitask.terminal.bar import track


def decode_table(
    table: pd.DataFrame,
    size: int,
    memory: float,
    spill: Path,
    margin: float = 0.0,
    look: Callable[[int, Image.Image], None] | None = None,
    cut: Cut | None = None,
    damaged: Damaged = "skip",
) -> tuple[pd.DataFrame, Pixels, pd.DataFrame]:
    """Decode a table's pictures once, to `size` pixels per side.

    Of a picture with a box, that part is used, with the `margin` of `decode`, and of
    others what `cut` makes of them. `look` is called as by `decode_all`, with the place
    of each row, and `damaged` is as there. Returns the rows whose picture could be
    read, indexed by their place in the pixels; the pixels (pictures, size, size, 3),
    uint8; and the pictures that could not be read (`path`, `reason`). Pixels of up to
    `memory` gigabytes are held in memory, more in an unnamed file in the folder
    `spill`, which is gone when the program ends.

    Raises UserError if no picture can be read or the disk is too small.
    """
    pixels = _allocate(len(table), size, memory, spill)
    reasons, paths, boxes = {}, table["path"].tolist(), box_texts(table)
    results = decode_all(paths, size, boxes, margin, look, cut, damaged)
    for index, result in track(results, "reading pictures", len(table)):
        if isinstance(result, str):
            reasons[index] = result
        else:
            pixels[index] = result
    table = table.reset_index(drop=True)
    unreadable = sorted(reasons)
    skipped = pd.DataFrame(
        {
            "path": table["path"].iloc[unreadable],
            "reason": [reasons[i] for i in unreadable],
        }
    )
    if len(unreadable) == len(table):
        first = f"first: {reasons[unreadable[0]]}"
        raise UserError("pictures", "none can be used", first)
    return table.drop(index=unreadable), pixels, skipped


def box_texts(table: pd.DataFrame) -> list[str | None]:
    """The box of each row, None for the whole picture."""
    if "box" not in table:
        return [None] * len(table)
    return table["box"].astype(object).where(table["box"].notna(), None).tolist()


def _allocate(count: int, size: int, memory: float, spill: Path) -> Pixels:
    shape = (count, size, size, 3)
    if np.prod(shape) <= memory * 1e9:
        return np.empty(shape, np.uint8)
    try:
        with tempfile.TemporaryFile(dir=spill) as file:
            _reserve(file.fileno(), int(np.prod(shape)))
            # The array has a handle of its own, which keeps the file alive.
            return np.memmap(file, np.uint8, "r+", shape=shape)
    except OSError as error:
        raise UserError(
            spill,
            f"has no space for {np.prod(shape) / 1e9:.1f} GB of pixels ({error})",
            "free some space, raise --memory or lower --image-size",
        ) from None


def _reserve(file: int, size: int) -> None:
    """Take the space now: a mapped file that finds none later kills the program."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file, 0, size)
    else:
        os.truncate(file, size)


@dataclass(frozen=True, kw_only=True)
class Batches:
    """Labelled pictures, as `tf.data` datasets of batches (images, targets, weights).

    `rows` (pictures,) are indices into `pixels`; `encoded` holds targets and weights of
    these rows by head. Images (batch, size, size, 3) are float32 in 0..255: the centre
    crop of the pictures, or an augmented crop near the centre. Targets and weights are
    dicts by head name. `rates` (pictures,), 1 on average, say how often an epoch of
    training shows each picture; by default once.

    With a `size` of 0, `pixels` are features (rows, ...), which are shown as they are,
    and every `views` consecutive rows are views of one picture, of which an epoch shows
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
        """The number of pictures, each counted once however many views it has."""
        return len(self.rows) // self.views

    @property
    def steps(self) -> int:
        """Steps per epoch of training: only full batches, at least one."""
        return max(1, self.pictures // self.batch_size)

    def shown(
        self, heads: Sequence[Head], augmentation: Augmentation
    ) -> dict[str, Targets]:
        """The labels by head name as an epoch of training shows them.

        A weight is that of a label times how often the epoch shows it; of flipped
        pictures, it shows a mirror image half of the time.
        """
        rates = np.ones(self.pictures) if self.rates is None else self.rates
        is_flipped = self.size > 0 and augmentation.flip
        rates = np.repeat(rates, self.views) / (self.views * (1 + is_flipped))
        shown = {}
        for head in heads:
            targets, weights = self.encoded[head.name]
            weights = (weights.T * rates).T.astype(np.float32)
            if is_flipped:
                targets = np.concatenate([targets, head.mirrored(targets)])
                weights = np.concatenate([weights, weights])
            shown[head.name] = Targets(targets, weights)
        return shown

    @property
    def steps_in_order(self) -> int:
        """Batches of `in_order`, the last of which may be smaller."""
        return -(-len(self.rows) // self.batch_size)

    def in_order(self) -> Any:
        """A dataset of every row once, in order, without augmentation."""
        import tensorflow as tf

        count = len(self.rows)
        starts = range(0, count, self.batch_size)
        places = [np.arange(s, min(s + self.batch_size, count)) for s in starts]
        data = tf.data.Dataset.range(len(places))
        data = data.map(self._loader(lambda step: places[step]))
        labels = self._labels()
        return data.map(
            lambda inputs, batch: (self._plain(inputs), *labels(batch))
        ).prefetch(2)

    def _plain(self, inputs: Any) -> Any:
        import tensorflow as tf

        return tf.cast(middle(inputs, self.size) if self.size else inputs, tf.float32)

    def shuffled(
        self,
        heads: Sequence[Head],
        augmentation: Augmentation,
        seed: int,
        epochs: int,
        first_epoch: int = 0,
    ) -> Any:
        """A dataset of epochs `first_epoch` to `epochs`, shuffled and augmented.

        What a step shows depends only on `seed` and the step's number, so that resumed
        training continues as if it had never stopped.
        """
        import tensorflow as tf

        numbers = tf.data.Dataset.range(first_epoch * self.steps, epochs * self.steps)
        return self._augmented(numbers, heads, augmentation, seed)

    def each_epoch(
        self, heads: Sequence[Head], augmentation: Augmentation, seed: int
    ) -> Any:
        """A dataset of one epoch, of the next one each time that it is iterated.

        Its epochs are those of `shuffled`.
        """
        import tensorflow as tf

        epochs, steps = itertools.count(), self.steps

        def first_step(_: Any) -> Any:
            return np.int64(next(epochs) * steps)

        def of_an_epoch(number: Any) -> Any:
            first = tf.numpy_function(first_step, [number], tf.int64)
            first.set_shape(())
            return tf.data.Dataset.range(first, first + steps)

        # Not `from_generator`, which changes how the whole program frees memory.
        numbers = tf.data.Dataset.range(1).flat_map(of_an_epoch)
        numbers = numbers.apply(tf.data.experimental.assert_cardinality(steps))
        return self._augmented(numbers, heads, augmentation, seed)

    def _augmented(
        self,
        numbers: Any,
        heads: Sequence[Head],
        augmentation: Augmentation,
        seed: int,
    ) -> Any:
        """The batches of steps, by their `numbers` counted over all epochs."""
        import tensorflow as tf

        steps, batch_size = self.steps, self.batch_size

        @lru_cache(maxsize=2)
        def order(epoch: int) -> npt.NDArray[np.intp]:
            rng = np.random.default_rng((seed, epoch))
            if self.rates is None:
                pictures = rng.permutation(self.pictures)
            else:
                pictures = sampling.epoch(self.rates, rng)
            return pictures * self.views + (pictures + epoch) % self.views

        def places(step: int) -> npt.NDArray[np.intp]:
            epoch, step = divmod(step, steps)
            return order(epoch)[step * batch_size : (step + 1) * batch_size]

        labels = self._labels(heads)

        def augmented(step: Any, inputs: Any, batch: Any) -> Any:
            step_seed = tf.stack([tf.constant(seed, tf.int64), step])
            flipped = tf.zeros_like(batch, tf.bool)
            if self.size:
                inputs, flipped = augment(inputs, step_seed, augmentation, self.size)
            else:
                inputs = self._plain(inputs)
            targets, weights = labels(batch, flipped)
            if not augmentation.mixup:
                return inputs, targets, weights
            inputs, share = mix(inputs, step_seed, augmentation)
            return inputs, *_mixed(targets, weights, share)

        load = self._loader(places)
        data = numbers.map(lambda step: (step, *load(step)))
        return data.map(augmented, num_parallel_calls=2).prefetch(2)

    def _loader(self, places: Any) -> Any:
        """A function for `map`: from a step to its images and their places in `rows`.

        `places` maps the number of a step to these places.
        """
        import tensorflow as tf

        def load(step: Any) -> tuple[Array, npt.NDArray[np.intp]]:
            batch = places(int(step))
            return self.pixels[self.rows[batch]], batch

        def mapped(step: Any) -> Any:
            images, batch = tf.numpy_function(
                load, [step], (self.pixels.dtype, tf.int64), stateful=False
            )
            images.set_shape((None, *self.pixels.shape[1:]))
            batch.set_shape((None,))
            return images, batch

        return mapped

    def _labels(self, heads: Sequence[Head] = ()) -> Any:
        """A function for `map`: from places in `rows` to targets and weights.

        With `heads`, those of flipped images get the targets of a mirror image.
        """
        import tensorflow as tf

        targets = {name: tf.constant(e.targets) for name, e in self.encoded.items()}
        weights = {name: tf.constant(e.weights) for name, e in self.encoded.items()}
        mirrored = {}
        for head in heads:
            upright = self.encoded[head.name].targets
            swapped = head.mirrored(upright)
            if not np.array_equal(upright, swapped):
                mirrored[head.name] = tf.constant(swapped)

        def labels(batch: Any, flipped: Any = None) -> Any:
            batch_targets = {n: tf.gather(all, batch) for n, all in targets.items()}
            for name, all in mirrored.items():
                mask = tf.reshape(flipped, (-1, *[1] * (len(all.shape) - 1)))
                batch_targets[name] = tf.where(
                    mask, tf.gather(all, batch), batch_targets[name]
                )
            return batch_targets, {n: tf.gather(w, batch) for n, w in weights.items()}

        return labels


def _mixed(
    targets: dict[str, Any], weights: dict[str, Any], share: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Labels (2 x batch, ...) of mixed pictures: their own, then those of the other.

    Instead of the labels the weights are mixed. So losses are those of mixed labels
    also for heads whose labels can't be averaged, and for pairs of pictures of which
    only one is labelled.
    """
    import tensorflow as tf

    both = {
        name: tf.concat([own, partner(own)], axis=0) for name, own in targets.items()
    }
    mixed = {}
    for name, weight in weights.items():
        own = tf.reshape(share, (-1, *[1] * (len(weight.shape) - 1)))
        mixed[name] = tf.concat([own * weight, (1.0 - own) * partner(weight)], axis=0)
    return both, mixed


def with_labels_doubled(
    inputs: Any, targets: dict[str, Any], weights: dict[str, Any]
) -> Any:
    """A batch with its labels twice, in the shape that those of mixed pictures have."""
    import tensorflow as tf

    def doubled(all: dict[str, Any]) -> dict[str, Any]:
        return {name: tf.concat([one, one], axis=0) for name, one in all.items()}

    return inputs, doubled(targets), doubled(weights)
