/** The axes of bars and of heat maps: which values they reach, and in which steps. Pure. */

import { digits, niceTicks, scale, tickDigits } from '../format.js';

const LARGEST = 4e307; // beyond it the length of an axis is no number
const FULL = 0.4; // an axis of which less is used is made anew
const LOG_FROM = 30; // the bulk of the values spans this factor: steps of equal factors show it
const LOG_UNTIL = 10; // and below this no longer
const STEPS = [1, 2, 3, 4, 5, 10, 20]; // rows between two ticks, or of half a decade

/** @typedef {{min?: number, max?: number}} Ends of an axis that a person chose */

/**
 * Of bars: it begins or ends at 0, and stays while the values fit it fairly.
 * @param {{from: number, to: number}|null} held @param {number} low @param {number} high @param {string|null} unit @param {Ends} ends
 * @returns {{from: number, to: number}}
 */
export function barRange(held, low, high, unit, { min, max }) {
  const least = Math.max(-LARGEST, Math.min(0, low));
  const most = Math.min(LARGEST, Math.max(0, high));
  if (unit === '%' && least === 0 && most <= 100) return { from: min ?? 0, to: max ?? 100 };
  if (least === most) return { from: min ?? 0, to: max ?? 1 };
  const fits = held && least >= held.from && most <= held.to && most - least >= FULL * (held.to - held.from);
  const { from, to } = fits ? held : niceTicks(least, most, 8);
  return { from: min ?? (least === 0 ? 0 : Math.min(from, least)), to: max ?? (most === 0 ? 0 : Math.max(to, most)) };
}

/**
 * @typedef {object} Scale of the values of a heat map: rows of equal difference, or of equal factor
 * @property {boolean} log @property {number} rows @property {number} from @property {number} to
 * @property {number[]} ticks
 */

/**
 * @typedef {object} Survey of the values in view
 * @property {number} low NaN: none @property {number} high @property {number} p5 @property {number} p95
 */

/**
 * @param {Survey} survey @param {string|null} unit @param {number} rows about how many @param {Ends} ends @param {Scale|null} held stays while the values fit it fairly
 * @returns {Scale}
 */
export function heatScale(survey, unit, rows, ends, held) {
  const low = ends.min ?? Math.max(-LARGEST, survey.low);
  const high = ends.max ?? Math.min(LARGEST, survey.high);
  if (Number.isNaN(low) || Number.isNaN(high)) return held ?? linear(0, 1, unit, rows);
  const log = isLog(survey, low, high, unit, held);
  if (held && held.log === log && survey.low >= held.from && survey.high <= held.to && isFull(held, low, high)) return held;
  if (log) return logarithmic(low, high, rows);
  return linear(zeroed(low, high, unit, ends), high, unit, rows);
}

/** @param {Survey} survey @param {number} low @param {number} high @param {string|null} unit @param {Scale|null} held */
function isLog({ p5, p95 }, low, high, unit, held) {
  return unit !== '%' && low > 0 && high > low && p95 / p5 >= (held?.log ? LOG_UNTIL : LOG_FROM);
}

/** Their quotient may be no number. @param {number} low @param {number} high above 0 */
const factors = (low, high) => Math.log(high) - Math.log(low);

/** @param {Scale} held @param {number} low @param {number} high */
function isFull({ log, from, to }, low, high) {
  if (log) return factors(low, high) >= FULL * factors(from, to);
  return high - (from === 0 ? 0 : low) >= FULL * (to - from);
}

/** From 0, unless that would leave most of it empty. @param {number} low @param {number} high @param {string|null} unit @param {Ends} ends */
function zeroed(low, high, unit, { min }) {
  if (min !== undefined && min !== null) return min;
  return low >= 0 && (unit === '%' || low < 0.6 * high || low === high) ? 0 : low;
}

/** @param {number} low @param {number} high @param {string|null} unit @param {number} rows @returns {Scale} */
function linear(low, high, unit, rows) {
  const { factor } = scale(Math.max(Math.abs(low), Math.abs(high)), unit);
  const top = high > low ? high : low + (Math.abs(low) || 1);
  const nice = niceTicks(low / factor, top / factor, 4);
  const ticks = nice.ticks.map((tick) => tick * factor);
  const gaps = Math.max(1, ticks.length - 1);
  return { log: false, rows: gaps * nearest(rows / gaps), from: Math.min(low, ticks[0]), to: Math.max(top, ticks[gaps] ?? top), ticks };
}

/** Whole halves of decades. @param {number} low above 0 @param {number} high @param {number} rows @returns {Scale} */
function logarithmic(low, high, rows) {
  const first = Math.max(-614, Math.floor(2 * Math.log10(low) + 1e-9));
  const last = Math.max(first + 2, Math.min(616, Math.ceil(2 * Math.log10(high) - 1e-9)));
  const halves = last - first;
  const every = Math.ceil(halves / 12);
  const ticks = [];
  for (let power = Math.ceil(first / 2); power <= last / 2; power += every) ticks.push(10 ** power);
  return { log: true, rows: halves <= rows ? halves * nearest(rows / halves) : rows, from: Math.min(10 ** (first / 2), low), to: Math.max(10 ** (last / 2), high), ticks };
}

/** @param {number} wanted @returns {number} */
function nearest(wanted) {
  return STEPS.reduce((best, each) => (Math.abs(Math.log(each / wanted)) < Math.abs(Math.log(best / wanted)) ? each : best));
}

/** @param {Scale} scale @param {number} value @returns {number} 0 at the bottom, 1 at the top; beyond: beyond */
export function placeOf({ log, from, to }, value) {
  return log ? factors(from, value) / factors(from, to) : (value - from) / (to - from);
}

/** @param {Scale} scale @param {number} value @returns {number} from the bottom; what lies beyond the axis counts as at its end */
export function rowOf(scale, value) {
  if (scale.log && value <= 0) return 0;
  const row = Math.floor(placeOf(scale, value) * scale.rows + 1e-9);
  return Math.max(0, Math.min(scale.rows - 1, row));
}

/** @param {Scale} scale @param {number} row @returns {[number, number]} values at its bottom and top */
export function edgesOf({ log, from, to, rows }, row) {
  const at = (/** @type {number} */ edge) => {
    const value = log ? Math.exp(Math.log(from) + (edge / rows) * factors(from, to)) : from + (edge / rows) * (to - from);
    return !log && Math.abs(value) < 1e-9 * (to - from) ? 0 : Number(value.toPrecision(12)); // what a person would write
  };
  return [at(row), at(row + 1)];
}

/** @param {Scale} axis @param {string|null} unit @returns {Array<{at: number, text: string}>} from the bottom, 0 to 1 */
export function ticksOf(axis, unit) {
  const { log, ticks } = axis;
  const together = scale(Math.max(...ticks.map(Math.abs)), unit);
  const step = ((ticks[1] ?? 2 * ticks[0]) - ticks[0]) / together.factor;
  return ticks.map((tick) => {
    const { factor, suffix } = log ? scale(tick, unit) : together;
    return { at: placeOf(axis, tick), text: (log ? digits(tick / factor) : tickDigits(tick / factor, step)) + suffix };
  });
}
