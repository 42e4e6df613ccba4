"""Population files: what is right is read, and every mistake is named by file and TOML path."""

from pathlib import Path

import pytest

from harness.record.errors import ConfigError
from harness.record.population import read_population
from harness.record.tasks import GENERATOR_COLUMNS, TASK_COLUMNS, header_of
from tests.harness.population_files import RATE, USERS


def read(folder: Path, text: str) -> str:
    """What is wrong with a population file of this text."""
    path = folder / "population.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as raised:
        read_population(path)
    return str(raised.value)


def test_a_population_of_users_is_read_and_gives_the_reference_times(tmp_path: Path) -> None:
    path = tmp_path / "population.toml"
    path.write_text(USERS)
    population, source = read_population(path)
    assert (source.decode(), population.shape) == (USERS, "users")
    # T_Ref = .2 * .9 + 1 * (1 - .9)
    assert population.reference_s("classify") == pytest.approx(0.28)
    assert population.reference_s("about") == 2.0
    assert not population.task_types["about"].wait


def test_a_load_shape_is_read_and_its_one_task_is_its_whole_mix(tmp_path: Path) -> None:
    path = tmp_path / "population.toml"
    path.write_text(RATE)
    population, _ = read_population(path)
    assert population.load is not None
    assert (population.shape, dict(population.load.shares)) == ("constant", {"ask": 1.0})
    assert population.reference_s("ask") == 0


MISTAKES = [
    (
        USERS,
        'activity = "ask"',
        'activity = "aks"',
        "task_types.classify.activity: no activity 'aks'; did you mean ask?",
    ),
    (
        USERS,
        'timeliness = "quick"',
        'timeliness = "slow"',
        "task_types.classify.timeliness: no timeliness function 'slow'",
    ),
    (
        USERS,
        'task = "about", think = "short"',
        'task = "abot", think = "short"',
        "chains.browse.tasks[0].task: no task type",
    ),
    (
        USERS,
        'task = "classify", think = "long"',
        'task = "classify", think = "x"',
        "chains.buy.tasks[0].think: no preparation",
    ),
    (USERS, "browse = 0.6", "browse = 0.5", "user_types.visitor.chains: their sum is 0.9, expected 1"),
    (USERS, "look = 0.1", "stare = 0.1", "user_types.visitor.chains.stare: no chain 'stare'"),
    (USERS, "share = 0.9", "share = 1.0", "timeliness.quick.limits[1]: within_s and share have to be larger"),
    (
        USERS,
        "{ within_s = 2.0, share = 1.0 }",
        "{ within_s = 2.0, share = 0.9 }",
        "timeliness.patient.limits: the last share",
    ),
    (USERS, "mean_s = 0.05", "mean_s = 0.05\nspread_s = 0.01", "preparation.short.spread_s: found 0.01, expected 0.05"),
    (
        USERS,
        'distribution = "lognormal"',
        'distribution = "normal"',
        "preparation.long.spread_s: found 0.05, expected at most",
    ),
    (USERS, "users = 4", "users = 0", "user_types.visitor.users: found 0, expected at least 1"),
    (
        USERS,
        'path = "/classify"',
        'path = "classify"',
        "activities.ask.path: found 'classify', expected a path that begins",
    ),
    (USERS, "${random}", "${guess}", "activities.ask.body: found '${guess}', expected one of task, user, seed, random"),
    (
        USERS,
        'pointer = "/label"',
        'pointer = "label"',
        "activities.ask.oracle.pointer: found 'label', expected a JSON Pointer",
    ),
    (USERS, '"^class-[0-9]+$"', '"("', "activities.ask.oracle.regex: found '(', which is no regular expression"),
    (
        USERS,
        "[phases]",
        '[load]\nshape = "closed"\nconcurrency = 2\ntask = "about"\n[phases]',
        "user_types: there is a [load] too",
    ),
    (USERS, "wait = false", "wait = 1", "task_types.about.wait: found 1, expected"),
    (RATE, "rate_per_s = 100.0", "concurrency = 4", "load.rate_per_s: missing; a load of shape constant needs it"),
    (RATE, "rate_per_s = 100.0", 'rate_per_s = 1.0\ntrace = "x.csv"', "load.trace: a load of shape constant has none"),
    (RATE, 'task = "ask"', 'task = "ask"\nmix = { ask = 1.0 }', "load.task: needs either `task` or `mix`"),
    (RATE, 'shape = "constant"', 'shape = "poison"', "load.shape: found 'poison', expected"),
    (RATE, "rating_s = 1.0", "", "phases.rating_s: missing"),
    (RATE, 'path = "/"', 'path = "/"\nmodel = "m"', "activities.ask.model: only with protocol infer"),
    (
        RATE,
        'path = "/"',
        'path = "/"\nheaders = { Authorization = "x" }',
        "activities.ask.headers.Authorization: a key stands in no file",
    ),
    (RATE, 'path = "/"', 'path = "/a b"', "activities.ask.path: found a blank"),
    (RATE, 'method = "GET"', 'method = "GET"\nbody = "x"', "activities.ask.body: a GET has no body"),
    (
        RATE,
        'method = "GET"',
        'protocol = "infer"',
        "activities.ask.model: missing; protocol infer asks a model by its name",
    ),
    (RATE, 'method = "GET"', 'protocol = "chat"', "activities.ask.body: missing; it is the prompt"),
]


@pytest.mark.parametrize(("text", "right", "wrong", "message"), MISTAKES)
def test_a_mistake_is_named_by_file_and_toml_path(
    tmp_path: Path, text: str, right: str, wrong: str, message: str
) -> None:
    assert right in text
    said = read(tmp_path, text.replace(right, wrong, 1))
    assert message in said
    assert said.startswith(f"{tmp_path}/population.toml: ")


def test_users_who_would_submit_without_end_are_refused(tmp_path: Path) -> None:
    text = USERS.replace(
        'think = "long" }]\n\n[preparation',
        'think = "none" }]\n\n[preparation.none]\ndistribution = "constant"\nmean_s = 0\n\n[preparation',
    )
    assert "chains.look.tasks: no task waits and every preparation time is 0" in read(tmp_path, text)


def test_the_heads_of_the_streams_are_those_of_the_contract() -> None:
    assert header_of(TASK_COLUMNS).startswith(
        "task,user_type,user,chain,chain_run,step,task_type,phase,preparation_ns,"
    )
    assert header_of(GENERATOR_COLUMNS).startswith("time_ns,cpu_s,loop_lag_p99_ns,open_connections,errors,queued")
