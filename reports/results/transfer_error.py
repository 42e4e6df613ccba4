"""What is known of the error of an estimate by a transfer function: the record that a synthesised descriptor carries.

Knows the arithmetic of a line with correlated offset and gain. Knows no run and no reading.

With x what the software meter says, wall = offset + gain x. At the pivot, x_p = -cov / u^2(gain), the line's height and
its slope err independently (JCGM 100, H.3.5):

    u^2(wall at x) = u^2(height) + (x - x_p)^2 u^2(gain) ,      u^2(height) = u^2(offset) - cov^2 / u^2(gain)

Both are one error each in all that is estimated with one certificate, so an energy less a baseline of the same length
keeps nothing of the height, and of the slope what both differ by. What a load departs from the line by (`misfit`: the
residuals, or what a level that was left out missed; `kind`: what a kind of load missed that was left out) is one error
of that load, and another of the idle machine. How far a run departs from its own load (`scatter`: of the repetitions
of a level about their mean residual) is another error in every run. The wall's own errors come on top: a part of the
power, and watts.
"""

import math
from dataclasses import asdict, dataclass

from harness.record.documents import Json
from reports.results.software_meter import Transfer

TRANSFER = "transfer"
"""In the evidence of a descriptor."""


@dataclass(frozen=True, slots=True)
class TransferError:
    """The parts of u of an estimated wall power, and the degrees of freedom of those that the fit knows."""

    pivot_w: float
    """Wall where height and slope of the line err independently."""
    height_u_w: float
    """Standard uncertainty of the line's height there."""
    slope_u: float
    """Standard uncertainty of its slope, as a part of the gain."""
    misfit_u_w: float
    """How far a load lies from the line."""
    dof: float
    """Of these three."""
    scatter_u_w: float
    """How far a single run lies from the mean of its load."""
    scatter_dof: float
    """Of that."""
    kind_u_w: float
    """How far a kind of load lies from the line of the others; 0 where one kind was measured."""
    kind_dof: float
    """Of that."""
    wall_u: float
    """Standard uncertainty of the wall's gain, as a part of the power."""
    wall_u_w: float
    """The same of the wall's offset."""

    @classmethod
    def of(cls, transfer: Transfer) -> "TransferError":
        """Of a transfer function whose uncertainty is known."""
        offset, gain = transfer.offset_w.estimate, transfer.gain.estimate
        u_offset_w, u_gain = offset.u or 0.0, gain.u or 0.0
        pivot = -transfer.covariance_w / u_gain**2 if u_gain > 0 else 0.0
        scatter_w, scatter_dof = _scatter(transfer)
        height_2 = u_offset_w**2 - pivot**2 * u_gain**2
        return cls(
            pivot_w=offset.value + gain.value * pivot,
            height_u_w=math.sqrt(max(height_2, 0.0)),
            slope_u=u_gain / gain.value,
            misfit_u_w=max(transfer.residual_sd_w, transfer.level_spread_w),
            dof=transfer.dof,
            scatter_u_w=scatter_w,
            scatter_dof=scatter_dof,
            kind_u_w=transfer.kind_spread_w or 0.0,
            kind_dof=max(len(transfer.ranges) - 1.0, 1.0),
            wall_u=transfer.wall_u_relative,
            wall_u_w=transfer.wall_u_w,
        )

    def to_json(self) -> Json:
        """For a descriptor's evidence."""
        return asdict(self)


def _scatter(transfer: Transfer) -> tuple[float, float]:
    """Standard deviation of the residuals of single runs about the mean of their load (W), pooled, and its degrees of
    freedom; where no load was repeated, that of the residuals about the line."""
    loads: dict[str, list[float]] = {}
    for point in transfer.points:
        loads.setdefault(point.scenario, []).append(point.residual_w)
    dof = sum(len(residuals) - 1 for residuals in loads.values())
    if not dof:
        return transfer.residual_sd_w, transfer.dof
    means = {scenario: math.fsum(residuals) / len(residuals) for scenario, residuals in loads.items()}
    squares = math.fsum((point.residual_w - means[point.scenario]) ** 2 for point in transfer.points)
    return math.sqrt(squares / dof), float(dof)
