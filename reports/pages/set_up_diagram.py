"""Figure 1, the set-up of the measurement, with this campaign's own names.

Knows the header, the meters and the machine of results.json. Knows no energy, no HTML.
"""

from collections.abc import Iterable

from reports.figures.sheet import lines_of
from reports.pages import meters
from reports.pages.blocks import Box, Diagram
from reports.pages.plain_words import as_text
from reports.pages.sut_name import given_name
from reports.results.document import Results

BOX_WIDTH, BOX_LINES = 34, 6


def setup_diagram(results: Results, stamp: str) -> Diagram:
    """Figure 1 with this campaign's own names."""
    imported = results.campaign.source is not None
    meter_lines = list(meters.diagram_lines(results.meters))
    sut_lines = _sut_lines(results)
    host = as_text(results.host.get("hostname"))
    generator = ["another lab (imported)"] if imported else [host, "wattlab run: plan, driver, clock"]
    version = as_text(results.campaign.software.get("version"))
    spoken = f"Mains feed the power meter ({'; '.join(meter_lines)}), which feeds the system under test "
    spoken += f"({'; '.join(sut_lines)}). The workload generator starts the runs and records the readings; "
    spoken += "the aggregator computes this report from sealed run folders."
    return Diagram(
        name="fig-setup",
        caption="Set-up of the measurement, after ISO/IEC 14756",
        description=spoken,
        meter=_box("Power meter (PM)", meter_lines or ["none"]),
        sut=_box("System under test (SUT)", sut_lines),
        generator=_box("Workload generator (WG)", generator),
        aggregator=_box("Aggregator (DAE)", [f"wattlab {version}", "wattlab report: this page"]),
        readings_link="imported readings" if imported else "power readings",
        control_link="start, stop" if imported else "SSH: start, stop",
        stamp=stamp,
    )


def _sut_lines(results: Results) -> list[str]:
    sut = results.sut
    gpus = [as_text(gpu.get("name")) for gpu in sut.get("gpus") or []]
    lines = [given_name(results), as_text(sut.get("hostname")), as_text(sut.get("cpu")), *gpus, as_text(sut.get("os"))]
    return [*filter(None, lines), f"scenarios: {', '.join(results.scenarios) or 'none'}"]


def _box(role: str, lines: Iterable[str]) -> Box:
    """A box of the diagram: lines that are too long go on in the next one."""
    folded = [part for line in lines if line for part in lines_of(line, BOX_WIDTH)]
    return Box(
        role, tuple(folded if len(folded) <= BOX_LINES else [*folded[: BOX_LINES - 1], "and more: see the tables"])
    )
