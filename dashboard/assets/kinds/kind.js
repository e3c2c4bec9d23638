/**
 * What panels that are no line charts have in common: their series, and when they are drawn. To a panel and the scheduler a
 * kind is what `Chart` is. Figures need no sixty frames a second, so a drawing is followed by a rest, ten times as long as
 * it took; one that takes long is spread over frames.
 */

import { svg } from '../svg.js';

const REST_MS = 95; // at least, from the beginning of a drawing to the next: ten samples a second are each shown
const SHARE = 10;
const SLICE_MS = 4; // of one frame

/**
 * @typedef {object} Limit a threshold: reached when the value is above or below it
 * @property {number} [above] @property {number} [below] @property {'warn'|'bad'} level
 */

/**
 * @typedef {object} Spec of a panel, as far as its drawing goes
 * @property {string} [title] @property {string} [metric] @property {string|null} [unit] instead of the series' own
 * @property {number} [top] how many series at most @property {Limit[]} [thresholds] @property {number} [min] @property {number} [max] of the axis
 */

/**
 * @typedef {object} Trace
 * @property {import('../client/store.js').Series} series
 * @property {Element} path gets the series' colour and dash
 * @property {boolean} shown unless a person hid it
 * @property {boolean} over without meaning here: what is not drawn, a kind says itself
 */

export class Kind {
  /** @param {HTMLElement} div @param {import('../view.js').View} view @param {Spec} spec */
  constructor(div, view, spec) {
    this.div = div;
    this.view = view;
    this.spec = spec;
    /** @type {Map<string, Trace>} */
    this.traces = new Map();
    this.inSight = false;
    this.dirty = true;
    this.draws = 0;
    /** @type {(() => void)[]} */
    this.onDraw = [];
    /** When it has come into sight, and rested there; when it has left it. @type {(inSight: boolean) => void} */
    this.onSight = () => {};
    this.width = div.clientWidth; // asking in every frame makes the browser lay out the page in every frame
    this.height = div.clientHeight;
    this.right = view.to; // of what is drawn
    this.span = view.width;
    this.tickS = 0.25; // with nothing new, what is drawn is out of date after this
    this.restUntil = -Infinity;
    this.costMs = 0;
    /** @type {Generator<void>|null} a drawing under way */
    this.job = null;
    this.regrouped = true; // there are other series than before
    this.ended = new AbortController();
    this.resized = new ResizeObserver(([{ contentRect }]) => this.#resize(contentRect));
    this.resized.observe(div);
    div.classList.add('kind');
  }

  get isLive() {
    return this.view.isLive;
  }

  get axes() {
    return { from: -this.span, to: 0 };
  }

  /** Of the series, unless the panel says otherwise. @param {import('../client/store.js').Series} series @returns {string|null} */
  unitOf(series) {
    return this.spec.unit || series.unit;
  }

  /** @returns {Trace[]} those that a person did not hide */
  get shown() {
    return [...this.traces.values()].filter(({ shown }) => shown);
  }

  /** @param {import('../client/store.js').Series} series @returns {Trace} */
  add(series) {
    const trace = this.open(series);
    this.traces.set(series.id, trace);
    this.regrouped = true;
    this.dirty = true;
    return trace;
  }

  /** @param {import('../client/store.js').Series} series @returns {Trace} */
  open(series) {
    return { series, path: svg('path', ''), shown: true, over: false };
  }

  /** @param {Trace} trace */
  remove(trace) {
    this.traces.delete(trace.series.id);
    this.regrouped = true;
    this.dirty = true;
  }

  /** Lets go of everything beyond its own element. */
  close() {
    this.job = null;
    this.ended.abort();
    this.resized.disconnect();
    this.div.classList.remove('kind');
    this.div.replaceChildren();
  }

  /** A part of a drawing, if one is due. @returns {boolean} whether that completed it */
  draw() {
    if (!this.inSight || !this.width || !this.height) return false; // no size: filtered out
    const began = performance.now();
    this.job ??= this.#begin(began);
    if (!this.job) return this.slide();
    let done = false;
    do done = this.job.next().done ?? false;
    while (!done && performance.now() - began < SLICE_MS);
    this.costMs += performance.now() - began;
    if (!done) return false;
    this.job = null;
    this.restUntil = Math.max(this.restUntil, began + SHARE * this.costMs);
    this.draws++;
    for (const listener of this.onDraw) listener();
    return true;
  }

  /** @param {number} now ms @returns {Generator<void>|null} */
  #begin(now) {
    if (now < this.restUntil || !this.#due()) return null;
    this.dirty = false; // what comes while it is drawn is for the next time
    this.costMs = 0;
    this.restUntil = now + REST_MS;
    this.right = this.view.to;
    this.span = this.view.width;
    return this.paint();
  }

  #due() {
    return this.dirty || (this.isLive && Math.abs(this.view.to - this.right) >= this.tickS);
  }

  /** Between drawings. @returns {boolean} whether what is drawn was moved */
  slide() {
    return false;
  }

  /** Draws `[right - span, right]`; yields where it may be interrupted. @returns {Generator<void>} */
  *paint() {
    yield;
  }

  /** @param {{width: number, height: number}} size */
  #resize({ width, height }) {
    if (width === this.width && height === this.height) return;
    this.width = width;
    this.height = height;
    this.dirty = true;
  }
}
