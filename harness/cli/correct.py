"""`wattlab correct CERTIFICATE RECORD`: what a record of a software meter alone is at the wall, with U."""

import argparse
import csv
import hashlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rich.console import Console

from harness.cli.documents import Document
from harness.cli.progress import at_work
from harness.cli.screen import Sheet, columns, counted, say
from harness.cli.types import add_json_argument
from harness.record.errors import ConfigError, LabError, why

if TYPE_CHECKING:
    from harness.record.run_folder import RunFolder
    from reports.qualification.correction import CorrectedRun, Correction
    from reports.results.qualification import Qualification

KINDS = ("idle", "cpu", "memory", "gpu", "other")
ESTIMATE = "estimated by a qualified software meter, not measured"
HEAD = (
    "run", "load_kind", "duration_s", "energy_wh", "energy_expanded_wh", "power_w", "power_expanded_w",
    "outside_percent", "against",
)  # fmt: skip
"""Columns of the table that is written."""


@dataclass(frozen=True, slots=True)
class EstimatedRun:
    """A run, or a log, at the wall."""

    run: str
    """Its run folder, or the software meter of a log."""
    load_kind: str
    """What it keeps busy."""
    duration_s: float | None
    """How long it is; null where it has no number."""
    energy_wh: float | None
    """Energy at the wall; an estimate. Null where the certificate does not hold for it."""
    energy_expanded_wh: float | None
    """Its expanded uncertainty at 95 %."""
    power_w: float | None
    """Its mean power at the wall."""
    power_expanded_w: float | None
    """Its expanded uncertainty at 95 %."""
    outside_percent: float
    """How many of its readings lie outside of the qualified range."""
    against: tuple[str, ...]
    """Why it has no number, each a sentence that names both values and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectedRecord(Document):
    """A record of a software meter, corrected to the wall."""

    is_measured: Literal[False] = False
    """It is an estimate, whatever is done with it."""
    sentence: str = ESTIMATE
    """The same in words."""
    certificate_sha256: str
    """Digest of the certificate."""
    certificate_campaign: str
    """The campaign that it is of."""
    certificate_date: str
    """Its day."""
    software_meter: str
    """The one that estimates; empty where none can."""
    machine: Literal["as recorded", "as stated by the user"]
    """On whose word the record is of the certificate's machine."""
    runs: tuple[EstimatedRun, ...]
    """Every run of the record."""
    total_wh: float | None
    """Energy of the runs that have a number; null where none has."""
    total_expanded_wh: float | None
    """Its expanded uncertainty at 95 %: errors that runs share add up."""
    remarks: tuple[str, ...]
    """What else a reader has to know."""


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """What the verb takes."""
    verb.description = (
        "Turn a record of a software meter alone (a campaign or a run without a meter, or a plain CSV of time and "
        "power or energy) into an estimate of the wall, per run and in total, each with U. Only for the machine, "
        "firmware, driver, kinds of load and range of the certificate. Exit code 3 where a run has no number."
    )
    verb.add_argument("certificate", type=Path, help="qualification campaign, or the folder of its certificate")
    verb.add_argument("record", type=Path, help="folder of a campaign or run, or FILE.csv (time_s,power_w)")
    verb.add_argument("--kind", choices=KINDS, help="what the load keeps busy, where the record does not say it")
    verb.add_argument("--meter", default="", metavar="NAME", help="the software meter, where several can estimate")
    verb.add_argument(
        "--same-machine", action="store_true",
        help="you answer for it: the record is of the certificate's machine, unchanged; needed for a CSV",
    )  # fmt: skip
    verb.add_argument("--public-key", type=Path, metavar="K.pub", help="the key that the certificate is signed with")
    verb.add_argument("--csv", type=Path, metavar="FILE", help="write the runs as a table; a new file")
    add_json_argument(verb, "every run with its energy and U", CorrectedRecord, tells_beside=True)
    verb.set_defaults(call=call, interrupted="nothing was written")


def call(arguments: argparse.Namespace) -> int:
    """Correct, print, write; 3 where a run has no number.

    Raises:
        LabError: no certificate, one that proves nothing, or no record.
    """
    with at_work("verifying the certificate, correcting the record"):
        answer = corrected(arguments)
    arguments.answer = answer
    if arguments.csv is not None:
        _write(arguments.csv, table_of(answer))
    _show(Console(), answer)
    return 3 if any(run.against for run in answer.runs) else 0


def corrected(arguments: argparse.Namespace) -> CorrectedRecord:
    """The whole answer."""
    from harness.attest.signer import read_public_key
    from harness.evidence.certificates import proof_of
    from harness.measure.without_meter import certificate_in
    from harness.record.documents import load_object
    from harness.record.plain_files import read_named
    from reports.results.qualification import QUALIFICATION, qualification_of

    file = certificate_in(arguments.certificate)
    if file is None:
        raise ConfigError(f"{arguments.certificate}: no {QUALIFICATION} in it; `wattlab qualify` writes one")
    key = None if arguments.public_key is None else read_public_key(arguments.public_key)
    try:
        content = read_named(file)
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read ({why(error)})") from None
    sha256 = hashlib.sha256(content).hexdigest()
    proof = proof_of(file, sha256, key, "--public-key")
    if proof.severity == "refuse":
        raise LabError(proof.text)
    certificate = qualification_of(load_object(content, QUALIFICATION))
    found = _correction(arguments, certificate, sha256)
    remarks = [proof.text] if proof.severity == "warn" else []
    if arguments.same_machine:
        remarks.append("That the record is of the certificate's machine is the user's word; nothing shows it.")
    total = found.total_wh
    return CorrectedRecord(
        certificate_sha256=sha256, certificate_campaign=certificate.campaign.name,
        certificate_date=certificate.validity.date, software_meter=found.meter,
        machine="as stated by the user" if arguments.same_machine else "as recorded",
        runs=tuple(map(_row, found.runs)), total_wh=None if total is None else total.value,
        total_expanded_wh=None if total is None else total.expanded, remarks=tuple(remarks),
    )  # fmt: skip


def _correction(arguments: argparse.Namespace, certificate: "Qualification", sha256: str) -> "Correction":
    from harness.record.campaign_folder import CAMPAIGN, CampaignFolder
    from harness.record.run_folder import JOURNAL, RunFolder
    from reports.qualification.correction import Correction
    from reports.results.applicability import chosen

    meter = chosen(certificate, arguments.meter)
    if isinstance(meter, str):
        raise LabError(f"{arguments.certificate}: {meter}")
    record: Path = arguments.record
    if (record / CAMPAIGN).is_file():
        runs = [_of_run(run, certificate, sha256, meter.name, arguments) for run in CampaignFolder(record).runs()]
    elif (record / JOURNAL).is_file():
        runs = [_of_run(RunFolder.open(record), certificate, sha256, meter.name, arguments)]
    elif record.is_file():
        runs = [_of_log(record, certificate, sha256, meter.name, arguments)]
    else:
        raise ConfigError(f"{record}: expected the folder of a campaign or a run, or a CSV")
    return Correction(meter.name, tuple(runs))


def _of_run(
    run: "RunFolder", certificate: "Qualification", sha256: str, meter: str, arguments: argparse.Namespace
) -> "CorrectedRun":
    """A run; one that a meter measured needs no estimate."""
    from reports.qualification.correction import CorrectedRun, corrected_run
    from reports.readings.rated import kind_of
    from reports.readings.series import read_run

    kind = kind_of(run) or arguments.kind or ""
    measured = [power.meter for power in run.power if power.origin != "estimated"]
    if measured:
        return CorrectedRun(run.path.name, kind, (f"the meter {measured[0]} measured it: see `wattlab report`",))
    return corrected_run(read_run(run), certificate, sha256, meter, kind, is_same_machine=arguments.same_machine)


def _of_log(
    path: Path, certificate: "Qualification", sha256: str, meter: str, arguments: argparse.Namespace
) -> "CorrectedRun":
    """A plain table, for whose machine the user answers.

    Raises:
        ConfigError: nobody answers for the machine, or says the kind of load; the table is of another quantity.
    """
    import numpy as np

    from harness.foreign.importers.software.plain import read_plain_log
    from reports.qualification.correction import corrected_log
    from reports.readings.software import SoftwareTrace

    if arguments.kind is None:
        raise ConfigError(f"{path}: a table does not say what the load keeps busy; give --kind")
    if not arguments.same_machine:
        raise ConfigError(
            f"{path}: a table does not say of which machine it is; where it is the certificate's, unchanged, answer "
            "for it with --same-machine"
        )
    log = read_plain_log(path)
    told = next(one for one in certificate.meters if one.name == meter)
    column, what = log.columns[0], {"W": "a power", "J": "an energy"}
    if column["unit"] != told.unit:
        name, own = column["name"], what[column["unit"]]
        raise ConfigError(
            f"{path}: its column {name} is {own}, and {meter} says {what[told.unit]}; name it with --meter"
        )
    trace = SoftwareTrace(
        name=meter, kind="gauge" if told.unit == "W" else "counter", says=told.says, method=path.name,
        period_s=float(np.median(np.diff(log.time_ns))) * 1e-9, times_ns=log.time_ns, values=log.values[:, 0],
        range_j=told.range_j,
    )  # fmt: skip
    return corrected_log(trace, certificate, sha256, arguments.kind)


def _row(run: "CorrectedRun") -> EstimatedRun:
    energy, power = run.energy_wh, run.power_w
    return EstimatedRun(
        run.name, run.kind, None if energy is None else run.duration_s, None if energy is None else energy.value,
        None if energy is None else energy.expanded, None if power is None else power.value,
        None if power is None else power.expanded, run.outside_percent, run.against,
    )  # fmt: skip


def table_of(answer: CorrectedRecord) -> str:
    """The runs as CSV; the first line says that none of it was measured."""
    text = io.StringIO()
    text.write(f"# {answer.sentence}; certificate SHA-256 {answer.certificate_sha256}\n")
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(HEAD)
    for run in answer.runs:
        values = (
            run.duration_s,
            run.energy_wh,
            run.energy_expanded_wh,
            run.power_w,
            run.power_expanded_w,
            run.outside_percent,
        )
        cells = ("" if value is None else repr(value) for value in values)
        rows.writerow([run.run, run.load_kind, *cells, "; ".join(run.against)])
    return text.getvalue()


def _write(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise ConfigError(f"--csv {path}: cannot be written ({why(error)}); name a new file") from None


def _show(console: Console, answer: CorrectedRecord) -> None:
    numbers, refused = ("energy, Wh", "power, W"), sum(bool(run.against) for run in answer.runs)
    rows = [
        (
            run.run,
            run.load_kind or "?",
            _claim(run.energy_wh, run.energy_expanded_wh),
            _claim(run.power_w, run.power_expanded_w),
        )
        for run in answer.runs
    ]  # fmt: skip
    if answer.total_wh is not None and len(rows) > 1:
        rows.append(
            (
                f"total of {counted(len(rows) - refused, 'run')}",
                "",
                _claim(answer.total_wh, answer.total_expanded_wh),
                "",
            )
        )
    caption = f"{answer.software_meter}, certificate SHA-256 {answer.certificate_sha256}, of {answer.certificate_date}"
    heads = columns("run", "load", *numbers, numbers=numbers)
    console.print(Sheet(heads, rows, title="ESTIMATED by a qualified software meter, not measured", caption=caption))
    for run in answer.runs:
        for sentence in run.against:
            say(console, f"{run.run} has no number: {sentence}.", "red")
        if run.outside_percent > 0 and not run.against:
            say(console, f"{run.run}: {run.outside_percent:.1f} % of its readings lie outside of the qualified range.")
    for remark in answer.remarks:
        say(console, remark)
    if refused:
        say(console, f"{counted(refused, 'run')} of {len(answer.runs)} without a number.", "bold red")


def _claim(value: float | None, expanded: float | None) -> str:
    from reports.pages.numbers import decimals_for, fixed, significant

    if value is None:
        return "-"
    if not expanded:
        return significant(value)
    places = decimals_for(expanded)
    return f"{fixed(value, places)} ± {fixed(expanded, places)}"
