/**
 * One metric's chart. Plotly owns axes, grid and zooming; the lines are paths of our own inside its plot area, because
 * between axis changes writing those is an order of magnitude cheaper than any redraw of Plotly's. The x axis is in seconds
 * relative to the right edge of the view, so while live it never changes: the lines move under it.
 */

import { collect, emptyLine, pathData } from './decimate.js';
import { drawEvents } from './events.js';
import { timeTicks } from './format.js';
import { drawLosses, spansOf } from './losses.js';
import { svg } from './svg.js';
import { fitted, lettering, waysToWrite } from './tick_labels.js';
import { axisFor } from './value_axis.js';

export const MARGIN = { l: 68, r: 14, t: 10, b: 24 };
const HEIGHT = 190; // unless its element is made another
// Systems take two clicks for a double click if they come within 500 ms; Plotly's own 300 are short on a busy machine.
const CONFIG = {
  displayModeBar: false,
  doubleClick: false,
  doubleClickDelay: 500,
  scrollZoom: false,
  showTips: false,
  responsive: false,
};
const SHIFT_PX = 0.25; // a live line is moved when it is this far behind
const MOVED_PX = 8; // at most, before it is drawn anew: what has left the view no longer counts for the axis
const DENSE_PX = 3; // points of a line closer than this, on average: as a hairline, which is drawn many times faster without a GPU
const CROWDED = 3; // points of all lines for each pixel of width: the same
const LABEL_GAP = 6; // between a label of the value axis and the axis
const LABEL_EDGE = 4; // and the edge of the panel

/**
 * @typedef {object} Trace
 * @property {import('./client/store.js').Series} series
 * @property {import('./decimate.js').Line} line
 * @property {SVGElement} path
 * @property {boolean} shown unless a person hid it
 * @property {boolean} over beyond the most lines that are drawn
 * @property {boolean} drawn
 */

export class Chart {
  /**
   * @param {HTMLElement} div @param {import('./view.js').View} view
   * @param {() => import('./client/store.js').Series[]} events whose annotations it shows
   * @param {import('./value_axis.js').Ends} [ends] of the axis of values; what lies beyond is cut off
   */
  constructor(div, view, events, ends = {}) {
    this.div = div;
    this.tall = div.clientHeight || HEIGHT;
    this.outer = div.clientWidth; // asking in every frame makes the browser lay out the page in every frame
    this.view = view;
    this.events = events;
    this.ends = ends;
    /** @type {Map<string, Trace>} */
    this.traces = new Map();
    this.inSight = false;
    this.dirty = true;
    this.draws = 0;
    this.held = false; // while the pointer is down nothing may move under it
    this.axes = { from: 0, to: 0, right: NaN, live: true, low: NaN, high: NaN, size: 0, ticks: /** @type {number[]} */ ([]), unit: /** @type {string|null} */ (null), width: 0, height: 0 };
    this.right = view.right;
    this.writtenAt = NaN; // the right edge when the paths were written
    this.layer = svg('g', 'sg-layer');
    this.lines = svg('g', 'sg-lines');
    this.marks = svg('g', 'sg-events');
    this.losses = svg('g', 'sg-losses');
    this.layer.append(this.losses, this.marks, this.lines);
    /** @type {(() => void)[]} */
    this.onDraw = [];
    /** When it has come into sight, and rested there; when it has left it. @type {(inSight: boolean) => void} */
    this.onSight = () => {};
    this.ended = new AbortController();
    this.resized = new ResizeObserver(() => this.#resize());
    /** Whose words keep clear of each other. @type {Set<import('./bands.js').Bands>} */
    this.bands = new Set();
    this.#plot();
  }

  get width() {
    return Math.max(40, this.outer - MARGIN.l - MARGIN.r);
  }

  get height() {
    return this.tall - MARGIN.t - MARGIN.b;
  }

  get isLive() {
    return this.view.isLive;
  }

  /** @param {import('./client/store.js').Series} series @returns {Trace} */
  add(series) {
    const path = svg('path', 'sg-line');
    const trace = { series, line: emptyLine(), path, shown: true, over: false, drawn: false };
    this.traces.set(series.id, trace);
    this.lines.append(path);
    this.dirty = true;
    return trace;
  }

  /** @param {Trace} trace */
  remove(trace) {
    this.traces.delete(trace.series.id);
    trace.path.remove();
    this.dirty = true;
  }

  /** Lets go of everything beyond its own element. */
  close() {
    this.ended.abort();
    this.resized.disconnect();
    window.Plotly.purge(this.div);
  }

  /** Axis and lines where this frame wants them. @returns {boolean} whether anything was drawn */
  draw() {
    if (!this.inSight || this.held || !this.#due() || !this.outer) return false; // no width: filtered out
    if (!this.#move()) this.#redraw();
    this.draws++;
    for (const listener of this.onDraw) listener();
    return true;
  }

  /** With nothing new, a live line only moves to the left. @returns {boolean} whether that was enough */
  #move() {
    const { axes, view, width } = this;
    if (this.dirty || !this.isLive || !axes.live || axes.from !== -view.span || axes.width !== width || axes.height !== this.height) return false;
    const pixels = (view.right - this.writtenAt) * (width / view.span);
    if (!(pixels >= 0 && pixels <= MOVED_PX)) return false;
    this.right = view.right;
    this.#shift(-pixels);
    return true;
  }

  /** @param {number} pixels */
  #shift(pixels) {
    for (const group of [this.lines, this.marks, this.losses]) group.style.transform = pixels ? `translateX(${pixels.toFixed(2)}px)` : '';
  }

  #redraw() {
    const { width } = this;
    const { from, to, right } = this.#window();
    const traces = [...this.traces.values()].filter(isDrawn);
    for (const { series, line } of traces) collect(/** @type {any} */ (series.ring), right + from, right + to, width, line);
    this.right = right;
    this.#fitAxes(from, to, right, traces);
    this.#write(traces, right + from);
    drawLosses(this.losses, spansOf(traces.map(({ line }) => line)), right + from, width / (to - from), this.height);
    drawEvents(this.marks, this.events(), right + from, right + to, width, this.height);
    this.writtenAt = right;
    this.#shift(0);
    this.dirty = false;
  }

  #resize() {
    this.outer = this.div.clientWidth;
    this.tall = this.div.clientHeight || this.tall;
    this.dirty = true;
  }

  #due() {
    if (this.dirty) return true;
    return this.isLive && (this.view.right - this.right) * (this.width / this.view.span) >= SHIFT_PX;
  }

  #window() {
    return { from: -this.view.width, to: 0, right: this.view.to };
  }

  /** @param {Trace[]} traces @param {number} left time at pixel 0 */
  #write(traces, left) {
    const { low, high, from, to } = this.axes;
    const perSecond = this.width / (to - from);
    const plot = this.div.querySelector('.cartesianlayer .overplot > .xy');
    if (plot && this.layer.parentNode !== plot) plot.append(this.layer);
    const crowded = traces.reduce((sum, { line }) => sum + line.count, 0) > CROWDED * this.width;
    for (const { path, line } of traces) {
      path.setAttribute('d', pathData(line, left, perSecond, high, -this.height / (high - low)));
      path.classList.toggle('lone', line.count === 1);
      path.classList.toggle('dense', crowded || line.count * DENSE_PX > this.width);
    }
    for (const trace of this.traces.values()) {
      trace.drawn = isDrawn(trace);
      trace.path.style.display = trace.drawn ? '' : 'none';
    }
  }

  /** @param {number} from @param {number} to @param {number} right @param {Trace[]} traces */
  #fitAxes(from, to, right, traces) {
    const wanted = this.#range(traces);
    const { axes, width, height, unit } = this;
    const live = this.isLive;
    const same = axes.from === from && axes.to === to && axes.live === live && axes.width === width && axes.height === height && axes.unit === unit;
    if (same && axes.low === wanted.low && axes.high === wanted.high && (live || axes.right === right)) return;
    this.axes = { from, to, right, live, width, height, unit, ...wanted };
    const x = timeTicks(from, to, right, live, Math.max(2, Math.floor(width / 70)));
    const y = this.#valueTicks(wanted);
    window.Plotly.relayout(this.div, {
      width: this.outer,
      height: this.tall,
      'xaxis.range': [from, to],
      'xaxis.tickvals': x.values,
      'xaxis.ticktext': x.texts,
      'yaxis.range': [wanted.low, wanted.high],
      'yaxis.tickvals': y.values,
      'yaxis.ticktext': y.texts,
    });
  }

  /** @param {Trace[]} traces @returns {import('./value_axis.js').Axis} */
  #range(traces) {
    const lines = traces.map((trace) => trace.line).filter((line) => !Number.isNaN(line.low));
    const values = { low: Math.min(...lines.map((line) => line.low)), high: Math.max(...lines.map((line) => line.high)) };
    const { low, high, size, ticks } = this.axes;
    return axisFor({ low, high, size, ticks }, this.axes.unit === this.unit, values, this.unit, this.ends);
  }

  get unit() {
    const first = this.traces.values().next();
    return first.done ? null : first.value.series.unit;
  }

  /** @param {{size: number, ticks: number[]}} axis */
  #valueTicks({ size, ticks }) {
    const { px, widthOf } = lettering(this.div);
    const { texts, size: share } = fitted(waysToWrite(ticks, size, this.unit), MARGIN.l - LABEL_GAP - LABEL_EDGE, widthOf);
    this.div.style.setProperty('--tick', `${(share * px).toFixed(2)}px`);
    return { values: ticks, texts: texts.map(plain) };
  }

  #plot() {
    const axis = { zeroline: false, showgrid: true, ticks: '', automargin: false, tickmode: 'array', tickvals: [], ticktext: [] };
    const layout = {
      width: this.outer, height: this.tall, margin: { ...MARGIN, pad: 0 }, showlegend: false, hovermode: false,
      // A finger scrolls the page.
      dragmode: matchMedia('(pointer: coarse)').matches ? false : 'zoom',
      paper_bgcolor: 'rgba(0,0,0,0)', plot_bgcolor: 'rgba(0,0,0,0)', font: { size: 11 },
      xaxis: { ...axis, ticklabelstandoff: 4, range: [-this.view.span, 0] }, yaxis: { ...axis, ticklabelstandoff: LABEL_GAP, range: [0, 1], fixedrange: true },
    };
    window.Plotly.newPlot(this.div, [{ type: 'scatter', x: [], y: [] }], layout, CONFIG);
    const plotted = /** @type {any} */ (this.div);
    plotted.on('plotly_relayout', (/** @type {any} */ change) => this.#relaid(change));
    plotted.on('plotly_doubleclick', () => this.view.live());
    this.div.addEventListener('pointerdown', () => { this.held = this.inSight; }, true);
    const { signal } = this.ended;
    addEventListener('pointerup', () => setTimeout(() => { this.held = false; }), { signal });
    addEventListener('pointercancel', () => { this.held = false; }, { signal });
    this.resized.observe(this.div);
  }

  /** Only a person's zoom (or, with shift, pan) names the ends of the range one by one. @param {any} change */
  #relaid(change) {
    const from = change['xaxis.range[0]'];
    const to = change['xaxis.range[1]'];
    if (from === undefined || to === undefined) return;
    this.axes.width = 0; // Plotly has another range than this one knows
    this.held = false;
    this.dirty = true;
    this.view.zoomTo(this.right + from, this.right + to, this.view.range !== null && Math.abs(to - from - this.view.width) < 1e-3);
  }

  /** @param {number} x pixels from the left of the plot area @returns {number} Unix seconds */
  timeAt(x) {
    return this.right + this.axes.from + (x / this.width) * (this.axes.to - this.axes.from);
  }

  /** @param {number} time @returns {number} pixels */
  pixelOf(time) {
    return ((time - this.right - this.axes.from) / (this.axes.to - this.axes.from)) * this.width;
  }
}

/** @param {Trace} trace @returns {boolean} */
function isDrawn({ shown, over }) {
  return shown && !over;
}

/** Plotly reads some HTML in its texts, links too; what comes from producers is only text. @param {string} text */
function plain(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
