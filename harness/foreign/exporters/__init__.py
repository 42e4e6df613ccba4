"""Campaigns -> the files of other tools."""
