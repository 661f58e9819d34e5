"use strict";

// What page.js needs and no page: no document, no Plotly, no data. The numbers of the page come from Python; sums over
// the bins of its histograms, and what follows from the numbers that people type in, are made here.

// Plotly takes some HTML in its texts: names from outside are to be read as they stand.
const plain = (text) => String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
const known = (value) => value !== null && value !== undefined;
const number = (value, digits = 4) => (known(value) ? String(Number(value.toPrecision(digits))) : "-");
const range = (length) => Array.from({ length }, (_, n) => n);
const distinct = (values) => [...new Set(values)];
const same = (a, b) => a.every((value, n) => value === b[n]);
const cycled = (list, n) => list[n % list.length];

// Rows that Plotly makes of the names in a legend of so many pixels, about.
function legendRows(names, width) {
  let rows = names.length ? 1 : 0;
  let used = 0;
  for (const own of names.map((name) => 6.8 * name.length + 48)) {
    if (used && used + own > width) {
      rows += 1;
      used = 0;
    }
    used += own;
  }
  return rows;
}

const hover = (...lines) => lines.filter(Boolean).map(plain).join("<br>");
const unit = (title) => title.match(/ (\[[^\]]*\])$/)?.[1] ?? "";

function edges({ range: [low, high], test_signal: bins }) {
  return range(bins.length + 1).map((n) => low + ((high - low) * n) / bins.length);
}

// Numbers first, by size, then texts; the numbers in a text count as numbers.
function inOrder(a, b) {
  const [x, y] = [Number.parseFloat(a), Number.parseFloat(b)];
  if (Number.isNaN(x) !== Number.isNaN(y)) return Number.isNaN(x) ? 1 : -1;
  return (Number.isNaN(x) ? 0 : x - y) || a.localeCompare(b, "en", { numeric: true });
}

// Shares of a class above each edge of its bins, which are equally wide.
function passing(density) {
  const sums = [0];
  for (let n = density.length - 1; n >= 0; n -= 1) sums.unshift(sums[0] + density[n]);
  return sums.map((sum) => Math.min(sum / sums[0], 1));
}

// Purity and significance S/√(S+B) at each cut, of so many events of which shares pass; null where nothing does.
function cuts(signal, signalPassing, background, backgroundPassing) {
  const left = signalPassing.map((share, n) => [signal * share, background * backgroundPassing[n]]);
  const where = (ratio) => left.map(([s, b]) => (s + b > 0 ? ratio(s, b) : null));
  return { purity: where((s, b) => s / (s + b)), significance: where((s, b) => s / Math.sqrt(s + b)) };
}
