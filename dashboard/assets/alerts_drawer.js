/** The list of alerts: what fires, what did, and which there are. It lies over the page's right side, and Escape closes it. */

import { conditionText, isPlain } from './alerts_rule.js';
import { begin, keyOf } from './alerts_state.js';
import { level } from './alerts_level.js';
import { formatAge, formatClock, formatValue } from './format.js';
import { h, order, say } from './html.js';
import { session } from './session.js';
import { describe } from './tags.js';

const DAY_S = 86_400;
const ACTIVE_SHOWN = 100;
const SHOWN = 60; // of what is over
const SURE_MS = 4000;

/** @typedef {import('./alerts_state.js').AlertsState} AlertsState @typedef {import('./alerts_state.js').Rule} Rule */
/** @typedef {import('./alerts_state.js').Active} Active @typedef {import('./alerts_state.js').Over} Over */

/** @typedef {{node: HTMLElement, tick: (data: any) => void, data: any}} Item `data` is the newest of what it shows */

/**
 * @typedef {object} Acts what the list offers
 * @property {() => number} now server time @property {(item: Active) => number|null} valueOf @property {(from: number, to: number) => void} look at that time
 * @property {(rule: Rule) => string|null} unitOf
 * @property {() => void} create @property {(rule: Rule) => void} edit @property {(rule: Rule) => Promise<void>} remove
 */

export class AlertsDrawer {
  /** @param {AlertsState} state @param {import('./alerts_notify.js').Notifier} notifier @param {Acts} acts */
  constructor(state, notifier, acts) {
    this.state = state;
    this.notifier = notifier;
    this.acts = acts;
    /** @type {Map<string, Item>} */
    this.items = new Map();
    this.version = -1;
    this.notify = h('button', { class: 'button small', type: 'button', onclick: () => this.#notify() });
    this.create = h('button', { class: 'button small primary', id: 'new-alert', type: 'button', onclick: () => acts.create() }, 'New alert');
    this.problem = h('p', { class: 'alerts-problem', role: 'status', hidden: true });
    [this.firing, this.over, this.rules] = ['Firing or pending', 'Recent', 'All alerts'].map((name) => section(name));
    const close = h('button', { class: 'panel-button', type: 'button', 'aria-label': 'Close', onclick: () => this.node.hidePopover() }, '✕');
    this.node = h(
      'aside',
      { id: 'alerts', class: 'alerts-drawer', popover: 'auto', role: 'dialog', 'aria-label': 'Alerts', tabindex: '-1' },
      h('div', { class: 'alerts-top' }, h('h2', {}, 'Alerts'), this.notify, this.create, close),
      this.problem,
      ...[this.firing, this.over, this.rules].map(({ node }) => node),
    );
    const opens = (/** @type {Event} */ event) => /** @type {ToggleEvent} */ (event).newState === 'open';
    this.node.addEventListener('beforetoggle', (event) => { if (opens(event)) this.#fresh(); }); // before it is seen: not for a moment as it was
    this.node.addEventListener('toggle', (event) => { if (opens(event)) this.node.focus(); });
    document.body.append(this.node);
  }

  get isOpen() {
    return this.node.matches(':popover-open');
  }

  open() {
    if (!this.isOpen) this.node.showPopover();
  }

  async #notify() {
    await this.notifier.toggle();
    this.#tellNotifier();
  }

  #tellNotifier() {
    const text = { on: 'Notifications on', off: 'Notify me', denied: 'Notifications are blocked', impossible: '' }[this.notifier.state];
    say(this.notify, text);
    this.notify.hidden = !text;
    this.notify.setAttribute('aria-pressed', String(this.notifier.state === 'on'));
    /** @type {HTMLButtonElement} */ (this.notify).disabled = this.notifier.state === 'denied';
  }

  /** A few times a second while open. */
  render() {
    if (this.isOpen) this.#fresh();
  }

  #fresh() {
    if (this.version !== this.state.version) this.#fill();
    for (const { tick, data } of this.items.values()) tick(data);
  }

  #fill() {
    const { state } = this;
    this.version = state.version;
    const before = this.items;
    this.items = new Map();
    const item = (/** @type {string} */ key, /** @type {any} */ data, /** @type {() => {node: HTMLElement, tick: (data: any) => void}} */ make) => {
      const made = before.get(key) ?? { ...make(), data };
      made.data = data;
      this.items.set(key, made);
      return made.node;
    };
    const active = [...state.firing.flatMap(({ items }) => items), ...state.active.filter((each) => each.state === 'pending')];
    const shown = active.slice(0, ACTIVE_SHOWN);
    this.firing.fill(shown.map((each) => item(`${each.state} ${keyOf({ ...each, fired: begin(each) })} ${each.severity}`, each, () => this.#active(each))), state.known ? 'Nothing fires.' : 'Not known yet.', active.length - shown.length + state.unlisted);
    this.over.fill(state.over.slice(0, SHOWN).map((each) => item(`over ${keyOf(each)} ${each.ended} ${each.ended_reason}`, each, () => this.#over(each))), 'Nothing has fired since the broadcaster began.');
    this.rules.fill(state.rules.map((each) => item(`rule ${JSON.stringify({ ...each, firing: 0, pending: 0 })} ${state.writable}`, each, () => this.#rule(each))), 'There are none yet.');
    this.create.hidden = !state.writable;
    this.problem.hidden = state.reachable && (state.writable || !state.known);
    say(this.problem, !session.mayAdmin ? 'To make alerts here, somebody has to sign in who may: the role admin.' : state.reachable ? 'Alerts are files of the broadcaster. To make them here, start it with --alerts DIR --alerts-writable.' : 'The broadcaster’s HTTP side does not answer: this is what the stream says.');
    this.#tellNotifier();
  }

  /** @param {Active} each */
  #active(each) {
    const [value, age, text] = [h('b', { class: 'alert-value' }), h('span', {}), h('p', {})];
    const node = h('li', { class: 'alert-item', 'data-level': each.severity, 'data-state': each.state }, h('div', { class: 'alert-head' }, level(each.state === 'pending' ? 'info' : each.severity), h('span', { class: 'alert-name' }, each.alert), value), text, this.#foot(age, begin(each) - 30, null, each.series));
    if (each.state === 'pending') say(/** @type {HTMLElement} */ (node.querySelector('.level span')), 'pending');
    const tick = (/** @type {Active} */ newest) => {
      const now = this.acts.valueOf(newest);
      say(text, newest.text);
      say(value, now === null ? '' : formatValue(now, each.series?.unit ?? null));
      say(age, `since ${clock(begin(each), this.acts.now())} · ${formatAge(Math.max(0, this.acts.now() - begin(each)))}`);
    };
    return { node, tick };
  }

  /** @param {Over} each */
  #over(each) {
    const when = `${clock(each.fired, this.acts.now())} – ${formatClock(each.ended)} · ${formatAge(Math.max(0, each.ended - each.fired))}`;
    const why = { forgotten: ' · the series is gone', rule: ' · the alert was changed', unknown: ' · the broadcaster was started anew' }[each.ended_reason] ?? '';
    const value = h('b', { class: 'alert-value' }, each.value === null ? '' : formatValue(each.value, each.series?.unit ?? null));
    const node = h('li', { class: 'alert-item is-over', 'data-level': each.severity }, h('div', { class: 'alert-head' }, level(each.severity), h('span', { class: 'alert-name' }, each.alert), value), h('p', {}, each.text), this.#foot(h('span', {}, when + why), each.fired - 30, each.ended + 30, each.series));
    return { node, tick: () => {} };
  }

  /** @param {HTMLElement} when @param {number} from @param {number|null} to @param {import('./alerts_state.js').Of|null} series */
  #foot(when, from, to, series) {
    const where = series ? describe(series.tags) || series.metric : '';
    const look = h('button', { class: 'alert-look', type: 'button', title: 'Look at that time in all panels', onclick: () => { this.node.hidePopover(); this.acts.look(from, to ?? this.acts.now()); } }, 'Show');
    return h('div', { class: 'alert-foot' }, when, h('span', { class: 'alert-where', title: series?.metric ?? null }, where), look);
  }

  /** @param {Rule} rule */
  #rule(rule) {
    const tags = Object.entries(rule.tags).map(([key, glob]) => `${key}=${glob}`).join(', ');
    const state = h('span', { class: 'alert-state' });
    const posts = rule.webhooks?.length ? ` · posts to ${rule.webhooks.map((host) => host.replace(/^https?:\/\//, '')).join(', ')}` : '';
    const own = this.state.writable && rule.revision;
    const tools = own
      ? [isPlain(rule) ? h('button', { class: 'button small', type: 'button', 'aria-label': `Edit ${rule.alert}`, onclick: () => this.acts.edit(rule) }, 'Edit') : null, this.#removal(rule)]
      : [h('span', { class: 'alert-file' }, rule.file ?? '')];
    const node = h('li', { class: 'alert-item is-rule', 'data-level': rule.severity, 'data-rule': rule.alert }, h('div', { class: 'alert-head' }, level(rule.severity), h('span', { class: 'alert-name' }, rule.alert), state), h('p', {}, h('code', {}, rule.metric + (tags && `{${tags}}`)), ` ${conditionText(rule.condition, this.acts.unitOf(rule))}${posts}`), h('div', { class: 'alert-foot' }, ...tools));
    const tick = (/** @type {Rule} */ { firing, pending }) => {
      say(state, firing ? `fires on ${firing}` : pending ? `pending on ${pending}` : 'ok');
      state.dataset.firing = String(firing > 0);
    };
    return { node, tick };
  }

  /** @param {Rule} rule */
  #removal(rule) {
    const button = h('button', { class: 'button small quiet', type: 'button', 'aria-label': `Delete ${rule.alert}` }, 'Delete');
    button.addEventListener('click', async () => {
      if (!button.classList.contains('sure')) {
        button.classList.add('sure');
        say(button, 'Really delete?');
        setTimeout(() => { button.classList.remove('sure'); say(button, 'Delete'); }, SURE_MS);
        return;
      }
      try {
        await this.acts.remove(rule);
      } catch (error) {
        say(button, error instanceof Error ? error.message : String(error));
      }
    });
    return button;
  }
}

/** @param {string} name */
function section(name) {
  const list = h('ul', {});
  const none = h('p', { class: 'alerts-none' });
  const count = h('span', { class: 'count' });
  const node = h('section', { 'aria-label': name }, h('h3', {}, name, ' ', count), list, none);
  const fill = (/** @type {HTMLElement[]} */ items, /** @type {string} */ nothing, more = 0) => {
    order(list, items);
    none.hidden = items.length > 0 && !more;
    say(none, more ? `And on ${more} more series.` : nothing);
    say(count, items.length ? String(items.length + more) : '');
  };
  return { node, fill };
}

/** @param {number} time @param {number} now @returns {string} with the day, unless it was within the last */
function clock(time, now) {
  if (now - time < DAY_S) return formatClock(time);
  return `${new Date(time * 1000).toLocaleDateString([], { day: 'numeric', month: 'short' })} ${formatClock(time)}`;
}
