"""How often U covers the truth of short intervals and of moving averages: the campaigns of `bench_coverage`, the load
as short as .3 windows, or read through windows that overlap.

Run: nice -n 19 .venv/bin/python -m tests.benchmarks.bench_short_intervals [CAMPAIGNS] [SETTING...]

Asked is, as there, whether value +- U holds the energy put in: of the mean of ten runs, total and induced, and of every
single run. `baseline blocks` are 60 s whatever the runs are. In `load-beside` the machine is not idle after the load
(another one follows at once), so nothing stands alone; in `moving` every reading is the mean over `window_s`, one a
second. Printed is one JSON line a setting.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace

from tests.benchmarks.bench_coverage import Setting, coverage

CAMPAIGNS = 400
WINDOWS = (0.3, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0)


def settings() -> Iterator[Setting]:
    """Every setting."""
    plain = Setting("short", 10, 6, block_s=60.0, type_a=False)
    for length in WINDOWS:
        yield replace(plain, name=f"short-{length:g}", duration_s=length)
        yield replace(plain, name=f"quiet-{length:g}", duration_s=length, noise_w=0.05, run_sd_w=0.02)
        yield replace(plain, name=f"walking-{length:g}", duration_s=length, memory=0.9, noise_w=2.0)
        yield replace(plain, name=f"clock-{length:g}", duration_s=length, clock_bound_s=0.3)
        yield replace(plain, name=f"load-beside-{length:g}", duration_s=length, beside_w=15.0)
    for window_s, length in ((60.0, 600.0), (5.0, 100.0), (5.0, 20.0), (5.0, 7.0)):
        yield replace(plain, name=f"moving-{window_s:g}-{length:g}", window_s=window_s, duration_s=length)
        yield replace(plain, name=f"moving-quiet-{window_s:g}-{length:g}", window_s=window_s, duration_s=length,
                      noise_w=0.05, run_sd_w=0.02)  # fmt: skip


def main(campaigns: int, names: Sequence[str]) -> None:
    """One JSON line a setting."""
    for setting in settings():
        if not names or setting.name in names:
            print(json.dumps({"setting": setting.name, **asdict(coverage(setting, campaigns))}), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else CAMPAIGNS, sys.argv[2:])
