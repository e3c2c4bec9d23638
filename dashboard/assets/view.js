/** What part of time is shown, where in it a person points, and which lines. One for the page. */

import { Choice } from './choice.js';
import { Crosshair } from './crosshair.js';
import { niceTicks } from './format.js';

const NARROWEST_S = 2e-3; // of a zoom; its ends are told to the millisecond
const WIDEST_S = 1e9;

/**
 * @typedef {{from: number, to: number}} Range Unix seconds
 * @typedef {{range: Range|null, at: number|null}} Moment looked back at, or paused with this at the right edge; both null: live
 */

export class View {
  /** @param {() => number} now server time @param {() => number} earliest time of the oldest sample held */
  constructor(now, earliest) {
    this.now = now;
    this.earliest = earliest;
    this.windowS = 60; // 0: the whole history
    this.paused = false;
    this.filter = '';
    this.right = now();
    this.span = 60;
    /** @type {Range|null} looked back at */
    this.range = null;
    this.stepS = 0; // the right edge moves in steps of so many seconds; 0: with the time
    this.crosshair = new Crosshair();
    this.choice = new Choice();
    /** A person wants to see another part of time. @type {(moment: Moment, replace: boolean) => void} */
    this.onMoved = ({ range }) => this.show(range);
  }

  get isLive() {
    return !this.range && !this.paused;
  }

  /** @returns {'live'|'paused'|'looking back'} */
  get state() {
    if (this.range) return 'looking back';
    return this.paused ? 'paused' : 'live';
  }

  get to() {
    return this.range ? this.range.to : this.right;
  }

  /** Seconds shown. */
  get width() {
    return this.range ? this.range.to - this.range.from : this.span;
  }

  get from() {
    return this.to - this.width;
  }

  /** Once a frame. */
  advance() {
    if (this.paused) return;
    const now = this.now();
    this.right = this.stepS ? Math.ceil(now / this.stepS) * this.stepS : now;
    this.span = this.windowS || this.#whole();
  }

  /** Seconds back to the oldest sample, rounded up so that the axis changes rarely. */
  #whole() {
    const needed = Math.max(30, this.right - this.earliest());
    if (!Number.isFinite(needed)) return 30;
    const fits = needed <= this.span && needed > 0.6 * this.span;
    return fits ? this.span : niceTicks(0, needed * 1.05, 5).to;
  }

  /** @param {boolean} paused @param {number} windowS @param {string} filter */
  set(paused, windowS, filter) {
    if (windowS !== this.windowS) this.span = windowS || this.#whole();
    this.windowS = windowS;
    this.paused = paused;
    this.filter = filter.trim().toLowerCase();
  }

  /** @param {Range|null} range as the URL has it */
  show(range) {
    this.range = range;
  }

  /** @param {number} from @param {number} to Unix seconds @param {boolean} [replace] not a step to go back from @returns {boolean} false: too narrow */
  zoomTo(from, to, replace = false) {
    const width = Math.min(WIDEST_S, to - from);
    if (!(width >= NARROWEST_S)) return false;
    this.onMoved({ range: { from: thousandths(to - width), to: thousandths(to) }, at: null }, replace);
    return true;
  }

  /** To see more (above 1) or less (below 1) around the middle. @param {number} factor @returns {boolean} */
  zoomBy(factor) {
    const width = this.width * factor;
    const to = Math.min(this.now(), this.to + (width - this.width) / 2);
    return this.zoomTo(to - width, to, this.range !== null);
  }

  /** So far to the right, or to the left (below 0), as a share of what is shown. At the newest samples it follows them. @param {number} share */
  pan(share) {
    const now = this.now();
    const step = share * this.width;
    if (share > 0 && (this.isLive || now - this.to < step / 2)) return this.live();
    const to = Math.min(now, this.to + step);
    this.zoomTo(to - this.width, to, this.range !== null);
    return undefined;
  }

  /** Follow the newest samples. */
  live() {
    this.onMoved({ range: null, at: null }, false);
  }
}

/** @param {number} time */
const thousandths = (time) => Math.round(time * 1000) / 1000;
