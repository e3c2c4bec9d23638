/** The broadcaster's own figures, each beside its bound where it has one, from the `broadcaster.*` series. */

import { formatAge, formatValue } from './format.js';
import { h, say } from './html.js';
import { identity } from './client/store.js';
import { svg } from './svg.js';

const SHOWN_S = 300;
const POINTS = 120;
const [WIDTH, HEIGHT] = [120, 28];
const STALE_S = 5;

/**
 * @typedef {object} Figure
 * @property {string} label
 * @property {string} metric
 * @property {Record<string, string>} [tags]
 * @property {string} [bound] name of the limit
 * @property {[string, Record<string, string>, string]} [beside] label, tags, of a second figure of the metric
 * @property {string} [each] the bound is not of the whole
 */

/** @type {Figure[]} */
const FIGURES = [
  { label: 'Flush time, p99', metric: 'flush_time', tags: { quantile: 'p99' }, beside: ['p50', { quantile: 'p50' }, ''] },
  { label: 'Loop lag', metric: 'loop_lag' },
  { label: 'Samples in', metric: 'samples_per_second', tags: { direction: 'in' } },
  { label: 'Samples out', metric: 'samples_per_second', tags: { direction: 'out' } },
  { label: 'Samples dropped', metric: 'dropped_samples' },
  { label: 'History', metric: 'history_bytes', bound: 'history_bytes' },
  { label: 'Series', metric: 'series', bound: 'series_max' },
  { label: 'Waiting in mailboxes', metric: 'mailbox_bytes', bound: 'mailbox_bytes', each: 'each' },
  { label: 'Resident memory', metric: 'memory' },
  { label: 'Audiences', metric: 'audiences' },
];

export class Telemetry {
  /** @param {import('./client/store.js').Store} store */
  constructor(store) {
    this.store = store;
    this.tiles = FIGURES.map((figure) => new Tile(figure));
    this.note = h('p', { class: 'card-note' });
    this.node = h('section', { 'aria-label': 'Broadcaster' }, h('header', { class: 'section-header' }, h('h2', {}, 'Broadcaster'), this.note), h('dl', { class: 'tiles' }, ...this.tiles.map(({ node }) => node)));
  }

  /** @param {Record<string, number>} limits */
  render(limits) {
    let newest = -Infinity;
    for (const tile of this.tiles) newest = Math.max(newest, tile.render(this.store, limits));
    const age = this.store.now() - newest;
    if (newest === -Infinity) say(this.note, 'no telemetry: the broadcaster publishes none, or none has arrived yet');
    else say(this.note, age > STALE_S ? `as of ${formatAge(age)} ago` : 'last 5 minutes');
    this.node.classList.toggle('is-stale', age > STALE_S);
  }
}

class Tile {
  /** @param {Figure} figure */
  constructor(figure) {
    this.figure = figure;
    this.value = h('span', { class: 'tile-value' }, '–');
    this.more = h('span', { class: 'tile-more' });
    this.meter = figure.bound ? h('div', { class: 'meter' }, h('span')) : null;
    const spark = svg('svg', 'spark');
    spark.setAttribute('viewBox', `0 0 ${WIDTH} ${HEIGHT}`);
    spark.setAttribute('preserveAspectRatio', 'none');
    spark.setAttribute('aria-hidden', 'true');
    this.area = svg('path', 'spark-area');
    this.line = svg('path', 'spark-line');
    spark.append(this.area, this.line);
    this.node = h('div', { class: 'tile', 'data-figure': figure.metric }, h('dt', {}, figure.label), h('dd', {}, this.value, this.more, this.meter, null));
    this.node.append(spark);
  }

  /** @param {import('./client/store.js').Store} store @param {Record<string, number>} limits @returns {number} time of the newest sample */
  render(store, limits) {
    const { metric, tags, bound, beside, each } = this.figure;
    const series = store.series.get(identity(`broadcaster.${metric}`, tags));
    const ring = /** @type {import('./client/rings.js').Ring|undefined} */ (series?.ring);
    if (!series || !ring?.length) return -Infinity;
    say(this.value, formatValue(ring.lastValue, series.unit));
    this.node.classList.toggle('bad', metric === 'dropped_samples' && ring.lastValue > 0);
    const limit = bound ? limits[bound] : undefined;
    if (limit && this.meter) this.#fill(ring.lastValue, limit);
    if (limit) say(this.more, `of ${formatValue(limit, series.unit)}${each ? ` ${each}` : ''}`);
    if (beside) this.#beside(store, beside);
    this.#draw(ring, store.now());
    return ring.lastTime;
  }

  /** @param {import('./client/store.js').Store} store @param {[string, Record<string, string>, string]} beside */
  #beside(store, [label, tags]) {
    const other = store.series.get(identity(`broadcaster.${this.figure.metric}`, tags));
    const ring = /** @type {import('./client/rings.js').Ring|undefined} */ (other?.ring);
    if (other && ring?.length) say(this.more, `${label} ${formatValue(ring.lastValue, other.unit)}`);
  }

  /** @param {number} value @param {number} limit */
  #fill(value, limit) {
    const meter = /** @type {HTMLElement} */ (this.meter);
    const share = Math.min(1, value / limit);
    const said = { role: 'meter', 'aria-label': this.figure.label, 'aria-valuemin': 0, 'aria-valuenow': value, 'aria-valuemax': limit };
    for (const [name, text] of Object.entries(said)) meter.setAttribute(name, String(text));
    meter.style.setProperty('--share', String(share));
    meter.dataset.level = share > 0.95 ? 'bad' : share > 0.8 ? 'warn' : '';
  }

  /** The largest of each stretch of time, so that a spike is seen. @param {import('./client/rings.js').Ring} ring @param {number} now */
  #draw(ring, now) {
    const peaks = new Array(POINTS).fill(NaN);
    for (let at = ring.from(now - SHOWN_S); at < ring.end; at++) {
      const slot = Math.min(POINTS - 1, Math.floor(((ring.times[at] - now + SHOWN_S) / SHOWN_S) * POINTS));
      if (!(ring.values[at] <= peaks[slot])) peaks[slot] = ring.values[at];
    }
    const known = peaks.flatMap((value, slot) => (Number.isNaN(value) ? [] : [[slot, value]]));
    const top = Math.max(...known.map(([, value]) => value), 1e-12) * 1.1;
    const points = known.map(([slot, value]) => `${((slot / (POINTS - 1)) * WIDTH).toFixed(1)},${(HEIGHT - 1 - (value / top) * (HEIGHT - 2)).toFixed(1)}`);
    const path = points.length ? `M${points.join('L')}` : '';
    this.line.setAttribute('d', path);
    const [first] = known[0] ?? [0];
    this.area.setAttribute('d', path && `${path}V${HEIGHT}H${((first / (POINTS - 1)) * WIDTH).toFixed(1)}Z`);
  }
}
