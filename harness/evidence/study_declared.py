"""A study file, read and checked: what is planned by it and what is computed by it begin here.

Knows TOML and the record. Knows no campaign and no table.
"""

from functools import partial
from pathlib import Path

from harness.record.codec import read_records
from reports.study.contradictions import check_study
from reports.study.environments import resolved
from reports.study.file import StudyFile

REMEDY = "write one after docs/studies.md"


def read_declared(path: Path) -> tuple[StudyFile, bytes]:
    """A study file, checked, with the campaigns of its environments, and its verbatim bytes.

    Raises:
        ConfigError: every mistake with file, TOML path, what was found, what is expected.
    """
    declared, source = read_records(StudyFile, path, REMEDY, partial(check_study, path))
    return resolved(declared), source
