"""Do predictions that a full disk stops leave the file before as it was?"""

import sys

import pandas as pd
import pytest

from multitask.contracts.errors import UserError
from multitask.networks.prediction.file import writing

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="files have no limit there"
)
KEYS = ("multitask", "network", "heads", "probabilities", "options", "pictures")
WORK = dict.fromkeys((*KEYS, "files"))


def write(path, count):
    rows = pd.DataFrame({"status": "ok", "path": [f"{n}.png" for n in range(count)]})
    with writing(path, path.suffix[1:], WORK) as file:
        file.append(rows)
        file.finish()


@pytest.fixture
def limit():
    """A function that gives files of this process at most so many bytes."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("name", ["a.csv", "a.json", "a.parquet"])
def test_a_full_disk_keeps_the_predictions_before(tmp_path, limit, name):
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    out = tmp_path / name
    write(out, 3)
    before = out.read_bytes()
    limit(9_000)
    with pytest.raises(UserError, match=rf"{name}.*File too large"):
        write(out, 5_000)
    assert out.read_bytes() == before
