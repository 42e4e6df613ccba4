"""`wattlab qualify CAMPAIGN|lab.toml`: which share of the wall each software meter sees, as a certificate of the
campaign; of a lab.toml the campaign is measured first."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from harness.cli.called import reads
from harness.cli.documents import FileDocument
from harness.cli.progress import at_work
from harness.cli.screen import Column, Sheet, say
from harness.cli.types import add_json_argument, chosen_words, percent
from harness.record.errors import LabError

if TYPE_CHECKING:
    from reports.results.qualification import Qualification

CERTIFICATE = FileDocument(
    "qualification.json", "qualification.md#the-keys", "reports.results.qualification:Qualification"
)


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """What the verb takes."""
    verb.description = (
        "Hold every software meter of a campaign (NVML, RAPL, hwmon, a BMC, trackers) against its external meter, load "
        "by load, and write the certificate into the campaign: qualification.json and qualification.html. Of a "
        "lab.toml the campaign is measured first. Exit code 3 when nothing may be corrected by the certificate."
    )
    verb.add_argument(
        "source", type=Path, metavar="CAMPAIGN",
        help="campaign folder, such as runs/qualify, or lab.toml: then it is measured first",
    )  # fmt: skip
    verb.add_argument(
        "--campaign", type=Path, metavar="FILE",
        help="with a lab.toml: the campaign, where it does not stand in lab.toml itself",
    )  # fmt: skip
    verb.add_argument("--sut", metavar="NAME", help="with a lab.toml: the system under test, of several")
    verb.add_argument(
        "--limit-percent", type=percent, metavar="X",
        help="limit of the five-minute test, where the campaign declared none (default: 5); a declared one counts",
    )  # fmt: skip
    verb.add_argument("--pdf", action="store_true", help="write the page as PDF too: qualification.pdf")
    add_json_argument(verb, "the content of qualification.json", CERTIFICATE, tells_beside=True)
    verb.set_defaults(call=call, interrupted="what was measured is untouched; the same command goes on, or begins anew")


def call(arguments: argparse.Namespace) -> int:
    """Measure where that is asked for, write the certificate, print what it says; 3 where it qualifies nothing.

    Raises:
        LabError: the campaign cannot be qualified, another limit was declared, or no PDF can be made.
    """
    campaign = _measured(arguments) if arguments.source.is_file() else arguments.source
    document, files = certify(campaign, arguments.limit_percent, pdf=arguments.pdf)
    if arguments.json:
        arguments.answer = files["numbers"].read_text(encoding="utf-8")
    else:
        show(document, files)
    return 0 if document.qualifies else 3


def certify(
    campaign: Path, limit_percent: float | None = None, *, pdf: bool = False
) -> tuple["Qualification", dict[str, Path]]:
    """Write the certificate of a campaign; return it, and what each file is called on the terminal, and its path.

    Raises:
        LabError: the campaign cannot be qualified, another limit was declared, or no PDF can be made.
    """
    with at_work("reading the runs, holding software meters against the wall, writing the certificate"):
        from harness.evidence.derived import write  # numpy and scipy cost what other verbs need not pay
        from harness.evidence.qualifications import QUALIFICATION_DOCUMENT, QualificationInputs
        from harness.record.documents import load_object
        from harness.station.provenance import software_facts
        from harness.station.station import APPLICATION
        from reports.render import QUALIFIED, write_pdf
        from reports.results.codec import decoded
        from reports.results.qualification import QUALIFICATION, qualification_of
        from reports.results.software import Software

        software = decoded(Software, software_facts(APPLICATION), "this program")
        inputs = QualificationInputs(campaign, software, limit_percent)
        numbers = write(QUALIFICATION_DOCUMENT, inputs, campaign)
        page = numbers.with_name(QUALIFIED)
        files = {"page": page, "numbers": numbers} | ({"pdf": write_pdf(campaign, page)} if pdf else {})
    return qualification_of(load_object(numbers.read_text(encoding="utf-8"), QUALIFICATION)), files


def _measured(arguments: argparse.Namespace) -> Path:
    """The folder of the campaign of a lab.toml, which is measured, or measured on.

    Raises:
        LabError: it is no qualification.
    """
    from harness.cli.run import measure
    from harness.measure.embedded import open_wires
    from harness.measure.lab_file import load

    reads(("--lab", str(arguments.source)), chosen_words(arguments))
    config = load(arguments.source, arguments.campaign, arguments.sut)
    if config.file.qualification is None:
        where = arguments.campaign or arguments.source
        raise LabError(
            f"{where}: qualification: no such table, so no load is declared; wattlab's own campaign file has one: "
            "`--campaign qualify.toml`"
        )
    with open_wires(config) as wires:
        measure(config, wires)
    return config.campaign_folder


def show(document: "Qualification", files: Mapping[str, Path]) -> None:
    """Print the answer, a line for each software meter, whether later records of it can be corrected, and where the
    certificate is."""
    from reports.pages.qualification.statements import answer, use_line

    console = Console()
    if document.meters:
        console.print(meters_sheet(document))
    say(console, answer(document), "green" if document.qualifies else "yellow")
    for meter in document.meters if document.qualifies else ():
        say(console, f"{meter.name}: {use_line(document, meter)}.")
    for remark in document.remarks:
        say(console, remark)
    for name, path in files.items():
        say(console, f"{name:<8} {path.resolve()}")


def meters_sheet(document: "Qualification") -> Sheet:
    """A line for each software meter."""
    from reports.pages.qualification.tables import short_table

    caption, heads, rows = short_table(document)
    return Sheet([Column(head, number=0 < place < 3) for place, head in enumerate(heads)], rows, title=caption)
