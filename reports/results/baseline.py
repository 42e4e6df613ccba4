"""The baseline as results.json has it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from reports.results.budget import BudgetTable
from reports.results.codec import keyed
from reports.results.uncertainty import Number


@dataclass(frozen=True, slots=True)
class BaselineBlock:
    """One baseline block that enters the mean."""

    ordinal: int
    """Its number in the plan."""
    folder: str
    """Name of the run folder."""
    block: int | None
    """Block of the design."""
    start_utc: str
    """Host's clock, ISO 8601."""
    midpoint_s: float | None
    """From the first run's beginning, s; null across boots, whose monotonic clocks have nothing in common."""
    duration_s: Number
    """Length, s."""
    mean_power_w: Number
    """Mean power, W."""
    modified_z: float | None
    """How far it lies from the others' median (Iglewicz and Hoaglin); null for few blocks."""
    outlier: bool
    """Whether that is above `outlier_modified_z`."""


@dataclass(frozen=True, slots=True)
class BaselineResult:
    """The baseline blocks together."""

    n_blocks: Number
    """Blocks that enter the mean (unit `1`)."""
    n_excluded: Number
    """Blocks that do not, lost ones counted (unit `1`)."""
    mean_power_w: Number | None
    """Pooled: their energy over their time, W; sd and u are over the block means."""
    budget: BudgetTable | None
    """The budget of `mean_power_w`."""
    duration_s: Number | None
    """Mean length of a block, s."""
    drift_w: Number | None
    """The last block mean less the first, W; null for one block."""
    without_outliers: Number | None
    """`mean_power_w` without outlying blocks; null where there is none."""
    blocks: tuple[BaselineBlock, ...]
    """In the order they were begun."""
    hardware: Mapping[str, Number | None]
    """Indicator -> mean over the blocks."""
    gpu_power_w: Number | None
    """Mean power of the boards by their own reading, W."""
    state: str | None = field(default=None, metadata=keyed(left_out=True))
    """State of the machine that the blocks were measured in, as lab.toml declares it: `service-started`,
    `model-loaded`, `gpu-context`; absent: the operating system only. Induced energy is above it."""
