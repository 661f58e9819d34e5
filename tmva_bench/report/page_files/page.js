"use strict";

const data = JSON.parse(document.getElementById("data").textContent);
// Densities are kept as whole numbers of a unit.
for (const { scores: bins } of data.groups) {
  for (const name in bins) {
    if (/^(test|train)_/.test(name)) bins[name] = bins[name].map((value) => value * bins.unit);
  }
}

// With another number of dashes and of markers than of colours no two series look the same.
const DASHES = ["solid", "dash", "dot", "dashdot", "longdash"];
const MARKERS = ["circle", "square", "diamond", "triangle-up", "cross", "x", "triangle-down", "star", "pentagon",
  "hexagram", "bowtie", "hourglass"];
// Named one by one: by default there is one that sends the plot to a server.
const BUTTONS = [["toImage", "zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "resetScale2d"]];
const CONFIG = { responsive: true, displaylogo: false, modeBarButtons: BUTTONS };

const style = (s) => ({ color: cycled(data.palette, data.colours[s]), dash: cycled(DASHES, data.colours[s]),
  symbol: cycled(MARKERS, data.colours[s]) });
const category = (value) => (typeof value === "string" ? plain(value) : value);
const numeric = (axis) => typeof axis.values[0] === "number";
const allAxes = range(data.axes.length);
// The values that some axes have at a point, in words.
const inWords = (values, axes) =>
  axes.map((a, n) => `${data.axes[a].name} = ${data.axes[a].values[values[n]]}`).join(", ");

// --- Controls ---

function labelled(form, text, input) {
  const label = document.createElement("label");
  const span = document.createElement("span");
  span.textContent = text;
  label.append(span, input);
  form.append(label);
  return input;
}

function select(form, text, options, change) {
  const input = document.createElement("select");
  options.forEach((option, n) => input.add(new Option(option, String(n))));
  input.addEventListener("change", change);
  return labelled(form, text, input);
}

function checkbox(form, text, change) {
  const input = document.createElement("input");
  input.type = "checkbox";
  input.addEventListener("change", change);
  return labelled(form, text, input);
}

function amount(form, text, value, change) {
  const input = document.createElement("input");
  Object.assign(input, { type: "number", min: 0, step: "any", value });
  input.addEventListener("input", change);
  return labelled(form, text, input);
}

const runOf = (group) => data.runs[group.run].id;
const groupsAt = (point) => data.groups.filter((group) => same(group.p, point));

const areaOf = (group) => group.m[data.quantities.findIndex((one) => one.name === "roc_auc")] ?? -Infinity;

// Of some groups the one with the largest ROC area.
const bestOf = (groups) => groups.reduce((best, group) => (best && areaOf(best) >= areaOf(group) ? best : group), null);

// One of the scan's points, where there are several, at first the best at which a group is `worth` looking at; gives
// a function that tells which, and which in words.
function pointChoice(form, change, worth) {
  const points = [];
  for (const group of data.groups) {
    if (!points.some((point) => same(point, group.p))) points.push(group.p);
  }
  const input = points.length > 1 ? select(form, "At", points.map((point) => inWords(point, allAxes)), change) : null;
  const best = bestOf(data.groups.filter(worth)) ?? bestOf(data.groups);
  if (input) input.selectedIndex = Math.max(0, points.findIndex((point) => same(point, best.p)));
  const point = () => points[input ? input.selectedIndex : 0] ?? [];
  point.words = () => (input ? `At ${inWords(point(), allAxes)}.` : "");
  return point;
}

// --- Plots ---

const section = (id) => {
  const element = document.getElementById(id);
  return { form: element.querySelector(".controls"), plot: element.querySelector(".plot"),
    note: element.querySelector(".note") };
};

function tell(note, texts) {
  note.textContent = texts.filter(Boolean).join(" ");
}

// The legend stands below; its height follows from the width there is.
function laidOut(div, traces, layout) {
  const names = traces.filter((trace) => trace.showlegend !== false && trace.name).map((trace) => trace.name);
  const shown = layout.showlegend === false ? [] : names;
  const width = layout.width ?? div.clientWidth;
  const legend = 20 * legendRows(shown, width - 90) + 10;
  const { height = 400, right = 15, top = 30, ...more } = layout;
  const grid = { gridcolor: "#d9dde2", linecolor: "#1b1f24", zerolinecolor: "#d9dde2", mirror: true, showline: true,
    ticks: "outside", automargin: true };
  return {
    font: { family: 'system-ui, "Liberation Sans", sans-serif', size: 13, color: "#1b1f24" },
    paper_bgcolor: "#fff", plot_bgcolor: "#fff", hovermode: "closest", hoverlabel: { align: "left", namelength: -1 },
    margin: { l: 60, r: right, t: top, b: 55 + legend },
    legend: { orientation: "h", x: 0, xanchor: "left", yref: "container", y: 0, yanchor: "bottom", tracegroupgap: 0 },
    ...more,
    height: height + legend,
    xaxis: { ...grid, ...more.xaxis, title: { standoff: 8, ...more.xaxis.title } },
    yaxis: { ...grid, ...more.yaxis, title: { standoff: 10, ...more.yaxis.title } },
  };
}

// What draws each plot; of a given width in pixels, else of the width there is.
const redraws = [];

// A plot whose legend hides series by mouse and by keyboard; `draw` gives traces, layout and texts for the note.
function plot(place, draw) {
  const hidden = new Set();
  const redraw = (width) => {
    const { traces, layout, notes } = draw();
    for (const trace of traces) {
      if (known(trace.legendgroup) && hidden.has(trace.legendgroup)) trace.visible = "legendonly";
    }
    place.plot.hidden = !traces.length;
    Plotly.react(place.plot, traces, laidOut(place.plot, traces, { ...layout, width }), CONFIG);
    tell(place.note, notes);
  };
  const legendItems = () => [...place.plot.querySelectorAll(".legendtoggle")];
  const groups = () => place.plot.data.filter((trace) => trace.showlegend !== false && trace.name)
    .map((trace) => trace.legendgroup);
  const toggle = (group) => {
    if (!hidden.delete(group)) hidden.add(group);
    redraw();
  };
  redraw();
  place.plot.on("plotly_legendclick", (event) => {
    toggle(event.data[event.curveNumber].legendgroup);
    return false;
  });
  place.plot.on("plotly_legenddoubleclick", (event) => {
    const group = event.data[event.curveNumber].legendgroup;
    const others = groups().filter((other) => other !== group);
    const alone = !hidden.has(group) && others.every((other) => hidden.has(other));
    hidden.clear();
    if (!alone) others.forEach((other) => hidden.add(other));
    redraw();
    return false;
  });
  const reachable = () => legendItems().forEach((item, n) => {
    const group = groups()[n];
    item.setAttribute("tabindex", "0");
    item.setAttribute("role", "button");
    item.setAttribute("aria-pressed", String(!hidden.has(group)));
    item.setAttribute("aria-label", `Show ${group}`);
    item.onkeydown = (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      toggle(group);
      legendItems()[n]?.focus();
    };
  });
  place.plot.on("plotly_afterplot", reachable);
  reachable();
  redraws.push(redraw);
  return redraw;
}

// Later series are thinner, so that one shows under another that it agrees with.
function line(s, x, y, more = {}) {
  const { color, dash, symbol } = style(s);
  return { type: "scatter", x, y, name: plain(data.series[s]), legendgroup: data.series[s], mode: "lines+markers",
    line: { color, dash, width: 3.5 - 0.5 * (s % 4) }, marker: { color, symbol, size: 12 - 1.5 * (s % 4) },
    hoverinfo: "text", connectgaps: false, ...more };
}


// --- Scan ---

// Axes that have one value only for each value of another move with it.
function tied(axis, other) {
  const seen = new Map();
  return data.groups.every((group) => {
    if (!seen.has(group.p[axis])) seen.set(group.p[axis], group.p[other]);
    return seen.get(group.p[axis]) === group.p[other];
  });
}

// With the quantity that it opens on, and whether on logarithmic axes.
function scan(id, first, logarithmic) {
  const place = section(id);
  let redraw = () => {};
  const again = () => redraw();
  const quantity = select(place.form, "Quantity", data.quantities.map((one) => one.label), again);
  quantity.selectedIndex = Math.max(0, data.quantities.findIndex((one) => one.name === first));
  const axisNames = data.axes.map((axis) => axis.name);
  const turn = () => {
    others();
    redraw();
  };
  const axisInput = data.axes.length > 1 ? select(place.form, "Against", axisNames, turn) : null;
  const restBox = document.createElement("span");
  place.form.append(restBox);
  const logX = checkbox(place.form, "log x", again);
  const logY = checkbox(place.form, "log y", again);
  logX.checked = logarithmic && data.axes.some(numeric) && data.axes.filter(numeric).every((axis) => axis.values[0] > 0);
  logY.checked = logarithmic;
  let rest = [];
  let combinations = [];
  let restInput = null;
  const chosenAxis = () => (axisInput ? axisInput.selectedIndex : 0);

  function others() {
    rest = allAxes.filter((a) => a !== chosenAxis() && !tied(chosenAxis(), a));
    combinations = [];
    for (const group of data.groups) {
      const values = rest.map((a) => group.p[a]);
      if (!combinations.some((other) => same(other, values))) combinations.push(values);
    }
    restBox.replaceChildren();
    const texts = combinations.map((values) => inWords(values, rest));
    restInput = combinations.length > 1 ? select(restBox, "At", texts, again) : null;
    const best = bestOf(data.groups);
    if (restInput) restInput.selectedIndex = combinations.findIndex((values) => same(values, rest.map((a) => best.p[a])));
  }

  others();
  redraw = plot(place, () => {
    const q = quantity.selectedIndex;
    const fixed = combinations[restInput ? restInput.selectedIndex : 0] ?? [];
    const inView = data.groups.filter((group) => same(rest.map((a) => group.p[a]), fixed));
    const axis = data.axes[chosenAxis()];
    const isNumber = axis && numeric(axis);
    logX.disabled = !isNumber;
    const xOf = (group) => (axis ? axis.values[group.p[chosenAxis()]] : data.series[group.s]);
    const places = axis ? distinct(inView.map((group) => group.p[chosenAxis()])).sort((a, b) => a - b)
      .map((n) => axis.values[n]) : distinct(inView.map(xOf));
    const wanted = data.quantities[q] ?? { name: "", label: "", title: "" };
    const traces = [];
    for (const s of distinct(inView.map((group) => group.s))) {
      const own = inView.filter((group) => group.s === s);
      const at = axis ? places.map((x) => own.find((group) => xOf(group) === x)) : own;
      const xs = axis ? places : own.map(xOf);
      traces.push(line(s, xs.map(category), at.map((group) => group?.m[q] ?? null), {
        error_y: { type: "data", array: at.map((group) => group?.e[q] ?? 0), thickness: 1.5, width: 4 },
        text: at.map((group, n) => group && hover(data.series[s], axis ? `${axis.name} = ${xs[n]}` : "",
          `${wanted.label} = ${number(group.m[q], 5)}${known(group.e[q]) ? ` ± ${number(group.e[q], 2)}` : ""}`,
          `${group.n} run${group.n > 1 ? "s" : ""}`)),
      }));
      const runs = data.runs.filter((run) => own.includes(data.groups[run.g]));
      const { color, symbol } = style(s);
      const runsAt = runs.map((run) => xOf(data.groups[run.g]));
      traces.push({ type: "scatter", mode: "markers", x: runsAt.map(category), y: runs.map((run) => run.v[q]),
        legendgroup: data.series[s], name: plain(data.series[s]), showlegend: false,
        marker: { color, symbol: `${symbol}-open`, size: 6, opacity: 0.45 }, hoverinfo: "text",
        text: runs.map((run, n) => hover(run.id, `${data.series[s]}, repetition ${run.r}`,
          axis ? `${axis.name} = ${runsAt[n]}` : "", `${wanted.label} = ${number(run.v[q], 5)}`)) });
    }
    const limits = axis && wanted.name === "roc_auc"
      ? places.map((x) => inView.find((group) => xOf(group) === x && known(group.best))?.best ?? null) : [];
    if (limits.some(known)) {
      traces.push({ type: "scatter", mode: "lines", x: places.map(category), y: limits, name: "best possible",
        legendgroup: "best possible", line: { color: "#6b7480", width: 3, dash: "dot" }, hoverinfo: "text",
        text: limits.map((value) => `best possible: ${number(value, 5)}`) });
    }
    const kind = isNumber ? (logX.checked ? "log" : "linear") : "category";
    return {
      traces,
      layout: {
        xaxis: { title: { text: axis ? axis.name : "" }, type: kind,
          ...(kind === "log" && places.length < 10 ? { tickvals: places, ticktext: places.map(String) } : {}) },
        yaxis: { title: { text: `${wanted.label} ${unit(wanted.title)}` }, type: logY.checked ? "log" : "linear" },
        showlegend: Boolean(axis),
      },
      notes: [`${wanted.label} (${wanted.name}): ${wanted.title}.`, axis ? `${axis.name}: ${axis.title}.` : "",
        combinations.length > 1 ? `At ${inWords(fixed, rest)}.` : ""],
    };
  });
}

// --- Curves of the first repetitions ---

const VIEWS = ["whole curve", "high rejection (above 0.9)", "background efficiency, logarithmic"];

function roc() {
  const place = section("roc");
  let redraw = () => {};
  const point = pointChoice(place.form, () => redraw(), (group) => group.roc);
  const view = select(place.form, "View", VIEWS, () => redraw());
  redraw = plot(place, () => {
    const logarithmic = view.selectedIndex === 2;
    const traces = groupsAt(point()).filter((group) => group.roc).map((group) => {
      const { x, y } = group.roc;
      return line(group.s, x, y.map((passing) => (logarithmic ? passing || null : 1 - passing)), { mode: "lines",
        text: x.map((efficiency, n) => hover(data.series[group.s], runOf(group),
          `signal efficiency ${number(efficiency)}`, `background efficiency ${number(y[n], 3)}`)) });
    });
    return {
      traces,
      layout: {
        height: 460,
        xaxis: { title: { text: "signal efficiency" }, range: [0, 1] },
        yaxis: logarithmic ? { title: { text: "background efficiency" }, type: "log", exponentformat: "power" }
          : { title: { text: "background rejection" }, range: view.selectedIndex === 1 ? [0.9, 1.002] : [0, 1.02] },
      },
      notes: [point.words(), traces.length ? "" : "No ROC curve at this point."],
    };
  });
}

const HISTORIES = ["losses by epoch", "losses by time", "best validation loss so far by time"];

function history() {
  const place = section("history");
  let redraw = () => {};
  const point = pointChoice(place.form, () => redraw(), (group) => group.history);
  const what = select(place.form, "Show", HISTORIES, () => redraw());
  const logX = checkbox(place.form, "log x", () => redraw());
  const logY = checkbox(place.form, "log y", () => redraw());
  redraw = plot(place, () => {
    const byTime = what.selectedIndex > 0;
    const bestOnly = what.selectedIndex === 2;
    const here = groupsAt(point()).filter((group) => group.history);
    const timed = here.filter((group) => group.history.time.some(known));
    const traces = [];
    for (const group of byTime ? timed : here) {
      const { epoch, training, validation, time, best } = group.history;
      const x = byTime ? time : epoch;
      const text = (y, name) => y.map((loss, n) => hover(data.series[group.s], runOf(group),
        `epoch ${epoch[n]}${known(time[n]) ? `, ${number(time[n])} s` : ""}`, `${name} ${number(loss)}`));
      if (bestOnly) {
        traces.push(line(group.s, x, best, { line: { ...line(group.s).line, shape: "hv" },
          text: text(best, "best validation loss so far") }));
        continue;
      }
      const many = epoch.length > 30;
      traces.push(line(group.s, x, validation, { mode: many ? "lines" : "lines+markers",
        text: text(validation, "validation loss") }));
      traces.push(line(group.s, x, training, { mode: "lines", showlegend: false, opacity: 0.45,
        line: { color: style(group.s).color, width: 1.5, dash: "dot" }, text: text(training, "training loss") }));
    }
    const target = here.map((group) => group.q?.target).find(known);
    const marked = bestOnly && known(target);
    const untimed = byTime ? here.filter((group) => !timed.includes(group)).map((group) => data.series[group.s]) : [];
    const few = !byTime && here.every((group) => group.history.epoch.at(-1) <= 12);
    return {
      traces,
      layout: {
        xaxis: { title: { text: byTime ? "real time of training [s]" : "epoch" }, type: logX.checked ? "log" : "linear",
          ...(few ? { dtick: logX.checked ? "D1" : 1 } : {}) },
        yaxis: { title: { text: bestOnly ? "best validation loss so far" : "loss" },
          type: logY.checked ? "log" : "linear" },
        shapes: marked ? [{ type: "line", xref: "paper", x0: 0, x1: 1, y0: target, y1: target,
          line: { color: "#6b7480", width: 2, dash: "dash" } }] : [],
      },
      notes: [point.words(), bestOnly ? "" : "Strong lines: validation loss; faint dotted lines: training loss.",
        marked ? `Dashed: the target loss ${number(target)} of the time to quality.` : "",
        untimed.length ? `Epochs were not timed one by one: ${distinct(untimed).join(", ")}.` : "",
        traces.length ? "" : "No history to show at this point."],
    };
  });
}

function timeToQuality() {
  const place = section("quality");
  let redraw = () => {};
  const point = pointChoice(place.form, () => redraw(), (group) => known(group.q?.times?.[0]));
  const logX = checkbox(place.form, "log x", () => redraw());
  redraw = plot(place, () => {
    const here = groupsAt(point()).filter((group) => group.q?.text);
    const there = here.filter((group) => known(group.q.times[0]));
    const names = there.map((group) => plain(data.series[group.s]));
    const traces = there.map((group, n) => {
      const [median, low, high] = group.q.times;
      return line(group.s, [median], [names[n]], { mode: "markers", showlegend: false,
        error_x: { type: "data", symmetric: false, array: [known(high) ? high - median : 0],
          arrayminus: [known(low) ? median - low : 0], thickness: 1.5 },
        text: [hover(data.series[group.s], group.q.text)] });
    });
    const without = here.filter((group) => !there.includes(group))
      .map((group) => `${data.series[group.s]}: ${group.q.text}`);
    return {
      traces,
      layout: {
        height: 110 + 30 * Math.max(there.length, 2),
        xaxis: { title: { text: "time to quality [s]" }, type: logX.checked ? "log" : "linear",
          ...(logX.checked ? {} : { rangemode: "tozero" }) },
        yaxis: { type: "category", categoryarray: names, autorange: "reversed" },
        showlegend: false,
      },
      notes: [point.words(), there.length ? "" : "No time to show at this point.", without.length ? `${without.join("; ")}.` : ""],
    };
  });
}

// --- Scores of one run ---

function seriesChoice(form, change) {
  const inputs = distinct(data.groups.filter((group) => group.scores).map((group) => group.s));
  const input = select(form, "Series", inputs.map((s) => data.series[s]), change);
  return () => inputs[input.selectedIndex];
}

const scored = (point, s) => groupsAt(point).find((group) => group.s === s && group.scores);

const CLASSES = [["signal", "#0072b2", "circle", ""], ["background", "#d55e00", "square", "/"]];

function scores() {
  const place = section("scores");
  let redraw = () => {};
  const point = pointChoice(place.form, () => redraw(), (group) => group.scores);
  const series = seriesChoice(place.form, () => redraw());
  const logY = checkbox(place.form, "log y", () => redraw());
  redraw = plot(place, () => {
    const group = scored(point(), series());
    const traces = [];
    if (group) {
      const at = edges(group.scores);
      const centres = at.slice(1).map((edge, n) => (edge + at[n]) / 2);
      for (const [name, color, symbol, shape] of CLASSES) {
        const test = group.scores[`test_${name}`];
        const train = group.scores[`train_${name}`];
        const bin = (n) => `score ${number(at[n], 3)} to ${number(at[n + 1], 3)}`;
        traces.push({ type: "scatter", mode: "lines", x: at, y: [...test, test[test.length - 1]],
          line: { color, width: 2, shape: "hv" }, fill: "tozeroy", fillcolor: `${color}22`,
          fillpattern: { shape, fgcolor: color, bgcolor: "#ffffff00", size: 8, solidity: 0.15 }, name: `${name}, test`,
          legendgroup: `${name}, test`, hoverinfo: "text",
          text: [...test, test[test.length - 1]].map((value, n) => hover(`${name}, test`, n < test.length ? bin(n) : "",
            `density ${number(value, 3)}`)) });
        const errors = group.scores[`train_${name}_error`];
        traces.push({ type: "scatter", mode: "markers", x: centres, y: train, name: `${name}, training`,
          legendgroup: `${name}, training`, marker: { color, symbol, size: 6 },
          error_y: { type: "data", array: errors, thickness: 1.2, width: 0 }, hoverinfo: "text",
          text: train.map((value, n) => hover(`${name}, training`, bin(n),
            `density ${number(value, 3)} ± ${number(errors[n], 2)}`)) });
      }
    }
    const [signal, background] = group?.scores.kolmogorov ?? [];
    return {
      traces,
      layout: { xaxis: { title: { text: "score" } },
        yaxis: { title: { text: "density" }, type: logY.checked ? "log" : "linear",
          ...(logY.checked ? {} : { rangemode: "tozero" }) } },
      notes: [point.words(), group ? `Run ${runOf(group)}.` : "No scores of this series at this point.",
        known(signal) && known(background)
          ? "Kolmogorov probability that training and test scores differ as much by chance: "
            + `signal ${number(signal, 2)}, background ${number(background, 2)}; `
            + "a small one says that the network knows its training events." : ""],
    };
  });
}

function cut() {
  const place = section("cut");
  let redraw = () => {};
  const point = pointChoice(place.form, () => redraw(), (group) => group.scores);
  const series = seriesChoice(place.form, () => redraw());
  const numbers = [amount(place.form, "Signal events", 1000, () => redraw()),
    amount(place.form, "Background events", 1000, () => redraw())];
  redraw = plot(place, () => {
    const group = scored(point(), series());
    const [signal, background] = numbers.map((input) => Math.max(input.valueAsNumber || 0, 0));
    const traces = [];
    const notes = [point.words()];
    if (group) {
      const at = edges(group.scores);
      const ofSignal = passing(group.scores.test_signal);
      const ofBackground = passing(group.scores.test_background);
      const { purity, significance } = cuts(signal, ofSignal, background, ofBackground);
      const curve = (name, y, color, dash, more = {}) => traces.push({ type: "scatter", mode: "lines", x: at, y, name,
        legendgroup: name, line: { color, dash, width: 2 }, hoverinfo: "text",
        text: y.map((value, n) => hover(name, `cut ${number(at[n], 3)}`, number(value))), ...more });
      curve("signal efficiency", ofSignal, "#0072b2", "solid");
      curve("background efficiency", ofBackground, "#d55e00", "dash");
      curve("signal purity", purity, "#6b7480", "dot");
      curve("significance S/√(S+B)", significance, "#009e73", "dashdot", { yaxis: "y2" });
      const largest = Math.max(...significance.filter(known));
      const best = significance.indexOf(largest);
      notes.push(`Run ${runOf(group)}.`, best < 0 ? "Give a number of events above 0." :
        `Largest significance: ${number(largest)} at a cut of ${number(at[best], 3)} (to the width of a bin), `
        + `with signal efficiency ${number(ofSignal[best], 3)} and background efficiency ${number(ofBackground[best], 3)}.`);
    } else {
      notes.push("No scores of this series at this point.");
    }
    return {
      traces,
      layout: { right: 60, xaxis: { title: { text: "cut on the score" } },
        yaxis: { title: { text: "efficiency, purity" }, range: [0, 1.05] },
        yaxis2: { title: { text: "significance" }, overlaying: "y", side: "right", rangemode: "tozero",
          tickmode: "auto", showgrid: false, automargin: true } },
      notes,
    };
  });
}

// --- Correlations ---

const DIVERGING = [[0, "#0072b2"], [0.5, "#ffffff"], [1, "#d55e00"]];

function correlations() {
  const element = document.getElementById("correlations");
  const found = data.correlations;
  if (found.missing) {
    element.querySelector(".pair").remove();
    tell(element.querySelector(".note"), [`Left out: ${found.missing}`]);
    return;
  }
  const names = found.variables.map(plain);
  ["signal", "background"].forEach((name, n) => {
    const percent = found[name].map((row) => row.map((value) => (known(value) ? Math.round(100 * value) : null)));
    const div = element.querySelectorAll(".plot")[n];
    const traces = [{ type: "heatmap", x: names, y: names, z: percent, zmin: -100, zmax: 100, colorscale: DIVERGING,
      xgap: 1, ygap: 1, texttemplate: names.length <= 15 ? "%{z}" : "", hoverinfo: "text",
      text: percent.map((row, i) => row.map((value, j) => `${names[i]}, ${names[j]}: ${value} %`)),
      colorbar: { title: { text: "%" }, thickness: 14 } }];
    const layout = { height: 380, top: 45, title: { text: plain(`${found.sample}, ${name}`), x: 0, xanchor: "left", font: { size: 15 } },
      xaxis: { type: "category", showgrid: false },
      yaxis: { type: "category", autorange: "reversed", showgrid: false } };
    const redraw = (width) => Plotly.react(div, traces, laidOut(div, [], { ...layout, width: width && width / 2 }),
      { ...CONFIG, modeBarButtons: [["toImage"]] });
    redraw();
    redraws.push(redraw);
  });
}

if (data.groups.length) {
  scan("scan", "roc_auc", false);
  scan("times", "real_time_train", true);
  [roc, history, timeToQuality, scores, cut].forEach((draw) => draw());
} else {
  for (const id of ["scan", "times", "roc", "history", "quality", "scores", "cut"]) {
    tell(section(id).note, ["No run has a result."]);
  }
}
correlations();

// --- Tables that can be sorted ---

const cellText = (row, n) => row.cells[n].textContent.trim();

function sortBy(table, n) {
  const heading = table.tHead.rows[0].cells[n];
  const down = heading.getAttribute("aria-sort") === "ascending";
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", down ? "descending" : "ascending");
  const rows = [...table.tBodies[0].rows];
  const value = (row) => cellText(row, n).replace(/^★ /, "");
  rows.sort((a, b) => (down ? -1 : 1) * inOrder(value(a), value(b)));
  table.tBodies[0].append(...rows);
}

for (const table of document.querySelectorAll("table.sortable")) {
  [...table.tHead.rows[0].cells].forEach((heading, n) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = heading.textContent;
    button.addEventListener("click", () => sortBy(table, n));
    heading.replaceChildren(button);
  });
}

// Nothing is folded on paper.
const folded = () => [...document.querySelectorAll("details:not([open])")];
let unfolded = [];
window.addEventListener("beforeprint", () => {
  unfolded = folded();
  unfolded.forEach((one) => { one.open = true; });
});
window.addEventListener("afterprint", () => unfolded.forEach((one) => { one.open = false; }));

// Paper is narrower than most screens.
window.addEventListener("beforeprint", () => redraws.forEach((redraw) => redraw(670)));
window.addEventListener("afterprint", () => redraws.forEach((redraw) => redraw()));
