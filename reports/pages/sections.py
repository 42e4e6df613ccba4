"""TRANSITION: results.json of which some sections are read into records, until all of it is one.

Knows which sections have a record. Does not know what pages make of them.
"""

from typing import Any

from reports.pages.lookup import Results
from reports.results.codec import decoded
from reports.results.label import Label
from reports.results.trackers import Trackers

RECORDS: dict[str, Any] = {"label": Label, "trackers": Trackers | None}
"""Section -> its record."""


def with_records(results: Results) -> dict[str, Any]:
    """results.json with its sections read.

    Raises:
        DocumentError: a section is none; with the place.
    """
    return {**results, **{name: decoded(kind, results[name], f"results.json.{name}") for name, kind in RECORDS.items()}}
