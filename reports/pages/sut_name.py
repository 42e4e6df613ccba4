"""What a page calls the system under test: the name that the lab gave it, where it has several, and its host name.

Knows the header of results.json. Knows no page.
"""

from reports.pages.plain_words import as_text
from reports.results.document import Results


def given_name(results: Results) -> str:
    """Its name in the lab's lab.toml; empty where the lab has one SUT, and for imports."""
    campaign = (results.campaign.config or {}).get("campaign")
    return as_text(campaign.get("sut")) if isinstance(campaign, dict) else ""


def name_of_sut(results: Results) -> str:
    """As a sentence names it."""
    host, name = as_text(results.sut.get("hostname")), given_name(results)
    if name and host:
        return f"{name} ({host})"
    return name or host or "the system under test"
