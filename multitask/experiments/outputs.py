"""What does a network compute for the pictures of its training, the cache used?"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import tensorflow as tf

from multitask.contracts.augmentation import Augmentation
from multitask.contracts.errors import Say, UserError, counted
from multitask.contracts.head import Head
from multitask.contracts.machine import Machine
from multitask.contracts.recipe import Recipe
from multitask.images.decode import Pixels
from multitask.networks import unlike
from multitask.networks.analyzer import Analyzer
from multitask.networks.answers import Outputs, finite
from multitask.networks.build import averaged
from multitask.networks.freeze import cut as cut_core
from multitask.terminal.bar import status
from multitask.training.feature_cache import FeatureCache, Rows
from multitask.training.views import View

_BATCH = 32  # pictures whose features go through the rest of the network together
_COMPARED = 1000  # and so many tell which features are far from those of training


def network_outputs(
    analyzer: Analyzer,
    recipe: Recipe,
    machine: Machine,
    pixels: Pixels,
    rows: Rows,
    say: Say = lambda line: None,
) -> Outputs:
    """Raw outputs (rows, ...) of a network by head name, as `Analyzer.outputs`.

    If the `recipe` of its training froze some of the trunk, that part's features come
    from the cache, and the outputs equal the network's up to rounding.
    """
    last = recipe.stages()[-1]
    if not last.caches_features:
        with status(f"predicting for {counted(len(rows), 'picture')}"):
            return analyzer.outputs(pixels, rows)
    spec = analyzer.spec
    front, rest = cut_core(analyzer.model.get_layer("core"), last.freeze)
    cache = FeatureCache(front, machine.cache, say)
    views = [View(**vars(crop)) for crop in spec.crops()]
    try:
        places = cache.places(pixels, rows, views, Augmentation()).T.ravel()
    except UserError as error:  # must not keep a trained network from its report
        say(f"Features are computed without the cache: {error}")
        return analyzer.outputs(pixels, rows)
    forward = tf.function(
        lambda features: rest(features, training=False),
        input_signature=[tf.TensorSpec((None, *cache.all.shape[1:]), tf.float32)],
    )
    batches = [
        forward(tf.constant(cache.all[places[start : start + _BATCH]]))
        for start in range(0, len(places), _BATCH)
    ]
    joined = {h.name: tf.concat([b[h.name] for b in batches], 0) for h in spec.heads}
    return {name: mean.numpy() for name, mean in averaged(spec, joined).items()}


def known_rows(
    heads: Sequence[Head], raw: Outputs, network: Path, measured: int
) -> tuple[npt.NDArray[np.bool_], tuple[str, ...]]:
    """Which rows have outputs that are numbers, and what to say of the last ones.

    These, `measured` of them, are those of a report. Raises UserError if none is known.
    """
    known = finite(heads, raw)
    unknown = ~known[len(known) - measured :]
    if not unknown.any():
        return known, ()
    if unknown.all():
        what = f"answers none of {counted(measured, 'picture')} with a number"
        raise UserError(network, what, "train it again, or copy it anew")
    count = counted(int(unknown.sum()), "picture")
    return known, (f"{count} without an answer (not a number) are left out.",)


def training_features(
    analyzer: Analyzer, pixels: Pixels, table: pd.DataFrame, seed: int
) -> unlike.TrainingFeatures | None:
    """What tells pictures that are unlike those of the training part.

    `table` has their `split`, and its index are rows of `pixels`. At most 2,000 of the
    training part are looked at, and 1,000 of the validation part. None if a part has
    fewer than 200 pictures.
    """
    drawn = [
        table[table["split"] == part].sample(frac=1, random_state=seed).index[:most]
        for part, most in (("train", unlike.MOST), ("val", _COMPARED))
    ]
    if min(map(len, drawn)) < unlike.LEAST:
        return None
    count = counted(sum(map(len, drawn)), "picture")
    with status(f"looking at the features of {count}"):
        training, validation = (
            analyzer.features(pixels, rows.to_numpy()) for rows in drawn
        )
    return unlike.fit(training, validation)
