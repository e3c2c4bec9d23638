/** How panels are drawn, by name. */

import { Bars } from './bars.js';
import { Heat } from './heat.js';
import { Stat } from './stat.js';
import { Table } from './table.js';

/** @type {Record<string, typeof import('./kind.js').Kind>} */
const KINDS = { stat: Stat, bars: Bars, heat: Heat, table: Table };

/** For choosing one: name, and what it shows. @type {Array<[string, string]>} */
export const CHOICES = [
  ['lines', 'Lines over time'],
  ['stat', 'Tiles: value, change, small line'],
  ['bars', 'Bars: the greatest first'],
  ['table', 'Table: the greatest first'],
  ['heat', 'Heat map: how values are spread'],
];

/** @param {string} name @returns {typeof import('./kind.js').Kind|null} null: as lines */
export function kindOf(name) {
  return Object.hasOwn(KINDS, name) ? KINDS[name] : null;
}
