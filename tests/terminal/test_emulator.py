"""The emulator on a service of known behaviour: its stamps and rates are the closed-form ones, and nothing that a
service does is lost, makes it hang, or passes for an answer."""

import asyncio
import json
import os
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from harness.record.population import read_population
from harness.record.tasks import TASK_COLUMNS
from harness.terminal.emulator import Emulator, Order
from harness.terminal.endpoint import Endpoint
from harness.terminal.ledger import Ledger
from harness.terminal.process import EmulatorProcess, Load
from harness.terminal.task import Task
from tests.harness.population_files import RATE, USERS
from tests.terminal.echo import FIRST_S, PLAIN, TOKEN_S, TOKENS, Echo, free_port
from tests.terminal.loads import Made, make_load

MS = 1_000_000
LATE_MS = 150
"""What a shared machine may add to a stamp; what is held against a law is held by differences and shares."""


def shaped(path: str = "/", *, load: str = "", activity: str = "", phases: str = "") -> str:
    """The population of a hundred requests a second, changed."""
    text = RATE.replace('path = "/"', f'path = "{path}"\n{activity}')
    text = text.replace('shape = "constant"\nrate_per_s = 100.0', load) if load else text
    return (
        text.replace("stabilization_s = 0.2\nrating_s = 1.0\nsupplementary_limit_s = 2.0", phases) if phases else text
    )


@pytest.fixture(scope="module")
def echo() -> Iterator[Echo]:
    with Echo() as service:
        yield service


def reasons(made: Made) -> dict[str, int]:
    """Why tasks of the rating interval failed; empty: they did not."""
    return dict(made.rated.reason.fillna("").value_counts())


def test_a_constant_rate_is_made_and_every_stamp_stands_in_its_row(tmp_path: Path, echo: Echo) -> None:
    made = make_load(tmp_path, shaped("/delay/20"), echo.port)
    assert list(made.tasks.columns) == [column["name"] for column in TASK_COLUMNS]
    rated = made.rated
    assert len(rated) == 100
    assert set(np.diff(rated.sort_values("intended_ns").intended_ns)) == {10 * MS}
    assert rated.intended_ns.min() == made.begin_ns + 200 * MS
    assert (rated.submitted_ns >= rated.intended_ns).all()
    assert (rated.first_byte_ns - rated.submitted_ns >= 20 * MS).all()
    assert (rated.completed_ns >= rated.first_byte_ns).all()
    assert ((rated.completed_ns - rated.intended_ns).median() - 20 * MS) < LATE_MS * MS
    assert set(rated.bytes_received) == {len(PLAIN)}
    assert reasons(made) == {"": 100}
    assert rated.correct.isna().all(), "nobody judged it"
    assert sorted(made.tasks.task) == list(range(len(made.tasks)))


def test_the_rating_interval_is_told_as_it_was_declared(tmp_path: Path, echo: Echo) -> None:
    made = make_load(tmp_path, shaped(), echo.port)
    begin, end, ended = made.said
    assert begin == {"rating": "begin", "time_ns": made.begin_ns + 200 * MS}
    assert end == {"rating": "end", "time_ns": made.begin_ns + 1200 * MS}
    assert (ended["ended"], ended["rated"], ended["cut"]) == ("complete", 100, 0)
    assert ended["tasks"] == len(made.tasks)


def test_how_the_emulator_fares_is_written_each_second(tmp_path: Path, echo: Echo) -> None:
    generator = make_load(tmp_path, shaped(), echo.port).generator
    assert len(generator) == 2
    assert generator.submitted.iloc[-1] == generator.completed.iloc[-1] >= 120
    assert (generator.cpu_s.diff().dropna() > 0).all()
    assert (generator.loop_lag_max_ns >= generator.loop_lag_p99_ns).all()
    assert generator.errors.iloc[-1] == 0


def test_poisson_arrivals_reach_the_service_by_their_own_schedule(tmp_path: Path, echo: Echo) -> None:
    load = 'shape = "poisson"\nrate_per_s = 300.0'
    rated = make_load(
        tmp_path,
        shaped(load=load, phases="stabilization_s = 0.0\nrating_s = 2.0\nsupplementary_limit_s = 2.0"),
        echo.port,
    ).rated
    gaps_s = np.diff(rated.intended_ns.sort_values()) / 1e9
    assert stats.kstest(gaps_s, stats.expon(scale=1 / 300).cdf).pvalue > 0.01


def test_a_closed_load_has_as_many_tasks_under_way_as_it_declares(tmp_path: Path, echo: Echo) -> None:
    load = 'shape = "closed"\nconcurrency = 4'
    rated = make_load(tmp_path, shaped("/delay/50", load=load), echo.port).rated
    edges = sorted(
        [(row.intended_ns, 1) for row in rated.itertuples()] + [(row.completed_ns, -1) for row in rated.itertuples()]
    )
    assert max(np.cumsum([step for _, step in edges])) == 4
    for _, place in rated.groupby("user"):
        # The next is due when the one before is complete.
        assert (place.intended_ns.iloc[1:].to_numpy() == place.completed_ns.iloc[:-1].to_numpy()).all()


def test_a_load_can_end_by_the_number_of_requests(tmp_path: Path, echo: Echo) -> None:
    load = 'shape = "poisson"\nrate_per_s = 200.0\nrequests = 64'
    made = make_load(tmp_path, shaped(load=load), echo.port)
    rated = made.rated
    assert (len(rated), made.said[-1]["rated"]) == (64, 64)
    assert made.said[1] == {"rating": "end", "time_ns": int(rated.intended_ns.max()) + 1}


def test_a_recorded_trace_is_repeated(tmp_path: Path, echo: Echo) -> None:
    (tmp_path / "arrivals.csv").write_text("time_s\n0.0\n0.1\n0.1\n0.35\n")
    made = make_load(tmp_path, shaped(load='shape = "trace"\ntrace = "arrivals.csv"'), echo.port)
    begin_ns = made.begin_ns + 200 * MS
    assert sorted(made.rated.intended_ns - begin_ns) == [0, 100 * MS, 100 * MS, 350 * MS]


def test_users_wait_think_and_keep_the_order_of_their_chains(tmp_path: Path, echo: Echo) -> None:
    made = make_load(tmp_path, USERS.replace("/classify", "/delay/30"), echo.port)
    tasks = made.tasks.sort_values("task")
    assert set(tasks.groupby("user_type").user.nunique().items()) == {("visitor", 4), ("regular", 2)}
    steps = {"browse": ["about", "classify"], "buy": ["classify"], "look": ["about"]}
    for _, of_user in tasks.groupby(["user_type", "user"]):
        rows = list(of_user.itertuples())
        done = [(row.chain, row.chain_run, row.step) for row in rows]
        assert done == sorted(done, key=lambda one: one[1:]), "chains in order, and their steps"
        assert all(row.task_type == steps[row.chain][int(row.step)] for row in rows)
        for before, row in pairwise(rows):
            if row.phase == "supplementary":
                continue
            # WAIT: from the completion on; NO WAIT: from the time at which the task before was intended.
            base_ns = before.completed_ns if before.task_type == "classify" else before.intended_ns
            assert row.intended_ns == base_ns + row.preparation_ns
    judged = made.rated[made.rated.task_type == "classify"]
    assert set(judged.correct) == {1.0}
    assert set(judged.work_units) == {1}


def test_no_wait_latency_counts_from_the_intended_time_so_a_stall_is_seen(tmp_path: Path) -> None:
    """200 ms of each second nothing is answered: whoever comes then waits for the rest of it. A generator that waited
    for its answers would have sent one request in each stall."""
    phases = "stabilization_s = 0.0\nrating_s = 3.0\nsupplementary_limit_s = 2.0"
    with Echo("stall") as stalled:
        rated = make_load(tmp_path, shaped(phases=phases), stalled.port).rated
    latency_ms = (rated.completed_ns - rated.intended_ns) / MS
    assert latency_ms.quantile(0.99) > 150
    # A fifth of the requests comes in a stall, and waits 100 ms on average.
    assert (latency_ms > 10).mean() > 0.14
    assert 50 < latency_ms[latency_ms > 10].mean() < 100 + LATE_MS
    assert len(rated) == 300, "none was left out"


@pytest.mark.parametrize(
    ("path", "activity", "reason"),
    [
        ("/status/500", "", "status"),
        ("/reset", "", "reset"),
        ("/garbled", "", "garbled"),
        ("/hang", "timeout_s = 0.3", "timeout"),
        ("/slow", "timeout_s = 0.3", "timeout"),
        ("/long/5000", "longest_bytes = 4000", "body-too-long"),
        ("/text", 'work = "/images"', "wrong-json"),
        ("/", 'work = "/pictures"', "no-work"),
        ("/", 'oracle = { pointer = "/label", equals = "class-8" }', "oracle"),
        ("/redirect/3", "redirects = 2", "redirects"),
        ("/away", "redirects = 2", "redirects"),
        ("/redirect/1", "", "status"),
    ],
)  # fmt: skip
def test_what_goes_wrong_is_named_and_does_no_work(
    tmp_path: Path, echo: Echo, path: str, activity: str, reason: str
) -> None:
    phases = "stabilization_s = 0.0\nrating_s = 0.3\nsupplementary_limit_s = 2.0"
    made = make_load(tmp_path, shaped(path, activity=activity, phases=phases), echo.port)
    assert reasons(made) == {reason: 30}
    assert set(made.rated.work_units) == {0}
    has_oracle = "oracle" in activity
    assert set(made.rated.correct.fillna(-1)) == {0 if has_oracle else -1}


@pytest.mark.parametrize(
    ("path", "activity"),
    [
        ("/close", ""),
        ("/redirect/2", "redirects = 3"),
        ("/", 'work = "/images"'),
        ("/", 'oracle = { pointer = "/label", regex = "^class-[0-9]$" }'),
        ("/", 'oracle = { contains = "images" }'),
        ("/", "oracle = { pointer = \"/ok\", equals = 1 }"),
        ("/status/500", "oracle = { status = 500 }"),
    ],
)  # fmt: skip
def test_what_goes_well_is_work(tmp_path: Path, echo: Echo, path: str, activity: str) -> None:
    phases = "stabilization_s = 0.0\nrating_s = 0.3\nsupplementary_limit_s = 2.0"
    made = make_load(tmp_path, shaped(path, activity=activity, phases=phases), echo.port)
    assert reasons(made) == {"": 30}
    assert set(made.rated.work_units) == {3 if "images" in activity and "work" in activity else 1}


def test_a_service_that_is_not_there_is_refused_and_not_hammered(tmp_path: Path) -> None:
    made = make_load(tmp_path, shaped(load='shape = "closed"\nconcurrency = 2'), free_port())
    assert reasons(made) == {"refused": len(made.rated)}
    assert len(made.rated) <= 2 * 11, "ten a second from each place"
    assert made.generator.errors.iloc[-1] >= len(made.rated)


def test_a_service_that_is_killed_meanwhile_ends_nothing(tmp_path: Path) -> None:
    with Echo() as mortal:
        killer = threading.Thread(target=_kill_behind, args=(tmp_path / "tasks.csv", 50, mortal))
        killer.start()
        made = make_load(tmp_path, shaped("/delay/30"), mortal.port)
        killer.join()
    assert {"", "refused"} <= set(reasons(made)) <= {"", "refused", "reset"}
    assert len(made.rated) == 100


def _kill_behind(tasks: Path, rows: int, service: Echo) -> None:
    """Kill a service as soon as so many tasks are over."""
    while not tasks.exists() or tasks.read_bytes().count(b"\n") < rows:
        time.sleep(0.02)
    service.process.kill()


def test_the_supplementary_run_ends_by_its_limit_and_cuts_what_hangs(tmp_path: Path, echo: Echo) -> None:
    phases = "stabilization_s = 0.0\nrating_s = 0.2\nsupplementary_limit_s = 0.5"
    begun_s = time.monotonic()
    made = make_load(tmp_path, shaped("/hang", phases=phases), echo.port)
    assert time.monotonic() - begun_s < 20
    assert made.said[-1]["ended"] == "limit"
    assert (made.said[-1]["cut"], reasons(made)) == (20, {"cut": 20})
    late = made.tasks[made.tasks.phase == "supplementary"]
    assert len(late) == 50, "the load went on"
    assert made.rated.completed_ns.isna().all()


def test_a_thousand_connections_at_once_are_open_and_all_are_answered(tmp_path: Path, echo: Echo) -> None:
    load = 'shape = "closed"\nconcurrency = 1000'
    phases = "stabilization_s = 0.0\nrating_s = 1.0\nsupplementary_limit_s = 20.0"
    made = make_load(tmp_path, shaped("/delay/1000", load=load, phases=phases), echo.port)
    assert made.generator.open_connections.max() == 1000
    assert reasons(made) == {"": len(made.rated)}


def test_more_tasks_than_connections_wait_and_are_late_by_that(tmp_path: Path, echo: Echo) -> None:
    text = "connections = 2\n" + shaped("/delay/50", load='shape = "constant"\nrate_per_s = 60.0').lstrip()
    made = make_load(tmp_path, text, echo.port)
    assert made.generator.open_connections.max() == 2
    assert made.generator.queued.max() > 0
    # 60 a second come, 40 a second are served: behind a second 20 wait, half a second long.
    late_ms = (made.rated.submitted_ns - made.rated.intended_ns) / MS
    assert late_ms.max() > 300
    assert ((made.rated.completed_ns - made.rated.submitted_ns) / MS).median() < 50 + LATE_MS


async def _slowed(order: Order, ledger: Ledger) -> None:
    keys = order.keys()
    await Emulator(order, order.asked(keys), ledger, lambda _: None).run(time.monotonic_ns() + 50 * MS)


def test_an_emulator_that_is_slowed_by_a_busy_loop_shows_in_its_own_stream(
    tmp_path: Path, echo: Echo, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(task: Task) -> str:
        end_s = time.monotonic() + 0.015
        while time.monotonic() < end_s:
            pass
        return row(task)

    row = Task.row
    monkeypatch.setattr(Task, "row", busy)
    path = tmp_path / "population.toml"
    path.write_text(shaped())
    order = Order(read_population(path)[0], path, 1, Endpoint("127.0.0.1", echo.port), ())
    with (tmp_path / "t").open("xb", buffering=0) as tasks, (tmp_path / "g").open("xb", buffering=0) as generator:
        asyncio.run(_slowed(order, Ledger(tasks, generator, None, frozenset())))
    # 15 ms of work for each task that comes each 10 ms: the lateness grows by half a second each second.
    assert pd.read_csv(tmp_path / "g").loop_lag_p99_ns.max() > 100 * MS


INFER = """protocol = "infer"
model = "net"
unit = "image"
inputs = [{ name = "x", datatype = "FP32", shape = [1, 4] }]
oracle = { pointer = "/outputs/0/data/1", equals = 0.75 }
"""
LANGUAGE = """protocol = "PROTOCOL"
model = "tiny"
body = "say ${random}"
unit = "token"
stream = STREAM
keep = "text"
oracle = { contains = "w" }
"""


def test_tensors_are_asked_by_the_open_inference_protocol(tmp_path: Path, echo: Echo) -> None:
    text = RATE.replace('method = "GET"\npath = "/"', INFER)
    made = make_load(tmp_path, text, echo.port)
    assert reasons(made) == {"": 100}
    assert set(made.rated.correct) == {1.0}


@pytest.mark.parametrize("protocol", ["completions", "chat"])
@pytest.mark.parametrize("stream", [True, False])
def test_language_models_are_asked_and_their_tokens_counted_by_usage(
    tmp_path: Path, echo: Echo, protocol: str, *, stream: bool
) -> None:
    activity = LANGUAGE.replace("PROTOCOL", protocol).replace("STREAM", str(stream).lower())
    text = RATE.replace('method = "GET"\npath = "/"', activity)
    made = make_load(tmp_path, text, echo.port)
    rated = made.rated
    assert reasons(made) == {"": 100}
    assert set(rated.output_tokens) == set(rated.work_units) == {TOKENS}
    assert (rated.input_tokens > 0).all()
    kept = [json.loads(line) for line in (tmp_path / "answers.log").read_text().splitlines()]
    assert len(kept) == len(made.tasks)
    assert len({one["prompt"] for one in kept}) > 100, "each prompt was drawn"
    if not stream:
        assert rated.first_token_ns.isna().all()
        return
    assert set(rated.chunks) == {TOKENS}
    first_s = (rated.first_token_ns - rated.intended_ns) / 1e9
    assert first_s.min() >= FIRST_S
    assert first_s.median() < FIRST_S + 0.15
    # A first token that was seen late makes the rest look quick: laws hold for the middle, not for each.
    assert rated.longest_gap_ns.median() >= TOKEN_S * 1e9
    assert ((rated.completed_ns - rated.first_token_ns) / 1e9).median() >= (TOKENS - 1) * TOKEN_S - 0.02
    assert "".join(kept[0]["answer"].split()) == "w0w1w2w3w4"


def test_it_says_whether_the_system_lets_it_go_before_others(tmp_path: Path, echo: Echo) -> None:
    (tmp_path / "population.toml").write_text(shaped())
    with (tmp_path / "t").open("xb", buffering=0) as tasks, (tmp_path / "g").open("xb", buffering=0) as generator:
        load = Load(tmp_path / "population.toml", 1, Endpoint("127.0.0.1", echo.port))
        emulator = EmulatorProcess(load, tasks, generator)
        try:
            policy = os.sched_getscheduler(emulator.pid)
            assert emulator.is_real_time == (policy & ~os.SCHED_RESET_ON_FORK == os.SCHED_RR)
        finally:
            emulator.end()
