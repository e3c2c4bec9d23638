/** The values under the pointer: a rule through the chart and a small table beside it. */

import { MARGIN } from './charts.js';
import { eventsIn } from './events.js';
import { formatClock, formatValue } from './format.js';
import { svg } from './svg.js';

const REACH_PX = 24; // a sample farther from the pointer is not under it
const ROWS = 12;
const MORE_DIGITS = 3; // who points at a sample wants to know exactly

export class Hover {
  /** @param {import('./charts.js').Chart} chart @param {(series: import('./store.js').Series) => string} labelOf */
  constructor(chart, labelOf) {
    this.chart = chart;
    this.labelOf = labelOf;
    /** @type {number|null} pixels from the left of the plot area */
    this.x = null;
    this.rule = svg('line', 'sg-rule');
    this.rule.setAttribute('y2', String(chart.height));
    this.rule.style.display = 'none';
    chart.layer.append(this.rule);
    this.box = document.createElement('div');
    this.box.className = 'tip';
    this.box.hidden = true;
    chart.div.append(this.box);
    chart.div.addEventListener('pointermove', (event) => this.#move(event));
    chart.div.addEventListener('pointerleave', () => this.#hide());
    chart.onDraw.push(() => this.#show());
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const x = event.clientX - this.chart.div.getBoundingClientRect().left - MARGIN.l;
    if (x < 0 || x > this.chart.width) return this.#hide();
    this.x = x;
    return this.#show();
  }

  #hide() {
    this.x = null;
    this.box.hidden = true;
    this.rule.style.display = 'none';
  }

  #show() {
    if (this.x === null) return;
    const rows = this.#rows();
    this.box.hidden = rows.length === 0;
    this.rule.style.display = rows.length ? '' : 'none';
    this.rule.setAttribute('x1', String(this.x));
    this.rule.setAttribute('x2', String(this.x));
    if (!rows.length) return;
    const head = document.createElement('div');
    head.className = 'tip-time';
    head.textContent = formatClock(this.chart.timeAt(this.x), true);
    this.box.replaceChildren(head, ...rows.slice(0, ROWS));
    const onLeft = this.x > this.chart.width / 2;
    this.box.style.left = onLeft ? '' : `${MARGIN.l + this.x + 10}px`;
    this.box.style.right = onLeft ? `${MARGIN.r + this.chart.width - this.x + 10}px` : '';
  }

  /** @returns {HTMLElement[]} */
  #rows() {
    const { chart } = this;
    const x = /** @type {number} */ (this.x);
    const time = chart.timeAt(x);
    const near = REACH_PX * ((chart.axes.to - chart.axes.from) / chart.width);
    const rows = [];
    for (const trace of chart.traces.values()) {
      if (!trace.shown) continue;
      const at = nearest(/** @type {any} */ (trace.series.ring), time);
      if (at < 0 || Math.abs(trace.series.ring.times[at] - time) > near) continue;
      rows.push(row(trace.path.getAttribute('data-colour'), this.labelOf(trace.series), formatValue(trace.series.ring.values[at], trace.series.unit, MORE_DIGITS)));
    }
    for (const event of eventsIn(chart.events(), time - near / 4, time + near / 4)) rows.push(row('event', event.series.metric, event.text));
    return rows;
  }
}

/** @param {import('./rings.js').Ring} ring @param {number} time @returns {number} -1 if it is empty */
export function nearest(ring, time) {
  if (!ring.length) return -1;
  const after = Math.min(ring.from(time), ring.end - 1);
  const before = Math.max(ring.start, after - 1);
  return time - ring.times[before] < ring.times[after] - time ? before : after;
}

/** @param {string|null} colour @param {string} label @param {string} value @returns {HTMLElement} */
function row(colour, label, value) {
  const node = document.createElement('div');
  node.className = 'tip-row';
  const [swatch, name, number] = ['swatch', 'tip-label', 'tip-value'].map((className) => {
    const part = document.createElement('span');
    part.className = className;
    return part;
  });
  swatch.dataset.colour = colour ?? '';
  name.textContent = label;
  number.textContent = value;
  node.append(swatch, name, number);
  return node;
}
