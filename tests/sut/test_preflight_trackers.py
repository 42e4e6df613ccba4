"""Before a start: whether the SUT's interpreter has what the trackers of lab.toml need."""

from pathlib import Path

from harness.measure.lab_file import load
from harness.measure.preflight import check_lab
from harness.station.station import SutSection
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
