"""Which program computed a derived document. Knows no document."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Software:
    """The wattlab that computed a document (`harness/station/provenance.py`)."""

    name: str
    """`wattlab`."""
    version: str
    """Its version; `verify` computes by the rules that this version had."""
    commit: str | None
    """Commit of its checkout; null where it is none."""
    dirty: bool | None
    """Whether the checkout differs from that commit; null where it is none."""
    lock_sha256: str | None
    """Digest of `requirements.lock`; null where there is none."""
    python: str
    """Version of the Python that ran it."""
