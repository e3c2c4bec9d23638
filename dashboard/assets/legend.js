/** Which colour, words and value each line of a panel has, and that a person can hide it or see it alone. */

import { formatAge, formatValue } from './format.js';
import { reachOf, valueAt } from './hover.js';
import { h, say } from './html.js';

const HOW = 'Click: hide or show. Double click, or Shift and Enter: this line alone, and all again.';
const NONE = '–';
const CROWDED = 16; // entries are read seldom while a person points, and laid out once their panel rests in sight

/**
 * @typedef {object} Entry
 * @property {import('./client/store.js').Series} series
 * @property {import('./charts.js').Trace} trace
 * @property {string} mark
 * @property {HTMLElement} item
 * @property {HTMLElement} node
 * @property {HTMLElement} label
 * @property {HTMLElement} value
 * @property {HTMLElement} age
 * @property {number} slot of colour and dash; -1: none yet
 * @property {boolean} stale
 * @property {boolean} silent stale, and none of it in view
 * @property {boolean} over beyond the most that are drawn
 */

/**
 * @param {import('./client/store.js').Series} series @param {import('./charts.js').Trace} trace @param {string} mark @param {boolean} silent
 * @returns {Entry}
 */
export function entryOf(series, trace, mark, silent) {
  const [label, value, age] = ['label', 'value', 'age'].map((name) => h('span', { class: `entry-${name}` }));
  const node = h('button', { class: 'entry', 'aria-pressed': 'true', title: HOW, 'aria-keyshortcuts': 'Shift+Enter' }, h('span', { class: 'swatch' }), label, value, age);
  node.dataset.series = series.id;
  return { series, trace, mark, item: h('li', {}, node), node, label, value, age, slot: -1, stale: false, silent, over: false };
}

/**
 * A click toggles at once, so a double click first takes that back.
 * @param {Entry} entry @param {import('./choice.js').Choice} choice @param {() => string[]} marks of its panel
 */
export function choosable({ node, mark }, choice, marks) {
  let before = choice.texts;
  node.addEventListener('click', ({ detail, shiftKey }) => {
    if (detail < 2) before = choice.texts;
    if (detail === 2) choice.read(before);
    if (detail === 2 || shiftKey) choice.isolate(mark, marks());
    else if (detail < 2) choice.toggle(mark, marks());
  });
}

/** @param {Iterable<Entry>} entries @param {import('./choice.js').Choice} choice @returns {boolean} whether any changed */
export function choose(entries, choice) {
  const all = [...entries];
  const shown = choice.shown(all.map(({ mark }) => mark));
  let changed = false;
  for (const { trace, mark, node } of all) {
    if (trace.shown === shown(mark)) continue;
    trace.shown = !trace.shown;
    node.setAttribute('aria-pressed', String(trace.shown));
    changed = true;
  }
  return changed;
}

/** What the legend says of each line: its value where a person points, or at the right edge of what is shown. */
export class Values {
  /** @param {import('./view.js').View} view @param {HTMLElement} legend */
  constructor(view, legend) {
    this.view = view;
    this.legend = legend;
    this.turn = 0;
    this.pointed = false;
  }

  /** @param {Map<string, Entry>} entries @param {number} width pixels of the plot area @param {boolean} [pointing] only because the pointer moved */
  tell(entries, width, pointing = false) {
    const { view } = this;
    const { share } = view.crosshair;
    if (pointing && share !== null && entries.size > CROWDED && this.turn++ % 5) return;
    const released = this.pointed && share === null;
    this.pointed = share !== null;
    this.legend.classList.toggle('pointed', this.pointed);
    const time = share === null ? NaN : view.from + share * view.width;
    const reach = reachOf(view.width, width);
    for (const { item, series, value } of entries.values()) {
      if (item.hidden) continue;
      const ring = /** @type {import('./client/rings.js').Ring} */ (series.ring);
      if (share !== null) say(value, textOf(valueAt(ring, time, reach), series.unit));
      else if (view.isLive) say(value, textOf(ring.length ? ring.lastValue : undefined, series.unit));
      else if (view.range || released || value.textContent === '' || value.textContent === NONE) say(value, textOf(lastOf(ring, view.to), series.unit));
    }
  }
}

/** @param {import('./client/rings.js').Ring} ring @param {number} to @returns {number|undefined} */
function lastOf(ring, to) {
  const at = ring.after(to) - 1;
  return at < ring.start ? undefined : ring.values[at];
}

/** @param {number|undefined} value @param {string|null} unit */
const textOf = (value, unit) => (value === undefined ? NONE : formatValue(value, unit));

/** @param {Entry} entry @param {import('./client/store.js').Store} store @param {boolean} all of the panel are stale, or of a wrong clock: it says so itself */
export function tellAge({ item, series, age, stale }, store, all) {
  if (item.hidden) return;
  say(age, all ? '' : stale ? `${formatAge(store.ageOf(series))} ago` : lagText(store.lagOf(series)));
}

/** @param {number} lag seconds behind the broadcaster's clock; below 0: ahead @returns {string} */
export function lagText(lag) {
  return lag ? `${formatAge(Math.abs(lag))} ${lag > 0 ? 'behind' : 'ahead'}` : '';
}

/** @param {number} count @returns {boolean} */
export const isCrowded = (count) => count > CROWDED;
