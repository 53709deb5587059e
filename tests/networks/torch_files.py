"""What does a file of `torch.save` before PyTorch 1.6 look like, byte by byte?"""

import pickle

HEAD = b"".join(
    pickle.dumps(value, 2)
    for value in (
        0x1950A86A20F9469CFC6C,
        1001,
        {"protocol_version": 1001, "little_endian": True},
    )
)
EMPTY = b"ccollections\nOrderedDict\n)R"


def pushed(value):
    """The opcodes that put a value on the stack."""
    return pickle.dumps(value, 2)[2:-1]


def tensor(
    key, length, offset, shape, strides, kind=b"ctorch\nFloatStorage\n", place="cpu"
):
    """The opcodes of a tensor in a storage of `length` numbers."""
    storage = pushed("storage") + kind + pushed(key) + pushed(place) + pushed(length)
    view = pushed(offset) + pushed(shape) + pushed(strides)
    values = b"((" + storage + b"NtQ" + view + b"\x89" + EMPTY + b"t"
    return b"ctorch._utils\n_rebuild_tensor_v2\n" + values + b"R"


def whole(values, storages):
    """The bytes of a file with opcodes of values by name, and arrays by key."""
    named = b"".join(pushed(name) + value for name, value in values.items())
    numbers = (len(a).to_bytes(8, "little") + a.tobytes() for a in storages.values())
    body = b"\x80\x02" + EMPTY + b"(" + named + b"u."
    return b"".join((HEAD, body, pickle.dumps([*storages], 2), *numbers))


def saved(arrays):
    """The bytes of a file with float32 arrays, the first axis of each the fastest."""
    values, storages = {}, {}
    for key, (name, array) in enumerate(arrays.items()):
        flat = array.astype("<f4").ravel(order="F")
        strides = tuple(s // 4 for s in array.astype("<f4", order="F").strides)
        values[name] = tensor(str(key), flat.size, 0, array.shape, strides)
        storages[str(key)] = flat
    return whole(values, storages)
