"""Does Keras export the saved network so that every runtime gives the same answers?"""

import subprocess
import sys
from collections import Counter

import keras
import numpy as np
import pytest
import tensorflow as tf

from multitask.contracts.errors import UserError
from multitask.contracts.run import NETWORK
from multitask.networks import archive, build
from multitask.networks.analyzer import Analyzer
from multitask.networks.spec import NetworkSpec
from tests.networks.untrained import NAMES, face_spec, pictures, unsettle

# Heights, widths and numbers of pictures: as the network sees them, smaller, larger,
# and so large that blocks of pixels are averaged first.
SHAPES = [(1, 20, 20), (3, 11, 70), (2, 37, 50), (5, 64, 64), (1, 333, 200)]
EXPORT = [
    pytest.param("tiny"),
    pytest.param("cnn", marks=pytest.mark.slow),  # the default trunk
]


@pytest.fixture(scope="module", params=EXPORT)
def analyzer(request, tiny_trunk, tmp_path_factory):
    """A network that was saved and loaded, with four crops that pose mirrors."""
    keras.utils.set_random_seed(0)
    spec = face_spec(request.param, tta=4, size=16 if request.param == "tiny" else 64)
    model = build.build(spec)
    unsettle(model)
    path = tmp_path_factory.mktemp("network") / NETWORK
    archive.save(model, spec, path)
    return Analyzer.load(path)


def graph(model):
    """The graph of a model, with the graphs of the functions that it calls."""
    spec = tf.TensorSpec((None, None, None, 3), tf.uint8)
    return tf.function(lambda images: model(images)).get_concrete_function(spec)


def assert_answers(outputs, analyzer, images):
    """Fail unless the outputs of a runtime are the answers of the model."""
    assert set(outputs) == set(NAMES)
    expected = {n: np.asarray(v) for n, v in analyzer.model(images).items()}
    for head in analyzer.heads:
        one, other = np.asarray(outputs[head.name]), expected[head.name]
        np.testing.assert_allclose(one, other, atol=1e-5, err_msg=head.name)
        if head.answer_type == "number":  # an age in years
            years, wanted = (head.read(v)[head.name] for v in (one, other))
            np.testing.assert_allclose(years, wanted, atol=1e-2)


# The graph


def test_the_layers_are_preprocessing_the_core_and_one_per_head(analyzer):
    names = [layer.name for layer in analyzer.model.layers]
    assert names == ["image", "preprocessing", "core", *sorted(NAMES)]
    assert analyzer.model.output_names == sorted(NAMES)
    lines: list[str] = []
    analyzer.model.summary(print_fn=lines.append)
    assert len("\n".join(lines).splitlines()) <= 30


def test_one_crop_keeps_the_names_of_the_heads(tiny_trunk):
    model = build.build(face_spec(tiny_trunk, tta=1))
    assert model.output_names == sorted(NAMES)
    assert [layer.name for layer in model.layers][3:] == sorted(NAMES)


def test_the_graph_holds_no_float64(analyzer):
    types = Counter(
        tensor.dtype.name
        for operation in graph(analyzer.model).graph.get_operations()
        for tensor in operation.outputs
    )
    assert set(types) <= {"float32", "int64", "int32", "uint8", "resource", "bool"}
    assert types["int64"] > 20  # the weights of the resizing


def test_the_picture_is_the_only_input_of_the_graph(analyzer):
    """TensorFlow would pass tensors that are constants, such as ranges, as inputs."""
    inputs = graph(analyzer.model).inputs
    assert [t.shape.rank for t in inputs if t.dtype != tf.resource] == [4]


@pytest.mark.parametrize("name", ["image", "preprocessing", "core", "pixels", "trunk"])
def test_a_head_that_would_be_called_as_a_layer_is_refused(name, tiny_trunk):
    head = face_spec(tiny_trunk).heads[1]
    spec = NetworkSpec(trunk=tiny_trunk, size=16, heads=(type(head)(name=name),))
    with pytest.raises(UserError) as caught:
        build.build(spec)
    assert str(caught.value) == (
        f"head {name}: is also the name of a layer; give the head another name"
    )


# Runtimes


def test_the_saved_model_answers_by_head(analyzer, tmp_path):
    analyzer.model.export(tmp_path / "faces", verbose=False)
    loaded = tf.saved_model.load(tmp_path / "faces")
    signature = loaded.signatures["serving_default"]
    assert set(signature.structured_outputs) == set(NAMES)
    for shape in SHAPES:
        images = pictures(*shape)
        assert_answers(loaded.serve(images), analyzer, images)
        assert_answers(signature(image=tf.constant(images)), analyzer, images)


def test_onnx_runtime_answers_by_head(analyzer, tmp_path):
    pytest.importorskip("tf2onnx", reason="needs the extra export")
    onnxruntime = pytest.importorskip("onnxruntime", reason="needs the extra export")
    file = tmp_path / "faces.onnx"
    analyzer.model.export(file, format="onnx", verbose=False)
    session = onnxruntime.InferenceSession(file)
    assert [value.name for value in session.get_inputs()] == ["image"]
    names = [value.name for value in session.get_outputs()]
    for shape in SHAPES:
        images = pictures(*shape)
        outputs = dict(zip(names, session.run(names, {"image": images}), strict=True))
        assert_answers(outputs, analyzer, images)


def interpreter(file):
    litert = pytest.importorskip(
        "ai_edge_litert.interpreter", reason="needs the extra export"
    )
    return litert.Interpreter(model_path=str(file))


def test_litert_answers_by_head_with_built_in_operations(analyzer, tmp_path):
    pytest.importorskip("ai_edge_litert", reason="needs the extra export")
    file = tmp_path / "faces.tflite"
    analyzer.model.export(file, format="litert", verbose=False)
    lite = interpreter(file)
    used = {operation["op_name"] for operation in lite._get_ops_details()}
    assert "BATCH_MATMUL" in used
    assert not [name for name in used if name.startswith(("Flex", "CUSTOM"))]
    run = lite.get_signature_runner("serving_default")
    for shape in SHAPES:
        images = pictures(*shape)
        assert_answers(run(image=images), analyzer, images)


@pytest.mark.slow
def test_litert_answers_for_pictures_of_one_size(analyzer, tmp_path):
    """The resizing is then computed by the converter, which rounds otherwise."""
    pytest.importorskip("ai_edge_litert", reason="needs the extra export")
    for shape in ((1, 20, 20), (1, 80, 80), (1, 37, 50)):
        file = tmp_path / "faces.tflite"
        signature = keras.InputSpec(dtype="uint8", shape=(*shape, 3), name="image")
        analyzer.model.export(
            file, format="litert", input_signature=[signature], verbose=False
        )
        images = pictures(*shape)
        run = interpreter(file).get_signature_runner()
        assert_answers(run(image=images), analyzer, images)


PLAIN = """
import json, sys
sys.modules["multitask"] = None  # to import it is an error
import keras, numpy, onnxruntime

model = keras.models.load_model(sys.argv[1])
model.export("faces.onnx", format="onnx", input_signature=[model.input])
session = onnxruntime.InferenceSession("faces.onnx")
images = numpy.load("images.npy")
outputs = session.run(None, {"image": images})
names = [value.name for value in session.get_outputs()]
numpy.savez("outputs.npz", **dict(zip(names, outputs)))
"""


@pytest.mark.slow
@pytest.mark.parametrize("analyzer", ["tiny"], indirect=True)
def test_plain_keras_exports_the_file_to_onnx(analyzer, tmp_path):
    pytest.importorskip("tf2onnx", reason="needs the extra export")
    pytest.importorskip("onnxruntime", reason="needs the extra export")
    archive.save(analyzer.model, analyzer.spec, tmp_path / NETWORK)
    np.save(tmp_path / "images.npy", pictures())
    run = subprocess.run(
        [sys.executable, "-I", "-c", PLAIN, NETWORK],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    assert_answers(np.load(tmp_path / "outputs.npz"), analyzer, pictures())
