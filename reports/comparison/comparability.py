"""What two sides of a comparison must have in common: the keys, their values on each side, which differ, what follows.

Knows start documents, descriptors and summaries of included runs. Knows no energy and no sentence for people but the
refusals. After psf/pyperf: runs whose metadata differ are not pooled, and the refusal names the key and both values.

Kinds of keys
- `work`: what was done (program and its Python's packages by their digests, parameters with the stop rule, data set,
  weights, trackers around it). Where it differs, "more efficient" means nothing, unless just that is what is compared:
  refused until it is declared.
- `seeds`: the list of the runs' seeds. Listed.
- `software`, `machine`, `instrument`: what it was done with. Listed; a difference can come from them.
To be pooled, sides must agree in every key but the seeds. What one side did not record is `None` and refuses nothing.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from harness.record.documents import Json, facts_of_sut
from harness.record.errors import AnalysisError
from reports.campaign.run import AnalysedRun
from reports.energy.meter_error import power_column
from reports.findings.campaign import certificate_of, digest_of
from reports.results.rules import Rule, was

KeyKind = Literal["work", "seeds", "software", "machine", "instrument"]
RECORDED: tuple[str, KeyKind] = ("scenario-recorded", "work")
"""Stands on a side whose scenario is recorded whole, which no import can say."""
NAMED = 4
"""So many sides, or values, are named in a message; the rest are counted."""
NO_PROGRAM = frozenset({"lab.toml", "scenario.toml", "agent.py"})
"""Inputs of a run that were not taken for the program it runs when inputs were."""
MATERIAL: tuple[str, KeyKind] = ("material-recorded", "work")
"""Stands on a side that recorded what its runs are made of, which journals of schema 1 and imports do not."""
OF_MATERIAL = ("program.", "trackers.", "environment")
LONGEST = 64
"""A longer value than a digest is cut, with a digest of the whole."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key with the value of each side as text (None: not recorded), and whether a difference was declared."""

    name: str
    kind: KeyKind
    values: tuple[str | None, ...]
    declared: bool = False

    @property
    def differs(self) -> bool:
        """Whether two sides recorded different values."""
        return len({value for value in self.values if value is not None}) > 1

    def to_json(self) -> Json:
        """A record of `keys` in comparison.json."""
        return {
            "key": self.name, "kind": self.kind, "values": list(self.values), "differs": self.differs,
            "declared": self.declared,
        }  # fmt: skip


def keys_of(sides: Sequence[Sequence[AnalysedRun]], declared: Sequence[str] = ()) -> tuple[Key, ...]:
    """Every key that any side recorded, in a fixed order."""
    facts = [_facts(runs) for runs in sides]
    names = dict.fromkeys(name for side in facts for name in side if name not in (RECORDED, MATERIAL))
    order = ("work", "seeds", "machine", "software", "instrument")
    found = [
        Key(name, kind, tuple(_value(side, name, kind) for side in facts), _covers(declared, name))
        for name, kind in sorted(names, key=lambda key: (order.index(key[1]), key[0]))
    ]
    return tuple(found)


def _value(side: Mapping[tuple[str, KeyKind], str], name: str, kind: KeyKind) -> str | None:
    """A side's value; `none` where what it is a part of is recorded and has no such part, None where it may have."""
    if name.startswith(OF_MATERIAL) and not was(Rule.COMPARED_PROGRAM):
        recorded = MATERIAL in side
    else:
        recorded = RECORDED in side and name.split(".")[0] in ("command", "parameters", "trackers", "program")
    return side.get((name, kind), "none" if recorded else None)


def refuse_other_work(keys: Sequence[Key], labels: Sequence[str]) -> None:
    """Sides that did different work are not compared, unless the difference is what is compared.

    Raises:
        AnalysisError: with every key, both values, and the option that declares them.
    """
    undeclared = [key for key in keys if key.kind == "work" and key.differs and not key.declared]
    if not undeclared:
        return
    listed = "; ".join(_both(key, labels) for key in undeclared)
    names = ",".join(key.name for key in undeclared)
    raise AnalysisError(
        f"{names_of(labels)} did different work, so neither can be called more efficient: {listed}. Compare runs "
        f"that did the same work or, if this difference is what you compare, declare it: --differs {names}"
    )


def refuse_to_pool(keys: Sequence[Key], labels: Sequence[str]) -> None:
    """Campaigns are pooled only where every key but the seeds agrees.

    Raises:
        AnalysisError: with the first keys that differ and both values.
    """
    differing = [key for key in keys if key.kind != "seeds" and key.differs]
    if differing:
        listed = "; ".join(_both(key, labels) for key in differing)
        raise AnalysisError(
            f"{names_of(labels)} cannot be pooled: {listed}. Pooled runs must be runs of one kind; compare the "
            "campaigns with each other instead of joining them by a comma"
        )


def refuse_unknown_declarations(keys: Sequence[Key], declared: Sequence[str]) -> None:
    """A declared key that no side has is a slip of the pen.

    Raises:
        AnalysisError: with the keys there are.
    """
    names = [key.name for key in keys if key.kind == "work"]
    for name in declared:
        if not any(_covers([name], known) for known in names):
            raise AnalysisError(f"--differs {name}: no side has such a key; there are: {', '.join(names) or 'none'}")


def same_run(parts: Iterable[tuple[str, Sequence[AnalysedRun]]]) -> str | None:
    """The first run that stands twice among labelled lists of runs, as a sentence. A run is known by the bytes that its
    meters gave: a copy of its folder, sealed anew or imported again, is no replicate."""
    seen: dict[tuple[str, ...], str] = {}
    for label, runs in parts:
        for run in runs:
            streams = {} if run.run.stop is None else run.run.stop.streams
            digests = (str(streams.get(power.stream, {}).get("sha256")) for power in run.run.power)
            identity = tuple(sorted(digests))
            if identity in seen:
                return (
                    f"{run.run.path.name}: the same run stands twice ({seen[identity]} and {label}), by the bytes of "
                    "its readings; a copy of a run is no replicate of it"
                )
            seen[identity] = label
    return None


def names_of(labels: Sequence[str]) -> str:
    """Sides or campaigns in a message: the first few, and how many more there are."""
    more = [f"{len(labels) - NAMED} more"] if len(labels) > NAMED else []
    return " and ".join([*labels[:NAMED], *more])


def _both(key: Key, labels: Sequence[str]) -> str:
    return f"{key.name} is {values_of(key, labels)}"


def values_of(key: Key, labels: Sequence[str]) -> str:
    """Each value of a key, and which sides have it."""
    having: dict[str, list[str]] = {}
    for value, label in zip(key.values, labels, strict=True):
        if value is not None:
            having.setdefault(value, []).append(label)
    return names_of([f"{value} ({names_of(of)})" for value, of in having.items()])


def _covers(declared: Sequence[str], name: str) -> bool:
    """`parameters` stands for `parameters.target` too."""
    return any(name == one or name.startswith(f"{one}.") for one in declared)


def _facts(runs: Sequence[AnalysedRun]) -> dict[tuple[str, KeyKind], str]:
    """(Key, kind) -> value; several values of one side stand behind one another."""
    found: dict[tuple[str, KeyKind], dict[str, None]] = {}
    for run in runs:
        for name, kind, value in _of_run(run):
            if value is not None and value != {} and value != []:
                found.setdefault((name, kind), {})[_text(value)] = None
    facts = {key: " | ".join(sorted(values)) for key, values in found.items()}
    seeds = sorted({run.run.start.seed for run in runs})
    if runs and not any(run.run.start.source for run in runs):
        facts["seeds", "seeds"] = _text(seeds)
        if all(run.run.start.scenario_config for run in runs):
            facts[RECORDED] = "yes"
        if all(run.run.start.staged is not None for run in runs):
            facts[MATERIAL] = "yes"
    return facts


def _of_run(run: AnalysedRun) -> Iterator[tuple[str, KeyKind, Any]]:
    start, said = run.run.start, run.summary
    config = start.scenario_config
    yield "command", "work", config.get("command")
    yield "trackers", "work", config.get("trackers")
    for name, value in _flat("parameters", _table(config.get("parameters"))):
        yield name, "work", value
    if was(Rule.COMPARED_PROGRAM):
        inputs = start.inputs.items() if start.source is None else ()
        yield from ((f"program.{name}", "work", digest) for name, digest in inputs if name not in NO_PROGRAM)
    for name, staged in (start.staged or {}).items():
        yield f"{'trackers' if staged.get('of') == 'trackers' else 'program'}.{name}", "work", staged.get("sha256")
    for one in start.on_sut or []:
        yield f"program.{one.get('path')}", "work", digest_of(one)
    environment = start.environment or {}
    yield "environment", "work", environment.get("sha256")
    yield "environment.python", "work", environment.get("python")
    yield "interpreter", "software", environment.get("binary_sha256")
    data = _table(said.get("dataset")) or _table(said.get("data"))
    yield "dataset", "work", next((data[key] for key in ("used_digest", "digest", "sha256") if data.get(key)), None)
    weights = _table(said.get("weights"))
    yield "weights", "work", weights.get("sha256") or weights.get("kind")
    facts = start.sut if was(Rule.COMPARED_PROGRAM) else facts_of_sut(start.sut)
    for key in ("hostname", "machine", "cpu", "cpu_count", "memory_kib", "memory_kb", "board", "cpu_governor"):
        yield key, "machine", facts.get(key)
    yield "gpus", "machine", [gpu.get("name") for gpu in start.sut.get("gpus") or []]
    for key in ("os", "kernel", "firmware", "python", "psutil"):
        yield key, "software", start.sut.get(key)
    yield "gpu-driver", "software", sorted({str(gpu.get("driver")) for gpu in start.sut.get("gpus") or []})
    yield "workload-software", "software", said.get("software")
    yield "agent", "software", start.inputs.get("agent.py")
    yield "wattlab", "software", start.software.get("version")
    # An import's is the spacing that was seen.
    for descriptor in run.run.indicators if start.source is None or was(Rule.COMPARED_PROGRAM) else ():
        yield "agent-sample-period_s", "software", descriptor.period_s
    for part in run.parts:
        how = part.descriptor
        of = f"meter.{how.circuit}"
        yield of, "instrument", [how.identity[key] for key in ("maker", "model", "serial") if how.identity.get(key)]
        yield f"{of}.range_w", "instrument", power_column(how).get("range")
        yield f"{of}.ranging", "instrument", how.ranging
        yield f"{of}.averaging", "instrument", [how.averaging, how.window_s]
        yield f"{of}.figure", "instrument", how.identity.get("figure")
        yield f"{of}.certificate", "instrument", (how.calibration or {}).get("number")
        if not was(Rule.POOLED_CALIBRATIONS):
            yield f"{of}.calibration", "instrument", certificate_of(how)


def _table(value: object) -> Json:
    """A JSON object; empty for anything else (a workload may write anything)."""
    return value if isinstance(value, dict) else {}


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
