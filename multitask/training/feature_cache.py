"""How are a frozen trunk's outputs computed once, and kept for later trainings?"""

import json
import os
import shutil
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache, cached_property
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from filelock import FileLock, Timeout

from multitask.contracts.augmentation import Augmentation
from multitask.contracts.errors import Say, UserError
from multitask.contracts.head import Array, Head, Targets
from multitask.contracts.paths import expand_user
from multitask.data.batches import Batches
from multitask.images.decode import Pixels
from multitask.terminal.bar import bar
from multitask.training.cache_name import describe, digest
from multitask.training.views import DIGEST_SIZE, View, render, row_namer, view_seed

_ABOUT, _ROWS, _VALUES = "about.json", "rows.bin", "features.bin"
_SUMS, _SUM_BYTES = "sums.bin", 4  # CRC-32 of the features of each row
_BATCH = 32  # views that go through the trunk together
_FLUSH = 256  # views after which their features are on the disk
Rows = npt.NDArray[np.intp]
Missing = dict[bytes, tuple[int, View]]  # place of the picture, and view, by name


def check_folder(folder: str | Path) -> None:
    """Raise UserError if features can't be cached in a folder."""
    try:
        (expand_user(folder) / "features").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from None


def _unwritable(folder: str | Path, error: OSError) -> UserError:
    return UserError(
        folder,
        f"can't hold features: {error.strerror or error}",
        "choose another folder with --cache, or compute the features at each step "
        "with --views 0",
    )


class FeatureCache:
    """The outputs of a network `front` for views of pictures, kept in a folder.

    The folder is named after the network's weights, layers and input size, each row in
    it after the pixels and their view, so that any training with the same trunk uses
    what was computed before. Several processes may use it at once.
    """

    dtype = np.dtype(np.float32)

    def __init__(
        self,
        front: keras.Model,
        folder: str | Path,
        say: Say = lambda line: None,
    ) -> None:
        self.front, self.say = front, say
        self._input: tuple[int, ...] = front.input.shape[1:]
        self._output: tuple[int, ...] = front.output.shape[1:]
        self.description = describe(front, self.dtype.name)
        self.name = digest([json.dumps(self.description).encode()])
        self.folder = expand_user(folder) / "features" / self.name
        self._places: dict[bytes, int] = {}
        self._verified = set[int]()  # places

    @property
    def size(self) -> int:
        """The side of the network's input in pixels."""
        return self._input[0]

    @cached_property
    def _row_bytes(self) -> int:
        return int(np.prod(self._output)) * self.dtype.itemsize

    @property
    def all(self) -> Array:
        """All features that were computed (places, ...), mapped into memory."""
        shape = (len(self._places), *self._output)
        if not len(self._places):
            return np.empty(shape, self.dtype)
        return np.memmap(self.folder / _VALUES, self.dtype, "r", shape=shape)

    def places(
        self,
        pixels: Pixels,
        rows: Rows,
        views: Sequence[View],
        augmentation: Augmentation,
    ) -> Rows:
        """The places in `all` of the features (rows, views) of views of pictures.

        `rows` are places in `pixels` (pictures, side, side, 3). Missing features are
        computed; after an interruption, those that are done stay. Raises UserError if
        the folder can't be written or is full.
        """
        namers = [row_namer(pixels[row], augmentation) for row in rows]
        names = [[namer(view) for view in views] for namer in namers]
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with self._lock():
                self._open()
                wanted = {
                    name: (row, view)
                    for row, of_row in zip(rows, names, strict=True)
                    for view, name in zip(views, of_row, strict=True)
                }
                self._verify(wanted)
                missing = {n: v for n, v in wanted.items() if n not in self._places}
                if missing:
                    self._reserve(len(missing))
                    self._compute(pixels, missing, augmentation)
        except OSError as error:
            raise _unwritable(self.folder, error) from None
        places = [[self._places[name] for name in of_row] for of_row in names]
        return np.array(places, np.intp).reshape(len(rows), len(views))

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """Lock the folder; say so if another process must finish first."""
        lock = FileLock(self.folder.with_suffix(".lock"))
        try:
            lock.acquire(timeout=0)
        except Timeout:
            self.say(f"waiting for another training to compute {self.folder}")
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def _open(self) -> None:
        """Read which features there are; damaged ones are deleted, and reported."""
        about, rows = self.folder / _ABOUT, self.folder / _ROWS
        if about.exists():
            try:
                same = json.loads(about.read_text(encoding="utf-8")) == self.description
                names = rows.read_bytes()
                count = len(names) // DIGEST_SIZE
                size = (self.folder / _VALUES).stat().st_size
                sums = self.folder / _SUMS  # caches of earlier versions have none
                whole = size >= count * self._row_bytes and (
                    not sums.exists() or sums.stat().st_size >= count * _SUM_BYTES
                )
            except (ValueError, FileNotFoundError):
                same = whole = False
            if same and whole:
                self._places = {
                    names[i * DIGEST_SIZE : (i + 1) * DIGEST_SIZE]: i
                    for i in range(count)
                }
                return
            self.say(f"features in {self.folder} can't be read, and are computed again")
        self._begin()

    def _begin(self) -> None:
        """Make an empty cache, in place of what there is."""
        about, rows = self.folder / _ABOUT, self.folder / _ROWS
        self._places, self._verified = {}, set()
        shutil.rmtree(self.folder)
        self.folder.mkdir()
        rows.touch()
        (self.folder / _VALUES).touch()
        (self.folder / _SUMS).touch()
        about.write_text(json.dumps(self.description), encoding="utf-8")

    def _verify(self, names: Iterable[bytes]) -> None:
        """Compare the features of these views, if they are there, with their checksums.

        If one differs, the disk can't be trusted: all are deleted, which is reported.
        """
        sums = self.folder / _SUMS
        places = {self._places[name] for name in names if name in self._places}
        places -= self._verified
        if not places or not sums.exists():
            return
        stored, values = np.fromfile(sums, "<u4"), self.all
        if all(zlib.crc32(values[place]) == stored[place] for place in sorted(places)):
            self._verified |= places
            return
        self.say(f"features in {self.folder} are damaged, and are computed again")
        self._begin()

    def _sum_up(self) -> None:
        """Write checksums for a cache of an earlier version, of what it holds now."""
        sums = self.folder / _SUMS
        if not sums.exists():
            values = self.all
            stored = [zlib.crc32(values[place]) for place in range(len(values))]
            np.array(stored, "<u4").tofile(sums)

    def _reserve(self, count: int) -> None:
        """Allocate disk space before the long computation begins."""
        start, size = len(self._places) * self._row_bytes, count * self._row_bytes
        self.say(
            f"computing features once: {count:,} views, {size / 1e6:,.0f} MB in "
            f"{self.folder}"
        )
        with open(self.folder / _VALUES, "r+b") as file:
            if hasattr(os, "posix_fallocate"):
                try:
                    os.posix_fallocate(file.fileno(), start, size)
                except OSError:  # which may have filled the disk
                    file.truncate(start)
                    raise

    def _compute(
        self, pixels: Pixels, missing: Missing, augmentation: Augmentation
    ) -> None:
        """Append the features of the missing views to the files."""
        names = list(missing)
        compute = self._computation(pixels, missing, augmentation)
        self._sum_up()
        with (
            bar("computing features", len(names)) as advance,
            open(self.folder / _VALUES, "r+b") as values,
            open(self.folder / _ROWS, "r+b") as rows,
            open(self.folder / _SUMS, "r+b") as sums,
        ):
            values.seek(len(self._places) * self._row_bytes)
            rows.seek(len(self._places) * DIGEST_SIZE)
            rows.truncate()
            sums.seek(len(self._places) * _SUM_BYTES)
            for start in range(0, len(names), _FLUSH):
                part, of_part = names[start : start + _FLUSH], list[int]()
                for first in range(0, len(part), _BATCH):
                    batch = part[first : first + _BATCH]
                    features = compute(batch)
                    values.write(features.tobytes())
                    of_part += map(zlib.crc32, features)
                    advance(len(batch))
                # First the features, then the names that point to them.
                checksums = np.array(of_part, "<u4").tobytes()
                for file, data in (
                    (values, b""),
                    (sums, checksums),
                    (rows, b"".join(part)),
                ):
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                for name in part:
                    self._places[name] = len(self._places)

    def _computation(
        self, pixels: Pixels, missing: Missing, augmentation: Augmentation
    ) -> Callable[[Sequence[bytes]], Array]:
        """A function from names of missing views to their features (names, ...)."""
        forward = tf.function(
            lambda images: self.front(images, training=False),
            input_signature=[tf.TensorSpec((None, *self._input), tf.float32)],
        )

        @cache
        def rendering(view: View) -> Callable[..., Array]:
            """A function from a picture to this view, traced once."""
            traced = tf.function(
                lambda picture, seed: render(
                    picture, view, seed, augmentation, self.size
                )
            )
            # Here, as TensorFlow warns if calls of several such functions trace them.
            picture = tf.TensorSpec((1, *pixels.shape[1:]), tf.uint8)
            traced.get_concrete_function(picture, view_seed(b"", view))
            rendered: Callable[..., Array] = traced
            return rendered

        def compute(names: Sequence[bytes]) -> Array:
            images = [
                rendering(view)(pixels[row][None], view_seed(name, view))
                for name in names
                for row, view in [missing[name]]
            ]
            features: Array = forward(tf.concat(images, axis=0)).numpy()
            if not np.isfinite(features).all():
                raise UserError(
                    self.folder,
                    "the frozen trunk's features are not finite",
                    "choose other --weights",
                )
            return features

        return compute


def batches(
    features: FeatureCache,
    pictures: Batches,
    views: Sequence[View],
    augmentation: Augmentation,
    heads: Sequence[Head] = (),
) -> Batches:
    """The same labelled pictures as batches of the features of their views.

    `heads` are those whose labels are mirrored with the pictures.
    """
    places = features.places(pictures.pixels, pictures.rows, views, augmentation)
    is_mirrored = np.tile([view.mirrored for view in views], pictures.pictures)
    encoded = dict(pictures.encoded)
    for head in heads:
        targets, weights = (
            np.repeat(array, len(views), axis=0) for array in encoded[head.name]
        )
        targets[is_mirrored] = head.mirrored(targets)[is_mirrored]
        encoded[head.name] = Targets(targets, weights)
    return replace(
        pictures,
        pixels=features.all,
        rows=places.ravel(),
        encoded=encoded,
        size=0,
        views=len(views),
    )
