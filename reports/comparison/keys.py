"""What two sides of a comparison must have in common: the keys, their values on each side, which differ.

Knows start documents, descriptors and summaries of included runs. Knows no energy, and not what follows of a difference
(`refusals.py`).

Kinds of keys
- `work`: what was done (program and its Python's packages by their digests, parameters with the stop rule, data set,
  weights, trackers around it, what the scenario declares of its work). Where it differs, "more efficient" means
  nothing, unless just that is what is compared: refused until it is declared.
- `seeds`: the list of the runs' seeds. Listed.
- `software`, `machine`, `instrument`: what it was done with. Listed; a difference can come from them.
To be pooled, sides must agree in every key but the seeds. What one side did not record is `None` and refuses nothing.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, TypeAlias

from harness.record.documents import Json, facts_of_sut, table_of
from harness.record.searches import declared_for, stated_parameters
from reports.campaign.run import AnalysedRun
from reports.energy.meter_error import power_column
from reports.findings.campaign import certificate_of, digest_of
from reports.results.comparison import Key, KeyKind
from reports.results.rules import Rule, was

Facts: TypeAlias = Mapping[tuple[str, KeyKind], str]
"""(Key, kind) -> what one side recorded, as text."""
Recorded: TypeAlias = tuple[str, KeyKind, Any]
"""Key, kind, and what one run recorded (decoded JSON)."""
RECORDED: tuple[str, KeyKind] = ("scenario-recorded", "work")
"""Stands on a side whose scenario is recorded whole, which no import can say."""
NO_PROGRAM = frozenset({"lab.toml", "scenario.toml", "agent.py"})
"""Inputs of a run that were not taken for the program it runs when inputs were."""
MATERIAL: tuple[str, KeyKind] = ("material-recorded", "work")
"""Stands on a side that recorded what its runs are made of, which journals of schema 1 and imports do not."""
OF_MATERIAL = ("program.", "trackers.", "environment")
OF_SCENARIO = ("command", "parameters", "search", "trackers", "program", "declared")
LONGEST = 64
"""A longer value than a digest is cut, with a digest of the whole."""


def keys_of(sides: Sequence[Sequence[AnalysedRun]], declared: Sequence[str] = ()) -> tuple[Key, ...]:
    """Every key that any side recorded, in a fixed order."""
    facts = [_facts(runs) for runs in sides]
    names = dict.fromkeys(name for side in facts for name in side if name not in (RECORDED, MATERIAL))
    order = ("work", "seeds", "machine", "software", "instrument")
    return tuple(
        _key(name, kind, facts, declared=covers(declared, name))
        for name, kind in sorted(names, key=lambda key: (order.index(key[1]), key[0]))
    )


def covers(declared: Sequence[str], name: str) -> bool:
    """Whether a declaration is of a key: `parameters` stands for `parameters.target` too."""
    return any(name == key or name.startswith(f"{key}.") for key in declared)


def _key(name: str, kind: KeyKind, facts: Sequence[Facts], *, declared: bool) -> Key:
    values = tuple(_value(side, name, kind) for side in facts)
    return Key(name, kind, values, len({value for value in values if value is not None}) > 1, declared)


def _value(side: Facts, name: str, kind: KeyKind) -> str | None:
    """A side's value; `none` where what it is a part of is recorded and has no such part, None where it may have."""
    if name.startswith(OF_MATERIAL) and not was(Rule.COMPARED_PROGRAM):
        recorded = MATERIAL in side
    else:
        recorded = RECORDED in side and name.split(".")[0] in OF_SCENARIO
    return side.get((name, kind), "none" if recorded else None)


def _facts(runs: Sequence[AnalysedRun]) -> Facts:
    """What a side recorded; several values of its runs stand behind one another."""
    values: dict[tuple[str, KeyKind], dict[str, None]] = {}
    for run in runs:
        for name, kind, value in _of_run(run):
            if value is not None and value != {} and value != []:
                values.setdefault((name, kind), {})[_text(value)] = None
    facts = {key: " | ".join(sorted(texts)) for key, texts in values.items()}
    seeds = sorted({run.run.start.seed for run in runs})
    if runs and not any(run.run.start.source for run in runs):
        facts["seeds", "seeds"] = _text(seeds)
        if all(run.run.start.scenario_config for run in runs):
            facts[RECORDED] = "yes"
        if all(run.run.start.staged is not None for run in runs):
            facts[MATERIAL] = "yes"
    return facts


def _of_run(run: AnalysedRun) -> Iterator[Recorded]:
    yield from _scenario(run)
    yield from _material(run)
    yield from _data(run)
    if run.served is not None:
        yield "population", "work", run.served.digest
        yield "baseline-state", "work", table_of(run.run.start.config.get("baseline")).get("state")
    yield from _machine(run)
    yield from _software(run)
    yield from _instruments(run)


def _scenario(run: AnalysedRun) -> Iterator[Recorded]:
    config = run.run.start.scenario_config
    yield "command", "work", config.get("command")
    yield "trackers", "work", config.get("trackers")
    for name, value in _flat("parameters", stated_parameters(run.run.start)):
        yield name, "work", value
    for name, value in _flat("search", declared_for(run.run.start)):
        yield name, "work", value
    if config and not was(Rule.COMPARED_DECLARATIONS):
        for name, value in _flat("declared", _declared(run)):
            yield name, "work", value


def _declared(run: AnalysedRun) -> Json:
    """What a scenario declares of its work, or what holds where it does not: what a kind of work, the quality and the
    target are read of. Words, levels and what energy is correlated with change nothing that is compared."""
    work, goal = run.useful_work, run.goal
    return {
        "work": {kind.name: kind.key + (f", else actions {kind.action}" if kind.action else "") for kind in work.work},
        "quality": None if work.quality is None else work.quality.metric,
        "repeats": work.repeats or None,
        "target": None if goal.target is None else asdict(goal.target),
        "task": goal.task or None,
    }


def _material(run: AnalysedRun) -> Iterator[Recorded]:
    """The files that were run, and the Python that ran them."""
    start = run.run.start
    if was(Rule.COMPARED_PROGRAM):
        inputs = start.inputs.items() if start.source is None else ()
        yield from ((f"program.{name}", "work", digest) for name, digest in inputs if name not in NO_PROGRAM)
    for name, staged in (start.staged or {}).items():
        yield f"{'trackers' if staged.get('of') == 'trackers' else 'program'}.{name}", "work", staged.get("sha256")
    for file in start.on_sut or []:
        yield f"program.{file.get('path')}", "work", digest_of(file)
    environment = start.environment or {}
    yield "environment", "work", environment.get("sha256")
    yield "environment.python", "work", environment.get("python")
    yield "interpreter", "software", environment.get("binary_sha256")


def _data(run: AnalysedRun) -> Iterator[Recorded]:
    data = table_of(run.summary.get("dataset")) or table_of(run.summary.get("data"))
    yield "dataset", "work", next((data[key] for key in ("used_digest", "digest", "sha256") if data.get(key)), None)
    weights = table_of(run.summary.get("weights"))
    yield "weights", "work", weights.get("sha256") or weights.get("kind")


def _machine(run: AnalysedRun) -> Iterator[Recorded]:
    sut = run.run.start.sut
    facts = sut if was(Rule.COMPARED_PROGRAM) else facts_of_sut(sut)
    for key in ("hostname", "machine", "cpu", "cpu_count", "memory_kib", "memory_kb", "board", "cpu_governor"):
        yield key, "machine", facts.get(key)
    # Benches of one lab may be alike in all else; a lab with one SUT gives it no name.
    yield "sut", "machine", table_of(run.run.start.config.get("campaign")).get("sut") or None
    yield "gpus", "machine", [gpu.get("name") for gpu in sut.get("gpus") or []]


def _software(run: AnalysedRun) -> Iterator[Recorded]:
    start = run.run.start
    for key in ("os", "kernel", "firmware", "python", "psutil"):
        yield key, "software", start.sut.get(key)
    yield "gpu-driver", "software", sorted({str(gpu.get("driver")) for gpu in start.sut.get("gpus") or []})
    yield "workload-software", "software", run.summary.get("software")
    yield "agent", "software", start.inputs.get("agent.py")
    yield "wattlab", "software", start.software.get("version")
    # An import's is the spacing that was seen.
    for descriptor in run.run.indicators if start.source is None or was(Rule.COMPARED_PROGRAM) else ():
        yield "agent-sample-period_s", "software", descriptor.period_s


def _instruments(run: AnalysedRun) -> Iterator[Recorded]:
    for part in run.parts:
        meter = part.descriptor
        of = f"meter.{meter.circuit}"
        yield of, "instrument", [meter.identity[key] for key in ("maker", "model", "serial") if meter.identity.get(key)]
        yield f"{of}.range_w", "instrument", power_column(meter).get("range")
        yield f"{of}.ranging", "instrument", meter.ranging
        yield f"{of}.averaging", "instrument", [meter.averaging, meter.window_s]
        yield f"{of}.figure", "instrument", meter.identity.get("figure")
        yield f"{of}.certificate", "instrument", (meter.calibration or {}).get("number")
        if not was(Rule.POOLED_CALIBRATIONS):
            yield f"{of}.calibration", "instrument", certificate_of(meter)


def _flat(name: str, tree: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _flat(f"{name}.{key}", value)
        else:
            yield f"{name}.{key}", value


def _text(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
    longest = 60 if was(Rule.COMPARED_PROGRAM) else LONGEST
    if len(text) <= longest:
        return text
    return f"{text[:longest]}… (SHA-256 {hashlib.sha256(text.encode()).hexdigest()[:12]})"
