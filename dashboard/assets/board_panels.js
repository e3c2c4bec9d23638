/** Panels as a saved dashboard says: which series, in which order, of which size. */

import { Bands } from './bands.js';
import { DerivedPanel } from './derived_panel.js';
import { h, say } from './html.js';
import { kindOf } from './kinds/index.js';
import { Panels, prefixOf } from './panels.js';
import { commonStart } from './tags.js';

/**
 * @typedef {object} Spec as `dashboard/boards.py` has it
 * @property {string} title @property {string} metric glob @property {Record<string, string>} tags globs
 * @property {string} kind @property {number} width in quarters @property {number} height in rows
 * @property {string} [unit] instead of the published one @property {number|null} [top] @property {number|null} [min] @property {number|null} [max]
 * @property {import('./kinds/kind.js').Limit[]} [thresholds]
 * @property {string|null} [aggregate] of many series one @property {string[]} [group_by] for each of these tags' values @property {boolean|null} [rate]
 */

/** @param {string} glob @returns {RegExp} */
function pattern(glob) {
  return new RegExp(`^${glob.replace(/[.+^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*').replaceAll('?', '.')}$`, 's');
}

/** @param {Spec} spec @returns {(series: {metric: string, tags: Record<string, string>}) => boolean} */
export function selector(spec) {
  const metric = pattern(spec.metric);
  const tags = Object.entries(spec.tags ?? {}).map(([key, glob]) => /** @type {const} */ ([key, pattern(glob)]));
  return (series) => metric.test(series.metric) && tags.every(([key, value]) => key in series.tags && value.test(series.tags[key]));
}

class BoardPanel extends DerivedPanel {
  /** @param {Spec} spec @param {import('./view.js').View} view @param {() => import('./client/store.js').Series[]} events @param {number} capacity samples kept */
  constructor(spec, view, events, capacity) {
    super(spec.title || spec.metric, view, events, capacity, spec);
    this.spec = spec;
    this.selects = selector(spec);
    this.node.dataset.metric = spec.metric;
    this.node.dataset.width = String(spec.width);
    this.node.dataset.height = String(spec.height);
    const tags = Object.entries(spec.tags).map(([key, glob]) => `${key}=${glob}`).join(', ');
    this.waiting = h('p', { class: 'panel-none' }, `Nothing is published as ${spec.metric}${tags && ` with ${tags}`} yet.`);
    this.div.append(this.waiting);
  }

  get ends() {
    return this.spec;
  }

  plot() {
    this.waiting.remove();
    super.plot();
  }

  /** A kind of its own lists its series itself. */
  drawing() {
    const Kind = kindOf(this.spec.kind);
    this.legend.hidden = Kind !== null;
    if (Kind) return /** @type {import('./charts.js').Chart} */ (/** @type {unknown} */ (new Kind(this.div, this.view, /** @type {any} */ (this.spec))));
    const chart = super.drawing();
    if (this.spec.thresholds?.length) new Bands(chart, this.spec.thresholds);
    return chart;
  }

  /** Lines of several metrics say which. */
  arrange() {
    const todo = !this.arranged;
    super.arrange();
    const metrics = [...new Set([...this.entries.values()].map(({ series }) => series.metric))];
    if (!todo || metrics.length < 2) return;
    const start = commonStart(metrics).length;
    for (const { label, series } of this.entries.values()) {
      const tags = label.textContent === 'no tags' ? '' : ` ${label.textContent}`;
      say(label, series.metric.slice(start) + tags);
    }
  }

  /** @param {string} filter */
  matches(filter) {
    return !filter || super.matches(filter);
  }
}

export class BoardPanels extends Panels {
  /**
   * @param {HTMLElement} root @param {import('./client/store.js').Store} store @param {import('./view.js').View} view
   * @param {import('./scheduler.js').Scheduler} scheduler @param {Spec[]} specs
   */
  constructor(root, store, view, scheduler, specs) {
    super(root, store, view, scheduler);
    /** @type {Set<string>} */
    this.prefixes = new Set();
    this.grid = h('div', { class: 'board' });
    root.append(this.grid);
    specs.forEach((spec, index) => this.grid.append(this.#open(spec, String(index)).node));
    this.grid.hidden = !specs.length;
    if (!specs.length) root.append(h('p', { class: 'no-match' }, 'This dashboard has no panels yet: press Edit, then Add a panel.'));
  }

  /** @param {Spec} spec @param {string} key */
  #open(spec, key) {
    const prefix = prefixOf(spec.metric);
    const panel = new BoardPanel(spec, this.view, () => this.eventSeries.filter(({ metric }) => prefixOf(metric) === prefix || !this.prefixes.has(prefixOf(metric))), this.store.capacity);
    panel.node.dataset.panel = key;
    this.panels.set(key, panel);
    return panel;
  }

  get all() {
    return /** @type {BoardPanel[]} */ ([...this.panels.values()]);
  }

  /** @param {import('./client/store.js').Series} series */
  place(series) {
    if (series.kind === 'event') return this.annotate(series);
    this.prefixes.add(prefixOf(series.metric));
    for (const panel of this.all.filter(({ selects }) => selects(series))) {
      if (!panel.chart) {
        panel.plot();
        this.scheduler.add(/** @type {import('./charts.js').Chart} */ (/** @type {unknown} */ (panel.chart)));
      }
      panel.add(series);
    }
    this.filter();
    return undefined;
  }

  /** @param {import('./client/store.js').Series} series */
  forgotten(series) {
    this.waiting.delete(series);
    this.eventSeries = this.eventSeries.filter((each) => each !== series);
    for (const [key, panel] of /** @type {Map<string, BoardPanel>} */ (this.panels)) {
      if (!panel.remove(series)) continue;
      const { nextSibling } = panel.node;
      this.scheduler.remove(/** @type {import('./charts.js').Chart} */ (panel.chart));
      panel.close();
      this.grid.insertBefore(this.#open(panel.spec, key).node, nextSibling);
    }
  }

  /** @param {import('./client/store.js').Series} series @param {ArrayLike<number>} times */
  received(series, times) {
    for (const panel of this.all) {
      if (series.kind !== 'event') panel.received(series, times, !this.view.paused);
      else if (!this.view.paused) panel.invalidate();
    }
  }
}

/** Takes panels off the page. @param {Panels} panels */
export function closeAll(panels) {
  for (const panel of panels.panels.values()) {
    if (panel.chart) panels.scheduler.remove(panel.chart);
    if (panel.chart) panel.close();
  }
  panels.none.remove();
  panels.root.replaceChildren();
}
