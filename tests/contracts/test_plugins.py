"""Is a file a plug-in, and does another package come in by the same door?"""

import errno
import os
import sys
from importlib import import_module
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from multitask.contracts import catalog, plugins
from multitask.contracts.catalog import from_config, to_config
from multitask.contracts.errors import UserError
from multitask.contracts.evaluation import Evaluation

MODULE = """
from dataclasses import dataclass
import pandas as pd
from multitask.heads.regression import Regression
from multitask.contracts.evaluation import Evaluation
from multitask.contracts.table import Reading

OF, ORDER = Evaluation, 15

@dataclass(frozen=True, kw_only=True)
class StarHead(Regression):
    stars: int = 5

def read(folder):
    return Reading(table=pd.DataFrame({"path": [f"{folder}/a.jpg"], "stars": [4.0]}))

def write(evaluation, folder):
    (folder / "stars.txt").write_text(evaluation.title)

def text(evaluation):
    return "all the stars"
"""
ENTRIES = """
[multitask.heads]
stars = third_party_stars:StarHead
[multitask.datasets]
shelf = third_party_stars:read
[multitask.reports]
constellation = third_party_stars
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Put a package with these entry points on the path, as pip would."""

    def install(entries):
        (tmp_path / "third_party_stars.py").write_text(MODULE)
        info = tmp_path / "third_party_stars-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            "Metadata-Version: 2.1\nName: third-party-stars\nVersion: 1.0\n"
        )
        (info / "entry_points.txt").write_text(entries)
        monkeypatch.syspath_prepend(tmp_path)

    yield install
    sys.modules.pop("third_party_stars", None)


def test_the_names_of_a_group_are_its_files_sorted_without_private_ones():
    assert [n for n in plugins.names("heads") if n in ("sigmoid", "softmax")] == [
        "sigmoid",
        "softmax",
    ]
    assert not any(name.startswith("_") for name in plugins.names("heads"))


def test_a_kind_is_the_class_named_as_its_file():
    kind = plugins.kind("softmax")
    assert (kind.__name__, kind.__module__) == ("Softmax", "multitask.heads.softmax")


def test_an_unknown_name_tells_the_nearest_of_its_group():
    with pytest.raises(UserError) as caught:
        plugins.kind("softmaks")
    assert str(caught.value).startswith(
        "kind: unknown kind 'softmaks'; did you mean 'softmax'? Known: distribution"
    )


def test_a_private_file_is_no_plug_in():
    with pytest.raises(UserError, match="kind: unknown kind '_number'"):
        plugins.kind("_number")


def test_names_of_other_packages_come_after_ours(install):
    ours = plugins.names("heads")
    install(ENTRIES)
    assert plugins.names("heads") == [*ours, "stars"]


def test_a_kind_of_another_package_makes_heads_from_config_and_back(install):
    install(ENTRIES)
    head = from_config("rating", {"kind": "stars", "stars": 6, "high": 6})
    assert (type(head).__name__, head.columns) == ("StarHead", ("rating",))
    config = to_config(head)
    assert config["kind"] == "stars"  # the name it is found by, not that of its class
    assert from_config("rating", config) == head


def test_a_kind_that_is_no_plug_in_cannot_be_saved():
    class Loose(plugins.kind("softmax")):  # type: ignore[misc]
        pass

    with pytest.raises(UserError, match=r"Loose: can't be saved, as it is not a"):
        to_config(Loose(name="genre", classes=("drama", "comedy")))


def test_a_named_head_can_be_of_another_packages_kind(install):
    install(ENTRIES)
    (age,) = catalog.heads(["age:stars"])
    assert to_config(age)["high"] == 116.0
    assert to_config(age)["stars"] == 5


def test_a_reader_of_another_package_reads(install):
    install(ENTRIES)
    table = plugins.reader("shelf")("photos").table
    assert table["path"].tolist() == ["photos/a.jpg"]
    np.testing.assert_array_equal(table["stars"], [4.0])


def test_a_report_of_another_package_stands_where_its_order_says(install):
    install(ENTRIES)
    orders = [module.ORDER for module in plugins.reports()]
    assert orders == sorted(orders)
    assert 15 in orders


def test_a_report_that_does_not_say_what_it_is_on_is_refused(install, monkeypatch):
    install(ENTRIES)
    monkeypatch.delattr(import_module("third_party_stars"), "OF")
    with pytest.raises(UserError, match="report third_party_stars: has no OF; update"):
        plugins.reports()


def test_one_of_our_names_is_refused_and_still_means_ours(install):
    install("[multitask.heads]\nsoftmax = third_party_stars:StarHead\n")
    with pytest.raises(UserError) as caught:
        plugins.names("heads")
    assert str(caught.value) == (
        "third_party_stars:StarHead: 'softmax' is the name of one of the heads of "
        "multitask; rename the entry point or uninstall its package"
    )
    assert plugins.kind("softmax").__name__ == "Softmax"


# Which reports are written


class Findings:
    """Another type of result."""


@pytest.fixture
def modules(monkeypatch):
    """Three reports on two types of results, and what they were given in turn."""
    calls: list[tuple[str, object]] = []

    def module(name, of, order, **functions):
        def write(result, folder):
            assert folder.is_dir()
            calls.append((name, result))

        return SimpleNamespace(OF=of, ORDER=order, write=write, **functions)

    loaded = {
        "page": module("page", Evaluation, 90),
        "numbers": module("numbers", Evaluation, 10, text=lambda result: "figures"),
        "more": module("more", Evaluation, 20, text=lambda result: "more figures"),
        "faults": module("faults", Findings, 5, text=lambda result: "faults"),
    }
    monkeypatch.setattr(plugins, "names", lambda group: list(loaded))
    monkeypatch.setattr(plugins, "_load", lambda group, name, attribute: loaded[name])
    return calls


@pytest.fixture
def evaluation():
    empty = pd.DataFrame()
    return Evaluation(title="run", split="all", labels=empty, answers=empty, heads=())


def test_reports_on_the_type_of_a_result_write_in_their_order(
    modules, evaluation, tmp_path
):
    plugins.write_reports(evaluation, tmp_path / "run" / "report")
    assert modules == [(name, evaluation) for name in ("numbers", "more", "page")]
    findings = Findings()
    plugins.write_reports(findings, tmp_path / "audit")
    assert modules[3:] == [("faults", findings)]


def test_a_result_is_printed_as_its_reports_with_a_text_say(modules, evaluation):
    assert plugins.text(evaluation) == "figures\n\nmore figures"
    assert plugins.text(Findings()) == "faults"
    assert plugins.text("anything else") == ""
    assert not modules  # nothing was written


def test_a_disk_that_is_full_is_told_by_the_folder(modules, tmp_path, monkeypatch):
    def full(result, folder):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    (faults,) = [module for module in plugins.reports() if module.OF is Findings]
    monkeypatch.setattr(faults, "write", full)
    with pytest.raises(UserError, match="report: can't be written: No space left on"):
        plugins.write_reports(Findings(), tmp_path / "report")
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="file/report: can't be written: Not a direc"):
        plugins.write_reports(Findings(), tmp_path / "file" / "report")


def test_a_report_of_another_package_is_written_and_printed(
    install, evaluation, tmp_path, monkeypatch
):
    install(ENTRIES)
    names = [name for name in plugins.names("reports") if name == "constellation"]
    monkeypatch.setattr(plugins, "names", lambda group: names)
    plugins.write_reports(evaluation, tmp_path)
    assert (tmp_path / "stars.txt").read_text() == "run"
    assert plugins.text(evaluation) == "all the stars"


def test_each_report_says_what_it_is_of_and_when_its_turn_is():
    for module in plugins.reports():
        assert isinstance(module.OF, type), module.__name__
        assert isinstance(module.ORDER, int), module.__name__
