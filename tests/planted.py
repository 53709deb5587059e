"""How do tests get labelled pictures with known faults?"""

import json

import numpy as np
import pandas as pd
from PIL import Image

from multitask.images.near import NOTHING

TIME = "20170109142408075"  # the end of a UTKFace name


def scene(seed, size=48):
    """A picture like no other: its hash is far from those of all other seeds."""
    small = np.random.default_rng(seed).integers(0, 256, (9, 9, 3), np.uint8)
    return Image.fromarray(small).resize((size, size), Image.Resampling.BICUBIC)


def write_faces(folder):
    """Write two conflicting pairs, one that agrees, and one of each fault.

    The files have UTKFace names.
    """
    folder.mkdir()

    def save(name, picture, **options):
        picture.save(folder / f"{name}_{TIME}.png", **options)

    save("20_0_0", scene(1))
    save("20_1_0", scene(1))  # the same pixels, another gender
    save("30_0_1", scene(2))
    scene(2).save(folder / f"35_0_1_{TIME}.jpg", quality=80)  # near, another age
    save("40_1_2", scene(3))
    save("40_1_2_2", scene(3), compress_level=1)  # other bytes, same pixels and labels
    save("50_0_3", scene(4).convert("L"))
    save("51_1_4", Image.new("RGB", (40, 30), "white"))
    save("52_1_4", scene(5, 12))
    (folder / f"60_0_0_{TIME}.jpg").write_bytes(b"a letter")
    (folder / "61_1_20170109150557335.jpg").write_bytes(b"no race in the name")


def inspected(hashes, blank=()):
    """As from `inspect_files`: pictures with these hashes, no two with equal pixels.

    Their frequencies are unknown: they neither look alike nor are mirrored.
    """
    return pd.DataFrame(
        {
            "reason": "",
            "phash": np.array(hashes, np.uint64),
            "frequencies": [NOTHING] * len(hashes),
            "digest": [str(i).encode() for i in range(len(hashes))],
            "blank": [i in blank for i in range(len(hashes))],
            "tiny": False,
        }
    )


def document(folder):
    """What `audit.json` in a folder holds."""
    return json.loads((folder / "audit.json").read_text(encoding="utf-8"))
