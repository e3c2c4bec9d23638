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

const WRITTEN = /^(above|over|>=?|below|under|<=?)?\s*(-?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)(?:\s+(warn|warning|bad|critical))?$/i;
const LOWER = /^(below|under|<)/;
const GRAVE = /^(bad|critical)$/;

/** @param {Limit[]|null|undefined} limits @returns {string} as a person writes them */
export function written(limits) {
  return (limits ?? []).map((limit) => `${isUpper(limit) ? 'above' : 'below'} ${edgeOf(limit)} ${limit.level}`).join(', ');
}

/**
 * @param {string} text `above 90 bad, below 5 warn`, or shorter as people try it: `> 90 bad`, `90` @returns {Limit[]|null} null: that is not what it is
 */
export function limitsOf(text) {
  const parts = text.split(',').map((part) => WRITTEN.exec(part.trim()));
  if (!text.trim()) return [];
  if (parts.some((part) => part === null || Math.abs(Number(part[2])) > 1e300)) return null;
  return parts.map((part) => {
    const [, side, edge, level] = /** @type {RegExpExecArray} */ (part).map((each) => each?.toLowerCase() ?? '');
    return /** @type {Limit} */ ({ [LOWER.test(side) ? 'below' : 'above']: Number(edge), level: GRAVE.test(level) ? 'bad' : 'warn' });
  });
}
