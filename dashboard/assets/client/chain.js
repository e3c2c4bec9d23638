/**
 * What the page knows of the completeness of its stream. Pure.
 *
 * 1. Live batches form a chain: each names the one before it (`prev`). Where that is not the last one seen and no `gap`
 *    announced the hole, something was lost and nobody said so.
 * 2. The position to resume from moves only with live and conflated messages, which prove that everything before them is
 *    here. Backfill comes in pieces, of which none says whether it is the last; so the samples of an interrupted one are
 *    counted by series, and a resume from the same position, which replays them in the same order, leaves as many out.
 */

export class Chain {
  constructor() {
    /** @type {string|null} */
    this.epoch = null;
    /** @type {string|null} */
    this.cursor = null;
    /** @type {number|null} */
    this.seq = null;
    this.asked = 'history';
    /** @type {Map<string, number>} samples of the backfill since `cursor`, by series */
    this.replayed = new Map();
    /** @type {Map<string, number>} of those, still to be left out */
    this.skipping = new Map();
  }

  /** @returns {{resume: string}|null} what to subscribe with; null: there is nothing to resume */
  request() {
    this.asked = this.cursor === null ? 'history' : 'resume';
    return this.cursor === null ? null : { resume: this.cursor };
  }

  /**
   * @param {string} epoch of this connection @param {any} message `subscribed`
   * @returns {boolean} whether what follows continues what the page holds
   */
  subscribed(epoch, message) {
    const continues = this.asked === 'resume' && message.resumed === true;
    this.epoch = epoch;
    this.seq = message.seq;
    if (continues) {
      this.skipping = new Map(this.replayed);
    } else {
      this.cursor = null;
      this.skipping.clear();
      this.replayed.clear();
    }
    return continues;
  }

  /**
   * @param {string} series @param {number} count samples of a backfill message
   * @returns {number} how many of them, from the first, came before
   */
  backfilled(series, count) {
    const skip = Math.min(count, this.skipping.get(series) ?? 0);
    if (skip) this.skipping.set(series, (this.skipping.get(series) ?? 0) - skip);
    if (this.asked === 'resume') this.replayed.set(series, (this.replayed.get(series) ?? 0) + count - skip);
    return skip;
  }

  /** @param {any} message live `samples` @returns {boolean} false if an unannounced hole is before it */
  live(message) {
    const whole = this.seq === null || message.prev === this.seq;
    this.seq = message.seq;
    this.#moved(message.cursor);
    return whole;
  }

  /** @param {any} message conflated `samples` */
  conflated(message) {
    this.#moved(message.cursor);
  }

  /**
   * @param {any} message `gap`; one that begins earlier is of a backfill whose samples were evicted before their turn
   * @returns {boolean} false if something before it is missing too
   */
  gap(message) {
    const whole = this.seq === null || message.from <= this.seq;
    this.seq = Math.max(this.seq ?? 0, message.to);
    return whole;
  }

  /** @param {string} cursor */
  #moved(cursor) {
    if (cursor) this.cursor = cursor;
    this.replayed.clear();
    this.skipping.clear();
  }
}
