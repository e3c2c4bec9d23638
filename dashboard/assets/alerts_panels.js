/** What alerts mean for panels: a threshold as a line, and at the header which of them fires. */

import { level } from './alerts_level.js';
import { gravityOf } from './alerts_state.js';
import { Bands } from './bands.js';
import { selector } from './board_panels.js';
import { Chart } from './charts.js';
import { h, order } from './html.js';

/** @typedef {import('./alerts_state.js').Rule} Rule @typedef {import('./panel.js').Panel} Panel */

/** @typedef {import('./kinds/kind.js').Limit & {name: string}} NamedLimit */

/** @typedef {{how: {aggregate?: string|null}, places: Map<import('./client/store.js').Series, unknown>}|undefined} Derivation of a panel that may show something worked out */

/** @param {Panel} panel @returns {Derivation} */
const derivationOf = (panel) => /** @type {any} */ (panel).derivation;

/** @param {Derivation} derivation @param {import('./client/store.js').Series} series @returns {'itself'|'rate'|'aggregate'} as what it is shown */
export function shownAs(derivation, series) {
  if (derivation?.how.aggregate) return 'aggregate';
  return derivation?.places.has(series) ? 'rate' : 'itself';
}

/** @param {Panel} panel @returns {import('./client/store.js').Series[]} as they are published */
export function publishedIn(panel) {
  const worked = [...(derivationOf(panel)?.places.keys() ?? [])];
  return worked.length ? worked : [...panel.entries.values()].map(({ series }) => series);
}

/** @param {Rule[]} rules @returns {NamedLimit[]} */
export function limitsOf(rules) {
  return rules.flatMap(({ alert, severity, condition: { above, below } }) => {
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

  /** @param {Rule[]} rules whose thresholds have a place on its axis @param {Map<string, string>} firing severity by alert, on series of this panel */
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
      if (keyOf(panel, marks, state) === marks.key) continue;
      this.#look(panel, marks, state);
      marks.key = keyOf(panel, marks, state);
    }
  }

  /** @param {Panel} panel @param {Marks} marks @param {import('./alerts_state.js').AlertsState} state */
  #look(panel, marks, state) {
    const series = publishedIn(panel);
    const drawn = (/** @type {Rule} */ { condition }, /** @type {import('./client/store.js').Series} */ each) => shownAs(derivationOf(panel), each) === (condition.rate ? 'rate' : 'itself');
    const concerning = state.rules.filter((rule) => series.some((each) => this.selectors.get(rule)?.(each)));
    const names = new Set(concerning.map(({ alert }) => alert));
    const firing = new Map(state.firing.filter(({ alert, items }) => names.has(alert) && items.some((item) => !item.series || series.some((each) => isOf(item, each)))).map(({ alert, severity }) => [alert, severity]));
    marks.show(concerning.filter((rule) => series.some((each) => this.selectors.get(rule)?.(each) && drawn(rule, each))), firing);
  }
}

/** @param {Panel} panel @param {Marks} marks @param {import('./alerts_state.js').AlertsState} state */
function keyOf(panel, marks, state) {
  return `${state.version} ${panel.entries.size} ${derivationOf(panel)?.places.size} ${panel.chart !== null && panel.chart === marks.chart}`;
}

/** @param {import('./alerts_state.js').Active} item @param {import('./client/store.js').Series} series */
function isOf({ series: of }, series) {
  if (!of || of.metric !== series.metric) return false;
  const keys = Object.keys(of.tags);
  return keys.length === Object.keys(series.tags).length && keys.every((key) => of.tags[key] === series.tags[key]);
}
