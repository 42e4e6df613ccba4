"""Useful work in words: efficiency factors, metrics, responses and repeated actions, as the scenarios declare them.

Knows what the scenarios of a results.json declare, and the default where one declares nothing. Knows no number.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain

from reports.pages.lookup import words
from reports.results.document import Results
from reports.results.undeclared import UNDECLARED
from reports.results.useful_work import UsefulWork, kinds_of, metrics_of, responses_of

PER: Mapping[str, str] = {"wh": "Wh", "j": "J"}
MEASURED: Mapping[str, str] = {
    "energy_wh": "Energy", "induced_energy_wh": "Induced energy", "duration_s": "Duration",
}  # fmt: skip
"""Responses that every campaign has."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The words of some scenarios: what one of several declares first holds."""

    declared: tuple[UsefulWork, ...]

    def kind(self, kind: str) -> str:
        """An efficiency factor: `validation accuracy per Wh`; one that is not declared by its name."""
        amount, _, per = kind.rpartition("_per_")
        work = kinds_of(self.declared).get(kind)
        if not amount:
            return words(kind)
        return f"{work.title if work else words(amount)} per {PER.get(per, per)}"

    def kinds(self) -> list[str]:
        """The kinds, in the order of their declaration."""
        return list(kinds_of(self.declared))

    def drawn(self) -> list[str]:
        """The kinds that are drawn, in the order of their declaration."""
        return [kind for kind, work in kinds_of(self.declared).items() if work.drawn]

    def metric(self, metric: str) -> str:
        """A metric: `validation accuracy`."""
        qualities = {part.quality.metric: part.quality.title for part in self.declared if part.quality is not None}
        return (qualities | metrics_of(self.declared)).get(metric) or words(metric)

    def responses(self) -> dict[str, str]:
        """What `statistics` compares -> its title."""
        titles = {key: f"{work.title} by induced energy" for key, work in responses_of(self.declared).items()}
        return {**MEASURED, **{key: capitalized(title) for key, title in titles.items()}}

    def repeated(self) -> str:
        """The action that repeats; several with a stroke between."""
        return " / ".join(dict.fromkeys(part.repeats.replace("_", " ") for part in self.declared if part.repeats))

    def time(self) -> str:
        """One time of it, with its article: `an epoch`."""
        name = self.repeated()
        return f"{'an' if name[:1] in 'aeiou' else 'a'} {name}"

    def repetitions(self) -> str:
        """The same as a title: `Epochs`."""
        return " / ".join(capitalized(_plural(name)) for name in self.repeated().split(" / ") if name)

    def quality(self) -> str:
        """The name of the metric that levels are read of; empty where none is declared."""
        return next((part.quality.metric for part in self.declared if part.quality is not None), "")

    def qualities(self) -> str:
        """The metric that levels are read of; several with a stroke between."""
        return " / ".join(dict.fromkeys(part.quality.title for part in self.declared if part.quality is not None))

    def metrics(self) -> dict[str, str]:
        """Metrics of which a figure shows the history, and their titles."""
        qualities = ((part.quality.metric, part.quality.title) for part in self.declared if part.quality is not None)
        return dict(chain(qualities, metrics_of(self.declared).items()))


DEFAULT = Vocabulary((UNDECLARED,))
"""The words where no document says what was declared."""


def vocabulary(results: Results, *scenarios: str) -> Vocabulary:
    """The words of the scenarios of a campaign; without names, of all."""
    named = scenarios or tuple(results.scenarios)
    return Vocabulary(tuple(results.scenarios[name].declared or UNDECLARED for name in named))


def _plural(noun: str) -> str:
    """Epochs (whose ch is a k), batches, requests."""
    is_hissed = noun.endswith(("ch", "sh", "s", "x", "z")) and not noun.endswith("och")
    return f"{noun}es" if is_hissed else f"{noun}s"


def capitalized(text: str) -> str:
    """With a capital at the beginning; what follows as it is."""
    return text[:1].upper() + text[1:]
