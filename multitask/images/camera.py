"""Which camera of this computer is meant, and what does it show at this moment?"""

import re
import sys
import threading
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from multitask.contracts.errors import UserError

if TYPE_CHECKING:
    from av.container import InputContainer

CAMERA = "camera:"  # before the number of a camera
_PATIENCE = 10.0  # seconds that a camera may take for a frame
_WAIT = 0.1  # seconds after which a waiting thread looks whether it should stop
Item = TypeVar("Item")


class Device(NamedTuple):
    """A camera as FFmpeg names it: the file, the format and its options."""

    file: str
    format: str
    options: dict[str, str]


def is_camera(name: str) -> bool:
    """Whether a name is that of a camera, such as `camera:0`."""
    return name.startswith(CAMERA)


def device(name: str) -> Device:
    """The camera of a name, on this system.

    Raises UserError for a name without a number, and on Windows if there is none.
    """
    match = re.fullmatch(rf"{CAMERA}(\d+)", name)
    if not match:
        raise UserError(name, "names no camera", "the first one is camera:0")
    number = int(match[1])
    if sys.platform == "darwin":
        # Not the 29.97 frames per second that are usual, which many cameras refuse.
        return Device(str(number), "avfoundation", {"framerate": "30"})
    if sys.platform == "win32":
        return Device(f"video={_on_windows(number)}", "dshow", {})
    return Device(f"/dev/video{number}", "v4l2", {})


def _on_windows(number: int) -> str:
    """The name of a camera, which Windows does not number."""
    import av

    devices = av.enumerate_input_devices("dshow")
    cameras = [each.name for each in devices if "video" in each.media_types]
    if number >= len(cameras):
        what = f"there are {len(cameras)} cameras"
        raise UserError(f"{CAMERA}{number}", what, "the first one is camera:0")
    return cameras[number]


def open_camera(name: str) -> "InputContainer":
    """Begin to read a camera; UserError if it can't be."""
    import av

    file, form, options = device(name)
    try:
        return av.open(file, format=form, options=options, timeout=_PATIENCE)
    except (av.error.FFmpegError, OSError) as error:
        what = f"can't be opened ({file}: {error.strerror})"
        todo = "check that it is connected, allowed, and not in use"
        raise UserError(name, what, todo) from None


def newest(items: Iterator[Item]) -> Generator[Item, None, None]:
    """Yield the item that came last each time one is asked for; others are dropped.

    A thread takes them as they come, so that a slow reader does not fall behind. What
    the thread raises is raised here.
    """
    waiting: list[Item] = []
    fresh, done = threading.Condition(), threading.Event()
    errors: list[BaseException] = []

    def take() -> None:
        try:
            for item in items:
                with fresh:
                    waiting[:] = [item]
                    fresh.notify()
                if done.is_set():
                    return
        except BaseException as error:
            errors.append(error)
        finally:
            done.set()

    thread = threading.Thread(target=take, daemon=True)
    thread.start()
    try:
        while True:
            with fresh:
                while not waiting and not done.is_set():
                    fresh.wait(_WAIT)  # which, unlike endless waiting, Ctrl-C ends
                if not waiting:
                    break
                item = waiting.pop()
            yield item
        if errors:
            raise errors[0]
    finally:
        done.set()
        thread.join()
