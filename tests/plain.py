"""The numbers of a campaign for tests: as decoded JSON where they look at single figures, and an example as records."""

from functools import cache
from pathlib import Path

from harness.record.documents import Json
from reports.campaign.document import Analysis
from reports.results.codec import encoded
from reports.results.document import Results, results_of


def plain(analysis: Analysis) -> Json:
    """results.json without its statistics, which take R."""
    document: Json = encoded(analysis.numbers)
    return document


@cache
def example() -> Results:
    """tests/data/results-example.json, a synthetic campaign."""
    return results_of((Path(__file__).parent / "data" / "results-example.json").read_bytes())
