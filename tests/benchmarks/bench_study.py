"""A study of 10,000 runs, from its file to its sealed folder, R's start included; prints JSON.

    python -m tests.benchmarks.bench_study [--runs 10000] [--trials]
    python -m tests.benchmarks.bench_study --beside 3

The limit is 30 s (docs/benchmarks.md). `--trials`: instead 18,432 generated trials in the shape of Yarally's searches,
two factors, three responses and the round, with every part and figure that a study can have of them. `--beside`: both
in turn, so many times, each in a process of its own; at most 3 times the processor time of the 10,000 runs. Knows the
shape of a large study, and no number of it.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from harness.evidence.studies import write_study
from tests.analysis.studies import in_folder, start
from tests.analysis.trials import NETS as TRIAL_NETS
from tests.analysis.trials import SEARCH_HEADER, STRATEGIES, searches

LIMIT_S = 30.0
NETS = ("mobilenet", "nasnet", "resnet", "xception", "vgg")
PLACES = ("desk", "server", "cloud", "edge")
STUDY = """\
schema = 1
[study]
name = "large"
title = "A large study"
alpha = 0.05
[table]
file = "runs.csv"
[columns]
energy = { header = "energy", unit = "J" }
images = { header = "images", unit = "image" }
load = { header = "load", unit = "%" }
quality = { header = "quality", unit = "1" }
[factors.net]
title = "Network"
column = "net"
levels = ["mobilenet", "nasnet", "resnet", "xception", "vgg"]
[factors.place]
title = "Place"
column = "place"
levels = ["desk", "server", "cloud", "edge"]
[responses.energy]
title = "Energy"
formula = "energy / images"
unit = "mJ/image"
better = "lower"
[responses.load]
title = "Load"
formula = "load"
unit = "%"
[responses.quality]
title = "Quality"
formula = "quality"
unit = "1"
better = "higher"
[[exclusions]]
reason = "the hundred hungriest"
drop = 100
which = "highest"
by = "energy"
"""
QUESTION = """
[questions.{name}]
title = "{name}"
response = "{response}"
factor = "{factor}"
test = "{test}"
transform = "none"
"""
REST = """
[correlations.load-energy]
title = "Load and energy"
x = "load"
y = "energy"
method = "spearman"
alternative = "two-sided"
groups = ["net", "place"]
[correlations.controlled]
title = "Load and energy, quality controlled"
x = "load"
y = "energy"
method = "partial"
alternative = "two-sided"
groups = ["net", "place"]
controls = ["quality"]
[reductions.energy]
title = "Energy"
response = "energy"
over = ["net", "place"]
beside = ["quality"]
[pareto.front]
title = "Energy against quality"
x = "energy"
y = "quality"
over = ["net", "place"]
"""


TRIALS = start(
    {"energy": ("energy", "J"), "u": ("u", "J"), "accuracy": ("accuracy", "1"), "round": ("round", "1")},
    {"strategy": ("Strategy", STRATEGIES), "net": ("Network", TRIAL_NETS)},
    {"accuracy": ("Accuracy", "accuracy", "1"), "energy": ("Energy", "energy", "kJ"),
     "cost": ("Energy per accuracy", "energy / accuracy", "kJ"), "round": ("Round", "round", "1"),
     "u": ("u", "u", "kJ")},
    {"accuracy": "higher", "energy": "lower", "cost": "lower"},
)  # fmt: skip
PARTS = """
[progress.best]
title = "Best"
response = "accuracy"
round = "round"
strategy = "strategy"
panels = ["net"]
repetitions = "repetition"
tolerance = 0.01
spent = "energy"
spent_u = "u"
[scatters.trade]
title = "Energy against accuracy"
x = "energy"
y = "accuracy"
groups = ["net"]
reversed = ["x"]
[spreads.cv]
title = "Spread"
response = "energy"
over = ["strategy", "net"]
limit = 0.01
[increases.net]
title = "Increase"
response = "energy"
factor = "net"
over = ["strategy"]
[clusters.split]
title = "Clusters"
responses = ["energy", "accuracy"]
parts = { high = { where = { net = ["cnn"] } }, low = { where = { net = ["poly", "linear"] } } }
[choices.which]
title = "Which strategy for which network?"
response = "accuracy"
of = "net"
among = "strategy"
beside = ["energy"]
[interactions.both]
title = "Both"
response = "accuracy"
factors = ["net", "strategy"]
[correlations.trade]
title = "Energy and accuracy"
x = "energy"
y = "accuracy"
method = "spearman"
alternative = "two-sided"
groups = ["net", "strategy"]
[reductions.energy]
title = "Energy"
response = "energy"
over = ["net", "strategy"]
beside = ["accuracy"]
[pareto.front]
title = "Energy against accuracy"
x = "energy"
y = "accuracy"
over = ["net", "strategy"]
by = "mean"
"""


def write_trials(folder: Path) -> Path:
    """The study of 18,432 trials and its table; returns the study file."""
    questions = [
        QUESTION.format(name=f"{response}-{factor}-{test}", response=response, factor=factor, test=test)
        for response in ("energy", "accuracy", "cost")
        for factor in ("net", "strategy")
        for test in ("welch", "kruskal")
    ]
    return in_folder(folder, TRIALS + "".join(questions) + PARTS, SEARCH_HEADER, searches())


def write_inputs(folder: Path, runs: int) -> Path:
    """A study file and its table of so many runs; returns the study file."""
    random = np.random.default_rng(5)
    nets, places = random.integers(len(NETS), size=runs), random.integers(len(PLACES), size=runs)
    energy = random.gamma(9, 100, runs) * (1 + nets) * (2 + places)
    load, quality = 20 + 10 * nets + random.normal(0, 4, runs), 0.9 + 0.01 * nets + random.normal(0, 0.01, runs)
    rows = [
        f"{NETS[net]},{PLACES[place]},{e!r},50000,{part!r},{q!r}"
        for net, place, e, part, q in zip(nets, places, energy.tolist(), load.tolist(), quality.tolist(), strict=True)
    ]
    (folder / "runs.csv").write_text("\n".join(["net,place,energy,images,load,quality", *rows, ""]))
    questions = [
        QUESTION.format(name=f"{response}-{factor}-{test}", response=response, factor=factor, test=test)
        for response in ("energy", "load", "quality")
        for factor in ("net", "place")
        for test in ("welch", "kruskal")
    ]
    path = folder / "study.toml"
    path.write_text(STUDY + "".join(questions) + REST)
    return path


def one(runs: int, *, trials: bool) -> None:
    """Time one study and print what it took."""
    with tempfile.TemporaryDirectory() as name:
        path = write_trials(Path(name)) if trials else write_inputs(Path(name), runs)
        begin, begin_cpu = time.perf_counter(), time.process_time()
        folder = write_study(path, Path(name) / "study")
        seconds, cpu_s = time.perf_counter() - begin, time.process_time() - begin_cpu
        sizes = {file.name: file.stat().st_size for file in folder.iterdir()}
        folder.chmod(0o755)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    found = {"runs": runs, "wall_s": round(seconds, 2), "cpu_s": round(cpu_s, 2), "limit_s": LIMIT_S}
    print(json.dumps(found | {"trials": trials, "peak_mb": round(peak_mb), "bytes": sizes}))


def beside(times: int) -> None:
    """Both studies in turn, and the median of their ratios."""
    ratios: list[tuple[float, float]] = []
    for _ in range(times):
        pair = []
        for more in ([], ["--trials"]):
            words = [sys.executable, "-m", "tests.benchmarks.bench_study", *more]
            print(text := subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip(), flush=True)
            pair.append(json.loads(text))
        ratios.append((pair[1]["cpu_s"] / pair[0]["cpu_s"], pair[1]["peak_mb"] / pair[0]["peak_mb"]))
    cpu, peak = (round(statistics.median(column), 2) for column in zip(*ratios, strict=True))
    print(json.dumps({"times": times, "cpu_ratio": cpu, "peak_ratio": peak, "limit": 3.0}))


def main() -> None:
    """One study, or both beside each other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--trials", action="store_true")
    parser.add_argument("--beside", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.beside:
        beside(arguments.beside)
    else:
        one(arguments.runs, trials=arguments.trials)


if __name__ == "__main__":
    main()
