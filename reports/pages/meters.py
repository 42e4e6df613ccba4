"""The meters on a page: who they are, what speaks for them, their limits of error, and how they check each other.

Knows `measurement`, `meters` and `cross_checks` of results.json and the words for them. Computes no result.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from harness.record.documents import Json
from reports.pages.blocks import Head, Paragraph, Row, Table
from reports.pages.document import NOT_STATED
from reports.pages.numbers import Scale, bare, is_finite, significant
from reports.pages.plain_words import as_text
from reports.results.meters import CrossCheck, Meter, MeterSource, Role

ROLES: Mapping[Role, str] = {
    "other": "", "headline": " (the results are from it)", "cross-check": " (checks the other meter)",
}  # fmt: skip
"""Role of a meter -> what is printed behind its name."""
RANGES = {"none": "", "auto": ", range: automatic", "fixed": ", range: fixed"}
LIMITS = {"reading_percent": "% of reading", "range_percent": "% of range", "counts": "digits"}
UNSHOWN = frozenset({"tls_certificate", "lacks", "remedy"})
"""Evidence that is not for reading, or stands in the findings."""


def meter_table(meters: Sequence[Meter]) -> Table:
    """The meters: who they are, what speaks for them, how they average, their limits of error."""
    texts = ("Meter", "Circuit", "Instrument", "Origin", "Readings", "Limits of error", "Calibration")
    heads = tuple(Head(text, numeric=False) for text in texts)
    return Table("meters-table", "Power meters", heads, tuple(map(_meter_row, meters)))


def _meter_row(meter: Meter) -> Row:
    averaging = f"{meter.averaging}, {as_text(meter.window_s)} s, stamp: {meter.stamp}{RANGES[meter.ranging]}"
    start = (f"{meter.meter}{ROLES[meter.role]}", meter.circuit, instrument_in_words(meter.identity), meter.origin)
    return Row((*start, averaging, limits_in_words(meter.columns), _certificate(meter.calibration)))


def named(meter: Meter) -> str:
    """A meter with its instrument and limits of error, as a sentence has it."""
    limits = limits_in_words(meter.columns).partition(";")[0]
    return f"{meter.meter} ({instrument_in_words(meter.identity)}; limits of error {limits})"


def instrument_in_words(identity: Json) -> str:
    """Maker, model, serial number, firmware, as far as the instrument says them."""
    name = " ".join(str(identity[key]) for key in ("maker", "model") if identity.get(key))
    serial = f", serial {identity['serial']}" if identity.get("serial") else ", serial number not stated"
    serial += f", firmware {identity['firmware']}" if identity.get("firmware") else ", firmware not stated"
    serial += "".join(f", {identity[key]}" for key in ("board", "figure") if identity.get(key))
    return (name or "maker and model not stated") + serial


def limits_in_words(columns: Sequence[Json]) -> str:
    """The limits of error of the power as they are stated, and by whom."""
    accuracy = next((column.get("accuracy") for column in columns if column.get("name") == "power_w"), None)
    if not isinstance(accuracy, Mapping):
        return NOT_STATED
    sizes = ((accuracy.get(key), unit) for key, unit in LIMITS.items())
    stated = " + ".join(f"{significant(float(size))} {unit}" for size, unit in sizes if is_finite(size) and size)
    return f"±({stated}); {accuracy.get('source')}" if stated else NOT_STATED


def _certificate(calibration: Json | None) -> str:
    """Number, laboratory, dates, k, U at each point and the last check load; what an imported log says, as it is."""
    if not calibration:
        return "no certificate"
    if "points" not in calibration:
        return as_text(calibration)
    parts = ["no certificate"]
    if calibration.get("number"):
        parts = [f"{calibration['number']}, {as_text(calibration.get('laboratory'))}"]
        parts.append(f"{calibration.get('date')} to {calibration.get('expires')}")
        points = "; ".join(
            f"{significant(point['load_w'])} W: error {significant(point['error_w'])} W, "
            f"U {significant(point['U_w'])} W"
            for point in calibration["points"]
        )
        parts.append(f"{points} (k = {significant(calibration['k'])})")
        parts += [str(calibration["conditions"])] if calibration.get("conditions") else []
    if check := calibration.get("check_load"):
        watts = f"{significant(check['measured_w'])} W of {significant(check['expected_w'])} W"
        outcome = "passed" if check.get("passed") else "failed"
        parts.append(f"check load {check.get('check_load')}, {check.get('utc')}: {watts}, {outcome}")
    return "; ".join(parts)


def check_load_table(meters: Sequence[Meter]) -> Table | Paragraph:
    """The last check load of every meter, as the register knew it when the runs were made."""
    checks = ((meter.meter, (meter.calibration or {}).get("check_load")) for meter in meters)
    rows = tuple(_check_load_row(name, check) for name, check in checks if check)
    if not rows:
        return Paragraph(f"Check load: {NOT_STATED}.", "note")
    heads = (
        Head("Meter", False), Head("Check load", False), Head("Made", False), Head("Expected / W"),
        Head("Measured / W"), Head("Ratio"), Head("Found", False),
    )  # fmt: skip
    return Table("check-loads", "Check loads", heads, rows)


def _check_load_row(name: str, check: Json) -> Row:
    shown = (as_text(check.get(key)) for key in ("check_load", "utc", "expected_w", "measured_w", "ratio"))
    return Row((name, *shown, "pass" if check.get("passed") else "FAIL"))


def cross_check_table(checks: Sequence[CrossCheck]) -> Table | None:
    """Meters on one circuit side by side; None where there is only one on each."""
    if not checks:
        return None
    heads = (
        Head("Circuit", False), Head("Energy is from", False), Head("checked by", False), Head("Runs"),
        Head("Difference in %"), Head("Limits of error together in %"),
    )  # fmt: skip
    note = "Difference of the energy of the rating interval, second meter against the first, mean over the runs."
    return Table("cross-checks", "Meters that check each other", heads, tuple(map(_cross_check_row, checks)), note)


def _cross_check_row(check: CrossCheck) -> Row:
    limit = "not known" if check.limit is None else bare(check.limit, Scale("%"))
    runs, difference = bare(check.n_runs, Scale("")), bare(check.difference, Scale("%"))
    return Row((check.circuit, *check.meters, runs, difference, limit))


def diagram_lines(meters: Sequence[Meter]) -> Iterator[str]:
    """What the set-up's diagram says of each meter."""
    for meter in meters:
        yield f"{meter.meter}: {as_text(meter.identity.get('model'))}"
        yield f"at {meter.circuit}, {meter.origin}"


def evidence_of(sources: Iterable[MeterSource]) -> Iterator[tuple[str, str]]:
    """What speaks for each meter: its name on the page, the sentence and the record."""
    for source in sources:
        shown = {key: value for key, value in source.evidence.items() if key not in UNSHOWN}
        yield f"Meter {source.meter}", ". ".join(filter(None, (source.sentence.rstrip("."), as_text(shown))))
