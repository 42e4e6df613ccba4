"""The Python environment of a scenario: which one a level names, what it needs there, what is refused."""

import re
from pathlib import Path

import pytest

from harness.measure.lab_file import LabConfig
from harness.measure.material import needs_of
from harness.record.errors import ConfigError
from harness.sut.environments import APART, ENVIRONMENTS
from harness.sut.prepare import Needs
from tests.harness.test_config import MINIMAL, read

HEAD = 'schema = 1\nname = "own"\ntitle = "Own"\nkind = "scenario"\ncommand = ["{python}", "-m", "bench"]\n'
OWN = '[scenarios.own]\nfolder = "own"\nrepetitions = 1\n'


def with_folder(tmp_path: Path, text: str, own: str = "") -> LabConfig:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "scenario.toml").write_text(HEAD + text)
    return read(tmp_path, MINIMAL + OWN + own)


CHOSEN = """\
python = "{framework}"
packages = ["pillow"]
[parameters]
framework = "tensorflow"
size = 8
[choices]
framework = ["tensorflow", "jax", "sklearn"]
"""


def test_the_level_of_a_factor_chooses_the_python_that_runs_the_program(tmp_path: Path) -> None:
    config = with_folder(tmp_path, CHOSEN, 'factors = { framework = ["tensorflow", "jax", "sklearn"], size = [8, 16] }')
    found = [(one.python, one.packages, one.parameters["size"]) for one in config.scenarios[1:]]
    brought = {
        "tensorflow": ("tensorflow", "pillow"),
        "jax": ("jax", "keras", "pillow"),
        "sklearn": ("scikit-learn", "pillow"),
    }
    assert found == [(python, packages, size) for python, packages in brought.items() for size in (8, 16)]
    assert [one.to_json()["python"] for one in config.scenarios[1::2]] == list(brought)
    assert "python" not in config.scenarios[0].to_json()
    assert needs_of(config) == Needs(
        ("tensorflow", "pillow", "scipy"), ("dataset",),
        {
            "tensorflow": ("idle", "own"), "pillow": ("idle", "own"), "scipy": ("idle",), "dataset": ("idle",),
            "jax": ("own",), "sklearn": ("own",),
        },
        {"jax": ("jax", "keras", "pillow"), "sklearn": ("scikit-learn", "pillow")},
    )  # fmt: skip
    assert list(needs_of(config).plan())[-2:] == [
        "Python environment jax (jax, keras, pillow): needed by own",
        "Python environment sklearn (scikit-learn, pillow): needed by own",
    ]


def test_without_a_level_the_parameter_chooses_it_and_lab_toml_may_set_that(tmp_path: Path) -> None:
    config = with_folder(tmp_path, CHOSEN, 'parameters = { framework = "jax" }')
    assert [(one.name, one.python) for one in config.scenarios[1:]] == [("own", "jax")]


def test_a_command_of_ones_own_may_run_in_any_of_them(tmp_path: Path) -> None:
    text = MINIMAL + '[scenarios.mine]\nrepetitions = 1\ncommand = ["{python}", "-c", "1"]\n'
    crossed = text + 'python = "{which}"\nfactors = { which = ["jax", "torch"] }\n'
    assert [one.python for one in read(tmp_path, crossed).scenarios[1:]] == ["jax", "torch"]
    (mine,) = read(tmp_path, text + 'python = "sklearn"\n').scenarios[1:]
    assert mine.packages == ("scikit-learn",)
    assert b'"python":"sklearn"' in mine.source
    assert b'"python":' not in read(tmp_path, text).scenarios[1].source


@pytest.mark.parametrize(
    ("text", "own", "says"),
    [
        (CHOSEN, 'factors = { framework = ["jax", "torch"] }',
         "scenarios.own.factors.framework: found 'torch', expected one of 'tensorflow', 'jax', 'sklearn'"),
        (CHOSEN, 'parameters = { framework = "torch" }',
         "scenarios.own.parameters.framework: found 'torch', expected one of"),
        (CHOSEN, 'trackers = ["codecarbon"]\nfactors = { framework = ["jax", "tensorflow"] }',
         "scenarios.own.trackers: own.framework-jax runs in the Python environment 'jax', whose lock has no tracker"),
        (CHOSEN, 'python = "jax"', "scenarios.own.python: only beside `command`"),
        (CHOSEN.replace('"tensorflow"\n', '"theano"\n'), "",
         "scenario.toml: parameters.framework: found 'theano', expected one of"),
        (CHOSEN.replace("[choices]", "[choices]\nsizes = [8]"), "",
         "scenario.toml: choices.sizes: no parameter is called so; did you mean"),
        ('python = "jxa"\n', "", "scenarios.own.python: no Python environment 'jxa'; did you mean"),
        ('python = "{framework}"\n', "", "scenarios.own.python: no Python environment '{framework}'; "),
    ],
)  # fmt: skip
def test_what_cannot_be_run_is_refused_before_anything_is_measured(
    text: str, own: str, says: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=re.escape(says)):
        with_folder(tmp_path, text, own)


def test_an_interpreter_of_ones_own_is_named_for_an_environment_beside_the_main_one(tmp_path: Path) -> None:
    named = MINIMAL.replace("[sut]\n", '[sut]\npythons = { jax = "/opt/jax/bin/python" }\n')
    assert read(tmp_path, named).file.sut.pythons == {"jax": "/opt/jax/bin/python"}
    for wrong in ("tensorflow", "jaxx"):
        with pytest.raises(ConfigError, match=rf"sut\.pythons\.{wrong}: no Python environment '{wrong}' beside the"):
            read(tmp_path, named.replace("{ jax", f"{{ {wrong}"))


def test_each_environment_has_a_lock_and_a_folder_of_its_own() -> None:
    assert APART == ("jax", "torch", "sklearn")
    assert {one.folder for one in ENVIRONMENTS.values()} == {"venv", "venv-jax", "venv-torch", "venv-sklearn"}
    assert len({one.lock for one in ENVIRONMENTS.values()}) == len(ENVIRONMENTS)
