"""Findings on runs without a meter, whose energy a qualified software meter estimates.

Knows what came of the certificate in a run (`reports.readings.rated`). Knows no reading.
"""

from collections.abc import Iterator

from reports.results.applied import Applied
from reports.results.finding import Finding


def refused(name: str, applied: Applied) -> Finding:
    """`not-qualified`: the certificate does not hold for the run, which has no energy."""
    return Finding("not-qualified", "invalid", name, applied.named | {"reasons": list(applied.against)})


def of_range(name: str, applied: Applied | None) -> Iterator[Finding]:
    """`outside-qualified`: some of the rating interval lies outside of the qualified range."""
    if applied is not None and applied.outside_percent > 0:
        evidence = applied.named | {"meter": applied.meter, "percent_of_readings": applied.outside_percent}
        yield Finding("outside-qualified", "warn", name, evidence)
