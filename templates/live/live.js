"use strict";
// The page of the live view. It shows what harness/live/state.py sends, each name and text as text, and computes no
// energy. No word of a campaign becomes markup: elements are made here, their content is set by textContent.

const byId = (id) => document.getElementById(id);
const colours = ["--c0", "--c1", "--c2", "--c3", "--c4", "--c5"];
const hidden = new Set();  // meters that are not drawn
const kinds = ["now", "whole", "chart"];
let state = null, frames = {}, plots = {}, back = 0, wanted = null, source = null, over = false, holding = false, failure = "";

// --- text

function element(tag, text, className) {
  const made = document.createElement(tag);
  if (text !== undefined && text !== null) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function fill(parent, children) { parent.replaceChildren(...children); }

function row(cells, className) {
  const line = element("tr", null, className);
  cells.forEach(([text, kind], place) => {
    const cell = element(place === 0 ? "th" : "td", text, kind);
    if (place === 0) cell.scope = "row";
    line.append(cell);
  });
  return line;
}

const known = (value) => value !== null && value !== undefined;
const digits = (value, count) => Number(value.toPrecision(count)).toString();
const decimalsOf = (value) => Math.abs(value) < 10 ? 3 : Math.abs(value) < 100 ? 2 : 1;
const watts = (value, decimals) => known(value) ? `${value.toFixed(decimals ?? decimalsOf(value))} W` : "–";
const energy = (value) => known(value) ? (Math.abs(value) < 1 ? `${digits(value * 1000, 4)} mWh` : `${digits(value, 5)} Wh`) : "–";

const unitOf = (unit) => ({ "1": "", degC: "°C" })[unit] ?? unit;
const quantity = (value, unit) => `${digits(value, 4)}${unitOf(unit) ? ` ${unitOf(unit)}` : ""}`;

function lasting(seconds) {
  if (!known(seconds)) return "–";
  if (seconds < 90) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

function clock(seconds, places = 0) {
  const size = 10 ** places, units = Math.floor(seconds * size + 1e-6), whole = Math.floor(units / size);
  const part = (n) => String(n).padStart(2, "0"), minutes = `${Math.floor(whole / 60) % 60}`;
  const fraction = places ? `.${String(units - whole * size).padStart(places, "0")}` : "";
  const told = whole < 3600 ? `${minutes}:${part(whole % 60)}` : `${Math.floor(whole / 3600)}:${part(minutes)}:${part(whole % 60)}`;
  return told + fraction;
}

function clocks(splits) {  // with the digits that tell neighbours apart
  const step = splits.length > 1 ? splits[1] - splits[0] : 1;
  const places = [0, 1, 2, 3].find((count) => Math.abs(step * 10 ** count - Math.round(step * 10 ** count)) < 1e-6) ?? 3;
  return splits.map((seconds) => clock(seconds, places));
}

// --- state

function show() {
  if (!state) return;
  const run = state.run;
  document.title = `${state.campaign.name} – wattlab live view`;
  byId("title").textContent = state.campaign.name;
  byId("mark").hidden = !state.mark;
  byId("mark-word").textContent = state.mark ? state.mark.word : "";
  byId("mark-sentence").textContent = state.mark ? state.mark.sentence : "";
  byId("about").textContent = about(run);
  showPlan(state.plan);
  showBegun(state.begun);
  showRun(run || { phases: [], actions: [], open: [], meters: [], indicators: [], charts: [], problems: [], findings: [], n_actions: 0 });
  showCards();
  showLink();
}

function about(run) {
  if (!state.campaign.begun) return "The campaign is not begun yet. This page shows it as soon as it is.";
  if (!run) return state.back ? "This run is being read, or nothing of it is left." : "No run of it is begun yet.";
  const which = `Run ${run.ordinal}, ${run.scenario}${run.cell ? ` (${run.cell})` : ""}, repetition ${run.repetition}`;
  const again = run.attempt > 1 ? `, attempt ${run.attempt}` : "";
  const end = run.ended ? ` It ${run.ended === "ended" ? "has ended" : `was ${run.ended}`}${run.reason ? `: ${run.reason}` : ""}.` : "";
  const looks = state.back ? "You look back at a run that was measured before. " : "";
  return `${looks}${which}${again}, begun ${run.utc.replace("T", " ").replace(/(\.\d+)?Z$/, " UTC")}.${end} Preliminary: the report is what counts.`;
}

function showLink() {
  const link = byId("link"), run = state && state.run;
  link.className = "";
  if (over) {
    link.textContent = "The live view has ended. What stands here is the last that it read; it stays readable.";
  } else if (source && source.readyState !== 1) {
    link.textContent = "No connection to the live view. It is tried again; the measurement is not affected.";
    link.className = "bad";
  } else if (failure) {
    link.textContent = failure;
    link.className = "bad";
  } else if (state && state.is_done) {
    link.textContent = "Every run of the plan is done.";
    link.className = "good";
  } else if (run && !state.back && !run.ended && state.age_s > 5) {
    link.textContent = `Nothing new has been written for ${lasting(state.age_s)}. Is it still being measured?`;
    link.className = "bad";
  } else if (run && run.problem) {
    link.textContent = `The report could not compute this run as it is: ${run.problem}`;
    link.className = "bad";
  } else if (run && run.problems.length) {
    link.textContent = `The indicators of the SUT cannot be read further: ${run.problems[0]}`;
    link.className = "bad";
  } else {
    link.textContent = run && run.ended && !state.back ? "Connected. The next run has not begun." : "Connected.";
    if (run && (state.back || !run.ended)) link.className = "good";
  }
  if (state && state.unreadable) link.textContent += ` Lines that cannot be read: ${state.unreadable}.`;
}

function card(name, value, claim, place) {
  const made = element("li", null, `card${place === undefined ? "" : ` s${place % colours.length}`}`);
  made.append(element("h3", name), element("p", value, "value"), element("p", claim, "claim"));
  return made;
}

function lastOf(meter) {
  const told = frames.now && frames.now.last.find((one) => one.meter === meter.meter);
  return told ? { w: told.w, readings: told.readings } : { w: meter.last_w, readings: meter.readings };
}

function computedOf(run) {  // of which part of the rating interval mean and energy are
  const phase = run.phases.findLast((one) => one.name === "rating");
  if (!run.rating) return !phase ? "nothing is rated yet" : run.problem ? "cannot be computed" : "being computed";
  if (run.rating.end_s !== null) return "of the rating interval";
  const until = known(run.computed_until_s) ? ` until ${clock(run.computed_until_s)}` : "";
  return run.ended || (phase && phase.end_s !== null) ? `of the part${until}; the rest is being computed` : `so far${until && `,${until}`}`;
}

function showCards() {
  const run = state.run;
  if (!run) { fill(byId("cards"), []); return; }
  const counted = run.meters.filter((meter) => meter.counted), which = state.back ? "last" : "now";
  const cards = run.meters.map((meter, place) => {
    const last = lastOf(meter);
    return card(`${meter.meter}, ${which}`, watts(last.w, meter.decimals), `${last.readings} readings${meter.counted ? "" : ", beside the SUT's"}`, place);
  });
  if (counted.length > 1) {
    const values = counted.map((meter) => lastOf(meter).w);
    const sum = values.every(known) ? values.reduce((a, b) => a + b, 0) : null;
    cards.push(card(`sum, ${which}`, watts(sum, Math.max(...counted.map((meter) => meter.decimals))), `${counted.length} meters of the SUT`, run.meters.length));
  }
  cards.push(card("Mean power", watts(run.mean_w), computedOf(run)));
  cards.push(card("Energy, gross", energy(run.energy_wh), computedOf(run)));
  cards.push(state.baseline
    ? card("Baseline", watts(state.baseline.mean_w), `${state.baseline.blocks} block${state.baseline.blocks === 1 ? "" : "s"} so far${state.baseline.mark ? `, ${state.baseline.mark}` : ""}`)
    : card("Baseline", "–", "no block is measured yet"));
  fill(byId("cards"), cards);
}

function showPlan(plan) {
  const left = plan.left_s, total = plan.runs.length;
  byId("plan-says").textContent = total
    ? `${plan.done} of ${total} runs are done${state.is_done || !known(left) ? "." : `; about ${lasting(Math.max(1, left))} left.`}`
    : "There is no plan yet.";
  byId("plan-bar").max = Math.max(total, 1);
  byId("plan-bar").value = plan.done;
  fill(byId("plan"), plan.runs.map((run) => row(
    [[run.ordinal, "num"], [run.scenario], [run.repetition, "num"], [run.state]], run.state.split(" ")[0])));
}

let begunShown = "";
function showBegun(begun) {
  const past = begun.slice(0, -1).reverse(), told = JSON.stringify(past);
  byId("now-part").hidden = byId("lengths").hidden = state.back > 0;
  if (told === begunShown) return;  // an open list stays open
  begunShown = told;
  const named = new Map(state.plan.runs.map((run) => [run.ordinal, `${run.scenario}, repetition ${run.repetition}`]));
  const option = (value, text) => {
    const made = element("option", text);
    made.value = value;
    return made;
  };
  fill(byId("back"), [option(0, "the one that was begun last"), ...past.map((run) => option(run.number,
    `run ${run.ordinal}${named.has(run.ordinal) ? `, ${named.get(run.ordinal)}` : ""}${run.attempt > 1 ? `, attempt ${run.attempt}` : ""}: ${run.ended || "no end noted"}`))]);
  byId("back").value = back;
}

let chartsShown = "";
function showCharts(charts) {
  byId("sut").hidden = !charts.length;
  const titles = charts.map((chart) => `${chart.title}${unitOf(chart.unit) ? `, ${unitOf(chart.unit)}` : ""}`), told = titles.join("\n");
  if (told === chartsShown) return;
  chartsShown = told;
  const before = chartPlace();
  fill(byId("charts"), titles.map((title) => element("option", title)));
  if (titles.includes(wanted)) byId("charts").value = wanted;  // another run has another list
  if (chartPlace() !== before) connect();
}

const chartPlace = () => Math.max(0, byId("charts").selectedIndex);

function metricsOf(action) {
  return Object.entries(action.metrics).map(([name, value]) =>
    `${name} ${typeof value === "number" ? digits(value, 4) : String(value)}`).join(", ");
}

function showRun(run) {
  const going = run.phases.filter((phase) => phase.end_s === null).map((phase) => phase.name);
  byId("phases").textContent = run.phases.length
    ? `Phases: ${run.phases.map((phase) => `${phase.name} ${phase.end_s === null ? "(goes on)" : lasting(phase.end_s - phase.begin_s)}`).join(", ")}.`
    : going.join(", ");
  const more = run.n_actions - run.actions.length;
  byId("actions-note").textContent = more > 0 ? `The last ${run.actions.length} of ${run.n_actions} actions.`
    : run.actions.length || run.open.length ? "" : "The program has marked no action so far. One that marks none has none (docs/markers.md).";
  const open = run.open.map((action) => row(
    [[`${action.name} ${action.index}`], [clock(action.begin_s), "num"], ["goes on", "num"], ["–", "num"], ["–", "num"], [""]], "running"));
  const ended = run.actions.slice().reverse().map((action) => {
    const length = action.end_s - action.begin_s;
    const mean = known(action.energy_wh) && length > 0 ? action.energy_wh * 3600 / length : null;
    return row([[`${action.name} ${action.index}`], [clock(action.begin_s), "num"], [lasting(length), "num"],
      [energy(action.energy_wh), "num"], [watts(mean), "num"], [metricsOf(action)]]);
  });
  fill(byId("actions"), [...open, ...ended]);
  fill(byId("meters"), run.meters.map((meter) => row([[meter.meter], [meter.model], [meter.circuit],
    [meter.origin === "emulated" ? "EMULATED" : meter.origin], [meter.readings, "num"],
    [meter.problem || watts(meter.last_w, meter.decimals), "num"]], meter.problem ? "failed" : "")));
  fill(byId("indicators"), run.indicators.map((one) => row([[one.name],
    [`${digits(one.value, 6)}${unitOf(one.unit) ? ` ${unitOf(one.unit)}` : ""}${one.unit === "W" || one.unit === "J" ? ", estimated" : ""}`, "num"]])));
  showFindings(run.findings);
  showBoxes(run.meters);
  showKey(run);
  showCharts(run.charts);
}

let findingsShown = "";
function showFindings(findings) {
  const told = JSON.stringify(findings);
  if (told === findingsShown) return;  // what did not change is not read out again
  findingsShown = told;
  const items = findings.map((finding) => {
    const item = element("li", null, finding.severity);
    const line = element("p");
    line.append(element("strong", finding.code), ` ${known(finding.at_s) ? `at ${clock(finding.at_s)}: ` : ""}${finding.text}`);
    item.append(line);
    if (finding.remedy) item.append(element("p", finding.remedy, "note"));
    return item;
  });
  fill(byId("findings"), items.length ? items : [element("li", "None so far.")]);
}

// --- what is drawn

function namesOf(run) {
  const names = run.meters.map((meter) => meter.meter);
  return run.meters.filter((meter) => meter.counted).length > 1 ? [...names, "sum"] : names;
}

let boxesShown = "";
function showBoxes(meters) {
  const names = state.run ? namesOf(state.run) : [];
  byId("meters-shown").hidden = names.length < 2;
  if (names.join("\n") === boxesShown) return;
  boxesShown = names.join("\n");
  fill(byId("meters-boxes"), names.map((name) => {
    const label = element("label"), box = element("input");
    box.type = "checkbox";
    box.checked = !hidden.has(name);
    box.addEventListener("change", () => {
      if (box.checked) hidden.delete(name); else hidden.add(name);
      redraw();
    });
    label.append(box, ` ${name}`);
    return label;
  }));
}

let keyShown = "";
function showKey(run) {
  const names = state.run ? namesOf(run) : [];
  const entries = names.map((name, place) => [`k${place % colours.length}`, "", name]);
  if (known(run.mean_w)) entries.push(["kmean", "5 3", "mean power of the rating interval"]);
  if (state.baseline) entries.push(["kbase", "2 3", "baseline"]);
  if (JSON.stringify(entries) === keyShown) return;
  keyShown = JSON.stringify(entries);
  fill(byId("key"), entries.map((entry) => keyItem(...entry)));
}

// --- events

function connect() {
  if (over) return;
  if (source) source.close();
  const columns = Math.min(4000, Math.max(50, byId("whole").clientWidth - 64));
  const length = document.querySelector("input[name=length]:checked").value;
  source = new EventSource(`events?columns=${columns}&now_s=${length}&chart=${chartPlace()}&back=${back}`);
  source.addEventListener("open", showLink);
  source.addEventListener("error", () => {
    showLink();
    if (source.readyState === 2 && !over) setTimeout(connect, 3000);  // refused: too many look on, or it is gone
  });
  source.addEventListener("state", (event) => { state = JSON.parse(event.data); show(); });
  for (const kind of kinds) {
    source.addEventListener(kind, (event) => {
      frames[kind] = JSON.parse(event.data);
      draw(kind);
      if (kind === "now" && state && !holding) showCards();
    });
  }
  source.addEventListener("failure", (event) => { failure = JSON.parse(event.data).text; showLink(); });
  source.addEventListener("over", () => { over = true; source.close(); show(); showLink(); });
}

byId("pause").addEventListener("click", () => {
  holding = !holding;
  byId("pause").setAttribute("aria-pressed", String(holding));
  if (!holding) { kinds.forEach(draw); if (state) showCards(); }
});
byId("back").addEventListener("change", () => {
  back = Number(byId("back").value);
  frames = {};
  redraw();
  connect();
});
byId("charts").addEventListener("change", () => {
  wanted = byId("charts").value;
  connect();
});
for (const radio of document.querySelectorAll("input[name=length]")) radio.addEventListener("change", connect);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
let width = 0, waiting = 0;
new ResizeObserver(() => {
  if (byId("whole").clientWidth === width) return;
  width = byId("whole").clientWidth;
  clearTimeout(waiting);
  waiting = setTimeout(() => { redraw(); connect(); }, 300);
}).observe(byId("whole"));
