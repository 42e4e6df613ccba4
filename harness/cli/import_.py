"""`wattlab import FORMAT PATH --into CAMPAIGN`: a measurement that others made becomes run folders."""

import argparse
from pathlib import Path

from harness.cli.types import Verbs


def add_parser(verbs: Verbs) -> None:
    """Register the verb."""
    verb = verbs.add_parser(
        "import",
        help="turn a foreign measurement into run folders",
        description="Turn a measurement that others made into run folders; `wattlab report` then treats it as our own.",
    )
    formats = verb.add_subparsers(dest="format", metavar="FORMAT", required=True)
    oscar = formats.add_parser("oscar", help="OSCAR files: <scenario>-{power,actions,hardware}.csv[.gz], or oscar.toml")
    oscar.add_argument("folder", type=Path, help="folder with the files")
    oscar.set_defaults(call=call_oscar)
    smi = formats.add_parser("nvidia-smi", help="nvidia-smi --query-gpu logs; one file is one run")
    smi.add_argument("files", type=Path, nargs="+", help="log files (.csv, .csv.gz)")
    smi.set_defaults(call=call_nvidia_smi)
    ptd = formats.add_parser("ptd", help="PTDaemon logs: spl.txt, or a submission's folder with power/ beside its runs")
    ptd.add_argument("path", type=Path, help="log file, or folder with spl.txt in it or below")
    ptd.set_defaults(call=call_ptd)
    for each in (oscar, smi, ptd):
        each.add_argument("--into", type=Path, required=True, metavar="CAMPAIGN", help="campaign folder to create")


def call_oscar(arguments: argparse.Namespace) -> int:
    """Import and say what was found."""
    from harness.importers.oscar import import_oscar  # pandas costs half a second that other verbs need not pay

    summary = import_oscar(arguments.folder, arguments.into)
    print(summary)
    print(f"Next: wattlab report {arguments.into}")
    return 0


def call_nvidia_smi(arguments: argparse.Namespace) -> int:
    """Import and say what was found."""
    from harness.importers.nvidia_smi import import_nvidia_smi

    summary = import_nvidia_smi(arguments.files, arguments.into)
    print(summary)
    print(f"Next: wattlab report {arguments.into}")
    return 0


def call_ptd(arguments: argparse.Namespace) -> int:
    """Import and say what was found."""
    from harness.importers.ptd import import_ptd

    summary = import_ptd(arguments.path, arguments.into)
    print(summary)
    print(f"Next: wattlab report {arguments.into}")
    return 0
