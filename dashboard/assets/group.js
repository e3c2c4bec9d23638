/**
 * One series of many, worked out in bins of their usual interval. A bin is worked out when one of its samples has come, however
 * late; each costs a look at every member, and many samples share it. Members count with their last value until they are silent
 * for so long that a line of theirs would be grey; then, as with an explicit gap, they do not count. Where no member says
 * anything there is no sample, and where samples of a member were lost the line is broken. Pure.
 */

import { aggregateOf } from './aggregate.js';
import { Bins, median, patience, readInto, stepFor, usualInterval } from './bins.js';
import { DerivedRing, lossBefore } from './derived_ring.js';

const SURVEY_S = 5; // between two looks at how often samples come
const AHEAD_S = 2; // samples from later than this wait until then: a clock that is ahead speaks for nobody else

/**
 * @typedef {object} Member
 * @property {import('./client/store.js').Series} series
 * @property {boolean} rate per second, not the value itself
 * @property {number} patienceS seconds for which its last value counts
 */

export class Group {
  /** @param {string} aggregate @param {number} capacity samples kept */
  constructor(aggregate, capacity) {
    this.aggregate = aggregateOf(aggregate);
    this.counts = aggregate === 'count';
    this.how = aggregate === 'min' || aggregate === 'max' ? aggregate : 'last';
    this.capacity = capacity;
    this.ring = new DerivedRing(capacity);
    /** @type {Map<import('./client/store.js').Series, Member>} */
    this.members = new Map();
    /** @type {Bins|null} null: nothing has been heard yet */
    this.bins = null;
    /** @type {Set<number>} bins to be worked out */
    this.dirty = new Set();
    this.newest = -Infinity; // bin
    this.surveyedAt = -Infinity;
    this.said = new Float64Array(16);
    this.reading = { value: NaN, time: NaN, brokenAt: -1, gap: false };
  }

  get waits() {
    return this.dirty.size > 0 || (!this.bins && this.members.size > 0);
  }

  /** @param {import('./client/store.js').Series} series @param {boolean} rate */
  add(series, rate) {
    if (this.members.has(series)) return;
    const member = { series, rate, patienceS: patience(usualInterval(ringOf(series)) || series.interval) };
    this.members.set(series, member);
    if (this.bins) this.#all(member);
  }

  /** What it said stays said. @param {import('./client/store.js').Series} series */
  remove(series) {
    this.members.delete(series);
  }

  /** @param {import('./client/store.js').Series} series @param {ArrayLike<number>} times of samples that came */
  received(series, times) {
    const member = this.members.get(series);
    if (!member || !this.bins) return;
    for (let at = 0; at < times.length; at++) this.newest = Math.max(this.newest, this.bins.at(times[at]));
    for (let at = 0; at < times.length; at++) this.#mark(this.bins.at(times[at]), times[at] + member.patienceS);
  }

  /** @param {number} bin the first @param {number} until time to which a value counts */
  #mark(bin, until) {
    const { dirty } = this;
    const last = Math.min(this.newest, /** @type {Bins} */ (this.bins).at(until));
    for (let each = Math.max(bin, last - this.capacity); each <= last; each++) dirty.add(each);
  }

  /** @param {Member} member whose every sample is to be looked at */
  #all({ series, patienceS }) {
    const ring = ringOf(series);
    if (!ring.length || !this.bins) return;
    this.newest = Math.max(this.newest, this.bins.at(ring.lastTime));
    this.#mark(this.bins.at(ring.times[ring.start]), ring.lastTime + patienceS);
  }

  /** How often samples come, and so how long a bin is. @param {number} now */
  #survey(now) {
    this.surveyedAt = now;
    const intervals = [];
    for (const member of this.members.values()) {
      const ring = ringOf(member.series);
      if (!ring.length) continue;
      const intervalS = usualInterval(ring) || member.series.interval;
      member.patienceS = patience(intervalS);
      intervals.push(intervalS);
    }
    if (!intervals.length) return;
    const stepS = stepFor(median(intervals), this.bins?.stepS);
    if (stepS === this.bins?.stepS) return;
    this.bins = new Bins(stepS);
    this.newest = -Infinity;
    this.dirty.clear();
    this.ring.cut(-Infinity);
    for (const member of this.members.values()) this.#all(member);
  }

  /**
   * Works out what waits, the newest first.
   * @param {number} now server time @param {() => boolean} enough whether the rest is for later @returns {number} time from which on something changed; Infinity: nothing
   */
  update(now, enough) {
    if (!(Math.abs(now - this.surveyedAt) < SURVEY_S) || !this.bins) this.#survey(now);
    if (!this.bins || !this.dirty.size) return Infinity;
    const newest = Math.min(this.newest, this.bins.at(now + AHEAD_S));
    const oldest = Math.max(newest - this.capacity + 1, this.bins.at(this.#known()));
    let changed = Infinity;
    for (const bin of Float64Array.from(this.dirty).sort().reverse()) {
      if (bin > newest) continue;
      this.dirty.delete(bin);
      if (bin >= oldest && this.#work(bin)) changed = Math.min(changed, this.bins.edge(bin - 1));
      if (enough()) break;
    }
    return changed;
  }

  /** @returns {number} time before which samples of a member have been dropped */
  #known() {
    let known = -Infinity;
    for (const { series } of this.members.values()) {
      const ring = ringOf(series);
      if (ring.length >= ring.capacity) known = Math.max(known, ring.times[ring.start]);
    }
    return known;
  }

  /** @param {number} bin @returns {boolean} whether any member says something in it */
  #work(bin) {
    const bins = /** @type {Bins} */ (this.bins);
    const { reading } = this;
    let [count, time, lost, gap] = [0, -Infinity, -1, false];
    if (this.said.length < this.members.size) this.said = new Float64Array(2 * this.members.size);
    for (const { series, rate, patienceS } of this.members.values()) {
      const ring = ringOf(series);
      readInto(ring, bins, bin, patienceS, rate ? 'rate' : this.how, reading);
      if (reading.time > time) time = reading.time;
      gap ||= reading.gap;
      if (reading.brokenAt >= 0) lost = Math.max(lost, lossBefore(ring, reading.brokenAt));
      if (!Number.isNaN(reading.value)) this.said[count++] = reading.value;
    }
    const [begin, edge] = [bins.edge(bin - 1), bins.edge(bin)];
    if (time === -Infinity || !(count || gap)) this.ring.drop(begin, edge); // the first sample of a counter has no rate, and is no gap either
    else this.ring.put(begin, edge, time, count || this.counts ? this.aggregate(this.said, count) : NaN, lost);
    return time > -Infinity;
  }
}

/** @param {import('./client/store.js').Series} series @returns {import('./client/rings.js').Ring} */
const ringOf = (series) => /** @type {import('./client/rings.js').Ring} */ (series.ring);
