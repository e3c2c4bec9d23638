/** The moment a person points at: a rule through every chart, and beside the pointer a small table of values. */

import { MARGIN } from './charts.js';
import { eventsIn } from './events.js';
import { formatClock, formatValue } from './format.js';
import { h, say } from './html.js';
import { lossAt } from './losses.js';
import { svg } from './svg.js';

const REACH_PX = 24; // a sample farther from the pointer is not under it
const ROWS = 12;
const MORE_DIGITS = 3; // who points at a sample wants to know exactly
const LABEL_PX = 76; // of the time beside a rule

export class Hover {
  /** @param {import('./charts.js').Chart} chart @param {(series: import('./client/store.js').Series) => string} labelOf */
  constructor(chart, labelOf) {
    this.chart = chart;
    this.labelOf = labelOf;
    this.crosshair = chart.view.crosshair;
    this.shown = false;
    this.line = svg('line', '');
    this.label = svg('text', '');
    this.rule = svg('g', 'sg-rule');
    this.rule.append(this.line, this.label);
    this.rule.style.display = 'none';
    chart.layer.append(this.rule);
    this.head = h('div', { class: 'tip-time' });
    this.rows = h('div');
    this.box = h('div', { class: 'tip' }, this.head, this.rows);
    this.box.hidden = true;
    chart.div.append(this.box);
    chart.div.addEventListener('pointermove', (event) => this.#move(event));
    chart.div.addEventListener('pointerleave', () => this.crosshair.leave(chart));
    chart.onDraw.push(() => this.#show());
    this.crosshair.listen(() => this.#show(), chart.ended.signal);
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const x = event.clientX - this.chart.div.getBoundingClientRect().left - MARGIN.l;
    if (x < 0 || x > this.chart.width) this.crosshair.leave(this.chart);
    else this.crosshair.point(this.chart, x / this.chart.width);
  }

  #hide() {
    if (!this.shown) return;
    this.shown = false;
    this.box.hidden = true;
    this.rule.style.display = 'none';
  }

  #show() {
    const { chart, crosshair } = this;
    if (crosshair.share === null || !chart.inSight) return this.#hide();
    const x = crosshair.share * chart.width;
    this.shown = true;
    this.rule.style.display = '';
    this.rule.style.transform = `translateX(${x.toFixed(1)}px)`;
    this.line.setAttribute('y2', String(chart.height));
    this.label.setAttribute('y', String(chart.height - 5)); // at the top are events
    if (crosshair.source === chart) return this.#tell(x);
    this.box.hidden = true;
    const onLeft = x + LABEL_PX > chart.width;
    this.label.setAttribute('x', onLeft ? '-5' : '5');
    this.label.setAttribute('text-anchor', onLeft ? 'end' : 'start');
    return say(this.label, formatClock(chart.view.from + crosshair.share * chart.view.width)); // the same in all of them
  }

  /** @param {number} x */
  #tell(x) {
    const { chart } = this;
    const rows = this.#values(x).slice(0, ROWS);
    say(this.label, '');
    this.box.hidden = rows.length === 0;
    if (!rows.length) return;
    say(this.head, formatClock(chart.timeAt(x), true));
    while (this.rows.children.length > rows.length) this.rows.lastChild?.remove();
    while (this.rows.children.length < rows.length) this.rows.append(emptyRow());
    rows.forEach((row, at) => fill(this.rows.children[at], row));
    const onLeft = x > chart.width / 2;
    this.box.style.left = onLeft ? '' : `${MARGIN.l + x + 10}px`;
    this.box.style.right = onLeft ? `${MARGIN.r + chart.width - x + 10}px` : '';
  }

  /** @param {number} x @returns {string[][]} colour, label, value of what is there */
  #values(x) {
    const { chart } = this;
    const time = chart.timeAt(x);
    const reach = reachOf(chart.axes.to - chart.axes.from, chart.width);
    const rows = [];
    const traces = [...chart.traces.values()].filter(({ drawn }) => drawn);
    for (const { series, path } of traces) {
      const value = valueAt(/** @type {any} */ (series.ring), time, reach);
      if (value !== undefined) rows.push([path.getAttribute('data-colour') ?? '', this.labelOf(series), formatValue(value, series.unit, MORE_DIGITS)]);
    }
    const lost = lossAt(traces, time, reach / 8);
    if (lost) rows.unshift(['lost', 'samples lost', lost]);
    for (const event of eventsIn(chart.events(), time - reach / 4, time + reach / 4)) rows.push(['event', event.series.metric.split('.').pop() ?? '', event.text]);
    return rows;
  }
}

/** @param {number} spanS shown @param {number} width pixels @returns {number} seconds within which a sample is under the pointer */
export const reachOf = (spanS, width) => REACH_PX * (spanS / width);

/** @param {import('./client/rings.js').Ring} ring @param {number} time @param {number} reach seconds @returns {number|undefined} of the nearest sample; NaN: a gap */
export function valueAt(ring, time, reach) {
  const at = nearest(ring, time);
  return at < 0 || Math.abs(ring.times[at] - time) > reach ? undefined : ring.values[at];
}

/** @param {import('./client/rings.js').Ring} ring @param {number} time @returns {number} -1 if it is empty */
export function nearest(ring, time) {
  if (!ring.length) return -1;
  const after = Math.min(ring.from(time), ring.end - 1);
  const before = Math.max(ring.start, after - 1);
  return time - ring.times[before] < ring.times[after] - time ? before : after;
}

/** @returns {HTMLElement} */
function emptyRow() {
  return h('div', { class: 'tip-row' }, h('span', { class: 'swatch' }), h('span', { class: 'tip-label' }), h('span', { class: 'tip-value' }));
}

/** @param {Element} row @param {string[]} texts */
function fill(row, [colour, label, value]) {
  const [swatch, name, number] = row.children;
  if (/** @type {HTMLElement} */ (swatch).dataset.colour !== colour) /** @type {HTMLElement} */ (swatch).dataset.colour = colour;
  say(name, label);
  say(number, value);
}
