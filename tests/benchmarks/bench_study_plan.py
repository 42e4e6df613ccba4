"""What planning a large study costs, beside importing pandas, in processor time and memory; JSON on standard output.

`python -m tests.benchmarks.bench_study_plan [ROUNDS]` (default 5). The study has the size of Yarally's first one:
3 strategies x 3 networks x 2 sets of parameters x 2 data sets x 64 rounds x 8 repetitions, 18,432 trials as runs.
Both are processes of their own, by turns; each figure is the median over the rounds.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

LAB = """\
schema = 1
[sut]
host = "10.0.0.1"
user = "me"
key_file = ""
python = "python3"
[meters.wall]
driver = "wattsup"
port = "/dev/ttyUSB0"
"""
STUDY = """\
schema = 1
[study]
name = "large"
title = "18,432 trials"
alpha = 0.05
[environments.gtx]
title = "One machine"
lab = "lab.toml"
[scenarios.train]
command = ["bench", "{strategy}", "{network}", "{parameters}", "{data}", "{round}"]
repetitions = 8
[scenarios.train.factors]
strategy = ["random", "grid", "bayes"]
network = ["linear", "poly", "cnn"]
parameters = [3, 5]
data = ["fashion", "cifar"]
round = %s
[responses.energy]
title = "Energy"
formula = "energy_wh"
unit = "Wh"
[questions.strategies]
title = "Does the strategy matter?"
response = "energy"
factor = "strategy"
test = "welch"
transform = "none"
"""
FACTORS = ("strategy", "network", "parameters", "data", "round")
TITLES = "".join(f'[factors.{name}]\ntitle = "{name}"\n' for name in FACTORS)
TRIALS = 18_432


def cost_of(words: Sequence[str], folder: Path) -> tuple[float, float, bytes]:
    """Processor time (s), largest resident set (MB) and output of a process."""
    with (folder / "out").open("wb") as out, subprocess.Popen(words, stdout=out) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if status:
        raise SystemExit(f"{' '.join(words)} ended with status {status}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000, (folder / "out").read_bytes()


def main() -> None:
    """Both by turns."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "lab.toml").write_text(LAB)
        (folder / "study.toml").write_text(STUDY % list(range(1, 65)) + TITLES)
        plan = [sys.executable, "-m", "harness.cli", "study", "plan", str(folder / "study.toml")]
        cases = {
            "import_pandas": [sys.executable, "-c", "import pandas"], "plan": plan, "plan_json": [*plan, "--json"],
        }  # fmt: skip
        costs: dict[str, list[tuple[float, float]]] = {name: [] for name in cases}
        for _ in range(rounds):
            for name, words in cases.items():
                taken_s, peak_mb, said = cost_of(words, folder)
                costs[name].append((taken_s, peak_mb))
        planned = json.loads(said)
        assert sum(run["scenario"] != "baseline" for run in planned["environments"][0]["runs"]) == TRIALS
    found = {name: {"s": median(s for s, _ in of), "mb": median(mb for _, mb in of)} for name, of in costs.items()}
    times = {name: found[name]["s"] / found["import_pandas"]["s"] for name in ("plan", "plan_json")}
    json.dump({"rounds": rounds, "trials": TRIALS, "costs": found, "times_import_pandas": times}, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
