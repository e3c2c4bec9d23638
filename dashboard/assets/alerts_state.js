/**
 * What fires, what is over, and which alerts there are. The broadcaster's answer is what counts; events of the stream are heard
 * before it, and are all there is where its HTTP side cannot be reached. Pure.
 */

const OVER_MOST = 200;
const GRAVITY = /** @type {Record<string, number>} */ ({ info: 1, warning: 2, critical: 3 });

/**
 * @typedef {'info'|'warning'|'critical'} Severity
 * @typedef {{metric: string, tags: Record<string, string>, unit: string|null}} Of a series
 * @typedef {object} Active
 * @property {string} alert @property {Severity} severity @property {'pending'|'firing'} state @property {string} text
 * @property {Of|null} series null: not known yet @property {number|null} value @property {number} since @property {number|null} fired
 * @typedef {object} Over
 * @property {string} alert @property {Severity} severity @property {string} text @property {Of|null} series @property {number|null} value when it fired
 * @property {number} fired @property {number} ended @property {string} ended_reason `unknown`: the broadcaster does not know it any more
 * @typedef {object} Rule
 * @property {string} alert @property {Severity} severity @property {string|null} message @property {string} metric glob @property {Record<string, string>} tags globs
 * @property {{above: number|null, below: number|null, clear: number|null, for_s: number, silent_for_s: number|null, rate: boolean}} condition
 * @property {number} pending @property {number} firing @property {string[]} [webhooks] hosts @property {string|null} [file] @property {string|null} [revision] null: edited by hand
 * @typedef {{alert: string, severity: Severity, text: string, fired: number, items: Active[], count: number}} Firing one alert, on all its series; `items` are those that are listed
 */

/** @param {{alert: string, series: Of|null}} item @returns {string} */
const nameOf = ({ alert, series }) => JSON.stringify([alert, series && series.metric, series && Object.entries(series.tags).sort()]);

/** @param {{alert: string, series: Of|null, fired: number}} over @returns {string} */
export const keyOf = (over) => `${nameOf(over)} ${over.fired}`;

/** @param {{severity: string}} one @returns {number} */
export const gravityOf = ({ severity }) => GRAVITY[severity] ?? 0;

export class AlertsState {
  constructor() {
    /** @type {Rule[]} */
    this.rules = [];
    /** @type {Active[]} */
    this.active = [];
    /** @type {Over[]} the newest first */
    this.over = [];
    this.unlisted = 0; // of what is active: the broadcaster lists the newest
    this.writable = false;
    this.known = false;
    this.reachable = true;
    this.version = 0; // rises with each change
  }

  /** @param {any} body of `/v1/alerts` */
  answered({ time, rules, active, active_total = active.length, recent = [], writable = false }) {
    const unlisted = Math.max(0, active_total - active.length);
    const told = new Set(recent.map(keyOf));
    const still = new Set(active.map(nameOf));
    const lost = unlisted ? [] : this.#firing().filter((each) => each.series && !still.has(nameOf(each)) && !recent.some((/** @type {Over} */ over) => nameOf(over) === nameOf(each)));
    const kept = [...lost.map((each) => overOf(each, time, 'unknown')), ...this.over].filter((each) => each.series && !told.has(keyOf(each)));
    this.over = [...recent, ...kept].sort((a, b) => b.ended - a.ended).slice(0, OVER_MOST);
    const texts = new Map(this.#firing().map((each) => [keyOf({ ...each, fired: begin(each) }), each.text]));
    const asTold = (/** @type {Active} */ each) => ({ ...each, text: texts.get(keyOf({ ...each, fired: begin(each) })) ?? each.text });
    this.active = active.map(asTold);
    Object.assign(this, { rules, unlisted, writable, known: true, reachable: true });
    this.version++;
  }

  /** No answer: what the stream says is all there is. */
  unanswered() {
    this.reachable = false;
    this.version++;
  }

  /** @param {{alert: string, severity: Severity, state: string, time: number, text: string}} event of the stream, live */
  heard({ alert, severity, state, time, text }) {
    const those = this.#firing().filter((each) => each.alert === alert);
    if (state === 'firing' && !those.some(({ fired }) => fired === time)) this.active = [...this.active, begun(alert, severity, said(alert, text), time)];
    if (state === 'ok' && those.length === 1 && !this.unlisted) this.#end(those, time);
    this.version++;
  }

  /** The gauge `alerts.firing`, where nothing else can be asked. @param {string} alert @param {Severity} severity @param {number} count @param {number} time @param {string} text */
  counted(alert, severity, count, time, text) {
    if (this.reachable) return;
    const those = this.#firing().filter((each) => each.alert === alert);
    if (!count && those.length) this.#end(those, time);
    if (count && !those.length) this.active = [...this.active, begun(alert, severity, said(alert, text), time)];
    this.version++;
  }

  /** @param {Active[]} those @param {number} time */
  #end(those, time) {
    this.active = this.active.filter((each) => !those.includes(each));
    this.over = [...those.map((each) => overOf(each, time, 'value')), ...this.over].slice(0, OVER_MOST);
  }

  #firing() {
    return this.active.filter(({ state }) => state === 'firing');
  }

  /** @returns {Firing[]} the gravest first, and of those the newest */
  get firing() {
    const byAlert = /** @type {Map<string, Active[]>} */ (new Map());
    for (const each of this.#firing()) {
      const items = byAlert.get(each.alert);
      if (items) items.push(each);
      else byAlert.set(each.alert, [each]);
    }
    const counted = new Map(this.unlisted ? this.rules.map(({ alert, firing }) => [alert, firing]) : []);
    const all = [...byAlert].map(([alert, items]) => {
      const [first] = items.sort((a, b) => begin(a) - begin(b));
      return { alert, severity: first.severity, text: first.text, fired: begin(first), items, count: Math.max(items.length, counted.get(alert) ?? 0) };
    });
    return all.sort((a, b) => gravityOf(b) - gravityOf(a) || b.fired - a.fired);
  }
}

/** @param {Active} item @returns {number} when it began to fire */
export const begin = ({ fired, since }) => fired ?? since;

/** @param {string} alert @param {Severity} severity @param {string} text @param {number} time @returns {Active} */
const begun = (alert, severity, text, time) => ({ alert, severity, state: 'firing', text, series: null, value: null, since: time, fired: time });

/** @param {Active} item @param {number} ended @param {string} why @returns {Over} */
const overOf = ({ alert, severity, text, series, value, fired, since }, ended, why) => ({ alert, severity, text, series, value, fired: fired ?? since, ended, ended_reason: why });

/** An event begins with the name of its alert. @param {string} alert @param {string} text */
const said = (alert, text) => (text.startsWith(`${alert}: `) ? text.slice(alert.length + 2) : text);

/** @param {Firing[]} firing @param {string} usual @returns {string} of the tab */
export function titleOf(firing, usual) {
  if (!firing.length) return usual;
  const [{ alert }] = firing;
  return `(${firing.length}) ⚠ ${alert} · ${usual}`;
}

/**
 * What began and what ended between two moments.
 * @param {Map<string, Firing>} before @param {Firing[]} now @returns {{began: Firing[], ended: Firing[]}}
 */
export function changes(before, now) {
  const names = new Set(now.map(({ alert }) => alert));
  return { began: now.filter(({ alert }) => !before.has(alert)), ended: [...before.values()].filter(({ alert }) => !names.has(alert)) };
}
