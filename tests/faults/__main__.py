"""Is anything damaged or hostile not told? A campaign of seeded cases, as a table.

python -m tests.faults --cases pictures=10000,labels=3000,networks=2000
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

KINDS = (
    *("pictures", "labels", "datasets", "networks", "service", "detection", "videos"),
)
NEEDS = {  # packages
    "service": ("fastapi", "multipart", "prometheus_client"),
    "detection": ("skimage",),
    "videos": ("av",),
}
_SHOWN = 10  # faults


def run(kind: str, cases: int, seed: int) -> list[Outcome]:
    """The outcomes of cases of one kind; each has a seed of its own, from `seed` on."""
    module = import_module(f"tests.faults.{kind}")
    with TemporaryDirectory() as name:
        folder = Path(name)
        if hasattr(module, "prepare"):
            module.prepare(folder)
        return [module.case(each, folder) for each in range(seed, seed + cases)]


def parse_cases(text: str) -> dict[str, int]:
    """The cases of each kind: `500` of all, or `pictures=10000,labels=3000` of these.

    >>> parse_cases("labels=3000")
    {'labels': 3000}
    """
    if text.isdecimal():
        return dict.fromkeys(KINDS, int(text))
    cases = {}
    for part in text.split(","):
        kind, _, count = part.strip().partition("=")
        if kind not in KINDS or not count.isdecimal():
            must = f"KIND=N, of {', '.join(KINDS)}"
            raise argparse.ArgumentTypeError(f"{part!r} must be a number, or {must}")
        cases[kind] = int(count)
    return cases


def main(argv: list[str] | None = None) -> int:
    """Run `python -m tests.faults`; returns 1 if there is a fault."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults")
    parser.add_argument(
        "--cases",
        type=parse_cases,
        default="500",
        metavar="N|KIND=N,...",
        help="of each kind, or of some kinds",
    )
    parser.add_argument("--seed", type=int, default=0, help="of the first case")
    arguments = parser.parse_args(argv)
    warnings.simplefilter("ignore")
    print("| kind | what | cases | read | reported in a line | faults |")
    print("| --- | --- | --- | --- | --- | --- |")
    faults = []
    for kind, cases in arguments.cases.items():
        start = time.monotonic()
        outcomes = run(kind, cases, arguments.seed)
        print(*table(kind, outcomes), sep="\n", flush=True)
        print(f"{kind}: {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
        found = [(kind, one) for one in outcomes if one.is_fault]
        for _, one in islice(found, _SHOWN):
            print(f"{kind}, seed {one.seed}, {one.name}: {one.ending}", file=sys.stderr)
            print(one.detail, file=sys.stderr)
        faults += found
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
