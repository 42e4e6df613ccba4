"""Whose word stands behind a campaign beside the operator's, as the campaign itself says (`wattlab verify` checks
it)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Seals:
    """Seals of runs that were signed when they were made."""

    n: int
    """Sealed runs."""
    signed: int
    """Of these signed."""
    declared: bool
    """Whether lab.toml names a key for the seals."""


@dataclass(frozen=True, slots=True)
class Witness:
    """Heads of the log that a witness was told."""

    kinds: tuple[str, ...]
    """Of `ssh`, `rfc3161` what lab.toml names."""
    expected: int
    """Heads that they are told."""
    received: int
    """Of these with a receipt of their own."""
    late: int
    """Of these later than `receipt_late_s`."""
    longest_s: float | None
    """Longest time from an entry's stamp (host's clock) to the first receipt that covers it (witness's clock), s; null
    without one."""
    shortest_s: float | None
    """Shortest; null without one."""


@dataclass(frozen=True, slots=True)
class WitnessedEvidence:
    """Signed seals and a witness's receipts."""

    seals: Seals
    """Signatures of the seals."""
    witness: Witness
    """Receipts."""
