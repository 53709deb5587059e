"""Is the network in the box whole, small, and does it answer at once?"""

import io
import json
import zipfile

import h5py
import keras
import numpy as np
import pytest
from multitask.datasets._drawing import draw
from multitask.datasets._truth import truth

import multitask
from multitask.networks.named import catalog
from multitask.networks.stored.members import SPEC_MEMBER

FACES = catalog.BUNDLED / "faces" / "network.keras"
HEADS = ["age", "gender", "race7", "race"]


@pytest.fixture(scope="module")
def faces():
    return multitask.load()


@pytest.fixture(scope="module")
def pictures():
    return [np.asarray(draw(truth(0, number))) for number in range(4)]


def test_it_is_what_load_opens_without_a_name(faces, pictures):
    named = multitask.load("faces")
    assert [head.name for head in faces.heads] == HEADS
    answers = faces.predict(pictures, faces="whole")
    assert answers.equals(named.predict(pictures, faces="whole"))
    assert (answers["status"] == "ok").all()
    assert answers["age"].between(0, 116).all()


def test_plain_keras_opens_it_and_answers_alike(faces, pictures):
    plain = keras.models.load_model(FACES)
    outputs = plain.predict_on_batch(np.stack(pictures))
    classes = faces.heads[1].classes
    expected = [classes[i] for i in outputs["gender"].argmax(axis=1)]
    assert faces.predict(pictures, faces="whole")["gender"].tolist() == expected


def test_it_is_small_and_its_kernels_are_float16():
    assert FACES.stat().st_size < 6e6
    kernels = []
    with zipfile.ZipFile(FACES) as members:
        weights = io.BytesIO(members.read("model.weights.h5"))
    with h5py.File(weights) as file:
        file.visititems(
            lambda name, item: (
                kernels.append(item.dtype)
                if isinstance(item, h5py.Dataset) and item.ndim > 1
                else None
            )
        )
    assert set(kernels) == {np.dtype("float16")}


def test_it_says_how_it_was_made_and_nothing_of_the_machine():
    with zipfile.ZipFile(FACES) as members:
        spec = json.loads(members.read(SPEC_MEMBER))
    assert spec["recipe"]["heads"] == HEADS
    assert not {"data", "weights", "split"} & set(spec["recipe"])
    assert "/" not in json.dumps(spec["notes"])


def test_its_card_has_licence_attribution_and_limits():
    card = FACES.with_name("model_card.md").read_text(encoding="utf-8")
    assert card.startswith("---\nlicense: cc-by-4.0\n")
    for text in ("Kärkkäinen", "Joo", "FairFace", "## Limits", "| black, female |"):
        assert text in card
    assert card.index("## Limits") < card.index("| --- |")


def test_faces_tells_its_data_and_its_licence():
    lines = repr(multitask.load("faces")).splitlines()
    assert "trained on: FairFace" in lines
    assert "licence: cc-by-4.0" in lines
