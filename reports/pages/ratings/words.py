"""Words of the section on services under load. Knows codes and keys of results.json; knows no number."""

from collections.abc import Mapping

ABOUT = (
    "A remote terminal emulator on the workload generator made this load; tasks of the rating intervals are followed "
    "to their end. Ratings are structured after ISO/IEC 14756."
)
ENERGY_NOTE = (
    "Energy of the runs over the amount of their work. Each row holds all of the energy, so rows do not add up. "
    "A successful task was complete and correct; a timely one also within the last limit of its timeliness function."
)
LATENCY_NOTE = (
    "Percentiles by HDR histogram, at most .1 % above the exact ones; mean and largest value are exact. Value ± U at "
    "95 %."
)
SECTIONS: Mapping[str | None, str] = {
    "runs": "U by the runs.",
    "parts-of-run": "U by ten parts of each run: it says nothing of another run.",
    None: "No U: there are too few runs, or too few tasks.",
}
SHAPES: Mapping[str, str] = {
    "constant": "constant rate", "poisson": "Poisson arrivals", "closed": "closed load", "trace": "recorded arrivals",
}  # fmt: skip
REFUSED: Mapping[str, str] = {
    "no-batches": "no batch lies in a rating interval",
    "too-few-windows": "fewer than 60 windows of the meter hold a batch",
    "rank": "what batches take cannot be told from what passes between them",
    "collinear": "what batches take can hardly be told from each other, or from what passes between them",
    "too-few-changes": "the mix of batches changes so rarely that any drift would be taken for it",
    "clocks-apart": "batches and meter lie further apart than one window",
}
"""Code of why there is no energy of a batch -> words."""
BATCH_NAMES: Mapping[str, str] = {"batch": "each batch", "item": "each item of a batch", "none": "time without a batch"}
EVIDENT = "campaign-not-finished"
"""Code of why significance is not judged."""
