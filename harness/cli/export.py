"""`wattlab export FORMAT CAMPAIGN --into FILE`: a campaign in a form that others take."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from harness.cli.documents import Document
from harness.cli.progress import at_work
from harness.cli.screen import counted, say
from harness.cli.types import add_json_argument
from harness.record.errors import printable
from harness.record.verify import Check

if TYPE_CHECKING:
    from harness.foreign.exporters.carried.exporter import Carried

PACKAGE = {
    "model-name": "the model's name (default: the scenario's)",
    "model-version": "its version, which SPDX asks for",
    "download": "URI that it can be had from, which SPDX asks for",
    "released": "when it was released, such as 2026-11-29T00:00:00Z, which SPDX asks for",
    "supplier": "who supplies it, which SPDX asks for",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenBag(Document):
    """A campaign as one file."""

    file: str
    """The bag."""
    left_out: tuple[str, ...]
    """What lies in the campaign's folder and is no part of it."""
    failed_checks: tuple[Check, ...]
    """Checks of the campaign that failed: a bag is written all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenOscarFiles(Document):
    """A campaign as OSCAR files."""

    folder: str
    """Where they lie."""
    runs: Mapping[str, int]
    """Scenario -> how many runs were written."""
    window_rule: str
    """Which rows of a run OSCAR counts."""
    remarks: tuple[str, ...]
    """What was left out, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenData(Document):
    """Figures of a campaign in a form that asks for them."""

    path: str
    """The new file, or folder."""
    scenario: str
    """Whose figures."""
    label: str
    """What they are: `measured`, `imported`, `estimated`, `emulated` or `unattested`."""
    results_sha256: str
    """Digest of the results.json that they are from."""
    certificate_sha256: str | None
    """Digest of the certificate of software meters behind them; null where there is none."""


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """What the verb takes."""
    formats = verb.add_subparsers(dest="format", metavar="FORMAT", required=True)
    bag = formats.add_parser(
        "bag",
        help="a zipped BagIt bag, for an archive or a checker",
        description="Write a campaign, its notes, signature and documents as one zipped BagIt bag (RFC 8493). "
        "`wattlab verify FILE.zip --public-key K.pub` checks it.",
    )
    bag.add_argument("campaign", type=Path, help="campaign folder, such as runs/core-study")
    bag.add_argument("--into", type=Path, required=True, metavar="FILE.zip", help="a new file")
    add_json_argument(bag, "what was written and left out", WrittenBag)
    bag.set_defaults(call=call_bag, interrupted="no bag was written")
    oscar = formats.add_parser(
        "oscar",
        help="OSCAR files: <scenario>-{power,actions,hardware}.csv",
        description="Write the runs that enter the means as OSCAR files (DE-UZ 215); `wattlab import oscar` reads them "
        "back to the same numbers.",
    )
    oscar.add_argument("campaign", type=Path, help="campaign folder, such as runs/core-study")
    oscar.add_argument("--into", type=Path, required=True, metavar="DIR", help="a new folder")
    add_json_argument(oscar, "what was written and left out", WrittenOscarFiles)
    oscar.set_defaults(call=call_oscar, interrupted="remove the new folder if it is there, then try again")
    _add_carried(formats)


def _add_carried(formats: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The exports that carry figures with U, label and digests."""
    mlperf = formats.add_parser("mlperf", help="result and power logs of MLPerf Training's form")
    spdx = formats.add_parser("spdx", help="SPDX 3 AI profile: a model's energy consumption, JSON-LD")
    sci = formats.add_parser(
        "sci", help="Impact Framework manifest: energy, and kWh per functional unit, for an SCI score"
    )
    use_phase = formats.add_parser("itu-l1801", help="data for the use stage of ITU-T L.1801")
    ai_act = formats.add_parser("ai-act", help="data for the energy fields of the EU AI Act's model documentation")
    for each in (mlperf, spdx, sci, use_phase, ai_act):
        each.add_argument("campaign", type=Path, help="campaign folder with its report, such as runs/core-study")
        each.add_argument("--scenario", metavar="NAME", help="whose figures; may be left out where there is one")
        add_json_argument(each, "what was written", WrittenData)
    for each in (spdx, sci, use_phase, ai_act):
        each.add_argument("--into", type=Path, required=True, metavar="FILE", help="a new file")
        each.set_defaults(interrupted="no file was written")
    mlperf.add_argument("--into", type=Path, required=True, metavar="DIR", help="a new folder")
    mlperf.set_defaults(call=call_mlperf, interrupted="remove the new folder if it is there, then try again")
    for each in (spdx, ai_act):
        each.add_argument(
            "--stage", choices=("training", "finetuning", "inference"), required=True, help="what the scenario runs"
        )
    for each in (sci, use_phase):
        each.add_argument("--unit", metavar="WORK", help="functional unit: a kind of work that the runs marked")
    for name, what in PACKAGE.items():
        spdx.add_argument(f"--{name}", default="", metavar="TEXT", help=what)
    spdx.set_defaults(call=call_spdx)
    sci.set_defaults(call=call_sci)
    use_phase.set_defaults(call=call_l1801)
    ai_act.set_defaults(call=call_ai_act)


def call_bag(arguments: argparse.Namespace) -> int:
    """Write the bag; name what was left out, and warn of what its reader would stumble over."""
    with at_work("writing the bag, verifying the campaign"):
        from harness.evidence.bag import write_bag
        from harness.evidence.verification import verify

        left_out = write_bag(arguments.campaign, arguments.into)
        failed = verify(arguments.campaign, None).failed
    arguments.answer = WrittenBag(
        file=str(arguments.into), left_out=tuple(map(printable, left_out)), failed_checks=tuple(failed)
    )
    print(f"bag  {arguments.into.resolve()}")
    if left_out:
        print(f"Not in the bag, because they are no part of the campaign: {', '.join(map(printable, left_out))}.")
    warnings = Console(stderr=True)
    if arguments.into.suffix.lower() != ".zip":
        say(warnings, f"Warning: {arguments.into.name} is a zip archive, but its name does not end in .zip.", "yellow")
    if failed:
        first = f"{failed[0].subject}: {failed[0].name}: {failed[0].detail}"
        say(
            warnings,
            f"Warning: the bag holds a campaign that does not pass `wattlab verify`: {counted(len(failed), 'check')} "
            f"FAILED, the first is {first}",
            "yellow",
        )
    return 0


def call_oscar(arguments: argparse.Namespace) -> int:
    """Write the files; say what was written and what was left out."""
    with at_work("reading the runs, writing the files"):
        from harness.foreign.exporters.oscar.exporter import export_oscar  # reports cost time that others need not pay

        exported = export_oscar(arguments.campaign, arguments.into)
    from reports.energy.oscar import RULE

    arguments.answer = WrittenOscarFiles(
        folder=str(exported.folder), runs=exported.runs, window_rule=RULE, remarks=exported.remarks
    )
    print(exported)
    return 0


def call_mlperf(arguments: argparse.Namespace) -> int:
    """Write the logs; say of what."""
    with at_work("reading the runs, writing the logs"):
        from harness.foreign.exporters.carried.exporter import export_mlperf

        carried = export_mlperf(arguments.campaign, arguments.into, arguments.scenario)
    return _say(carried, arguments)


def call_spdx(arguments: argparse.Namespace) -> int:
    """Write the document; say of what."""
    from harness.foreign.exporters.carried.exporter import export_spdx
    from harness.foreign.exporters.carried.spdx import Package

    package = Package(
        arguments.model_name, arguments.model_version, arguments.download, arguments.released, arguments.supplier
    )
    carried = export_spdx(arguments.campaign, arguments.into, arguments.scenario, arguments.stage, package)
    return _say(carried, arguments)


def call_sci(arguments: argparse.Namespace) -> int:
    """Write the manifest; say of what."""
    from harness.foreign.exporters.carried.exporter import export_sci

    return _say(export_sci(arguments.campaign, arguments.into, arguments.scenario, arguments.unit), arguments)


def call_l1801(arguments: argparse.Namespace) -> int:
    """Write the data; say of what."""
    from harness.foreign.exporters.carried.exporter import export_l1801

    return _say(export_l1801(arguments.campaign, arguments.into, arguments.scenario, arguments.unit), arguments)


def call_ai_act(arguments: argparse.Namespace) -> int:
    """Write the data; say of what."""
    from harness.foreign.exporters.carried.exporter import export_ai_act

    return _say(export_ai_act(arguments.campaign, arguments.into, arguments.scenario, arguments.stage), arguments)


def _say(carried: "Carried", arguments: argparse.Namespace) -> int:
    account = carried.account
    certificate = (account.certificate or {}).get("sha256")
    arguments.answer = WrittenData(
        path=str(carried.path), scenario=account.scenario, label=account.label, results_sha256=account.results_sha256,
        certificate_sha256=None if certificate is None else str(certificate),
    )  # fmt: skip
    print(carried)
    return 0
