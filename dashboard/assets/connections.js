/** The page of connections: who is there, this tab's own connection, and the broadcaster itself. */

import { announcer } from './announcer.js';
import { Census, sorted, TROUBLE } from './census.js';
import { ConnectionTable } from './connection_table.js';
import { localNow } from './client/feed.js';
import { h, say } from './html.js';
import { session } from './session.js';
import { Telemetry } from './telemetry.js';

const POLL_MS = 1000;
const FORBIDDEN_MS = 30_000; // who may not see it may do so later
const LEISURE = 10; // times as long as an answer took: asking shall cost the broadcaster little
const MOST = 500; // rows that are asked for
const PATIENCE_MS = 10_000;
const TABLE_MS = 900; // between drawings of the table that nobody asked for: hundreds of rows are not free

export class Connections {
  /**
   * @param {HTMLElement} root @param {string} url of the broadcaster's HTTP side
   * @param {{feed: import('./client/feed.js').Feed, store: import('./client/store.js').Store, tab: import('./tab_health.js').TabHealth, navigation: import('./navigation.js').Navigation}} parts
   */
  constructor(root, url, { feed, store, tab, navigation }) {
    this.root = root;
    this.url = `${url}/v1/connections?limit=${MOST}`;
    this.feed = feed;
    this.tab = tab;
    this.navigation = navigation;
    this.census = new Census();
    this.telemetry = new Telemetry(store);
    this.table = new ConnectionTable(navigation);
    this.table.onToggle = () => this.render();
    this.news = h('div', { class: 'news' });
    this.problem = '';
    this.answered = false;
    /** @type {ReturnType<typeof setTimeout>|undefined} */
    this.timer = undefined;
    this.asking = false;
    this.tabledAt = -Infinity;
    root.append(this.news, tab.node, this.telemetry.node, this.table.node);
    document.addEventListener('visibilitychange', () => this.#soon(0));
  }

  get shown() {
    return !this.root.hidden;
  }

  /** @param {boolean} shown */
  show(shown) {
    this.root.hidden = !shown;
    if (!shown) return;
    this.#soon(0);
    this.render();
  }

  /** @param {number} ms */
  #soon(ms) {
    clearTimeout(this.timer);
    if (this.shown && !document.hidden) this.timer = setTimeout(() => this.#ask(), ms);
  }

  async #ask() {
    if (this.asking) return;
    this.asking = true;
    const began = performance.now();
    let rest = POLL_MS;
    try {
      const answer = await fetch(this.url, await session.authorized({ cache: 'no-store', signal: AbortSignal.timeout(PATIENCE_MS) }));
      const body = await answer.json();
      if (answer.status === 403) rest = FORBIDDEN_MS;
      if (!answer.ok) throw new Error(`${answer.status} ${body.code}: ${body.message}`);
      this.census.take(localNow(), body);
      this.problem = '';
      this.answered = true;
    } catch (error) {
      this.problem = error instanceof Error ? error.message : String(error);
    }
    this.asking = false;
    this.render();
    this.#soon(Math.max(rest, LEISURE * (performance.now() - began)));
  }

  /** A few times a second, while shown. */
  tick() {
    if (!this.shown) return;
    this.tab.render();
    if (performance.now() - this.tabledAt > TABLE_MS) this.render();
  }

  /** All of it. */
  render() {
    if (!this.shown) return;
    this.tabledAt = performance.now();
    const rows = this.census.rows(localNow());
    const { sort, role } = this.navigation.place;
    this.#tell(rows);
    this.tab.render();
    this.telemetry.render(this.census.limits);
    this.table.render(sorted(rows, sort || 'state'), { sort: sort || 'state', role, own: this.feed.session, total: this.census.total, answered: this.answered });
  }

  /** What needs a person, in one line each. @param {import('./census.js').Row[]} rows */
  #tell(rows) {
    const lines = [];
    if (this.problem) lines.push(['bad', `Who is connected cannot be asked at ${new URL(this.url).origin}: ${this.problem}.${this.answered ? ' The table is as it was.' : ''}`]);
    for (const state of TROUBLE.slice(0, 3)) {
      const those = rows.filter((row) => row.state === state && (state !== 'gone' || row.role === 'producer'));
      if (those.length) lines.push([state === 'dropping' ? 'bad' : 'warn', summary(state, those)]);
    }
    if (!lines.length && this.answered) lines.push(['good', calm(rows)]);
    const key = JSON.stringify(lines);
    if (this.news.dataset.key === key) return;
    this.news.dataset.key = key;
    announcer.say('connections', lines.map(([, text]) => text).join(' '));
    this.news.replaceChildren(...lines.map(([level, text]) => h('p', { 'data-level': level }, text)));
  }
}

const nameOf = (/** @type {import('./census.js').Row} */ row) => row.client || row.address;

/** @param {string} state @param {import('./census.js').Row[]} rows */
function summary(state, rows) {
  const names = rows.slice(0, 3).map(nameOf).join(', '); // without ages: it is read aloud when it changes
  const more = rows.length > 3 ? ` and ${rows.length - 3} more` : '';
  if (state === 'dropping') return `Too slow, samples are dropped for: ${names}${more}`;
  const count = rows.length === 1 ? '1 producer' : `${rows.length} producers`;
  return state === 'silent' ? `${count} silent: ${names}${more}` : `${count} gone within the last minute: ${names}${more}`;
}

/** @param {import('./census.js').Row[]} rows */
function calm(rows) {
  const producers = rows.filter(({ role, state }) => role === 'producer' && state !== 'gone').length;
  if (!producers) return 'No producer is connected over WebSocket.';
  if (producers < 3) return producers === 1 ? 'The one producer is publishing.' : 'Both producers are publishing.';
  return `All ${producers} producers are publishing.`;
}
