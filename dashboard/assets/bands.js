/**
 * Thresholds behind the lines of a chart: a band from each to the end of the axis, its edge, and its words. Warning and bad differ
 * in how they are hatched and how their edges are dashed, not only in colour.
 */

import { edgeOf, isUpper, limitText } from './kinds/limits.js';
import { svg } from './svg.js';

const LINE_PX = 13; // of text
let made = 0; // patterns are found by a name of the whole page

/**
 * @typedef {object} Placed
 * @property {import('./kinds/kind.js').Limit} limit
 * @property {number} top of the band @property {number} height pixels; 0: out of sight
 * @property {number} edge pixels from the top @property {number} label pixels, baseline
 * @property {string} away an arrow to where it is, if that is beyond the axis
 */

/**
 * Where bands and words are. Pure.
 * @param {import('./kinds/kind.js').Limit[]} limits @param {{low: number, high: number}} axis @param {number} height pixels
 * @returns {Placed[]} from the top
 */
export function placed(limits, { low, high }, height) {
  const found = limits.map((limit) => {
    const edge = ((high - edgeOf(limit)) / (high - low)) * height;
    const inside = Math.max(0, Math.min(height, edge));
    const upper = isUpper(limit);
    const away = edge < 0 ? ' ↑' : edge > height ? ' ↓' : '';
    return { limit, edge, top: upper ? 0 : inside, height: upper ? inside : height - inside, label: 0, away, upper, inside };
  }).sort((a, b) => a.edge - b.edge);
  let free = LINE_PX - 2;
  for (const each of found) { // above an upper edge, below a lower one, and never over each other
    each.label = Math.max(free, Math.min(height - 3, each.upper ? each.inside - 4 : each.inside + LINE_PX - 1));
    free = each.label + LINE_PX;
  }
  let last = height - 3;
  for (const each of [...found].reverse()) {
    each.label = Math.min(each.label, last);
    last = each.label - LINE_PX;
  }
  return found;
}

export class Bands {
  /** @param {import('./charts.js').Chart} chart @param {import('./kinds/kind.js').Limit[]} limits */
  constructor(chart, limits) {
    this.chart = chart;
    this.limits = limits;
    this.group = svg('g', 'sg-bands');
    this.words = svg('g', 'sg-bands'); // over the lines, as they are to be read
    this.drawn = '';
    const page = ++made;
    this.patterns = { warn: `sg-warn-${page}`, bad: `sg-bad-${page}` };
    // Patterns are not drawn by themselves; outside `defs` they are styled like the rest, also where a picture is made of it.
    this.group.append(hatch(this.patterns.warn, 'warn', 'M0,8L8,0', 8), hatch(this.patterns.bad, 'bad', 'M0,0L6,6M0,6L6,0', 6));
    /** @type {Map<import('./kinds/kind.js').Limit, {band: SVGElement, edge: SVGElement, text: SVGElement}>} */
    this.marks = new Map(limits.map((limit) => [limit, this.#mark(limit)]));
    chart.layer.prepend(this.group);
    chart.layer.append(this.words);
    chart.bands.add(this);
    this.listener = () => this.draw();
    chart.onDraw.push(this.listener);
  }

  /** @param {import('./kinds/kind.js').Limit} limit */
  #mark(limit) {
    const [node, band, edge, text] = [svg('g', 'sg-band'), svg('rect', 'sg-band-fill'), svg('line', 'sg-band-edge'), svg('text', 'sg-band-text')];
    node.setAttribute('data-level', limit.level);
    band.setAttribute('fill', `url(#${this.patterns[limit.level]})`);
    text.setAttribute('x', '5');
    text.setAttribute('data-level', limit.level);
    node.append(band, edge);
    this.group.append(node);
    this.words.append(text);
    return { band, edge, text };
  }

  /** Takes them off the chart. */
  close() {
    this.group.remove();
    this.words.remove();
    this.chart.bands.delete(this);
    this.chart.onDraw = this.chart.onDraw.filter((each) => each !== this.listener);
  }

  /** Only when the axis became another, or others came or went, whose words want room too. */
  draw() {
    const { axes, width, height, unit } = this.chart;
    const { low, high } = axes;
    const all = [...this.chart.bands].flatMap(({ limits }) => limits);
    const now = `${low} ${high} ${width} ${height} ${unit} ${all.length}`;
    if (now === this.drawn || !(high > low)) return;
    this.drawn = now;
    for (const each of placed(all, { low, high }, height)) if (this.marks.has(each.limit)) this.#place(each, width, unit);
  }

  /** @param {Placed} where @param {number} width @param {string|null} unit */
  #place({ limit, top, height, edge, label, away }, width, unit) {
    const mark = /** @type {{band: SVGElement, edge: SVGElement, text: SVGElement}} */ (this.marks.get(limit));
    for (const [name, value] of /** @type {Array<[string, number]>} */ ([['width', width], ['y', top], ['height', height]])) mark.band.setAttribute(name, value.toFixed(1));
    mark.edge.setAttribute('x2', String(width));
    for (const name of ['y1', 'y2']) mark.edge.setAttribute(name, edge.toFixed(1));
    mark.edge.style.display = away ? 'none' : '';
    mark.text.setAttribute('y', label.toFixed(1));
    const words = `${/** @type {any} */ (limit).name ?? limit.level} ${limitText(limit, unit)}${away}`;
    if (mark.text.textContent !== words) mark.text.textContent = words;
  }
}

/** @param {string} id @param {string} level @param {string} path @param {number} size pixels */
function hatch(id, level, path, size) {
  const pattern = svg('pattern', 'sg-hatch');
  for (const [name, value] of [['id', id], ['width', size], ['height', size], ['patternUnits', 'userSpaceOnUse'], ['data-level', level]]) pattern.setAttribute(String(name), String(value));
  const ground = svg('rect', 'sg-hatch-ground');
  for (const name of ['width', 'height']) ground.setAttribute(name, String(size));
  const lines = svg('path', 'sg-hatch-lines');
  lines.setAttribute('d', path);
  pattern.append(ground, lines);
  return pattern;
}
