/**
 * Live metrics of a Streamgauge broadcaster in any page: `new Client('ws://host:8765', { select: 'host.cpu.*' })`.
 *
 * It connects, comes back when cut off, and takes the stream up where it broke; the newest samples of every series are
 * held in typed arrays. docs/browser-client.md tells the rest. The dashboard is made of the same modules.
 */

import { Feed, localNow } from './feed.js';
import { identity, Store } from './store.js';
import { overWebSocket } from './transport.js';
import { streamUrl } from './urls.js';

export { EventRing, Ring } from './rings.js';
export { overWebSocket };

const PASS_S = 10;
const SLEPT_S = 60; // a timer that comes later than this slept

/** @typedef {import('./feed.js').State} State */
/** @typedef {import('./store.js').Series} Series */
/** @typedef {{metric?: string, tags?: Record<string, string>}} Selector globs: `*` and `?` */

/**
 * @typedef {object} Options
 * @property {string|Selector|Array<string|Selector>} [select] series, by a glob of their metric or also of their tags; any may match. Everything
 * @property {string|import('./credentials.js').GetToken} [token] credentials, or a function that gets them and is asked again before they expire
 * @property {number} [pointsMax] samples held of each series. 10,000
 * @property {number} [historyS] seconds of history to begin with. All that is held
 * @property {number} [forgetS] a series that is silent for so long is forgotten; 0: never. 3,600
 * @property {string} [name] under which the broadcaster lists this connection. streamgauge.js
 * @property {'conflate'|'drop_oldest'|'disconnect'} [overflow] what becomes of batches that come too fast. conflate
 * @property {import('./transport.js').Connect} [connect] another way to the broadcaster than a WebSocket
 * @property {AbortSignal} [signal] closes
 */

/**
 * What is told, and with what.
 * @typedef {object} Events
 * @property {State} state the connection has another state
 * @property {Series} series it is described: new here, or with another unit or help
 * @property {{series: Series, times: number[], values: Array<number|string|null>, how: 'live'|'backfill'|'conflated'}} samples they are in its ring already
 * @property {{announced: boolean, batches: number, samples: number}} lost the broadcaster left these out; not announced: nobody said how many
 * @property {null} restarted what was missed could not be had: the whole history comes again
 * @property {Series} forgotten it was silent for too long
 * @property {{code: string, message: string}} refused by the broadcaster, of what this client asked for
 */

export class Client {
  /** @type {Map<string, Set<(detail: any) => void>>} */
  #listeners = new Map();

  /** Connects at once. @param {string} url ws:// or wss:// @param {Options} [options] */
  constructor(url, { select = '*', pointsMax = 10_000, forgetS = 3600, name = 'streamgauge.js', signal, ...wishes } = {}) {
    this.store = new Store(pointsMax, forgetS, () => this.feed.clock.now());
    this.feed = new Feed(streamUrl(url, { hostname: '' }), this.store, { ...wishes, select: selectors(select), client: name });
    this.#hear();
    signal?.addEventListener('abort', () => this.close(), { once: true });
    if (signal?.aborted) this.close();
    else this.#start();
  }

  #start() {
    this.feed.start();
    let passed = localNow();
    const timer = setInterval(() => {
      const now = localNow();
      if (this.state === 'live') this.store.pass(Math.min(now - passed, SLEPT_S));
      passed = now;
    }, PASS_S * 1000);
    this.feed.ending.signal.addEventListener('abort', () => clearInterval(timer));
  }

  #hear() {
    const { feed, store } = this;
    let state = feed.state;
    feed.listeners.push(() => {
      if (feed.state === state) return;
      state = feed.state;
      this.#tell('state', state);
    });
    feed.onLost = (loss) => this.#tell('lost', loss);
    feed.onRestarted = () => this.#tell('restarted', null);
    feed.onRefused = (code, message) => this.#tell('refused', { code, message }) || console.warn('broadcaster:', code, message);
    store.onDescribed = (series) => this.#tell('series', series);
    store.onForgotten = (series) => this.#tell('forgotten', series);
    store.onSamples = (series, times, values, how) => this.#tell('samples', { series, times, values, how });
  }

  /** @param {string} type @param {any} detail @returns {boolean} whether anybody listens */
  #tell(type, detail) {
    const listeners = this.#listeners.get(type);
    for (const listener of listeners ?? []) {
      try {
        listener(detail);
      } catch (error) {
        reportError(error); // as of a DOM listener: it is the listener's, and no sample of this message is lost for it
      }
    }
    return Boolean(listeners?.size);
  }

  /**
   * @template {keyof Events} T
   * @param {T} type @param {(detail: Events[T]) => void} listener @param {{signal?: AbortSignal}} [options]
   * @returns {() => void} no longer
   */
  on(type, listener, { signal } = {}) {
    const listeners = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, listeners);
    const off = () => { listeners.delete(listener); };
    if (signal?.aborted) return off;
    listeners.add(listener);
    signal?.addEventListener('abort', off, { once: true });
    return off;
  }

  get state() {
    return this.feed.state;
  }

  /** Seconds until the next attempt; null: none is waited for. */
  get retryInS() {
    return this.feed.retryAt === null ? null : Math.max(0, this.feed.retryAt - localNow());
  }

  /** Why the last connection ended, in words. */
  get reason() {
    return this.feed.closeReason;
  }

  /** Unix seconds at the broadcaster. */
  get now() {
    return this.feed.clock.now();
  }

  /** Of this client, since it began: connections, samples, gaps and what was lost in them. */
  get counters() {
    return { ...this.feed.counters, ...this.store.counters };
  }

  /** All that are known now. @returns {Series[]} */
  get series() {
    return [...this.store.series.values()];
  }

  /** @param {string} metric @param {Record<string, string>} [tags] all of them @returns {Series|undefined} */
  find(metric, tags = {}) {
    return this.store.series.get(identity(metric, tags));
  }

  /** Nothing has come for longer than is usual for it. @param {Series} series */
  isStale(series) {
    return this.store.isStale(series);
  }

  /** Do not wait for the next attempt. */
  retry() {
    this.feed.retry();
  }

  /** New credentials, before the old ones expire. @param {string} token */
  authenticate(token) {
    this.feed.authenticate(token);
  }

  /** For good. What is held can still be read. */
  close() {
    this.feed.close();
  }
}

/** @param {string|Selector|Array<string|Selector>} select @returns {Selector[]} */
function selectors(select) {
  return [select].flat().map((each) => (typeof each === 'string' ? { metric: each } : each));
}
