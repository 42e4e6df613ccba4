"""`import wattlab`: campaigns as pandas DataFrames, for notebooks and scripts (docs/notebooks.md).

The name alone: pyproject.toml maps the package `wattlab` to this folder, since the top level has rooms only.
"""

from reports.api import Campaign, ResultsRecomputed, open_campaign

__all__ = ["Campaign", "ResultsRecomputed", "open_campaign"]
