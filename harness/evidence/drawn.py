"""The plan of a campaign, drawn again: which runs there are, and their order, follow from its seed and its lab.toml.

Knows the log: its configuration and its plan. Knows no run. Who drops a run, or calls it another scenario's, has to
find a seed that gives what is left; every run's own seed follows from that one. Only what this version planned is drawn
again: another one may have drawn otherwise.
"""

from collections.abc import Iterator, Sequence

from harness.evidence.cells import crossing_of
from harness.measure.cells import cells_of
from harness.measure.plan import draw
from harness.record.documents import VERSION, Json, table_of
from harness.record.entries import Entry, Header, Plan, header_of, of
from harness.record.searches import section_of as section_of_search

BASELINE = "baseline"
KEYS = ("ordinal", "kind", "scenario", "repetition", "block", "search", "trial", "seed")


def plan_problems(entries: Sequence[Entry]) -> Iterator[str]:
    """The first run of the plan that is not the one that follows from seed and configuration."""
    header = header_of(entries)
    first = next((plan for plan in of(Plan, entries) if plan.stage in (None, "first")), None)
    if header is None or first is None or not _is_of_this_version(header, first):
        return
    counts, config = _counts(header.config or {}), header.config or {}
    baseline, campaign = table_of(config.get("baseline")), table_of(config.get("campaign"))
    blocks, seed = _count(baseline.get("blocks")), _count(campaign.get("seed"))
    if (due := blocks + sum(repetitions * (rounds or 1) for repetitions, rounds in counts.values())) != len(first.runs):
        yield f"campaign.jsonl: {len(first.runs)} runs are planned, seed and lab.toml give {due}"
        return
    drawn = draw(counts, BASELINE, blocks, seed, shuffled=campaign.get("order") == "shuffled")
    for run, wanted in zip(first.runs, drawn, strict=True):
        here, there = _words(run), _words(wanted.to_json())
        if here != there:
            yield f"campaign.jsonl: a planned run is {here}; seed and lab.toml give {there}"
            return


def _is_of_this_version(header: Header, plan: Plan) -> bool:
    """Whether this wattlab planned it: it names the stage, and the lock of what planned."""
    software = header.software or {}
    return software.get("version") == VERSION and (plan.stage is not None or "lock_sha256" in software)


def _counts(config: Json) -> dict[str, tuple[int, int | None]]:
    """Scenario or cell -> repetitions and, where each is a search, its rounds, in the order of lab.toml."""
    counts: dict[str, tuple[int, int | None]] = {}
    for table, section in table_of(config.get("scenarios")).items():
        search = section_of_search(config, table)
        rounds = _count(search.get("rounds")) if search else None
        factors, rows = crossing_of(config.get("scenarios"), table)
        for cell in cells_of(table, factors, {}, rows):
            counts[cell.name] = (_count(table_of(section).get("repetitions")), rounds)
    return counts


def _words(run: Json) -> str:
    """A run of a plan in words, for a comparison and a message."""
    return ", ".join(f"{key} {run[key]!r:.60}" for key in KEYS if run.get(key) is not None)


def _count(value: object) -> int:
    return value if type(value) is int and value >= 0 else 0
