/** What a series says at a time, against what it said before. Pure. */

import { digits, formatAge, formatValue, scale } from '../format.js';

const SURE = 3; // samples in a row that were far from their time, as the store has it
const NOISE = 1e-12; // of two numbers' size: their difference is that of rounding

/**
 * @typedef {object} Reading
 * @property {number} value NaN: an explicit gap
 * @property {number} time
 * @property {number} ageS
 * @property {boolean} stale it should have spoken again by now
 * @property {number} lagS by which its clock is behind, or (below 0) ahead; 0: nothing is known to be wrong
 * @property {number} first value in the window before it, NaN: none
 */

/**
 * The newest sample while live, else the one that was the newest at `right`.
 * @param {{ring: any, interval?: number, off?: number, arrivedAt?: number}} series @param {number} right @param {number} span seconds of the window @param {boolean} live
 * @returns {Reading|null} null: it had said nothing yet
 */
export function read({ ring, interval = 1, off = 0, arrivedAt = 0 }, right, span, live) {
  const at = (live ? ring.end : ring.after(right)) - 1;
  if (at < ring.start) return null;
  const time = ring.times[at];
  let begin = ring.from(right - span);
  while (begin < at && Number.isNaN(ring.values[begin])) begin++;
  const skewed = live && off >= SURE; // a clock that is wrong makes nobody silent, or lively
  const ageS = Math.max(0, right - (skewed ? arrivedAt : time));
  return { value: ring.values[at], time, ageS, stale: ageS > Math.max(3, 3 * interval), lagS: skewed ? arrivedAt - time : 0, first: begin < at ? ring.values[begin] : NaN };
}

/** @param {any} ring @param {number} left @param {number} right @returns {{low: number, high: number}} of all samples of [left, right]; NaN: none */
export function extremes(ring, left, right) {
  const { values } = ring;
  const end = ring.after(right);
  let low = Infinity;
  let high = -Infinity;
  for (let at = ring.from(left); at < end; at++) {
    const value = values[at];
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? { low, high } : { low: NaN, high: NaN };
}

/** @param {Reading|null} reading @returns {number} since the start of the window; NaN: unknown */
export function changeOf(reading) {
  if (!reading) return NaN;
  const { value, first } = reading;
  const delta = value - first;
  return Math.abs(delta) <= NOISE * Math.max(Math.abs(value), Math.abs(first)) ? 0 : delta;
}

/**
 * @param {Reading|null} reading @param {string|null} unit
 * @returns {{arrow: string, size: string, share: string}|null} null: there is nothing to compare with
 */
export function changeText(reading, unit) {
  const delta = changeOf(reading);
  if (!reading || !Number.isFinite(delta)) return null;
  if (delta === 0) return { arrow: '→', size: 'no change', share: '' };
  const sign = delta > 0 ? '+' : '−';
  const size = unit === '%' ? `${digits(Math.abs(delta))}\u202fpp` : sizeText(Math.abs(delta), Math.max(Math.abs(reading.value), Math.abs(reading.first)), unit);
  return { arrow: delta > 0 ? '▲' : '▼', size: sign + size, share: shareText(reading.value, reading.first, sign) };
}

/** In the value's own unit, if that has no prefix: half a degree, not 500 thousandths of one. @param {number} size @param {number} beside @param {string|null} unit */
function sizeText(size, beside, unit) {
  const { factor, suffix } = scale(beside, unit);
  return factor === 1 && size >= 1e-3 ? digits(size) + suffix : formatValue(size, unit);
}

/** @param {number} value @param {number} first @param {string} sign @returns {string} empty: it says nothing */
function shareText(value, first, sign) {
  const percent = Math.abs((value - first) / first) * 100;
  if (!Number.isFinite(percent)) return '';
  if (percent < 0.05) return `<0.1\u202f%`;
  if (percent < 999.5) return `${sign}${percent < 9.95 ? digits(Number(percent.toFixed(1))) : Math.round(percent)}\u202f%`;
  return value / first > 0 && percent < 1e8 ? `×${digits(value / first)}` : '';
}

/** @param {Reading|null} reading @returns {string} empty: it is fresh, and its clock is right */
export function ageText(reading) {
  if (!reading) return '';
  const { stale, ageS, lagS } = reading;
  if (stale) return `${formatAge(ageS)} ago`;
  return lagS ? `${formatAge(Math.abs(lagS))} ${lagS > 0 ? 'behind' : 'ahead'}` : '';
}
