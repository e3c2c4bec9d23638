/**
 * Counters as what they gained a second. A counter that fell began anew at zero, as Prometheus has it, so its value is what it
 * gained since. Pure.
 */

import { DerivedRing, lossBefore } from './derived_ring.js';

/** @typedef {import('./client/rings.js').Ring} Ring */

/** @param {number} before @param {number} value @returns {number} */
export const gained = (before, value) => (value >= before ? value - before : value);

/**
 * @param {Ring} ring @param {number} first @param {number} last index @returns {number} a second, over the samples after the first up to the last;
 *   an explicit gap begins anew; NaN: it takes two samples
 */
export function rateOver(ring, first, last) {
  const { times, values } = ring;
  let gain = 0;
  let at = last;
  for (; at > first && !Number.isNaN(values[at] - values[at - 1]); at--) gain += gained(values[at - 1], values[at]);
  const seconds = times[last] - times[at];
  return seconds > 0 ? gain / seconds : NaN;
}

/** @param {string|null} unit of a counter @returns {string|null} of its rate */
export function rateUnit(unit) {
  if (!unit || unit === '1') return '1/s';
  return unit === 's' ? null : `${unit}/s`; // seconds a second are a share
}

/** The rate of one series: a sample for each of its samples but the first. */
export class Rate {
  /** @param {import('./client/store.js').Series} source @param {number} capacity samples kept */
  constructor(source, capacity) {
    this.source = source;
    this.ring = new DerivedRing(capacity);
    this.from = -Infinity; // time of the first sample that has not been looked at
  }

  get waits() {
    return this.from < Infinity;
  }

  /** @param {ArrayLike<number>} times of samples that came */
  received(times) {
    for (let at = 0; at < times.length; at++) if (times[at] < this.from) this.from = times[at];
  }

  /** @returns {number} time from which on something changed; Infinity: nothing */
  update() {
    const source = /** @type {Ring} */ (this.source.ring);
    if (!this.waits || !source.length) return Infinity;
    const { from } = this;
    this.ring.cut(from);
    for (let at = source.from(from); at < source.end; at++) this.#append(source, at);
    this.from = Infinity;
    return from;
  }

  /** @param {Ring} source @param {number} at */
  #append(source, at) {
    if (source.isBroken(at)) this.ring.breakLine(lossBefore(source, at));
    const value = at > source.start ? rateOver(source, at - 1, at) : NaN;
    if (!Number.isNaN(value)) this.ring.push(source.times[at], value);
    else if (Number.isNaN(source.values[at])) this.ring.push(source.times[at], NaN);
  }
}
