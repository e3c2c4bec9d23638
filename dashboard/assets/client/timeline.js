/** What became of this tab's connection, and when. Pure. */

const KEPT = 500;

/** @typedef {{at: number, state: string, why: string}} Change local seconds */

export class Timeline {
  constructor() {
    /** @type {Change[]} */
    this.changes = [];
  }

  /** @param {number} at @param {string} state @param {string} [why] */
  add(at, state, why = '') {
    if (this.changes[this.changes.length - 1]?.state === state) return;
    this.changes.push({ at, state, why });
    if (this.changes.length > KEPT) this.changes.shift();
  }

  /**
   * @param {number} from @param {number} to
   * @returns {Array<{state: string, from: number, to: number}>} within [from, to], in order
   */
  segments(from, to) {
    return this.changes
      .map(({ at, state }, index) => ({ state, from: Math.max(at, from), to: Math.min(this.changes[index + 1]?.at ?? to, to) }))
      .filter((segment) => segment.to > segment.from);
  }

  /** @param {number} from @param {number} to @returns {number|null} share of that time since it first was live in which it was; null: it never was */
  liveShare(from, to) {
    const first = this.changes.find(({ state }) => state === 'live');
    const segments = first ? this.segments(Math.max(from, first.at), to) : [];
    const length = (/** @type {typeof segments} */ those) => those.reduce((sum, each) => sum + each.to - each.from, 0);
    const all = length(segments);
    return all ? length(segments.filter(({ state }) => state === 'live')) / all : null;
  }

  /** @param {number} now @param {number} count @returns {Array<Change & {lastedS: number}>} newest first */
  newest(now, count) {
    const with_ = this.changes.map((change, index) => ({ ...change, lastedS: (this.changes[index + 1]?.at ?? now) - change.at }));
    return with_.slice(-count).reverse();
  }
}
