/** How often a time fell between two bounds, over the last minute. Pure. */

export const BOUNDS_MS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000];
const SLOT_S = 5;

export class Histogram {
  /** @param {number} windowS */
  constructor(windowS = 60) {
    this.windowS = windowS;
    /** @type {Array<{at: number, counts: number[]}>} */
    this.slots = [];
  }

  /** @param {number} now seconds @param {number} ms */
  add(now, ms) {
    const at = Math.floor(now / SLOT_S) * SLOT_S;
    let slot = this.slots[this.slots.length - 1];
    if (slot?.at !== at) {
      slot = { at, counts: new Array(BOUNDS_MS.length + 1).fill(0) };
      this.slots.push(slot);
      this.#forget(now);
    }
    const index = BOUNDS_MS.findIndex((bound) => ms <= bound);
    slot.counts[index < 0 ? BOUNDS_MS.length : index]++;
  }

  /** @param {number} now */
  #forget(now) {
    this.slots = this.slots.filter(({ at }) => at > now - this.windowS - SLOT_S);
  }

  /** @param {number} now @returns {number[]} up to each of BOUNDS_MS, and above all */
  counts(now) {
    this.#forget(now);
    const sums = new Array(BOUNDS_MS.length + 1).fill(0);
    for (const { counts } of this.slots) counts.forEach((count, index) => { sums[index] += count; });
    return sums;
  }
}

/** @param {number} index @returns {string} what fell there */
export function bucketLabel(index) {
  const name = (/** @type {number} */ ms) => (ms >= 1000 ? `${ms / 1000} s` : `${ms} ms`);
  if (index === BOUNDS_MS.length) return `over ${name(BOUNDS_MS[index - 1])}`;
  return index ? `${name(BOUNDS_MS[index - 1])} to ${name(BOUNDS_MS[index])}` : `up to ${name(BOUNDS_MS[0])}`;
}
