"""How are a frozen trunk's outputs computed once, and kept for the next training?"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from filelock import FileLock, Timeout
from tqdm import tqdm

from multitask.contracts.augmentation import Augmentation
from multitask.contracts.errors import UserError
from multitask.contracts.head import Array, Head, Targets
from multitask.data.batches import Batches
from multitask.images.decode import Pixels
from multitask.training.views import _DIGEST, View, _render, _row_name, _seed_of

_FORMAT = 1
_ABOUT, _ROWS, _VALUES = "about.json", "rows.bin", "features.bin"
_BATCH = 32  # pictures that go through the trunk together
_KEPT = 256  # views after which what was computed is on the disk
Rows = npt.NDArray[np.intp]
_PRECISION = np.dtype(np.float32)


def check_folder(folder: str | Path) -> None:
    """Raise UserError if no features can be kept in a folder."""
    try:
        (Path(folder).expanduser() / "features").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from None


def _unwritable(folder: str | Path, error: OSError) -> UserError:
    return UserError(
        folder,
        f"can't hold features: {error.strerror or error}",
        "name another folder with --cache, or have them computed anew at each step "
        "with --views 0",
    )


class FeatureCache:
    """The outputs of a network `front` for views of pictures, kept in a folder.

    The folder is named by the network's weights, layers and input size, each row in it
    by the pixels and the view of them, so that any training with that trunk finds what
    was computed before. Several processes may use it at once.
    """

    def __init__(
        self,
        front: keras.Model,
        folder: str | Path,
        say: Callable[[str], object] = lambda line: None,
    ) -> None:
        self.front, self.say = front, say
        self.dtype = _PRECISION
        self._input: tuple[int, ...] = front.input.shape[1:]
        self._output: tuple[int, ...] = front.output.shape[1:]
        self.description = {
            "format": _FORMAT,
            "layers": _digest((*map(_describe, front.operations), _wiring(front))),
            "weights": _digest(w.numpy().tobytes() for w in front.weights),
            "input": list(self._input),
            "output": list(self._output),
            "precision": self.dtype.name,
        }
        self.name = _digest([json.dumps(self.description).encode()])
        self.folder = Path(folder).expanduser() / "features" / self.name
        self._places: dict[bytes, int] = {}

    @property
    def size(self) -> int:
        """Pixels a side that the network looks at."""
        return self._input[0]

    @cached_property
    def _values(self) -> int:
        return int(np.prod(self._output))

    @property
    def all(self) -> Array:
        """What has been computed (places, ...), mapped into memory."""
        shape = (len(self._places), *self._output)
        if not len(self._places):
            return np.empty(shape, self.dtype)
        return np.memmap(self.folder / _VALUES, self.dtype, "r", shape=shape)

    def places(
        self,
        pixels: Pixels,
        rows: Rows,
        looks: Sequence[View],
        how: Augmentation,
    ) -> Rows:
        """Where in `all` are the features (rows, looks) of views of pictures?

        `rows` are places in `pixels` (pictures, side, side, 3). What is missing is
        computed; if that is interrupted, what was done is kept. Raises UserError if
        the folder can't be written or has no room.
        """
        names = [_row_name(pixels[row], how) for row in rows]
        wanted = [[name(look) for look in looks] for name in names]
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with self._alone():
                self._open()
                missing = {
                    wanted[i][j]: (row, look)
                    for i, row in enumerate(rows)
                    for j, look in enumerate(looks)
                    if wanted[i][j] not in self._places
                }
                if missing:
                    self._reserve(len(missing))
                    self._compute(pixels, missing, how)
        except OSError as error:
            raise _unwritable(self.folder, error) from None
        return np.array(
            [[self._places[name] for name in row] for row in wanted], np.intp
        ).reshape(len(rows), len(looks))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the folder's lock; who must wait for it is told."""
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
        """Find out what is there; what can't be read is thrown away, and said."""
        about, rows = self.folder / _ABOUT, self.folder / _ROWS
        if about.exists():
            try:
                same = json.loads(about.read_text(encoding="utf-8")) == self.description
                names = rows.read_bytes()
                count = len(names) // _DIGEST
                need = count * self._values * self.dtype.itemsize
                whole = (self.folder / _VALUES).stat().st_size >= need
            except (ValueError, FileNotFoundError):
                same = whole = False
            if same and whole:
                self._places = {
                    names[i * _DIGEST : (i + 1) * _DIGEST]: i for i in range(count)
                }
                return
            self.say(f"features in {self.folder} can't be read, and are computed anew")
        self._places = {}
        shutil.rmtree(self.folder)
        self.folder.mkdir()
        rows.touch()
        (self.folder / _VALUES).touch()
        about.write_text(json.dumps(self.description), encoding="utf-8")

    def _reserve(self, count: int) -> None:
        """Take the room before the long work begins."""
        each = self._values * self.dtype.itemsize
        old, size = len(self._places) * each, count * each
        self.say(
            f"computing features once: {count:,} views, {size / 1e6:,.0f} MB in "
            f"{self.folder}"
        )
        with open(self.folder / _VALUES, "r+b") as file:
            if hasattr(os, "posix_fallocate"):
                try:
                    os.posix_fallocate(file.fileno(), old, size)
                except OSError:  # which may have taken what room there was
                    file.truncate(old)
                    raise

    def _compute(
        self,
        pixels: Pixels,
        missing: dict[bytes, tuple[int, View]],
        how: Augmentation,
    ) -> None:
        forward = tf.function(
            lambda images: self.front(images, training=False),
            input_signature=[tf.TensorSpec((None, *self._input), tf.float32)],
        )
        look = tf.function(
            lambda picture, view, lot: _render(picture, view, lot, how, self.size)
        )
        bar = tqdm(
            total=len(missing),
            desc="features",
            unit=" views",
            leave=False,
            disable=None,
        )
        waiting = list(missing.items())
        with (
            bar,
            open(self.folder / _VALUES, "r+b") as values,
            open(self.folder / _ROWS, "r+b") as rows,
        ):
            values.seek(len(self._places) * self._values * self.dtype.itemsize)
            rows.seek(len(self._places) * _DIGEST)
            rows.truncate()
            for start in range(0, len(waiting), _KEPT):
                part = waiting[start : start + _KEPT]
                for first in range(0, len(part), _BATCH):
                    batch = part[first : first + _BATCH]
                    images = tf.concat(
                        [
                            look(pixels[row][None], view, _seed_of(name, view))
                            for name, (row, view) in batch
                        ],
                        axis=0,
                    )
                    features = forward(images).numpy()
                    if not np.isfinite(features).all():
                        raise UserError(
                            self.folder,
                            "the frozen trunk's features are not finite",
                            "name other --weights",
                        )
                    values.write(features.tobytes())
                    bar.update(len(batch))
                # The features before the names that tell of them.
                for file, data in ((values, b""), (rows, b"".join(n for n, _ in part))):
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                for name, _ in part:
                    self._places[name] = len(self._places)


def _describe(operation: keras.Operation) -> bytes:
    """What an operation infers from its inputs, apart from its weights."""
    settings = {
        key: value
        for key, value in operation.get_config().items()
        if key not in ("name", "trainable", "dtype")
        and not key.endswith(("_initializer", "_regularizer"))
    }
    normalizes = isinstance(operation, keras.layers.BatchNormalization)
    kind = "BatchNormalization" if normalizes else type(operation).__name__
    return f"{kind} {json.dumps(settings, sort_keys=True, default=repr)}\n".encode()


def _wiring(model: keras.Model) -> bytes:
    """What each operation is given, in the order of operations, whatever their names.

    That is tensors of others, and numbers that are settings of no layer.
    """
    places = {o.name: f"#{place}" for place, o in enumerate(model.operations)}
    given = [layer["inbound_nodes"] for layer in model.get_config()["layers"]]
    named = keras.tree.map_structure(
        lambda leaf: places.get(leaf, leaf) if isinstance(leaf, str) else leaf, given
    )
    return json.dumps(named, sort_keys=True, default=repr).encode()


def _digest(parts: Iterable[bytes]) -> str:
    whole = hashlib.blake2b(digest_size=_DIGEST)
    for part in parts:
        whole.update(part)
    return whole.hexdigest()


def batches(
    features: FeatureCache,
    pictures: Batches,
    looks: Sequence[View],
    how: Augmentation,
    heads: Sequence[Head] = (),
) -> Batches:
    """The same labelled pictures as batches of their features."""
    places = features.places(pictures.pixels, pictures.rows, looks, how)
    mirrored = np.array([look.mirrored for look in looks])
    encoded = dict(pictures.encoded)
    for head in heads:
        targets, weights = encoded[head.name]
        targets, weights = (
            np.repeat(a, len(looks), axis=0) for a in (targets, weights)
        )
        which = np.tile(mirrored, pictures.pictures)
        targets[which] = head.mirrored(targets)[which]
        encoded[head.name] = Targets(targets, weights)
    return replace(
        pictures,
        pixels=features.all,
        rows=places.ravel(),
        encoded=encoded,
        size=0,
        views=len(looks),
    )
