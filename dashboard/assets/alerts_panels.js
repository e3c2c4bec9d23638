/** What alerts mean for panels: a threshold as a line, and at the header which of them fires. */

import { level } from './alerts_level.js';
import { gravityOf } from './alerts_state.js';
import { Bands } from './bands.js';
import { selector } from './board_panels.js';
import { Chart } from './charts.js';
import { h, order } from './html.js';

/** @typedef {import('./alerts_state.js').Rule} Rule @typedef {import('./panel.js').Panel} Panel */

/** @typedef {import('./kinds/kind.js').Limit & {name: string}} NamedLimit */

/** @param {Rule[]} rules @returns {NamedLimit[]} of the values themselves: a rate has no place on their axis */
export function limitsOf(rules) {
  return rules.filter(({ condition }) => !condition.rate).flatMap(({ alert, severity, condition: { above, below } }) => {
    const grave = /** @type {'warn'|'bad'} */ (severity === 'critical' ? 'bad' : 'warn');
    return [above !== null && { above, level: grave, name: alert }, below !== null && { below, level: grave, name: alert }].filter((each) => each !== false);
  });
}

/** One panel's marks. */
class Marks {
  /** @param {Panel} panel @param {() => void} onOpen */
  constructor(panel, onOpen) {
    this.panel = panel;
    this.onOpen = onOpen;
    this.key = '';
    this.chips = h('span', { class: 'panel-alerts' });
    panel.age.before(this.chips);
    /** @type {Map<string, HTMLElement>} */
    this.byAlert = new Map();
    /** @type {Bands|null} */
    this.bands = null;
    this.chart = /** @type {unknown} */ (null);
    this.limits = '';
  }

  /** @param {Rule[]} rules that concern it @param {Map<string, string>} firing severity by alert, on series of this panel */
  show(rules, firing) {
    const limits = limitsOf(rules);
    const text = JSON.stringify(limits);
    if (text !== this.limits || this.panel.chart !== this.chart) {
      this.bands?.close();
      this.bands = this.panel.chart instanceof Chart && limits.length ? new Bands(this.panel.chart, limits) : null;
      if (this.bands) this.bands.group.setAttribute('data-alerts', '');
      this.limits = text;
      this.chart = this.panel.chart;
      this.panel.invalidate();
    }
    for (const [limit, { band }] of this.bands?.marks ?? []) band.toggleAttribute('data-firing', firing.has(/** @type {NamedLimit} */ (limit).name));
    const sorted = [...firing].sort(([, a], [, b]) => gravityOf({ severity: b }) - gravityOf({ severity: a }));
    const chips = sorted.map(([alert, severity]) => this.byAlert.get(`${alert} ${severity}`) ?? this.#chip(alert, severity));
    this.byAlert = new Map(sorted.map(([alert, severity], at) => [`${alert} ${severity}`, chips[at]]));
    order(this.chips, chips);
    if (sorted.length) this.panel.node.dataset.firing = sorted[0][1];
    else delete this.panel.node.dataset.firing;
  }

  /** @param {string} alert @param {string} severity */
  #chip(alert, severity) {
    return h('button', { class: 'panel-alert', type: 'button', 'data-level': severity, title: `${severity}: ${alert} fires`, onclick: this.onOpen }, level(severity), h('span', { class: 'panel-alert-name' }, alert));
  }
}

export class AlertsPanels {
  /** @param {() => void} onOpen */
  constructor(onOpen) {
    this.onOpen = onOpen;
    /** @type {WeakMap<Panel, Marks>} */
    this.marks = new WeakMap();
    /** @type {Map<Rule, ReturnType<typeof selector>>} */
    this.selectors = new Map();
    this.version = -1;
  }

  /** A few times a second; a panel is looked at when its series or the alerts changed. @param {Iterable<Panel>} panels @param {import('./alerts_state.js').AlertsState} state */
  show(panels, state) {
    if (state.version !== this.version) {
      this.version = state.version;
      this.selectors = new Map(state.rules.map((rule) => [rule, selector(/** @type {any} */ (rule))]));
    }
    for (const panel of panels) {
      const known = this.marks.get(panel);
      if (!known && !this.selectors.size) continue;
      const marks = known ?? new Marks(panel, this.onOpen);
      if (!known) this.marks.set(panel, marks);
      const key = `${state.version} ${panel.entries.size} ${panel.chart !== null && panel.chart === marks.chart}`;
      if (key === marks.key) continue;
      this.#look(panel, marks, state);
      marks.key = `${state.version} ${panel.entries.size} ${panel.chart !== null && panel.chart === marks.chart}`;
    }
  }

  /** @param {Panel} panel @param {Marks} marks @param {import('./alerts_state.js').AlertsState} state */
  #look(panel, marks, state) {
    const series = [...panel.entries.values()].map((entry) => entry.series);
    const concerning = state.rules.filter((rule) => series.some((each) => this.selectors.get(rule)?.(each)));
    const names = new Set(concerning.map(({ alert }) => alert));
    const firing = new Map(state.firing.filter(({ alert, items }) => names.has(alert) && items.some((item) => !item.series || series.some((each) => isOf(item, each)))).map(({ alert, severity }) => [alert, severity]));
    marks.show(concerning, firing);
  }
}

/** @param {import('./alerts_state.js').Active} item @param {import('./client/store.js').Series} series */
function isOf({ series: of }, series) {
  if (!of || of.metric !== series.metric) return false;
  const keys = Object.keys(of.tags);
  return keys.length === Object.keys(series.tags).length && keys.every((key) => of.tags[key] === series.tags[key]);
}
