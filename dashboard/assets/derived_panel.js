/** A panel that shows what it selects as it is, or what is worked out from it. */

import { Derivation, wordsOf } from './derived.js';
import { say } from './html.js';
import { Panel } from './panel.js';

const SLICE_MS = 4; // of one frame
const SHARE = 9; // rests so many times as long as it worked

/** @typedef {import('./client/store.js').Series} Series */

export class DerivedPanel extends Panel {
  /**
   * @param {string} metric @param {import('./view.js').View} view @param {() => Series[]} events
   * @param {number} capacity samples kept of each series @param {import('./derived.js').How} [how]
   */
  constructor(metric, view, events, capacity, how = {}) {
    super(metric, view, events);
    this.derivation = new Derivation(how, capacity);
  }

  /** @param {Series} series */
  add(series) {
    if (!this.chart) return;
    const before = this.derivation.places.size;
    super.add(this.derivation.add(series));
    if (this.derivation.places.size !== before) this.arranged = false;
  }

  /** @param {Series} series @returns {boolean} whether that was the last line */
  remove(series) {
    const shown = this.derivation.remove(series);
    if (shown) return super.remove(shown);
    this.arranged = false;
    return false;
  }

  /** Says beside the title what is done to them. */
  arrange() {
    const todo = !this.arranged;
    super.arrange();
    const words = todo && wordsOf(this.derivation.how, [...this.derivation.places.keys()]);
    if (!words) return;
    if (this.derivation.how.aggregate) say(this.common, words);
    else say(this.common, [this.common.textContent, words].filter(Boolean).join(' · '));
    const [only] = this.entries.values();
    if (this.entries.size === 1 && this.derivation.how.aggregate && !Object.keys(only.series.tags).length) say(only.label, this.derivation.how.aggregate);
  }

  /** Its samples came. @param {Series} series @param {ArrayLike<number>} times @param {boolean} shown whether what is new is to be seen */
  received(series, times, shown) {
    if (!this.derivation.received(series, times) && shown && this.entries.has(series.id)) this.invalidate();
  }

  /** A pause shows what it showed. @param {number} now server time @param {() => boolean} enough */
  derive(now, enough) {
    const from = this.derivation.update(now, enough);
    if (from < Infinity && (!this.view.paused || from < this.view.to)) this.invalidate();
  }
}

/** Works out what waits in panels that are in sight, for a part of a frame. */
export class Deriving {
  constructor() {
    this.restUntil = -Infinity;
    this.turn = 0;
  }

  /** @param {DerivedPanel[]} panels @param {number} now server time */
  work(panels, now) {
    const began = performance.now();
    const due = began < this.restUntil ? [] : panels.filter(({ chart, derivation }) => chart?.inSight && derivation.derived.size);
    if (!due.length) return;
    const enough = () => performance.now() - began > SLICE_MS;
    for (let done = 0; done < due.length && !enough(); done++) due[this.turn++ % due.length].derive(now, enough);
    this.restUntil = began + (1 + SHARE) * (performance.now() - began);
  }
}
