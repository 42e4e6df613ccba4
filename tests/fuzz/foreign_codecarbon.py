"""CodeCarbon's files and their mutations for the fuzzer of valid foreign files.

Knows how its releases write (harness/foreign/importers/tracker) and what the importer promises. Every file is
attached to the same synthetic campaign of three runs.
"""

import csv
import shutil
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from harness.foreign.importers.tracker.importer import import_tracker
from harness.foreign.importers.tracker.source import Choice
from harness.record.campaign_folder import TRACKER, CampaignFolder
from harness.record.entries import Attachment, of
from harness.record.errors import LabError
from tests.fuzz.codecarbon_files import DROPPING, NAME, NUMBERS, Table, drawn, empty, parsed
from tests.fuzz.foreign import (
    Files,
    Form,
    Mutated,
    Mutation,
    Outcome,
    Reading,
    as_windows_writes,
    blank_lines,
    only,
    with_lines,
)


def read(source: Path, campaign: Path) -> Reading:
    """Attach what lies in a folder to the campaign; what its log says of every run."""
    shutil.copytree(empty(), campaign)
    try:
        done = import_tracker(source / NAME, campaign, Choice(zone="UTC"))
    except LabError as error:
        return Reading(refused=str(error))
    values: dict[str, float] = {}
    flags = {text.replace(str(source), "") for text in done.left_out if "a flush; line" not in text}
    for attachment in of(Attachment, CampaignFolder(campaign).entries()):
        if attachment.note == TRACKER:
            account, run = attachment.raw["tracker"], attachment.run[-8:]
            spans = account.get("spans_ns") or [[account["begin_ns"], account["end_ns"]]]
            values[f"{run}.energy_wh"] = account["reported_wh"] / account["factor"]
            values[f"{run}.counted_s"] = sum(end - begin for begin, end in spans) * 1e-9
            values[f"{run}.end_s"] = account["end_ns"] * 1e-9
            # What an object of several passes had counted before is told of each pass, with its line.
            flags |= {f"{run} {text}" for text in account["problems"] if "was used again" not in text}
    digest = done.path.name[:8]
    return Reading(None, values, frozenset(flags), {"rows": len(done.pairs), "spans": len(values), "digest": digest})


# --- mutations


def columns_in_another_order(random: Random, files: Files) -> Mutated:
    table = parsed(files)
    columns = tuple(random.sample(table.columns, len(table.columns)))
    return Mutated(replace(table, columns=columns).files(), "preserved", "columns in another order")


def further_columns(random: Random, files: Files) -> Mutated:
    table = parsed(files)
    name = random.choice(["", "gpu_utilization_percent", "note", "water_consumed"])
    if name in table.columns:
        return Mutated(files, "preserved", "nothing")
    at = random.randint(0, len(table.columns))
    columns = (*table.columns[:at], name, *table.columns[at:])
    rows = tuple(row | {name: random.choice(["", "1", "a, b"])} for row in table.rows)
    return Mutated(replace(table, columns=columns, rows=rows).files(), "preserved", f"a column {name!r}")


def a_column_renamed(random: Random, files: Files) -> Mutated:
    table = parsed(files)
    name = random.choice([n for n in table.columns if n not in ("task_name", "run_id", "codecarbon_version")])
    lost = name in ("timestamp", "duration", "energy_consumed", "pue")
    columns = tuple("name" if n == name else n for n in table.columns)
    rows = tuple({("name" if n == name else n): text for n, text in row.items()} for row in table.rows)
    outcome: Outcome = "flagged" if lost else "preserved"
    return Mutated(Table(columns, rows, table.kind).files(), outcome, f"{name} renamed")


def rows_in_another_order(random: Random, files: Files) -> Mutated:
    table = parsed(files)
    rows = tuple(random.sample(table.rows, len(table.rows)))
    return Mutated(replace(table, rows=rows).files(), "preserved", "rows in another order")


def a_row_doubled(random: Random, files: Files) -> Mutated:
    name, lines = only(files)
    at, to = random.randrange(1, len(lines)), random.randrange(1, len(lines) + 1)
    return Mutated(
        with_lines(files, name, [*lines[:to], lines[at], *lines[to:]]), "preserved", f"line {at + 1} doubled"
    )


def header_again(random: Random, files: Files) -> Mutated:
    name, lines = only(files)
    at = random.randrange(1, len(lines) + 1)
    return Mutated(
        with_lines(files, name, [*lines[:at], lines[0], *lines[at:]]), "preserved", f"header in line {at + 1}"
    )


def everything_quoted(random: Random, files: Files) -> Mutated:
    return Mutated(parsed(files).files(quoting=csv.QUOTE_ALL), "preserved", "quotes")


def numbers_otherwise(random: Random, files: Files) -> Mutated:
    table = parsed(files)
    form = random.choice(["{:.12e}", "{:+.15g}", "{:.17f}"])
    rows = tuple(row | {name: form.format(float(row[name])) for name in NUMBERS if row.get(name)} for row in table.rows)
    return Mutated(replace(table, rows=rows).files(), "preserved", f"numbers as {form}")


def a_zone_in_the_stamps(random: Random, files: Files) -> Mutated:
    table = parsed(files)
    rows = tuple(row | {"timestamp": row["timestamp"] + random.choice(["Z", "+00:00"])} for row in table.rows)
    return Mutated(replace(table, rows=rows).files(), "preserved", "stamps in UTC")


def another_encoding(random: Random, files: Files) -> Mutated:
    table = parsed(files)
    column = random.choice(["region", "country_name"])
    changed = table.with_cell(random.randrange(len(table.rows)), column, random.choice(["Rhône", "Österreich", "Łódź"]))
    coding = random.choice(["utf-8", "cp1250", "cp1252", "iso8859_2"])
    try:
        content = changed.files()[NAME].decode().encode(coding)
    except UnicodeEncodeError:
        content = changed.files()[NAME]
    return Mutated({NAME: content}, "preserved", f"an accent in {coding}")


def a_spreadsheets_file(random: Random, files: Files) -> Mutated:
    table, comma = parsed(files), random.random() < 0.7
    rows = table.rows
    if comma:
        numbers = (*NUMBERS, "pue", "wue", "ram_total_size", "longitude", "latitude")
        rows = tuple(row | {name: row[name].replace(".", ",") for name in numbers if name in row} for row in rows)
    changed = replace(table, rows=rows).files(delimiter=random.choice([";", "\t"]))
    return Mutated(changed, "preserved" if table.whole else "flagged", "a spreadsheet's")


def a_unit_changed(random: Random, files: Files) -> Mutated | None:
    """Without parts and rate nothing in the file contradicts; a duration that is longer fits no run."""
    table, at = parsed(files), 0
    if not table.whole:
        return None
    column = random.choice(["energy_consumed", "duration", *(f"{part}_energy" for part in ("cpu", "ram"))])
    factor = random.choice([1e-6, 1e-3, 1e3, 3.6e6] if "energy" in column else [1e-3, 1 / 60, 60.0, 1e3])
    at = random.randrange(len(table.rows))
    text = repr(float(table.rows[at][column]) * factor)
    return Mutated(table.with_cell(at, column, text).files(), "flagged", f"{column} of row {at} times {factor:g}")


def a_digit_changed(random: Random, files: Files) -> Mutated | None:
    table = parsed(files)
    at, column = random.randrange(len(table.rows)), random.choice(["energy_consumed", "cpu_energy", "ram_energy"])
    if not table.whole:
        return None
    text = table.rows[at][column]
    place = random.choice([n for n, mark in enumerate(text.split("e")[0]) if mark.isdigit()])
    changed = text[:place] + str((int(text[place]) + random.randint(1, 9)) % 10) + text[place + 1 :]
    off = abs(float(changed) - float(text)) / float(table.rows[at]["energy_consumed"])
    if 1e-9 < off < 2e-4:
        return None  # within a spreadsheet's digits
    outcome: Outcome = "preserved" if off <= 1e-9 and column != "energy_consumed" else "flagged"
    return None if off <= 1e-9 else Mutated(
        table.with_cell(at, column, changed).files(), outcome, f"{column} {text} became {changed}"
    )  # fmt: skip


def end_cut(random: Random, files: Files) -> Mutated:
    """The last line loses its end; harmless only in a column that is not read."""
    name, lines = only(files)
    last = lines[-1].rstrip("\n")
    keep = random.randint(1, len(last) - 1)
    column = parsed(files).columns[last[:keep].count(",")] if '"' not in last else ""
    unread = column == parsed(files).columns[-1] and column in ("on_cloud", "wue")
    outcome: Outcome = "preserved" if unread else "flagged"
    return Mutated(with_lines(files, name, [*lines[:-1], last[:keep]]), outcome, f"cut in {column}")


def a_row_cut(random: Random, files: Files) -> Mutated:
    name, lines = only(files)
    at = random.randint(1, len(lines) - 1)
    keep = random.randint(1, len(lines[at]) // 2)
    return Mutated(
        with_lines(files, name, [*lines[:at], lines[at][:keep] + "\n", *lines[at + 1 :]]),
        "flagged",
        f"line {at + 1} cut",
    )


def rows_gone_at_the_end(random: Random, files: Files) -> Mutated | None:
    name, lines = only(files)
    count = random.randint(1, len(lines) - 2)
    return Mutated(with_lines(files, name, lines[:-count]), "undetectable", f"the last {count} rows are gone")


def an_earlier_row_gone(random: Random, files: Files) -> Mutated | None:
    """Of an object that was used again the next row then holds more than its duration; of rows apart nothing shows."""
    name, lines = only(files)
    at = random.randint(1, len(lines) - 2)
    outcome: Outcome = "flagged" if parsed(files).kind == "reused" else "undetectable"
    return Mutated(with_lines(files, name, [*lines[:at], *lines[at + 1 :]]), outcome, f"line {at + 1} gone")


def empty_columns_left_out(random: Random, files: Files) -> Mutated | None:
    """As 3.2.9 and 3.3.0 append: read where the parts prove the places, else named."""
    table = parsed(files)
    if table.kind != "apart" or "wue" not in table.columns:
        return None
    release = random.choice(DROPPING)
    empty_ones = [name for name in ("region", "longitude", "latitude") if random.random() < 0.7] or ["region"]
    rows = [row | {"codecarbon_version": release} | dict.fromkeys(empty_ones, "") for row in table.rows]
    first, *others = rows
    lines = [",".join(table.columns), ",".join(first[name] for name in table.columns)]
    lines += [",".join(row[name] for name in table.columns if name not in empty_ones) for row in others]
    return Mutated({NAME: "".join(line + "\n" for line in lines).encode()}, "preserved", f"{empty_ones} left out")


def another_day(random: Random, files: Files) -> Mutated:
    table, days = parsed(files), random.choice([-1, 1, 365])
    at = random.randrange(len(table.rows))
    moved = datetime.fromisoformat(table.rows[at]["timestamp"]) + timedelta(days=days)
    return Mutated(table.with_cell(at, "timestamp", moved.isoformat()).files(), "flagged", f"row {at} {days} days away")


def process_mode(random: Random, files: Files) -> Mutated | None:
    table = parsed(files)
    if "tracking_mode" not in table.columns:
        return None
    rows = tuple(row | {"tracking_mode": "process"} for row in table.rows)
    return Mutated(replace(table, rows=rows).files(), "flagged", "process mode")


MUTATIONS: tuple[Mutation, ...] = (
    columns_in_another_order, further_columns, a_column_renamed, rows_in_another_order, a_row_doubled, header_again,
    everything_quoted, numbers_otherwise, a_zone_in_the_stamps, another_encoding, a_spreadsheets_file, a_unit_changed,
    a_digit_changed, end_cut, a_row_cut, rows_gone_at_the_end, an_earlier_row_gone, empty_columns_left_out, another_day,
    process_mode, as_windows_writes, blank_lines,
)  # fmt: skip


def form() -> Form:
    """CodeCarbon's files of every kind."""
    own: dict[str, Mutation] = {mutation.__name__: mutation for mutation in MUTATIONS}
    return Form("codecarbon", drawn, read, own, tolerance=1e-6)


FORM = form()
