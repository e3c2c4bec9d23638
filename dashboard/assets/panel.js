/** One panel: a chart, a legend with an entry for each of its series, and a menu. */

import { Chart } from './charts.js';
import { formatAge } from './format.js';
import { Hover } from './hover.js';
import { h, say } from './html.js';
import { choosable, choose, entryOf, isCrowded, lagText, tellAge, Values } from './legend.js';
import { markOf } from './choice.js';
import { menu } from './menu.js';
import { usualItems } from './panel_menu.js';
import { PanelNote } from './panel_note.js';
import { COLOURS, takeSlots } from './slots.js';
import { Summary } from './summary.js';
import { collator, commonTags, describe, onlyKey, wordTest } from './tags.js';

export const LINES_MAX = 60; // a panel draws no more: nobody tells them apart, and each costs time in every frame

/** @typedef {import('./legend.js').Entry} Entry */

export class Panel {
  /** What the menu of a panel offers, of all panels: more can be pushed here. @type {Array<(panel: Panel) => import('./menu.js').MenuItem[]>} */
  static menuItems = [usualItems];

  /** @param {string} metric @param {import('./view.js').View} view @param {() => import('./client/store.js').Series[]} events */
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
    this.menuButton = h('button', { class: 'panel-button', type: 'button', title: 'More', 'aria-label': `More: ${metric}` }, '⋯');
    this.div = h('div', { class: 'plot' });
    this.legend = h('ul', { class: 'legend' });
    this.more = h('li', { class: 'legend-more' });
    this.values = new Values(view, this.legend);
    const title = h('h3', { class: 'panel-title', title: metric }, metric);
    this.node.append(h('header', { class: 'panel-header' }, title, this.common, this.age, this.menuButton), this.div, this.legend);
    this.summary = new Summary(this);
    menu.attach(this.menuButton, metric, () => this.menuItems);
  }

  get menuItems() {
    return Panel.menuItems.flatMap((items) => items(this));
  }

  /** Once its place in the page, and so its width, is known. */
  plot() {
    const chart = this.drawing();
    chart.onSight = (inSight) => this.legend.classList.toggle('laid', inSight);
    this.chart = chart;
    if (!(chart instanceof Chart)) return;
    this.hover = new Hover(chart, (series) => this.labelOf(series));
    this.summary.picture(this.div);
    this.note = new PanelNote(this);
  }

  /** Of the axis of values. @returns {import('./value_axis.js').Ends} */
  get ends() {
    return {};
  }

  /** What draws it. @returns {Chart} */
  drawing() {
    return new Chart(this.div, this.view, this.events, this.ends);
  }

  invalidate() {
    if (this.chart) this.chart.dirty = true;
  }

  /** @param {import('./client/store.js').Series} series */
  add(series) {
    if (this.entries.has(series.id) || !this.chart) return;
    const mark = markOf(`${this.metric}\n${series.id}`);
    const entry = entryOf(series, this.chart.add(series), mark, this.#isSilent(series));
    choosable(entry, this.view.choice, () => [...this.entries.values()].map((each) => each.mark));
    if (series.help) this.node.title = series.help;
    this.entries.set(series.id, entry);
    this.arranged = false;
  }

  /** @param {import('./client/store.js').Series} series @returns {boolean} whether that was the last line */
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
    if (this.chart) this.chart.traces = new Map(entries.map(({ series, trace }) => [series.id, trace])); // as the legend has them
    this.legend.replaceChildren(...entries.map(({ item }) => item), this.more);
    this.legend.classList.toggle('crowded', isCrowded(entries.length));
    this.sorted = entries;
    this.choose();
    this.#colour();
  }

  /** What a person hid is hidden. */
  choose() {
    if (choose(this.entries.values(), this.view.choice)) this.invalidate();
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

  /** @param {import('./client/store.js').Series} series @returns {boolean} */
  #isSilent(series) {
    return series.ring.lastTime < this.view.from;
  }

  /** @param {import('./client/store.js').Series} series @returns {string} */
  labelOf(series) {
    return this.entries.get(series.id)?.label.textContent ?? '';
  }

  /** @param {string} filter @returns {boolean} */
  matches(filter) {
    const words = filter.split(/\s+/).map(wordTest);
    return [...this.entries.values()].some(({ series }) => {
      const text = `${this.metric} ${series.metric} ${describe(series.tags)}`.toLowerCase();
      return words.every((word) => word(text));
    });
  }

  /** Values where a person points. */
  read() {
    if (this.chart) this.values.tell(this.entries, this.chart.width, true);
  }

  /** @param {import('./client/store.js').Store} store */
  refresh(store) {
    let newest = Infinity;
    let changed = false;
    const stale = this.entries.size > 0 && [...this.entries.values()].every((entry) => store.isStale(entry.series));
    const off = [...this.entries.values()].every(({ series }) => store.lagOf(series) && !store.isStale(series));
    let lag = 0;
    this.values.tell(this.entries, this.chart?.width ?? 1);
    for (const entry of this.entries.values()) {
      const { series, node, trace } = entry;
      const old = store.isStale(series);
      const silent = old && this.#isSilent(series);
      changed ||= entry.stale !== old || entry.silent !== silent;
      Object.assign(entry, { stale: old, silent });
      for (const each of [node, trace.path]) each.classList.toggle('stale', old);
      tellAge(entry, store, stale || off);
      newest = Math.min(newest, store.ageOf(series));
      lag = store.lagOf(series);
    }
    if (changed) this.#colour();
    this.node.classList.toggle('is-stale', stale);
    this.summary.tick();
    this.note?.tick(off ? lag : 0);
    say(this.age, stale && Number.isFinite(newest) ? `${formatAge(newest)} ago` : off ? lagText(lag) : '');
  }
}
