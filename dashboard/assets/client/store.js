/** The series that the page knows, whatever keys the broadcaster's present epoch gives them. */

import { EventRing, Ring } from './rings.js';

const EVENTS_KEPT = 1000;
const BEHIND_S = 300; // samples that come later than this, again and again, are of a clock that is wrong (or of a replay)
const AHEAD_S = 2;
const SURE = 3; // times in a row

/** @param {string} metric @param {Record<string, string>} tags @returns {string} */
export function identity(metric, tags = {}) {
  return JSON.stringify([metric, Object.entries(tags).sort(([a], [b]) => (a < b ? -1 : 1))]);
}

/**
 * @typedef {object} Series
 * @property {string} id
 * @property {string} metric
 * @property {Record<string, string>} tags
 * @property {string|null} unit
 * @property {string} kind
 * @property {string|null} help
 * @property {Ring|EventRing} ring
 * @property {number} interval usual seconds between samples
 * @property {number} heardAt when it was last described or had samples, in seconds of `Store.connectedS`
 * @property {number} arrivedAt server time at which live samples came last, or NaN
 * @property {number} off how many times in a row they were far from the time at which they came
 * @property {number} unpaintedTime time of the newest live sample that no frame has shown yet, or NaN
 */

export class Store {
  /**
   * @param {number} capacity samples kept of each series @param {number} forgetS seconds; 0: never
   * @param {() => number} now server time
   */
  constructor(capacity, forgetS, now) {
    this.capacity = capacity;
    this.forgetS = forgetS;
    this.now = now;
    this.lost = 0; // samples that were announced as dropped, of all series, since it was last told which lines they are missing from
    this.connectedS = 0; // silence counts only while something could be heard
    /** @type {Map<string, Series>} */
    this.series = new Map();
    /** @type {Map<number, Series>} keys of the present connection */
    this.keys = new Map();
    this.counters = { samples: 0, backfilled: 0, conflated: 0, merged: 0 };
    /** @type {(series: Series) => void} */
    this.onDescribed = () => {};
    /** @type {(series: Series) => void} */
    this.onForgotten = () => {};
    /** @type {(series: Series, times: number[], values: any[], how: 'live'|'backfill'|'conflated') => void} */
    this.onSamples = () => {};
    /** @type {(time: number) => void} the newest of a series' live samples */
    this.onLive = () => {};
    /** @type {(count: number) => void} */
    this.onReceived = () => {};
  }

  /** A new connection: keys may mean something else now. @param {any[]} descriptors */
  connected(descriptors) {
    this.keys.clear();
    this.describe(descriptors ?? []);
  }

  /** @param {any[]} descriptors */
  describe(descriptors) {
    for (const each of descriptors) {
      const id = identity(each.metric, each.tags ?? {});
      let series = this.series.get(id);
      if (!series || (series.kind === 'event') !== (each.kind === 'event')) {
        series = this.#create(id, each);
        this.series.set(id, series);
      }
      series.unit = each.unit ?? null;
      series.help = each.help ?? null;
      series.heardAt = this.connectedS;
      this.keys.set(each.key, series);
      this.onDescribed(series);
    }
  }

  /** @param {string} id @param {any} descriptor @returns {Series} */
  #create(id, { metric, tags, kind }) {
    const ring = kind === 'event' ? new EventRing(EVENTS_KEPT) : new Ring(this.capacity);
    return { id, metric, tags: tags ?? {}, unit: null, kind, help: null, ring, interval: 1, heardAt: 0, arrivedAt: NaN, off: 0, unpaintedTime: NaN };
  }

  /** @param {number} key @returns {string} */
  identify(key) {
    return this.keys.get(key)?.id ?? '';
  }

  /** The whole history is about to come again. */
  age() {
    for (const series of this.series.values()) series.ring.age();
  }

  breakLines() {
    for (const series of this.series.values()) series.ring.breakLine();
  }

  /** @param {any[][]} columns [key, times, values] of a `samples` message @param {'live'|'backfill'|'conflated'} how */
  take(columns, how) {
    let count = 0;
    for (const [key, times, values] of columns) {
      const series = this.keys.get(key);
      if (!series || !times.length) continue;
      if (!this.series.has(series.id)) this.#remember(series);
      series.heardAt = this.connectedS;
      count += times.length;
      if (how === 'conflated') series.ring.breakLine(this.lost);
      this.#push(series, times, values);
      if (how === 'live') {
        series.unpaintedTime = times[times.length - 1];
        this.#arrived(series, this.now());
        this.onLive(series.unpaintedTime);
      }
      this.onSamples(series, times, values, how);
    }
    if (how === 'conflated') this.lost = 0;
    this.counters.samples += count;
    if (how === 'backfill') this.counters.backfilled += count;
    if (how === 'conflated') this.counters.conflated += count;
    if (how !== 'backfill') this.onReceived(count);
  }

  /** @param {Series} series @param {number[]} times @param {any[]} values */
  #push(series, times, values) {
    const { ring } = series;
    const before = ring.lastTime;
    for (let at = 0; at < times.length; at++) {
      if (!ring.push(times[at], values[at])) this.counters.merged++;
    }
    const each = (times[times.length - 1] - before) / times.length;
    if (each > 0) series.interval += (Math.min(each, 60) - series.interval) * 0.2;
  }

  /** @param {Series} series @param {number} now */
  #arrived(series, now) {
    const lag = now - series.ring.lastTime;
    series.arrivedAt = now;
    series.off = lag > BEHIND_S || lag < -AHEAD_S ? series.off + 1 : 0;
  }

  /** So much time passed while connected: who was silent for too long is forgotten. @param {number} seconds */
  pass(seconds) {
    this.connectedS += seconds;
    if (!this.forgetS) return;
    for (const series of this.series.values()) {
      if (this.connectedS - series.heardAt > this.forgetS) this.#forget(series);
    }
  }

  /** Its key goes on meaning it, so only its samples go. @param {Series} series */
  #forget(series) {
    this.series.delete(series.id);
    series.ring = series.kind === 'event' ? new EventRing(EVENTS_KEPT) : new Ring(this.capacity, 0);
    this.onForgotten(series);
  }

  /** It was forgotten and speaks again. @param {Series} series */
  #remember(series) {
    this.series.set(series.id, series);
    this.onDescribed(series);
  }

  /** @param {Series} series @returns {number} seconds since its newest sample; NaN if it has none */
  ageOf(series) {
    const age = this.now() - series.ring.lastTime;
    return series.off >= SURE ? Math.max(age, this.now() - series.arrivedAt) : age;
  }

  /** @param {Series} series @returns {number} seconds by which its clock is behind, or (below 0) ahead; 0: nothing is known to be wrong */
  lagOf({ off, arrivedAt, ring }) {
    return off >= SURE ? arrivedAt - ring.lastTime : 0;
  }

  /** @param {Series} series @returns {number} seconds in which nothing came: a clock that is wrong makes nobody silent, or lively */
  #silenceOf(series) {
    return series.off >= SURE ? this.now() - series.arrivedAt : this.ageOf(series);
  }

  /** @param {Series} series @returns {boolean} */
  isStale(series) {
    return series.kind !== 'event' && this.#silenceOf(series) > Math.max(3, 3 * series.interval);
  }
}
