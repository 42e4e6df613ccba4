"""The tables of a qualification: every load of a meter, transfer functions, lag and response, sampling, validity, the
wall.

Knows the record of a qualification. Knows no sentence on the whole, and computes nothing.
"""

from collections.abc import Iterable, Iterator, Sequence

from reports.pages.blocks import Block, Facts, Head, Paragraph, Row, Table
from reports.pages.document import NOT_STATED
from reports.pages.meters import instrument_in_words, limits_in_words
from reports.pages.numbers import NOTHING, Scale, bare, significant
from reports.pages.plain_words import as_text
from reports.pages.qualification.words import (
    DECISIONS,
    KINDS,
    LAG_NOTE,
    PERCENT,
    SAMPLING_NOTE,
    SECONDS,
    TRANSFER_NOTE,
    kind_in_words,
    limit_of,
    shares_of,
    watts,
)
from reports.results.applicability import lag_of
from reports.results.qualification import Qualification, QualifiedLoad
from reports.results.software_meter import (
    Lag,
    MeterOnLoad,
    Refusal,
    Response,
    Sampling,
    SoftwareMeter,
    Transfer,
)
from reports.results.uncertainty import Number

WATTS, GAIN = Scale("W"), Scale("")


def short_table(document: Qualification) -> tuple[str, list[str], list[tuple[str, ...]]]:
    """Caption, heads and rows of the terminal's table: each meter, the load that it sees most of, its lag, the test."""
    heads = ["software meter", "share\n%", "lag\ns", "on", f"within {limit_of(document)}\nof the wall"]
    rows: list[tuple[str, ...]] = []
    for meter in document.meters:
        most, share = next(reversed(shares_of(meter).items()), (NOTHING, None))
        lag = lag_of(meter)
        decided = [one.olympic.decision for one in meter.loads if not isinstance(one.olympic, Refusal)]
        test = f"{decided.count('passes')} of {len(decided)} loads" if decided else "not tested"
        rows.append(
            (meter.name, bare(share, PERCENT), NOTHING if lag is None else bare(lag.lag_s, SECONDS), most, test)
        )
    return "share of the wall that each software meter sees at most, value ± U (95 %)", heads, rows


def load_table(document: Qualification, meter: SoftwareMeter, anchor: str) -> Table:
    """A meter on every load: powers, share, the test without and with uncertainty."""
    texts = ("Load", "Kind", "Level / %", "Wall / W", "Software / W", "Share / %",
             "Five minutes / %", f"Within {limit_of(document)}", "with U")  # fmt: skip
    loads = {load.scenario: load for load in document.loads}
    rows = tuple(_load_row(loads[on_load.scenario], on_load) for on_load in meter.loads)
    heads = tuple(Head(text, numeric=place in range(2, 7)) for place, text in enumerate(texts))
    note = " ".join(_refusals(meter.loads))
    return Table(f"{anchor}-loads", f"{meter.name} ({meter.says}; {kind_in_words(meter)})", heads, rows, note)


def _load_row(load: QualifiedLoad, on_load: MeterOnLoad) -> Row:
    level = NOTHING if load.level_percent is None else significant(load.level_percent)
    share = NOTHING if isinstance(on_load.seen, Refusal) else bare(on_load.seen.share, PERCENT)
    start = (load.scenario, KINDS[load.kind], level, bare(load.wall_w, WATTS), _number(on_load.software_w, WATTS))
    test = on_load.olympic
    if isinstance(test, Refusal):
        return Row((*start, share, NOTHING, "not tested", "not tested"))
    plain = "passes" if test.passed else "fails"
    return Row((*start, share, bare(test.ratio, PERCENT), plain, DECISIONS[test.decision]))


def _refusals(loads: Iterable[MeterOnLoad]) -> Iterator[str]:
    """Why cells are empty: each reason once, with the loads that it holds for."""
    reasons: dict[str, dict[str, None]] = {}
    for on_load in loads:
        for part in (on_load.software_w, on_load.seen, on_load.olympic):
            if isinstance(part, Refusal):
                reasons.setdefault(part.text, {})[on_load.scenario] = None
    for text, scenarios in reasons.items():
        yield f"{', '.join(scenarios)}: {text}"


def _number(part: Number | Refusal, scale: Scale) -> str:
    return NOTHING if isinstance(part, Refusal) else bare(part, scale)


# --- from software to wall


def transfer_blocks(document: Qualification) -> list[Block]:
    """The transfer functions that there are, and why there are no others."""
    fitted = [(meter, meter.transfer) for meter in document.meters if not isinstance(meter.transfer, Refusal)]
    refused = [(meter, meter.transfer) for meter in document.meters if isinstance(meter.transfer, Refusal)]
    blocks: list[Block] = []
    if fitted:
        texts = ("Software meter", "Offset / W", "Gain", "Residuals / W", "Spread, a level / W", "Spread, a kind / W",
                 "Holds for, as the software says / W")  # fmt: skip
        heads = tuple(Head(text, numeric=place in range(1, 6)) for place, text in enumerate(texts))
        rows = tuple(_transfer_row(document, *pair) for pair in fitted)
        blocks.append(Table("transfer-table", "Transfer functions", heads, rows, TRANSFER_NOTE))
    names: dict[str, list[str]] = {}
    for meter, refusal in refused:
        names.setdefault(refusal.text, []).append(meter.name)
    blocks += [Paragraph(f"{', '.join(own)}: no transfer function. {text}") for text, own in names.items()]
    return blocks


def _transfer_row(document: Qualification, meter: SoftwareMeter, transfer: Transfer) -> Row:
    spread = (transfer.residual_sd_w, transfer.level_spread_w, transfer.kind_spread_w)
    unseen = [KINDS[kind] for kind in document.validity.kinds if kind not in transfer.ranges]
    ranges = "; ".join([f"{KINDS[kind]} {_range(reach.software_w)}" for kind, reach in transfer.ranges.items()]
                       + [f"not for {', '.join(unseen)}"] * bool(unseen))  # fmt: skip
    numbers = (bare(transfer.offset_w, WATTS), bare(transfer.gain, GAIN))
    return Row(
        (meter.name, *numbers, *(NOTHING if value is None else significant(value, 2) for value in spread), ranges)
    )


def _range(ends: tuple[float, float]) -> str:
    return f"{watts(ends[0])} to {watts(ends[1])}"


# --- lag, response, sampling


def lag_table(document: Qualification) -> Table | None:
    """Lag and response of every meter with a trace; None where there is none."""
    traced = _traced(document)
    if not traced:
        return None
    texts = ("Software meter", "Lag, switched load / s", "Lag, natural steps / s", "Averaging window / s",
             "left over / W", "First-order time constant / s", "left over / W")  # fmt: skip
    heads = tuple(Head(text, numeric=place > 0) for place, text in enumerate(texts))
    rows = tuple(
        Row((meter.name, _lag(meter.lag_switched), _lag(meter.lag_natural), *_response(meter.boxcar),
             *_response(meter.first_order)))
        for meter in traced
    )  # fmt: skip
    parts = [("switched load", "lag_switched"), ("natural steps", "lag_natural"), ("window", "boxcar"),
             ("time constant", "first_order")]  # fmt: skip
    reasons = " ".join(_why(traced, parts))
    return Table("lag-table", "Lag and response", heads, rows, f"{LAG_NOTE} {reasons}".strip())


def _traced(document: Qualification) -> list[SoftwareMeter]:
    return [meter for meter in document.meters if meter.kind != "tracker"]


def _lag(part: Lag | Refusal) -> str:
    if isinstance(part, Refusal):
        return NOTHING
    return bare(part.lag_s, SECONDS)


def _response(part: Response | Refusal) -> tuple[str, str]:
    return (NOTHING, NOTHING) if isinstance(part, Refusal) else (
        bare(part.duration_s, SECONDS), significant(part.residual_sd_w, 2)
    )  # fmt: skip


def _why(meters: Sequence[SoftwareMeter], parts: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Why cells are empty: each reason once, with what of which meter it holds for."""
    reasons: dict[str, list[str]] = {}
    for meter in meters:
        for word, name in parts:
            if isinstance(part := getattr(meter, name), Refusal):
                reasons.setdefault(part.text, []).append(f"{meter.name} ({word})")
    for text, places in reasons.items():
        yield f"{', '.join(places)}: {text}"


def sampling_table(document: Qualification) -> Table | None:
    """How often every meter with a trace says something new, and in which steps; None where there is none."""
    traced = _traced(document)
    if not traced:
        return None
    texts = ("Software meter", "Unit", "Update interval / s", "Time sampled / %", "Resolution", "Quantum",
             "Dead band / W", "Began anew", "Missing / %")  # fmt: skip
    heads = tuple(Head(text, numeric=place > 1) for place, text in enumerate(texts))
    rows = tuple(_sampling_row(meter) for meter in traced)
    reasons = " ".join(_why(traced, [("sampling", "sampling")]))
    return Table("sampling-table", "Sampling", heads, rows, f"{SAMPLING_NOTE} {reasons}".strip())


def _sampling_row(meter: SoftwareMeter) -> Row:
    part = meter.sampling
    if isinstance(part, Refusal):
        return Row((meter.name, meter.unit, *[NOTHING] * 7))
    steps = (part.resolution, part.quantum, part.dead_band_w)
    return Row((
        meter.name, meter.unit, _update(part), _sampled(part.sampled_share),
        *(NOTHING if step is None else significant(step, 3) for step in steps), str(part.n_wraps),
        significant(100 * part.missing_share, 2),
    ))  # fmt: skip


def _sampled(part: Number | Refusal) -> str:
    """The share of time, which lies between none and all, in percent."""
    if isinstance(part, Refusal) or part.expanded is None:
        return _number(part, PERCENT)
    low, high = part.value - part.expanded, part.value + part.expanded
    if low > 0 and high < 1:
        return bare(part, PERCENT)
    if low <= 0 and high >= 1:
        return "cannot be told"
    return f"at least {significant(100 * low, 2)}" if low > 0 else f"at most {significant(100 * high, 2)}"


def _update(part: Sampling) -> str:
    """The update interval; an upper bound where it was asked too seldom to see it."""
    text = _number(part.update_interval_s, SECONDS)
    return text if part.update_is_resolved or text == NOTHING else f"at most {text}"


# --- what it holds for, and against what


def validity_facts(document: Qualification) -> Facts:
    """What the certificate holds for."""
    valid = document.validity
    software = ((f"Range of {name}", f"{_range(ends)} W") for name, ends in valid.software_range_w.items())
    boards = zip(valid.boards, (*valid.board_firmware, *[""] * len(valid.boards)), strict=False)
    items = [
        ("Machine", valid.machine), ("Processor", valid.cpu),
        ("GPUs", "; ".join(f"{board}{f' (VBIOS {own})' if own else ''}" for board, own in boards)),
        ("Firmware", valid.firmware), ("GPU driver", valid.driver), ("Kernel", valid.kernel),
        ("Kinds of load", ", ".join(KINDS[kind] for kind in valid.kinds)),
        ("Range of the wall", f"{_range(valid.wall_range_w)} W"), *software,
        ("Software read every", None if valid.sample_period_s is None else f"{significant(valid.sample_period_s)} s"),
        ("Measured until", valid.date),
    ]  # fmt: skip
    return Facts("Valid for", tuple((name, value or NOT_STATED) for name, value in items))


def reference_facts(document: Qualification) -> Facts:
    """The meters whose sum is the wall, and whether they are good enough for the test."""
    reference = document.reference
    items: list[tuple[str, str]] = []
    for meter in reference.meters:
        items += [
            (f"Meter {meter.meter} at {meter.circuit}", instrument_in_words(meter.identity)),
            ("Origin", meter.sentence),
            ("Limits of error", limits_in_words(meter.columns)),
            ("Certificate", as_text((meter.calibration or {}).get("number")) or "none"),
        ]
    worst = reference.worst_limit_percent
    better = {True: "below the limit of the test", False: "not below the limit of the test, which asks for that"}
    said = NOT_STATED if worst is None or reference.is_better_than_limit is None else (
        f"{significant(worst, 2)} % of the reading: {better[reference.is_better_than_limit]}"
    )  # fmt: skip
    return Facts("The wall", (*items, ("Largest limit of error on a load", said)))
