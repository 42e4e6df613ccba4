"""What holds of scenarios that do not declare it: the useful work, the target and the material of the core study.

Knows its words, as nothing else that computes in `reports` does: it is the default of campaigns that declare nothing
(those of before there was a declaration, imports, commands of the operator's own), and never changes. A scenario that
declares useful work has nothing of the default's; target, task and published material have a default each.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from harness.record.documents import Json
from harness.record.work import (
    Correlated,
    Published,
    Quality,
    Target,
    Work,
    declared_in,
    read_declaration,
)
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


@dataclass(frozen=True, slots=True)
class Goal:
    """What the runs of a scenario are to come to, as declared or by default."""

    target: Target | None
    """What says that a run reached its target; None: none was declared that can be read."""
    task: str
    """The action that is rated as one task."""
    published: Mapping[str, str]
    """Part of summary.json -> its kind in the published study."""

    def reached(self, summary: Json) -> bool | None:
        """Whether a run says that it reached its target; None where it does not say."""
        answer = None if self.target is None else summary.get(self.target.key)
        return answer if isinstance(answer, bool) else None

    def fixed_work(self, parameters: object) -> object:
        """The parameter that gives the runs a fixed amount of work, so that they have no target; None where none
        does."""
        if self.target is None or not self.target.unless or not isinstance(parameters, dict):
            return None
        return parameters.get(self.target.unless)


DEFAULT_TARGET = Target(key="reached", unless="fixed_epochs")
DEFAULT_TASK = "training"
DEFAULT_PUBLISHED = Published(dataset="tf_flowers", weights="imagenet")


def goal_of(scenario_config: Json) -> Goal:
    """What a start document declares of each, or what holds where it does not. Where it cannot be read nothing is
    declared, and nothing holds by default: `wattlab verify` says what is wrong with it."""
    declared = declared_in(scenario_config)
    written, wrong = read_declaration(declared)
    if wrong:
        return Goal(None, "", {})
    published = written.published or DEFAULT_PUBLISHED
    kinds = {"dataset": published.dataset, "weights": published.weights}
    return Goal(
        written.target or DEFAULT_TARGET,
        written.task or DEFAULT_TASK,
        {part: kind for part, kind in kinds.items() if kind},
    )
