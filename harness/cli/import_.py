"""`wattlab import FORMAT PATH --into CAMPAIGN`: a measurement that others made becomes run folders;
`wattlab import tracker FILE --campaign FOLDER`: a tracker's file is attached to a campaign that is there;
`wattlab import software-log FORMAT FILE --campaign FOLDER`: so is the log of a software meter."""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from harness.cli.called import as_called, command
from harness.cli.documents import Document
from harness.cli.progress import at_work, bar_of
from harness.cli.screen import say
from harness.cli.types import add_json_argument, at_least, seconds
from harness.record.errors import ImportFileError

if TYPE_CHECKING:
    from harness.foreign.importers.imported import Summary


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedCampaign(Document):
    """What an import made."""

    campaign_folder: str
    """The new campaign."""
    runs: Mapping[str, int]
    """Scenario -> how many runs were made."""
    remarks: tuple[str, ...]
    """What was odd about the files, and what was left out."""


@dataclass(frozen=True, slots=True)
class AttachedRow:
    """A row of a tracker's file that belongs to a run."""

    line: int
    """Of the file."""
    run: str
    """The run's folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachedFile(Document):
    """A tracker's file that was attached to a campaign."""

    file: str
    """Its copy in the campaign."""
    rows: tuple[AttachedRow, ...]
    """Which row is of which run."""
    left_out: tuple[str, ...]
    """The other lines, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachedSoftwareLog(Document):
    """A log of a software meter that was attached to a campaign."""

    file: str
    """Its copy in the campaign."""
    software_meters: tuple[str, ...]
    """What it holds, as `wattlab qualify` names it."""
    rows: Mapping[str, int]
    """Run folder -> how many rows of the log belong to it."""
    remarks: tuple[str, ...]
    """What was odd about the log."""


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """What the verb takes."""
    verb.description = (
        "Turn a measurement that others made into run folders; `wattlab report` then treats it as our own."
    )
    formats = verb.add_subparsers(dest="format", metavar="FORMAT", required=True)
    oscar = formats.add_parser("oscar", help="OSCAR files: <scenario>-{power,actions,hardware}.csv[.gz], or oscar.toml")
    oscar.add_argument("folder", type=Path, help="folder with the files")
    oscar.set_defaults(call=call_oscar)
    smi = formats.add_parser("nvidia-smi", help="nvidia-smi --query-gpu logs; one file is one run of the boards in it")
    smi.add_argument("paths", type=Path, nargs="+", help="log files (.csv, .csv.gz, ...), or folders with logs below")
    smi.set_defaults(call=call_nvidia_smi)
    ptd = formats.add_parser("ptd", help="PTDaemon logs: spl.txt, or a submission's folder with power/ beside its runs")
    ptd.add_argument("path", type=Path, help="log file, or folder with spl.txt in it or below")
    ptd.set_defaults(call=call_ptd)
    table = formats.add_parser(
        "power-csv", help="any CSV of power, by a small mapping file; without one a mapping is proposed"
    )
    table.add_argument("paths", type=Path, nargs="+", help="CSV files (.csv, .csv.gz, ...), or folders with CSV below")
    table.add_argument(
        "--mapping", type=Path, metavar="FILE", help="what the columns are (default: power-csv.toml beside the CSV)"
    )
    table.add_argument(
        "--propose", action="store_true", help="print a mapping that the first lines suggest, and import nothing"
    )
    table.set_defaults(call=call_power_csv)
    training = formats.add_parser(
        "mlperf-training", help="power logs of MLPerf Training: result_N.txt with power/result_N/node_*.txt, sw_*.txt"
    )
    training.add_argument("path", type=Path, help="folder with result logs in it or below, or one result log")
    training.set_defaults(call=call_mlperf_training)
    tiny = formats.add_parser(
        "mlperf-tiny",
        help="energy sessions of MLPerf Tiny: EnergyRunner's trace1-energy.bin, or results.json with power",
    )
    tiny.add_argument("path", type=Path, help="folder with sessions in it or below, or one trace or results.json")
    tiny.set_defaults(call=call_mlperf_tiny)
    jls = formats.add_parser("jls", help="recordings of a Joulescope (JLS version 2): direct current, in means")
    jls.add_argument("paths", type=Path, nargs="+", help="JLS files, or folders with JLS files below")
    jls.add_argument(
        "--window", type=seconds, default=0.01, metavar="SECONDS", help="length of the means (default: 0.01)"
    )
    jls.add_argument(
        "--instrument", metavar="NAME", help="which of several recorded, by its name or serial number in the file"
    )
    jls.set_defaults(call=call_jls)
    tracker = formats.add_parser(
        "tracker",
        help="a tracker's own file (CodeCarbon's emissions.csv or task file), attached to a campaign of wattlab",
        description="Line the rows of CodeCarbon's emissions.csv, or of a task file emissions_<name>_<run_id>.csv, up "
        "with the runs of a campaign by their wall clock and attach the file to it; the sealed runs stay as they are. "
        "`wattlab report` then compares both with the meter.",
    )
    tracker.add_argument("file", type=Path, help="the file (.csv, .csv.gz)")
    tracker.add_argument("--campaign", type=Path, required=True, metavar="FOLDER", help="campaign folder it belongs to")
    tracker.add_argument("--run", metavar="RUN", help="a run's folder or its ordinal; without it every run is tried")
    tracker.add_argument(
        "--line", type=at_least(1), metavar="N", action="append", default=[],
        help="use only the row on this line of the file; may be given several times",
    )  # fmt: skip
    tracker.add_argument(
        "--timezone", metavar="ZONE", help="of stamps without a zone, such as Europe/Berlin or +01:00; no default"
    )
    tracker.add_argument(
        "--over-run", action="store_true", help="take the row's energy as that of the whole run, whatever its duration"
    )
    tracker.add_argument(
        "--pue", type=float, metavar="X", help="power usage effectiveness that CodeCarbon was set to, if no column says"
    )
    tracker.add_argument("--replace", action="store_true", help="instead of a figure that was attached before")
    add_json_argument(tracker, "which rows belong to which runs", AttachedFile)
    tracker.set_defaults(call=call_tracker, interrupted="the same command begins anew")
    _add_software_log(formats.add_parser(
        "software-log",
        help="the log of a software meter (PowerAPI, Scaphandre, EnergiBridge ...), attached to a campaign of wattlab",
        description="Line the log of a software meter up with the runs of a campaign by their wall clock and attach "
        "it; the sealed runs stay as they are. `wattlab qualify` then holds it against the meter.",
    ))  # fmt: skip
    for each in (oscar, smi, ptd, table, training, tiny, jls):
        add_json_argument(each, "what was imported", ImportedCampaign)
        each.set_defaults(interrupted="remove the campaign folder if it is there, then the same command begins anew")
        each.add_argument(
            "--into", type=Path, required=each is not table, metavar="CAMPAIGN", help="campaign folder to create"
        )
        each.add_argument(
            "--group", metavar="HOW",
            help="which traces are repetitions of one scenario: `folder`; a template for their paths such as "
            "'{scenario}-{repetition}' or '{system}/{model}/*'; or a table FILE.csv with file,scenario and, where "
            "wanted, repetition,baseline",
        )  # fmt: skip
        each.add_argument(
            "--baseline", metavar="SCENARIO", help="the scenario that is the baseline (default: baseline)"
        )
        each.add_argument(
            "--thresholds", type=Path, metavar="FILE.toml",
            help="its table [thresholds] in place of the method's limits of findings, as in lab.toml; every run keeps "
            "them, and the report says which are looser",
        )  # fmt: skip


def _add_software_log(log: argparse.ArgumentParser) -> None:
    log.add_argument(
        "log_format", metavar="FORMAT",
        help="powerapi, scaphandre, experiment-impact-tracker, carbontracker, energibridge, codecarbon or perf-stat",
    )  # fmt: skip
    log.add_argument("file", type=Path, help="the log (also .gz)")
    log.add_argument("--campaign", type=Path, required=True, metavar="FOLDER", help="campaign folder it belongs to")
    log.add_argument("--run", metavar="RUN", help="a run's folder or its ordinal; without it every run is tried")
    log.add_argument(
        "--timezone", metavar="ZONE", help="of stamps without a zone, such as Europe/Berlin or +01:00; no default"
    )
    log.add_argument(
        "--begin", metavar="TIME", help="when a log without dates began, on its machine's clock: 2026-11-29T21:50:00"
    )
    log.add_argument("--replace", action="store_true", help="instead of a log of this format that was attached before")
    add_json_argument(log, "which software meters of which runs it holds", AttachedSoftwareLog)
    log.set_defaults(call=call_software_log, interrupted="the same command begins anew")


def _imported(importer: "Callable[..., Summary]", arguments: argparse.Namespace) -> int:
    """Import into the campaign folder that was named, under a bar, and say what was found."""
    from harness.foreign.importers.grouping import Grouping
    from harness.foreign.importers.imported import METHODS_OWN
    from harness.foreign.importers.thresholds import read_thresholds

    grouping = Grouping(arguments.group, arguments.baseline)
    limits = METHODS_OWN if arguments.thresholds is None else read_thresholds(arguments.thresholds)
    with bar_of("importing") as on_progress:
        summary = importer(campaign=arguments.into, grouping=grouping, on_progress=on_progress, thresholds=limits)
    return _say(summary, arguments)


def call_oscar(arguments: argparse.Namespace) -> int:
    """Import and say what was found."""
    from harness.foreign.importers.oscar.importer import import_oscar  # numpy costs time that other verbs need not pay

    return _imported(partial(import_oscar, arguments.folder), arguments)


def call_nvidia_smi(arguments: argparse.Namespace) -> int:
    """Import and say what was found."""
    from harness.foreign.importers.nvidia_smi.importer import import_nvidia_smi

    return _imported(partial(import_nvidia_smi, arguments.paths), arguments)


def call_ptd(arguments: argparse.Namespace) -> int:
    """Import and say what was found."""
    from harness.foreign.importers.ptd.importer import import_ptd

    return _imported(partial(import_ptd, arguments.path), arguments)


def call_power_csv(arguments: argparse.Namespace) -> int:
    """Import by the mapping; where there is none, propose one."""
    from harness.cli.import_mapping import mapping_for, proposed
    from harness.foreign.importers.power_csv.importer import import_power_csv

    if arguments.propose:
        print(proposed(arguments.paths), end="")
        return 0
    mapping = mapping_for(arguments.paths, arguments.mapping)
    if mapping is None:
        return 0
    if arguments.into is None:
        raise ImportFileError(f"{mapping}: --into is missing; name the campaign folder to create, such as runs/NAME")
    return _imported(partial(import_power_csv, arguments.paths, mapping=mapping), arguments)


def call_mlperf_training(arguments: argparse.Namespace) -> int:
    """Import and say what was found."""
    from harness.foreign.importers.mlperf_training.importer import import_mlperf_training

    return _imported(partial(import_mlperf_training, arguments.path), arguments)


def call_mlperf_tiny(arguments: argparse.Namespace) -> int:
    """Import and say what was found."""
    from harness.foreign.importers.mlperf_tiny.importer import import_mlperf_tiny

    return _imported(partial(import_mlperf_tiny, arguments.path), arguments)


def call_jls(arguments: argparse.Namespace) -> int:
    """Import and say what was found."""
    from harness.foreign.importers.jls.importer import import_jls
    from harness.foreign.importers.jls.recording import Choice

    choice = Choice(arguments.window, arguments.instrument)
    return _imported(partial(import_jls, arguments.paths, choice=choice), arguments)


def call_tracker(arguments: argparse.Namespace) -> int:
    """Attach and say to which runs."""
    from harness.foreign.importers.tracker.importer import import_tracker
    from harness.foreign.importers.tracker.source import Choice

    choice = Choice(
        run=arguments.run, lines=tuple(arguments.line), zone=arguments.timezone, over_run=arguments.over_run,
        replace=arguments.replace, pue=arguments.pue,
    )  # fmt: skip
    with at_work("lining the file up with the runs"):
        attached = import_tracker(arguments.file, arguments.campaign, choice)
    rows = tuple(AttachedRow(line, folder) for line, folder in attached.pairs)
    arguments.answer = AttachedFile(file=str(attached.path), rows=rows, left_out=attached.left_out)
    print(as_called(str(attached)))
    say(Console(), f"Next: {command('report', arguments.campaign)}; sign again what was signed before.")
    return 0


def call_software_log(arguments: argparse.Namespace) -> int:
    """Attach and say to which runs."""
    from harness.foreign.importers.software.attach import attach_log
    from harness.foreign.importers.software.formats import begin_of
    from harness.foreign.importers.tracker.source import Choice

    choice = Choice(run=arguments.run, zone=arguments.timezone, replace=arguments.replace)
    begin_ns = None if arguments.begin is None else begin_of(arguments.begin, "--begin")
    with at_work("lining the log up with the runs"):
        attached = attach_log(arguments.log_format, arguments.file, arguments.campaign, choice, begin_ns)
    arguments.answer = AttachedSoftwareLog(
        file=str(attached.path), software_meters=attached.columns, rows=attached.rows, remarks=attached.notes
    )
    print(as_called(str(attached)))
    say(Console(), f"Next: {command('qualify', arguments.campaign)}; sign again what was signed before.")
    return 0


def _say(summary: "Summary", arguments: argparse.Namespace) -> int:
    arguments.answer = ImportedCampaign(
        campaign_folder=str(summary.campaign), runs=summary.runs, remarks=summary.remarks
    )
    print(as_called(str(summary)))
    say(Console(), f"Next: {command('report', summary.campaign)}.")
    return 0
