"""Which file does a name, a path or an address stand for, and is it the right one?"""

import hashlib
import json
import subprocess
import sys
import zipfile
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from multitask.contracts.errors import UserError
from multitask.contracts.run import NETWORK
from multitask.networks.named import catalog, description, hub
from tests.networks.hub_stand_in import COMMIT, CONTENT

SPEC = {
    "format": 3,
    "multitask": "0.1.0",
    "trunk": "cnn",
    "size": 64,
    "heads": [{"name": "age", "kind": "distribution"}],
    "notes": [],
    "recipe": {},
}


def write(path, spec=SPEC):
    """A file that says of itself what a network does, without weights."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as members:
        members.writestr("multitask.json", json.dumps(spec))
    return path


def refused(*arguments):
    with pytest.raises(UserError) as caught:
        catalog.find(*arguments)
    return caught.value.line


@pytest.fixture
def entries(monkeypatch):
    """A function that makes names entry points of the package of these tests."""

    def use(**values):
        group = "multitask.networks"
        points = [EntryPoint(name, value, group) for name, value in values.items()]
        monkeypatch.setattr(catalog, "entry_points", lambda group: points)

    return use


def path_of_package():
    """What an entry point may be."""
    return PATHS[0]


PATHS = [Path("nowhere.keras")]
HERE = f"{__name__}:path_of_package"

# Names


def test_a_name_is_a_file_or_folder_of_the_named_folder(named_folder):
    one = write(named_folder / "one.keras")
    two = write(named_folder / "two" / NETWORK)
    assert catalog.find("one") == one
    assert catalog.find("two") == two
    assert catalog.names() == ["one", "two"]
    assert [named.path() for named in catalog.networks()] == [one, two]


def test_bundled_networks_come_first(named_folder):
    bundled = write(catalog.BUNDLED / "zebra" / NETWORK)
    write(named_folder / "ant.keras")
    assert catalog.names() == ["zebra", "ant"]
    assert catalog.networks()[0].source == "bundled"
    assert catalog.find("zebra") == bundled


def test_a_package_names_a_network_by_a_path_or_a_function(
    named_folder, entries, monkeypatch
):
    path = write(named_folder.parent / "theirs" / NETWORK)
    monkeypatch.setattr(sys.modules[__name__], "PATHS", [path])
    monkeypatch.setattr(sys.modules[__name__], "AS_PATH", str(path), raising=False)
    entries(called=HERE, given=f"{__name__}:AS_PATH")
    assert catalog.find("called") == path
    assert catalog.find("given") == path


def test_an_entry_point_without_a_file_names_its_package(named_folder, entries):
    entries(called=HERE, broken="no_such_module:path")
    assert refused("called").startswith(
        f"network called: entry point {HERE} of package {HERE} gives nowhere.keras, "
        "where no file is; update or uninstall it"
    )
    assert "fails: ModuleNotFoundError: " in refused("broken")


def test_two_networks_of_one_name_in_a_folder_are_named_by_their_files(named_folder):
    files = [
        write(named_folder / "smile.keras"), write(named_folder / "smile" / NETWORK)
    ]  # fmt: skip
    line = refused("smile")
    assert all(str(file) in line for file in files)


def test_two_networks_of_one_name_are_an_error_that_names_both(named_folder, entries):
    write(catalog.BUNDLED / "faces" / NETWORK)
    other = write(named_folder / "faces.keras")
    line = refused("faces")
    assert line == (
        f"network faces: comes from bundled and from folder {named_folder}; rename or "
        "remove the latter"
    )
    with pytest.raises(UserError, match="network faces: comes from bundled"):
        catalog.networks()
    other.unlink()
    entries(faces=HERE)
    assert f"comes from bundled and from package {HERE}" in refused("faces")


@pytest.mark.parametrize("name", ["imagenet", "none"])
def test_a_network_with_the_name_of_other_weights_is_refused(name, named_folder):
    write(named_folder / "faces.keras")
    write(named_folder / name / NETWORK)
    line = (
        f"network {name}: comes from folder {named_folder}, but --weights {name} means "
        "no network; rename or remove it"
    )
    with pytest.raises(UserError) as caught:
        catalog.networks()
    assert str(caught.value) == refused(name) == line
    assert catalog.find("faces") == named_folder / "faces.keras"


def test_the_nearest_names_are_told_of_an_unknown_one(named_folder):
    write(named_folder / "faces.keras")
    assert refused("facez") == (
        "facez: is not a known network; did you mean 'faces'? Otherwise give a run "
        "folder or .keras file"
    )
    assert refused("zzz") == (
        "zzz: is not a known network; known: faces; or give a run folder or .keras file"
    )


def test_without_a_bundled_network_the_default_says_so(named_folder):
    line = refused(catalog.DEFAULT)
    assert line == (
        "faces: does not come with this installation of multitask; install it again "
        "from a whole clone (pip install -e .), or name another network, which `python "
        "-m multitask.networks` lists; or give a path"
    )


def test_files_of_the_named_folder_that_no_name_can_mean_are_no_networks(named_folder):
    write(named_folder / "faces.keras")
    odd = [
        named_folder / "._faces.keras",
        named_folder / ".cache" / NETWORK,
        named_folder / "a.keras.keras",
        named_folder / "my net.keras",
    ]
    for path in odd:
        write(path)
    assert catalog.names() == ["faces"]
    assert catalog.unnamed() == sorted(odd)
    assert "'faces'? Otherwise give a run folder" in refused("facez")


def test_a_wrong_named_folder_is_an_error(named_folder, monkeypatch):
    monkeypatch.setenv("MULTITASK_NETWORKS", "nowhere")
    assert refused("faces").startswith(
        "MULTITASK_NETWORKS: there is no folder 'nowhere'; set the environment "
    )
    assert "does not exist" in refused("./faces")  # no name: the folder is not asked


# Paths


def test_a_run_folder_of_the_same_name_is_not_taken_for_the_network(
    named_folder, tmp_path, monkeypatch
):
    named = write(named_folder / "faces.keras")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "faces").mkdir()  # pictures: no network is meant by it
    assert catalog.find("faces") == named
    run = write(tmp_path / "faces" / NETWORK)
    assert refused("faces") == (
        "faces: is a run in this folder, and the name of a network (folder "
        f"{named_folder}); write ./faces for the run, or rename its folder for the "
        "other"
    )
    assert catalog.find("./faces").resolve() == run
    assert catalog.find(Path("faces")).resolve() == run


def test_paths_are_found_as_before(named_folder, tmp_path, monkeypatch):
    run = write(tmp_path / "run" / NETWORK)
    monkeypatch.chdir(tmp_path)
    assert catalog.find("run").resolve() == run  # no known name
    assert catalog.find(str(run)) == run
    assert refused("none.keras").startswith("none.keras: does not exist; give a run ")
    assert refused("no/run").startswith("no/run: does not exist; ")
    write(tmp_path / "bundled" / "zebra" / NETWORK)
    assert refused("./zebra") == (
        "./zebra: does not exist; for the network of that name write 'zebra'"
    )


def test_what_is_a_network_and_what_pictures(named_folder, tmp_path, monkeypatch):
    write(named_folder / "faces.keras")
    write(tmp_path / "run" / NETWORK)
    (tmp_path / "pictures").mkdir()
    (tmp_path / "stopped").mkdir()
    (tmp_path / "stopped" / "recipe.toml").touch()
    monkeypatch.chdir(tmp_path)
    for text in ("faces", "run", "run/", "no.keras", "hf://a/b", "stopped"):
        assert catalog.is_network(text), text
    for text in ("pictures", "pictures/", "a.jpg", "facez", "./faces", "*.png"):
        assert not catalog.is_network(text), text


# What a file says of itself


def test_the_licence_is_that_of_the_card(tmp_path):
    network = write(tmp_path / "a" / NETWORK)
    assert description.licence(network) == ""
    text = "---\nlicense: cc-by-4.0\ntags: [a]\n---\n# A\nlicense: other\n"
    (tmp_path / "a" / "model_card.md").write_text(text)
    assert description.licence(network) == "cc-by-4.0"
    assert description.card_file(tmp_path / "b.keras") == tmp_path / "b.md"
    (tmp_path / "a" / "model_card.md").write_bytes(b"---\nlicense: mit\n---\nJos\xe9\n")
    assert description.licence(network) == "mit"
    assert description.card(network).endswith("Jos\ufffd\n")


def test_the_data_sets_are_those_of_the_card(tmp_path):
    network = write(tmp_path / NETWORK)
    assert description.datasets(network) == ()
    card = tmp_path / "model_card.md"
    card.write_text("---\ndatasets:\n  - FairFace\n- a b\ntags:\n  - face\n---\n# A\n")
    assert description.datasets(network) == ("FairFace", "a b")
    assert description.licence(network) == ""
    card.write_text("# A\ndatasets:\n  - FairFace\n")  # without a head
    assert description.datasets(network) == ()
    assert description.datasets(catalog.find("faces")) == ("FairFace",)


def test_a_spec_that_is_no_spec_is_refused(tmp_path):
    assert description.describe(write(tmp_path / "a.keras")) == SPEC
    wrong: list[Any] = [
        [],
        7,
        {"trunk": "cnn"},
        SPEC | {"heads": [{}]},
        SPEC | {"heads": ["age"]},
        SPEC | {"heads": 3},
    ]
    for spec in wrong:
        with pytest.raises(UserError, match="is damaged in its member multitask.json"):
            description.describe(write(tmp_path / "b.keras", spec))
    assert not description.holds_network(tmp_path / "none.keras")


# The hub


def test_without_its_package_an_address_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    assert refused("hf://own/net") == (
        "hf://own/net: needs the package huggingface_hub; in your clone: pip install "
        "-e '.[hub]'"
    )


def test_where_files_can_not_be_links_no_paragraph_says_so(tmp_path):
    """As on Windows; in a process of its own, as the package warns once."""
    pytest.importorskip("huggingface_hub")
    code = """
import os, sys
def refused(*paths, **options):
    raise OSError("a privilege is missing")
os.symlink = refused
from multitask.networks.named import hub
hub._huggingface_hub("hf://own/net")
from huggingface_hub import file_download
print(file_download.are_symlinks_supported(sys.argv[1]))
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("False\n", "")


def test_a_download_with_the_right_hash_is_used_offline_too(server):
    path = catalog.find("hf://own/net")
    assert path.read_bytes() == CONTENT
    said: list[str] = []
    server.online = False
    assert catalog.find("hf://own/net", said.append) == path
    assert said == [
        "hf://own/net can't be downloaded now (no route to host); using the copy of "
        "revision c0c0c0c0c0c0"
    ]


@pytest.mark.parametrize("digits", [64, 40])  # a large file, and one in Git itself
def test_a_file_with_another_hash_is_refused_and_removed(server, digits):
    if digits == 40:
        blob = f"blob {len(CONTENT)}\0".encode() + CONTENT
        server.etag = hashlib.sha1(blob).hexdigest()
        assert catalog.find("hf://own/net").read_bytes() == CONTENT
        (server.cache / "snapshots" / COMMIT / NETWORK).unlink()
    server.sent = b"a netw0rk"
    line = refused("hf://own/net")
    assert "is damaged: its " in line
    assert f"must be {server.etag}; the copy is removed; try again" in line
    assert not [path for path in server.cache.rglob("*") if path.is_file()]
    server.online = False
    assert "no copy with a hash is in the cache" in refused("hf://own/net")


def test_a_copy_that_was_changed_is_not_used_offline(server):
    catalog.find("hf://own/net").write_bytes(b"another one")
    server.online = False
    assert "is damaged: its SHA-256 is " in refused("hf://own/net")


def test_offline_a_copy_without_its_hash_is_named_and_not_used(server):
    """As on Windows, where the cache holds files in place of links."""
    path = hub.download("hf://own/net", print)
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content)
    assert hub.download(f"hf://own/net@{COMMIT}", print) == path  # asks the server
    server.online = False
    line = refused("hf://own/net")
    assert "can't be checked: without symbolic links its hash is not kept" in line
    assert line.endswith(f"if you trust the copy, give its path: {path}")


def test_offline_without_a_copy_says_what_to_do(server):
    server.online = False
    assert refused("hf://own/net/b.keras") == (
        "hf://own/net/b.keras: can't be downloaded now (no route to host), and no copy "
        "with a hash is in the cache of huggingface_hub; connect once, or copy its "
        "b.keras to this machine and give the path"
    )


def test_no_other_revision_than_the_announced_one_is_used(server):
    server.commit = "d1" * 20
    assert refused("hf://own/net") == (
        f"hf://own/net: is revision {COMMIT} now, and was {server.commit} a moment "
        "ago; try again"
    )


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("hf://own", "is no address of a network; write hf://OWNER/NAME[@REVISION]"),
        ("hf://own/net/a.h5", "is no address of a network; write hf://OWNER/NAME"),
        ("hf://own/net@v2", "has no such file; check the address"),
        ("hf://own/net/../a.keras", "is no address of a network; write hf://OWNER"),
        (f"hf://own/net@{COMMIT}/b/../../../a.keras", "is no address of a network"),
        (f"hf://own/..@{COMMIT}", "is no address of a network; write hf://OWNER"),
        (f"hf://own/a--b@{COMMIT}", "is no address of a network; write hf://OWNER"),
        ("hf://own/net@%2e%2e%2fa", "is no address of a network; write hf://OWNER"),
        ("hf://own/net@a/b", "is no address of a network; write hf://OWNER/NAME"),
    ],
)
def test_a_wrong_address_is_an_error(server, address, message):
    assert message in refused(address)
    assert not server.cache.exists()


@pytest.mark.parametrize(
    ("text", "revision", "file"),
    [
        ("refs/pr/1", "refs/pr/1", NETWORK),
        ("refs/pr/12/b/c.keras", "refs/pr/12", "b/c.keras"),
        ("mine%2Fnew/c.keras", "mine/new", "c.keras"),
        ("v1.0-a/b/c.keras", "v1.0-a", "b/c.keras"),
        ("refs/c.keras", "refs", "c.keras"),
    ],
)
def test_a_revision_may_be_a_branch_with_a_slash(
    text, revision, file, server, monkeypatch
):
    asked = []
    download = server.hf_hub_download

    def noting(repository, file, *, revision, **options):
        asked.append((repository, revision, file))
        return download(repository, file, revision=revision, **options)

    monkeypatch.setattr(server, "hf_hub_download", noting)
    monkeypatch.setattr(server, "hf_hub_url", lambda *_, revision: f"{revision}/main")
    path = catalog.find(f"hf://own/net@{text}")
    assert path.read_bytes() == CONTENT
    assert asked == [("own/net", revision, file)]
    assert hub.pinned(f"hf://own/net@{text}", path) == f"hf://own/net@{COMMIT}/{file}"


def test_a_hash_that_nobody_can_compute_is_refused(server):
    server.etag = "W/abc"
    with pytest.raises(UserError, match="comes without a hash to compare with"):
        hub.download("hf://own/net", print)


def test_an_address_is_pinned_to_the_revision_of_its_copy(server):
    path = catalog.find("hf://own/net")
    pin = f"hf://own/net@{COMMIT}/network.keras"
    assert hub.pinned("hf://own/net", path) == pin
    assert hub.pinned("hf://own/net@main/network.keras", path) == pin
    assert hub.pinned(pin, path) == pin
    deep = catalog.find("hf://own/net@main/a/b/faces.keras")
    assert hub.pinned("hf://own/net@main/a/b/faces.keras", deep) == (
        f"hf://own/net@{COMMIT}/a/b/faces.keras"
    )


def test_a_pinned_address_is_read_from_the_cache_without_asking(server):
    path = catalog.find("hf://own/net")
    assert server.asked == 1
    pin = hub.pinned("hf://own/net", path)
    assert catalog.find(pin) == path
    assert server.asked == 1
    path.write_bytes(b"a netw0rk")
    assert "is damaged: its SHA-256 is " in refused(pin)
    assert catalog.find(pin).read_bytes() == CONTENT  # downloaded again
    assert server.asked == 2


def test_installed_networks_are_looked_up_once_for_all_pictures_of_a_folder(
    tmp_path, monkeypatch
):
    calls = list[str]()

    def entry_points(group):
        calls.append(group)
        return []

    monkeypatch.setattr(catalog, "entry_points", entry_points)
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "run" / NETWORK)
    names = [f"{number}.jpg" for number in range(100)]
    words = [*names, "faces", "run", "x.keras", "hf://a/b", ""]
    assert list(catalog.networks_among(words)) == [
        "faces",
        "run",
        "x.keras",
        "hf://a/b",
    ]
    assert len(calls) == 1
    assert not catalog.is_network("")
