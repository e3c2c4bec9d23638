/**
 * An order of series by value that can be read: it is looked at again only now and then, and nobody passes another for the sake
 * of a little. Pure.
 */

const REST_S = 2;
const MARGIN = 0.02; // of what lies between the least and the greatest value

export class Ranking {
  constructor() {
    /** @type {string[]} */
    this.ids = [];
    /** @type {Set<string>} */
    this.blank = new Set(); // those that had no value then: with their first they are newcomers
    this.at = NaN; // when it was last looked at
    this.direction = -1;
  }

  /** From now on the other way, or by something else: exactly ordered at once. @param {number} direction 1: the least first */
  restart(direction) {
    this.direction = direction;
    this.ids = [];
  }

  /**
   * @param {Map<string, number>} values by id; NaN comes last @param {number} time seconds
   * @returns {string[]} ids in order; nobody is farther out of place than the margin
   */
  order(values, time) {
    const begins = (/** @type {string} */ id) => this.blank.has(id) && !Number.isNaN(values.get(id));
    const kept = this.ids.filter((id) => values.has(id) && !begins(id));
    const known = new Set(kept);
    const fresh = [...values.keys()].filter((id) => !known.has(id));
    const due = !(Math.abs(time - this.at) < REST_S);
    if (!kept.length) this.ids = this.#exactly(fresh, values);
    else if (fresh.length || due) this.ids = this.#settle([...kept, ...this.#exactly(fresh, values)], values, known);
    else this.ids = kept;
    if (due || fresh.length) {
      this.at = time;
      this.blank = new Set(this.ids.filter((id) => Number.isNaN(values.get(id))));
    }
    return this.ids;
  }

  /** @param {string[]} ids @param {Map<string, number>} values */
  #exactly(ids, values) {
    const weight = (/** @type {string} */ id) => this.#weight(/** @type {number} */ (values.get(id)));
    return ids.sort((a, b) => weight(b) - weight(a) || 0); // two infinities: as they came
  }

  /** @param {number} value @returns {number} the heaviest comes first */
  #weight(value) {
    return Number.isNaN(value) ? -Infinity : -this.direction * value;
  }

  /** Each goes before the first that it beats. @param {string[]} ids @param {Map<string, number>} values @param {Set<string>} known who has a place already */
  #settle(ids, values, known) {
    const weights = ids.map((id) => this.#weight(/** @type {number} */ (values.get(id))));
    const finite = weights.filter(Number.isFinite);
    const margin = finite.length ? MARGIN * Math.min(Number.MAX_VALUE, Math.max(...finite) - Math.min(...finite)) : 0;
    const order = [];
    const placed = [];
    let least = Infinity;
    ids.forEach((id, index) => {
      const spare = known.has(id) ? margin : 0;
      const beats = (/** @type {number} */ weight) => weights[index] > weight + spare;
      const at = beats(least) ? placed.findIndex(beats) : placed.length; // most beat nobody
      least = Math.min(least, weights[index]);
      order.splice(at, 0, id);
      placed.splice(at, 0, weights[index]);
    });
    return order;
  }
}
