/** What fires, in a line under the health of the connection. An alert that is dismissed comes back when it fires anew. */

import { begin } from './alerts_state.js';
import { level } from './alerts_level.js';
import { formatAge, formatClock, formatValue } from './format.js';
import { h, order, say } from './html.js';

const SHOWN = 2; // beside each other: the line stays as high as it is
const PHONE = matchMedia('(max-width: 720px)');
const KEPT = 'streamgauge-dismissed';

/** @typedef {import('./alerts_state.js').Firing} Firing */
/** @typedef {{node: HTMLElement, text: HTMLElement, value: HTMLElement, age: HTMLElement}} Row */

export class AlertsBanner {
  /** @param {() => number} now server time @param {(item: import('./alerts_state.js').Active) => number|null} valueOf @param {() => void} onMore */
  constructor(now, valueOf, onMore) {
    this.now = now;
    this.valueOf = valueOf;
    /** @type {Map<string, Row>} */
    this.rows = new Map();
    this.dismissed = new Map(Object.entries(remembered())); // by alert, when: what begins to fire later is shown
    this.quiet = h('button', { class: 'alert-quiet', type: 'button', onclick: onMore });
    this.more = h('button', { class: 'alert-more', type: 'button', onclick: onMore });
    this.node = h('div', { class: 'alert-rows' });
    this.strip = h('section', { class: 'alert-strip', 'aria-label': 'Alerts' }, this.node);
    this.onMore = onMore;
    /** @type {Firing[]} */
    this.firing = [];
    this.watched = 0;
    PHONE.addEventListener('change', () => this.show(this.firing, this.watched));
  }

  /** @param {Firing[]} firing the gravest first @param {number} watched how many alerts there are */
  show(firing, watched) {
    Object.assign(this, { firing, watched });
    const left = firing.filter((each) => !(each.fired <= (this.dismissed.get(each.alert) ?? -Infinity)));
    const shown = left.slice(0, PHONE.matches ? 1 : SHOWN);
    const kept = new Map(shown.map((each) => [keyOf(each), this.rows.get(keyOf(each)) ?? this.#row(each)]));
    this.rows = kept;
    const rest = left.length - shown.length;
    say(this.more, `+${rest}`);
    this.more.setAttribute('aria-label', `and ${rest} more`);
    const quiet = !left.length;
    say(this.quiet, quietText(firing.length, watched));
    order(this.node, quiet ? [this.quiet] : [...[...kept.values()].map(({ node }) => node), ...(rest ? [this.more] : [])]);
    this.strip.hidden = quiet && !firing.length && !watched;
    this.strip.classList.toggle('is-quiet', quiet);
    this.quiet.classList.toggle('is-good', !firing.length);
    this.tick();
  }

  /** Ages and values, a few times a second. */
  tick() {
    for (const each of this.firing) {
      const row = this.rows.get(keyOf(each));
      if (!row) continue;
      const [item] = each.items;
      const others = each.count - 1;
      const value = this.valueOf(item);
      say(row.text, each.text + (others ? ` · and on ${others} more` : ''));
      say(row.value, value === null ? '' : `now ${formatValue(value, item.series?.unit ?? null)}`);
      say(row.age, `since ${formatClock(begin(item))} · ${formatAge(Math.max(0, this.now() - begin(item)))}`);
    }
  }

  /** @param {Firing} firing @returns {Row} */
  #row(firing) {
    const [text, value, age] = ['text', 'value', 'age'].map((name) => h('span', { class: `alert-${name}` }));
    const name = h('button', { class: 'alert-name', type: 'button', onclick: this.onMore }, firing.alert);
    const away = h('button', { class: 'alert-away', type: 'button', title: 'Dismiss: it goes on firing', 'aria-label': `Dismiss ${firing.alert}`, onclick: () => this.#dismiss(firing) }, '✕');
    const node = h('div', { class: 'alert-row', 'data-level': firing.severity, 'data-alert': firing.alert }, level(firing.severity), name, text, value, age, away);
    return { node, text, value, age };
  }

  /** @param {Firing} firing */
  #dismiss(firing) {
    this.dismissed.set(firing.alert, this.now());
    remember(this.dismissed);
    this.show(this.firing, this.watched);
    const next = /** @type {HTMLElement|null} */ (this.node.querySelector('.alert-away') ?? document.getElementById('alerts-button'));
    next?.focus({ preventScroll: true });
  }
}

/** What stands where a row would: the room is kept, so that nothing moves when one comes. @param {number} dismissed @param {number} watched */
function quietText(dismissed, watched) {
  if (dismissed) return dismissed === 1 ? 'One alert fires on, dismissed' : `${dismissed} alerts fire on, dismissed`;
  return watched === 1 ? 'One alert, and it does not fire' : `${watched} alerts, none fires`;
}

/** @param {Firing} firing */
const keyOf = ({ alert, severity }) => `${severity} ${alert}`;

/** @returns {Record<string, number>} of this tab */
function remembered() {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT) ?? '{}');
  } catch {
    return {};
  }
}

/** @param {Map<string, number>} dismissed */
function remember(dismissed) {
  try {
    sessionStorage.setItem(KEPT, JSON.stringify(Object.fromEntries(dismissed)));
  } catch {
    // A browser that keeps nothing shows it again after a reload.
  }
}
