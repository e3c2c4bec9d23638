/** Rates, quantiles and the estimate of the server's clock. Pure. */

/** Things a second over the last few seconds. */
export class Rate {
  /** @param {number} windowS */
  constructor(windowS = 5) {
    this.windowS = windowS;
    /** @type {Array<[number, number]>} second, count */
    this.slots = [];
  }

  /** @param {number} now seconds @param {number} count */
  add(now, count) {
    const second = Math.floor(now);
    const last = this.slots[this.slots.length - 1];
    if (last && last[0] === second) last[1] += count;
    else this.slots.push([second, count]);
    if (this.slots.length > this.windowS + 2) this.slots.shift();
  }

  /** @param {number} now @returns {number} over whole seconds: the one under way is left out */
  perSecond(now) {
    const end = Math.floor(now);
    const from = end - this.windowS;
    return this.slots.reduce((sum, [second, count]) => sum + (second >= from && second < end ? count : 0), 0) / this.windowS;
  }
}

/** Quantiles of what was seen in the last seconds; bounded. */
export class Recent {
  constructor(windowS = 30, capacity = 2000) {
    this.windowS = windowS;
    this.capacity = capacity;
    /** @type {Array<[number, number]>} */
    this.seen = [];
  }

  /** @param {number} now @param {number} value */
  add(now, value) {
    this.seen.push([now, value]);
    if (this.seen.length > this.capacity * 1.5) this.seen = this.seen.slice(-this.capacity);
  }

  /** @param {number} now @param {number[]} quantiles @returns {Array<number|null>} */
  quantiles(now, quantiles) {
    this.seen = this.seen.filter(([at]) => at >= now - this.windowS);
    const sorted = this.seen.map(([, value]) => value).sort((a, b) => a - b);
    return quantiles.map((q) => (sorted.length ? sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] : null));
  }
}

/**
 * The server's clock, seen from here. The ping with the shortest round trip among the newest few says most about the
 * offset (D. Mills, NTP clock filter). The page's own clock is monotonic, so that a corrected system clock moves nothing.
 */
export class ServerClock {
  /** @param {() => number} now seconds of a monotonic clock */
  constructor(now) {
    this.local = now;
    /** @type {number|null} */
    this.rtt = null;
    this.offset = 0;
    this.known = false;
    /** @type {Array<{rtt: number, offset: number}>} */
    this.pings = [];
  }

  /** @param {number} serverTime from `welcome`: late by half a round trip, but better than nothing */
  welcome(serverTime) {
    this.pings = [];
    this.offset = serverTime - this.local();
    this.known = true;
  }

  /** @param {number} sent local seconds @param {number} serverTime */
  pong(sent, serverTime) {
    const now = this.local();
    this.rtt = now - sent;
    this.pings.push({ rtt: this.rtt, offset: serverTime - (sent + now) / 2 });
    if (this.pings.length > 8) this.pings.shift();
    this.offset = this.pings.reduce((best, each) => (each.rtt < best.rtt ? each : best)).offset;
  }

  /** @returns {number} Unix seconds at the server, as far as known */
  now() {
    return this.local() + this.offset;
  }
}
