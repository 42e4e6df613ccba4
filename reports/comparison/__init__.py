"""Campaigns and scenarios beside each other -> comparison.json."""
