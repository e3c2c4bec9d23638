/** A group per prefix, a panel per metric, a legend entry per tag set; they appear as series are described. */

import { Chart } from './charts.js';
import { formatAge, formatValue } from './format.js';
import { Hover } from './hover.js';

export const COLOURS = 8;
export const LINES_MAX = 60; // a panel draws no more: nobody tells them apart, and each costs time in every frame
const collator = new Intl.Collator(undefined, { numeric: true });

/** @param {string} name @param {string} className @param {string} [text] @returns {HTMLElement} */
export function element(name, className, text) {
  const node = document.createElement(name);
  node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

/** @param {HTMLElement} node @param {string} text only if it changed: writing is not free */
export function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** @param {string} metric @returns {string} */
export const prefixOf = (metric) => metric.split('.', 1)[0];

/** Own series last: a person came for theirs. @param {string} name */
const rank = (name) => (name === 'broadcaster' ? `\uffff${name}` : name);

export class Panels {
  /**
   * @param {HTMLElement} root @param {import('./store.js').Store} store
   * @param {import('./view.js').View} view @param {import('./scheduler.js').Scheduler} scheduler
   */
  constructor(root, store, view, scheduler) {
    this.root = root;
    this.store = store;
    this.view = view;
    this.scheduler = scheduler;
    /** @type {Map<string, {node: HTMLElement, grid: HTMLElement}>} */
    this.groups = new Map();
    /** @type {Map<string, Panel>} */
    this.panels = new Map();
    /** @type {import('./store.js').Series[]} */
    this.eventSeries = [];
    /** @type {Set<import('./store.js').Series>} */
    this.waiting = new Set();
    this.arrangedAt = -Infinity;
    this.none = element('p', 'no-match', 'No panel matches the filter.');
    this.none.hidden = true;
    root.after(this.none);
  }

  /** Drawn in the next frame: a message may describe thousands. @param {import('./store.js').Series} series */
  discovered(series) {
    this.waiting.add(series);
  }

  /** Some at a time, so that a thousand new panels do not hold up the page. @returns {boolean} whether there were any */
  settle() {
    if (!this.waiting.size) return false;
    const deadline = performance.now() + 12;
    for (const series of this.waiting) {
      this.waiting.delete(series);
      this.place(series);
      if (performance.now() > deadline) break;
    }
    if (!this.waiting.size || performance.now() > this.arrangedAt + 250) {
      for (const panel of this.panels.values()) panel.arrange();
      this.arrangedAt = performance.now();
    }
    return true;
  }

  /** @param {import('./store.js').Series} series */
  place(series) {
    if (series.kind === 'event') {
      if (!this.eventSeries.includes(series)) this.eventSeries.push(series);
      return;
    }
    let panel = this.panels.get(series.metric);
    if (!panel) {
      panel = this.#open(series.metric);
      this.panels.set(series.metric, panel);
    }
    panel.add(series);
    this.#show(panel);
  }

  /** Its line goes, and with the last line the panel, and with the last panel the group. @param {import('./store.js').Series} series */
  forgotten(series) {
    this.waiting.delete(series);
    this.eventSeries = this.eventSeries.filter((each) => each !== series);
    const panel = this.panels.get(series.metric);
    if (!panel?.remove(series)) return;
    this.panels.delete(series.metric);
    this.scheduler.remove(/** @type {Chart} */ (panel.chart));
    panel.close();
    const prefix = prefixOf(series.metric);
    if (this.groups.get(prefix)?.grid.children.length) return;
    this.groups.get(prefix)?.node.remove();
    this.groups.delete(prefix);
  }

  /** @param {string} metric @returns {Panel} */
  #open(metric) {
    const prefix = prefixOf(metric);
    const group = this.groups.get(prefix) ?? this.#group(prefix);
    const panel = new Panel(metric, this.view, () => this.#eventsOf(prefix));
    insert(group.grid, panel.node, metric, (node) => node.dataset.metric ?? '');
    panel.plot();
    this.scheduler.add(/** @type {Chart} */ (panel.chart));
    return panel;
  }

  /** @param {string} prefix */
  #group(prefix) {
    const node = element('section', 'group');
    node.dataset.group = prefix;
    const grid = element('div', 'grid');
    node.append(element('h2', 'group-title', prefix), grid);
    insert(this.root, node, rank(prefix), (other) => rank(other.dataset.group ?? ''));
    const group = { node, grid };
    this.groups.set(prefix, group);
    return group;
  }

  /** Events whose prefix has no panels of its own concern all. @param {string} prefix */
  #eventsOf(prefix) {
    return this.eventSeries.filter(({ metric }) => prefixOf(metric) === prefix || !this.groups.has(prefixOf(metric)));
  }

  /** New events are drawn even if the lines around them rest. @param {import('./store.js').Series} series */
  received(series) {
    if (this.view.paused) return;
    if (series.kind !== 'event') this.panels.get(series.metric)?.invalidate();
    else for (const panel of this.panels.values()) panel.invalidate();
  }

  filter() {
    for (const panel of this.panels.values()) this.#show(panel);
    this.none.hidden = this.panels.size === 0 || [...this.panels.values()].some(({ node }) => !node.hidden);
  }

  /** @param {Panel} panel */
  #show(panel) {
    panel.node.hidden = !panel.matches(this.view.filter);
    const group = this.groups.get(prefixOf(panel.metric));
    if (group) group.node.hidden = [...group.grid.children].every((node) => /** @type {HTMLElement} */ (node).hidden);
    if (!panel.node.hidden) this.none.hidden = true;
  }

  /** Values and ages, a few times a second. */
  refresh() {
    for (const panel of this.panels.values()) if (panel.chart?.inSight) panel.refresh(this.store);
  }
}

/** @param {HTMLElement} parent @param {HTMLElement} node @param {string} name @param {(node: HTMLElement) => string} nameOf */
function insert(parent, node, name, nameOf) {
  const after = [...parent.children].find((other) => collator.compare(nameOf(/** @type {HTMLElement} */ (other)), name) > 0);
  parent.insertBefore(node, after ?? null);
}

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
    this.node = element('article', 'panel');
    this.node.dataset.metric = metric;
    this.common = element('span', 'panel-tags');
    this.age = element('span', 'panel-age');
    this.back = element('button', 'button small', 'Back to live');
    this.back.hidden = true;
    this.div = element('div', 'plot');
    this.legend = element('ul', 'legend');
    this.more = element('li', 'legend-more');
    const header = element('header', 'panel-header');
    const title = element('h3', 'panel-title', metric);
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
    const [node, label, value, age] = [element('button', 'entry'), element('span', 'entry-label'), element('span', 'entry-value'), element('span', 'entry-age')];
    node.dataset.series = series.id;
    node.setAttribute('aria-pressed', 'true');
    node.append(element('span', 'swatch'), label, value, age);
    node.addEventListener('click', () => this.#toggle(series.id));
    if (series.help) this.node.title = series.help;
    const item = element('li', '');
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
    write(this.common, describe(common) + (key && ` by ${key}`));
    for (const { label, series } of entries) {
      const text = key ? series.tags[key] : describe(series.tags, common);
      write(label, text || (entries.length > 1 ? 'no tags' : 'latest'));
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
    write(this.more, [over && `${over} more, not drawn`, silent && `${silent} more, silent`].filter(Boolean).join(' \u00b7 '));
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
      if (!this.view.paused && !entry.item.hidden) write(value, ring.length ? formatValue(ring.lastValue, series.unit) : '–');
      const old = store.isStale(series);
      const silent = old && this.#isSilent(series);
      changed ||= entry.stale !== old || entry.silent !== silent;
      Object.assign(entry, { stale: old, silent });
      node.classList.toggle('stale', old);
      if (!entry.item.hidden) write(age, old && !stale ? `${formatAge(store.ageOf(series))} ago` : '');
      newest = Math.min(newest, store.ageOf(series));
    }
    if (changed) this.#colour();
    this.node.classList.toggle('is-stale', stale);
    write(this.age, stale && Number.isFinite(newest) ? `${formatAge(newest)} ago` : '');
  }
}

/**
 * Colours go by order of tags, so that the same series look the same at the next visit. Of many lines, each keeps its own for
 * as long as it is in view, and new ones take what is free: a hundred short-lived lines are told apart by the colours of few.
 * @param {Entry[]} entries in order @param {boolean} many
 */
function takeSlots(entries, many) {
  if (!many) return entries.forEach((entry, index) => { entry.slot = index; });
  const taken = new Set();
  for (const entry of entries) {
    if (entry.silent || entry.over || entry.slot >= COLOURS || taken.has(entry.slot)) entry.slot = -1;
    else if (entry.slot >= 0) taken.add(entry.slot);
  }
  let free = 0;
  for (const entry of entries) {
    if (entry.silent || entry.over || entry.slot >= 0) continue;
    while (taken.has(free)) free++;
    entry.slot = free;
    taken.add(free);
  }
  return undefined;
}

/** A part of the text, or a glob of one, as selections have them. @param {string} word @returns {(text: string) => boolean} */
function wordTest(word) {
  if (!/[*?]/.test(word)) return (text) => text.includes(word);
  const glob = word.replace(/[.+^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*').replaceAll('?', '.');
  const pattern = new RegExp(glob);
  return (text) => pattern.test(text);
}

/** @param {Array<Record<string, string>>} sets @returns {Record<string, string>} tags that all have */
export function commonTags(sets) {
  const [first = {}, ...rest] = sets;
  return Object.fromEntries(Object.entries(first).filter(([key, value]) => rest.every((tags) => tags[key] === value)));
}

/**
 * @param {Array<Record<string, string>>} sets @param {Record<string, string>} common
 * @returns {string} the one tag in which they differ, if it is one and all have it; else empty
 */
export function onlyKey(sets, common) {
  const keys = new Set(sets.flatMap((tags) => Object.keys(tags)).filter((key) => !(key in common)));
  const [key = ''] = keys;
  return keys.size === 1 && sets.every((tags) => key in tags) ? key : '';
}

/** @param {Record<string, string>} tags @param {Record<string, string>} [without] @returns {string} */
export function describe(tags, without = {}) {
  const shown = Object.entries(tags).filter(([key]) => !(key in without));
  return shown.sort(([a], [b]) => collator.compare(a, b)).map(([key, value]) => `${key}=${value}`).join(' ');
}
