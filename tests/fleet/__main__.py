"""Kill a fleet at random, and look whether every run was measured once: `python -m tests.fleet KILLS [SEED]`. Bounded:
about 10 s a kill on a quiet machine."""

import argparse
import logging
import tempfile
import time
from pathlib import Path

from harness.record.campaign_folder import CampaignFolder
from harness.record.entries import RunBegin, RunEnd, of
from tests.fleet.benches import killed_at_random


def main() -> None:
    """Kill, and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kills", type=int)
    parser.add_argument("seed", type=int, nargs="?", default=1)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    begin = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="wattlab-fleet-") as folder,
        killed_at_random(Path(folder), arguments.kills, arguments.seed) as fleet,
    ):
        for name in fleet.names:
            fleet.require_each_run_once(name)
            entries = CampaignFolder(fleet.campaign(name)).entries()
            ends = of(RunEnd, entries)
            print(
                f"{name}: killed {fleet.killed[name]} times, {fleet.planned} planned runs, "
                f"{len(of(RunBegin, entries))} attempts, "
                f"{sum(end.exit_status == 'abort' for end in ends)} cut, "
                f"{sum(end.thrown_out is not None for end in ends)} thrown out"
            )
    print(f"{arguments.kills} kills in {time.monotonic() - begin:.0f} s: every run was measured once")


if __name__ == "__main__":
    main()
