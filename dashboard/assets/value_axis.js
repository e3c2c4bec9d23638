/** The axis of values of a chart: from where to where, and where its ticks are. Pure. */

import { niceTicks, scale } from './format.js';

const LARGEST = 4e307; // an axis can reach: its length is a number too
const SMALLEST = 1e-290; // difference that an axis shows
const CLOSE = 1e-4; // of the values: what is added to the lowest is what is read
const SPARE = 0.06; // beyond the values, of their difference
const FULL = 0.4; // an axis stays while the values take as much of it: one that twitches cannot be read
const ZEROED = 0.6; // an axis begins at 0 if the lowest value is less than so much of the highest
const ZEROED_UNTIL = 0.75; // and is let go of only here

/**
 * @typedef {object} Axis
 * @property {number} low @property {number} high NaN: not known yet
 * @property {number} size of the largest, in whose prefix ticks are round
 * @property {number[]} ticks
 */
/** @typedef {{min?: number|null, max?: number|null}} Ends that a person chose */

/**
 * @param {Axis} held the axis until now @param {boolean} same whether its unit is still what it was
 * @param {{low: number, high: number}} values low above high: there are none @param {string|null} unit @param {Ends} ends
 * @returns {Axis}
 */
export function axisFor(held, same, values, unit, ends) {
  const none = values.low > values.high;
  if (none && !Number.isNaN(held.low) && isAsChosen(held, ends)) return held;
  const { low, high } = bounded(none ? { low: 0, high: 1 } : values, ends);
  if (same && isAsChosen(held, ends) && low >= held.low && high <= held.high && isFull(held, low, high, unit)) return held;
  if (none && isFree(ends)) return { low: 0, high: 1, size: 0, ticks: [0, 0.5, 1] };
  return nice(low, high, unit, ends);
}

/** @param {Ends} ends */
const isFree = ({ min, max }) => (min ?? null) === null && (max ?? null) === null;

/** @param {Axis} held @param {Ends} ends */
const isAsChosen = (held, { min, max }) => held.low === (min ?? held.low) && held.high === (max ?? held.high);

/** Values that lie beyond a chosen end make no axis that is upside down. @param {{low: number, high: number}} values @param {Ends} ends */
function bounded({ low, high }, { min, max }) {
  const from = min ?? Math.max(-LARGEST, low);
  const to = max ?? Math.min(LARGEST, high);
  if (from < to || (from === to && isFree({ min, max }))) return { low: from, high: to };
  if ((min ?? null) !== null) return { low: from, high: from + (Math.abs(from) || 1) };
  return { low: to - (Math.abs(to) || 1), high: to };
}

/** @param {number} low @param {number} high @param {string|null} unit */
const isShare = (low, high, unit) => unit === '%' && low >= 0 && high <= 100;

/** @param {Axis} held @param {number} low @param {number} high @param {string|null} unit */
function isFull(held, low, high, unit) {
  const zeroed = held.low === 0 && (low < ZEROED_UNTIL * high || low === high || isShare(low, high, unit));
  return high - Math.min(low, zeroed ? 0 : low) >= FULL * (held.high - held.low);
}

/** @param {number} low @param {number} high @param {string|null} unit @param {Ends} ends @returns {Axis} */
function nice(low, high, unit, { min, max }) {
  if (isFree({ min, max }) && high - low < SMALLEST && Math.abs(high) < SMALLEST) return nothing(unit);
  const share = isShare(low, high, unit);
  const zeroed = (min ?? null) === null && low >= 0 && (share || low < ZEROED * high || low === high) ? 0 : low;
  const spare = high - zeroed || Math.abs(high);
  const size = Math.max(Math.abs(zeroed), Math.abs(high)); // ticks are round in the unit that fits it
  const { factor } = scale(spare < CLOSE * size ? spare : size, unit);
  const top = max ?? (share ? Math.min(100, high + SPARE * spare) : high + SPARE * spare);
  const bottom = min ?? (zeroed === 0 ? 0 : zeroed - SPARE * spare);
  const { from, to, ticks } = niceTicks(bottom / factor, top / factor, 5);
  const axis = { low: min ?? Math.min(from * factor, low), high: max ?? Math.max(to * factor, high) };
  const inside = ticks.map((tick) => tick * factor).filter((tick) => isFree({ min, max }) || (tick >= axis.low && tick <= axis.high));
  return { ...axis, size, ticks: inside.length > 1 ? inside : [axis.low, axis.high] };
}

/** The axis of a line that is always 0. @param {string|null} unit @returns {Axis} */
function nothing(unit) {
  const high = unit === '%' ? 100 : 1;
  return { low: 0, high, size: 0, ticks: unit === 'B' || unit === 'B/s' ? [0, 1] : [0, high / 2, high] };
}
