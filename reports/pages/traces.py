"""Power over time for figure 5: run folders, through the analysis's series -> one panel per scenario.

Knows which runs are shown, and where the actions lie. What is drawn of a run is its outline (reports/readings).
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from harness.record.run_folder import RunFolder
from reports.figures.campaign import Span, TracePanel
from reports.figures.palette import BASELINE
from reports.pages.lookup import run_names
from reports.readings.outline import Outline, columns_for, mean_over, mean_step_s, outline_of, thinned
from reports.readings.rated import read_rated
from reports.results.action import ActionResult
from reports.results.document import Results

MAX_LEVEL = 2


def note_of(panels: Sequence[TracePanel]) -> str:
    """What is drawn of a run, and what the mean is."""
    columns = columns_for(sum(len(panel.runs) for panel in panels))
    return (
        "Time counts from the beginning of the rating interval. Readings within it are drawn as they were measured. Of "
        f"a run with more than {2 * columns} readings the least and the greatest of each of {columns} equal parts are "
        f"drawn, and its two ends, so that no peak is left out. {_of_means(panels)}"
    )


def _of_means(panels: Sequence[TracePanel]) -> str:
    """Of which steps the means are, and where they begin and end."""
    finer = {f"{panel.title.rsplit(', ', 1)[0]} ({panel.step_s:.2g} s)": None for panel in panels if panel.step_s != 1}
    reach = "It begins with the readings and ends where the shortest run ends."
    if not finer:
        return f"The mean is formed per second. {reach}"
    start = "The mean is formed" + (" per second, of short runs" if len(finer) < len(panels) else "")
    return (
        f"{start} per tenth of the shortest run: {', '.join(finer)}. A step without a reading lies on the line between "
        f"its neighbours. {reach}"
    )


def trace_panels(campaign: Path, results: Results, known: Mapping[str, Outline] | None = None) -> list[TracePanel]:
    """One panel for the baseline and one for every scenario that has a run with readings. `known`: the outlines of runs
    that were read before, by folder; the others are read here, one after the other."""
    outlines: dict[str, list[tuple[str, Outline]]] = {}
    names = run_names(results)
    for run in results.runs:
        if run.included and (outline := _outline(campaign, run.folder, known or {})) is not None:
            outlines.setdefault(run.scenario, []).append((names[run.folder].removeprefix("run "), outline))
    parts = results.scenarios
    columns = columns_for(sum(map(len, outlines.values())))
    styles = {"baseline": BASELINE} | {name: style for style, name in enumerate(parts)}
    panels = []
    for name, style in styles.items():
        if name in outlines:
            numbers, own = zip(*outlines[name], strict=True)
            part = parts.get(name)
            actions = [] if part is None else _spans([*part.actions, *part.epochs])
            title = f"{name}, {len(own)} run{'s' if len(own) != 1 else ''}"
            runs, mean = [outline.drawn(columns) for outline in own], thinned(*mean_over(own), columns)
            panels.append(TracePanel(title, style, runs, mean, actions, name, numbers, mean_step_s(own)))
    return panels


def _outline(campaign: Path, folder: str, known: Mapping[str, Outline]) -> Outline | None:
    return known[folder] if folder in known else outline_of(read_rated(RunFolder.open(campaign / folder)))


def _spans(records: Iterable[ActionResult]) -> list[Span]:
    """Actions as spans of mean begin and end; an action inside another lies one level deeper."""
    raw = []
    for record in records:
        if record.begin_s is not None and record.duration_s is not None:
            begin_s = record.begin_s.value
            raw.append((begin_s, begin_s + record.duration_s.value, record.name))
    raw.sort(key=lambda span: (span[0], -span[1]))
    return [Span(name, begin, end, min(_depth(raw, i), MAX_LEVEL)) for i, (begin, end, name) in enumerate(raw)]


def _depth(spans: Sequence[tuple[float, float, str]], index: int) -> int:
    """How many other spans hold the middle of this one and are longer."""
    begin, end, _ = spans[index]
    middle, length = (begin + end) / 2, end - begin
    return sum(b <= middle <= e and e - b > 1.001 * length for i, (b, e, _) in enumerate(spans) if i != index)
