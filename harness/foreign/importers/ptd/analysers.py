"""Several analysers of one measurement: what all of them recorded, and how far the rows of one stand behind another's.

Knows sections of one mark. Knows no stream and no sum: each analyser is a circuit of its own, added over time.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from harness.foreign.importers.apart import seems_off
from harness.foreign.importers.ptd.section import Section
from harness.foreign.importers.stamps import SECOND_NS
from harness.record.errors import ImportFileError


def shared_ns(sections: Sequence[Section]) -> tuple[int, int]:
    """Begin and end of what every section recorded.

    Raises:
        ImportFileError: two of them overlap in no moment; with how far they lie apart.
    """
    begins, ends = [section.begin_ns for section in sections], [section.rows[-1].time_ns for section in sections]
    if max(begins) < min(ends):
        return max(begins), min(ends)
    first = sections[0]
    other = next(one for one in sections if not _overlap(first, one)) if len(sections) > 1 else first
    apart_s = (other.begin_ns - first.begin_ns) / SECOND_NS
    off = seems_off(other.begin_ns, other.rows[-1].time_ns, [(first.begin_ns, first.rows[-1].time_ns)])
    raise ImportFileError(
        f"{other.where}: the rows of analyser {other.session.analyser} begin {abs(apart_s):.0f} s "
        f"{'after' if apart_s > 0 else 'before'} those of {first.where} and overlap them nowhere{off}; set the stamps "
        "of one file right, or import each by itself"
    )


def _overlap(one: Section, other: Section) -> bool:
    return max(one.begin_ns, other.begin_ns) < min(one.rows[-1].time_ns, other.rows[-1].time_ns)


def behind(sections: Sequence[Section]) -> Iterator[str]:
    """A sentence for every further analyser: how long after a row of the first one its own come."""
    first_ns = np.array([row.time_ns for row in sections[0].rows])
    for section in sections[1:]:
        own_ns = np.array([row.time_ns for row in section.rows])
        after = np.searchsorted(first_ns, own_ns, side="right") - 1
        known = after >= 0
        late_s = float(np.median(own_ns[known] - first_ns[after[known]])) / SECOND_NS
        yield (
            f"{len(sections)} analysers are added by time: the rows of analyser {section.session.analyser} come "
            f"{late_s:.3f} s after one of analyser {sections[0].session.analyser} (median)"
        )
