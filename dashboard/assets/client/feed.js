/** The connection to the broadcaster: subscribe, resume, account for every batch, notice a dead socket, come back. */

import { Backoff } from './backoff.js';
import { Chain } from './chain.js';
import { ServerClock } from './statistics.js';

const PING_S = 2;
const SILENCE_S = 8; // a ping unanswered for so long, and nothing else heard: the socket is dead
const CONNECT_S = 10;
const QUIET_S = 0.3; // no backfill for so long: it is complete
const PERMANENT = 4500; // close codes from here on say: do not come back
const WHOLE_HISTORY_S = 1e9;

/** @typedef {'connecting'|'catching up'|'live'|'reconnecting'|'cannot connect'|'closed'} State */

export const localNow = () => (performance.timeOrigin + performance.now()) / 1000;

export class Feed {
  /** @param {string} url @param {import('./store.js').Store} store */
  constructor(url, store) {
    this.url = url;
    this.store = store;
    this.backoff = new Backoff();
    this.chain = new Chain();
    this.clock = new ServerClock(localNow);
    /** @type {State} */
    this.state = 'connecting';
    /** @type {WebSocket|null} */
    this.socket = null;
    /** @type {string|null} */
    this.session = null;
    this.epoch = null;
    /** @type {number|null} local seconds */
    this.retryAt = null;
    /** @type {number|null} */
    this.closeCode = null;
    this.closeReason = '';
    /** @type {any} */
    this.bye = null;
    this.restartedAt = -Infinity; // when a subscription could not be resumed
    this.counters = { connections: 0, messages: 0, batches: 0, gaps: 0, gapBatches: 0, gapSamples: 0, chainBreaks: 0, resumed: 0, restarted: 0, errors: 0 };
    this.heardAt = 0;
    this.pingedAt = 0;
    this.checkedAt = 0;
    this.backfillAt = 0;
    /** @type {(() => void)[]} */
    this.listeners = [];
  }

  /** Connect now and keep connected for as long as the page lives. */
  start() {
    this.#connect();
    setInterval(() => this.#check(), 250);
    addEventListener('online', () => this.retry());
    document.addEventListener('visibilitychange', () => this.#check());
  }

  /** Do not wait any longer. */
  retry() {
    if (this.retryAt !== null || this.state === 'closed') this.#connect();
  }

  /** @param {State} state */
  #become(state) {
    if (this.state === state) return;
    this.state = state;
    for (const listener of this.listeners) listener();
  }

  #connect() {
    this.retryAt = null;
    this.bye = null;
    this.#become(this.backoff.exhausted ? 'cannot connect' : this.backoff.failures ? 'reconnecting' : 'connecting');
    this.heardAt = this.pingedAt = localNow();
    const socket = new WebSocket(this.url, ['streamgauge.v1']);
    this.socket = socket;
    socket.addEventListener('message', (event) => socket === this.socket && this.#receive(event.data));
    socket.addEventListener('close', (event) => socket === this.socket && this.#closed(event.code, event.reason));
    for (const listener of this.listeners) listener();
  }

  /** @param {number} code @param {string} reason */
  #closed(code, reason) {
    this.socket = null;
    this.closeCode = code;
    this.closeReason = this.bye?.reason || reason;
    if (code >= PERMANENT || this.bye?.reconnect === false) {
      this.#become('closed');
      return;
    }
    const wait = this.backoff.failed(localNow(), this.bye?.after ?? null);
    this.retryAt = localNow() + wait;
    this.#become(this.backoff.exhausted ? 'cannot connect' : 'reconnecting');
  }

  /** Timers of a hidden or sleeping tab come late: after such a pause, what waits in the socket is heard first. */
  #check() {
    const now = localNow();
    const late = now - this.checkedAt > 3;
    this.checkedAt = now;
    if (this.retryAt !== null && now >= this.retryAt) return this.#connect();
    if (this.socket === null || late) return undefined;
    if (this.socket.readyState !== WebSocket.OPEN) return this.#abandonIf(now - this.pingedAt > CONNECT_S);
    this.backoff.healthy(now);
    if (this.state === 'catching up' && now - this.backfillAt > QUIET_S) this.#become('live');
    if (this.pingedAt > this.heardAt) return this.#abandonIf(now - this.pingedAt > SILENCE_S);
    if (now - this.pingedAt >= PING_S && this.session) this.#ping(now);
    return undefined;
  }

  /** @param {boolean} dead a dead socket's own close event may be minutes away, so it is not waited for */
  #abandonIf(dead) {
    if (!dead || !this.socket) return;
    const socket = this.socket;
    this.#closed(1006, 'no answer');
    socket.close();
  }

  /** @param {number} now */
  #ping(now) {
    this.pingedAt = now;
    this.#send({ type: 'ping', time: now });
  }

  /** @param {object} message */
  #send(message) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  /** @param {string} data */
  #receive(data) {
    this.heardAt = localNow();
    this.counters.messages++;
    const message = JSON.parse(data);
    switch (message.type) {
      case 'welcome': return this.#welcome(message);
      case 'subscribed': return this.#subscribed(message);
      case 'series': return this.store.describe(message.series);
      case 'samples': return this.#samples(message);
      case 'gap': return this.#gap(message);
      case 'pong': return this.clock.pong(message.time, message.server_time);
      case 'bye': this.bye = message; return undefined;
      case 'error': this.counters.errors++; console.warn('broadcaster:', message.code, message.message); return undefined;
      default: return undefined; // a later protocol may have more to say
    }
  }

  /** @param {any} message */
  #welcome(message) {
    this.counters.connections++;
    this.backoff.connected(localNow());
    this.session = message.session;
    this.epoch = message.epoch;
    this.clock.welcome(message.time);
    this.#send({ type: 'hello', client: 'dashboard', overflow: 'conflate' });
    this.#send({ type: 'subscribe', id: 1, select: [{ metric: '*' }], ...(this.chain.request() ?? { history: WHOLE_HISTORY_S }) });
    this.#ping(localNow());
  }

  /** @param {any} message */
  #subscribed(message) {
    const asked = this.chain.asked;
    const continues = this.chain.subscribed(message.epoch ?? this.epoch, message);
    this.store.connected(message.series);
    if (continues) this.counters.resumed++;
    else this.store.age();
    if (!continues && asked === 'resume') {
      this.counters.restarted++;
      this.restartedAt = localNow();
    }
    this.backfillAt = localNow();
    this.#become('catching up');
  }

  /** @param {any} message */
  #samples(message) {
    if (message.backfill) return this.#backfill(message);
    if (message.conflated) {
      this.chain.conflated(message);
      this.store.take(message.series, 'conflated');
      return undefined;
    }
    if (!this.chain.live(message)) {
      this.counters.chainBreaks++;
      this.store.breakLines();
    }
    this.counters.batches++;
    this.store.take(message.series, 'live');
    this.#become('live');
    return undefined;
  }

  /** @param {any} message */
  #backfill(message) {
    this.backfillAt = localNow();
    const fresh = message.series.map((/** @type {any[]} */ [key, times, values]) => {
      const skip = this.chain.backfilled(this.store.identify(key), times.length);
      return skip ? [key, times.slice(skip), values.slice(skip)] : [key, times, values];
    });
    this.store.take(fresh, 'backfill');
  }

  /** Which series lost samples shows in the conflated message that follows; breaks at others would be untrue. @param {any} message */
  #gap(message) {
    this.counters.gaps++;
    this.counters.gapBatches += message.batches;
    this.counters.gapSamples += message.samples;
    this.store.lost += message.samples;
    if (!this.chain.gap(message)) {
      this.counters.chainBreaks++;
      this.store.breakLines();
    }
  }
}
