"""How is a network opened, and what does training with Keras's own `fit` need?

TensorFlow is imported when one of the functions is called.
"""

from collections.abc import Callable, Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from multitask.contracts.errors import Say, in_python, python_spelling

if TYPE_CHECKING:
    import keras
    import pandas as pd
    import tensorflow as tf

    from multitask.contracts.head import Heads
    from multitask.contracts.machine import Machine
    from multitask.networks.analyzer import Analyzer


@python_spelling
def load(network: str | PathLike[str] | None = None) -> "Analyzer":
    """Open a trained network, to predict with it.

    Args:
        network: A network file (`network.keras`), the folder of a run, a name that
            `python -m multitask.networks` lists, or `hf://OWNER/NAME`; by default the
            network `faces`. A `Path` is never a name.

    Returns:
        An analyzer: its `predict` takes pictures and returns a DataFrame.

    Raises:
        UserError: There is no such network, or multitask did not write the file.

    Example:
        >>> faces = multitask.load("faces")  # doctest: +SKIP
        >>> faces.predict(["a.jpg", "b.jpg"])  # doctest: +SKIP
    """
    from multitask.cli import keywords
    from multitask.networks.named import catalog
    from multitask.terminal import quiet

    name = catalog.DEFAULT if network is None else keywords.file("network", network)
    file = catalog.find(name)
    quiet.import_tensorflow()
    from multitask.networks.analyzer import Analyzer

    return Analyzer.load(file)


@python_spelling
def build(
    heads: "Heads",
    *,
    trunk: "str | keras.Model | Callable[[Any], Any]" = "cnn",
    table: "pd.DataFrame | None" = None,
    image_size: int | None = None,
    crop: float = 0.89,
    weights: str = "none",
    dropout: float = 0.2,
    tta: int = 4,
    loss_weights: Mapping[str, float] | float | str | None = None,
    optimizer: "str | keras.optimizers.Optimizer" = "adam",
    learning_rate: Any = None,
) -> "keras.Model":
    """Build a compiled Keras model: one trunk with many heads.

    The model takes float32 images (batch, size, size, 3) in 0..255, as `dataset` makes
    them, and gives a dict of outputs by head name. It is compiled with each head's
    loss, loss weight and weighted metrics, so that Keras's own `fit`, `evaluate` and
    callbacks work. Its layers are plain Keras, and `model.get_layer("trunk")` is the
    trunk. It uses Keras's global dtype policy.

    Args:
        heads: Names, groups, `NAME:KIND` or `NAME[COLUMN,...]`; the names of label
            columns of `table`; or heads such as `Softmax(name="mood")` of
            `multitask.heads.softmax`, or of a class of your own.
        trunk: The name of a trunk (`python -m multitask.trunks` lists them); or a
            `keras.Model` or a function of your own that turns such images into features
            (batch, features), and scales the pixels itself.
        table: Labelled pictures, as for `dataset`. Heads that leave their classes open
            take those that occur in it, a list of yes/no labels keeps those that do,
            and every head starts from the distribution of its labels.
        image_size: The side of an image in pixels; by default that of the trunk.
        crop: The share of each side of a picture that the network sees.
        weights: What a trunk by name begins from: `"imagenet"`, `"none"`, a file, or a
            network, of which heads of the same names are loaded, too.
        dropout: The share of the features dropped in training.
        tta: How many views of a picture, 1, 2, 4 or 16, a saved network averages.
        loss_weights: The weights of the heads' losses, by head name, or one for all; by
            default those of the heads.
        optimizer: A Keras optimizer, the name of one, or `"muon"`.
        learning_rate: The learning rate of an optimizer given by name, or a Keras
            schedule; by default that of Keras.

    Raises:
        UserError: An argument is invalid, or a head needs `table` for its classes.

    Example:
        >>> model = build(["age", "gender"], image_size=32)
        >>> {name: output.shape for name, output in model.output.items()}
        {'age': (None, 117), 'gender': (None, 2)}
    """
    from multitask.terminal import quiet

    quiet.import_tensorflow()
    from multitask.training.custom_model import build_model

    return build_model(
        heads,
        trunk=trunk,
        table=table,
        image_size=image_size,
        crop=crop,
        weights=weights,
        dropout=dropout,
        tta=tta,
        loss_weights=loss_weights,
        optimizer=optimizer,
        learning_rate=learning_rate,
    )


@python_spelling
def dataset(
    table: "pd.DataFrame",
    heads: "keras.Model | Heads",
    *,
    image_size: int | None = None,
    crop: float | None = None,
    batch_size: int = 64,
    training: bool = False,
    augment: str | None = None,
    seed: int = 0,
    say: Say = print,
    machine: "Machine | None" = None,
) -> "tf.data.Dataset":
    """Make a `tf.data.Dataset` of batches (images, targets, weights) from a table.

    Images are float32 (batch, size, size, 3) in 0..255. Targets and weights are dicts
    by head name. A missing label has weight 0, even a single one in a list of yes/no
    labels. Pictures are decoded once, during the call. `say` is called with a line
    about those that can't be read, and about labels that a head can't use.

    Args:
        table: One row per picture: `path` (a file; or a PIL image, a uint8 array or the
            bytes of a file), a column per label, and optionally `box` (`left top right
            bottom` in pixels). An empty cell means that nobody annotated it.
        heads: The model that `build` returned, whose heads, image size and crop are
            used. For a model that you built yourself, its heads as in `build`.
        image_size: The side of an image in pixels; only for heads without a model.
        crop: The share of each side of a picture that is shown; 0.89 for heads without
            a model.
        batch_size: Pictures per batch.
        training: Whether to shuffle and augment, each epoch differently. Batches are
            then full; the few pictures left over differ from epoch to epoch.
        augment: How to augment, `"standard"` by default: `"none"`, `"flip"`,
            `"strong"`, or others of `--augment` except `"mixup"`.
        seed: Seed of shuffling and augmentation.
        say: Called with each line on what can't be read or used.
        machine: A `multitask.Machine`: a folder for features, memory for pictures.

    Raises:
        UserError: An argument is invalid, no picture can be read, there is no label
            at all, or a head can use none of its labels.

    Example:
        >>> import tempfile
        >>> import keras
        >>> from multitask.datasets import sample
        >>> trunk = keras.layers.GlobalAveragePooling2D()  # a quick one
        >>> model = build(["age", "gender"], trunk=trunk, image_size=32)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     faces = sample.read(folder, count=40).table
        ...     training = dataset(faces[:32], model, batch_size=8, training=True)
        ...     validation = dataset(faces[32:], model)
        >>> history = model.fit(
        ...     training, validation_data=validation, epochs=2, shuffle=False, verbose=0
        ... )
        >>> len(history.history["val_age_mae"])
        2
    """
    from multitask.cli import keywords
    from multitask.terminal import quiet

    batch_size = keywords.whole("batch_size", batch_size)
    quiet.import_tensorflow()
    from multitask.training.custom_data import labelled_batches

    return labelled_batches(
        table,
        heads,
        image_size=image_size,
        crop=crop,
        batch_size=batch_size,
        training=training,
        augment=augment,
        seed=seed,
        say=in_python(say),
        machine=keywords.machine(machine),
    )


@python_spelling
def save(model: "keras.Model", path: str | Path) -> None:
    """Save a model from `build` as one file that `load` and plain Keras open.

    The network in the file takes uint8 pictures of any size: resizing, and averaging
    over `tta` views of a picture, are part of it, as in a network that `fit` trains. It
    computes in float32.

    Args:
        model: A model that `build` returned, trained or not.
        path: The file, which must end in `.keras`; one that exists is replaced.

    Raises:
        UserError: The model is not from `build`, the file can't be written, or the
            class of a head has no entry point in the group `multitask.heads`, where
            `load` looks for it.

    Example:
        >>> import tempfile
        >>> import multitask
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save(build("gender", image_size=16), f"{folder}/faces.keras")
        ...     faces = multitask.load(f"{folder}/faces.keras")
        >>> [head.name for head in faces.heads]
        ['gender']
    """
    from multitask.training.custom_model import save_model

    save_model(model, Path(path))
