"""What `plan` and `check` say of a population's draws before any load."""

from dataclasses import replace
from pathlib import Path

from harness.record.population import Population, read_population
from harness.terminal.foresight import foresee, needed_s
from tests.harness.population_files import RATE, USERS

CLOSED_FORM = """
schema = 1
[activities.ask]
path = "/"
[timeliness.second]
limits = [{ within_s = 1.0, share = 1.0 }]
[task_types.ask]
activity = "ask"
timeliness = "second"
[task_types.send]
activity = "ask"
wait = false
[chains.one]
tasks = [{ task = "ask", think = "three" }, { task = "send", think = "one" }]
[preparation.three]
distribution = "constant"
mean_s = 3.0
[preparation.one]
distribution = "constant"
mean_s = 1.0
[user_types.only]
users = 2
chains = { one = 1.0 }
[phases]
stabilization_s = 10.0
rating_s = 50.0
supplementary_limit_s = 1.0
"""


def read(folder: Path, text: str) -> Population:
    path = folder / "population.toml"
    path.write_text(text)
    return read_population(path)[0]


def test_tasks_are_foreseen_as_the_closed_form_has_them(tmp_path: Path) -> None:
    """A chain takes 3 s + T_Ref 1 s + 1 s; nobody waits for the second task. 10 chains of each of 2 users in 50 s."""
    foreseen = foresee(read(tmp_path, CLOSED_FORM), 1)
    assert foreseen.tasks == 2 * 10 * 2
    named = [(one.kind, one.subject) for one in foreseen.deviations]
    assert named == [("q", "only.one"), ("h", "only.ask.three"), ("h", "only.send.one")]
    assert max(one.percent for one in foreseen.deviations) < 1e-9


def test_a_short_interval_is_too_short_and_the_needed_length_is_long_enough(tmp_path: Path) -> None:
    population = read(tmp_path, USERS)
    assert {one.kind for one in foresee(population, 1).outside} == {"q", "h", "s"}
    length_s = needed_s(population, [1, 2])
    assert length_s is not None
    assert length_s > population.phases.rating_s
    longer = replace(population, phases=replace(population.phases, rating_s=length_s))
    assert foresee(longer, 1).outside == foresee(longer, 2).outside == []


def test_stratified_draws_need_far_fewer_tasks_than_free_ones(tmp_path: Path) -> None:
    """Free exponential draws need some 1,500 tasks for a mean within 5 %: 1.96^2 / .05^2."""
    text = CLOSED_FORM.replace('"constant"\nmean_s = 3.0', '"exponential"\nmean_s = 3.0').replace("50.0", "700.0")
    for seed in range(10):
        foreseen = foresee(read(tmp_path, text), seed)
        assert foreseen.outside == []
        assert foreseen.tasks < 600


def test_a_load_shape_draws_no_preparation_time(tmp_path: Path) -> None:
    assert foresee(read(tmp_path, RATE), 1).deviations == ()
