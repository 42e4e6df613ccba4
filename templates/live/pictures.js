"use strict";
// The pictures of the live view: power now and since the run began, and one quantity of what the SUT says of itself. What
// is shown beside them, and the variables that both use, are in live.js.

function line(kind, dashed) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 8");
  svg.setAttribute("aria-hidden", "true");
  const stroke = document.createElementNS("http://www.w3.org/2000/svg", "line");
  for (const [name, value] of Object.entries({ x1: 0, x2: 24, y1: 4, y2: 4, "stroke-width": 2, class: kind })) stroke.setAttribute(name, value);
  if (dashed) stroke.setAttribute("stroke-dasharray", dashed);
  svg.append(stroke);
  return svg;
}

function keyItem(kind, dashed, text) {
  const item = element("li");
  item.append(line(kind, dashed), text);
  return item;
}

function colour(name) { return getComputedStyle(document.documentElement).getPropertyValue(name).trim(); }

function shade(plot) {  // the rating interval, and where actions end
  const run = state && state.run;
  if (!run) return;
  const { ctx, bbox } = plot;
  const x = (seconds) => Math.min(Math.max(plot.valToPos(seconds, "x", true), bbox.left), bbox.left + bbox.width);
  ctx.save();
  if (run.rating) {
    const begin = x(run.rating.begin_s), end = x(run.rating.end_s ?? plot.scales.x.max);
    ctx.fillStyle = colour("--phase");
    ctx.fillRect(begin, bbox.top, end - begin, bbox.height);
  }
  ctx.fillStyle = colour("--soft");
  for (const action of run.actions) {
    if (action.end_s > plot.scales.x.min && action.end_s < plot.scales.x.max) ctx.fillRect(x(action.end_s), bbox.top, devicePixelRatio, bbox.height);
  }
  ctx.restore();
}

function level(plot, watt, name, dashed) {
  const { ctx, bbox } = plot, y = plot.valToPos(watt, "y", true);
  if (y < bbox.top || y > bbox.top + bbox.height) return;
  ctx.save();
  ctx.strokeStyle = colour(name);
  ctx.lineWidth = 1.5 * devicePixelRatio;
  ctx.setLineDash(dashed.map((length) => length * devicePixelRatio));
  ctx.beginPath();
  ctx.moveTo(bbox.left, y);
  ctx.lineTo(bbox.left + bbox.width, y);
  ctx.stroke();
  ctx.restore();
}

function levels(plot) {
  if (state && state.baseline) level(plot, state.baseline.mean_w, "--soft", [2, 3]);
  if (state && state.run && known(state.run.mean_w)) level(plot, state.run.mean_w, "--mean", [5, 3]);
}

function roomFor(plot, labels, at, cycle) {  // pixels beside the picture, so that no label is cut
  const axis = plot.axes[at];
  if (cycle > 1) return axis._size;  // uPlot: the width is not to move once more
  plot.ctx.font = axis.font[0];
  const widest = Math.max(0, ...(labels ?? []).map((label) => plot.ctx.measureText(label).width));
  return Math.max(64, Math.ceil(axis.ticks.size + axis.gap + widest / devicePixelRatio));
}

function plotOf(kind, names) {
  const place = byId(kind), unit = kind === "chart" ? unitOf(frames.chart.unit) : "W", axis = { stroke: colour("--ink"), grid: { stroke: colour("--grid"), width: 1 }, ticks: { stroke: colour("--grid"), width: 1 }, font: "12px system-ui, sans-serif" };
  fill(place, []);
  return new uPlot({
    width: place.clientWidth, height: place.clientHeight, legend: { show: false }, cursor: { show: false },
    scales: { x: { time: false, range: (_, least, most) => frames[kind] ? [frames[kind].begin_s, frames[kind].end_s] : [least, most] } },
    axes: [
      { ...axis, values: (_, splits) => clocks(splits) },
      { ...axis, size: roomFor, values: (_, splits) => splits.map((value) => `${value}${unit ? ` ${unit}` : ""}`) },
    ],
    series: [{}, ...names.map((name, at) => ({ label: name, stroke: colour(colours[at % colours.length]), width: 1.5, points: { show: false }, show: kind === "chart" || !hidden.has(name) }))],
    hooks: { drawAxes: [shade], draw: kind === "chart" ? [] : [levels] },
  }, [[], ...names.map(() => [])], place);
}

function draw(kind) {
  const frame = frames[kind];
  if (kind === "chart" && frame && !frame.traces.length) byId("chart-says").textContent = "No sample can be placed on the run's time yet.";
  if (!frame || !frame.traces.length || holding || !byId(kind).clientWidth) return;
  const names = frame.traces.map((trace) => trace.name), key = [frame.unit, ...names].join("\n");
  if (!plots[kind] || plots[kind].key !== key) {
    if (plots[kind]) plots[kind].plot.destroy();
    plots[kind] = { key, plot: plotOf(kind, names) };
  }
  plots[kind].plot.setData(uPlot.join(frame.traces.map((trace) => [trace.t, trace.v])));
  say(kind, frame);
}

function say(kind, frame) {  // the picture in words, for whoever does not see it
  const shown = frame.traces.filter((trace) => kind === "chart" || !hidden.has(trace.name));
  const told = kind === "chart" ? (value) => quantity(value, frame.unit) : watts;
  const parts = shown.map((trace) => {
    const values = trace.v.filter(known).reduce(([least, most], value) => [Math.min(least, value), Math.max(most, value)], [Infinity, -Infinity]);
    return values[0] <= values[1] ? `${trace.name} from ${told(values[0])} to ${told(values[1])}` : `${trace.name}: no reading`;
  });
  const estimate = kind === "chart" && ["W", "J"].includes(frame.unit) ? " The machine's own estimate: no meter measured it." : "";
  const words = `${clock(frame.begin_s)} to ${clock(frame.end_s)} after the run began: ${parts.join("; ")}.${estimate}`;
  if (byId(`${kind}-says`).textContent !== words) byId(`${kind}-says`).textContent = words;
  if (kind === "chart") fill(byId("chart-key"), frame.traces.map((trace, place) => keyItem(`k${place % colours.length}`, "", trace.name)));
}

function redraw() {
  for (const kind of Object.keys(plots)) { plots[kind].plot.destroy(); delete plots[kind]; }
  for (const kind of kinds) { fill(byId(kind), []); draw(kind); }
}
