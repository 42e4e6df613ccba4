"""`trackers` of a scenario in lab.toml: what is shipped, started and fetched, and how a mistake is told."""

from pathlib import Path

import pytest

from harness.measure.lab_file import LabConfig, load
from harness.measure.scenario import Scenario
from harness.record.errors import ConfigError
from tests.harness.stations import station_file
from tests.harness.test_config import MINIMAL
from tests.workloads.conftest import ROOT
from workloads.trackers.tracking import TRACKERS, parse

MINE = MINIMAL + '[scenarios.mine]\ncommand = ["{python}", "bench.py"]\nfiles = ["bench.py"]\nrepetitions = 2\n'


def read(tmp_path: Path, text: str) -> LabConfig:
    (tmp_path / "bench.py").touch()
    (tmp_path / "around.py").touch()
    (tmp_path / "lab.toml").write_text(text)
    return load(tmp_path / "lab.toml")


def scenario(tmp_path: Path, text: str) -> Scenario:
    return read(tmp_path, text).scenarios[-1]


def test_a_program_that_runs_the_trackers_itself_is_started_as_it_is_with_their_files_beside_it(tmp_path: Path) -> None:
    plain = scenario(tmp_path, MINIMAL)
    made = scenario(tmp_path, MINIMAL + 'trackers = ["eit", "codecarbon"]\ntracker_periods_s = { codecarbon = 1 }\n')
    assert made.command == plain.command
    added = {path.name for path in made.files} - {path.name for path in plain.files}
    assert added == {"tracker_eit.py", "tracker_codecarbon.py", "tracker_counters.py"}
    assert len({path.name for path in made.files}) == len(made.files)
    left = [f"tracker-{name}.{kind}" for name in ("eit", "codecarbon") for kind in ("json", "csv")]
    assert list(made.artifacts[-4:]) == left
    shown = made.to_json()
    assert (shown["trackers"], shown["tracker_periods_s"]) == (["eit", "codecarbon"], {"eit": 1.0, "codecarbon": 1.0})
    assert parse(made.tracker_words.split()) == {"eit": 1.0, "codecarbon": 1.0}


def test_any_other_command_gets_the_trackers_around_it(tmp_path: Path) -> None:
    made = scenario(tmp_path, MINE + 'trackers = ["codecarbon"]\n')
    assert made.command == ("{python}", "around.py", "--", "{python}", "bench.py")
    assert {path.name for path in made.files} == {"bench.py", "around.py", "tracking.py", "tracker_codecarbon.py"}
    assert made.artifacts == ("tracker-codecarbon-trace.csv", "tracker-codecarbon.json", "tracker-codecarbon.csv")


def test_without_trackers_nothing_is_added(tmp_path: Path) -> None:
    made = scenario(tmp_path, MINE)
    assert (made.command, made.trackers, made.tracker_words) == (("{python}", "bench.py"), (), "")
    assert [path.name for path in made.files] == ["bench.py"]
    assert made.to_json()["trackers"] == []


def test_every_module_that_a_tracker_imports_is_shipped_with_it(tmp_path: Path) -> None:
    ours = {path.stem for path in (ROOT / "workloads" / "trackers").glob("*.py")}
    for name in TRACKERS:
        made = scenario(tmp_path, MINE + f'trackers = ["{name}"]\n')
        shipped = {path.stem: path for path in made.files}
        for path in shipped.values():
            words = path.read_text().split()
            imported = {words[i + 1] for i, word in enumerate(words[:-1]) if word in ("from", "import")}
            assert imported & ours <= set(shipped)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('trackers = ["code-carbon"]', "scenarios.mine.trackers: no tracker 'code-carbon'; did you mean codecarbon?"),
        ('trackers = "codecarbon"', "scenarios.mine.trackers: found 'codecarbon', expected"),
        ('trackers = ["eit", "eit"]', "scenarios.mine.trackers: 'eit' stands there twice"),
        ("tracker_periods_s = { eit = 2.0 }", "scenarios.mine.tracker_periods_s.eit: not among the trackers"),
        (
            'trackers = ["eit"]\ntracker_periods_s = { eit = 0 }',
            "tracker_periods_s.eit: found 0, expected seconds above 0",
        ),
        ('trackers = ["eit"]\ntracker_periods_s = { eit = nan }', "found {'eit': nan}, expected a finite number"),
        ("parameters = { size = [1.0, inf] }", "mine.parameters: found {'size': [1.0, inf]}, expected a finite number"),
        ('trackers = ["eit"]\ntracker_periods_s = { eit = "1" }', "scenarios.mine.tracker_periods_s: found"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_what_is_known(tmp_path: Path, lines: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, MINE + lines + "\n")
    assert said in str(caught.value)


def test_a_file_of_the_users_own_may_not_hide_one_of_the_trackers(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"scenarios\.mine\.files: around\.py is the name of a file of the trackers"):
        read(tmp_path, MINE.replace('["bench.py"]\nrep', '["around.py"]\nrep') + 'trackers = ["eit"]\n')


@pytest.mark.parametrize("key", ['trackers = ["codecarbon"]', "tracker_periods_s = { codecarbon = 1.0 }"])
def test_trackers_on_a_baseline_are_refused_with_the_reason(tmp_path: Path, key: str) -> None:
    with pytest.raises(ConfigError, match=r"baseline\.\w+: a baseline cannot be tracked: nothing runs in it"):
        read(tmp_path, MINIMAL.replace("duration_s = 3", f"duration_s = 3\n{key}"))


def test_the_campaign_of_the_trackers_is_the_core_study_again_with_each_of_them(tmp_path: Path) -> None:
    station = station_file(tmp_path)
    tracked = load(station, ROOT / "workloads" / "campaigns" / "trackers.toml")
    made = {scenario.name: scenario for scenario in tracked.scenarios}
    assert set(made) == {
        "-".join(filter(None, (name, tracker))) for name in ("idle", "cnn", "transfer") for tracker in ("", *TRACKERS)
    }
    for name, one in made.items():
        plain, _, tracker = name.partition("-")
        assert one.trackers == ((tracker,) if tracker else ())
        assert (one.parameters, one.repetitions) == (made[plain].parameters, 30)
        assert plain == "idle" or one.parameters["fixed_epochs"] > 0
    core = load(station, ROOT / "workloads" / "campaigns" / "guldner.toml").file
    assert tracked.file.baseline == core.baseline
