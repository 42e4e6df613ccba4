"""The markers of a run's journal -> its actions, and which markers became none.

Knows action events and where their stamps lie on the run's time base. Knows no power and no file.

Rules (method.md section 12). A begin and the next end of the same name and index are an action. It counts only where
both edges lie inside the run's record, no edge is stamped later than it arrived at the host, and it does not end before
it begins; `slack_ns` (how wrong the SUT's clock may be) is allowed. A second action of a name and index that one had
before gets the next index of its name: n counts runs, so one run gives one action of an index.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from harness.record.documents import ActionEvent, Json
from reports.readings.bounded import cleaned, is_stamp
from reports.results.rules import Rule, was

Reason: TypeAlias = Literal[
    "begin-without-end", "second-begin", "end-without-begin", "odd-number", "after-its-arrival", "outside-the-record",
    "ends-before-it-begins",
]  # fmt: skip
UNPAIRED = ("begin-without-end", "second-begin", "end-without-begin")


@dataclass(frozen=True, slots=True)
class Action:
    """One action: its edges (ns), the metrics and exit code that came with its end."""

    name: str
    index: int
    begin_ns: int
    end_ns: int
    metrics: Json
    exit_code: int | None


@dataclass(frozen=True, slots=True)
class Lost:
    """A marker, or a pair of them, that is no action."""

    name: str
    index: int
    reason: Reason


def actions_of(
    events: Sequence[ActionEvent], at_ns: Callable[[ActionEvent], int], record_ns: tuple[int, int], slack_ns: int
) -> tuple[tuple[Action, ...], tuple[Lost, ...]]:
    """The actions in order of time, and what was lost. `at_ns`: where an event of a sound stamp lies on the run's time
    base; `record_ns`: begin and end of the run's record there."""
    pairs, lost = _paired(events)
    actions: list[Action] = []
    for begin, end in pairs:
        reason = None if was(Rule.MARKERS) else _refused(begin, end, at_ns, record_ns, slack_ns)
        if reason is not None:
            lost.append(Lost(begin.name, begin.index, reason))
        else:
            edges_ns = at_ns(begin), at_ns(end)
            actions.append(Action(begin.name, begin.index, *edges_ns, cleaned(end.metrics), end.exit_code))
    actions.sort(key=lambda action: (action.begin_ns, -action.end_ns, action.name, action.index))
    return tuple(actions if was(Rule.MARKERS) else _numbered(actions)), tuple(lost)


def _paired(events: Sequence[ActionEvent]) -> tuple[list[tuple[ActionEvent, ActionEvent]], list[Lost]]:
    """Begin and end of the same name and index, in the order in which they arrived, and the markers without a
    partner."""
    begun: dict[tuple[str, int], ActionEvent] = {}
    pairs: list[tuple[ActionEvent, ActionEvent]] = []
    lost: list[Lost] = []
    for event in events:
        key = (event.name, event.index)
        if event.edge == "begin":
            if key in begun:
                lost.append(Lost(*key, "second-begin"))
            begun[key] = event
        elif key in begun:
            pairs.append((begun.pop(key), event))
        else:
            lost.append(Lost(*key, "end-without-begin"))
    return pairs, lost + [Lost(*key, "begin-without-end") for key in begun]


def _refused(
    begin: ActionEvent, end: ActionEvent, at_ns: Callable[[ActionEvent], int], record_ns: tuple[int, int], slack_ns: int
) -> Reason | None:
    """Why a pair is no action; None where it is one."""
    told = (one for event in (begin, end) for one in (event.time_ns, event.sut_ns, event.index) if one is not None)
    if not all(map(is_stamp, told)):
        return "odd-number"
    begin_ns, end_ns = at_ns(begin), at_ns(end)
    if any(at > event.time_ns + slack_ns for event, at in ((begin, begin_ns), (end, end_ns))):
        return "after-its-arrival"
    if begin_ns < record_ns[0] - slack_ns or end_ns > record_ns[1] + slack_ns:
        return "outside-the-record"
    return "ends-before-it-begins" if end_ns < begin_ns else None


def _numbered(actions: Sequence[Action]) -> Iterator[Action]:
    """The actions, an index that came before in its name replaced by the next one that is free."""
    taken: dict[str, set[int]] = {}
    for action in actions:
        taken.setdefault(action.name, set()).add(action.index)
    seen: set[tuple[str, int]] = set()
    for action in actions:
        index = action.index
        if (action.name, index) in seen:
            index = max(taken[action.name]) + 1
            taken[action.name].add(index)
        seen.add((action.name, index))
        yield action if index == action.index else replace(action, index=index)
