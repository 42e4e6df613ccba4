"""What things of a fleet are called: stations, and the resources by which Dask knows them."""

import re

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
NAME_FORM = "up to 64 letters, digits and . _ -, the first a letter or a digit"


def to_measure(station: str) -> str:
    """The resource of which a station has one: whoever has it, measures."""
    return f"station-{station}"


def to_ask(station: str) -> str:
    """The resource by which a station is asked while it measures."""
    return f"ask-{station}"
