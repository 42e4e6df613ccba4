"""What stood still, who was late, which stamps contradict what the host saw: golden cases and laws."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.record.campaign_folder import CampaignFolder
from harness.record.documents import ClockEvent, Event, NoteEvent, PhaseEvent, Start, Thresholds
from harness.record.run_folder import RunFolder
from reports.campaign.analyse import analyse
from reports.campaign.exclusion import exclusion_of
from reports.findings import stamps as findings_time
from reports.readings import clock
from reports.readings.series import Indicators, RunSeries
from reports.results.finding import Finding
from tests.analysis.monitored import Fault, Monitored, campaign_of
from tests.analysis.test_every_finding import frozen, keep, late, scaled, small
from tests.campaign_results import plain
from tests.documents import write_results
from tests.evidence.forger import copied, reforge
from tests.harness.start import START

S = 10**9
BASE_NS = 6_400 * S
OFFSET_NS = 77 * S
"""The SUT's clock is ahead of the host's."""
LIMITS = Thresholds()


def exchange(at_s: float, *, sut_lost_s: float = 0.0, host_lost_s: float = 0.0, took_s: float = 0.001) -> ClockEvent:
    """One exchange `at_s` seconds of true time after the base; what either clock lost until then."""
    t0 = BASE_NS + int((at_s - host_lost_s) * S)
    t1 = t0 + int(took_s * S)
    t_sut = BASE_NS + int((at_s + took_s / 2 - sut_lost_s) * S) + OFFSET_NS
    return ClockEvent(time_ns=t1, t0_ns=t0, t_sut_ns=t_sut, t1_ns=t1, sut_wall_ns=t_sut, host_wall_ns=t1)


def rating(edge: Any, at_s: float, *, after_s: float = 0.002, **fields: Any) -> PhaseEvent:  # noqa: ANN401
    """An edge of the interval, and how long after it the host had it."""
    arrival_ns, sut_ns = BASE_NS + int((at_s + after_s) * S), BASE_NS + int(at_s * S) + OFFSET_NS
    return PhaseEvent(time_ns=arrival_ns, name="rating", edge=edge, sut_ns=sut_ns, sut_wall_ns=0, **fields)


def series_of(events: Sequence[Event], samples_s: Iterable[float] = ()) -> RunSeries:
    """A run of such events, with samples once a second where they are given."""
    run = RunFolder(Path("r"), Start(**START), (), (), tuple(events), None)
    model = clock.fit([event for event in events if isinstance(event, ClockEvent)])
    begin, end = (model.to_host(e.sut_ns or 0) for e in events if isinstance(e, PhaseEvent) and e.name == "rating")
    series = RunSeries(run, model, begin, end, ())
    times_ns = np.array([BASE_NS + int(at_s * S) for at_s in samples_s], dtype=np.int64)
    descriptor: Any = type("Descriptor", (), {"clock": "sut", "period_s": 1.0})
    series.__dict__["indicators"] = Indicators(descriptor, times_ns, (), np.zeros((times_ns.size, 0)))
    return series


def beats(until_s: float, but: tuple[float, float] = (0.0, 0.0)) -> list[Event]:
    """The heartbeat's exchanges, but those of a stretch."""
    return [exchange(at_s) for at_s in np.arange(0.5, until_s, 1.0) if not but[0] <= at_s <= but[1]]


def found(findings: Any) -> list[tuple[str, str]]:  # noqa: ANN401  any iterable of findings
    return [(finding.code, finding.severity) for finding in findings]


def of_arrival(series: RunSeries) -> list[Finding]:
    assert series.begin_ns is not None
    assert series.end_ns is not None
    return list(findings_time.of_arrival(series, series.begin_ns, series.end_ns))


FEW = Monitored(repetitions=1, baseline_blocks=2)
INVALID = [("arrival-contradicted", "invalid")]
EVERY = np.arange(0.0, 30.0)


def test_an_end_a_second_before_it_reached_the_host_is_a_contradiction() -> None:
    # The case of the attack: the SUT says the rating took 1 s, the host waited 2 s for its end.
    series = series_of([*beats(8), rating("begin", 3.0), rating("end", 4.0, after_s=1.0)], EVERY)
    (finding,) = of_arrival(series)
    assert (finding.code, finding.severity) == INVALID[0]
    assert finding.evidence["what"] == "too old"
    assert finding.evidence["delay_s"] == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize(
    ("end_s", "after_s", "expected"),
    [
        (13.0, 0.5, []),
        (13.0, -0.5, INVALID),
        (13.0, 0.9, INVALID),
        (303.0, 1.9, []),
        (303.0, 2.1, INVALID),
    ],
)
def test_what_a_message_may_take_is_a_part_of_the_interval_between_two_bounds(
    end_s: float, after_s: float, expected: list[tuple[str, str]]
) -> None:
    events = [*beats(end_s + 5), rating("begin", 3.0), rating("end", end_s, after_s=after_s)]
    assert found(of_arrival(series_of(events, np.arange(0.0, end_s + 5)))) == expected


def test_a_late_agent_and_a_lost_link_explain_a_late_arrival_and_a_lively_agent_does_not() -> None:
    ends = [rating("begin", 3.0), rating("end", 10.0, after_s=5.0)]
    gone = (9.2, 14.95)
    samples = [at_s for at_s in EVERY if not gone[0] <= at_s <= gone[1]]
    assert found(of_arrival(series_of([*beats(20, gone), *ends], samples))) == []
    assert found(of_arrival(series_of([*beats(20), *ends], EVERY))) == INVALID
    # Whatever else was under way took as long: the link is slow, or has much to carry.
    assert found(of_arrival(series_of([*beats(20), exchange(10.5, took_s=4.4), *ends], EVERY))) == []
    assert found(of_arrival(series_of([*beats(20), exchange(10.5, took_s=2.0), *ends], EVERY))) == INVALID
    assert found(of_arrival(series_of([*beats(20), exchange(11.5, took_s=4.4), *ends], EVERY))) == INVALID
    # It came back seconds before it told of the end.
    back = (9.2, 12.0)
    samples = [at_s for at_s in EVERY if not back[0] <= at_s <= back[1]]
    assert found(of_arrival(series_of([*beats(20, back), *ends], samples))) == INVALID
    noted = [(13.3, "link-lost"), (14.9, "link-restored")]
    notes = [NoteEvent(time_ns=BASE_NS + int(at_s * S), code=code, text="") for at_s, code in noted]
    assert found(of_arrival(series_of([*beats(20), *ends, *notes], EVERY))) == []


def test_an_interval_that_begins_before_it_was_asked_for_is_a_contradiction() -> None:
    asked = PhaseEvent(time_ns=BASE_NS + 3 * S, name="stabilization", edge="end")
    in_order = [*beats(20), asked, rating("begin", 3.1), rating("end", 10.0)]
    assert found(of_arrival(series_of(in_order, EVERY))) == []
    early = [*beats(20), asked, rating("begin", 2.5, after_s=0.6), rating("end", 10.0)]
    (finding,) = of_arrival(series_of(early, EVERY))
    assert finding.evidence["what"] == "before it was asked for"


@given(st.floats(0.0, 0.7), st.floats(0.0, 0.7), st.floats(5.0, 400.0), st.floats(0.0005, 0.2))
def test_an_honest_sut_never_contradicts_itself(begin_s: float, end_s: float, length_s: float, took_s: float) -> None:
    exchanges: list[Event] = [exchange(at_s, took_s=took_s) for at_s in np.linspace(0.0, length_s + 4, 40)]
    events = [*exchanges, rating("begin", 2.0, after_s=begin_s), rating("end", 2.0 + length_s, after_s=end_s)]
    assert of_arrival(series_of(events, np.arange(0.0, length_s + 4))) == []


@pytest.mark.parametrize(
    ("lost", "side"), [({"sut_lost_s": 3.0}, "sut_clock_s"), ({"host_lost_s": 3.0}, "host_clock_s")]
)
def test_a_machine_that_stood_still_is_seen_by_the_other_ones_clock(lost: dict[str, float], side: str) -> None:
    before = [exchange(at_s) for at_s in np.arange(0.5, 6.0)]
    after = [exchange(at_s, **lost) for at_s in np.arange(9.5, 15.0)]
    asleep = exchange(5.8, took_s=3.2)  # asked before it slept, answered after
    series = series_of([*before, asleep, *after, rating("begin", 3.0), rating("end", 13.0)])
    ((finding),) = findings_time.of_frozen(series, BASE_NS, BASE_NS + 13 * S, LIMITS)
    assert (finding.code, finding.severity) == ("frozen", "invalid")
    assert finding.evidence[side] == pytest.approx(3.0, abs=0.02)
    assert sum(finding.evidence[key] for key in ("processes_s", "sut_clock_s", "host_clock_s")) == pytest.approx(
        3.0, abs=0.02
    )
    assert found(findings_time.of_frozen(series, BASE_NS, BASE_NS + 4 * S, LIMITS)) == []


def test_a_sleep_of_both_machines_is_seen_by_their_boot_clocks() -> None:
    def both(at_s: float, slept_s: float) -> ClockEvent:
        now = exchange(at_s)
        boots = {"sut_boot_ns": now.t_sut_ns + int(slept_s * S), "host_boot_ns": now.t1_ns + int(slept_s * S)}
        return replace(now, **boots)

    exchanges = [both(at_s, 0.0 if at_s < 6 else 600.0) for at_s in np.arange(0.5, 15.0)]
    series = series_of([*exchanges, rating("begin", 3.0), rating("end", 13.0)])
    ((finding),) = findings_time.of_frozen(series, BASE_NS, BASE_NS + 13 * S, LIMITS)
    assert (finding.evidence["sut_clock_s"], finding.evidence["host_clock_s"]) == (600.0, 600.0)


@given(st.floats(-500e-6, 500e-6), st.floats(0.0002, 0.4), st.integers(0, 1000))
def test_a_clock_that_only_drifts_never_stood_still(drift: float, took_s: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    exchanges = [
        replace(one, t_sut_ns=one.t_sut_ns + int(drift * at_s * S))
        for at_s in np.cumsum(random.uniform(0.01, 30.0, 40))
        for one in [exchange(float(at_s), took_s=float(random.uniform(0.0001, took_s)))]
    ]
    assert clock.fit(exchanges).standstills == ()


@pytest.mark.parametrize(
    ("end_s", "code", "severity"), [(16.02, None, "invalid"), (14.0, 0, "warn"), (18.0, None, "warn")]
)
def test_an_agent_that_was_away_across_the_end_is_invalid_where_it_stamped_it(
    end_s: float, code: int | None, severity: str
) -> None:
    samples = [*np.arange(0.0, 6.0), *np.arange(16.0, 30.0)]
    series = series_of([*beats(20), rating("begin", 3.0), rating("end", end_s, exit_code=code)], samples)
    late = findings_time.of_agent(series, BASE_NS + 3 * S, BASE_NS + int(end_s * S), LIMITS)
    assert found(late) == [("agent-late", severity)]


def test_samples_that_are_missing_are_a_warning_with_their_span() -> None:
    samples = [*np.arange(0.0, 6.0), *np.arange(16.0, 30.0)]
    series = series_of([*beats(20), rating("begin", 3.0), rating("end", 18.0)], samples)
    ((finding),) = findings_time.of_agent(series, BASE_NS + 3 * S, BASE_NS + 18 * S, LIMITS)
    assert (finding.code, finding.severity) == ("agent-late", "warn")
    assert (finding.evidence["times"], finding.evidence["late_s"]) == (1, 10.0)
    # The gap touches the interval with its end only.
    assert found(findings_time.of_agent(series, BASE_NS + 14 * S, BASE_NS + 18 * S, LIMITS)) == [("agent-late", "warn")]
    assert found(findings_time.of_agent(series, BASE_NS + 17 * S, BASE_NS + 18 * S, LIMITS)) == []


# --- what becomes of the run ---


@pytest.mark.parametrize(
    ("fault", "word"),
    [
        ({"events": frozen}, "frozen"),
        ({"events": late(2.5)}, "contradict"),
        ({"readings": keep(lambda t: (t["t"] < 20) | (t["t"] > 25))}, "gaps"),
        ({"samples": scaled("busy_cpu_s", lambda busy_s: busy_s + 5.0 * np.arange(busy_s.size))}, "other processes"),
    ],
)
def test_a_run_is_judged_by_itself_as_it_is_judged_in_its_campaign(
    tmp_path: Path, fault: dict[str, Callable[..., Any]], word: str
) -> None:
    campaign = campaign_of(tmp_path, small(**fault))
    results = analyse(campaign)
    assert {run["folder"]: run["excluded_because"] for run in plain(results)["runs"]} == {
        path.name: exclusion_of(path) for path in CampaignFolder(campaign).run_paths()
    }
    (out,) = (run["excluded_because"] for run in plain(results)["runs"] if not run["included"])
    assert word in out
    assert plain(results)["verdict"]["word"] == "valid-with-remarks"


def test_a_run_that_cannot_be_read_is_thrown_out_with_the_reason(tmp_path: Path) -> None:
    campaign = copied(campaign_of(tmp_path / "a", FEW), tmp_path / "b")

    def spoil(run: Path) -> None:
        (run / "readings-wall.csv").write_text("time_ns,power_w\nx,1\n")

    reforge(campaign, spoil)
    path = CampaignFolder(campaign).run_paths()[0]
    reason = exclusion_of(path)
    assert reason is not None
    assert reason.startswith("it cannot be read: ")
    (run, *_) = plain(analyse(campaign))["runs"]
    assert run["excluded_because"] == reason
    assert "no-rating" not in run["findings"]


def test_a_run_thrown_out_by_the_log_stays_out_and_is_a_warning_where_nothing_else_keeps_it_out(tmp_path: Path) -> None:
    campaign = copied(campaign_of(tmp_path / "a", FEW), tmp_path / "b")

    def rewrite(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        ends = [entry for entry in entries if entry["type"] == "run-end"]
        ends[1]["thrown_out"] = "gaps in its power readings exceed the limits"
        return entries

    reforge(campaign, rewrite=rewrite)
    results = analyse(campaign)
    (out,) = (run for run in plain(results)["runs"] if not run["included"])
    assert out["excluded_because"] == "thrown out when it was measured: gaps in its power readings exceed the limits"
    assert [finding.subject for finding in results.numbers.findings if finding.code == "thrown-out"] == [out["folder"]]


def test_a_run_aborted_after_its_rating_has_an_alternative_with_it(tmp_path: Path) -> None:
    whole = analyse(campaign_of(tmp_path / "whole", Monitored()))
    shape = Monitored(broken={2: "abort"})
    results = json.loads(write_results(campaign_of(tmp_path / "cut", shape)).read_text())
    scenario = results["scenarios"]["cnn"]
    assert scenario["n_runs"]["value"] == 2
    (alternative,) = (one for one in scenario["alternatives"] if one["name"] == "with-aborted")
    assert alternative["induced_energy_wh"] == plain(whole)["scenarios"]["cnn"]["induced_energy_wh"]
    (finding,) = (one for one in results["findings"] if one["code"] == "aborted-after-rating")
    assert finding["severity"] == "warn"
    energy_wh = next(run["energy_wh"]["value"] for run in plain(whole)["runs"] if run["folder"] == finding["subject"])
    assert finding["evidence"]["energy_wh"] == pytest.approx(energy_wh, rel=1e-12)


def test_a_run_aborted_before_its_rating_was_over_has_none(tmp_path: Path) -> None:
    def killed(events: list[Event]) -> list[Event]:
        """As the lab writes it: stabilization, and the command was killed; the supplementary run never began."""
        first = PhaseEvent(time_ns=events[0].time_ns, name="stabilization", edge="end")
        return [
            first,
            *(replace(e, exit_code=-15) if isinstance(e, PhaseEvent) and e.edge == "end" else e for e in events),
        ]

    shape = replace(FEW, broken={2: "abort"}, fault=Fault(only=frozenset({2}), events=killed))
    results = analyse(campaign_of(tmp_path, shape))
    assert "aborted-after-rating" not in {finding.code for finding in results.numbers.findings}
    assert plain(results)["scenarios"]["cnn"]["alternatives"] == []


def test_blocks_that_were_lost_are_judged_like_runs(tmp_path: Path) -> None:
    shape = Monitored(baseline_blocks=10, repetitions=1, broken=dict.fromkeys((1, 2, 3, 4, 5, 7), "abort"))
    results = analyse(campaign_of(tmp_path, shape))
    (finding,) = (one for one in results.numbers.findings if one.code == "success-fraction")
    assert (finding.subject, finding.severity) == ("baseline", "warn")
    assert (finding.evidence["runs"], finding.evidence["in_the_means"]) == (10, 4)
    assert [one["name"] for one in plain(results)["scenarios"]["cnn"]["alternatives"]] == ["with-aborted"]


def test_a_damaged_cell_costs_the_cell_and_the_run_counts(tmp_path: Path) -> None:
    campaign = copied(campaign_of(tmp_path / "a", FEW), tmp_path / "b")
    whole = analyse(campaign)

    def spoil(run: Path) -> None:
        lines = (run / "samples-agent.csv").read_text().splitlines()
        for line, word in ((70, "nan"), (71, "abc"), (72, "1e999"), (73, "9" * 30)):
            cells = lines[line].split(",")
            lines[line] = ",".join([*cells[:2], word, *cells[3:]])
        lines[75] = "x" + lines[75]
        (run / "samples-agent.csv").write_text("\n".join([*lines, ""]))

    reforge(campaign, spoil)
    results = analyse(campaign)
    assert plain(results)["scenarios"]["cnn"]["energy_wh"] == plain(whole)["scenarios"]["cnn"]["energy_wh"]
    damaged = [finding for finding in results.numbers.findings if finding.code == "unreadable-values"]
    assert len(damaged) == len(plain(results)["runs"])
    assert damaged[0].evidence == {"samples-agent.csv": {"sut_ns": 1, "cpu_percent": 3}}
