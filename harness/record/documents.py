"""The documents of a run's journal: their fields, their JSON, their versions.

Knows the form of every line of run.jsonl (docs/run-folder.md), and the schema that campaign.jsonl shares with it.
Knows no files, no clocks, no hardware.

Above 400 lines: who holds a journal in hand has every form of its lines, their versions and their bounds in one place.

Journal schema history
  1  2026-11-21  first version
  2  2026-11-28  start: `staged`, `on_sut`, `environment` (null: not recorded); campaign.jsonl: `run-start`, and in
                 `run-end` `lost`, `signature`, `unsigned`; event `window`; run kind `ranging`; SUT fact `memory_kib`
                 start has `boot_ns`, a clock event `sut_boot_ns` and `host_boot_ns` (null in 1: not known), the end of
                 a rating interval `exit_code` (null in 1: not known) and `frozen_ns` (empty in 1: none was seen);
                 a power descriptor `codec` (1 where it is absent); start and the runs of a plan have `cell`, where the
                 scenario has factors (absent: it has none); descriptor `tasks`, and in `scenario_config` of a run
                 `population`, `service` and `baseline_state`, where there are any (2026-11-30)
"""

import json
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from functools import cache
from math import isfinite
from typing import Any, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

from harness.record.errors import DocumentError, NewerSchema, printable
from harness.record.levels import Level

VERSION = "0.2.0"
"""Of wattlab, as pyproject.toml has it: results.json and the pages say which one wrote them."""
SCHEMA = 2
Json: TypeAlias = dict[str, Any]
"""A decoded JSON object; its values are checked where they are used."""

MIGRATIONS: dict[int, Callable[[Json], Json]] = {1: lambda document: document}
"""From version n to n + 1: `MIGRATIONS[n](document)`. What version 1 does not have has a default that says so."""

ExitStatus: TypeAlias = Literal["success", "abort", "fail"]
Edge: TypeAlias = Literal["begin", "end"]
Phase: TypeAlias = Literal["stage", "gate", "stabilization", "rating", "supplementary", "unstage"]
RunKind: TypeAlias = Literal["baseline", "scenario", "sync", "observer", "ranging", "warm-up"]
"""`sync` (a sync pulse), `observer` (a block of the observer effect), `ranging` (of an import: the meter's ranges were
being found), `warm-up` (before a session) are listed and enter no mean."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """First line of run.jsonl: what is run, on what, with which inputs. `time_ns` in the run's `time_base`.

    `staged`: file in the work folder on the SUT -> digest, size, whether it is kept in `inputs/work/`, whose it is;
    `on_sut`: what else the command names there; `environment`: the Python that runs it. None: not recorded.
    """

    schema: int = SCHEMA
    uid: str
    campaign: str
    ordinal: int
    attempt: int
    kind: RunKind
    scenario: str
    repetition: int
    seed: int
    block: int | None
    time_base: Literal["host-monotonic", "source-wall"]
    time_ns: int
    utc: str
    previous_manifest: str | None
    sut: Json
    host: Json
    inputs: dict[str, str]
    software: Json
    operator: str
    config: Json
    scenario_config: Json
    source: Json | None = None
    staged: dict[str, Json] | None = None
    on_sut: list[Json] | None = None
    environment: Json | None = None
    boot_ns: int | None = None
    """The host's CLOCK_BOOTTIME beside `time_ns`: it goes on while the host sleeps, the monotonic clock does not."""
    cell: dict[str, Level] | None = None
    """Factor -> level, where the scenario has factors (`harness.measure.cells`)."""


def _limit(default: Any, minimum: float = 0.0) -> Any:  # noqa: ANN401  a field of a dataclass
    return field(default=default, metadata={"minimum": minimum})


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """Limits of the findings in a start document's `config` (method.md section 7), each with the method's default.

    Every one is printed in the report. What begins with `min_` is stricter the larger it is, the rest the smaller.
    """

    gap_windows: float = _limit(2.0)
    gap_total_percent: float = _limit(1.0)
    gap_single_s: float = _limit(10.0)
    stuck_readings: int = _limit(60)
    stuck_load_percent: float = _limit(20.0)
    odd_readings_percent: float = _limit(1.0)
    """So many of a run's readings that are negative, zero or no number fail the run; fewer are a warning."""
    rate_drift_percent: float = _limit(2.0)
    quantisation_percent: float = _limit(1.0)
    limits_of_error_percent: float = _limit(1.0)
    limits_of_error_share_percent: float = _limit(5.0)
    settle_window_s: float = _limit(30.0)
    settle_percent: float = _limit(1.0)
    settle_standard_errors: float = _limit(2.0)
    settle_temperature_c_per_min: float = _limit(2.0)
    foreign_load_percent: float = _limit(2.0)
    foreign_load_invalid_percent: float = _limit(10.0)
    """Conventions, in % of all CPUs, where watts of a busy CPU were not measured: so much is a warning, so much more
    than the baseline had takes a run out, and before a start refuses it (`foreign_load_grade`)."""
    foreign_energy_percent: float = _limit(25.0)
    foreign_energy_invalid_percent: float = _limit(100.0)
    """Energy of the foreign load in % of U of a run's induced energy: so much is a warning, so much takes it out."""
    supply_voltage_percent: float = _limit(1.0)
    supply_frequency_percent: float = _limit(1.0)
    supply_thd_percent: float = _limit(2.0)
    ambient_c: float = _limit(23.0)
    ambient_tolerance_c: float = _limit(5.0)
    baseline_drift_percent: float = _limit(25.0)
    baseline_unsteady_percent: float = _limit(100.0)
    order_delta: float = _limit(0.5)
    autocorrelation_standard_errors: float = _limit(3.0)
    outlier_modified_z: float = _limit(5.0)
    half_width_percent: float = _limit(5.0)
    clock_bound_percent: float = _limit(1.0)
    clock_step_ms: float = _limit(50.0)
    receipt_late_s: float = _limit(60.0)
    """A witness is told at once; what it received later than this after the entry's own stamp is late."""
    frozen_s: float = _limit(1.0)
    """What of a rating interval may have stood still: more fails the run, less is a warning."""
    agent_late_s: float = _limit(1.0)
    stimulus_q_percent: float = _limit(5.0)
    """How far the load that an emulator made may be from its parameter set, % of that: relative frequencies of chains,
    means and standard deviations of preparation times, and the rate or the number in flight."""
    stimulus_h_percent: float = _limit(5.0)
    stimulus_s_percent: float = _limit(10.0)
    stimulus_rate_percent: float = _limit(5.0)
    stimulus_lag_ms: float = _limit(5.0)
    """How late 99 % of the tasks may be submitted at the most: more is a warning, and more than the next takes the run
    out, for then the emulator was the bottleneck."""
    stimulus_lag_invalid_ms: float = _limit(50.0)
    stimulus_cpu_percent: float = _limit(90.0)
    """What the emulator may take of one CPU."""
    tasks_failed_percent: float = _limit(1.0)
    """Tasks of a rating interval that may fail: more take the run out."""
    min_success_percent: float = _limit(90.0)
    min_windows: float = _limit(33.0)
    min_interval_s: float = _limit(300.0)
    min_scenario_runs: int = _limit(30, 1)
    min_baseline_runs: int = _limit(10, 1)
    min_baseline_blocks: int = _limit(5, 1)


def facts_of_sut(sut: Json) -> Json:
    """What a SUT says of itself, by today's names: `memory_kib` was called `memory_kb` until 2026-11."""
    return {"memory_kib" if key == "memory_kb" else key: value for key, value in sut.items()}


def foreign_load_grade(
    percent: float, baseline_percent: float, limits: Thresholds
) -> Literal["warn", "invalid"] | None:
    """What a foreign load is by its size alone (% of all CPUs), and that in the baseline; before a start, where nothing
    is known of a baseline, that is 0 and `invalid` refuses."""
    if abs(percent - baseline_percent) > limits.foreign_load_invalid_percent:
        return "invalid"
    return "warn" if percent > limits.foreign_load_percent else None


STATED_LIMITS = "stated by the lab in lab.toml"
"""`accuracy.source` of a power column whose limits of error are `[meters.NAME] limits_percent`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerDescriptor:
    """One power stream: the instrument, the circuit, how its readings average time, its columns (units, limits)."""

    stream: str
    meter: str
    circuit: str
    identity: Json
    origin: Literal["instrument", "attested", "declared", "emulated", "estimated", "unattested", "imported"]
    evidence: Json
    averaging: Literal["window", "instantaneous"]
    window_s: float
    stamp: Literal["end", "start", "unknown"]
    latency_s: float
    columns: list[Json]
    ranging: Literal["none", "auto", "fixed"] = "none"
    tier: Literal["reference", "working", "indicative", "uncalibrated"] | None = None
    calibration: Json | None = None
    codec: int = 1
    """What made the rows of the bytes (`meters.reading.CODEC`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndicatorDescriptor:
    """The hardware indicators of the SUT: period in s, whose clock stamps them, columns with unit and method."""

    stream: str
    period_s: float
    clock: Literal["sut", "host", "source-wall"]
    columns: list[Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class TasksDescriptor:
    """The tasks of a population, and how the remote terminal emulator fared that made them; both stamped by the host's
    monotonic clock. `seed`: of what was drawn; `address`: of the service, without any key; `connection` says whether
    the load went straight there or through an SSH forward."""

    stream: str
    generator: str
    population: str
    shape: Literal["users", "constant", "poisson", "closed", "trace"]
    seed: int
    address: str
    connection: Literal["direct", "forward"]
    columns: list[Json]
    generator_columns: list[Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseEvent:
    """An edge of a phase (ISO/IEC 14756); `rating` is the run's interval. With its end come the command's `exit_code`
    and `frozen_ns`: stretches (from, to) of the SUT's clock in which the command was frozen, or what stamps its end."""

    time_ns: int
    name: Phase
    edge: Edge
    sut_ns: int | None = None
    sut_wall_ns: int | None = None
    exit_code: int | None = None
    frozen_ns: list[list[int]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionEvent:
    """An edge of an action; `index` counts from 0 per name; `metrics` and `exit_code` come with the end."""

    time_ns: int
    name: str
    index: int
    edge: Edge
    sut_ns: int | None = None
    sut_wall_ns: int | None = None
    metrics: Json = field(default_factory=dict)
    exit_code: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkEvent:
    """Useful work that the program says it did since it last said so: unit (tokens, requests, ...) -> how much."""

    time_ns: int
    sut_ns: int
    sut_wall_ns: int
    amounts: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockEvent:
    """One clock exchange: host clock before (t0) and after (t1) the SUT stamped `t_sut_ns` (both monotonic, ns). The
    `boot` clocks are read beside `t_sut_ns` and `t1_ns`; unlike those they go on while a machine sleeps."""

    time_ns: int
    t0_ns: int
    t_sut_ns: int
    t1_ns: int
    sut_wall_ns: int
    host_wall_ns: int
    sut_boot_ns: int | None = None
    host_boot_ns: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GapEvent:
    """A stretch in which a stream had nothing to record, and why."""

    time_ns: int
    stream: str
    cause: str
    from_ns: int
    to_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeChangeEvent:
    """A measuring range that became known or changed: of which column, whether the instrument chooses it itself, its
    full scale in the column's unit (null: unknown); `text` is what the instrument or its log said."""

    time_ns: int
    stream: str
    column: str
    auto: bool | None
    full_scale: float | None
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitEvent:
    """What the lab waited for before it rated: to be back where the session began (`gate`), or settled (`settle`).

    `reference`: nothing was waited for, `evidence` is where the session began; `limit`: it was not so within `limit_s`.
    """

    time_ns: int
    name: Literal["gate", "settle"]
    outcome: Literal["reached", "limit", "reference"]
    waited_s: float
    limit_s: float
    evidence: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowEvent:
    """The interval over which the publisher of an imported run states its figures, on the run's time base.

    `rule` names how the publisher counts (reports/energy/publisher.py). `offset_s` was added to its stamps to reach
    the time base; both clocks agreed within `bound_s` (null: not known). `source`: file, digest, and of both edges the
    key, the line and the stamp as written. `stated_wh`: the energy that the publisher itself prints for it.
    """

    time_ns: int
    publisher: str
    rule: Literal["rows-inside", "since-previous", "reading-times-step", "samples-from-to"]
    from_ns: int
    to_ns: int
    offset_s: float
    bound_s: float | None
    source: Json
    stated_wh: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteEvent:
    """Anything else worth a line: `code` for machines, `text` for people."""

    time_ns: int
    code: str
    text: str


Event: TypeAlias = (
    PhaseEvent
    | ActionEvent
    | WorkEvent
    | ClockEvent
    | GapEvent
    | RangeChangeEvent
    | WaitEvent
    | WindowEvent
    | NoteEvent
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Last line of run.jsonl: how the run ended, and count and sha256 of every stream."""

    time_ns: int
    utc: str
    exit_status: ExitStatus
    reason: str | None
    streams: dict[str, Json]


Document: TypeAlias = Start | PowerDescriptor | IndicatorDescriptor | TasksDescriptor | Event | Stop

_TAGS: dict[tuple[str, str | None], type[Document]] = {
    ("start", None): Start,
    ("descriptor", "power"): PowerDescriptor,
    ("descriptor", "indicators"): IndicatorDescriptor,
    ("descriptor", "tasks"): TasksDescriptor,
    ("event", "phase"): PhaseEvent,
    ("event", "action"): ActionEvent,
    ("event", "work"): WorkEvent,
    ("event", "clock"): ClockEvent,
    ("event", "gap"): GapEvent,
    ("event", "range_change"): RangeChangeEvent,
    ("event", "wait"): WaitEvent,
    ("event", "window"): WindowEvent,
    ("event", "note"): NoteEvent,
    ("stop", None): Stop,
}
_TAG_OF: dict[type[Document], tuple[str, str | None]] = {cls: tag for tag, cls in _TAGS.items()}
_UNWRITTEN = frozenset({"cell", "stated_wh"})
"""Fields that are not written where they are null: readers of the same schema that do not know them read on."""


def encode(document: Document) -> str:
    """One line of JSON (no newline) for a document.

    Raises:
        DocumentError: `decode` would refuse it.
    """
    kind, sub = _TAG_OF[type(document)]
    tagged: Json = {"type": kind} | ({} if sub is None else {"kind": sub})
    raw = {f.name: getattr(document, f.name) for f in fields(document)}
    raw = {name: value for name, value in raw.items() if value is not None or name not in _UNWRITTEN}
    _require_types(type(document), raw, "not written")
    try:
        line = dump(tagged | raw)
        line.encode()
    except (ValueError, TypeError, RecursionError) as error:
        raise DocumentError(f"not written: {type(document).__name__} holds what is no JSON ({error})") from None
    return line


def decode(line: str | bytes, where: str) -> Document:
    """A document from one line; `where` ("run.jsonl:12") begins every error.

    Raises:
        NewerSchema: the line was written by a newer wattlab.
        DocumentError: not JSON, an unknown document, a field that is missing or of the wrong type.
    """
    raw = upgrade(load_object(line, where), where)
    kind = str(raw.pop("type", ""))
    # A start document's own `kind` (baseline | scenario) is a field, not a tag.
    sub = str(raw.pop("kind", "")) if kind in ("descriptor", "event") else None
    cls = _TAGS.get((kind, sub))
    if cls is None:
        raise DocumentError(f"{where}: unknown document {kind!r}/{sub!r}; expected one of {sorted(map(str, _TAGS))}")
    return _build(cls, raw, where)


def upgrade(raw: Json, where: str) -> Json:
    """Bring a start document to the present schema; every other document passes unchanged."""
    if raw.get("type") not in ("start", "campaign"):
        return raw
    version = raw.get("schema")
    if type(version) is not int or version < 1:
        raise DocumentError(f"{where}: schema {version!r} is not a version number; expected 1 to {SCHEMA}")
    if version > SCHEMA:
        raise NewerSchema(f"{where}: schema {version} is newer than this wattlab knows ({SCHEMA}); update wattlab")
    for step in range(version, SCHEMA):
        raw = MIGRATIONS[step](raw)
    return raw | {"schema": SCHEMA}


def dump(value: Mapping[str, Any]) -> str:
    """Compact JSON on one line; NaN and infinity are refused (ValueError): they are not JSON."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def table_of(value: object) -> Json:
    """A decoded JSON object or TOML table; empty for anything else, where its writer may have written anything."""
    return value if isinstance(value, dict) else {}


def load_object(line: str | bytes, where: str) -> Json:
    """One JSON object from one line.

    Raises:
        DocumentError: not UTF-8, not JSON, not an object, or a name stands in one of its objects twice.
    """
    try:
        value = json.loads(line, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise DocumentError(f"{where}: not a JSON document ({error}); the file was cut off or edited") from None
    if not isinstance(value, dict):
        raise DocumentError(f"{where}: found a JSON {type(value).__name__}, expected an object")
    return value


def _once(pairs: list[tuple[str, Any]]) -> Json:
    """An object whose every name stands once: of two, readers take either (RFC 8259, 4)."""
    value = dict(pairs)
    if len(value) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the name {next(name for name in names if names.count(name) > 1)!r:.60} stands twice")
    return value


def _build(cls: type[Document], raw: Json, where: str) -> Document:
    known = {f.name: f for f in fields(cls)}
    if unknown := sorted(set(raw) - set(known)):
        raise DocumentError(f"{where}: {cls.__name__} has unknown fields {unknown}; was it written by another tool?")
    for name, spec in known.items():
        if name not in raw and spec.default is MISSING and spec.default_factory is MISSING:
            raise DocumentError(f"{where}: {cls.__name__} lacks the field {name!r}")
    _require_types(cls, raw, where)
    return cls(**raw)


def _require_types(cls: type[Document], raw: Json, where: str) -> None:
    for name, hint, judge in _JUDGES[cls]:
        if name in raw and not judge(raw[name]):
            raise DocumentError(f"{where}: {cls.__name__}.{name} is {raw[name]!r:.80}, expected {describe(hint)}")


def matches(value: object, hint: Any) -> bool:  # noqa: ANN401  a type hint is anything
    """Whether a decoded JSON or TOML value has the type of a dataclass field's hint (an int passes for a float). A
    whole number has to fit 64 bits: what counts with it may rely on that."""
    return _judge_of(hint)(value)


@cache
def _judge_of(hint: Any) -> Callable[[Any], bool]:  # noqa: ANN401  a type hint is anything
    """Made once of each hint: the fields of every document are held against them."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Literal:
        return lambda value: value in parts
    if origin in (Union, types.UnionType):
        judges = [_judge_of(part) for part in parts]
        return lambda value: any(judge(value) for judge in judges)
    if origin is dict:
        of_key, of_item = map(_judge_of, parts)
        return lambda value: isinstance(value, dict) and all(of_key(k) and of_item(v) for k, v in value.items())
    if origin is list:
        of_part = _judge_of(parts[0])
        return lambda value: isinstance(value, list) and all(map(of_part, value))
    if hint is Any:
        return lambda value: True
    if hint is float:
        return lambda value: isinstance(value, float) or _is_whole(value)
    return _is_whole if hint is int else lambda value: isinstance(value, hint)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -(1 << 63) <= value < 1 << 63


_JUDGES: dict[type[Document], tuple[tuple[str, Any, Callable[[Any], bool]], ...]] = {
    cls: tuple((name, hint, _judge_of(hint)) for name, hint in get_type_hints(cls).items()) for cls in _TAG_OF
}


LAST_STAMP_NS = 1 << 62
"""Beyond it (the year 2116, or 146 years of a monotonic clock) nothing is a stamp; sums of two still fit 64 bits."""
MOST_NESTED = 8
"""Lists and objects in each other that are kept of what a SUT says."""
LONGEST_TEXT = 2000
"""Characters of a text that are kept of what a SUT says."""


def tame(value: object, name: str, problems: list[str], depth: int = MOST_NESTED) -> Any:  # noqa: ANN401  as it comes
    """What somebody else's program said (decoded JSON), as everything here can keep and count with: numbers that JSON
    or 64 bits do not have and what is nested too deep become null, text is made printable and cut.

    What was lost is told in `problems`, where it stood by `name`.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return printable(value)[:LONGEST_TEXT]
    if isinstance(value, int):
        if matches(value, int):
            return value
        problems.append(f"{name} is a whole number beyond 64 bits")
        return None
    if isinstance(value, float):
        if isfinite(value):
            return value
        problems.append(f"{name} is {value}")
        return None
    if depth == 0 or not isinstance(value, list | dict):
        problems.append(f"{name} is nested more than {MOST_NESTED} deep")
        return None
    if isinstance(value, list):
        return [tame(part, f"{name}[{at}]", problems, depth - 1) for at, part in enumerate(value)]
    plain = {key: tame(key, "a name", problems) for key in value}
    return {
        plain[key]: tame(part, f"{name}.{plain[key]}".lstrip("."), problems, depth - 1) for key, part in value.items()
    }


def is_plain_name(name: str) -> bool:
    """Whether a name is that of a file in one folder, which it cannot leave."""
    return name not in ("", ".", "..") and not {"/", "\0"} & set(name)


def shown(value: object) -> str:
    """The beginning of a decoded JSON value, for a message; what is nested too deep to be shown is only named."""
    try:
        return f"{value!r:.300}"
    except RecursionError:
        return f"a {type(value).__name__} nested too deep to be shown"


def describe(hint: Any) -> str:  # noqa: ANN401  a type hint is anything
    """A type hint in words for an error message."""
    if get_origin(hint) is Literal:
        return " | ".join(map(repr, get_args(hint)))
    return getattr(hint, "__name__", str(hint)).replace("NoneType", "null")
