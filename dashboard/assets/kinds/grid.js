/**
 * How many samples fell into which cell of time and value. Time is cut at multiples of the step, so that a column stays what it
 * is while the view moves on, and only what is new is counted. Pure.
 */

import { rowOf } from './scales.js';

/** @typedef {import('./scales.js').Scale} Scale */

export class Grid {
  /** @param {number} stepS seconds a column @param {Scale} scale of values @param {number} first column: older samples do not count */
  constructor(stepS, scale, first) {
    this.stepS = stepS;
    this.scale = scale;
    this.first = first;
    /** @type {Map<number, Uint32Array>} counts from the bottom, by column; none: no samples then */
    this.columns = new Map();
    /** @type {Map<string, {time: number, received: number}>} how far each series is counted */
    this.counted = new Map();
    /** @type {Set<number>} columns that changed since they were drawn */
    this.touched = new Set();
    this.below = false; // something lies below the scale
    this.above = false;
  }

  /** @param {number} time Unix seconds @returns {number} */
  columnOf(time) {
    return Math.floor(time / this.stepS);
  }

  /**
   * Counts what is new of a series.
   * @param {string} id @param {any} ring @param {number} right Unix seconds: later samples are left for later
   * @returns {boolean} false: something came late or again, so that everything has to be counted anew
   */
  take(id, ring, right) {
    const before = this.counted.get(id);
    const fresh = before ? ring.after(before.time) : ring.start;
    const end = right === Infinity ? ring.end : ring.after(right);
    if (before && ring.received - before.received !== ring.end - fresh) return false;
    if (before && fresh > ring.start && ring.times[fresh - 1] !== before.time) return false; // replaced
    const begin = Math.max(fresh, ring.from(this.first * this.stepS));
    for (let at = begin; at < end; at++) this.#count(ring.times[at], ring.values[at]);
    const time = end > ring.start ? ring.times[end - 1] : -Infinity;
    this.counted.set(id, { time: Math.max(time, before?.time ?? -Infinity), received: ring.received - Math.max(0, ring.end - Math.max(end, fresh)) });
    return true;
  }

  /** @param {number} time @param {number} value */
  #count(time, value) {
    if (Number.isNaN(value)) return;
    const column = this.columnOf(time);
    let counts = this.columns.get(column);
    if (!counts) this.columns.set(column, counts = new Uint32Array(this.scale.rows));
    counts[rowOf(this.scale, value)]++;
    this.touched.add(column);
    if (value < this.scale.from) this.below = true;
    if (value > this.scale.to) this.above = true;
  }

  /** @param {number} column what is before it has left the view */
  drop(column) {
    if (column <= this.first) return;
    this.first = column;
    for (const each of this.columns.keys()) if (each < column) this.columns.delete(each);
  }

  /** @param {number} from @param {number} to columns @returns {{most: number, samples: number}} in one cell, in all */
  survey(from, to) {
    let most = 0;
    let samples = 0;
    for (let column = from; column <= to; column++) {
      for (const count of this.columns.get(column) ?? []) {
        samples += count;
        if (count > most) most = count;
      }
    }
    return { most, samples };
  }
}
