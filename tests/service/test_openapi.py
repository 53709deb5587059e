"""Does the service do what its own OpenAPI page says, whatever it is asked?"""

import subprocess
import sys

import pytest

from tests.service.served import server

# No schema says that bytes are a picture, and a body with too many is too large.
CONFIG = """\
[checks]
negative_data_rejection.expected-statuses = ["4xx"]
positive_data_acceptance.expected-statuses = ["2xx", "415", "422"]
"""


@pytest.mark.slow
@pytest.mark.parametrize("token", ["", "secret"])
def test_schemathesis_finds_nothing(analyzer, tmp_path, token):
    pytest.importorskip("schemathesis")
    config = tmp_path / "schemathesis.toml"
    config.write_text(CONFIG, encoding="utf-8")
    header = ["--header", f"Authorization: Bearer {token}"] if token else []
    with server(analyzer, token=token) as client:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "--config-file", config),
                *("run", f"{client.base_url}/openapi.json", "--checks", "all"),
                *("--max-examples", "50", "--seed", "1", "--no-color", *header),
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "No issues found" in done.stdout
        assert "4 selected / 4 total" in done.stdout
        assert client.get("/health").json()["status"] == "ok"
