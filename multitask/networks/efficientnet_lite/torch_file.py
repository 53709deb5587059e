"""How are the tensors of a PyTorch file read without PyTorch, and nothing but them?

The format is the one that `torch.save` wrote before PyTorch 1.6: five pickles, then the
numbers of each storage. Tensors are views of storages, with strides of their own.
"""

import collections
import io
import math
import pickle
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from multitask.contracts.errors import UserError

_MAGIC, _VERSION = 0x1950A86A20F9469CFC6C, 1001
_FIRST = pickle.dumps(_MAGIC, protocol=2)  # how a file begins
_LARGEST = 2_000_000  # bytes of its pickles: a tensor takes a few hundred
_MOST_AXES = 32
_OPCODES = (  # that `torch.save` uses, and those of other numbers
    *("APPEND", "APPENDS", "BINFLOAT", "BINGET", "BININT", "BININT1", "BININT2"),
    *("BINPERSID", "BINPUT", "BINUNICODE", "BUILD", "EMPTY_DICT", "EMPTY_LIST"),
    *("EMPTY_TUPLE", "GLOBAL", "LONG1", "LONG_BINGET", "LONG_BINPUT", "MARK"),
    *("NEWFALSE", "NEWTRUE", "NONE", "PROTO", "REDUCE", "SETITEM", "SETITEMS"),
    *("STOP", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3"),
)
# Texts: no pickle can call or change them.
_TYPES = {
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "<i1",
    "ByteStorage": "<u1",
}


class _Storage(NamedTuple):
    """Numbers that come later in the file."""

    key: str
    dtype: str
    length: int


class _View(NamedTuple):
    """A tensor: where its numbers are in a storage."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]  # in numbers, not bytes


class _Refused(Exception):
    """The file holds something else than tensors; the text says what."""


def read(path: str | Path) -> dict[str, np.ndarray]:
    """The tensors of a file by name.

    Nothing in it is executed. Raises UserError if it is truncated, of another format,
    or holds anything but tensors.
    """
    todo = "give a complete state_dict saved by PyTorch"
    if zipfile.is_zipfile(path):
        raise UserError(
            path,
            "is in the format of PyTorch 1.6 and later, which is not read",
            "write torch.save(state, FILE, _use_new_zipfile_serialization=False)",
        )
    try:
        with open(path, "rb") as file:
            return _read(file)
    except _Refused as error:
        raise UserError(path, str(error), todo) from None
    except OSError as error:
        raise UserError(path, f"can't be read: {error.strerror}") from None
    except Exception as error:  # damage can make a pickle raise any exception
        what = f"is truncated, or is no file of tensors ({type(error).__name__})"
        raise UserError(path, what, todo) from None


def _read(file: BinaryIO) -> dict[str, np.ndarray]:
    if file.read(len(_FIRST)) != _FIRST:
        raise _Refused("is not in PyTorch's format")
    pickles: Any = _Pickles(file)
    if _Unpickler(pickles).load() != _VERSION:
        raise _Refused("is not in PyTorch's format")
    if _Unpickler(pickles).load().get("little_endian") is not True:
        raise _Refused("was saved on a big-endian machine")
    views = _Unpickler(pickles).load()
    if not isinstance(views, dict):
        raise _Refused(f"holds a {type(views).__name__}, must hold tensors by name")
    for name, view in views.items():
        if not isinstance(view, _View):
            raise _Refused(f"holds {name[:60]!r}, which is not a tensor")
    storages = {view.storage.key: view.storage for view in views.values()}
    keys = _Unpickler(pickles).load()
    are_texts = isinstance(keys, list) and all(isinstance(key, str) for key in keys)
    if not are_texts or sorted(keys) != sorted(storages):
        raise _Refused("has other storages than its tensors")
    numbers = {key: _numbers(file, storages[key]) for key in keys}
    if file.read(1):
        raise _Refused("goes on after its last tensor")
    return {name: _tensor(view, name, numbers) for name, view in views.items()}


class _Pickles:
    """What the pickles of a file read of it, which for tensors is not much.

    A damaged pickle, which may go on into the numbers, so ends within seconds.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._left = file, _LARGEST

    def read(self, count: int) -> bytes:
        self._take(count)
        return self._file.read(count)

    def readline(self) -> bytes:
        line = self._file.readline(self._left + 1)
        self._take(len(line))
        return line

    def _take(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise _Refused("is damaged, or holds much that is no tensor")


_Pure: Any = pickle._Unpickler  # whose methods the stubs of `pickle` leave out


class _Unpickler(_Pure):  # type: ignore[misc]
    """Builds dicts and views of storages; whatever else a pickle names is refused.

    It is the one in Python: that in C allocates gigabytes if a damaged file says so.
    """

    dispatch = {
        code: _Pure.dispatch[code]
        for code in (getattr(pickle, name)[0] for name in _OPCODES)
    }

    def load_setitem(self) -> None:
        _check_keys(self.stack[-2:-1])
        super().load_setitem()

    def load_setitems(self) -> None:
        _check_keys(self.stack[::2])  # what is on it since the last mark
        super().load_setitems()

    def load_build(self) -> None:
        """Leave out the attributes of a dict, which are of no use here."""
        self.stack.pop()
        if not isinstance(self.stack[-1], dict):
            raise _Refused("sets attributes of what is no dict")

    dispatch[pickle.BUILD[0]] = load_build
    dispatch[pickle.SETITEM[0]] = load_setitem
    dispatch[pickle.SETITEMS[0]] = load_setitems

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return lambda: collections.OrderedDict()
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            # A pickle can set attributes of a function: it gets one of its own.
            return lambda *values: _rebuild(*values)
        if module == "torch" and name in _TYPES:
            return _TYPES[name]
        raise _Refused(f"holds {module}.{name}, which is not a tensor; nothing was run")

    def persistent_load(self, pid: Any) -> _Storage:
        kind, dtype, key, _, count, view = pid  # one place, such as cpu, is unused
        known = isinstance(key, str) and dtype in _TYPES.values()
        if kind != "storage" or not known or not _are_counts([count]) or view:
            raise _Refused("holds a storage of an unknown kind")
        return _Storage(key, dtype, count)


def _rebuild(
    storage: Any, offset: Any, shape: Any, strides: Any, _grad: Any, _hooks: Any
) -> _View:
    """What the file calls for each tensor; its last two matter for training only."""
    if not isinstance(storage, _Storage):
        raise _Refused("holds a tensor without a storage")
    # Not copied here: a file can give a long tuple to many tensors.
    if type(shape) is not tuple or type(strides) is not tuple:
        raise _Refused("holds a tensor whose shape is no tuple")
    return _View(storage=storage, offset=offset, shape=shape, strides=strides)


def _check_keys(keys: Sequence[Any]) -> None:
    """Refuse keys other than text: to hash a tuple of tuples may take for ever."""
    for key in keys:
        if not isinstance(key, str):
            kind = type(key).__name__
            raise _Refused(f"has a {kind} for the name of a tensor")


def _are_counts(values: Sequence[Any]) -> bool:
    return all(type(value) is int and value >= 0 for value in values)


def _numbers(file: BinaryIO, storage: _Storage) -> np.ndarray:
    """The next storage of a file: how many numbers it has, then those."""
    count = int.from_bytes(_bytes(file, 8), "little")
    if count != storage.length:
        what = f"has {count} numbers in storage {storage.key}"
        raise _Refused(f"{what}, should have {storage.length}")
    dtype = np.dtype(storage.dtype)
    return np.frombuffer(_bytes(file, count * dtype.itemsize), dtype)


def _bytes(file: BinaryIO, count: int) -> bytes:
    """So many bytes of a file; a wrong count allocates nothing."""
    left = -file.tell() + file.seek(0, io.SEEK_END)
    file.seek(-left, io.SEEK_END)
    if count > left:
        raise _Refused(f"is truncated: {count - left} bytes are missing")
    return file.read(count)


def _tensor(view: _View, name: str, numbers: dict[str, np.ndarray]) -> np.ndarray:
    storage = numbers[view.storage.key]
    shape, strides = view.shape, view.strides
    are_axes = len(shape) == len(strides) <= _MOST_AXES
    if not are_axes or not _are_counts([view.offset, *shape, *strides]):
        raise _Refused(f"has {name} with a shape that no tensor has")
    last = view.offset + sum((n - 1) * s for n, s in zip(shape, strides, strict=True))
    # Without the product, strides of 0 would make a tensor of any size.
    if 0 in shape or last >= storage.size or math.prod(shape) > storage.size:
        raise _Refused(f"has {name} outside of its storage")
    bytes_apart = [stride * storage.itemsize for stride in strides]
    # A view, not a copy: any number of tensors may share a storage.
    return np.lib.stride_tricks.as_strided(
        storage[view.offset :], shape, bytes_apart, writeable=False
    )
