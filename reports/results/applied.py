"""What came of applying a certificate of software meters to one run. Knows the record only."""

from dataclasses import dataclass

from harness.record.documents import Json


@dataclass(frozen=True, slots=True)
class Applied:
    """A certificate and one run. With a reason in `against` there is no estimate.

    `outside_percent`: how much of the rating interval the software meter said a power outside of the qualified range.
    """

    sha256: str
    """Digest of the certificate."""
    campaign: str
    """That it is of."""
    meter: str
    """The software meter that estimates; empty where none can."""
    kind: str
    """Kind of load of the run."""
    against: tuple[str, ...] = ()
    """Why there is no estimate, each a sentence."""
    outside_percent: float = 0.0

    @property
    def named(self) -> Json:
        """The certificate, for evidence."""
        return {"certificate_sha256": self.sha256, "campaign": self.campaign}
