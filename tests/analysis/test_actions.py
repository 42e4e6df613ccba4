"""Markers become actions only where they can be: inside the record, in order, before they arrive, in pairs."""

from pathlib import Path

import pytest

from harness.record.documents import ActionEvent, ClockEvent, Edge, Event
from harness.record.run_folder import RunFolder
from reports.campaign.analyse import analyse
from reports.campaign.document import Analysis
from reports.findings import mark_rules
from reports.readings.actions import Action, Lost, actions_of
from reports.readings.series import read_run
from reports.results.finding import Finding
from tests.analysis.monitored import Fault, Monitored, campaign_of
from tests.campaign_results import plain

S = 10**9
RECORD = 0, 100 * S


def event(name: str, index: int, edge: Edge, at_s: float, arrived_s: float | None = None) -> ActionEvent:
    """A marker stamped at `at_s` of the SUT (whose clock is the host's), arriving then or as said."""
    arrived = at_s if arrived_s is None else arrived_s
    return ActionEvent(time_ns=int(arrived * S), name=name, index=index, edge=edge, sut_ns=int(at_s * S))


def stamped(marker: ActionEvent) -> int:
    assert marker.sut_ns is not None
    return marker.sut_ns


def lost_of(*events: ActionEvent) -> list[tuple[str, int, str]]:
    _, lost = actions_of(events, stamped, RECORD, 0)
    return [(one.name, one.index, one.reason) for one in lost]


def test_a_begin_and_its_end_are_an_action() -> None:
    actions, lost = actions_of([event("a", 0, "begin", 1), event("a", 0, "end", 3)], stamped, RECORD, 0)
    assert (actions, lost) == ((Action("a", 0, S, 3 * S, {}, None),), ())


def test_an_action_of_no_length_is_one() -> None:
    actions, _ = actions_of([event("a", 0, "begin", 1), event("a", 0, "end", 1)], stamped, RECORD, 0)
    assert actions[0].begin_ns == actions[0].end_ns


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        ([event("a", 0, "begin", 1)], "begin-without-end"),
        ([event("a", 0, "end", 1)], "end-without-begin"),
        ([event("a", 0, "begin", 5), event("a", 0, "end", 4)], "ends-before-it-begins"),
        ([event("a", 0, "begin", -1), event("a", 0, "end", 4)], "outside-the-record"),
        ([event("a", 0, "begin", 4), event("a", 0, "end", 101)], "outside-the-record"),
        ([event("a", 0, "begin", 4), event("a", 0, "end", 9, arrived_s=8)], "after-its-arrival"),
        # A wall clock in place of the monotonic one.
        ([event("a", 0, "begin", 1.8e9, 4), event("a", 0, "end", 1.8e9 + 1, 5)], "after-its-arrival"),
        ([event("a", 0, "begin", 0.0, 4), event("a", 0, "end", 1e21, 5)], "odd-number"),
        ([event("a", 10**30, "begin", 1), event("a", 10**30, "end", 2)], "odd-number"),
    ],
)
def test_what_cannot_be_is_no_action_and_says_why(events: list[ActionEvent], reason: str) -> None:
    actions, lost = actions_of(events, stamped, RECORD, 0)
    assert (actions, [one.reason for one in lost]) == ((), [reason])


def test_a_second_begin_loses_the_first_one_only() -> None:
    events = [event("a", 0, "begin", 1), event("a", 0, "begin", 2), event("a", 0, "end", 3)]
    actions, lost = actions_of(events, stamped, RECORD, 0)
    assert [(action.begin_ns, action.end_ns) for action in actions] == [(2 * S, 3 * S)]
    assert lost == (Lost("a", 0, "second-begin"),)


def test_what_the_clock_may_be_wrong_by_is_allowed() -> None:
    events = [event("a", 0, "begin", -0.1, 0), event("a", 0, "end", 5.1, 5)]
    assert lost_of(*events) == [("a", 0, "after-its-arrival")]
    assert actions_of(events, stamped, RECORD, S // 2)[1] == ()


def test_a_marker_that_a_broken_link_held_back_counts() -> None:
    assert lost_of(event("a", 0, "begin", 1, 60), event("a", 0, "end", 2, 60)) == []


def test_a_name_and_index_that_come_again_get_the_next_index() -> None:
    events = [event("a", 0, edge, at) for at, edge in enumerate(("begin", "end") * 3)]  # type: ignore[arg-type]
    actions, lost = actions_of(events, stamped, RECORD, 0)
    assert [action.index for action in actions] == [0, 1, 2]
    assert lost == ()


def test_numbers_that_json_does_not_have_are_no_metrics() -> None:
    end = event("a", 0, "end", 2)
    end = ActionEvent(time_ns=end.time_ns, name="a", index=0, edge="end", sut_ns=end.sut_ns,
                      metrics={"loss": [float("nan")], "name": "\ud800", "n": 3})  # fmt: skip
    actions, _ = actions_of([event("a", 0, "begin", 1), end], stamped, RECORD, 0)
    assert actions[0].metrics == {"loss": [None], "name": "\N{REPLACEMENT CHARACTER}", "n": 3}


def marked(*markers: tuple[str, Edge, int]) -> Fault:
    """Markers beside those of the run: name, edge, stamp of the SUT (ns after the rating began)."""

    def change(events: list[Event]) -> list[Event]:
        first = next(one for one in events if isinstance(one, ActionEvent))
        more: list[Event] = [
            ActionEvent(time_ns=first.time_ns + 20 * S, name=name, index=0, edge=edge, sut_ns=first.time_ns + at)
            for name, edge, at in markers
        ]
        return [*events[:-1], *more, events[-1]]

    return Fault(only=frozenset({2}), events=change)


def found_with(path: Path, fault: Fault) -> tuple[Analysis, dict[str, Finding]]:
    result = analyse(campaign_of(path, Monitored(fault=fault)))
    return result, {finding.code: finding for finding in result.numbers.findings}


def test_a_campaign_names_the_actions_that_are_none_and_gives_them_no_energy(tmp_path: Path) -> None:
    wall_ns = 1_800_000_000 * S
    fault = marked(
        ("wall", "begin", wall_ns), ("wall", "end", wall_ns + S), ("back", "begin", 5 * S), ("back", "end", 4 * S),
        ("open", "begin", 5 * S),
    )  # fmt: skip
    result, found = found_with(tmp_path, fault)
    assert found["action-outside-record"].evidence == {
        "after-its-arrival": {"times": 1, "actions": ["wall 0"]},
        "ends-before-it-begins": {"times": 1, "actions": ["back 0"]},
    }
    assert found["unpaired-action"].evidence == {"begin-without-end": {"times": 1, "actions": ["open 0"]}}
    names = {record["name"] for record in plain(result)["scenarios"]["cnn"]["actions"]}
    assert not names & {"wall", "back", "open"}


def test_a_clock_exchange_of_nonsense_costs_itself(tmp_path: Path) -> None:
    def odd(events: list[Event]) -> list[Event]:
        first = next(one for one in events if isinstance(one, ClockEvent))
        nonsense = ClockEvent(
            time_ns=first.time_ns, t0_ns=first.t0_ns, t_sut_ns=2**62 + 1, t1_ns=first.t1_ns,
            sut_wall_ns=first.sut_wall_ns, host_wall_ns=first.host_wall_ns,
        )  # fmt: skip
        return [*events, nonsense]

    result, found = found_with(tmp_path, Fault(only=frozenset({2}), events=odd))
    assert found["unreadable-values"].evidence == {"clock exchanges": 1}
    assert plain(result)["scenarios"]["cnn"]["n_runs"]["value"] == 3


def test_an_indicator_of_nonsense_costs_its_cell(tmp_path: Path) -> None:
    folder = campaign_of(tmp_path, Monitored())
    run = next(run for run in sorted(folder.iterdir()) if "-r02-" in run.name)
    samples = run / "samples-agent.csv"
    samples.chmod(0o600)
    rows = samples.read_text().splitlines()
    names = rows[0].split(",")
    for at, (name, text) in enumerate((("cpu_percent", "nan"), ("cpu_percent", "x"), ("ram_used_kib", "1e400")), 10):
        cells = rows[at].split(",")
        cells[names.index(name)] = text
        rows[at] = ",".join(cells)
    rows[20] = ",".join(["9" * 30, *rows[20].split(",")[1:]])
    samples.write_text("\n".join(rows) + "\n")
    series = read_run(RunFolder.open(run))
    assert series.indicators is not None
    assert series.indicators.odd == {"sut_ns": 1, "cpu_percent": 2, "ram_used_kib": 1}
    assert series.indicators.times_ns.size == len(rows) - 2
    (finding,) = mark_rules.of_odd_cells(series)
    assert finding.evidence == {"samples-agent.csv": dict(series.indicators.odd)}
