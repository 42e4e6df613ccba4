"""Before a start: whether the Python environments beside the main one are there, with what their scenarios need."""

import sys
from dataclasses import replace
from pathlib import Path

from harness.measure.lab_file import load
from harness.measure.preflight import check_lab
from harness.station.station import SutSection
from tests.harness.test_config import MINIMAL

MINE = '[scenarios.mine]\nrepetitions = 1\ncommand = ["{python}", "-c", "1"]\npython = "{which}"\n'
CROSSED = MINE + 'factors = { which = ["jax", "sklearn"] }\n'


def of_pythons(folder: Path, config: SutSection) -> dict[str, tuple[str, str]]:
    (folder / "lab.toml").write_text(MINIMAL + CROSSED)
    reasons = check_lab(load(folder / "lab.toml"), config, {})
    return {one.subject: (one.severity, one.text) for one in reasons if one.subject.startswith("Python ")}


def test_an_environment_that_is_not_there_is_refused_with_the_command_that_makes_it(
    tmp_path: Path, config: SutSection
) -> None:
    # This interpreter, wattlab's own, has scikit-learn.
    found = of_pythons(tmp_path, replace(config, pythons={"sklearn": sys.executable}))
    python = f"{config.folder}/venv-jax/bin/python"
    assert found == {
        "Python jax": ("refuse", f"{python} is not there (needed by mine); `wattlab sut prepare` makes it"),
        "Python sklearn": ("ok", "what it needs is installed on the SUT"),
    }


def test_an_interpreter_of_ones_own_that_is_not_there_or_lacks_something_is_named(
    tmp_path: Path, config: SutSection
) -> None:
    found = of_pythons(tmp_path, replace(config, pythons={"sklearn": "/nowhere/python", "jax": sys.executable}))
    remedy = "correct sut.pythons.sklearn, or take it out: `wattlab sut prepare` makes it"
    assert found == {
        "Python jax": ("refuse", f"{sys.executable} there has no jax and no keras; `wattlab sut prepare` installs it"),
        "Python sklearn": ("refuse", f"/nowhere/python is not there (needed by mine); {remedy}"),
    }
