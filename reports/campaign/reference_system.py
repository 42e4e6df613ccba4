"""The reference system of the label's backward-compatibility table.

Knows what start documents and lab.toml say of a machine. Does not know a measured value.
"""

from collections.abc import Mapping
from dataclasses import fields

from harness.record.documents import Json, Start, facts_of_sut
from reports.results.label import Fact, ReferenceSystem
from reports.results.rules import Rule, was

COLUMNS = tuple(spec.name for spec in fields(ReferenceSystem))


def reference_system(start: Start | None) -> ReferenceSystem:
    """The columns of the table; None where neither the SUT nor lab.toml says it. `start`: of any run."""
    facts = dict.fromkeys(COLUMNS) if start is None else _facts(start)
    return ReferenceSystem(**facts)


def _facts(start: Start) -> dict[str, Fact]:
    """Column -> what lab.toml says, else what the SUT says."""
    config = start.config.get("sut")
    description = config.get("description") if isinstance(config, dict) else None
    described: Json = description if isinstance(description, dict) else {}
    sut = facts_of_sut(start.sut)
    asked = _asked(sut)
    return {key: described.get(key) or sut.get(key) or asked.get(key) or None for key in COLUMNS}


def _asked(sut: Mapping[str, Fact]) -> dict[str, Fact]:
    """What the SUT says under other names or in other forms."""
    gpus = [str(gpu["name"]) for gpu in sut.get("gpus") or [] if isinstance(gpu, dict) and gpu.get("name")]
    memory, clock = sut.get("memory_kib"), sut.get("cpu_max_khz")
    return {
        "model": sut.get("system"), "cores": sut.get("cpu_count"), "clock": None if clock is None else f"{clock} kHz",
        "ram": None if memory is None else f"{memory} {'kB' if was(Rule.UNITS) else 'KiB'}",
        "gpu": ", ".join(gpus) or ("none" if "gpus" in sut else None),
    }  # fmt: skip
