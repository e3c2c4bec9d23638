/** When to try again: the protocol's schedule for clients that lost their connection. Pure; the twin of ingest/backoff.py. */

export const CEILING_S = 30;
export const HEALTHY_S = 30;
export const CANNOT_CONNECT = 5;

/** Full jitter under a ceiling that doubles from 1 s to 30 s. Times are seconds of any one clock. */
export class Backoff {
  /** @param {() => number} random in [0, 1) */
  constructor(random = Math.random) {
    this.random = random;
    this.failures = 0; // in a row
    /** @type {number|null} */
    this.connectedAt = null;
  }

  /** So many failures that a person should be told; the attempts go on at the ceiling. */
  get exhausted() {
    return this.failures >= CANNOT_CONNECT;
  }

  /** @param {number} now */
  connected(now) {
    this.connectedAt = now;
  }

  /** @param {number} now still connected: a healthy connection clears the record */
  healthy(now) {
    if (this.connectedAt !== null && now - this.connectedAt >= HEALTHY_S) this.failures = 0;
  }

  /**
   * An attempt failed or a connection was lost.
   * @param {number} now @param {[number, number]|null} [spread] what the server asked for in `bye.after`
   * @returns {number} seconds to wait before the next attempt
   */
  failed(now, spread = null) {
    this.healthy(now);
    this.connectedAt = null;
    this.failures++;
    if (spread) return spread[0] + this.random() * Math.max(0, spread[1] - spread[0]);
    return this.random() * (this.exhausted ? CEILING_S : Math.min(CEILING_S, 2 ** (this.failures - 1)));
  }
}
