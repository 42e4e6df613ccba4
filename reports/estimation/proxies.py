"""What calculators say that know of a training its length and of its machine the nameplate.

Source: Green Algorithms (Lannelongue et al., Advanced Science 8 (2021) 2100707) without its CPU term and with PUE 1, as
del Rey et al. used it, and MLCO2 (Lacoste et al., 2019, arXiv:1910.09700):

    Green Algorithms   E = (TDP x GPU use + .3725 W/GB x memory) x time
    MLCO2              E = TDP x time
"""

from dataclasses import dataclass

from reports.estimation.step import Estimate, Extent

RAM_W_PER_GB = 0.3725
"""Green Algorithms' power of memory."""


@dataclass(frozen=True, slots=True)
class Nameplate:
    """What a table says of a machine: the thermal design power of its GPUs (W), its memory (GB; 0: left out)."""

    tdp_w: float
    memory_gb: float = 0.0


def green_algorithms(plate: Nameplate, gpu_use: float, extent: Extent) -> Estimate:
    """`gpu_use`: the mean use of the GPUs in the run, 0 to 1, as it was measured."""
    return Estimate((plate.tdp_w * gpu_use + RAM_W_PER_GB * plate.memory_gb) * extent.duration_s)


def mlco2(plate: Nameplate, extent: Extent) -> Estimate:
    """Nothing of the run but its length."""
    return Estimate(plate.tdp_w * extent.duration_s)
