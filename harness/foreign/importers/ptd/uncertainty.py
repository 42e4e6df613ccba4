"""What PTDaemon states of the uncertainty of each sample.

Knows warnings, replies and PTDaemon's limit. Knows no budget.

Decisions
- The uncertainty of a sample is, the first that is stated: its own warning in the console log; the mean that PTDaemon
  states of its measurement; PTDaemon's limit, where it checked every sample and warned of none. What it could not judge
  is empty. The mean bounds from above what an energy needs: an analyser's limits are a + b/P, so their mean is larger
  than their mean weighted with P.
"""

import numpy as np

from harness.foreign.importers.ptd.section import Section
from harness.foreign.importers.stamps import SECOND_NS

CHECKED_LIMIT = 0.01
"""PTDaemon warns of every sample whose uncertainty is above it ("above 1.00% limit")."""


def uncertainties(section: Section) -> dict[int, float]:
    """Line of a row -> its relative uncertainty (module docstring); rows of which nothing is known are not in
    it."""
    common = _common(section)
    known = {} if common is None else {row.line: common for row in section.rows if row.cause is None}
    for line, value in _warned(section).items():
        known.pop(line, None)
        if value is not None:
            known[line] = round(value, 6)
    return known


def _common(section: Section) -> float | None:
    """What holds of every sample without a warning of its own; None where nothing does. That there is no warning
    says something only where the console log is the one whose SHA-1 server.json states."""
    stated = [stated for go in section.goes for stated in go.uncertainty if stated.valid]
    if stated:
        return max(stated, key=lambda reply: reply.valid).mean
    checked = any(go.checked and go.completed for go in section.goes)
    return CHECKED_LIMIT if checked and section.session.is_console_whole else None


def _warned(section: Section) -> dict[int, float | None]:
    """Line of a row -> the uncertainty that its warning states, None where PTDaemon could not tell it; the nearest
    row within half an interval."""
    times_ns = np.array([row.time_ns for row in section.rows])
    reach_ns = section.window_s() * SECOND_NS / 2
    warned = {}
    for log in section.logs:
        for _, time_ns, value in log.uncertain:
            after = int(np.searchsorted(times_ns, time_ns))
            near = section.rows[max(after - 1, 0) : after + 1]
            row = min(near, key=lambda sample: abs(sample.time_ns - time_ns))
            if abs(row.time_ns - time_ns) <= reach_ns:
                warned[row.line] = value
    return warned
