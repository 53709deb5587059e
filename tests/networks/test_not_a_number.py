"""Is what a network gives that is no number told, and never taken for an answer?"""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import multitask
from multitask.contracts import catalog
from multitask.data.framing import USUAL
from multitask.images.video import Step
from multitask.networks import archive, build
from multitask.networks.answers import NO_NUMBER, finite, read_all
from multitask.networks.prediction.deepface import with_deepface
from multitask.networks.spec import NetworkSpec
from multitask.networks.video.predict import Reader, predict_frames
from tests.networks.untrained import pictures

BEFORE = ["status", "path", "box"]  # columns
HEADS = tuple(catalog.heads(["age", "gender", "attributes[Smiling,Young]"]))


@pytest.fixture
def damaged(tiny_trunk, tmp_path):
    """A network file in which one weight of the head `gender` is NaN."""
    spec = NetworkSpec(trunk=tiny_trunk, size=16, heads=HEADS)
    model = build.build(spec)
    bias = model.get_layer("core").get_layer("gender").bias
    bias.assign([np.nan, 0.0])
    archive.save(model, spec, tmp_path / "network.keras")
    return multitask.load(tmp_path / "network.keras")


def test_predictions_say_so_and_have_no_answers(damaged):
    table = damaged.predict(list(pictures(3)), probabilities=True)
    assert table["status"].tolist() == [NO_NUMBER] * 3
    answers = table.drop(columns=BEFORE)
    assert "gender_confidence" in answers
    assert answers.isna().all(axis=None)
    assert table["Smiling"].dtype == "Int64"
    rows, features = damaged.embed(list(pictures(2)))
    assert rows["status"].tolist() == [NO_NUMBER] * 2
    assert np.isnan(features).all()
    (one,) = damaged.stream([pictures(1)[0]])
    assert one["status"].item() == NO_NUMBER


def test_heads_that_do_give_numbers_answer(damaged):
    table = damaged.predict(list(pictures(3)), heads=["age", "attributes"])
    assert table["status"].tolist() == ["ok"] * 3
    assert table[["age", "Smiling"]].notna().all(axis=None)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_only_rows_without_numbers_have_no_answers(value):
    outputs = {"attributes": np.full((4, 2), 0.75, np.float32)}
    outputs["attributes"][2, 1] = value
    head = HEADS[2]
    assert finite([head], outputs).tolist() == [True, True, False, True]
    table = read_all([head], outputs, np.array([7, 5, 3, 1]), probabilities=True)
    assert table.index.tolist() == [7, 5, 3, 1]
    assert table["Smiling"].tolist() == [1, 1, pd.NA, 1]
    assert table.loc[3].isna().all()
    assert table.loc[[7, 5, 1]].notna().all(axis=None)


def test_deepface_says_so(damaged):
    table = damaged.predict(list(pictures(1)), probabilities=True)
    (face,) = with_deepface(table, HEADS)["deepface"]
    assert face == {"img_path": None, "error": NO_NUMBER}
    damaged.spec = replace(damaged.spec, framing=USUAL)
    with pytest.raises(multitask.UserError, match="gives no answer"):
        multitask.deepface.analyze(
            pictures(1)[0], ["gender"], network=damaged, detector_backend="skip"
        )


class Frames:
    """A video whose second frame is dark."""

    name, fault, is_camera, rate = "a.mp4", "", False, 5.0

    def frames(self, step):
        from multitask.images.video import Frame

        for number, value in enumerate((100, 0, 100)):
            pixels = np.full((20, 20, 3), value, np.uint8)
            yield Frame(time=number / 5, pixels=pixels)


def test_frames_of_a_video_say_so():
    def outputs(pixels):
        red = pixels[..., 0].mean(axis=(1, 2)).astype(np.float32)
        shares = np.full((len(pixels), 2), 0.5, np.float32)
        shares[red == 0] = np.nan
        return {"gender": shares}, None

    (gender,) = catalog.heads(["gender"])
    reader = Reader(
        outputs=outputs, side=16, find=None, heads=[gender], selected=[gender]
    )
    (table,) = predict_frames(Frames(), Step(frames=1), reader)  # type: ignore[arg-type]
    assert table["status"].tolist() == ["ok", NO_NUMBER, "ok"]
    assert table["gender"].isna().tolist() == [False, True, False]
    assert list(table) == ["status", "path", "time", "gender", "gender_confidence"]


def test_the_service_says_so(damaged):
    for name in ("fastapi", "httpx", "multipart", "prometheus_client", "uvicorn"):
        pytest.importorskip(name)
    from tests.service.served import encoded, sent, server

    with server(damaged) as client:
        files = sent(encoded(pictures(1)[0]))
        for query, status in (
            ("", NO_NUMBER),
            ("?heads=age,gender&probabilities=true", NO_NUMBER),
            ("?heads=age,attributes&probabilities=true", "ok"),
        ):
            response = client.post(f"/analyze{query}", files=files)
            assert response.status_code == 200
            (picture,) = response.json()["pictures"]
            assert picture["status"] == status
            answers = picture["faces"][0]["answers"]
            expected = damaged.predict(
                pictures(1)[0],
                heads=query[len("?heads=") :].partition("&")[0] or None,
                probabilities="true" in query,
            )
            assert expected["status"].item() == status
            assert list(answers) == list(expected.drop(columns=BEFORE))
            empty = expected[list(answers)].isna().iloc[0]
            assert {n for n in answers if answers[n] is None} == {*empty.index[empty]}
