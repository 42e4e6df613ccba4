"""How often two-stage plans keep their promise, over many simulated campaigns of known truth; JSON on standard output.

`python -m tests.benchmarks.bench_plan [CAMPAIGNS]` (default 400 for each setting; minutes). `covered`: the share of
intervals that hold the truth; `reached`: the share of half-widths that are as small as wanted, of those promised.
"""

import json
import sys

import numpy as np

from reports.inference.planning import Pilot, PilotBaseline, Wanted, final_interval, sizes
from tests.analysis.two_stage import TRUE_WH, Simulated, estimated

SETTINGS = ((0.1, 0.5, 10, 5, 0.05), (0.1, 0.5, 10, 10, 0.05), (0.05, 2.0, 10, 10, 0.1), (0.3, 0.1, 10, 5, 0.08))
"""sd of runs (Wh), sd of blocks (W), pilot runs, pilot blocks, half-width."""
SHARE, MOST = 0.9, 1000


def outcome(lab: Simulated, runs: int, blocks: int, wanted: Wanted) -> tuple[bool, bool] | None:
    """(covered, reached) of one campaign; None where nothing was promised."""
    pilot_runs, pilot_blocks = lab.runs(runs), lab.blocks(blocks)
    pilot, base = estimated(pilot_runs, pilot_blocks)
    found = sizes({"x": pilot}, base, wanted)
    if "x" not in found.runs:
        return None
    number = found.runs["x"]
    spread: tuple[Pilot, PilotBaseline]
    if wanted.keeps_pilot:
        all_runs = np.concatenate([pilot_runs, lab.runs(number - runs)])
        all_blocks = np.concatenate([pilot_blocks, lab.blocks(found.blocks - blocks)])
        value_wh, spread = estimated(all_runs, all_blocks)[0].energy_wh, (pilot, base)
    else:
        spread = estimated(lab.runs(number), lab.blocks(found.blocks))
        value_wh = spread[0].energy_wh
    final = final_interval(value_wh, *spread, number, found.blocks)
    expanded = final.expanded or 0.0
    return abs(final.value - TRUE_WH) <= expanded, expanded <= wanted.half_width * abs(final.value)


def main() -> None:
    """Simulate every setting, with the pilot kept and for a new campaign."""
    campaigns = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    rows = []
    for keeps_pilot in (True, False):
        for sd_wh, sd_w, runs, blocks, half_width in SETTINGS:
            lab = Simulated(sd_wh, sd_w)
            wanted = Wanted(half_width, SHARE, MOST, MOST, keeps_pilot)
            found = [one for _ in range(campaigns) if (one := outcome(lab, runs, blocks, wanted)) is not None]
            setting = {"sd_wh": sd_wh, "sd_w": sd_w, "runs": runs, "blocks": blocks, "half_width": half_width}
            covered, reached = (sum(part) / len(found) for part in zip(*found, strict=True))
            rows.append({"keeps_pilot": keeps_pilot, **setting, "promised": len(found),
                         "covered": covered, "reached": reached})  # fmt: skip
    json.dump({"campaigns": campaigns, "share": SHARE, "settings": rows}, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
