/** `window.streamgauge`: a read-only look inside, described in docs/dashboard.md. */

import { identity } from './client/store.js';

/**
 * @param {{feed: import('./client/feed.js').Feed, store: import('./client/store.js').Store, view: import('./view.js').View,
 *   scheduler: import('./scheduler.js').Scheduler, health: import('./health.js').Health, panels: () => import('./panels.js').Panels|null}} parts
 */
export function expose({ feed, store, view, scheduler, health, panels }) {
  const find = (/** @type {string} */ metric, /** @type {any} */ tags) => store.series.get(identity(metric, tags ?? {}));
  const clockOf = (/** @type {number|null} */ local) => (local === null ? null : local + feed.clock.offset);
  const api = {
    version: 1,
    get connection() {
      const { state, url, epoch, session, backoff, closeCode, closeReason } = feed;
      return { state, url, epoch, session, seq: feed.chain.seq, failures: backoff.failures, retryAt: clockOf(feed.retryAt), closeCode, closeReason };
    },
    get counters() {
      return { ...feed.counters, ...store.counters, frames: scheduler.frames };
    },
    get health() {
      return health.figures();
    },
    get view() {
      const { state, range, paused, windowS, filter } = view;
      return { state, range: range && { ...range }, paused, windowS, now: feed.clock.now(), filter };
    },
    series: () => [...store.series.values()].map((each) => ({
      metric: each.metric, tags: { ...each.tags }, unit: each.unit, kind: each.kind,
      samples: each.ring.length, received: each.ring.received, lastTime: orNull(each.ring.lastTime), ageS: orNull(store.ageOf(each)),
    })),
    ring: (/** @type {string} */ metric, /** @type {any} */ tags) => find(metric, tags)?.ring.contents() ?? null,
    painted: (/** @type {string} */ metric, /** @type {any} */ tags) => {
      const id = identity(metric, tags ?? {}); // what is worked out from series has metric and tags as they have
      const charts = [...(panels()?.panels.values() ?? [])].map(({ chart }) => chart).filter((chart) => chart !== null);
      const known = charts.find(({ traces }) => traces.has(id));
      const trace = known?.traces.get(id) ?? charts.flatMap(({ traces }) => [...traces.values()]).find(({ series }) => identity(series.metric, series.tags) === id);
      return trace?.drawn ? paintedLine(trace) : null;
    },
    panels: () => [...(panels()?.panels.values() ?? [])].filter(({ chart }) => chart).map((panel) => panelState(panel)),
  };
  Object.defineProperty(window, 'streamgauge', { value: Object.freeze(api) });
}

/** @param {number} value @returns {number|null} */
function orNull(value) {
  return Number.isNaN(value) ? null : value;
}

/** @param {import('./charts.js').Trace} trace */
function paintedLine({ line, path }) {
  const times = [];
  const values = [];
  for (let at = 0; at < line.count; at++) {
    times.push(line.points[2 * at]);
    values.push(orNull(line.points[2 * at + 1]));
  }
  return { times, values, samples: line.samples, decimated: line.decimated, path: path.getAttribute('d') ?? '' };
}

/** @param {any} panel */
function panelState({ metric, node, chart }) {
  const { axes, right, inSight, isLive, draws } = chart;
  const group = node.closest('[data-group]')?.dataset.group ?? '';
  return { metric, group, visible: inSight && !node.hidden, live: isLive, from: right + axes.from, to: right + axes.to, draws };
}
