/** Thresholds of a panel: which one a value has reached, in words. Pure. */

import { formatValue } from '../format.js';

/** @typedef {import('./kind.js').Limit} Limit */

const GRAVITY = { warn: 1, bad: 2 };

/** @param {number} value @param {Limit[]|undefined} limits @returns {Limit|null} the gravest that it has reached */
export function reached(value, limits) {
  /** @type {Limit|null} */
  let found = null;
  for (const limit of limits ?? []) {
    const beyond = (limit.above !== undefined && limit.above !== null && value > limit.above) || (limit.below !== undefined && limit.below !== null && value < limit.below);
    if (beyond && GRAVITY[limit.level] > (found ? GRAVITY[found.level] : 0)) found = limit;
  }
  return found;
}

/** @param {Limit} limit @returns {boolean} */
export const isUpper = (limit) => limit.above !== undefined && limit.above !== null;

/** @param {Limit} limit @returns {number} */
export const edgeOf = (limit) => Number(isUpper(limit) ? limit.above : limit.below);

/** @param {Limit} limit @param {string|null} unit @returns {string} */
export function limitText(limit, unit) {
  return `${isUpper(limit) ? 'above' : 'below'} ${formatValue(edgeOf(limit), unit)}`;
}
