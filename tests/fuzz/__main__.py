"""Look for input and sequences of events that the broadcaster, its clients or the dashboard do not bear.

python -m tests.fuzz machines                    state machines of hypothesis, 100,000 steps each
python -m tests.fuzz machines resume --steps 1000000 --seconds 3600
python -m tests.fuzz decoders                    everything that reads what others wrote, 10 CPU minutes each
python -m tests.fuzz decoders http session --seconds 60 --seed 7
python -m tests.fuzz decoders --guided           the same under atheris (pip install atheris)

Every run chooses anew unless it is given a seed. Ends with a table; the exit status is 1 if anything was found.
"""

import argparse
import random
import sys
from collections.abc import Sequence

from tests.fuzz import feeding, guided, machines
from tests.fuzz.machines import MACHINES
from tests.fuzz.targets import TARGETS


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="python -m tests.fuzz", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    kinds = made.add_subparsers(dest="kind", required=True)
    machine = kinds.add_parser("machines")
    machine.add_argument("names", nargs="*", help=f"some of {', '.join(MACHINES)} (all)")
    machine.add_argument("--steps", type=int, default=100_000, help="of each machine (100,000)")
    machine.add_argument("--seconds", type=float, default=1_800.0, help="of each machine at most (1,800)")
    decoder = kinds.add_parser("decoders")
    decoder.add_argument("names", nargs="*", help=f"some of {', '.join(TARGETS)} (all)")
    decoder.add_argument("--seconds", type=float, default=600.0, help="of the processor, for each target (600)")
    decoder.add_argument("--seed", type=int, help="chooses the input")
    decoder.add_argument("--guided", action="store_true", help="under atheris, which has to be installed")
    return made


def main(argv: Sequence[str] | None = None) -> int:
    made = parser()
    given = made.parse_args(argv)
    known = MACHINES if given.kind == "machines" else TARGETS
    if unknown := set(given.names) - set(known):
        made.error(f"no such name: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    names = given.names or list(known)
    if given.kind == "machines":
        return 0 if machines.main(names, given.steps, given.seconds) else 1
    seed = random.SystemRandom().randrange(2**32) if given.seed is None else given.seed
    print(f"seed {seed}", file=sys.stderr)
    main_of = guided.main if given.guided else feeding.main
    return 0 if main_of(names, given.seconds, seed) else 1


if __name__ == "__main__":
    sys.exit(main())
