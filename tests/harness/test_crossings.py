"""Crossings that are not complete, trackers as a factor, words before every command: which scenarios they give."""

from pathlib import Path

import pytest

from harness.measure.scenario import Scenario
from harness.record.errors import ConfigError
from tests.harness.test_config import MINIMAL, read

TRAIN = """\
[scenarios.train]
command = ["{python}", "bench.py", "--mode={mode}"]
files = ["bench.py"]
parameters = { size = 8 }
repetitions = 2
"""
ROWS = TRAIN + 'rows = [["fast", 16], ["slow", 32]]\n'
FACTORS = '[scenarios.train.factors]\nmode = ["fast", "slow"]\nsize = [16, 32]\nframework = "torch"\n'


def scenarios(folder: Path, text: str) -> dict[str, Scenario]:
    """The scenarios of a lab.toml by their names, but its first."""
    (folder / "bench.py").write_text("")
    return {scenario.name: scenario for scenario in read(folder, MINIMAL + text).scenarios[1:]}


def test_the_rows_are_the_cells(tmp_path: Path) -> None:
    found = scenarios(tmp_path, ROWS + FACTORS)
    assert {name: (one.cell or {}, one.parameters["size"], one.command[-1]) for name, one in found.items()} == {
        "train.mode-fast.size-16": ({"mode": "fast", "size": 16, "framework": "torch"}, 16, "--mode=fast"),
        "train.mode-slow.size-32": ({"mode": "slow", "size": 32, "framework": "torch"}, 32, "--mode=slow"),
    }


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ('[["fast"]]', "rows[0]: found ['fast'], expected a level of each of mode, size, in this order"),
        ('[["fast", 16], ["slow", 64]]', "rows[1]: 64 is no level of size; there are 16, 32"),
        ('[["fast", 16], ["slow", "32"]]', "rows[1]: '32' is no level of size"),
        ('[["fast", 16], ["slow", 32], ["fast", 16]]', "rows[2]: the same as"),
        ('[["fast", 16], ["fast", 32]]', "rows: no row has mode = 'slow'; add one, or take the level out"),
        ("[]", "rows: a row is one level of each factor that is crossed"),
    ],
)
def test_rows_that_are_no_levels_are_refused(tmp_path: Path, rows: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        scenarios(tmp_path, TRAIN + f"rows = {rows}\n" + FACTORS)
    assert f"scenarios.train.{says}" in str(caught.value)


def test_trackers_are_the_levels_of_a_factor(tmp_path: Path) -> None:
    text = TRAIN + "tracker_periods_s = { codecarbon = 3.0 }\n"
    text += '[scenarios.train.factors]\nmode = "fast"\ntrackers = ["none", "codecarbon", "codecarbon+eit"]\n'
    found = scenarios(tmp_path, text)
    assert {name: one.trackers for name, one in found.items()} == {
        "train.trackers-none": (),
        "train.trackers-codecarbon": ("codecarbon",),
        "train.trackers-codecarbon_eit": ("codecarbon", "eit"),
    }
    assert [one.command[1:4] for one in found.values()] == [
        ("bench.py", "--mode=fast"), ("around.py", "--", "{python}"), ("around.py", "--", "{python}"),
    ]  # fmt: skip
    assert found["train.trackers-codecarbon"].tracker_periods_s == {"codecarbon": 3.0}
    assert len({one.source for one in found.values()}) == 1


@pytest.mark.parametrize(
    ("head", "level", "says"),
    [
        ("", "codecarbn", "trackers: no tracker 'codecarbn'; did you mean codecarbon?"),
        ('trackers = ["eit"]\n', "codecarbon", "trackers: they are a factor of it; take this line out"),
    ],
)
def test_a_level_of_trackers_names_trackers_in_one_place(tmp_path: Path, head: str, level: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        scenarios(tmp_path, TRAIN + head + f'[scenarios.train.factors]\nmode = "x"\ntrackers = ["none", "{level}"]\n')
    assert f"scenarios.train.{says}" in str(caught.value)


def test_the_prefix_stands_before_the_command_and_before_its_trackers(tmp_path: Path) -> None:
    text = TRAIN + 'prefix = ["taskset", "--cpu-list", "0"]\ntrackers = ["codecarbon"]\n'
    (one,) = scenarios(tmp_path, text + '[scenarios.train.factors]\nmode = "fast"\n').values()
    assert one.command[:5] == ("taskset", "--cpu-list", "0", "{python}", "around.py")
