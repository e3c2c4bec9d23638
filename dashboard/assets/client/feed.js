/** The connection to the broadcaster: subscribe, resume, account for every batch, notice a dead socket, come back. */

import { Backoff, HEALTHY_S } from './backoff.js';
import { Chain } from './chain.js';
import { Credentials, withToken } from './credentials.js';
import { ServerClock } from './statistics.js';
import { overWebSocket } from './transport.js';

const PING_S = 2;
const SILENCE_S = 8; // a ping unanswered for so long, and nothing else heard: the socket is dead
const CONNECT_S = 10;
const QUIET_S = 0.3; // no backfill for so long: it is complete
const PERMANENT = 4500; // close codes from here on say: do not come back
const EXPIRED = 4501; // unless with another token
const WHOLE_HISTORY_S = 1e9;

/** @typedef {'connecting'|'catching up'|'live'|'reconnecting'|'cannot connect'|'closed'} State */

export const localNow = () => (performance.timeOrigin + performance.now()) / 1000;

/**
 * @typedef {object} Wishes
 * @property {Array<{metric?: string, tags?: Record<string, string>}>} [select] any may match
 * @property {number} [historyS] seconds of history to begin with
 * @property {string} [client] the name under which the broadcaster lists this connection
 * @property {string|import('./credentials.js').GetToken} [token] credentials, or who gets them
 * @property {'conflate'|'drop_oldest'|'disconnect'} [overflow] what becomes of batches that come too fast
 * @property {import('./transport.js').Connect} [connect] another way than a WebSocket
 */

const SUBSCRIPTION = 1;

export class Feed {
  /** @param {string} url @param {import('./store.js').Store} store @param {Wishes} [wishes] */
  constructor(url, store, wishes = {}) {
    this.url = url;
    this.store = store;
    this.wishes = { select: [{ metric: '*' }], historyS: WHOLE_HISTORY_S, client: 'dashboard', overflow: 'conflate', connect: overWebSocket, ...wishes };
    this.backoff = new Backoff();
    this.chain = new Chain();
    this.credentials = new Credentials(this.wishes.token);
    this.renewedAt = -Infinity; // when an expired connection last came back with another token
    this.clock = new ServerClock(localNow);
    /** @type {State} */
    this.state = 'connecting';
    /** @type {import('./transport.js').Transport|null} */
    this.transport = null;
    /** @type {import('./transport.js').Heard|null} what the present transport tells; of earlier ones nothing is heard */
    this.heard = null;
    this.isOpen = false;
    this.ending = new AbortController();
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
    this.unsettled = { batches: 0, samples: 0 }; // told as lost since the position to resume from, which would bring them
    this.heardAt = 0;
    this.pingedAt = 0;
    this.checkedAt = 0;
    this.backfillAt = 0;
    /** @type {(() => void)[]} */
    this.listeners = [];
    /** @type {(code: string, message: string) => void} */
    this.onRefused = (code, message) => console.warn('broadcaster:', code, message);
    /** @type {(loss: {announced: boolean, batches: number, samples: number}) => void} 0: nobody said how many */
    this.onLost = () => {};
    /** The history comes again from its beginning: what was missed could not be had. */
    this.onRestarted = () => {};
  }

  /** Connect now and keep connected until `close()`. */
  start() {
    const { signal } = this.ending;
    this.#connect();
    const timer = setInterval(() => this.#check(), 250);
    signal.addEventListener('abort', () => clearInterval(timer));
    globalThis.addEventListener?.('online', () => this.retry(), { signal });
    globalThis.document?.addEventListener('visibilitychange', () => this.#check(), { signal });
  }

  /** Do not wait any longer. */
  retry() {
    if (this.ending.signal.aborted) return;
    if (this.retryAt !== null || this.state === 'closed') this.#reconnect();
  }

  /** For good: nothing is heard any more, and no timer runs. */
  close() {
    this.ending.abort();
    this.#end(1000, 'closed here');
  }

  /** Until `retry()`. @param {string} reason */
  stop(reason) {
    this.#end(1000, reason);
  }

  /** For this connection and those to come. @param {string} token */
  authenticate(token) {
    this.credentials = new Credentials(token);
    this.#send({ type: 'authenticate', token });
  }

  /** @param {any} error of getting a token for a connection that there is */
  #unrenewed(error) {
    if (error?.retry === false) this.stop(error.message);
    else this.onRefused('no_token', error instanceof Error ? error.message : String(error));
  }

  /** @param {State} state */
  #become(state) {
    if (this.state === state) return;
    this.state = state;
    for (const listener of this.listeners) listener();
  }

  /** A transport that cannot even begin has failed as one that was closed. */
  #reconnect() {
    try {
      this.#connect();
    } catch (error) {
      this.#closed(1006, String(error));
    }
  }

  #connect() {
    this.retryAt = null;
    this.bye = null;
    this.#become(this.backoff.exhausted ? 'cannot connect' : this.backoff.failures ? 'reconnecting' : 'connecting');
    this.heardAt = this.pingedAt = localNow();
    this.#open();
    for (const listener of this.listeners) listener();
  }

  #open() {
    const ifPresent = (/** @type {() => void} */ act) => heard === this.heard && act();
    /** @type {import('./transport.js').Heard} */
    const heard = {
      opened: () => ifPresent(() => { this.isOpen = true; }),
      received: (text) => ifPresent(() => this.#receive(text)),
      closed: (code, reason) => ifPresent(() => this.#closed(code, reason)),
    };
    this.heard = heard;
    const connect = withToken(this.wishes.connect, this.credentials, (error) => ifPresent(() => error?.retry === false && this.stop(error.message)));
    this.transport = connect(this.url, ['streamgauge.v1'], heard);
  }

  #forgetTransport() {
    const { transport } = this;
    this.transport = this.heard = null;
    this.isOpen = false;
    return transport;
  }

  /** @param {number} code @param {string} reason */
  #closed(code, reason) {
    if (!this.isOpen || code === EXPIRED) this.credentials.refused = true; // for all that is known
    this.#forgetTransport();
    this.closeCode = code;
    this.closeReason = this.bye?.reason || reason;
    if (code === EXPIRED && this.#comesBack()) return;
    if (code >= PERMANENT || this.bye?.reconnect === false) {
      this.#become('closed');
      return;
    }
    const wait = this.backoff.failed(localNow(), this.bye?.after ?? null);
    this.retryAt = localNow() + wait;
    this.#become(this.backoff.exhausted ? 'cannot connect' : 'reconnecting');
  }

  /** With another token, at once; if that one does not do either, it is over. */
  #comesBack() {
    const now = localNow();
    if (!this.credentials.renews || now - this.renewedAt < HEALTHY_S) return false;
    this.retryAt = this.renewedAt = now;
    this.#become('reconnecting');
    return true;
  }

  /** No attempt follows. @param {number} code @param {string} reason */
  #end(code, reason) {
    this.#forgetTransport()?.close();
    this.retryAt = null;
    this.closeCode = code;
    this.closeReason = reason;
    this.#become('closed');
  }

  /**
   * Timers of a hidden or sleeping tab come late: after such a pause, what waits in the socket is heard first. A tab that is
   * hidden for long has no others, and its token is renewed all the same.
   */
  #check() {
    const now = localNow();
    const late = now - this.checkedAt > 3;
    this.checkedAt = now;
    if (this.retryAt !== null && now >= this.retryAt) return this.#reconnect();
    if (this.isOpen) void this.credentials.renew(this.clock.now(), (token) => this.#send({ type: 'authenticate', token }), (error) => this.#unrenewed(error));
    if (this.transport === null || late) return undefined;
    if (!this.isOpen) return this.#abandonIf(now - this.pingedAt > CONNECT_S);
    this.backoff.healthy(now);
    if (this.state === 'catching up' && now - this.backfillAt > QUIET_S) this.#become('live');
    if (this.pingedAt > this.heardAt) return this.#abandonIf(now - this.pingedAt > SILENCE_S);
    if (now - this.pingedAt >= PING_S && this.session) this.#ping(now);
    return undefined;
  }

  /** @param {boolean} dead a dead socket's own close event may be minutes away, so it is not waited for */
  #abandonIf(dead) {
    if (!dead || !this.transport) return;
    const { transport } = this;
    this.#closed(1006, 'no answer');
    transport.close();
  }

  /** @param {number} now */
  #ping(now) {
    this.pingedAt = now;
    this.#send({ type: 'ping', time: now });
  }

  /** @param {object} message */
  #send(message) {
    if (this.isOpen) this.transport?.send(JSON.stringify(message));
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
      case 'error': return this.#refused(message);
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
    this.credentials.used(this.clock.now());
    this.#send({ type: 'hello', client: this.wishes.client, overflow: this.wishes.overflow });
    const since = this.chain.request() ?? { history: this.wishes.historyS };
    this.#send({ type: 'subscribe', id: SUBSCRIPTION, select: this.wishes.select, ...since });
    this.#ping(localNow());
  }

  /** @param {any} message */
  #subscribed(message) {
    const asked = this.chain.asked;
    const continues = this.chain.subscribed(message.epoch ?? this.epoch, message);
    this.store.connected(message.series);
    if (continues) this.#resumed();
    else this.store.age();
    this.#settled();
    this.store.lost = 0;
    if (!continues && asked === 'resume') {
      this.counters.restarted++;
      this.restartedAt = localNow();
      this.onRestarted();
    }
    this.backfillAt = localNow();
    this.#become('catching up');
  }

  /** What was told as lost and not yet gone past comes after all. */
  #resumed() {
    this.counters.resumed++;
    this.counters.gapBatches -= this.unsettled.batches;
    this.counters.gapSamples -= this.unsettled.samples;
  }

  #settled() {
    this.unsettled = { batches: 0, samples: 0 };
  }

  /** @param {any} message */
  #samples(message) {
    if (message.backfill) return this.#backfill(message);
    this.#settled();
    if (message.conflated) {
      this.chain.conflated(message);
      this.store.take(message.series, 'conflated');
      return undefined;
    }
    if (!this.chain.live(message)) this.#missed();
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
    this.unsettled.batches += message.batches;
    this.unsettled.samples += message.samples;
    this.store.lost += message.samples;
    this.onLost({ announced: true, batches: message.batches, samples: message.samples });
    if (!this.chain.gap(message)) this.#missed();
  }

  /** Something was lost and nobody said so. */
  #missed() {
    this.counters.chainBreaks++;
    this.store.breakLines();
    this.onLost({ announced: false, batches: 0, samples: 0 });
  }

  /** If it is the subscription, asking again would not help. @param {any} message */
  #refused({ id, code, message }) {
    this.counters.errors++;
    this.onRefused(code, message);
    if (id === SUBSCRIPTION) this.#end(1000, message);
  }
}
