"""The table of a study: read from a CSV file, or made of campaigns' results.

Knows CSV and `runs[]` of results.json. Knows no level, no response and no rule: `rows` sorts what is read.

Decisions
- Campaigns are written as a table first and that table is read like any other: what is sealed is what was analysed.
"""

import csv
import gzip
import io
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.record.documents import Json
from harness.record.errors import AnalysisError, ConfigError
from harness.record.levels import level_text
from reports.energy.hardware import OLD_MEMORY, old_memory, unit_of
from reports.results.document import CampaignNumbers
from reports.results.run import RunResult
from reports.results.served import UNITS as SERVED
from reports.results.uncertainty import Number
from reports.study.columns import RUN_UNITS
from reports.study.file import CampaignSource

MAX_BYTES = 256 * 1024 * 1024
"""A table larger than that, unpacked, is none of runs."""
GZIP = b"\x1f\x8b"
LEFT_OUT = "left_out_because"
"""The column in which a campaign's table says why a run enters no mean; empty where it does."""
PLAIN = ("campaign", "folder", "ordinal", "scenario", "repetition", "seed", "start_utc", LEFT_OUT)
"""Columns of a campaign's table that are no numbers of a measurement."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table of runs as text: `rows[i]` stands on line `lines[i]` of the file `name`."""

    name: str
    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]

    @property
    def is_of_campaigns(self) -> bool:
        """Whether it is one that `campaign_table` wrote."""
        return set(PLAIN) <= set(self.headers)

    def column(self, header: str) -> list[str]:
        """The cells of a column."""
        at = self.headers.index(header)
        return [row[at] for row in self.rows]


def read_table(name: str, content: bytes) -> Table:
    """A CSV file, gzipped or not, UTF-8, one header line.

    Raises:
        AnalysisError: it is no such file; with its name, the line, what was found and what is expected.
    """
    try:
        text = _unpacked(name, content).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise AnalysisError(f"{name}: not UTF-8 at byte {error.start}; save it as UTF-8") from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise AnalysisError(f"{name}:{line}: a NUL byte, which no text holds; export the table again")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[tuple[str, ...]] = []
    lines: list[int] = []
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append(tuple(cell.strip() for cell in cells))
                lines.append(reader.line_num)
    except csv.Error as error:
        raise AnalysisError(f"{name}:{reader.line_num}: no CSV ({error}); save it as CSV with commas") from None
    if len(rows) < 2:
        held = "only a header" if rows else "nothing"
        raise AnalysisError(f"{name}: found {held}, expected a header line and one line per run")
    headers = rows[0]
    if len(headers) == 1 and any(mark in headers[0] for mark in ";\t"):
        raise AnalysisError(f"{name}:{lines[0]}: one column, {headers[0]!r:.60}; save it as CSV with commas")
    if twice := [header for header, count in Counter(headers).items() if count > 1]:
        raise AnalysisError(f"{name}:{lines[0]}: the column {twice[0]!r:.60} stands there twice; rename one")
    for row, line in zip(rows, lines, strict=True):
        if len(row) != len(headers):
            raise AnalysisError(
                f"{name}:{line}: found {len(row)} cells, expected {len(headers)} as in the header; mend the line "
                "(a text with a comma needs quotes)"
            )
    return Table(name, headers, tuple(rows[1:]), tuple(lines[1:]))


def _unpacked(name: str, content: bytes) -> bytes:
    if not content.startswith(GZIP):
        return content
    try:
        with gzip.open(io.BytesIO(content)) as file:
            text = file.read(MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise AnalysisError(f"{name}: a damaged gzip file ({error}); fetch or pack it again") from None
    if len(text) > MAX_BYTES:
        raise AnalysisError(f"{name}: more than {MAX_BYTES // 2**20} MiB unpacked; a table of runs is smaller")
    return text


def campaign_table(path: str, sources: Mapping[str, tuple[CampaignSource, CampaignNumbers]]) -> str:
    """Campaigns (name -> what the study file says of it, its numbers) as the text of one table, a line per run.

    Raises:
        ConfigError: a scenario is not in its campaign, or a level takes the name of a column of ours.
    """
    rows = [
        _campaign_row(path, name, source, run, results)
        for name, (source, results) in sources.items()
        for run in _runs_of(path, name, source, results)
    ]
    headers = list(dict.fromkeys(header for row in rows for header in row))
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, headers, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def campaign_units(results: Sequence[CampaignNumbers]) -> dict[str, str]:
    """Column of a campaign's table -> unit.

    Raises:
        AnalysisError: an indicator has one unit in one campaign and another in another, or is another quantity there.
    """
    units = dict(RUN_UNITS)
    _refuse_two_memories(results)
    for campaign in results:
        for indicator in campaign.indicators:
            name, unit = f"indicator.{indicator.name}", unit_of(str(indicator.name), str(indicator.unit))
            if units.setdefault(name, unit) != unit:
                raise AnalysisError(
                    f"{name} is in {units[name]} in one campaign and in {unit} in another: leave one out"
                )
        for run in campaign.runs:
            units |= {f"final.{name}": "1" for name in _numbers(run.final_metrics)}
            units |= {f"work.{name}": "1" for name in run.work or {}}
            units |= (
                {} if run.served is None else {f"served.{name}": SERVED.get(name, "1") for name in run.served.columns()}
            )
        for scenario in campaign.scenarios.values():
            units |= {f"parameter.{name}": "1" for name in _numbers(scenario.parameters)}
    return units


def _refuse_two_memories(results: Sequence[CampaignNumbers]) -> None:
    """What older agents called memory in use was one quantity or another."""
    methods = [str(i.method) for campaign in results for i in campaign.indicators if i.name == OLD_MEMORY]
    kinds = list(dict.fromkeys(map(old_memory, methods)))
    if len(kinds) > 1:
        raise AnalysisError(
            f"indicator.{OLD_MEMORY} is {kinds[0]} in one campaign and {kinds[1]} in another: leave one out"
        )


def _runs_of(path: str, name: str, source: CampaignSource, results: CampaignNumbers) -> list[RunResult]:
    """The runs that enter: of the scenarios that are named, else of all; never baseline, sync pulse or observer."""
    there = results.scenarios
    for scenario in source.scenarios:
        if scenario not in there:
            raise ConfigError(
                f"{path}: campaigns.{name}.scenarios.{scenario}: no such scenario in {source.folder}; "
                f"there are {', '.join(there) or 'none'}"
            )
    wanted = source.scenarios or there
    return [run for run in results.runs if run.kind == "scenario" and run.scenario in wanted]


def _campaign_row(
    path: str, name: str, source: CampaignSource, run: RunResult, results: CampaignNumbers
) -> dict[str, str]:
    plain: dict[str, str | int | None] = dict(zip(PLAIN, _plain_cells(name, run), strict=True))
    scenario = results.scenarios.get(run.scenario)
    cell = scenario.cell if scenario and scenario.cell else {}
    plain |= {f"factor.{key}": level_text(level) for key, level in cell.items()}
    numbers = dict(zip(RUN_UNITS, map(_value, _numbers_of_run(run)), strict=True))
    numbers |= {f"parameter.{key}": value for key, value in _numbers(scenario.parameters if scenario else {}).items()}
    numbers |= {f"final.{key}": value for key, value in _numbers(run.final_metrics).items()}
    numbers |= {f"work.{key}": value for key, value in (run.work or {}).items()}
    numbers |= {f"indicator.{key}": value for key, value in run.indicators.items()}
    numbers |= {} if run.served is None else {f"served.{key}": value for key, value in run.served.columns().items()}
    own = {**source.levels, **source.scenarios.get(run.scenario, {})}
    if taken := own.keys() & (plain.keys() | numbers.keys()):
        raise ConfigError(f"{path}: campaigns.{name}: {min(taken)!r} is a column of every campaign; use another name")
    return {key: _one_line(value) for key, value in {**plain, **own, **numbers}.items()}


def _plain_cells(name: str, run: RunResult) -> tuple[str | int | None, ...]:
    """In the order of `PLAIN`."""
    because = None if run.included else run.excluded_because
    return (name, run.folder, run.ordinal, run.scenario, run.repetition, run.seed, run.start_utc, because)


def _numbers_of_run(run: RunResult) -> tuple[Number | None, ...]:
    """In the order of `RUN_UNITS`."""
    return (
        run.duration_s,
        run.mean_power_w,
        run.energy_wh,
        run.induced_energy_wh,
        run.gap_s,
        run.gap_energy_wh,
        run.gpu_energy_wh,
    )


def _value(number: Number | None) -> float | None:
    return None if number is None else number.value


def _one_line(value: object) -> str:
    """A cell: numbers with all their digits, text without line breaks."""
    if value is None:
        return ""
    return repr(value) if isinstance(value, float) else " ".join(str(value).split())


def _numbers(values: Json) -> dict[str, float]:
    return {key: v for key, v in values.items() if isinstance(v, int | float) and not isinstance(v, bool)}
