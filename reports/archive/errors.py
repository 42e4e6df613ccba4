"""What is wrong with an archive, for its user: place, what was found, what to do."""

from harness.record.errors import AnalysisError


class ArchiveError(AnalysisError):
    """An archive that cannot be read or written."""
