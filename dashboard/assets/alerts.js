/** Alerts as a person sees them: who fires, in the banner, the title, the list and at the panels; and the dialog that makes one. */

import { AlertsBanner } from './alerts_banner.js';
import { AlertsDrawer } from './alerts_drawer.js';
import { AlertsForm } from './alerts_form.js';
import { icon } from './alerts_level.js';
import { Notifier } from './alerts_notify.js';
import { AlertsPanels, publishedIn, shownAs } from './alerts_panels.js';
import { AlertsState, changes, titleOf } from './alerts_state.js';
import { listed, put, remove } from './alerts_api.js';
import { announcer } from './announcer.js';
import { byId } from './health.js';
import { h, say } from './html.js';
import { Panel } from './panel.js';
import { session } from './session.js';
import { identity } from './client/store.js';
import { title } from './title.js';

const REST_MS = 300; // from one asking to the next, whatever happens
const SOON_MS = 5000; // while something fires or the list is open
const SELDOM_MS = 30_000; // files may be edited by hand
const FAILED_MS = 3000;
const PASSED_OVER = 3; // answers in a row: where alerts come and go all the time, an old one is better than none

/** @typedef {import('./alerts_state.js').Active} Active @typedef {import('./alerts_state.js').Firing} Firing */

export class Alerts {
  /**
   * @param {string} url of the broadcaster's HTTP side
   * @param {{feed: import('./client/feed.js').Feed, store: import('./client/store.js').Store, view: import('./view.js').View, panels: () => import('./panels.js').Panels|null}} parts
   */
  constructor(url, { feed, store, view, panels }) {
    this.url = url;
    this.feed = feed;
    this.store = store;
    this.panels = panels;
    this.state = new AlertsState();
    this.notifier = new Notifier();
    this.shown = -1; // version of the state
    /** @type {Map<string, Firing>} */
    this.before = new Map();
    /** @type {Promise<unknown>} the question that is out, and its rest */
    this.asking = Promise.resolve();
    /** @type {Promise<void>|null} the answer to whoever asks now, if it has to wait */
    this.next = null;
    this.events = 0; // heard of alerts
    this.passedOver = 0;
    this.wasLive = false;
    /** @type {ReturnType<typeof setTimeout>|undefined} */
    this.timer = undefined;
    const now = () => feed.clock.now();
    const valueOf = (/** @type {Active} */ item) => this.valueOf(item);
    this.form = new AlertsForm(store, view, async (name, table, revision) => { await put(url, name, table, revision); await this.ask(); });
    this.drawer = new AlertsDrawer(this.state, this.notifier, {
      now,
      valueOf,
      look: (from, to) => { view.zoomTo(from, to); },
      unitOf: (rule) => this.unitOf(rule),
      create: () => this.form.create('', {}),
      edit: (rule) => this.form.edit(rule),
      remove: async (rule) => { await remove(url, rule.alert, rule.revision ?? ''); await this.ask(); },
    });
    this.banner = new AlertsBanner(now, valueOf, () => this.drawer.open());
    this.marks = new AlertsPanels(() => this.drawer.open());
    this.count = h('span', { class: 'alerts-count' });
    this.button = /** @type {HTMLButtonElement} */ (h('button', { id: 'alerts-button', class: 'button icon alerts-button', type: 'button', title: 'Alerts', 'aria-label': 'Alerts' }, icon('bell'), this.count));
    this.#place();
    Panel.menuItems.push((panel) => (this.state.writable ? [{ label: 'Alert…', act: () => this.#from(panel) }] : []));
    title.urgent = (usual) => titleOf(this.state.firing, usual);
    feed.listeners.push(() => this.#connection());
    void this.ask();
  }

  #place() {
    this.button.popoverTargetElement = this.drawer.node;
    (document.getElementById('help') ?? byId('theme')).before(this.button);
    byId('health').after(this.banner.strip);
    this.banner.strip.hidden = true;
    new ResizeObserver(([{ target }]) => document.documentElement.style.setProperty('--health', `${/** @type {HTMLElement} */ (target).offsetHeight}px`)).observe(byId('health'));
  }

  /** Newest value of what fires; a rate is known to the broadcaster alone. @param {Active} item @returns {number|null} */
  valueOf({ alert, series, value }) {
    const rule = this.state.rules.find((each) => each.alert === alert);
    const known = series && !rule?.condition.rate ? this.store.series.get(identity(series.metric, series.tags)) : undefined;
    return known?.ring.length ? /** @type {import('./client/rings.js').Ring} */ (known.ring).lastValue : value;
  }

  /** @param {import('./alerts_state.js').Rule} rule @returns {string|null} of the first series that it is about */
  unitOf({ metric }) {
    return [...this.store.series.values()].find((series) => series.metric === metric)?.unit ?? null;
  }

  /** @param {Panel} panel */
  #from(panel) {
    const { spec } = /** @type {{spec?: {metric: string, tags: Record<string, string>}}} */ (/** @type {unknown} */ (panel));
    const shown = [...panel.entries.values()].map(({ series }) => series);
    const [first] = publishedIn(panel);
    const as = first && shownAs(/** @type {any} */ (panel).derivation, first);
    this.form.create(spec?.metric ?? panel.metric, spec?.tags ?? {}, as === 'aggregate' ? publishedIn(panel) : shown, as === 'rate' ? 'rises' : 'above');
  }

  /** Something came of a series. @param {import('./client/store.js').Series} series */
  received(series) {
    if (series.metric === 'alerts.state') this.#event(series);
    if (series.metric === 'alerts.firing') this.#count(series);
  }

  /** @param {import('./client/store.js').Series} series */
  #count({ tags: { alert, severity }, ring }) {
    if (this.state.reachable || !ring.length) return;
    const { lastValue, lastTime } = /** @type {import('./client/rings.js').Ring} */ (ring);
    this.state.counted(alert, /** @type {any} */ (severity), lastValue, lastTime, this.#said(alert));
  }

  /** @param {import('./client/store.js').Series} series */
  #event({ tags: { alert, severity, state }, ring }) {
    const newest = /** @type {import('./client/rings.js').EventRing} */ (ring).events.at(-1);
    this.events++;
    if (this.feed.state === 'live' && newest) this.state.heard({ alert, severity: /** @type {any} */ (severity), state, time: newest.time, text: newest.text });
    this.#show();
    void this.ask();
  }

  /** The newest text with which the alert fired. @param {string} alert */
  #said(alert) {
    const rings = [...this.store.series.values()].filter(({ metric, tags }) => metric === 'alerts.state' && tags.alert === alert && tags.state === 'firing').map(({ ring }) => /** @type {import('./client/rings.js').EventRing} */ (ring));
    return rings.map(({ events }) => events.at(-1)?.text ?? '')[0] ?? '';
  }

  #connection() {
    const isLive = this.feed.state === 'live';
    if (isLive && !this.wasLive) void this.ask();
    this.wasLive = isLive;
  }

  /** What the broadcaster says. One question at a time; who asks meanwhile waits for the next answer. @returns {Promise<void>} */
  ask() {
    this.next ??= this.asking.then(() => {
      this.next = null;
      const question = this.#question();
      const rest = () => new Promise((rested) => { setTimeout(rested, REST_MS); });
      this.asking = question.then(rest, rest);
      return question.then((isNews) => (isNews ? undefined : this.ask()));
    });
    return this.next;
  }

  /** @returns {Promise<boolean>} the answer is of now, or there is none */
  async #question() {
    clearTimeout(this.timer);
    const { events } = this;
    let isNews = true;
    try {
      const answer = await listed(this.url);
      isNews = this.#isNews(events);
      if (isNews) this.state.answered({ ...answer, writable: answer.writable && session.mayAdmin });
    } catch {
      this.state.unanswered();
      for (const series of this.store.series.values()) if (series.metric === 'alerts.firing') this.#count(series);
    }
    this.#show();
    const busy = this.drawer.isOpen || this.state.active.length > 0;
    this.timer = setTimeout(() => this.ask(), this.state.reachable ? (busy ? SOON_MS : SELDOM_MS) : FAILED_MS);
    return isNews;
  }

  /** What was asked before an event may not know of it, and would bring back what is over; it is being asked again. @param {number} events when it was asked */
  #isNews(events) {
    const isOld = events !== this.events && this.state.known && this.passedOver < PASSED_OVER;
    this.passedOver = isOld ? this.passedOver + 1 : 0;
    return !isOld;
  }

  /** What changed is seen at once, also in a tab that is hidden. */
  #show() {
    if (this.shown === this.state.version || (!this.state.known && this.state.reachable)) return;
    this.shown = this.state.version;
    const { firing } = this.state;
    this.#tell(firing);
    this.notifier.take(firing);
    this.banner.show(firing, this.state.rules.length);
    title.show();
    document.documentElement.toggleAttribute('data-alerts', this.state.rules.length > 0 || firing.length > 0);
    say(this.count, firing.length ? String(firing.length) : '');
    this.button.dataset.level = firing[0]?.severity ?? '';
    this.button.setAttribute('aria-label', firing.length ? `Alerts: ${firing.length} firing` : 'Alerts');
    this.drawer.render();
  }

  /** @param {Firing[]} firing */
  #tell(firing) {
    const { began, ended } = changes(this.before, firing);
    this.before = new Map(firing.map((each) => [each.alert, each]));
    for (const each of began) (each.severity === 'critical' ? announcer.alarm : announcer.say).call(announcer, `alert ${each.alert}`, `${each.severity} alert ${each.alert}: ${each.text}.`);
    for (const each of ended) announcer.say(`alert ${each.alert}`, `Alert ${each.alert} is over.`);
  }

  /** A few times a second. */
  tick() {
    this.#show();
    this.banner.tick();
    this.drawer.render();
    this.marks.show(this.panels()?.panels.values() ?? [], this.state);
  }
}
