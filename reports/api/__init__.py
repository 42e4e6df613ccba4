"""What notebooks import: a campaign as pandas DataFrames (docs/notebooks.md). `import wattlab` is this room's door."""

from reports.api.campaign import Campaign, ResultsRecomputed, open_campaign

__all__ = ["Campaign", "ResultsRecomputed", "open_campaign"]
