"""A study of two networks in two environments, run by `wattlab study run`: killed twice, continued, analysed, verified;
and one with a machine that does not answer and a network that does not fit into memory."""

import json
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from harness.record.campaign_folder import CampaignFolder
from harness.record.run_folder import RunFolder
from harness.station.loopback_sshd import LoopbackSshd
from tests.e2e.test_campaign import HANGS_S, LabUnderTest, last_attempts, wait_for
from tests.harness.emulated import emulator

pytestmark = pytest.mark.timeout(1800)
NETWORK = '''\
"""A network of one hidden layer learns the parity of two bits, by gradient descent, in plain Python."""
import json, math, os, pathlib, random, resource, sys
width, rounds = {"narrow": (3, 700), "wide": (8, 2000), "huge": (0, 0)}[sys.argv[2]]
if not width:  # its weights do not fit
    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
    weights = bytearray(1 << 40)
dice = random.Random(int(os.environ["WATTLAB_SEED"]))
hidden = [[dice.uniform(-1, 1) for _ in range(3)] for _ in range(width)]
out = [dice.uniform(-1, 1) for _ in range(width + 1)]
cases = [((a, b), a ^ b) for a in (0, 1) for b in (0, 1)]
def forward(a, b):
    h = [math.tanh(w[0] * a + w[1] * b + w[2]) for w in hidden]
    return h, 1 / (1 + math.exp(-sum(o * x for o, x in zip(out, [*h, 1.0]))))
for _ in range(rounds * 4):
    for (a, b), truth in cases:
        h, said = forward(a, b)
        error = said - truth
        for index, x in enumerate(h):
            slope = error * out[index] * (1 - x * x)
            for at, value in enumerate((a, b, 1)):
                hidden[index][at] -= 0.3 * slope * value
            out[index] -= 0.3 * error * x
        out[width] -= 0.3 * error
right = sum((forward(*bits)[1] > 0.5) == bool(truth) for bits, truth in cases)
summary = {"accuracy": 25.0 * right, "cores": len(os.sched_getaffinity(0))}
(pathlib.Path(os.environ["WATTLAB_ARTIFACTS"]) / "summary.json").write_text(json.dumps(summary))
'''
STUDY = """\
schema = 1
[study]
name = "cores"
title = "Two networks on one core and on two"
alpha = 0.05
[campaign]
seed = 11
stabilization_s = 0.5
supplementary_s = 0.5
[baseline]
blocks = 2
duration_s = 2
[thresholds]
foreign_load_invalid_percent = 10000.0  # other tests run beside
[scenarios.train]
command = ["{python}", "network.py", "MARKER", "{network}"]
files = ["network.py"]
artifacts = ["summary.json"]
repetitions = 3
[scenarios.train.factors]
network = ["narrow", "wide"]
[factors.network]
title = "Network"
[factors.environment]
title = "Environment"
labels = { one = "One core", two = "Two cores" }
[responses.energy]
title = "Energy"
formula = "energy_wh"
unit = "Wh"
better = "lower"
[responses.cores]
title = "Cores"
formula = "final.cores"
unit = "1"
[questions.networks]
title = "Does the network matter?"
response = "energy"
factor = "network"
test = "welch"
transform = "none"
[interactions.both]
title = "Does the environment matter alike for both networks?"
response = "energy"
factors = ["network", "environment"]
"""
CELLS = ("train.network-narrow", "train.network-wide")
CORES = sorted(os.sched_getaffinity(0))


class StudyUnderTest(LabUnderTest):
    """A study in a folder of its own, each environment a lab.toml with a real sshd and an emulated meter."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        super().__init__(folder)
        self._stack = stack
        (folder / "network.py").write_text(NETWORK)

    def environment(self, name: str, cores: Sequence[int], *, answers: bool = True) -> str:
        """A room whose sshd, and all that it starts, has these cores; the table of it in the study file."""
        room = self.folder / name
        room.mkdir()
        prefix = ["taskset", "--cpu-list", ",".join(map(str, cores))]
        sshd = LoopbackSshd(room / "sshd", prefix=prefix)
        with ExitStack() as here:
            (self._stack if answers else here).enter_context(sshd)
            port, user, key_file, known_hosts = sshd.port, sshd.user, sshd.key_file, sshd.known_hosts
        self._stack.enter_context(emulator(room / "meter"))
        (room / "lab.toml").write_text(
            f'schema = 1\n[lab]\nname = "{name}"\n[sut]\nhost = "127.0.0.1"\nport = {port}\nuser = "{user}"\n'
            f'key_file = "{key_file}"\nknown_hosts = "{known_hosts}"\npython = "{PYTHON}"\n'
            f'folder = "{room / "sut"}"\nreconnect_s = 5\n'
            f'[meters.wall]\ndriver = "wattsup"\nport = "{room / "meter"}"\n'
        )
        return f'[environments.{name}]\ntitle = "Environment {name}"\nlab = "{name}/lab.toml"\n'

    def study(self, *parts: str, text: str = STUDY) -> None:
        (self.folder / "study.toml").write_text("".join((text.replace("MARKER", self.marker), *parts)))

    def campaign_of(self, environment: str) -> Path:
        return self.folder / "runs" / f"cores.{environment}"

    def runs_in(self, environment: str) -> list[RunFolder]:
        return CampaignFolder(self.campaign_of(environment)).runs()

    def kill_in(self, environment: str, after: int) -> None:
        """Run the study until, in an environment, more runs than so many were begun and a load runs; kill it."""
        process, log = self.start("study", "run", "study.toml"), self.campaign_of(environment) / "campaign.jsonl"

        def is_there() -> bool:
            begun = log.read_text().count('"run-begin"') if log.is_file() else 0
            return begun > after and bool(self.loads())

        wait_for(lambda: process.poll() is not None or is_there(), HANGS_S)
        assert process.poll() is None, process.communicate()
        process.kill()
        process.communicate()


PYTHON = sys.executable


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[StudyUnderTest]:
    with ExitStack() as stack:
        lab = StudyUnderTest(tmp_path, stack)
        yield lab
        assert lab.loads() == [], "a load was left running on a SUT"


def test_a_study_is_planned_killed_twice_continued_analysed_and_verified(lab: StudyUnderTest) -> None:
    lab.study(lab.environment("one", CORES[:1]), lab.environment("two", CORES[:2]))
    planned = json.loads(lab.call("study", "plan", "study.toml", "--json").stdout)
    assert (planned["runs"], planned["left"], planned["unknown_length"]) == (16, 16, 12)
    orders = [[(run["scenario"], run["seed"]) for run in place["runs"]] for place in planned["environments"]]
    assert orders[0] == orders[1], "the environments are paired: one order, one list of seeds"
    lab.kill_in("one", after=2)
    refused = lab.call("study", "report", "study.toml")
    assert refused.returncode == 1
    assert "the study is not complete" in refused.stderr
    lab.kill_in("two", after=1)
    done = lab.call("study", "run", "study.toml")
    assert done.returncode in (0, 3), done.stderr
    assert "one: 8 of 8 runs are made." in done.stdout
    assert "two: 8 of 8 runs are made." in done.stdout
    for name, place in zip(("one", "two"), planned["environments"], strict=True):
        runs = lab.runs_in(name)
        assert Counter(run.exit_status for run in runs)["abort"] == 1, "of each kill one attempt is left"
        made = [(run.start.scenario, run.start.seed) for run in last_attempts(runs)]
        assert made == [(run["scenario"], run["seed"]) for run in place["runs"]]
        kept = {(run.path / "inputs" / "campaign.toml").read_text() for run in runs}
        assert kept == {(lab.folder / "study.toml").read_text()}
        assert lab.call("verify", f"runs/cores.{name}").returncode == done.returncode
    left = json.loads(lab.call("study", "plan", "study.toml", "--json").stdout)
    assert left["left"] == 0
    analysed = lab.call("study", "report", "study.toml", "--json")
    assert analysed.returncode == 0, analysed.stderr
    study = json.loads(analysed.stdout)
    assert study["rows"]["used"] == 12
    energy, cores = study["descriptive"]
    assert [cell["n"] for cell in energy["cells"]] == [3, 3, 3, 3]
    assert {cell["label"]: cell["median"]["value"] for cell in cores["cells"]} == {
        f"{network}, {label}": len(CORES[:count])
        for network in ("narrow", "wide")
        for label, count in (("One core", 1), ("Two cores", 2))
    }
    assert [part["test"]["refused"] for part in study["interactions"][0]["effects"]] == [None] * 3
    assert [(one["made"], one["left"], one["changed"]) for one in study["environments"]] == [(8, 0, [])] * 2
    verified = lab.call("verify", "runs/study-cores")
    assert verified.returncode == 0, verified.stdout
    assert "campaigns" in verified.stdout
    lab.study(lab_tables(lab), text=STUDY.replace('test = "welch"\ntransform', 'test = "kruskal"\ntransform'))
    late = lab.call("study", "report", "study.toml", "--into", "late")
    assert "Not declared before the first run, or otherwise: questions.networks" in late.stdout


def lab_tables(lab: StudyUnderTest) -> str:
    """The environments of the study file, as they stand there."""
    text = (lab.folder / "study.toml").read_text()
    return text[text.index("[environments.") :]


def test_what_cannot_be_run_is_reported_and_the_rest_of_the_study_is(lab: StudyUnderTest) -> None:
    text = STUDY.replace('"wide"]', '"huge"]').replace("repetitions = 3", "repetitions = 2")
    rooms = [
        lab.environment("one", CORES[:1]), lab.environment("away", CORES[:1], answers=False),
        lab.environment("two", CORES[:2]),
    ]  # fmt: skip
    lab.study(*rooms, text=text.replace(', two = "Two cores"', ""))
    done = lab.call("study", "run", "study.toml")
    assert done.returncode == 1
    told = " ".join(done.stdout.split())
    assert "The other environments go on." in told
    assert "away: not begun." in told
    for name in ("one", "two"):
        assert f"{name}: 4 of 6 runs are made." in told, done.stdout
        assert f"{name}: train.network-huge does not fit into memory: 2 runs not made." in told
        failed = [run for run in lab.runs_in(name) if run.exit_status == "fail"]
        assert [(run.start.scenario, run.start.attempt) for run in failed] == [
            ("train.network-huge", n) for n in (1, 2)
        ]
        assert "MemoryError" in str(failed[-1].reason)
        verified = lab.call("verify", f"runs/cores.{name}")
        assert verified.returncode == 0, verified.stdout
    assert "see to away" in told
    refused = lab.call("study", "report", "study.toml")
    assert "all runs in away are to be made" in " ".join(refused.stderr.split())
    shown = lab.call("study", "report", "study.toml", "--incomplete", "--json")
    assert shown.returncode == 0, shown.stderr
    study = json.loads(shown.stdout)
    assert study["rows"]["used"] == 4
    lost = {one["name"]: [(cell["scenario"], cell["runs"], cell["why"]) for cell in one["given_up"]]
            for one in study["environments"]}  # fmt: skip
    huge = [("train.network-huge", 2, "memory")]
    assert lost == {"one": huge, "away": [], "two": huge}
    page = (lab.folder / "runs" / "study-cores" / "report.html").read_text()
    assert "INTERIM: the study is not complete (away no run)" in page
    assert lab.call("verify", "runs/study-cores").returncode == 0
