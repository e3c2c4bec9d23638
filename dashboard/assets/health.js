/** The health of the connection, always in sight. */

import { localNow } from './client/feed.js';
import { digits, formatMs } from './format.js';
import { say } from './html.js';
import { Rate, Recent } from './client/statistics.js';

const RESTART_SHOWN_S = 30;

export class Health {
  /** @param {import('./client/feed.js').Feed} feed @param {import('./client/store.js').Store} store */
  constructor(feed, store) {
    this.feed = feed;
    this.store = store;
    this.rate = new Rate();
    this.latency = new Recent();
    store.onReceived = (count) => this.rate.add(localNow(), count);
  }

  /** Whatever is newest in the charts that were drawn has reached the eye. @param {import('./charts.js').Chart[]} charts */
  painted(charts) {
    const now = localNow();
    for (const chart of charts) {
      if (!chart.inSight || chart.dirty || !chart.isLive) continue;
      for (const { series } of chart.traces.values()) {
        if (Number.isNaN(series.unpaintedTime)) continue;
        // Less than nothing is the uncertainty of the clock.
        this.latency.add(now, Math.max(0, (this.feed.clock.now() - series.unpaintedTime) * 1000));
        series.unpaintedTime = NaN;
      }
    }
  }

  /** What was never meant to be seen at once does not count as late. */
  forget() {
    for (const series of this.store.series.values()) series.unpaintedTime = NaN;
  }

  /** All figures; null while unknown. */
  figures() {
    const { clock } = this.feed;
    const [p50, p99] = this.latency.quantiles(localNow(), [0.5, 0.99]);
    return {
      rttMs: clock.rtt === null ? null : clock.rtt * 1000,
      latencyP50Ms: p50,
      latencyP99Ms: p99,
      samplesPerSecond: this.rate.perSecond(localNow()),
      skewMs: clock.known ? Date.now() - clock.now() * 1000 : null,
      offsetMs: clock.known ? clock.offset * 1000 : null,
      producers: this.#connections('producer'),
      subscribers: this.#connections('subscriber'),
    };
  }

  /** @param {string} role @returns {number|null} */
  #connections(role) {
    for (const { metric, tags, ring } of this.store.series.values()) {
      if (metric === 'broadcaster.connections' && tags.role === role && ring.length) return /** @type {any} */ (ring).lastValue;
    }
    return null;
  }

  /** @returns {string} */
  stateText() {
    const { state, retryAt } = this.feed;
    if (state === 'reconnecting') return retryAt === null ? 'reconnecting' : `reconnecting in ${Math.max(0, Math.ceil(retryAt - localNow()))} s`;
    if (state === 'cannot connect') return retryAt === null ? 'cannot connect · trying' : `cannot connect · next in ${Math.max(0, Math.ceil(retryAt - localNow()))} s`;
    return state;
  }

  /** @returns {string} what a person can do about it; empty if there is nothing */
  advice() {
    const { state, url, closeCode, closeReason, restartedAt } = this.feed;
    const why = closeReason ? ` (${closeCode}: ${closeReason})` : '';
    if (state === 'closed') return `The broadcaster closed this connection for good${why}. Reload the page once the reason is gone.`;
    if (state === 'cannot connect') return `Nothing answers at ${url}. Is the broadcaster running (streamgauge serve), and can this machine reach it? Trying again by itself.`;
    if (state === 'reconnecting') return 'The connection was lost. What you see is kept; what you miss will be fetched.';
    if (localNow() - restartedAt < RESTART_SHOWN_S) return 'The broadcaster could not go on where this page was: it was restarted, or has let go of that history. What it still has is here; some samples may be missing.';
    return '';
  }

  render() {
    const bar = byId('health');
    const { state, retryAt, counters } = this.feed;
    bar.dataset.state = state;
    say(byId('state'), this.stateText());
    byId('retry').hidden = retryAt === null && state !== 'closed';
    const advice = this.advice();
    const banner = byId('banner');
    banner.hidden = !advice;
    banner.dataset.state = state;
    say(banner, advice);
    const figures = this.figures();
    const number = (/** @type {number|null} */ value) => (value === null ? '–' : digits(value));
    const texts = {
      rtt: formatMs(figures.rttMs),
      latency: figures.latencyP50Ms === null ? '–' : `${formatMs(figures.latencyP50Ms)} · p99 ${formatMs(figures.latencyP99Ms)}`,
      rate: number(figures.samplesPerSecond),
      gaps: `${counters.gaps + counters.chainBreaks} · ${counters.gapSamples}`,
      skew: formatMs(figures.skewMs),
      producers: number(figures.producers),
      subscribers: number(figures.subscribers),
    };
    for (const [name, text] of Object.entries(texts)) say(figure(name), text);
    figure('gaps').classList.toggle('bad', counters.gaps + counters.chainBreaks > 0);
    figure('skew').classList.toggle('bad', Math.abs(figures.skewMs ?? 0) > 2000);
  }
}

/** @param {string} id @returns {HTMLElement} */
export function byId(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}

/** @param {string} name @returns {HTMLElement} */
function figure(name) {
  return /** @type {HTMLElement} */ (document.querySelector(`[data-health="${name}"]`));
}
