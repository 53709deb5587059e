"""Which videos do several tests read? Some that they draw and write themselves."""

from fractions import Fraction
from typing import Any

import numpy as np
from PIL import Image

RATE = 25
CODECS = {".mp4": "libx264", ".mkv": "libx264", ".ts": "libx264", ".avi": "mpeg4"}


def grey(count, size=(64, 48)):
    """Pictures whose grey says which one it is: 2 * number."""
    for number in range(count):
        yield Image.new("RGB", size, (2 * number,) * 3)


def write_clip(
    path,
    pictures,
    *,
    rate=RATE,
    times=None,
    rotation=0,
    aspect=None,
    sound=0.0,
    **options,
):
    """Write pictures as a video; returns its path.

    `times` are those at which they are shown, in seconds, if they are not even.
    `rotation` is how far players turn it, counterclockwise; `aspect` the width of a
    pixel as a share of its height. `sound` is that many seconds of silence.
    """
    import av

    with av.open(path, "w", options=options) as file:
        stream: Any = None
        voice: Any = None
        for number, picture in enumerate(pictures):
            if stream is None:
                stream = file.add_stream(CODECS[path.suffix], rate=rate)
                stream.width, stream.height = picture.size
                stream.pix_fmt = "yuv420p"
                if aspect is not None:
                    stream.codec_context.sample_aspect_ratio = Fraction(aspect)
                if rotation:
                    stream.set_display_rotation(rotation)
                if times is not None:
                    stream.codec_context.time_base = Fraction(1, 1000)
                voice = file.add_stream("aac", rate=8000) if sound else None
            frame = av.VideoFrame.from_image(picture)
            if times is not None:
                frame.pts, frame.time_base = (
                    round(1000 * times[number]),
                    Fraction(1, 1000),
                )
            file.mux(stream.encode(frame))
        file.mux(stream.encode())
        if voice is not None:
            write_silence(file, voice, sound)
    return path


def write_silence(file, stream, seconds):
    """Mux silence of 8,000 samples per second into an open file."""
    import av

    for number in range(int(seconds * 8000 / 1024)):
        frame = av.AudioFrame.from_ndarray(
            np.zeros((1, 1024), np.float32), format="fltp", layout="mono"
        )
        frame.sample_rate, frame.pts = 8000, 1024 * number
        file.mux(stream.encode(frame))
    file.mux(stream.encode())


def write_sound(path, seconds=2.0, cover=None):
    """Write a file of sound alone, perhaps with a picture as its cover."""
    import av
    from av.stream import Disposition

    with av.open(path, "w") as file:
        stream = file.add_stream("aac", rate=8000)
        if cover is not None:
            picture: Any = file.add_stream("mjpeg", rate=1)
            picture.width, picture.height = cover.size
            picture.pix_fmt = "yuvj420p"
            picture.disposition = Disposition.attached_pic
            file.mux(picture.encode(av.VideoFrame.from_image(cover)))
            file.mux(picture.encode())
        write_silence(file, stream, seconds)
    return path


def cut(path, share):
    """Leave only the first share of a file's bytes; returns its path."""
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path
