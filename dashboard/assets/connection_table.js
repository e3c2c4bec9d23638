/** The table of connections: sorted by its heads, a row opens for the rest; on a narrow screen each row is a card. */

import { COLUMNS } from './census.js';
import { formatAge, formatValue } from './format.js';
import { h, order, say } from './html.js';

const HEADS = { state: 'State', client: 'Client', role: 'Role', address: 'Address', rate: 'Samples/s', queue: 'Queue', dropped: 'Dropped', age: 'Age', seen: 'Last seen' };
const LARGEST_FIRST = new Set(['rate', 'queue', 'dropped', 'age', 'seen']);
const ROLES = [['', 'All'], ['producer', 'Producers'], ['subscriber', 'Subscribers']];

/** @typedef {import('./census.js').Row} Row */

export class ConnectionTable {
  /** @param {import('./navigation.js').Navigation} navigation */
  constructor(navigation) {
    this.navigation = navigation;
    /** @type {Map<string, Line>} */
    this.lines = new Map();
    this.heads = Object.fromEntries(COLUMNS.map((column) => [column, this.#head(column)]));
    this.roles = ROLES.map(([role, label]) => h('button', { class: 'segment-button', 'data-role': role, 'data-label': label, onclick: () => navigation.go({ role }) }, label));
    this.sortBy = /** @type {HTMLSelectElement} */ (h('select', { class: 'button sort-by', 'aria-label': 'Sort by', onchange: () => navigation.go({ sort: this.#sortOf(this.sortBy.value) }, true) }, ...COLUMNS.map((column) => h('option', { value: column }, `Sort: ${HEADS[/** @type {keyof typeof HEADS} */ (column)]}`))));
    this.note = h('p', { class: 'card-note' });
    this.body = h('tbody', { role: 'rowgroup' });
    this.none = h('p', { class: 'no-rows' });
    const table = h('table', { class: 'connections', role: 'table', 'aria-label': 'Connections' }, h('thead', { role: 'rowgroup' }, h('tr', { role: 'row' }, ...Object.values(this.heads))), this.body);
    table.addEventListener('keydown', (event) => this.#move(event));
    const tools = h('div', { class: 'table-tools' }, h('div', { class: 'segment-buttons', role: 'group', 'aria-label': 'Show' }, ...this.roles), this.sortBy);
    this.node = h('section', { 'aria-label': 'Connections' }, h('header', { class: 'section-header' }, h('h2', {}, 'Connections'), this.note, tools), h('div', { class: 'table-frame' }, table, this.none));
  }

  /** @param {string} column */
  #head(column) {
    const label = HEADS[/** @type {keyof typeof HEADS} */ (column)];
    const button = h('button', { class: 'head', onclick: () => this.navigation.go({ sort: this.#sortOf(column) }, true) }, label);
    return h('th', { role: 'columnheader', scope: 'col', class: `col-${column}`, 'aria-sort': 'none' }, button);
  }

  /** The other way round if it is sorted by that already. @param {string} column */
  #sortOf(column) {
    const now = this.navigation.place.sort || 'state';
    if (now.replace('-', '') === column) return now.startsWith('-') ? column : `-${column}`;
    return LARGEST_FIRST.has(column) ? `-${column}` : column;
  }

  /** @param {Row[]} rows in order @param {{sort: string, role: string, own: string|null, total: number, answered: boolean}} how */
  render(rows, { sort, role, own, total, answered }) {
    const here = rows.filter(({ goneS }) => goneS === null);
    for (const button of this.roles) {
      const count = here.filter((row) => !button.dataset.role || row.role === button.dataset.role).length;
      button.setAttribute('aria-pressed', String(button.dataset.role === role));
      say(button, `${button.dataset.label} ${count}`);
    }
    for (const [column, head] of Object.entries(this.heads)) head.setAttribute('aria-sort', sort === column ? 'ascending' : sort === `-${column}` ? 'descending' : 'none');
    if (document.activeElement !== this.sortBy) this.sortBy.value = sort.replace('-', '');
    say(this.note, total > here.length ? `${here.length} of ${total} shown, producers first` : '');
    const shown = rows.filter((row) => !role || row.role === role);
    this.none.hidden = shown.length > 0;
    say(this.none, answered ? `No ${role || 'connection'} is connected.` : 'Asking the broadcaster who is connected …');
    const lines = shown.map((row) => this.#line(row, row.id === own));
    order(this.body, lines.flatMap((line) => (line.open ? [line.row, line.details] : [line.row])));
    const ids = new Set(rows.map(({ id }) => id));
    for (const id of this.lines.keys()) if (!ids.has(id)) this.lines.delete(id);
  }

  /** @param {Row} row @param {boolean} own */
  #line(row, own) {
    const line = this.lines.get(row.id) ?? new Line(() => this.onToggle());
    this.lines.set(row.id, line);
    line.render(row, own);
    return line;
  }

  onToggle() {}

  /** Up and down go from row to row. @param {KeyboardEvent} event */
  #move(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const buttons = /** @type {HTMLElement[]} */ ([...this.body.querySelectorAll('.who')]);
    const at = buttons.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    if (!step || at < 0) return;
    event.preventDefault();
    buttons[Math.max(0, Math.min(buttons.length - 1, at + step))].focus();
  }
}

class Line {
  /** @param {() => void} toggled */
  constructor(toggled) {
    this.open = false;
    this.toggled = toggled;
    this.name = h('span', { class: 'who-name' });
    this.own = h('span', { class: 'chip own', hidden: true }, 'this tab');
    this.who = h('button', { class: 'who', 'aria-expanded': 'false' }, this.name, this.own);
    this.cells = Object.fromEntries(COLUMNS.map((column) => [column, h('td', { role: 'cell', class: `col-${column}`, 'data-label': HEADS[/** @type {keyof typeof HEADS} */ (column)] })]));
    this.cells.client.append(this.who);
    this.state = h('span', { class: 'row-state' });
    this.cells.state.append(this.state);
    this.row = h('tr', { role: 'row', class: 'line', onclick: () => this.toggle() }, ...Object.values(this.cells));
    this.facts = h('dl', { class: 'facts' });
    this.details = h('tr', { role: 'row', class: 'details' }, h('td', { role: 'cell', colspan: COLUMNS.length }, this.facts));
  }

  toggle() {
    if (getSelection()?.toString()) return; // an address was being copied
    this.open = !this.open;
    this.who.setAttribute('aria-expanded', String(this.open));
    this.toggled();
  }

  /** @param {Row} row @param {boolean} own */
  render(row, own) {
    const { cells } = this;
    this.row.dataset.state = row.state;
    this.row.dataset.session = row.id;
    say(this.state, row.state);
    say(this.name, row.client || 'no name');
    this.name.classList.toggle('nameless', !row.client);
    this.own.hidden = !own;
    say(cells.role, row.role);
    say(cells.address, row.address);
    say(cells.rate, row.rate === null ? '–' : formatValue(row.rate, ''));
    say(cells.queue, row.queuedBatches || row.queuedBytes ? `${row.queuedBatches} · ${formatValue(row.queuedBytes, 'B')}` : '0');
    cells.queue.classList.toggle('some', row.queuedBatches > 0);
    say(cells.dropped, formatValue(row.dropped, ''));
    cells.dropped.classList.toggle('some', row.dropped > 0);
    say(cells.age, formatAge(row.ageS));
    say(cells.seen, seen(row));
    if (this.open) this.#describe(row);
  }

  /** @param {Row} row */
  #describe({ said, samples }) {
    const selections = Object.values(said.subscriptions ?? {}).flat();
    /** @type {Array<[string, string]>} */
    const facts = [
      ['session', said.session],
      ...(said.producer ? [/** @type {[string, string]} */ (['producer', said.producer])] : []),
      ['published', `${said.published_samples} samples`],
      ['delivered', `${said.delivered_samples} samples in ${said.delivered_batches} batches, ${formatValue(said.delivered_bytes, 'B')}`],
      ['dropped', `${said.dropped_samples} samples in ${said.dropped_batches} batches`],
      ...(said.overflow ? [/** @type {[string, string]} */ (['overflow', said.overflow])] : []),
      ...(selections.length ? [/** @type {[string, string]} */ (['selection', selections.join('  ')])] : []),
    ];
    if (this.facts.children.length !== facts.length) this.facts.replaceChildren(...facts.map(() => h('div', {}, h('dt'), h('dd'))));
    facts.forEach(([name, text], index) => {
      const [dt, dd] = this.facts.children[index].children;
      say(dt, name);
      say(dd, text);
    });
    this.details.dataset.samples = String(samples);
  }
}

/** @param {Row} row @returns {string} */
function seen(row) {
  if (row.goneS !== null) return row.goneS < 1 ? 'gone just now' : `gone ${formatAge(row.goneS)} ago`;
  if (row.role === 'producer' && row.silentS > 1.5) return `${formatAge(row.silentS)} ago`;
  return row.role === 'producer' || row.seenS < 3 ? 'now' : `${formatAge(row.seenS)} ago`;
}
