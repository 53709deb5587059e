"""The command `serve` with a network of its own, in a process of its own."""

import sys
from pathlib import Path

from multitask.serve import main
from multitask.terminal.quiet import import_tensorflow
from tests import tiny


def save(folder):
    """Write a network that answers age and gender, never trained."""
    import keras

    from multitask.contracts import catalog
    from multitask.contracts.run import NETWORK
    from multitask.networks import archive, build
    from multitask.networks.spec import NetworkSpec

    keras.utils.set_random_seed(0)
    heads = tuple(catalog.heads(("age", "gender")))
    spec = NetworkSpec(trunk="tiny", size=16, heads=heads)
    archive.save(build.build(spec), spec, Path(folder) / NETWORK)


if __name__ == "__main__":
    import_tensorflow()  # before the trunk does, and with less to say
    tiny.register()
    sys.exit(main())
