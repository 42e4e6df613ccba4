"""Figures of a service under load: its users, its rates over time, its latencies.

Knows `scenarios.NAME.ratings` of results.json. Knows no table.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from reports.figures.campaign import Curve, CurvePanel, curves
from reports.figures.palette import BASELINE
from reports.figures.population import DrawnChain, DrawnTask, DrawnUsers, population
from reports.figures.scatter import Line, Points, ScatterPanel, scatters
from reports.figures.sheet import Labelled
from reports.pages.blocks import Figure
from reports.pages.ratings.words import SHAPES
from reports.results.ratings import LatencyResult, RatingsResult, TaskTypeRating


def population_figure(name: str, result: RatingsResult, stamp: str) -> Figure:
    """The parameter set as a picture."""
    drawn = list(_users(result))
    caption = f"The load of {name}: who asks for what, how often, after which preparation time (mean; dashed: NO WAIT)."
    spoken = " ".join(
        f"{own.title}: "
        + "; ".join(f"{chain.name} {100 * chain.share:.3g} %: {_spoken(chain)}" for chain in own.chains)
        for own in drawn
    )
    label = Labelled(f"fig-population-{result.digest[:8]}-{_plain(name)}", caption, spoken, stamp)
    return Figure(label.name, caption, Markup(population(label, drawn)))


def _spoken(chain: DrawnChain) -> str:
    return ", ".join(f"{task.before} {task.name}".strip() for task in chain.tasks)


def _users(result: RatingsResult) -> Iterator[DrawnUsers]:
    declared, styles = result.declared, {name: at for at, name in enumerate(result.task_types)}
    load = declared.get("load")
    if load is not None:
        shares: Mapping[str, float] = load["mix"] or {load["task"]: 1.0}
        rate = f"{load['rate_per_s']:g} per s" if load["rate_per_s"] else ""
        rate = f"{load['concurrency']} in flight" if load["concurrency"] else rate
        title = ", ".join(filter(None, (SHAPES[load["shape"]], rate)))
        chains = [
            DrawnChain("", share, [DrawnTask(name, "", result.task_types[name].waits, styles[name])])
            for name, share in shares.items()
        ]
        yield DrawnUsers(title, chains)
        return
    for name, own in declared["user_types"].items():
        chains = [
            DrawnChain(chain, share, [_task(result, step, styles) for step in declared["chains"][chain]["tasks"]])
            for chain, share in own["chains"].items()
        ]
        yield DrawnUsers(f"{name} × {own['users']}", chains)


def _task(result: RatingsResult, step: Mapping[str, Any], styles: Mapping[str, int]) -> DrawnTask:
    think = result.declared["preparation"][step["think"]]
    return DrawnTask(
        step["task"], f"{think['mean_s']:g} s", result.task_types[step["task"]].waits, styles[step["task"]]
    )


def rates_figure(name: str, result: RatingsResult, stamp: str) -> Figure | None:
    """Tasks per second over the rating interval."""
    rates = result.rates
    if not any(rates.intended):
        return None
    times_s = [(at + 0.5) * rates.step_s for at in range(len(rates.intended))]
    lines = [
        Curve(title, style, times_s, values)
        for title, style, values in (
            ("to be submitted", BASELINE, rates.intended), ("submitted", 0, rates.submitted),
            ("completed", 1, rates.completed),
        )
    ]  # fmt: skip
    caption = f"Tasks of {name} per second over the rating interval, means over the runs."
    panel = CurvePanel(
        "Tasks per second", "Time in the rating interval / s", "1 / s", lines, whole_x=False, markers=False
    )
    means = [sum(line.y) / len(line.y) for line in lines]
    spoken = "; ".join(f"{line.label} {mean:.4g} per s" for line, mean in zip(lines, means, strict=True))
    label = Labelled(f"fig-rates-{_plain(name)}", caption, f"Means: {spoken}.", stamp)
    return Figure(label.name, caption, Markup(curves(label, [panel])))


def latency_figure(name: str, result: RatingsResult, stamp: str) -> Figure | None:
    """The distribution of execution times of every task type, with what its timeliness function asks for."""
    panels = [panel for task_type, own in result.task_types.items() for panel in _latency_panels(task_type, own)]
    if not panels:
        return None
    caption = (
        f"Execution times of {name}: share of the tasks that are done within a time. Points: percentiles with U. "
        "Above the dashed line as much is done as the timeliness function asks for."
    )
    spoken = " ".join(
        f"{task_type}: " + "; ".join(
            f"{one.percent:g} % within {one.value_s.value:.4g} s" for one in own.latency.percentiles if one.value_s
        ) + "."
        for task_type, own in result.task_types.items() if own.latency is not None
    )  # fmt: skip
    label = Labelled(f"fig-latency-{_plain(name)}", caption, spoken, stamp)
    return Figure(label.name, caption, Markup(scatters(label, panels)))


def _latency_panels(task_type: str, own: TaskTypeRating) -> Iterator[ScatterPanel]:
    found = own.latency
    if found is None:
        return
    done = own.done.value / own.submitted.value if own.submitted.value else 0.0
    lines = [
        Line("done", [0.0, *(x for x, _ in found.shares)], [0.0, *(100 * done * y for _, y in found.shares)],
             style=0, stepped=True)
    ]  # fmt: skip
    if own.timeliness is not None:
        lines.append(_asked(own.timeliness, found.largest_s))
    yield ScatterPanel(task_type, "Execution time / s", "Share of the tasks / %", [_points(found, done)], lines)


def _points(found: LatencyResult, done: float) -> Points:
    known = [(one.percent, one.value_s) for one in found.percentiles if one.value_s is not None]
    return Points(
        "percentiles", 1, [value.value for _, value in known], [done * percent for percent, _ in known],
        x_half_width=[value.expanded for _, value in known],
    )  # fmt: skip


def _asked(function: Sequence[tuple[float, float]], largest_s: float) -> Line:
    """At each time the share that has to be done by then."""
    times_s, shares = [0.0], [0.0]
    for within_s, share in function:
        times_s += [within_s, within_s]
        shares += [shares[-1], 100 * share]
    if largest_s > times_s[-1]:
        times_s.append(largest_s)
        shares.append(shares[-1])
    return Line("asked for", times_s, shares, BASELINE, dashed=True)


def _plain(name: str) -> str:
    """A scenario's name as part of an identifier."""
    return "".join(letter if letter.isascii() and letter.isalnum() else f"_{ord(letter):x}" for letter in name)
