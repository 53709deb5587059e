"""How good is a network on labelled pictures?"""

from collections.abc import Callable

import tensorflow as tf

from multitask.contracts.augmentation import Augmentation
from multitask.contracts.errors import UserError
from multitask.contracts.recipe import Recipe
from multitask.contracts.recipe_texts import NONE
from multitask.images.decode import Pixels
from multitask.networks.analyzer import Analyzer, Outputs
from multitask.networks.build import averaged
from multitask.networks.freeze import cut
from multitask.training.feature_cache import _BATCH, FeatureCache, Rows
from multitask.training.views import View


def outputs(
    analyzer: Analyzer,
    recipe: Recipe,
    pixels: Pixels,
    rows: Rows,
    say: Callable[[str], object] = lambda line: None,
) -> Outputs:
    """Raw outputs (rows, ...) of a network by head name, as `Analyzer.outputs`.

    What the `recipe` that it was trained by froze is not computed again, if it was
    kept in float32; the outputs are then the network's to rounding.
    """
    how = recipe.stages()[-1].freeze
    if how == NONE or not recipe.views or recipe.cache_precision != "float32":
        return analyzer.outputs(pixels, rows)
    spec = analyzer.spec
    front, behind = cut(analyzer.model.get_layer("core"), how)
    kept = FeatureCache(front, recipe.cache, "float32", say)
    looks = [View(**vars(look)) for look in spec.crops()]
    try:
        places = kept.places(pixels, rows, looks, Augmentation()).T.ravel()
    except UserError as error:  # what was trained is to be measured all the same
        say(f"Answers are computed anew: {error}")
        return analyzer.outputs(pixels, rows)
    forward = tf.function(
        lambda values: behind(values, training=False),
        input_signature=[tf.TensorSpec((None, *kept.all.shape[1:]), tf.float32)],
    )
    parts = [
        forward(tf.constant(kept.all[places[start : start + _BATCH]]))
        for start in range(0, len(places), _BATCH)
    ]
    said = {h.name: tf.concat([p[h.name] for p in parts], 0) for h in spec.heads}
    return {name: mean.numpy() for name, mean in averaged(spec, said).items()}
