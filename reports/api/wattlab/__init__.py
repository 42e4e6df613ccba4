"""`import wattlab`: campaigns and archives as pandas DataFrames, for notebooks and scripts (docs/notebooks.md).

The name alone: pyproject.toml maps the package `wattlab` to this folder, since the top level has rooms only.
"""

from reports.api import Archive, Campaign, ResultsRecomputed, open_archive, open_campaign

__all__ = ["Archive", "Campaign", "ResultsRecomputed", "open_archive", "open_campaign"]
