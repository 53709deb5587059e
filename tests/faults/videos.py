"""Video files of every container that are damaged, and predicted for frame by frame."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from PIL import Image

from multitask.networks import build
from multitask.networks.analyzer import Analyzer
from multitask.networks.spec import NetworkSpec
from tests import tiny
from tests.faults.outcomes import Outcome, damaged, outcome
from tests.images.clips import RATE, write_clip
from tests.networks.untrained import gender_age_spec

_FRAMES = 30
_CLIPS = {
    "MP4": ("clip.mp4", {}),
    "MP4, index in front": ("clip.mp4", {"movflags": "faststart"}),
    "MP4, in fragments": ("clip.mp4", {"movflags": "frag_keyframe+empty_moov"}),
    "MKV": ("clip.mkv", {}),
    "TS": ("clip.ts", {}),
    "AVI": ("clip.avi", {}),
}


@cache
def _whole() -> dict[str, bytes]:
    """A file of each container, of pictures that move."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (48, 64 + _FRAMES, 3), np.uint8)
    files = {}
    with TemporaryDirectory() as folder:
        for kind, (name, options) in _CLIPS.items():
            frames = (
                Image.fromarray(noise[:, number : number + 64])
                for number in range(_FRAMES)
            )
            files[kind] = write_clip(
                Path(folder) / name, frames, **options
            ).read_bytes()
    return files


@cache
def _network() -> Analyzer:
    spec: NetworkSpec = gender_age_spec(tiny.register())
    return Analyzer(build.build(spec), spec)


def case(seed: int, folder: Path) -> Outcome:
    """Damage a video by a seed, and predict for its frames."""
    rng = np.random.default_rng(seed)
    kind = str(rng.choice(list(_CLIPS)))
    data = _whole()[kind]
    for _ in range(int(rng.integers(1, 4))):
        data = damaged(data, rng)[1]
    file = folder / _CLIPS[kind][0]
    file.write_bytes(data)
    every = str(rng.choice(["1", "7", "0.2s"]))
    keep = "keep" if rng.random() < 0.5 else "skip"
    return outcome(kind, seed, lambda: _answer(file, every, keep))


def _answer(file: Path, every: str, keep: str) -> str:
    parts = _network().predict_video(file, every=every, damaged=keep)  # type: ignore[arg-type]
    rows = pd.concat(parts)
    answered = rows[rows["status"] == "ok"]
    others = rows["status"][rows["status"] != "ok"].tolist()
    if len(others) > 1 or any(len(status.splitlines()) != 1 for status in others):
        return f"status {others}"
    numbers = answered[["time", "age", "gender_confidence"]].to_numpy(float)
    if not np.isfinite(numbers).all() or (answered["time"] < 0).any():
        return "a time or an answer is no number"
    if len(answered) > 4 * _FRAMES:  # damage may repeat a part
        return f"{len(answered)} frames of {_FRAMES} at {RATE} per second"
    return "told" if others else "read"
