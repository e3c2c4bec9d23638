/**
 * The token of a connection: a text, or a function that gets one. Whoever gets them is asked before each connection and
 * again before one expires, so that a connection need not end for it.
 */

const RENEW_FROM = 0.5; // of the time that a token is good for
const RENEW_TO = 0.7; // so that many pages do not come at once
const AGAIN_S = 5; // after one that could not be had

/**
 * @typedef {(wish: {fresh: boolean}) => Promise<string|null>|string|null} GetToken `fresh`: not the one before, which did not do or is about to expire. An error is a failed
 *   attempt, after which others follow, unless it has `retry: false`
 */

/** When a JWT expires. @param {string} token @returns {number|null} Unix seconds; null: it does not say */
export function expiryOf(token) {
  try {
    const [, payload] = token.split('.');
    const { exp } = JSON.parse(atob(payload.replace(/-/g, '+').replace(/_/g, '/')));
    return Number.isFinite(exp) ? exp : null;
  } catch {
    return null;
  }
}

export class Credentials {
  /** @param {string|GetToken|undefined} token @param {() => number} random in [0, 1) */
  constructor(token, random = Math.random) {
    this.token = token;
    this.random = random;
    this.refused = false; // the newest did not do
    /** @type {number|null} Unix seconds at which the newest expires, and at which the next is due */
    this.expires = null;
    this.dueAt = Infinity;
    this.getting = false;
  }

  /** Whether there can be another. */
  get renews() {
    return typeof this.token === 'function';
  }

  /** @returns {Promise<string|null>|string|null} */
  get() {
    if (typeof this.token !== 'function') return this.token ?? null;
    const fresh = this.refused;
    return Promise.resolve(this.token({ fresh })).then((token) => this.#got(token));
  }

  /** @param {string|null} token */
  #got(token) {
    this.refused = false;
    this.expires = token ? expiryOf(token) : null;
    this.dueAt = Infinity;
    return token;
  }

  /** It is in use. @param {number} now Unix seconds by the clock that judges it */
  used(now) {
    if (!this.renews || this.expires === null) return;
    this.dueAt = now + Math.max(0, this.expires - now) * (RENEW_FROM + (RENEW_TO - RENEW_FROM) * this.random());
  }

  /** Another, if it is time. @param {number} now @param {(token: string) => void} use @param {(error: any) => void} failed */
  async renew(now, use, failed) {
    if (now < this.dueAt || this.getting) return;
    this.getting = true;
    this.refused = true; // or not for much longer
    try {
      const token = await this.get();
      if (token) use(token);
      this.used(now);
    } catch (error) {
      this.dueAt = now + AGAIN_S;
      failed(error);
    } finally {
      this.getting = false;
    }
  }
}

/**
 * A transport that gets its token first, and then is one of the usual kind.
 * @param {import('./transport.js').Connect} connect @param {Credentials} credentials
 * @param {(error: any) => void} failed it could not be had; `closed` is told too, unless it closes
 * @returns {import('./transport.js').Connect}
 */
export function withToken(connect, credentials, failed) {
  const offered = (/** @type {string[]} */ protocols, /** @type {string|null} */ token) => (token ? [...protocols, `bearer.${token}`] : protocols);
  return (url, protocols, heard) => {
    const got = credentials.get();
    if (!(got instanceof Promise)) return connect(url, offered(protocols, got), heard);
    let isOver = false;
    /** @type {import('./transport.js').Transport|null} */
    let transport = null;
    got.then((token) => { if (!isOver) transport = connect(url, offered(protocols, token), heard); }).catch((error) => {
      if (isOver) return;
      failed(error);
      heard.closed(1006, error instanceof Error ? error.message : String(error));
    });
    return {
      send: (text) => transport?.send(text),
      close: () => { isOver = true; transport?.close(); },
    };
  };
}
