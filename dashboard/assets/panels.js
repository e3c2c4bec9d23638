/** A group per prefix, a panel per metric; they appear as series are described. */

import { DerivedPanel, Deriving } from './derived_panel.js';
import { h } from './html.js';
import { collator } from './tags.js';

/** @param {string} metric @returns {string} */
export const prefixOf = (metric) => metric.split('.', 1)[0];

/** Of the broadcaster's own series. @param {string} prefix @returns {boolean} */
export const isOwn = (prefix) => prefix === 'broadcaster' || prefix === 'alerts';

/** Own series last: a person came for theirs. @param {string} name */
const rank = (name) => (isOwn(name) ? `\uffff${name}` : name);

export class Panels {
  /**
   * @param {HTMLElement} root @param {import('./client/store.js').Store} store
   * @param {import('./view.js').View} view @param {import('./scheduler.js').Scheduler} scheduler
   */
  constructor(root, store, view, scheduler) {
    this.root = root;
    this.store = store;
    this.view = view;
    this.scheduler = scheduler;
    /** @type {Map<string, {node: HTMLElement, grid: HTMLElement}>} */
    this.groups = new Map();
    /** @type {Map<string, DerivedPanel>} */
    this.panels = new Map();
    this.deriving = new Deriving();
    /** @type {import('./client/store.js').Series[]} */
    this.eventSeries = [];
    /** @type {Set<import('./client/store.js').Series>} */
    this.waiting = new Set();
    this.arrangedAt = -Infinity;
    this.none = h('p', { class: 'no-match' }, 'No panel matches the filter.');
    this.none.hidden = true;
    root.after(this.none);
  }

  /** Drawn in the next frame: a message may describe thousands. @param {import('./client/store.js').Series} series */
  discovered(series) {
    this.waiting.add(series);
  }

  /** Some at a time, so that a thousand new panels do not hold up the page. @returns {boolean} whether there were any */
  settle() {
    this.deriving.work([...this.panels.values()], this.view.now());
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
      this.#tellIfNone();
    }
    return true;
  }

  /** @param {import('./client/store.js').Series} series */
  place(series) {
    if (series.kind === 'event') return this.annotate(series);
    let panel = this.panels.get(series.metric);
    if (!panel) {
      panel = this.#open(series.metric);
      this.panels.set(series.metric, panel);
    }
    panel.add(series);
    this.#show(panel);
    return undefined;
  }

  /** Its samples may have come before it was its turn. @param {import('./client/store.js').Series} series */
  annotate(series) {
    if (!this.eventSeries.includes(series)) this.eventSeries.push(series);
    for (const panel of this.panels.values()) panel.invalidate();
  }

  /** Its line goes, and with the last line the panel, and with the last panel the group. @param {import('./client/store.js').Series} series */
  forgotten(series) {
    this.waiting.delete(series);
    this.eventSeries = this.eventSeries.filter((each) => each !== series);
    const panel = this.panels.get(series.metric);
    if (!panel?.remove(series)) return;
    this.panels.delete(series.metric);
    this.scheduler.remove(/** @type {import('./charts.js').Chart} */ (panel.chart));
    panel.close();
    const prefix = prefixOf(series.metric);
    if (this.groups.get(prefix)?.grid.children.length) return;
    this.groups.get(prefix)?.node.remove();
    this.groups.delete(prefix);
  }

  /** @param {string} metric @returns {DerivedPanel} */
  #open(metric) {
    const prefix = prefixOf(metric);
    const group = this.groups.get(prefix) ?? this.#group(prefix);
    const panel = new DerivedPanel(metric, this.view, () => this.#eventsOf(prefix), this.store.capacity);
    insert(group.grid, panel.node, metric, (node) => node.dataset.metric ?? '');
    panel.plot();
    this.scheduler.add(/** @type {import('./charts.js').Chart} */ (panel.chart));
    return panel;
  }

  /** @param {string} prefix */
  #group(prefix) {
    const node = h('section', { class: 'group' });
    node.dataset.group = prefix;
    const grid = h('div', { class: 'grid' });
    node.append(h('h2', { class: 'group-title' }, prefix), grid);
    insert(this.root, node, rank(prefix), (other) => rank(other.dataset.group ?? ''));
    const group = { node, grid };
    this.groups.set(prefix, group);
    return group;
  }

  /** Events whose prefix has no panels of its own concern all. @param {string} prefix */
  #eventsOf(prefix) {
    return this.eventSeries.filter(({ metric }) => prefixOf(metric) === prefix || !this.groups.has(prefixOf(metric)));
  }

  /** New events are drawn even if the lines around them rest. @param {import('./client/store.js').Series} series @param {ArrayLike<number>} times */
  received(series, times) {
    if (series.kind !== 'event') this.panels.get(series.metric)?.received(series, times, !this.view.paused);
    else if (!this.view.paused) for (const panel of this.panels.values()) panel.invalidate();
  }

  filter() {
    for (const panel of this.panels.values()) this.#show(panel);
    this.#tellIfNone();
  }

  #tellIfNone() {
    this.none.hidden = this.panels.size === 0 || [...this.panels.values()].some(({ node }) => !node.hidden);
  }

  /** @param {DerivedPanel} panel */
  #show(panel) {
    panel.node.hidden = !panel.matches(this.view.filter);
    const group = this.groups.get(prefixOf(panel.metric));
    if (group) group.node.hidden = [...group.grid.children].every((node) => /** @type {HTMLElement} */ (node).hidden);
    if (!panel.node.hidden) this.none.hidden = true;
  }

  /** Which lines are shown, and values where a person points. */
  choose() {
    for (const panel of this.panels.values()) panel.choose();
  }

  read() {
    for (const panel of this.panels.values()) if (panel.chart?.inSight) panel.read();
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
