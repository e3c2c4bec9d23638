/** What a panel shows in the place of the series it selects: their rates, or one series of many. Pure. */

import { Group } from './group.js';
import { Rate, rateUnit } from './rate.js';

/**
 * @typedef {object} How
 * @property {string|null} [aggregate] null: each on its own @property {string[]} [group_by] tags that are kept
 * @property {boolean|null} [rate] per second; null: of counters only @property {string|null} [unit] instead of the published one
 */

/** @typedef {import('./client/store.js').Series} Series @typedef {Series & {from: Rate|Group}} Derived */

/** A raw counter only ever rises, which tells little: whoever wants that says so. @param {How} how @param {{kind: string}} series @returns {boolean} */
export const isRate = ({ rate }, { kind }) => kind !== 'event' && (rate ?? kind === 'counter');

/** @param {How} how @param {{unit: string|null, kind: string}} series @returns {string|null} of what is shown of it */
export function unitOf(how, series) {
  if (how.unit) return how.unit;
  if (how.aggregate === 'count') return null;
  return isRate(how, series) ? rateUnit(series.unit) : series.unit;
}

/** @param {How} how @param {Array<{kind: string}>} those @returns {string} in words what is shown of them; empty: they themselves */
export function wordsOf(how, those) {
  const rates = those.filter((series) => isRate(how, series)).length;
  const each = !rates ? '' : rates < those.length ? 'counters per second' : 'per second';
  const by = how.group_by?.length ? ` by ${how.group_by.join(', ')}` : '';
  const what = how.aggregate && `${how.aggregate} of ${those.length}${by}`;
  return [what, each].filter(Boolean).join(', ');
}

/** @param {How} how @param {Record<string, string>} tags @returns {Record<string, string>} those that what is worked out has */
function kept({ aggregate, group_by: keys }, tags) {
  return aggregate ? Object.fromEntries((keys ?? []).filter((key) => key in tags).map((key) => [key, tags[key]])) : tags;
}

/** @param {How} how @param {string} metric @param {Record<string, string>} tags that are kept @returns {string} */
function idOf({ aggregate }, metric, tags) {
  return JSON.stringify([metric, Object.entries(tags).sort(([a], [b]) => (a < b ? -1 : 1)), aggregate || 'rate']);
}

/** @param {How} how @param {Array<{metric: string, tags: Record<string, string>}>} those @returns {number} as how many series they are shown */
export function counted(how, those) {
  return new Set(those.map(({ metric, tags }) => idOf(how, metric, kept(how, tags)))).size;
}

export class Derivation {
  /** @param {How} how @param {number} capacity samples kept of each series */
  constructor(how, capacity) {
    this.how = how;
    this.capacity = capacity;
    /** @type {Map<string, Derived>} */
    this.derived = new Map();
    /** @type {Map<Series, Derived>} what each is part of */
    this.places = new Map();
    /** @type {WeakMap<Series, Series>} */
    this.relabelled = new WeakMap();
  }

  /** @param {Series} series @returns {Series} what is shown of it: maybe itself */
  add(series) {
    const rate = isRate(this.how, series);
    if (!this.how.aggregate && !rate) return this.how.unit ? this.#relabelled(series, this.how.unit) : series;
    const tags = kept(this.how, series.tags);
    const id = idOf(this.how, series.metric, tags);
    const shown = this.derived.get(id) ?? this.#open(id, series, tags);
    shown.unit = unitOf(this.how, series); // it may have been described anew
    if (shown.from instanceof Group) shown.from.add(series, rate);
    this.places.set(series, shown);
    return shown;
  }

  /** The same in everything but its unit. @param {Series} series @param {string} unit @returns {Series} */
  #relabelled(series, unit) {
    const shown = this.relabelled.get(series) ?? new Proxy(series, { get: (of, key) => (key === 'unit' ? unit : Reflect.get(of, key)) });
    this.relabelled.set(series, shown);
    return shown;
  }

  /** @param {string} id @param {Series} series @param {Record<string, string>} tags @returns {Derived} */
  #open(id, series, tags) {
    const from = this.how.aggregate ? new Group(this.how.aggregate, this.capacity) : new Rate(series, this.capacity);
    const derived = { ...series, id, tags, kind: 'gauge', ring: from.ring, off: 0, unpaintedTime: NaN, from };
    this.derived.set(id, derived);
    return derived;
  }

  /** @param {Series} series that was forgotten @returns {Series|null} what is shown no more; null: others are part of it */
  remove(series) {
    const shown = this.places.get(series);
    if (!shown) return this.relabelled.get(series) ?? series;
    this.places.delete(series);
    if (shown.from instanceof Group) {
      shown.from.remove(series);
      if (shown.from.members.size) return null;
    }
    this.derived.delete(shown.id);
    return shown;
  }

  /** @param {Series} series @param {ArrayLike<number>} times of samples that came @returns {boolean} whether something is worked out from it */
  received(series, times) {
    const shown = this.places.get(series);
    if (!shown) return false;
    if (shown.from instanceof Group) shown.from.received(series, times);
    else shown.from.received(times);
    shown.unpaintedTime = series.unpaintedTime;
    shown.arrivedAt = series.arrivedAt;
    shown.off = series.off;
    return true;
  }

  /** @param {number} now server time @param {() => boolean} enough whether the rest is for later @returns {number} time from which on something changed; Infinity: nothing */
  update(now, enough) {
    let changed = Infinity;
    for (const shown of this.derived.values()) {
      if (!shown.from.waits) continue;
      changed = Math.min(changed, shown.from.update(now, enough));
      shown.interval = shown.from instanceof Group ? shown.from.bins?.stepS ?? shown.interval : shown.from.source.interval;
      if (enough()) break;
    }
    return changed;
  }
}
