"""Does TensorFlow start without a word, and say all if it can't start?"""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from multitask.contracts.errors import UserError
from multitask.terminal.quiet import held_back, import_tensorflow

ROOT = Path(__file__).parents[2]


def start(program, **environment):
    """Run a program in a process of its own, which has TensorFlow's own settings."""
    usual = {
        name: value
        for name, value in os.environ.items()
        if name not in ("TF_CPP_MIN_LOG_LEVEL", "KERAS_BACKEND")
    }
    return subprocess.run(
        [sys.executable, "-c", program],
        env=usual | {"PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_start_says_nothing_and_takes_the_backend_of_tensorflow(tmp_path):
    (tmp_path / "keras.json").write_text('{"backend": "jax"}')
    result = start(
        "from multitask.terminal.quiet import import_tensorflow\n"
        "import_tensorflow()\n"
        "import sys, keras\n"
        "assert 'tensorflow' in sys.modules\n"
        "print(keras.backend.backend())\n"
        "print('to the screen again', file=sys.stderr)\n",
        KERAS_HOME=str(tmp_path),
    )
    assert result.stdout == "tensorflow\n"
    assert result.stderr == "to the screen again\n"


def test_a_terminal_shows_what_goes_on_but_no_notices(tmp_path):
    (tmp_path / "tensorflow.py").write_text(
        "import os, types\n"
        "os.write(2, b'rebuild TensorFlow')\n"
        "config = types.SimpleNamespace(list_physical_devices=list)\n"
    )
    master, slave = os.openpty()
    program = "from multitask.terminal import quiet; quiet.import_tensorflow()"
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": path, "TERM": "xterm"},
        stderr=slave,
        check=True,
    )
    os.close(slave)
    shown = os.read(master, 65536).decode()
    os.close(master)
    assert "starting TensorFlow" in shown
    assert "rebuild TensorFlow" not in shown


def test_what_it_says_is_shown_if_it_can_not_start(tmp_path):
    (tmp_path / "tensorflow.py").write_text(
        "import os\n"
        "os.write(2, b'no such library\\n')\n"
        "raise ImportError('can not be loaded')\n"
    )
    result = start(
        "from multitask.terminal.quiet import import_tensorflow\nimport_tensorflow()\n",
        PYTHONPATH=os.pathsep.join([str(tmp_path), str(ROOT)]),
    )
    assert result.returncode == 1
    assert result.stderr.startswith("no such library\n")
    assert result.stderr.endswith("ImportError: can not be loaded\n")


def test_standard_error_is_held_back_once_even_by_several_threads(tmp_path):
    (tmp_path / "tensorflow.py").write_text(
        "import time, types\n"
        "time.sleep(0.2)\n"  # all threads begin meanwhile
        "config = types.SimpleNamespace(list_physical_devices=list)\n"
    )
    result = start(
        "import os, threading\n"
        "from multitask.terminal.quiet import import_tensorflow\n"
        "usual, calls = os.dup2, []\n"
        "os.dup2 = lambda *to, **kw: calls.append(to) or usual(*to, **kw)\n"
        "threads = [threading.Thread(target=import_tensorflow) for _ in range(4)]\n"
        "[thread.start() for thread in threads]\n"
        "[thread.join() for thread in threads]\n"
        "import_tensorflow()\n"
        "print(len(calls))\n",
        PYTHONPATH=os.pathsep.join([str(tmp_path), str(ROOT)]),
    )
    assert result.stdout == "2\n"  # there and back again
    assert result.stderr == ""


def test_a_keras_that_runs_on_another_backend_already_is_told(monkeypatch):
    monkeypatch.setattr("keras.config.backend", lambda: "jax")
    with pytest.raises(UserError) as caught:
        import_tensorflow()
    assert str(caught.value).startswith(
        "Keras: runs on 'jax', must run on 'tensorflow'; import multitask first, or"
    )


def test_another_backend_is_told(monkeypatch):
    monkeypatch.delitem(sys.modules, "keras", raising=False)
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    with pytest.raises(UserError) as caught:
        import_tensorflow()
    assert str(caught.value) == "KERAS_BACKEND: is 'jax', must be 'tensorflow'"


@pytest.mark.slow
def test_a_function_says_nothing_where_tensorflow_was_imported_before(tmp_path):
    result = start(
        "import sys, tensorflow, keras\n"
        "print('imported', file=sys.stderr, flush=True)\n"
        "from tests import tiny\n"
        "import multitask\n"
        f"run = multitask.fit(out={str(tmp_path / 'run')!r}, trunk=tiny.register(),\n"
        "    heads='gender', limit=60, epochs=1, say=lambda line: None)\n"
        "run.network.predict(run.evaluation.labels['path'].tolist())\n"
    )
    assert result.returncode == 0, result.stderr
    shown = result.stderr.partition("imported\n")[2].splitlines()
    assert [line for line in shown if not line.startswith("epoch ")] == []


@pytest.mark.parametrize(
    ("error", "shown"), [(ValueError, "a notice"), (KeyboardInterrupt, "")]
)
def test_what_was_held_back_is_shown_for_an_error_but_not_for_ctrl_c(
    capfd, error, shown
):
    def fail():
        os.write(2, b"a notice")
        raise error

    with pytest.raises(error), held_back():
        fail()
    assert capfd.readouterr().err == shown


def test_a_disk_without_room_for_what_is_held_back_is_told(monkeypatch):
    def full():
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("tempfile.TemporaryFile", full)
    line = "temporary files: can't be written: No space left on device; free some space"
    with pytest.raises(UserError, match=line), held_back():
        pass
