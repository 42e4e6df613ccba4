"""Tables of what was measured and with what: the machine, remarks before the start, indicators, material, digests.

Knows the header of results.json. Knows no energy, no figure, no HTML.
"""

from collections.abc import Iterable

from harness.record.documents import Json, facts_of_sut
from reports.pages.blocks import Facts, Head, Row, Table
from reports.pages.lookup import run_names, words
from reports.pages.numbers import NOTHING, fixed, is_finite
from reports.pages.plain_words import as_text
from reports.pages.sut_name import given_name
from reports.results.document import Results

SUT_WORDS = {
    "machine": "Architecture", "cpu_governor": "CPU governor", "cpu_max_khz": "Highest CPU frequency / kHz",
    "turbo_disabled": "Turbo disabled", "system": "System", "firmware": "Firmware",
    "gpu_problem": "GPU not read because",    "python_executable": "Python, executable",
    "psutil": "psutil", "psutil_problem": "psutil not read because",
}  # fmt: skip

MEANINGLESS = frozenset({"sut_ns", "sut_wall_ns", "uptime_s", "load_average", "disk_free_bytes"})
"""What a SUT says of the moment it was asked, which is no property of the machine."""

LONG_TABLE = 40


def sut_facts(results: Results) -> Facts:
    """Table 1: the system under test as it described itself, and what the operator added."""
    sut = facts_of_sut(results.sut)
    named = [
        ("Host name", "hostname"), ("Operating system", "os"), ("Kernel", "kernel"), ("Processor", "cpu"),
        ("Logical CPUs", "cpu_count"), ("Board", "board"), ("Python", "python"), ("Boot id", "boot_id"),
    ]  # fmt: skip
    items = [(title, as_text(sut.pop(key))) for title, key in named if sut.get(key) not in (None, "")]
    name = given_name(results)
    items = [("Name in the lab", name), *items] if name else items
    memory = sut.pop("memory_kib", None)
    if is_finite(memory):
        items.insert(5 + bool(name), ("Memory", f"{fixed(memory / 2**20, 1)} GiB"))
    gpus = sut.pop("gpus", None)
    none = "not stated" if gpus is None else "none"
    items += [(f"GPU {i}", as_text(gpu)) for i, gpu in enumerate(gpus or [])] or [("GPU", none)]
    described = (results.campaign.config or {}).get("sut", {}).get("description") or {}
    items += [(f"{words(str(key))} (operator)", as_text(value)) for key, value in described.items()]
    others = ((str(key), value) for key, value in sut.items() if key not in MEANINGLESS)
    items += [
        (SUT_WORDS.get(key, words(key)), as_text(value)) for key, value in others if value not in (None, "", [], {})
    ]
    return Facts("System under test", tuple(items))


def preflight_table(results: Results) -> Table | None:
    """What `wattlab check` remarked before the campaign; None where it remarked nothing or was never asked."""
    said = {"refuse": "not started", "warn": "remark", "unknown": "not known"}
    rows = [
        Row((said.get(remark.severity, ""), remark.subject, remark.text, remark.utc))
        for remark in results.campaign.preflight
    ]
    heads = tuple(Head(text, numeric=False) for text in ("", "Where", "What was found before the start", "First"))
    note = "Asked of host, meters and SUT before each start; `wattlab check` asks again."
    return Table("preflight", "Before the start", heads, tuple(rows), note) if rows else None


def indicator_table(results: Results) -> Table:
    """Table 2: hardware indicators with unit and method."""
    rows = [
        Row((words(str(row.name)), as_text(row.quantity), as_text(row.unit), as_text(row.method)))
        for row in results.indicators
    ]
    heads = tuple(Head(text, numeric=False) for text in ("Indicator", "Quantity", "Unit", "Method"))
    return Table("indicators", "Hardware indicators", heads, tuple(rows), folded=len(rows) > LONG_TABLE)


def material_table(results: Results) -> Table | None:
    """Data and weights that the runs used, with their digests, as the workload's summary names them."""
    used: dict[tuple[str, ...], int] = {}
    for run in results.runs:
        for kind in ("data", "weights"):
            for text in _materials(run.final_metrics, kind):
                key = (run.scenario, kind, text)
                used[key] = used.get(key, 0) + 1
    rows = [Row((*key, str(count))) for key, count in used.items()]
    heads = (Head("Scenario", False), Head("What", False), Head("Kind and digest", False), Head("Runs"))
    return Table("materials", "Data and weights used", heads, tuple(rows)) if rows else None


def _materials(summary: Json, kind: str) -> Iterable[str]:
    if isinstance(part := summary.get(kind), dict) and part:
        yield as_text(part)
    flat = {key: value for key, value in summary.items() if key.startswith(f"{kind}_") and value not in (None, "")}
    if flat:
        yield as_text(flat)


def manifest_table(results: Results) -> Table:
    """The digest of every run's manifest: what this page was computed from."""
    names = run_names(results)
    digests = {folder: digest or "not sealed" for folder, digest in results.inputs.items()}
    digests |= {lost.folder: "removed" for lost in results.campaign.lost}
    rows = tuple(
        Row((names.get(folder, NOTHING).removeprefix("run "), folder, digest)) for folder, digest in digests.items()
    )
    heads = (Head("Run"), Head("Run folder", False), Head("SHA-256 of its MANIFEST.sha256", False, keep=True))
    return Table("manifests", "Raw data: folder and manifest of every run", heads, rows)
