"""What a workload left in a run's artifacts. Knows JSON objects by the names of their files; knows no meaning."""

from harness.record.documents import Json
from harness.record.plain_files import read_plain
from harness.record.run_folder import RunFolder
from reports.readings import bounded


def artifact_of(run: RunFolder, name: str) -> Json:
    """A JSON object that the workload left; empty where there is none or it is none (a workload may write anything)."""
    try:
        value = bounded.loads(read_plain(run.path / "artifacts" / name))
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
