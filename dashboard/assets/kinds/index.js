/** How panels are drawn, by name. */

import { Stat } from './stat.js';

/** @type {Record<string, typeof import('./kind.js').Kind>} */
const KINDS = { stat: Stat };

/** @param {string} name @returns {typeof import('./kind.js').Kind|null} null: as lines */
export function kindOf(name) {
  return Object.hasOwn(KINDS, name) ? KINDS[name] : null;
}
