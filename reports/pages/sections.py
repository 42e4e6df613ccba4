"""results.json as the pages of a campaign take it: the sections that have records are read here, and nowhere else.

TRANSITION: goes when results.json as a whole is read as `reports.results.document.Results`.
"""

from reports.pages.lookup import Results
from reports.results.codec import decoded
from reports.results.document import RESULTS
from reports.results.statistics import Statistics


def in_records(results: Results) -> Results:
    """The same with its sections as records.

    Raises:
        DocumentError: a section is none of this version; with the place.
    """
    return {**results, "statistics": decoded(Statistics, results.get("statistics"), f"{RESULTS}.statistics")}
