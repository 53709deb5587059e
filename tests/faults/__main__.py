"""Is anything damaged or hostile not told? A campaign of seeded cases, as a table.

python -m tests.faults --cases 10000
"""

import argparse
import sys
import time
import warnings
from importlib import import_module
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.faults.outcomes import Outcome, table

KINDS = ("pictures", "labels", "networks")
_SHOWN = 10  # faults


def run(kind: str, cases: int, seed: int) -> list[Outcome]:
    """The outcomes of cases of one kind; each has a seed of its own, from `seed` on."""
    module = import_module(f"tests.faults.{kind}")
    with TemporaryDirectory() as name:
        folder = Path(name)
        if hasattr(module, "pictures") and kind == "labels":
            module.pictures(folder)
        return [module.case(each, folder) for each in range(seed, seed + cases)]


def main(argv: list[str] | None = None) -> int:
    """Run `python -m tests.faults`; returns 1 if there is a fault."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults")
    parser.add_argument("--cases", type=int, default=500, help="of each kind")
    parser.add_argument("--seed", type=int, default=0, help="of the first case")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    arguments = parser.parse_args(argv)
    warnings.simplefilter("ignore")
    print("| kind | what | cases | read | told in a line | faults |")
    print("| --- | --- | --- | --- | --- | --- |")
    faults = []
    for kind in arguments.kinds:
        start = time.monotonic()
        outcomes = run(kind, arguments.cases, arguments.seed)
        print(*table(kind, outcomes), sep="\n", flush=True)
        print(f"{kind}: {time.monotonic() - start:.0f} s", file=sys.stderr)
        faults += [(kind, one) for one in outcomes if one.is_fault]
    for kind, one in islice(faults, _SHOWN):
        print(f"{kind}, seed {one.seed}, {one.name}: {one.ending}", file=sys.stderr)
        print(one.detail, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
