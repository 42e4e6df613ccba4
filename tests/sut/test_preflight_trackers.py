"""Before a start: whether the SUT's interpreter has what the trackers of lab.toml need."""

from pathlib import Path

from harness.measure.lab_file import load
from harness.measure.preflight import check_lab
from harness.station.station import SutSection
from harness.sut.agent.power_files import PowerFiles
from tests.harness.test_config import MINIMAL


def test_a_start_is_refused_where_the_sut_lacks_a_trackers_package(tmp_path: Path, config: SutSection) -> None:
    (tmp_path / "lab.toml").write_text(MINIMAL + 'trackers = ["nvml-rapl", "carbontracker"]\n')
    reasons = check_lab(load(tmp_path / "lab.toml"), config, {})
    found = {reason.subject: (reason.severity, reason.text) for reason in reasons if "tracker" in reason.subject}
    # This interpreter, wattlab's own, reads NVML and has no tracker.
    assert found == {
        "tracker carbontracker": (
            "refuse",
            f"{config.python} there has no carbontracker; `wattlab sut prepare` installs it",
        ),
        "tracker nvml-rapl": ("ok", "what it needs is installed on the SUT"),
    }


QUALIFICATION = """
[scenarios.burn]
command = ["burn"]
[scenarios.copy]
command = ["copy"]
[qualification.loads]
idle = { kind = "idle", level = 0 }
burn = { kind = "cpu", level = 100 }
copy = { kind = "memory", level = 100 }
"""


def test_a_qualification_is_told_which_software_meters_there_are(tmp_path: Path, config: SutSection) -> None:
    (tmp_path / "lab.toml").write_text(MINIMAL + QUALIFICATION)
    reasons = check_lab(load(tmp_path / "lab.toml"), config, {})
    (found,) = [reason for reason in reasons if reason.subject == "SUT software-meters"]
    names = [one["name"] for one in PowerFiles().columns]
    said = f"software meters that are recorded: {', '.join(names)}" if names else "the machine says nothing of its own"
    assert (found.severity, found.text.startswith(said)) == ("warn", True)
