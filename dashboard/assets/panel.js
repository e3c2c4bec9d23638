/** One panel: a chart, and a legend with an entry for each of its series. */

import { Chart } from './charts.js';
import { formatAge, formatValue } from './format.js';
import { Hover } from './hover.js';
import { h, say } from './html.js';
import { COLOURS, takeSlots } from './slots.js';
import { collator, commonTags, describe, onlyKey, wordTest } from './tags.js';

export const LINES_MAX = 60; // a panel draws no more: nobody tells them apart, and each costs time in every frame

/**
 * @typedef {object} Entry
 * @property {import('./store.js').Series} series
 * @property {import('./charts.js').Trace} trace
 * @property {HTMLElement} item
 * @property {HTMLElement} node
 * @property {HTMLElement} label
 * @property {HTMLElement} value
 * @property {HTMLElement} age
 * @property {number} slot of colour and dash; -1: none yet
 * @property {boolean} stale
 * @property {boolean} silent stale, and none of it in view
 * @property {boolean} over beyond the most that are drawn
 */

export class Panel {
  /** @param {string} metric @param {import('./view.js').View} view @param {() => import('./store.js').Series[]} events */
  constructor(metric, view, events) {
    this.metric = metric;
    this.view = view;
    this.events = events;
    /** @type {Map<string, Entry>} */
    this.entries = new Map();
    /** @type {Entry[]} by tags */
    this.sorted = [];
    this.arranged = true;
    /** @type {Chart|null} */
    this.chart = null;
    this.node = h('article', { class: 'panel' });
    this.node.dataset.metric = metric;
    this.common = h('span', { class: 'panel-tags' });
    this.age = h('span', { class: 'panel-age' });
    this.back = h('button', { class: 'button small' }, 'Back to live');
    this.back.hidden = true;
    this.div = h('div', { class: 'plot' });
    this.legend = h('ul', { class: 'legend' });
    this.more = h('li', { class: 'legend-more' });
    const header = h('header', { class: 'panel-header' });
    const title = h('h3', { class: 'panel-title' }, metric);
    title.title = metric;
    header.append(title, this.common, this.age, this.back);
    this.node.append(header, this.div, this.legend);
  }

  /** Once its place in the page, and so its width, is known. */
  plot() {
    const chart = new Chart(this.div, this.view, this.events);
    chart.onZoom = () => { this.back.hidden = !chart.zoom; };
    this.back.addEventListener('click', () => chart.release());
    this.chart = chart;
    this.hover = new Hover(chart, (series) => this.labelOf(series));
  }

  invalidate() {
    if (this.chart) this.chart.dirty = true;
  }

  /** @param {import('./store.js').Series} series */
  add(series) {
    const known = this.entries.get(series.id);
    if (known || !this.chart) return;
    const trace = this.chart.add(series);
    const [node, label, value, age] = [h('button', { class: 'entry' }), h('span', { class: 'entry-label' }), h('span', { class: 'entry-value' }), h('span', { class: 'entry-age' })];
    node.dataset.series = series.id;
    node.setAttribute('aria-pressed', 'true');
    node.append(h('span', { class: 'swatch' }), label, value, age);
    node.addEventListener('click', () => this.#toggle(series.id));
    if (series.help) this.node.title = series.help;
    const item = h('li');
    item.append(node);
    this.entries.set(series.id, { series, trace, item, node, label, value, age, slot: -1, stale: false, silent: this.#isSilent(series), over: false });
    this.arranged = false;
  }

  /** @param {import('./store.js').Series} series @returns {boolean} whether that was the last line */
  remove(series) {
    const entry = this.entries.get(series.id);
    if (entry?.series !== series) return false;
    this.entries.delete(series.id);
    this.chart?.remove(entry.trace);
    this.arranged = false;
    this.arrange();
    return this.entries.size === 0;
  }

  close() {
    this.chart?.close();
    this.node.remove();
  }

  /** Puts the legend in order, if it is not. */
  arrange() {
    if (this.arranged) return;
    this.arranged = true;
    const entries = [...this.entries.values()].sort((a, b) => collator.compare(a.series.id, b.series.id));
    const sets = entries.map((entry) => entry.series.tags);
    const common = commonTags(sets);
    const key = onlyKey(sets, common);
    say(this.common, describe(common) + (key && ` by ${key}`));
    for (const { label, series } of entries) {
      const text = key ? series.tags[key] : describe(series.tags, common);
      say(label, text || (entries.length > 1 ? 'no tags' : 'latest'));
    }
    this.legend.replaceChildren(...entries.map(({ item }) => item), this.more);
    this.sorted = entries;
    this.#colour();
  }

  /** Who speaks comes first; of many, those whose line has left the view are only counted, and those beyond the most. */
  #colour() {
    const entries = this.sorted;
    const many = entries.length > COLOURS;
    let speaking = 0;
    const drawn = entries.map(({ over }) => over);
    for (const entry of entries) entry.over = !entry.silent && ++speaking > LINES_MAX;
    takeSlots(entries, many);
    for (const { item, node, trace, slot, stale, silent, over } of entries) {
      for (const each of [node, trace.path]) {
        each.setAttribute('data-colour', String(Math.max(0, slot) % COLOURS));
        each.setAttribute('data-dash', String(Math.floor(Math.max(0, slot) / COLOURS) % 3));
      }
      item.style.order = stale ? '1' : '';
      item.hidden = many && (silent || over);
      trace.over = over;
    }
    const over = Math.max(0, speaking - LINES_MAX);
    const silent = many ? entries.length - speaking : 0;
    this.more.hidden = over + silent === 0;
    say(this.more, [over && `${over} more, not drawn`, silent && `${silent} more, silent`].filter(Boolean).join(' \u00b7 '));
    // Only what changes which lines there are: a pause shows what it showed.
    if (entries.some(({ over }, index) => over !== drawn[index])) this.invalidate();
  }

  /** @param {import('./store.js').Series} series @returns {boolean} */
  #isSilent(series) {
    const zoom = this.chart?.zoom;
    return series.ring.lastTime < (zoom ? zoom.right + zoom.from : this.view.right - this.view.span);
  }

  /** @param {import('./store.js').Series} series @returns {string} */
  labelOf(series) {
    return this.entries.get(series.id)?.label.textContent ?? '';
  }

  /** @param {string} id */
  #toggle(id) {
    const entry = this.entries.get(id);
    if (!entry || !this.chart) return;
    entry.trace.shown = !entry.trace.shown;
    entry.node.setAttribute('aria-pressed', String(entry.trace.shown));
    this.chart.dirty = true;
  }

  /** @param {string} filter @returns {boolean} */
  matches(filter) {
    const words = filter.split(/\s+/).map(wordTest);
    return [...this.entries.values()].some(({ series }) => {
      const text = `${this.metric} ${series.metric} ${describe(series.tags)}`.toLowerCase();
      return words.every((word) => word(text));
    });
  }

  /** @param {import('./store.js').Store} store */
  refresh(store) {
    let newest = Infinity;
    let changed = false;
    const stale = this.entries.size > 0 && [...this.entries.values()].every((entry) => store.isStale(entry.series));
    for (const entry of this.entries.values()) {
      const { series, node, value, age } = entry;
      const ring = /** @type {import('./rings.js').Ring} */ (series.ring);
      if (!this.view.paused && !entry.item.hidden) say(value, ring.length ? formatValue(ring.lastValue, series.unit) : '–');
      const old = store.isStale(series);
      const silent = old && this.#isSilent(series);
      changed ||= entry.stale !== old || entry.silent !== silent;
      Object.assign(entry, { stale: old, silent });
      node.classList.toggle('stale', old);
      if (!entry.item.hidden) say(age, old && !stale ? `${formatAge(store.ageOf(series))} ago` : '');
      newest = Math.min(newest, store.ageOf(series));
    }
    if (changed) this.#colour();
    this.node.classList.toggle('is-stale', stale);
    say(this.age, stale && Number.isFinite(newest) ? `${formatAge(newest)} ago` : '');
  }
}
