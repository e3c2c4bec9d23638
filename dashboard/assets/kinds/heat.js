/** How the values of many series are spread, over time: a cell's colour says how many samples fell there. */

import { formatAge, formatValue, timeStep } from '../format.js';
import { h } from '../html.js';
import { Cells } from './cells.js';
import { Grid } from './grid.js';
import { HeatAxes } from './heat_axes.js';
import { HEAT_LEFT, HeatPointer } from './heat_pointer.js';
import { HeatZoom } from './heat_zoom.js';
import { Kind } from './kind.js';
import { RAMPS, roundMost } from './ramp.js';
import { heatScale } from './scales.js';

const MARGIN = { l: HEAT_LEFT, r: 14, t: 10, b: 46 }; // left and right as line charts have, so that times are above each other
const COLUMN_PX = 7; // at least
const ROW_PX = 8; // about
const SURVEY_S = 2; // at least, between two looks at all values in view
const SURVEYED = 4096; // values that quantiles are taken from
const STEP_PX = 0.5; // what is drawn is moved when it is this far behind
const EVERY = 20; // series between two looks at the clock

/** @typedef {import('./scales.js').Survey} Survey */

export class Heat extends Kind {
  /** @param {HTMLElement} div @param {import('../view.js').View} view @param {import('./kind.js').Spec} spec */
  constructor(div, view, spec) {
    super(div, view, spec);
    /** @type {Grid|null} */
    this.grid = null;
    this.most = 0;
    this.surveyedAt = NaN;
    this.movedTo = NaN;
    this.key = ''; // of what the steps of time were chosen for
    this.cells = new Cells();
    this.cursor = h('div', { class: 'heat-cursor', hidden: true });
    this.rule = h('div', { class: 'heat-rule', hidden: true });
    this.plot = h('div', { class: 'heat-plot', tabindex: '0', role: 'img' }, this.cells.canvas, this.rule, this.cursor);
    this.scales = new HeatAxes();
    div.append(this.plot, this.scales.y, this.scales.x, this.scales.legend);
    this.pointer = new HeatPointer(this);
    this.zooming = new HeatZoom(this);
    this.label = '';
    this.ramp = RAMPS.light;
    this.#dress();
    const { signal } = this.ended;
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#dress(), { signal });
    const themed = new MutationObserver(() => this.#dress());
    themed.observe(document.documentElement, { attributeFilter: ['data-theme'] });
    signal.addEventListener('abort', () => themed.disconnect());
  }

  #dress() {
    const theme = document.documentElement.dataset.theme || (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light');
    this.ramp = theme === 'dark' ? RAMPS.dark : RAMPS.light;
    this.dirty = true;
  }

  get plotWidth() {
    return Math.max(40, this.width - MARGIN.l - MARGIN.r);
  }

  get plotHeight() {
    return Math.max(40, this.height - MARGIN.t - MARGIN.b);
  }

  get unit() {
    const first = this.traces.values().next();
    return first.done ? null : this.unitOf(first.value.series);
  }

  *paint() {
    const key = `${this.span} ${this.plotWidth} ${this.plotHeight} ${this.shown.length}`;
    const late = !(Math.abs(this.right - this.surveyedAt) < Math.max(SURVEY_S, this.span / 30));
    if (this.regrouped || late || key !== this.key) yield* this.#survey(key);
    this.regrouped = false;
    const grid = /** @type {Grid} */ (this.grid);
    if (this.right - this.span < grid.first * grid.stepS || !(yield* this.#count(grid))) yield* this.#anew(grid.stepS, grid.scale);
    this.#show(/** @type {Grid} */ (this.grid));
  }

  /** Looks at all values in view: whether scale and steps still fit them. @param {string} key */
  *#survey(key) {
    const seen = yield* this.#values();
    const rows = Math.max(6, Math.round(this.plotHeight / ROW_PX));
    const held = this.grid && key === this.key ? this.grid : null;
    const scale = heatScale(seen, this.unit, rows, this.spec, held?.scale ?? null);
    const stepS = this.#step(held);
    this.surveyedAt = this.right;
    this.key = key;
    if (!held || this.regrouped || scale !== held.scale || stepS !== held.stepS) yield* this.#anew(stepS, scale);
  }

  /** No finer than samples come: else a column without any would mean nothing. @param {Grid|null} held */
  #step(held) {
    const intervalS = Math.min(60, ...this.shown.map(({ series }) => series.interval ?? 0));
    const wanted = Math.max(timeStep(this.span, Math.floor(this.plotWidth / COLUMN_PX)), timeStep(0.8 * intervalS, 1));
    const fits = held && held.stepS >= 0.8 * intervalS && held.stepS <= 2 * wanted && held.stepS >= wanted / 2;
    return fits ? held.stepS : wanted;
  }

  /** @returns {Generator<void, Survey>} */
  *#values() {
    const ranges = this.shown.map(({ series }) => {
      const ring = /** @type {import('../client/rings.js').Ring} */ (series.ring);
      return { ring, begin: ring.from(this.right - this.span), end: ring.after(this.right) };
    });
    const every = Math.ceil(ranges.reduce((sum, { begin, end }) => sum + end - begin, 0) / SURVEYED) || 1;
    const some = [];
    let [low, high, index] = [Infinity, -Infinity, 0];
    for (const { ring, begin, end } of ranges) {
      const values = ring.values.slice(begin, end); // what comes meanwhile may move what is held
      for (const value of values) {
        if (value < low) low = value;
        if (value > high) high = value;
        if (index++ % every === 0 && !Number.isNaN(value)) some.push(value);
      }
      yield;
    }
    some.sort((a, b) => a - b);
    const quantile = (/** @type {number} */ share) => some[Math.floor(share * (some.length - 1))] ?? NaN;
    return low <= high ? { low, high, p5: quantile(0.05), p95: quantile(0.95) } : { low: NaN, high: NaN, p5: NaN, p95: NaN };
  }

  /** @param {number} stepS @param {import('./scales.js').Scale} scale */
  *#anew(stepS, scale) {
    const grid = new Grid(stepS, scale, Math.floor((this.right - this.span) / stepS));
    if (!(yield* this.#count(grid))) this.dirty = true; // something came late meanwhile: again, soon
    this.grid = grid;
  }

  /** @param {Grid} grid @returns {Generator<void, boolean>} false: everything has to be counted anew */
  *#count(grid) {
    let at = 0;
    for (const { series } of this.shown) {
      if (!grid.take(series.id, series.ring, this.isLive ? Infinity : this.right)) return false;
      if (++at % EVERY === 0) yield;
    }
    return true;
  }

  /** @param {Grid} grid */
  #show(grid) {
    const { min, max } = this.spec;
    if ((grid.below && (min ?? null) === null) || (grid.above && (max ?? null) === null)) {
      this.surveyedAt = NaN; // the scale does not reach: the next drawing has another
      this.dirty = true;
    }
    const count = Math.ceil(this.span / grid.stepS) + 1;
    const last = grid.columnOf(this.right);
    grid.drop(last - count);
    const { most, samples } = grid.survey(last - count + 1, last);
    this.most = roundMost(this.most, most);
    this.cells.draw(grid, last, count, this.most, this.ramp);
    const perSecond = this.plotWidth / this.span;
    this.cells.canvas.style.width = `${(count * grid.stepS * perSecond).toFixed(2)}px`;
    this.#move(this.right);
    this.tickS = grid.stepS / 2;
    this.scales.show(this, grid.scale);
    this.#describe(samples, grid.scale);
    this.pointer.show();
  }

  slide() {
    const { to, width } = this.view;
    if (!this.isLive || width !== this.span || !this.grid || Math.abs(to - this.movedTo) * (this.plotWidth / this.span) < STEP_PX) return false;
    this.#move(to);
    return true;
  }

  /** @param {number} right Unix seconds at the right edge */
  #move(right) {
    this.movedTo = right;
    const left = ((this.cells.last + 1 - this.cells.canvas.width) * /** @type {Grid} */ (this.grid).stepS - right + this.span) * (this.plotWidth / this.span);
    this.cells.canvas.style.transform = `translateX(${left.toFixed(2)}px)`;
  }

  /** @param {number} samples @param {import('./scales.js').Scale} scale */
  #describe(samples, { from, to }) {
    const label = `Heat map of ${this.spec.title || this.spec.metric || 'values'} over ${formatAge(this.span)}: ${samples ? `values from ${formatValue(from, this.unit)} to ${formatValue(to, this.unit)}, ${this.traces.size} series, up to ${this.most} samples a cell` : 'no samples'}. Arrow keys read cells.`;
    if (label === this.label) return;
    this.label = label;
    this.plot.setAttribute('aria-label', label);
  }
}
