"""Are tensors read as PyTorch saved them, and is anything else refused, unrun?"""

import time
import zipfile

import numpy as np
import pytest

from multitask.contracts.errors import UserError
from multitask.networks.efficientnet_lite import torch_file
from tests.networks.torch_files import EMPTY, HEAD, pushed, saved, tensor, whole

NUMBERS = np.arange(24, dtype="<f4")
PLAIN = {"a": tensor("7", 24, 2, (2, 3), (1, 4))}


@pytest.fixture
def read(tmp_path):
    """A function that reads bytes as a file."""

    def read(content):
        (tmp_path / "a.pth").write_bytes(content)
        return torch_file.read(tmp_path / "a.pth")

    return read


def test_a_tensor_is_a_view_of_its_storage(read):
    views = PLAIN | {"b": tensor("7", 24, 23, (), ())}
    tensors = read(whole(views, {"7": NUMBERS}))
    # The number at (i, j) is at 2 + i + 4j of the storage.
    assert tensors["a"].tolist() == [[2, 6, 10], [3, 7, 11]]
    assert tensors["b"].tolist() == 23


@pytest.mark.parametrize(
    ("kind", "dtype"),
    [("Float", "f4"), ("Double", "f8"), ("Half", "f2"), ("Long", "i8"), ("Byte", "u1")],
)
def test_each_type_of_number_is_read(read, kind, dtype):
    storage = f"ctorch\n{kind}Storage\n".encode()
    numbers = np.array([1, 2, 250], dtype)
    tensors = read(whole({"a": tensor("0", 3, 0, (3,), (1,), storage)}, {"0": numbers}))
    assert tensors["a"].dtype == numbers.dtype
    assert tensors["a"].tolist() == [1, 2, 250]


def test_arrays_are_read_whatever_their_strides(read):
    arrays = {"a": np.random.default_rng(0).random((4, 3, 2)), "b": np.ones(5)}
    tensors = read(saved(arrays))
    assert list(tensors) == ["a", "b"]
    np.testing.assert_array_equal(tensors["a"], arrays["a"].astype("f4"))


CALLS = {
    "posix.system": b"cposix\nsystem\n(%stR",
    "builtins.eval": b"cbuiltins\neval\n(%stR",
    "torch.load": b"ctorch\nload\n(%stR",
    "os.system": b"(cos\nsystem\n%so",
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("place", ["instead", "value", "shape", "keys"])
def test_a_file_that_would_run_something_is_refused_and_runs_nothing(
    read, tmp_path, name, place
):
    command = f"__import__('pathlib').Path({str(tmp_path / 'ran')!r}).touch()"
    call = CALLS[name] % pushed(command)
    content = {
        "instead": HEAD + b"\x80\x02" + call + b".",
        "value": whole(PLAIN | {"b": call}, {"7": NUMBERS}),
        "shape": whole({"a": PLAIN["a"].replace(pushed((2, 3)), call)}, {"7": NUMBERS}),
        "keys": whole(PLAIN, {}).removesuffix(b"]q\x00.") + call + b".",
    }[place]
    with pytest.raises(UserError) as caught:
        read(content)
    assert str(caught.value).endswith(
        f"a.pth: holds {name}, which is not a tensor; nothing was run; give a "
        "complete state_dict saved by PyTorch"
    )
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"a": pushed("text")}, "holds 'a', which is not a tensor"),
        ({"a": EMPTY}, "holds 'a', which is not a tensor"),
        ({"a": tensor("7", 24, 2, (2, 3), (1, 11))}, "has a outside of its storage"),
        ({"a": tensor("7", 24, 24, (1,), (1,))}, "has a outside of its storage"),
        ({"a": tensor("7", 24, 0, (10**12,), (0,))}, "has a outside of its storage"),
        ({"a": tensor("7", 24, -1, (2,), (1,))}, "has a with a shape that no tensor"),
        ({"a": tensor("7", 24, 9, (2,), (-1,))}, "has a with a shape that no tensor"),
        ({"a": tensor("7", 24, 0, (2, 3), (1,))}, "has a with a shape that no tensor"),
        ({"a": tensor("7", 24, 0.5, (2,), (1,))}, "has a with a shape that no tensor"),
        ({"a": tensor("7", 30, 0, (2,), (1,))}, "has 24 numbers in storage 7, should"),
        ({"a": tensor("8", 24, 0, (2,), (1,))}, "has other storages than its tensors"),
        (
            {"a": tensor("7", 24, 0, (2,), (1,), pushed("O"))},
            "holds a storage of an unknown kind",
        ),
        ({"a": tensor("7", -1, 0, (2,), (1,))}, "holds a storage of an unknown kind"),
    ],
)
def test_tensors_that_can_not_be_are_refused(read, values, message):
    with pytest.raises(UserError, match=rf"a\.pth: {message}"):
        read(whole(values, {"7": NUMBERS}))


def test_what_a_file_holds_is_not_changed_by_a_pickle_that_sets_attributes(read):
    changed = PLAIN["a"] + pushed({"shape": (10**9,), "storage": "x"}) + b"b"
    with pytest.raises(UserError, match="sets attributes of what is no dict"):
        read(whole({"a": changed}, {"7": NUMBERS}))


def test_a_name_that_is_no_text_is_refused_without_writing_it_out(read):
    # Each tuple holds the one before twice: written out, or hashed, it is 2 ** 40.
    name: tuple[object, ...] = ()
    for _ in range(40):
        name = (name, name)
    for start, end in ((b"}", b"s."), (b"}(", b"u.")):
        with pytest.raises(UserError, match="has a tuple for the name of a tensor"):
            read(HEAD + b"\x80\x02" + start + pushed(name) + PLAIN["a"] + end)


LONG = b"(" + b"K\x01" * 100_000 + b"t"  # a tuple of so many axes


def again(opcodes, times=50_000):
    """The opcodes of a value, and of the same one so many times more."""
    return opcodes + b"h\x63b" * times


def test_attributes_of_a_dict_are_left_out_however_often_they_are_set(read):
    texts = b"".join(pushed(f"{number}") + b"N" for number in range(10_000))
    began = time.process_time()
    state = b"}(" + texts + b"uq\x63b"
    body = EMPTY + again(state) + b"(" + pushed("a") + PLAIN["a"] + b"u."
    content = whole({}, {"7": NUMBERS}).replace(EMPTY + b"(u.", body)
    assert list(read(content)) == ["a"]
    assert time.process_time() - began < 5  # as attributes, minutes


def test_a_long_shape_is_not_copied_for_each_of_many_tensors(read):
    plain = PLAIN["a"]
    shapes = plain.replace(pushed((2, 3)), LONG).replace(pushed((1, 4)), b"]")
    with pytest.raises(UserError, match="holds a tensor whose shape is no tuple"):
        read(whole({"a": shapes}, {"7": NUMBERS}))
    shapes = plain.replace(pushed((2, 3)), LONG).replace(pushed((1, 4)), LONG)
    with pytest.raises(UserError, match="has a with a shape that no tensor has"):
        read(whole({"a": shapes}, {"7": NUMBERS}))


def test_many_tensors_take_the_memory_of_their_storage_once(read):
    views = {"a": tensor("7", 24, 0, (2, 3), (1, 4)) + b"q\x63", "b": b"h\x63"}
    tensors = read(whole(views, {"7": NUMBERS}))
    assert np.shares_memory(tensors["a"], tensors["b"])


def test_every_truncation_is_an_error(read):
    content = whole(PLAIN, {"7": NUMBERS})
    for length in range(len(content)):
        with pytest.raises(UserError):
            read(content[:length])
    with pytest.raises(UserError, match=r"is truncated: 1 bytes are missing; give"):
        read(content[:-1])
    with pytest.raises(UserError, match="goes on after its last tensor"):
        read(content + b"x")


def test_a_changed_bit_gives_an_error_or_tensors(read):
    content = bytearray(whole(PLAIN, {"7": NUMBERS}))
    refused = 0
    for index in range(0, 8 * (len(content) - NUMBERS.nbytes), 5):
        content[index // 8] ^= 1 << index % 8
        try:
            assert all(type(value) is np.ndarray for value in read(content).values())
        except UserError:
            refused += 1
        content[index // 8] ^= 1 << index % 8
    assert refused > 200


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not in PyTorch's format"),
        (b"\x89PNG\r\n\x1a\n", "is not in PyTorch's format"),
        (b"some words", "is not in PyTorch's format"),
        (b"cbuiltins\neval\n(X\x03\x00\x00\x001+1tR.", "is not in PyTorch's format"),
        (HEAD + b"\x80\x02](" + b"N" * 3_000_000, "is damaged, or holds much that"),
        (HEAD + b"\x80\x02X\xff\xff\xff\x7f", "is damaged, or holds much that"),
        (b"\x80\x02K\x01.", "is not in PyTorch's format"),
        (HEAD + b"\x80\x02" + pushed([1]) + b".", "holds a list, must hold tensors by"),
    ],
)
def test_other_files_are_refused(read, content, message):
    with pytest.raises(UserError, match=rf"a\.pth: {message}"):
        read(content)


def test_newer_files_and_missing_ones_say_so(tmp_path):
    with zipfile.ZipFile(tmp_path / "new.pth", "w") as members:
        members.writestr("archive/data.pkl", b"")
    with pytest.raises(UserError, match="is in the format of PyTorch 1.6 and later"):
        torch_file.read(tmp_path / "new.pth")
    with pytest.raises(UserError, match="can't be read: No such file or directory"):
        torch_file.read(tmp_path / "none.pth")
