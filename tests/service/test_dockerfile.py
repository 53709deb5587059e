"""Does the Dockerfile copy, install and start what there is?"""

import configparser
import json
import re
from pathlib import Path

from multitask.serve import parser

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")


def test_the_image_holds_all_that_the_package_is_built_from():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "*"
    copied = {line[1:] for line in lines if line.startswith("!")}
    folders = setup["options"]["package_dir"].split("\n")
    needed = {line.partition("=")[2].strip() for line in folders if line}
    needed |= {"setup.cfg", "pyproject.toml", setup["metadata"]["license_files"]}
    needed.add(setup["metadata"]["long_description"].partition(" ")[2])
    assert copied == needed
    assert all((ROOT / name).exists() for name in copied)


def test_tensorflow_alone_is_replaced():
    (pattern, other) = re.findall(r"sed -i 's/(.*?)/(.*?)/' setup\.cfg", TEXT)[0]
    text = (ROOT / "setup.cfg").read_text(encoding="utf-8")
    changed, count = re.subn(pattern, other, text, flags=re.MULTILINE)
    assert count == 1
    assert "    tensorflow-cpu>=" in changed
    extra = re.findall(r'pip install "\.\[(\w+)\]"', TEXT)
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    assert extra == ["serve"]
    assert "serve" in setup["options.extras_require"]


def test_it_starts_the_command_where_its_health_is_asked_for():
    (started,) = re.findall(r"^ENTRYPOINT (.*)$", TEXT, re.MULTILINE)
    command = json.loads(started)
    assert command[:3] == ["python", "-m", "multitask.serve"]
    arguments = parser().parse_args(command[3:])
    assert (arguments.host, arguments.network) == ("0.0.0.0", None)
    assert f"http://127.0.0.1:{arguments.port}/health" in TEXT
    assert f"EXPOSE {arguments.port}\n" in TEXT
