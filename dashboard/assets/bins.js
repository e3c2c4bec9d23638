/**
 * Time cut into bins, so that series whose samples come at different times can be read side by side: bin n is
 * ((n - 1) * step, n * step]. Pure.
 */

import { rateOver } from './rate.js';

const STEPS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5, 1, 2, 5, 10, 15, 30, 60];
const LOOKED_AT = 20; // intervals, the newest
const SAME = 1.9; // a step stays while samples come no more than so many times as often, or as seldom
const PATIENT = 3; // intervals without a sample, until a series is silent
const PATIENT_S = 3; // at least: as Store.isStale has it

/** @typedef {import('./client/rings.js').Ring} Ring */

/** @param {Ring} ring @returns {number} seconds: the median of the newest; NaN: fewer than two samples */
export function usualInterval({ times, start, end }) {
  const intervals = [];
  for (let at = Math.max(start + 1, end - LOOKED_AT); at < end; at++) if (times[at] > times[at - 1]) intervals.push(times[at] - times[at - 1]);
  return median(intervals);
}

/** @param {number[]} numbers which it sorts @returns {number} NaN: of none */
export function median(numbers) {
  return numbers.sort((a, b) => a - b)[numbers.length >> 1] ?? NaN;
}

/** @param {number} intervalS usual @param {number} [held] the step up to now @returns {number} seconds, round */
export function stepFor(intervalS, held = NaN) {
  if (intervalS <= held * SAME && intervalS >= held / SAME) return held;
  const off = (/** @type {number} */ step) => Math.abs(Math.log(step / intervalS));
  return STEPS.reduce((best, step) => (off(step) < off(best) ? step : best));
}

/** @param {number} intervalS @returns {number} seconds for which the last value counts */
export const patience = (intervalS) => Math.max(PATIENT_S, PATIENT * intervalS);

export class Bins {
  /** @param {number} stepS */
  constructor(stepS) {
    this.stepS = stepS;
    this.perS = stepS < 1 ? Math.round(1 / stepS) : 1 / stepS;
  }

  /** @param {number} bin @returns {number} its last moment */
  edge(bin) {
    return this.stepS < 1 ? bin / this.perS : bin * this.stepS;
  }

  /** @param {number} time @returns {number} bin */
  at(time) {
    const bin = Math.ceil(this.stepS < 1 ? time * this.perS : time / this.stepS);
    if (this.edge(bin) < time) return bin + 1;
    return this.edge(bin - 1) >= time ? bin - 1 : bin;
  }
}

/**
 * @typedef {object} Reading of a series in a bin
 * @property {number} value NaN: it says nothing
 * @property {boolean} gap it says that there is nothing
 * @property {number} time of its newest sample in this bin; NaN: it has none
 * @property {number} brokenAt index of a sample of this bin before which samples were lost; -1: none
 */

/**
 * What a series says in a bin: its last value, if it is not silent for too long. Written into `reading`, for it is asked very often.
 * @param {Ring} ring @param {Bins} bins @param {number} bin @param {number} patienceS
 * @param {'last'|'min'|'max'|'rate'} how of several samples in one bin, an extreme is not passed over
 * @param {Reading} reading
 */
export function readInto(ring, bins, bin, patienceS, how, reading) {
  const edge = bins.edge(bin);
  const last = (ring.lastTime <= edge ? ring.end : ring.after(edge)) - 1;
  reading.value = reading.time = NaN;
  reading.brokenAt = -1;
  reading.gap = false;
  if (last < ring.start || edge - ring.times[last] > patienceS) return;
  reading.gap = Number.isNaN(ring.values[last]);
  const begin = bins.edge(bin - 1);
  reading.time = ring.times[last] > begin ? ring.times[last] : NaN;
  if (how === 'rate') reading.value = rateIn(ring, bins, last);
  else reading.value = ring.values[last];
  for (let at = last; at >= ring.start && ring.times[at] > begin; at--) {
    if (ring.isBroken(at)) reading.brokenAt = at;
    const value = ring.values[at];
    if ((how === 'min' && value < reading.value) || (how === 'max' && value > reading.value)) reading.value = value;
  }
}

/** Over its whole bin, and what led to it: nothing that was gained is passed over. @param {Ring} ring @param {Bins} bins @param {number} last */
function rateIn(ring, bins, last) {
  const begin = bins.edge(bins.at(ring.times[last]) - 1);
  let first = last;
  while (first > ring.start && ring.times[first] > begin) first--;
  return rateOver(ring, first, last);
}
