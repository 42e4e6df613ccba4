"""Logs of software meters (what a program says of the power of its own machine) -> traces. A module a format."""
