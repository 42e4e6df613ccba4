"""Scenarios in which a service is used: what of `population`, `service` and a baseline's state is wrong is named, and
what is right stands in the run's start document."""

from pathlib import Path

import pytest

from harness.measure.lab_file import LabConfig, load
from harness.measure.preflight_population import of_populations
from harness.record.errors import ConfigError
from tests.harness.population_files import RATE, USERS

LAB = """\
schema = 1
[lab]
name = "lab"
[campaign]
name = "c"
seed = 5
[baseline]
blocks = 2
duration_s = 4
[sut]
host = "embedded"
[meters.wall]
driver = "wattsup"
port = "embedded"
circuit = "sut-ac-inlet"
[scenarios.serve]
command = ["{python}", "serve.py"]
files = ["serve.py"]
population = "visitors.toml"
repetitions = 2
[scenarios.serve.service]
port = 8123
ready = "/ready"
"""
IN_STATE = LAB.replace("duration_s = 4", 'duration_s = 4\nstate = "model-loaded"\nscenario = "serve"')


def load_lab(folder: Path, text: str, population: str = USERS) -> LabConfig:
    (folder / "lab.toml").write_text(text)
    (folder / "visitors.toml").write_text(population)
    (folder / "serve.py").write_text("")
    return load(folder / "lab.toml")


def test_a_service_and_its_users_stand_in_the_start_document(tmp_path: Path) -> None:
    scenario = load_lab(tmp_path, LAB).scenarios[0]
    assert scenario.usage is not None
    assert scenario.usage.inputs == {"population.toml": USERS.encode()}
    told = scenario.to_json()
    assert (told["population"], told["service"]["port"], told["command"]) == (
        "visitors",
        8123,
        ["{python}", "serve.py"],
    )
    assert "baseline_state" not in told


def test_files_that_a_population_names_are_kept_with_it(tmp_path: Path) -> None:
    (tmp_path / "arrivals.csv").write_text("time_s\n0\n")
    traced = RATE.replace('shape = "constant"\nrate_per_s = 100.0', 'shape = "trace"\ntrace = "arrivals.csv"')
    usage = load_lab(tmp_path, LAB, traced).scenarios[0].usage
    assert usage is not None
    assert usage.inputs["arrivals.csv"] == b"time_s\n0\n"


def test_a_baseline_in_a_state_starts_the_service_of_the_scenario_and_says_so(tmp_path: Path) -> None:
    config = load_lab(tmp_path, IN_STATE)
    baseline = config.baseline
    assert (baseline.kind, baseline.baseline_state, baseline.command) == (
        "baseline", "model-loaded", ("{python}", "serve.py"),
    )  # fmt: skip
    assert baseline.to_json()["baseline_state"] == config.to_json()["baseline"]["state"] == "model-loaded"
    assert [path.name for path in baseline.files] == ["serve.py"]


def test_a_baseline_of_the_operating_system_says_nothing_new(tmp_path: Path) -> None:
    config = load_lab(tmp_path, LAB)
    assert "baseline_state" not in config.baseline.to_json()
    assert set(config.to_json()["baseline"]) == {"blocks", "duration_s"}


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("port = 8123", "", r"scenarios\.serve\.service\.port: needs either `port`"),
        ("port = 8123", 'port = 8123\naddress = "http://a:1"', r"scenarios\.serve\.service\.port: needs either `port`"),
        ("port = 8123", "port = 70000", r"scenarios\.serve\.service\.port: found 70000, expected at most 65535"),
        (
            "port = 8123",
            'address = "a:1"',
            r"scenarios\.serve\.service\.address: found 'a:1', expected such as http://",
        ),
        ("port = 8123", 'address = "http://me:x@a:1"', r"service\.address: found more than scheme, host and port"),
        ('ready = "/ready"', 'ready = "ready"', r"scenarios\.serve\.service\.ready: found 'ready', expected a path"),
        ('population = "visitors.toml"\n', "", r"scenarios\.serve\.service: nobody uses it"),
        ("visitors.toml", "nobody.toml", r"nobody\.toml: no such file; a population is a TOML file"),
        ("[scenarios.serve.service]\nport = 8123\n", "[scenarios.serve.parameters]\n", r"serve\.service: missing"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, right: str, wrong: str, message: str) -> None:
    assert right in LAB
    with pytest.raises(ConfigError, match=message):
        load_lab(tmp_path, LAB.replace(right, wrong))


def test_a_mistake_of_a_population_is_named_in_its_own_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"visitors\.toml: task_types\.classify\.activity: no activity 'aks'"):
        load_lab(tmp_path, LAB, USERS.replace('activity = "ask"', 'activity = "aks"'))


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ('state = "model-loaded"', r"baseline\.scenario: no scenario '' with a service; expected one of serve"),
        ('state = "model-loaded"\nscenario = "sevre"', r"baseline\.scenario: no scenario 'sevre' .*did you mean serve"),
        ('scenario = "serve"', r"baseline\.scenario: in the state os nothing is started"),
        ('state = "model-laoded"\nscenario = "serve"', r"baseline\.state: found 'model-laoded'.*did you mean"),
    ],
)
def test_a_state_that_cannot_be_reached_is_named(tmp_path: Path, state: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_lab(tmp_path, LAB.replace("duration_s = 4", f"duration_s = 4\n{state}"))


def test_a_service_that_runs_already_needs_no_command(tmp_path: Path) -> None:
    text = LAB.replace('command = ["{python}", "serve.py"]\nfiles = ["serve.py"]\n', "")
    scenario = load_lab(tmp_path, text.replace("port = 8123", 'address = "https://10.0.0.5"')).scenarios[0]
    assert scenario.command == ()


def test_check_and_plan_say_whether_the_interval_is_long_enough(tmp_path: Path) -> None:
    short = next(of_populations(load_lab(tmp_path, LAB)))
    assert (short.severity, short.subject) == ("warn", "population serve")
    assert "phases.rating_s = " in short.text
    seconds = short.text.rpartition("phases.rating_s = ")[2].split()[0]
    enough = load_lab(tmp_path, LAB, USERS.replace("rating_s = 2.0", f"rating_s = {seconds}"))
    assert next(of_populations(enough)).severity == "ok"


SERVED = LAB[: LAB.index("[scenarios.serve]")] + '[scenarios.serve]\nfolder = "workloads/serving"\nrepetitions = 2\n'


def test_a_scenario_in_a_folder_has_its_own_users_unless_the_lab_names_others(tmp_path: Path) -> None:
    own = load_lab(tmp_path, SERVED).scenarios[0].usage
    assert own is not None
    assert (own.name, own.service.port) == ("rate-16", 8500)
    beside = load_lab(tmp_path, SERVED + 'population = "visitors.toml"\n').scenarios[0].usage
    assert beside is not None
    assert (beside.name, beside.inputs["population.toml"], beside.service.port) == ("visitors", USERS.encode(), 8500)
    shipped = load_lab(tmp_path, SERVED + 'population = "workloads/serving/rate-32.toml"\n').scenarios[0].usage
    assert shipped is not None
    assert shipped.name == "rate-32"
    moved = load_lab(tmp_path, SERVED + "service = { port = 9000 }\n").scenarios[0].usage
    assert moved is not None
    assert (moved.name, moved.service.port) == ("rate-16", 9000)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ('population = "nobody.toml"', r"nobody\.toml: no such file; a population is a TOML file"),
        ("service = { port = 0 }", r"scenarios\.serve\.service\.port: needs either `port`"),
    ],
)
def test_a_mistake_beside_a_folder_is_named_where_it_stands(tmp_path: Path, more: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_lab(tmp_path, f"{SERVED}{more}\n")


@pytest.mark.parametrize("name", ["batching.toml", "inference-demo.toml"])
def test_what_a_service_is_told_is_the_port_of_the_lab(name: str, tmp_path: Path) -> None:
    campaign = Path("workloads") / "campaigns" / name
    if name == "batching.toml":
        (tmp_path / "lab.toml").write_text(LAB[: LAB.index("[campaign]")] + LAB[LAB.index("[sut]") : LAB.index("[sce")])
        config = load(tmp_path / "lab.toml", campaign=campaign)
    else:
        config = load(campaign)
    usages = [scenario.usage for scenario in config.scenarios]
    assert {usage.service.port for usage in usages if usage is not None} == {8500}
    assert len(usages) == (100 if name == "batching.toml" else 2)


@pytest.mark.parametrize(
    ("service", "port"),
    [("{ port = 9000 }", 9000), ('{ address = "http://10.0.0.5:8500" }', 8500), ('{ address = "http://a" }', 80),
     ('{ address = "https://a" }', 443)],
)  # fmt: skip
def test_a_service_listens_where_it_is_reached(service: str, port: int, tmp_path: Path) -> None:
    usage = load_lab(tmp_path, f"{SERVED}service = {service}\n").scenarios[0].usage
    assert usage is not None
    assert usage.service.listening_port == port
