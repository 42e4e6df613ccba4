"""`label` of results.json: the rows that DE-UZ 215 asks for, and whether the measurement is complete.

Knows the shape of the section. Does not know how a row is computed (`reports/campaign/label.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from harness.record.documents import Json
from reports.results.uncertainty import Number

NoAllocation: TypeAlias = Literal["no-full-load-scenario", "no-baseline"]
LabelCheckCode: TypeAlias = Literal[
    "parts-measured", "equal-lengths", "five-minutes", "repetitions", "wait", "one-second-data", "clocks-synchronised",
    "documentation",
]  # fmt: skip
Fact: TypeAlias = Any
"""What a SUT or lab.toml says of a machine."""


@dataclass(frozen=True, slots=True)
class LabelRow:
    """One row of baseline, idle or a usage."""

    letter: str
    """`a` to `e`, the label's own rows; empty for an extension. `c`, storage in use, is not recorded and null."""
    quantity: str
    """What it is. `memory` is total - free where that was recorded (as collectl counts), else what was;
    `memory-unavailable` (total - available) and `storage-traffic` are extensions."""
    unit: str
    """The label's unit; of a usage that of the work. 1 MByte is 1 000 000 byte; kB (1000 byte) and KiB (1024) are
    converted once."""
    extension: bool
    """Whether it is this laboratory's own and not the label's; extensions stand last."""
    asked: Literal["gross", "net"]
    """Which of both the label asks for; of a long-term test it is always gross."""
    gross: Number | None
    """Mean over the runs; null where it was not recorded."""
    net: Number | None
    """What the product causes: less the baseline's mean; null of a baseline and where either is not known."""
    indicators: tuple[str, ...]
    """What the row is made of; empty for powers and energies by the meter."""


@dataclass(frozen=True, slots=True)
class AllocationRow:
    """One row of edition 1's allocation; its Numbers are without U."""

    letter: str
    """As of the row it is computed of."""
    quantity: str
    """As of the row it is computed of."""
    unit: str
    """Of the five levels."""
    extension: bool
    """As of the row it is computed of."""
    base: Number
    """Mean of the baseline."""
    load: Number
    """Mean of the usage."""
    full: Number
    """Mean of the full load."""
    net: Number
    """load - base."""
    effective: Number
    """net + factor base."""
    factor: Number
    """net / (full - base)."""
    utilisation: Number
    """effective times the mean duration."""


@dataclass(frozen=True, slots=True)
class Allocation:
    """Allocation factors of one usage after edition 1."""

    reason: NoAllocation | None
    """Code of why there are none: full load, or the baseline, was not measured; null where there are some."""
    rows: tuple[AllocationRow, ...]
    """Those of which full load is above the baseline."""


@dataclass(frozen=True, slots=True)
class ReferenceSystem:
    """The columns of the backward-compatibility table; null where neither the SUT nor lab.toml says it."""

    year: Fact
    """When the machine was made."""
    model: Fact
    """Its model."""
    cpu: Fact
    """Its processor."""
    cores: Fact
    """How many the processor has."""
    clock: Fact
    """Of the processor."""
    ram: Fact
    """Working memory."""
    disk: Fact
    """Permanent storage."""
    gpu: Fact
    """Its boards; `none` where it was looked for and there is none."""
    network: Fact
    """Its network."""
    psu: Fact
    """Its power supply."""
    board: Fact
    """Its main board."""
    os: Fact
    """Its operating system."""


@dataclass(frozen=True, slots=True)
class LabelCheck:
    """Whether one requirement is met; what cannot be shown is not passed."""

    code: LabelCheckCode
    """The requirement; the checks stand in the order of the label's list."""
    passed: bool
    """Whether the record shows that it is met."""
    evidence: Json
    """The numbers behind it, by name."""


@dataclass(frozen=True, slots=True)
class Label:
    """What DE-UZ 215 asks of a campaign. The idle scenario is the one named `idle`, full load the one named
    `full-load`; every other scenario is a usage."""

    baseline: tuple[LabelRow, ...] | None
    """Rows of the reference system (3.1.1.3); null without a baseline."""
    idle: tuple[LabelRow, ...] | None
    """Rows of the idle product (3.1.1.3); null without an idle scenario."""
    usage: Mapping[str, tuple[LabelRow, ...]]
    """Scenario -> its rows, as work (3.1.1.4)."""
    allocation: Mapping[str, Allocation]
    """Usage -> allocation factors."""
    reference_system: ReferenceSystem
    """The machine."""
    checks: tuple[LabelCheck, ...]
    """Completeness of the measurement."""
