"""The ready questions of an archive, asked for its page.

Knows the questions, and which origin is the worst. Draws nothing.
"""

from harness.record.documents import VERSION
from reports.archive.contents import Contents
from reports.archive.query import answer, connection
from reports.archive.questions import BASELINES, QUESTIONS
from reports.campaign.meters import ORIGINS
from reports.pages.archive import Answers

READINGS = "SELECT DISTINCT provenance FROM runs WHERE included"


def answers_of(contents: Contents, memory_gb: float, threads: int | None) -> Answers:
    """What the archive answers to each.

    Raises:
        ArchiveError: a part cannot be read, or a question takes more memory than it may.
    """
    asked = " ".join((BASELINES, READINGS, *(question.sql for question in QUESTIONS.values())))
    with connection(contents, asked, memory_gb, threads) as database:
        found = {name: question.finished(answer(database, question.sql)) for name, question in QUESTIONS.items()}
        baselines = answer(database, BASELINES)
        said = {row["provenance"] for row in answer(database, READINGS).to_pylist()}
    worst = next((origin for origin in ORIGINS if origin in said), "none")
    return Answers(place=contents.store.url, origin=worst, version=VERSION, answers=found, baselines=baselines)
