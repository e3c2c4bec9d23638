/** Samples that were worked out from others, and are worked out again when those come late. Pure. */

import { Ring } from './client/rings.js';

/** @param {Ring} ring @param {number} at of a sample before which samples were lost @returns {number} how many, of all series; 0: unknown */
export function lossBefore(ring, at) {
  return ring.losses.find(({ until }) => until === ring.times[at])?.samples ?? 0;
}

export class DerivedRing extends Ring {
  /** Lets go of what is at that time or later. @param {number} time */
  cut(time) {
    this.end = this.from(time);
    this.losses = this.losses.filter(({ until }) => until < time);
    this.broken = false;
  }

  /**
   * The one sample of (after, until], in place of what was there.
   * @param {number} after @param {number} until @param {number} time in between @param {number} value @param {number} lost samples before it; -1: none
   */
  put(after, until, time, value, lost) {
    this.drop(after, until);
    if (lost >= 0) this.breakLine(lost);
    else this.broken = false;
    this.push(time, value);
  }

  /** Lets go of the one sample of (after, until], if there is one. @param {number} after @param {number} until */
  drop(after, until) {
    const at = this.after(after);
    if (at >= this.end || this.times[at] > until) return;
    const time = this.times[at];
    this.losses = this.losses.filter(({ until }) => until !== time);
    for (const array of [this.times, this.values, this.flags]) array.copyWithin(at, at + 1, this.end);
    this.end--;
  }
}
