"""A study of 10,000 runs, from its file to its sealed folder, R's start included; prints JSON.

    python -m tests.benchmarks.bench_study [--runs 10000]

The limit is 30 s (docs/benchmarks.md). Knows the shape of a large study, and no number of it.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np

from harness.evidence.studies import write_study

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


def main() -> None:
    """Time one study and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        path = write_inputs(Path(name), arguments.runs)
        begin, begin_cpu = time.perf_counter(), time.process_time()
        folder = write_study(path, Path(name) / "study")
        seconds, cpu_s = time.perf_counter() - begin, time.process_time() - begin_cpu
        sizes = {file.name: file.stat().st_size for file in folder.iterdir()}
        folder.chmod(0o755)
    found = {"runs": arguments.runs, "wall_s": round(seconds, 2), "cpu_s": round(cpu_s, 2), "limit_s": LIMIT_S}
    print(json.dumps(found | {"bytes": sizes}))


if __name__ == "__main__":
    main()
