"""Are cards valid for the hub, right about what was measured, honest about the rest?"""

import json
from dataclasses import replace

import numpy as np
import pytest
from multitask.reports import data_card, model_card
from multitask.reports._cards import text

from multitask.contracts.results.described import DataDescription, TrainedNetwork
from multitask.data.about import describe_data
from multitask.metrics.assessment import assess
from multitask.metrics.rounding import p_value_text
from tests.evaluations import by_hand
from tests.metrics.faces import drawn, of_classes

UTKFACE = DataDescription(
    name="utkface",
    reader="utkface",
    title="UTKFace",
    address="https://example.org/utkface",
    terms="non-commercial research",
    labels="what annotators took a face for",
)
MINE = DataDescription(name="mine", reader="table")
NETWORK = TrainedNetwork(
    trunk="cnn",
    size=80,
    parameters=1_234_567,
    data=(UTKFACE,),
    recipe={"epochs": 8, "trunk": "cnn"},
    parts={"train": 700, "val": 150, "test": 150},
    epochs=8,
    seconds=600.0,
    cpu_seconds=1200.0,
    licence="cc-by-4.0",
    versions={"keras": "3.15"},
)


def card(tmp_path, network=NETWORK, **changes):
    evaluation = by_hand(network=network, **changes)
    model_card.write(evaluation, tmp_path)
    return evaluation, (tmp_path / "model_card.md").read_text(encoding="utf-8")


def head_of(content):
    """The metadata of a card: each line is a key and JSON, which all of YAML reads."""
    block = content.split("---")[1].strip().splitlines()
    pairs = (line.partition(": ") for line in block)
    return {key: json.loads(value) for key, _, value in pairs}


def test_a_model_card_has_the_numbers_of_the_assessment(tmp_path):
    evaluation, content = card(tmp_path)
    head = head_of(content)
    assert head["license"] == "cc-by-4.0"
    assert head["datasets"] == ["utkface"]
    (index,) = head["model-index"]
    results = {each["task"]["name"]: each for each in index["results"]}
    accuracy = assess(evaluation).heads["gender"].scores["accuracy"].value
    metrics = results["gender"]["metrics"]
    assert (metrics[0]["type"], metrics[0]["value"]) == ("accuracy", accuracy)
    assert accuracy == pytest.approx(2 / 3)  # one of three labelled is wrong
    for one in assess(evaluation).heads.values():
        assert text.cell(one.sentence) in content
    assert "700 in the training part" in content
    assert "| UTKFace (`utkface`) | https://example.org/utkface | non-comm" in content


def test_the_results_of_a_head_name_the_data_sets_that_label_it(tmp_path):
    labels = by_hand().labels  # the fourth has no age, the third no gender
    labels["source"] = ["utkface", "utkface", "imfdb", "celeba"]
    _, content = card(tmp_path, labels=labels)
    (index,) = head_of(content)["model-index"]
    data = {each["task"]["name"]: each["dataset"] for each in index["results"]}
    assert data["age"] == {"type": "imfdb", "name": "imfdb, utkface, test part"}
    assert data["gender"] == {"type": "celeba", "name": "celeba, utkface, test part"}


def test_time_and_energy_are_those_of_the_epochs(tmp_path):
    _, content = card(tmp_path)
    assert "Training: 8 epochs in 0:10:00." in content
    # 1,200 seconds are a third of an hour: at 12 W, 4 Wh.
    assert "All cores together computed 0:20:00." in content
    assert "it is 4 Wh" in content


def test_what_nobody_states_is_called_so(tmp_path):
    network = TrainedNetwork(
        trunk="own", size=32, parameters=9, data=(MINE,), recipe={}
    )
    _, content = card(tmp_path, network, notes=("Figures are too good.",))
    assert "license" not in head_of(content)
    assert "datasets" not in head_of(content)  # `table` is nobody's data set
    assert "| mine (`mine`) | not stated | not stated | not stated |" in content
    assert "Licence of the network: not stated." in content
    assert "Pictures: not stated." in content
    assert "Its recipe is not stated." in content
    assert "Time and energy of the training are not stated." in content
    assert "- Figures are too good." in content


def test_a_useless_head_is_among_the_limits(tmp_path):
    _, content = card(tmp_path)
    limits = content.split("## Limits")[1].split("## How it was made")[0]
    assert "age: not shown to be better than a constant. Don't use it." in limits


def test_a_reader_that_is_not_installed_states_nothing():
    """A network's file may name that of another machine's package."""
    (one,) = describe_data(["shelf=/home/somebody/shelf"])
    assert one == DataDescription(name="shelf", reader="shelf")


def test_a_weaker_group_is_among_the_limits_and_the_groups(tmp_path):
    # Of 100 black, 40 are right, a constant 50; of 100 white, all.
    truth = np.tile(["male", "female"], 100)
    wrong = np.arange(200) >= 140
    answers = np.where(wrong, np.where(truth == "male", "female", "male"), truth)
    race = ["white"] * 100 + ["black"] * 100
    evaluation = replace(of_classes(truth, answers, race=race), network=NETWORK)
    model_card.write(evaluation, tmp_path)
    content = (tmp_path / "model_card.md").read_text(encoding="utf-8")
    limits = content.split("## Limits")[1].split("## How it was made")[0]
    assert (
        "- gender: worse than for all others: race black, 0.40 (0.30 to 0.49), no "
        "better than a constant there." in limits
    )
    assert "- Pictures unlike those measured" in limits
    assert "| gender | race black | 0.40 (0.30 to 0.49) | -0.60 |" in content
    assert "| gender | accuracy | 0.70 (" in content
    assert ") | 0.50 | 200 |" in content


def test_folds_have_a_card_each_and_none_in_common(tmp_path):
    model_card.write(by_hand(network=None), tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_hub_reads_the_card(tmp_path):
    hub = pytest.importorskip("huggingface_hub")
    _, content = card(tmp_path)
    read = hub.ModelCard(content)
    assert read.data.license == "cc-by-4.0"
    assert read.data.library_name == "keras"
    tasks = {one.task_name for one in read.data.eval_results}
    assert tasks == {"age", "gender", "face"}
    (tmp_path / "README.md").write_text(content, encoding="utf-8")
    assert hub.ModelCard.load(tmp_path / "README.md").data.tags[0] == "multitask"


def test_texts_of_others_end_no_cell_and_no_metadata():
    row = text.table(["a"], [["x | y\nz <b>"]]).splitlines()[-1]
    assert row == "| x \\| y z &lt;b> |"
    odd = text.metadata({"tags": ['"---"\n---', "é"]})
    assert json.loads(odd.splitlines()[1].partition(": ")[2]) == ['"---"\n---', "é"]


@pytest.mark.parametrize(
    "reader", ["utkface", "fairface", "celeba", "imfdb", "ferplus"]
)
def test_readers_state_terms(reader):
    (one,) = describe_data([f"{reader}=FOLDER"])
    assert one.is_published
    assert one.address.startswith("http")
    assert one.terms


def test_every_own_reader_of_one_data_set_states_its_terms():
    from multitask.contracts import plugins

    for reader in set(plugins.own("datasets")) - {"table", "folder"}:
        assert {"title", "terms", "labels"} <= set(plugins.about(reader)), reader
    assert plugins.about("table") == plugins.about("folder") == {}


def test_the_card_of_an_audit_counts_labels_and_faults(planted_audit):
    content = (planted_audit / data_card.FILE).read_text(encoding="utf-8")
    document = json.loads((planted_audit / "audit.json").read_text())
    assert f"{document['rows']:,} rows with labels" in content
    assert f"unreadable: {document['unreadable']}" in content
    classes = document["heads"]["gender"]["classes"]
    assert ", ".join(f"{name} {n}" for name, n in classes.items()) in content
    assert "non-commercial research" in content
    assert "The data has no split of its own." in content
    hub = pytest.importorskip("huggingface_hub")
    assert hub.DatasetCard(content).data.to_dict()["tags"][0] == "multitask"


def test_groups_stand_with_the_chance_of_their_difference(tmp_path):
    evaluation = drawn(network=NETWORK)
    model_card.write(evaluation, tmp_path)
    content = (tmp_path / model_card.FILE).read_text(encoding="utf-8")
    section = content.split("## For whom\n")[1].split("\n## ")[0]
    assert "| head | group | score (95% interval) | to the others | p | pict" in section
    for group in assess(evaluation).heads["gender"].subgroups:
        start = f"| gender | {group.title} |"
        (line,) = (one for one in section.splitlines() if one.startswith(start))
        assert line.split("|")[5].strip() == p_value_text(group.p_value)
