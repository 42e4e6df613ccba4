"""What notebooks import: a campaign, or an archive of them, as pandas DataFrames (docs/notebooks.md). `import wattlab`
is this room's door."""

from reports.api.archive import Archive, open_archive
from reports.api.campaign import Campaign, ResultsRecomputed, open_campaign

__all__ = ["Archive", "Campaign", "ResultsRecomputed", "open_archive", "open_campaign"]
