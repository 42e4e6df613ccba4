"""The first hour: somebody who has a plug and a script, and no lab.toml, measures. The plug is emulated, the script has
three lines, and nobody edits a file."""

import json
import re
import signal
import sys
import threading
import time
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from harness import cli
from harness.cli import measure
from harness.evidence import descriptors
from harness.measure import quick
from harness.measure.embedded import emulator
from harness.measure.lab_file import load
from harness.record.campaign_folder import CampaignFolder
from harness.record.run_folder import WORK
from harness.station.loopback_sshd import LoopbackSshd
from tests.e2e.test_front_door import OWN_HOME

pytestmark = pytest.mark.timeout(600)
THREE_LINES = """\
import time
time.sleep(2.5)
print("done")
"""
SHORT = ["--baseline", "2", "--foreign-load", "1000"]
"""Blocks of two seconds; other tests run beside."""


@pytest.fixture(autouse=True)
def _keep_handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def plug(tmp_path: Path) -> Iterator[str]:
    words = ["shelly", "--listen", "127.0.0.1:0", "--control", str(tmp_path / "plug.control")]
    with emulator([*words, "--profile", "watts=0:60"]) as running:
        yield running.port


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The newcomer's folder, with the script in it; phases are short."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "three.py").write_text(THREE_LINES)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(home))  # a SUT has wattlab's folder there, and tests run beside
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(quick, "STABILIZATION_S", 0.2)
    monkeypatch.setattr(quick, "SUPPLEMENTARY_S", 1.2)
    return folder


def given(said: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    """What a command says, as one line."""
    found = cli.main(list(words))
    out, err = said.readouterr()
    assert found == code, out + err
    return " ".join((out + err).split())


def test_a_newcomer_has_a_first_energy_within_three_commands_and_edits_no_file(
    here: Path, plug: str, capsys: pytest.CaptureFixture[str]
) -> None:
    listed = given(capsys, "measure", "--", "python3", "three.py", code=1)
    assert "named by its address: --meter http" in listed or "Nothing was written to any port" in listed
    assert list(here.iterdir()) == [here / "three.py"]
    said = given(
        capsys, "measure", "--meter", f"shelly@{plug}", "--runs", "2", *SHORT, "--", "python3", "three.py"
    )  # fmt: skip
    assert "Quick: 2 runs and 2 baseline blocks" in said
    assert "First run, EMULATED: (" in said
    assert "mWh gross" in said
    assert said.index("First run") < said.index("run 3/4")
    assert "This machine measured itself" in said
    assert "emulated" in said.partition("Verdict: ")[2]

    lab = here / "measured" / "three-1" / "lab.toml"
    config = load(lab)
    assert config.scenarios[0].repetitions == 2
    campaign = config.campaign_folder
    runs = CampaignFolder(campaign).runs()
    assert [run.start.kind for run in runs] == ["baseline", "scenario", "scenario", "baseline"]
    assert (runs[1].path / WORK / "three.py").read_text() == THREE_LINES
    assert runs[1].start.scenario_config["directory"] == str(here)
    results = json.loads((campaign / "derived" / "results.json").read_text())
    energy, duration = (results["scenarios"]["three"][key] for key in ("energy_wh", "duration_s"))
    assert energy["value"] == pytest.approx(60 * duration["value"] / 3600, rel=0.1)
    assert energy["U"] > 0
    shared = next(finding for finding in results["findings"] if finding["code"] == "host-on-sut")
    assert 0 < shared["evidence"]["busy_cpus_in_runs"] < 0.5
    assert "checks passed" in given(capsys, "verify", str(campaign))
    assert "is done" in given(capsys, "run", "--lab", str(lab))
    assert "Nothing stands in the way" in given(capsys, "check", "--lab", str(lab))
    assert "report.html" in given(capsys, "report", str(campaign))


def test_a_machine_reached_by_ssh_gets_the_script_and_runs_it(
    here: Path, plug: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "home of the SUT").mkdir()
    with LoopbackSshd(tmp_path / "sshd", prefix=[*OWN_HOME, str(tmp_path / "home of the SUT")]) as sshd:
        known = tmp_path / "home" / ".ssh" / "known_hosts"
        words = ["measure", "--meter", f"shelly@{plug}", "--sut", f"{sshd.user}@{sshd.host}:{sshd.port}", "--runs", "1"]
        words += ["--python", sys.executable, "--key-file", str(sshd.key_file), *SHORT, "--", "python3", "./three.py"]
        refused = given(capsys, *words, code=1)
        assert "ssh-keyscan" in refused
        assert not (here / "measured").exists()
        known.parent.mkdir(parents=True, mode=0o700)
        known.write_text(sshd.known_hosts.read_text())
        said = given(capsys, *words)
    assert "First run, EMULATED" in said
    assert "three, its one run: (" in said
    assert "how far runs differ" in said
    assert "This machine" not in said
    table = tomllib.loads((here / "measured" / "three-1" / "lab.toml").read_text())
    assert table["sut"]["host"] == sshd.host
    assert table["scenarios"]["three"]["command"] == ["python3", "three.py"]
    assert "directory" not in table["scenarios"]["three"]


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Path]:
    """A powercap tree of which a package takes 20 W."""
    zone, is_over = tmp_path / "powercap" / "intel-rapl:0", threading.Event()
    zone.mkdir(parents=True)
    (zone / "name").write_text("package-0\n")
    (zone / "max_energy_range_uj").write_text("262143328850\n")

    def count() -> None:
        begin_s = time.monotonic()
        while not is_over.wait(0.02):
            partial = zone / "energy_uj.part"
            partial.write_text(f"{int((time.monotonic() - begin_s) * 20e6)}\n")
            partial.replace(zone / "energy_uj")

    feeder = threading.Thread(target=count)
    feeder.start()
    time.sleep(0.1)
    yield zone.parent
    is_over.set()
    feeder.join()


def test_counters_of_the_machine_are_an_estimate_on_every_line_and_certify_nothing(
    here: Path, tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["measure", "--meter", f"rapl@{tree}", "--runs", "1", *SHORT, "--", "python3", "three.py"]
    said = given(capsys, *words)
    assert "ESTIMATED, NOT MEASURED" in said.partition("run 1/2")[0]
    assert "First run, ESTIMATED: (" in said
    assert "ESTIMATED by software, not measured" in said
    assert "Verdict: not certifiable." in said
    campaign = here / "measured" / "three-1" / "runs" / "quick"
    assert "meter rapl: estimated: no evidence about a real machine" in given(capsys, "verify", str(campaign))
    given(capsys, "report", str(campaign), "--audit")
    for page in ("report.html", "audit.html"):
        assert (campaign / "derived" / page).read_text().count("ESTIMATED") > 2
    (run, *_) = CampaignFolder(campaign).runs()
    (descriptor,) = run.power
    assert descriptor.origin == "estimated"
    forged = replace(descriptor, origin="unattested", evidence={})
    (problem,) = descriptors._of_port(forged, {"port": str(tree)})
    assert "what is computed is 'estimated'" in problem


def test_what_ends_before_the_meter_sees_it_is_said_after_the_first_run(
    here: Path, plug: str, capsys: pytest.CaptureFixture[str]
) -> None:
    said = given(capsys, "measure", "--meter", f"shelly@{plug}", *SHORT, "--", "true", code=1)
    assert re.search(r"has a new value every (1|0\.9\d) s", said)
    assert "1 run and 1 baseline block are whole and kept" in said


def test_ctrl_c_leaves_a_campaign_that_can_be_read_and_says_what_is_there(
    here: Path, plug: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_path: Path, _thrown_out: str | None) -> str | None:
        raise KeyboardInterrupt

    monkeypatch.setattr(measure, "FirstEnergy", lambda: interrupted)
    words = ["measure", "--meter", f"shelly@{plug}", "--runs", "1", *SHORT, "--", "python3", "three.py"]
    said = given(capsys, *words, code=128 + signal.SIGINT)
    assert "0 runs and 1 baseline block are whole and kept in" in said
    assert "goes on" in said
    lab = here / "measured" / "three-1" / "lab.toml"
    monkeypatch.undo()
    assert "no-result" in given(capsys, "report", str(load(lab).campaign_folder), code=3)


def test_a_command_that_fails_is_told_with_its_last_words(
    here: Path, plug: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "bad.py").write_text("import sys\nprint('no such data set')\nsys.exit(2)\n")
    said = given(capsys, "measure", "--meter", f"shelly@{plug}", *SHORT, "--", "python3", "bad.py", code=1)
    assert (
        "failed once: the command of bad ended with exit code 2 after 'no such data set'; all that it wrote is" in said
    )
    campaign = here / "measured" / "bad-1" / "runs" / "quick"
    (run,) = (run for run in CampaignFolder(campaign).runs() if run.start.kind == "scenario")
    assert f"{run.path.name}/artifacts: stdout.txt" in said
    assert f"All attempts are kept in {campaign}" in said
    assert f"run --lab {here / 'measured' / 'bad-1' / 'lab.toml'}` tries again" in said
    report = given(capsys, "report", str(here / "measured" / "bad-1" / "runs" / "quick"), code=3)
    assert "no-result" in report


def test_a_program_that_is_not_there_leaves_nothing(here: Path, plug: str, capsys: pytest.CaptureFixture[str]) -> None:
    said = given(capsys, "measure", "--meter", f"shelly@{plug}", *SHORT, "--", "trian", code=1)
    assert "has no program 'trian'" in said
    assert not (here / "measured").exists()
