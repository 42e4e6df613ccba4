// What a report does when it is asked: sort, filter and save tables, read values off figures, look into single runs.
// Knows the page's own elements and the JSON of its runs. Loads nothing, sends nothing, and writes text only as text.
"use strict";
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const COLOURS = 6, FEW_ROWS = 9, MOST_SCENARIOS = 12, NARROW = 560;
  const all = (selector, inside = document) => [...inside.querySelectorAll(selector)];

  // --- elements

  const put = (element, attributes, children) => {
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else if (value !== null) element.setAttribute(name, value);
    }
    element.append(...children);
    return element;
  };
  const make = (tag, attributes = {}, ...children) => put(document.createElement(tag), attributes, children);
  const draw = (tag, attributes = {}, ...children) => put(document.createElementNS(SVG, tag), attributes, children);

  const anchor = () => {
    const text = location.hash.slice(1);
    try {
      return decodeURIComponent(text);
    } catch { // a lone % is no escape
      return text;
    }
  };

  // --- numbers as they are printed

  const plain = (text) => text.replace(/(\d)\u202f(?=\d{3}(?!\d))/g, "$1").replace(/[\u202f\u00a0\u2009]/g, " ")
    .replace(/\u2212/g, "-").trim();
  const valueOf = (text) => {
    const found = plain(text).replace(/^\(/, "").match(/^[<>≥≤]?\s*([-+]?\d+(?:\.\d+)?(?:e-?\d+)?)/);
    return found ? Number(found[1]) : NaN;
  };
  const fixed = (value, step) => {
    const places = Math.min(6, Math.max(0, Math.ceil(-Math.log10(step) - 1e-9)));
    return value.toFixed(places).replace("-", "\u2212");
  };

  // --- tables

  const cellsOf = (row) => [...row.cells].map((cell) => cell.textContent.trim());

  const order = (table, column, rows) => {
    const head = table.tHead.rows[0].cells[column];
    const was = head.getAttribute("aria-sort");
    const next = was === "ascending" ? "descending" : was === "descending" ? null : "ascending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    if (next) head.setAttribute("aria-sort", next);
    const sign = next === "descending" ? -1 : 1;
    const keys = new Map(rows.map((row) => [row, cellsOf(row)[column] ?? ""]));
    const isNumeric = head.classList.contains("num");
    const compare = (first, second) => {
      const [a, b] = [keys.get(first), keys.get(second)];
      if (!isNumeric) return sign * a.localeCompare(b, "en", { numeric: true });
      const [x, y] = [valueOf(a), valueOf(b)];
      return Number.isNaN(x) - Number.isNaN(y) || (Number.isNaN(x) ? 0 : sign * (x - y));
    };
    table.tBodies[0].append(...(next ? [...rows].sort(compare) : rows));
  };

  const filter = (rows, words, said) => {
    const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const text = cellsOf(row).join(" ").toLowerCase();
      const fits = wanted.every((word) => text.includes(word));
      row.classList.toggle("filtered", !fits);
      shown += fits;
    }
    said.textContent = wanted.length ? `${shown} of ${rows.length} rows` : "";
  };

  // A spreadsheet would run a cell that begins like a formula; one that parts at semicolons or tabs, the part behind them.
  const safe = (text) => (/^[-+]?\d+(\.\d+)?(e[-+]?\d+)?$/i.test(text) ? text
    : text.replace(/(^|[;\t\r\n])(?=[\s"]*[=+\-@＝＋－＠])/g, "$1'"));
  const quoted = (text) => (/[",;\t\n\r]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text);

  // "(85.1 ± 8.5) W (95 %, n = 5)", "1.9 W", "(460)": value, U, unit, what they rest on.
  const MEASURED = /^\(?\+?(-?[\d.]+(?:e-?\d+)?)(?: ± ([\d.]+))?\)?(?: ([^\s\d()±–-][^\s()]*|1\/\S+))?(?: \((.*)\))?$/;
  const measuredOf = (cell) => (cell.match(MEASURED) ?? ["", cell, "", "", ""]).slice(1).map((part) => part ?? "");

  const factsOf = (rows) => {
    const parted = rows.map(([item, cell = ""]) => [item, ...measuredOf(cell)]);
    const heads = ["item", "value", "U", "unit", "basis"];
    return parted.some((row) => row[4]) ? [heads, ...parted] : [heads, ...parted].map((row) => row.slice(0, 4));
  };

  // Numbers stand in cells of their own; of a column of numbers, U and unit in columns beside it.
  const columnsOf = (rows, heads) => {
    const columns = heads.map((head, column) => {
      const cells = rows.map((row) => row[column] ?? "");
      const name = plain(head.textContent) || (column ? `column ${column + 1}` : "row");
      if (!head.classList.contains("num")) return [[name, ...cells]];
      const parted = cells.map(measuredOf);
      const values = [name, ...parted.map(([value]) => (value === "–" ? "" : value === "∞" ? "inf" : value))];
      const beside = [[1, "U of"], [2, "unit of"], [3, "basis of"]].filter(([place]) => parted.some((part) => part[place]));
      return [values, ...beside.map(([place, of]) => [`${of} ${name}`, ...parted.map((part) => part[place])])];
    }).flat();
    return [undefined, ...rows].map((_, row) => columns.map((column) => column[row]));
  };

  const commaSeparated = (table) => {
    const rows = [...all("tr", table)].map((row) => cellsOf(row).map(plain));
    const lines = table.tHead ? columnsOf(rows.slice(1), [...table.tHead.rows[0].cells]) : factsOf(rows);
    const mark = document.querySelector(".banner strong")?.textContent;
    if (mark) lines.forEach((line, place) => line.push(place ? mark : "Origin"));
    return `\ufeff${lines.map((line) => line.map((cell) => quoted(safe(cell))).join(",")).join("\r\n")}\r\n`;
  };

  const save = (name, text) => {
    const address = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
    make("a", { href: address, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10000);
  };

  const captionOf = (table) => (table.caption ?? table.closest("details")?.querySelector("summary"))?.textContent ?? "table";

  const equip = (table) => {
    const caption = captionOf(table), scroll = table.closest(".scroll");
    const name = `${(table.getAttribute("aria-labelledby") || table.caption?.id || caption).replace(/[^\w]+/g, "-").toLowerCase()}.csv`;
    const tools = make("div", { class: "tools" });
    if (table.tHead) {
      const rows = [...table.tBodies[0].rows];
      [...table.tHead.rows[0].cells].forEach((head, column) => {
        const button = make("button", { type: "button", class: "sort", onclick: () => order(table, column, rows) });
        button.append(...head.childNodes);
        if (rows.length > 1 && button.textContent) head.append(button);
        else head.append(...button.childNodes);
      });
      if (rows.length > FEW_ROWS) {
        const said = make("output", {});
        const input = make("input", { type: "search", "aria-label": `Filter ${caption}`, placeholder: "filter rows",
          oninput: () => filter(rows, input.value, said) });
        tools.append(input, said);
      }
    }
    tools.append(make("button", { type: "button", "aria-label": `Save ${caption} as CSV`,
      onclick: () => save(name, commaSeparated(table)) }, "CSV"));
    scroll.before(tools);
  };

  // --- values of figures

  const tip = make("div", { class: "tip", role: "status", hidden: "" });

  const showTip = (text, x, y) => {
    tip.hidden = !text;
    if (!text) return;
    tip.textContent = text;
    const room = document.documentElement.clientWidth - tip.offsetWidth - 8;
    tip.style.left = `${Math.max(4, Math.min(x + 12, room))}px`;
    tip.style.top = `${y + 14}px`;
  };

  const nearest = (points, x, y, reach) => {
    let best = null, least = reach * reach;
    for (const point of points) {
      const far = (point[0] - x) ** 2 + (point[1] - y) ** 2;
      if (far < least) [best, least] = [point, far];
    }
    return best;
  };

  const readable = (svg) => {
    const points = JSON.parse(svg.dataset.tips);
    svg.addEventListener("pointermove", (event) => {
      const box = svg.getBoundingClientRect(), view = svg.viewBox.baseVal, scale = view.width / box.width;
      const point = nearest(points, view.x + (event.clientX - box.left) * scale, (event.clientY - box.top) * scale, 24 * scale);
      showTip(point && point[2], event.clientX, event.clientY);
    });
    svg.addEventListener("pointerleave", () => showTip(""));
  };

  // --- power of single runs

  // Points of a run as the figure draws it: a path in tenths of a point, each step counted from the point before.
  const pointsOf = (path, axes) => {
    const points = [];
    let x = 0, y = 0;
    for (const [, letter, text] of path.getAttribute("d").matchAll(/([Mlh])([^Mlh]*)/g)) {
      const numbers = (text.match(/-?\d+/g) ?? []).map(Number);
      if (letter === "h") continue;
      for (let index = 0; index + 1 < numbers.length; index += 2) {
        [x, y] = letter === "M" ? numbers : [x + numbers[index], y + numbers[index + 1]];
        points.push([axes.x(x), axes.y(y), letter === "M"]);
      }
    }
    return points;
  };

  const axesOf = (group) => {
    const [left, bottom, width, height, begin, end, low, high] = group.dataset.axes.split(" ").map(Number);
    return {
      x: (tenths) => begin + ((tenths / 10 - left) / width) * (end - begin),
      y: (tenths) => low + ((bottom - tenths / 10) / height) * (high - low),
      step: [(end - begin) / width / 10, (high - low) / height / 10],
    };
  };

  const tracesOf = (figure, known) => all("g.runs", figure).flatMap((group) => {
    const axes = axesOf(group);
    return all("path", group).map((path) => ({
      run: path.dataset.run, scenario: group.dataset.name, step: axes.step, points: pointsOf(path, axes),
      ...(known.runs[path.dataset.run] ?? {}),
    }));
  });

  const ticks = (low, high, most) => {
    const rough = (high - low) / Math.max(most, 1), size = 10 ** Math.floor(Math.log10(rough));
    const step = size * ([1, 2, 5, 10].find((times) => size * times >= rough) ?? 10);
    const values = [];
    for (let value = Math.ceil(low / step - 1e-9) * step; value <= high + step * 1e-9; value += step) values.push(value);
    return [values, step];
  };

  const at = (points, x) => {
    let best = points[0];
    for (const point of points) if (Math.abs(point[0] - x) < Math.abs(best[0] - x)) best = point;
    return best;
  };

  class Explorer {
    constructor(figure, known) {
      this.traces = tracesOf(figure, known).sort((first, second) => first.run.localeCompare(second.run, "en", { numeric: true }));
      this.unit = known.unit;
      this.stamp = known.stamp;
      this.span = null;
      this.chosen = new Set();
      this.build(figure);
      const first = this.traces.find((trace) => trace.actions?.length) ?? this.traces[0];
      this.choose([first.run]);
      new ResizeObserver(() => this.draw()).observe(this.plot);
      addEventListener("hashchange", () => this.follow());
      addEventListener("load", () => this.follow()); // behind the browser's own way to the row
      this.follow();
    }

    build(figure) {
      const button = (text, label, onclick) => make("button", { type: "button", "aria-label": label, onclick }, text);
      this.svg = draw("svg", { tabindex: 0, role: "application", "aria-label":
        "Power over time of the chosen runs. Arrow keys read values, plus and minus zoom, 0 shows everything.",
        onkeydown: (event) => this.key(event) });
      this.plot = make("div", { class: "plot" }, this.svg);
      this.says = make("output", { class: "says" });
      this.head = make("h3", { tabindex: -1 });
      this.facts = make("div", { class: "single" });
      this.boxes = make("div", { class: "choice" }, ...this.traces.map((trace) => make("label", {},
        make("input", { type: "checkbox", value: trace.run, onchange: () => this.read() }), ` ${trace.run} `,
        make("span", {}, trace.scenario))));
      const scenarios = [...new Set(this.traces.map((trace) => trace.scenario))];
      const several = scenarios.map((name) => button(name, `All runs of ${name}`, () => this.choose(
        this.traces.filter((trace) => trace.scenario === name).map((trace) => trace.run))));
      const pick = make("details", {}, make("summary", {}, "Choose runs"),
        ...(several.length > MOST_SCENARIOS ? [] : [make("p", { class: "tools" }, "All of ", ...several)]), this.boxes);
      const tools = make("p", { class: "tools" },
        button("‹ run", "Previous run", () => this.turn(-1)), button("run ›", "Next run", () => this.turn(1)),
        button("+", "Zoom in", () => this.zoom(0.5)), button("−", "Zoom out", () => this.zoom(2)),
        button("←", "Earlier", () => this.move(-0.25)), button("→", "Later", () => this.move(0.25)),
        button("all", "Show everything", () => this.show(null)));
      const hint = make("p", { class: "note" }, "Drag over a stretch to zoom into it. Values are read off the drawn points.");
      figure.after(make("div", { class: "explorer", id: "explorer" }, this.head, tools, this.plot, this.says, hint, pick, this.facts));
      let from = null;
      const point = (event) => this.timeAt(event.clientX);
      this.svg.addEventListener("pointerdown", (event) => { from = point(event); });
      this.svg.addEventListener("pointermove", (event) => { this.cross(point(event), from); });
      this.svg.addEventListener("pointerleave", () => { from = null; this.cross(null); });
      this.svg.addEventListener("dblclick", () => this.show(null));
      this.svg.addEventListener("pointerup", (event) => {
        const [low, high] = [from ?? 0, point(event)].sort((first, second) => first - second);
        if (from !== null && high - low > (this.end - this.begin) / 50) this.show([low, high]);
        from = null;
      });
    }

    read() {
      this.choose(all("input:checked", this.boxes).map((input) => input.value));
    }

    choose(runs) {
      this.chosen = new Set(runs);
      for (const input of all("input", this.boxes)) input.checked = this.chosen.has(input.value);
      this.shown = this.traces.filter((trace) => this.chosen.has(trace.run));
      const single = this.shown.length === 1 ? this.shown[0] : null;
      this.head.textContent = single ? `Run ${single.run}, ${single.scenario}`
        : this.shown.length ? `${this.shown.length} runs: ${this.shown.map((trace) => trace.run).join(", ")}` : "No run chosen";
      this.facts.replaceChildren(...(single ? this.factsOf(single) : []));
      this.show(null);
    }

    // What the page says of one run: its row in the table of all runs, its folder, its actions.
    factsOf(trace) {
      const row = [...document.querySelectorAll("table[data-runs] tbody tr")].find((one) => one.cells[0].textContent === trace.run);
      const items = [];
      if (row) {
        const heads = cellsOf(row.closest("table").tHead.rows[0]);
        cellsOf(row).forEach((text, column) => { if (text && column > 0) items.push([heads[column], text]); });
      }
      if (trace.folder) items.push(["Run folder", trace.folder]);
      const list = make("dl", {}, ...items.map(([name, text]) => make("div", {}, make("dt", {}, name), make("dd", {}, text))));
      if (!trace.actions?.length) return [list];
      const heads = ["Action", "Begin / s", "Duration / s", "Energy"];
      const table = make("table", { class: "narrow", style: heads.map((text, place) => `--h${place + 1}:"${text}"`).join(";") }, make("caption", {}, `Actions of run ${trace.run}`),
        make("thead", {}, make("tr", {}, ...heads.map((text, place) => make("th", { scope: "col", class: place ? "num" : null }, text)))),
        make("tbody", {}, ...trace.actions.map(([name, begin, end, energy]) => make("tr", {}, make("th", { scope: "row" }, name),
          ...[fixed(begin, 0.01), fixed(end - begin, 0.01), energy].map((text) => make("td", { class: "num" }, text))))));
      const box = make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": `Actions of run ${trace.run}` }, table);
      const whole = make("div", {}, box);
      equip(table);
      return [list, whole];
    }

    turn(step) {
      const runs = this.traces.map((trace) => trace.run);
      const place = runs.indexOf([...this.chosen][0]);
      this.choose([runs[(place + step + runs.length) % runs.length]]);
    }

    follow() {
      const run = anchor().match(/^run-(.*)$/)?.[1];
      const trace = this.traces.find((one) => nameOf(one.run) === run);
      if (!trace) return;
      this.choose([trace.run]);
      this.head.closest(".explorer").scrollIntoView();
      this.head.focus({ preventScroll: true });
    }

    // --- what is shown of the time

    get reach() {
      return Math.max(...this.shown.map((trace) => trace.points.at(-1)?.[0] ?? 0), 1e-6);
    }

    show(span) {
      this.span = span;
      this.cursor = null;
      this.draw();
    }

    zoom(times) {
      const middle = this.cursor ?? (this.begin + this.end) / 2, half = ((this.end - this.begin) / 2) * times;
      this.within(middle - half, middle + half);
    }

    move(part) {
      const by = (this.end - this.begin) * part;
      this.within(this.begin + by, this.end + by);
    }

    within(begin, end) {
      const width = Math.max(end - begin, this.shown[0]?.step[0] * 4 || 0);
      if (width >= this.reach) return this.show(null);
      const low = Math.min(Math.max(begin, 0), this.reach - width);
      this.span = [low, low + width];
      this.draw();
    }

    key(event) {
      const step = (this.end - this.begin) / 100;
      const moves = { ArrowLeft: () => this.cross((this.cursor ?? this.begin) - step), "+": () => this.zoom(0.5),
        ArrowRight: () => this.cross((this.cursor ?? this.begin) + step), "-": () => this.zoom(2), 0: () => this.show(null),
        PageUp: () => this.move(-0.25), PageDown: () => this.move(0.25) };
      if (!moves[event.key]) return;
      event.preventDefault();
      moves[event.key]();
    }

    timeAt(x) {
      const box = this.svg.getBoundingClientRect();
      return Math.min(Math.max(this.begin + ((x - box.left - this.left) / this.width) * (this.end - this.begin), this.begin), this.end);
    }

    // --- the drawing

    draw() {
      const whole = this.plot.clientWidth;
      if (!whole || !this.shown) return;
      const single = this.shown.length === 1 ? this.shown[0] : null, actions = single?.actions ?? [];
      const levels = actions.length ? 1 + Math.max(...actions.map((action) => action[4])) : 0;
      this.height = whole < NARROW ? 190 : 260;
      [this.begin, this.end] = this.span ?? [0, this.shown.length ? this.reach : 1];
      const foot = this.height + 44 + 17 * levels;
      this.svg.replaceChildren();
      put(this.svg, { viewBox: `0 0 ${whole} ${foot}`, width: whole, height: foot }, []);
      if (!this.shown.length) return;
      const visible = this.shown.map((trace) => trace.points.filter(([x], index) => x >= this.begin && x <= this.end
        || (trace.points[index + 1]?.[0] >= this.begin && x < this.begin) || (trace.points[index - 1]?.[0] <= this.end && x > this.end)));
      const powers = visible.flat().map((point) => point[1]);
      if (single?.baseline != null) powers.push(single.baseline);
      let [low, high] = [Infinity, -Infinity];
      for (const power of powers) [low, high] = [Math.min(low, power), Math.max(high, power)];
      if (!powers.length) [low, high] = [0, 1];
      const free = (high - low || Math.abs(high) || 1) * 0.06;
      [this.low, this.high] = [low - free, high + free];
      const [levelsOfPower, powerStep] = ticks(this.low, this.high, this.height / 45);
      const letters = Math.max(0, ...levelsOfPower.map((value) => fixed(value, powerStep).length));
      this.left = Math.max(54, 32 + 7 * letters); // the axis's name stands beside its longest number
      this.width = whole - this.left - 24;
      const x = (value) => this.left + ((value - this.begin) / (this.end - this.begin)) * this.width;
      const y = (value) => 8 + (this.height - 8) * (1 - (value - this.low) / (this.high - this.low));
      this.placeX = x;
      this.placeY = y;
      const text = (content, attributes) => draw("text", { "font-size": 12, fill: "var(--ink)", ...attributes }, content);
      const [times, timeStep] = ticks(this.begin, this.end, this.width / 90);
      for (const value of levelsOfPower) {
        this.svg.append(draw("path", { d: `M${this.left} ${y(value)}h${this.width}`, stroke: "var(--grid)" }),
          text(fixed(value, powerStep), { x: this.left - 6, y: y(value) + 4, "text-anchor": "end" }));
      }
      for (const value of times) this.svg.append(text(fixed(value, timeStep), { x: x(value), y: this.height + 16, "text-anchor": "middle" }));
      this.svg.append(text("time / s", { x: this.left + this.width / 2, y: this.height + 34, "text-anchor": "middle" }),
        text(`power / ${this.unit}`, { x: 12, y: this.height / 2, "text-anchor": "middle", transform: `rotate(-90 12 ${this.height / 2})` }));
      const clip = draw("clipPath", { id: "explorer-clip" }, draw("rect", { x: this.left, y: 0, width: this.width, height: foot }));
      const inside = draw("g", { "clip-path": "url(#explorer-clip)" });
      this.svg.append(clip, inside, draw("path", { d: `M${this.left} 8V${this.height}h${this.width}`, fill: "none", stroke: "var(--soft)" }));
      if (single?.baseline != null) {
        inside.append(draw("path", { d: `M${this.left} ${y(single.baseline)}h${this.width}`, stroke: "var(--ink)", "stroke-dasharray": "6 4" }),
          text(`baseline ${fixed(single.baseline, single.step[1])} ${this.unit}`, { x: this.left + this.width - 4, y: y(single.baseline) - 5, "text-anchor": "end", fill: "var(--soft)" }));
      }
      visible.forEach((points, place) => inside.append(draw("path", {
        d: points.map(([time, power, first], index) => `${index && !first ? "L" : "M"}${x(time).toFixed(1)} ${y(power).toFixed(1)}`).join(""),
        fill: "none", stroke: `var(--c${place % COLOURS})`, "stroke-width": this.shown.length > COLOURS ? 1 : 1.6,
        "stroke-dasharray": place < COLOURS ? null : "7 3" })));
      actions.forEach(([name, begin, end, , level]) => {
        const [from, to] = [Math.max(x(begin), this.left), Math.min(x(end), this.left + this.width)], top = this.height + 42 + 17 * level;
        if (to <= from) return;
        inside.append(draw("rect", { x: from, y: top, width: Math.max(to - from, 1), height: 15, fill: "var(--panel)", stroke: "var(--soft)" }));
        if (to - from > 7 * name.length) inside.append(text(name, { x: (from + to) / 2, y: top + 11.5, "text-anchor": "middle", "font-size": 11 }));
      });
      if (this.stamp) {
        this.svg.append(text(this.stamp, { x: this.left + this.width / 2, y: this.height / 2 + 14, "text-anchor": "middle",
          "font-size": 40, "font-weight": "bold", fill: "var(--stamp)", "fill-opacity": 0.18, "pointer-events": "none" }));
      }
      this.mark = draw("g", { "pointer-events": "none" });
      this.svg.append(this.mark);
      this.cross(this.cursor);
    }

    cross(time, from = null) {
      this.mark?.replaceChildren();
      if (time === null || !this.shown.length) {
        this.cursor = null;
        this.says.textContent = "";
        return;
      }
      this.cursor = Math.min(Math.max(time, this.begin), this.end);
      const place = this.placeX(this.cursor);
      if (from !== null) {
        const start = this.placeX(from);
        this.mark.append(draw("rect", { x: Math.min(place, start), y: 8, width: Math.abs(place - start), height: this.height - 8, fill: "var(--c0)", "fill-opacity": 0.15 }));
      }
      this.mark.append(draw("path", { d: `M${place} 8V${this.height}`, stroke: "var(--soft)" }));
      const readings = this.shown.slice(0, 8).map((trace, index) => {
        const [x, y] = at(trace.points, this.cursor);
        if (x >= this.begin && x <= this.end) this.mark.append(draw("circle", { cx: this.placeX(x), cy: this.placeY(y), r: 3.5, fill: `var(--c${index % COLOURS})` }));
        return `run ${trace.run}: ${fixed(y, trace.step[1])} ${this.unit} at ${fixed(x, trace.step[0])} s`;
      });
      const within = this.shown.length === 1 ? (this.shown[0].actions ?? []).filter(([, begin, end]) => begin <= this.cursor && this.cursor < end) : [];
      this.says.textContent = [...readings, within.map(([name]) => name).join(", ")].filter(Boolean).join(" · ");
    }
  }

  const nameOf = (run) => run.replace(/[^\w]+/g, "-");

  const look = (figure) => {
    const data = document.getElementById("runs-data");
    if (!data || !all("g.runs path", figure).length) return;
    new Explorer(figure, JSON.parse(data.textContent));
    const drawn = new Set(all("g.runs path", figure).map((path) => path.dataset.run));
    for (const row of all("table[data-runs] tbody tr")) {
      const head = row.cells[0], run = head.textContent;
      if (drawn.has(run)) head.replaceChildren(make("a", { href: `#run-${nameOf(run)}`, title: `Look at run ${run}` }, run));
    }
  };

  const open = () => {
    const target = document.getElementById(anchor());
    for (let folded = target?.closest("details"); folded; folded = folded.parentElement.closest("details")) folded.open = true;
  };

  document.body.append(tip);
  all(".scroll > table").forEach(equip);
  all("svg[data-tips]").forEach(readable);
  all("#fig-power").forEach(look);
  addEventListener("hashchange", open);
  open();
})();
