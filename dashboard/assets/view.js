/** What part of time is shown. One for the page. */

import { niceTicks } from './format.js';

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
  }

  /** Once a frame. */
  advance() {
    if (this.paused) return;
    this.right = this.now();
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
}
