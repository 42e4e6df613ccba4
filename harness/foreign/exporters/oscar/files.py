"""The files of an export: power, actions and hardware of a scenario, oscar.toml, README.txt.

Knows the forms (DE-UZ 215, KEcoLab's, collectl's). Knows no campaign's folder.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np

from harness.foreign.exporters.oscar.omissions import Omissions
from harness.foreign.exporters.oscar.runs import ExportedRun, one_line
from harness.foreign.exporters.oscar.seconds import MILLI_NS, SECOND_NS, Floats, Rows, Times, is_steady
from harness.foreign.importers.said import KEPT
from harness.record.documents import Json
from harness.record.errors import ExportError
from reports.energy.oscar import RULE
from reports.readings.series import RunSeries
from reports.results.header import CampaignHeader


def scenario_files(stem: str, runs: Sequence[ExportedRun], columns: Sequence[str]) -> dict[str, bytes]:
    """Name -> content of the files of a scenario.

    Raises:
        ExportError: two runs overlap in time.
    """
    ordered = sorted(runs, key=lambda run: run.begin_ns)
    for before, after in pairwise(ordered):
        if after.begin_ns < before.end_ns:
            raise ExportError(
                f"{stem}: two runs overlap at {_wall(after.begin_ns):%Y-%m-%d %H:%M:%S}: the clock was set back "
                "between them, and OSCAR's files know the wall clock only"
            )
    power = _joined([run.power for run in ordered])
    decimals = max(run.decimals for run in ordered)
    lines = [
        f"{number};{_wall(time_ns):%d.%m.%y, %H:%M:%S};{_number(value, decimals)};\n"
        for number, (time_ns, value) in enumerate(zip(power.times_ns.tolist(), power.values.tolist(), strict=True), 1)
    ]
    files = {
        f"{stem}-power.csv": ("Zeit;Wert 1-avg[W];\n" + "".join(lines)).encode(),
        f"{stem}-actions.csv": "".join(line for run in ordered for line in _action_lines(run)).encode(),
    }
    blocks = [run.hardware for run in ordered if run.hardware is not None]
    if len(blocks) == len(ordered):
        files[f"{stem}-hardware.csv"] = _collectl(_joined(blocks), columns)
    return files


def _joined(blocks: Sequence[Rows]) -> Rows:
    """One after the other; what an earlier block already reached is not repeated."""
    times: list[Times] = []
    values: list[Floats] = []
    reached_ns = -1
    for block in blocks:
        new = block.times_ns > reached_ns
        times.append(block.times_ns[new])
        values.append(block.values[new])
        reached_ns = max(reached_ns, int(block.times_ns[-1]))
    return Rows(np.concatenate(times), np.concatenate(values))


def _action_lines(run: ExportedRun) -> Iterator[str]:
    yield f"{_stamp(run.begin_ns)};startTestrun\n"
    for text, begin_ns, end_ns in run.actions:
        yield f"{_stamp(begin_ns)};startAction;{text}\n"
        yield f"{_stamp(end_ns)};stopAction\n"
    yield f"{_stamp(run.end_ns)};stopTestrun\n"


def _stamp(time_ns: int) -> str:
    """'2022-9-22 09:02:57.18': month and milliseconds unpadded."""
    moment = _wall(time_ns)
    return f"{moment.year}-{moment.month}-{moment:%d %H:%M:%S}.{time_ns % SECOND_NS // MILLI_NS}"


def _collectl(rows: Rows, columns: Sequence[str]) -> bytes:
    header = ";".join(["Date Time", *columns])
    lines = [
        ";".join([f"{_wall(time_ns):%d.%m.%Y %H:%M:%S}", *(_number(value, 0) for value in row)])
        for time_ns, row in zip(rows.times_ns.tolist(), rows.values.tolist(), strict=True)
    ]
    return ("\ufeff" + "\r\n".join([header, *lines, ""])).encode()


def _number(value: float, decimals: int) -> str:
    """The shortest decimal that reads back as the same number, with so many decimals at least."""
    text = np.format_float_positional(value, unique=True, trim="k", min_digits=decimals)
    return text.removesuffix(".")


def _wall(time_ns: int) -> datetime:
    return datetime.fromtimestamp(time_ns // SECOND_NS, UTC)


def layout_of(stems: Mapping[str, str], files: Mapping[str, bytes], first: RunSeries, origin: str) -> str:
    """oscar.toml: which files belong together, what they do not say of meter and SUT, and what was not measured."""
    lines = []
    for name, stem in stems.items():
        lines.append(f"[scenarios.{_toml(name)}]")
        roles = [role for role in ("power", "actions", "hardware") if f"{stem}-{role}.csv" in files]
        lines += [f"{role} = {_toml(f'{stem}-{role}.csv')}" for role in roles] + [""]
    descriptor = first.parts[0].descriptor
    resampled = len(first.parts) > 1 or not is_steady(first.parts[0].times_ns)
    meter: Json = {key: str(descriptor.identity.get(key) or "") for key in ("maker", "model", "serial", "firmware")}
    meter |= {"stamp": "end", "window_s": 1.0} if resampled else {"stamp": descriptor.stamp, "window_s": 1.0}
    meter |= {"origin": origin} if origin in KEPT else {}
    lines += ["[meter]", *(f"{key} = {_toml(value)}" for key, value in meter.items()), ""]
    known = {key: value for key, value in first.run.start.sut.items() if value is not None}
    lines += ["[sut]", *(f"{_toml(key)} = {_toml(value)}" for key, value in known.items()), ""]
    return "\n".join(lines)


def _toml(value: object) -> str:
    """A TOML value: JSON's form, with what TOML has otherwise (inline tables, no null, no raw DEL)."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_toml(str(k))} = {_toml(v)}" for k, v in value.items() if v is not None) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_toml(item) for item in value if item is not None) + "]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def readme_of(campaign: CampaignHeader, said_of_origin: str, first: RunSeries, omissions: Omissions) -> str:
    """README.txt: what the files are, and what was left out."""
    descriptor = first.parts[0].descriptor
    meant = {
        "end": "A power row's stamp marks the end of its window",
        "start": "A power row's stamp marks the beginning of its window",
        "unknown": "Whether a power row's stamp marks the end or the beginning of its window is not known",
    }
    source = first.run.start.source
    zone = "UTC" if source is None or source.get("clock") == "utc" else "the source's wall clock"
    lines = [
        f"OSCAR files of the campaign {one_line(campaign.name)} ({campaign.uid}), written by wattlab.",
        said_of_origin,
        f"Window rule: {RULE}.",
        "Power: KEcoLab's form, one row a second, decimal point. Actions: month and milliseconds unpadded.",
        "Hardware: columns, quantities and units of collectl -s cdmn -P --sep 59 (KB of 1024 byte; disk and network "
        "per second; [MEM]Used is total - free); BOM, CRLF.",
        f"Stamps: {zone}. {meant[descriptor.stamp]}, its readings are of averaging {descriptor.averaging!r}.",
        "The rows of a run are moved together by less than a second onto whole seconds, its actions with them.",
        "oscar.toml is read by `wattlab import oscar`, not by OSCAR.",
    ]
    return "\n".join([*lines, *omissions.remarks, ""])
