"""The useful work of scenarios that declare none: that of the core study.

Knows its words, as nothing else in `reports` does: it is the default of campaigns that declare nothing (those of before
there was a declaration, imports, commands of the operator's own), and never changes. A scenario that declares anything
has nothing of it.
"""

from collections.abc import Collection
from dataclasses import replace

from harness.record.documents import Json
from harness.record.work import Correlated, Quality, Work
from reports.results.useful_work import UsefulWork, declared_by, kinds_marked

_ACCURACY, _ACCURACY_IN_WORDS = "val_accuracy", "validation accuracy"
UNDECLARED = UsefulWork(
    work=(
        Work(name="val_accuracy_per_wh", title=_ACCURACY_IN_WORDS, key=_ACCURACY, unit="1/Wh"),
        Work(name="correct_classifications_per_wh", title="correct classifications", key="correct", unit="1/Wh"),
        Work(name="precision_per_wh", title="precision", key="precision", unit="1/Wh", drawn=False),
        Work(name="recall_per_wh", title="recall", key="recall", unit="1/Wh", drawn=False),
        Work(name="f1_per_wh", title="F1", key="f1", unit="1/Wh", drawn=False),
        Work(name="images_per_j", title="images", key="images_seen_train", unit="1/J"),
        Work(name="epochs_per_wh", title="epochs", key="epochs", unit="1/Wh", action="epoch"),
    ),
    quality=Quality(metric=_ACCURACY, title=_ACCURACY_IN_WORDS, levels=[0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95]),
    repeats="epoch",
    correlated=(
        Correlated(metric=_ACCURACY, title=_ACCURACY_IN_WORDS),
        Correlated(metric="val_loss", title="validation loss"),
    ),
)


def useful_work_of(scenario_config: Json, marked: Collection[str] = ()) -> UsefulWork:
    """What a start document declares and after it the units that the program `marked`; these alone where the document
    declares nothing, and the default where neither does. Marks declare work alone: quality and what repeats stay."""
    declared = declared_by(scenario_config)
    kinds = kinds_marked(marked, () if declared is None else declared.work)
    if declared is None:
        return replace(UNDECLARED, work=kinds) if kinds else UNDECLARED
    return replace(declared, work=(*declared.work, *kinds))
