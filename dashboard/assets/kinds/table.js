/** The first series by newest value, or by whatever head is pressed: what tells them apart, value, change, extremes, a line over the window. */

import { h, order, say } from '../html.js';
import { collator } from '../tags.js';
import { Kind } from './kind.js';
import { keysOf, namesOf } from './names.js';
import { Ranking } from './ranking.js';
import { changeOf, extremes, read } from './reading.js';
import { TableRow } from './table_row.js';

const ROWS = 20; // unless the panel says otherwise
const ROWS_MAX = 200;
const KEYS_MAX = 3; // tags with a column each
const FIGURES = { value: 'Value', change: 'Change', min: 'Min', max: 'Max', trend: 'Trend' };
const EVERY = 20; // series between two looks at the clock
const SPARK = { width: 96, height: 20 };
const STEP_PX = 0.5;

/** @typedef {import('./kind.js').Trace & {row: TableRow|null, line?: import('../decimate.js').Line, drawn: boolean}} RowTrace without a row while it has no place */
/** @typedef {import('./reading.js').Reading} Reading */

export class Table extends Kind {
  /** @param {HTMLElement} div @param {import('../view.js').View} view @param {import('./kind.js').Spec} spec */
  constructor(div, view, spec) {
    super(div, view, spec);
    this.sort = { column: 'value', direction: -1 };
    this.ranking = new Ranking();
    /** @type {Map<string, string>} */
    this.names = new Map();
    /** @type {string[]} tags with a column, or the one column of names */
    this.keys = [];
    /** @type {Map<string, HTMLElement>} */
    this.heads = new Map();
    this.head = h('tr');
    this.body = h('tbody');
    this.more = h('caption', { class: 'kind-more' });
    const label = spec.title || spec.metric || 'series';
    this.frame = h('div', { class: 'rank-frame', tabindex: '0', role: 'region', 'aria-label': label }, h('table', { class: 'rank', 'aria-label': label }, this.more, h('thead', {}, this.head), this.body));
    div.append(this.frame);
  }

  /** @param {import('../client/store.js').Series} series */
  open(series) {
    return { ...super.open(series), row: null, drawn: false };
  }

  *paint() {
    if (this.regrouped) this.#regroup();
    this.tickS = Math.min(1, Math.max(0.2, (this.span / SPARK.width) * STEP_PX));
    const shown = this.shown;
    /** @type {Map<string, Reading|null>} */
    const readings = new Map();
    const weights = new Map();
    for (const { series } of shown) {
      const reading = read(/** @type {any} */ (series), this.right, this.span, this.isLive);
      readings.set(series.id, reading);
      weights.set(series.id, this.#weight(series, reading));
      if (readings.size % EVERY === 0) yield;
    }
    const ids = this.#ordered(weights);
    const those = ids.slice(0, Math.min(this.spec.top || ROWS, ROWS_MAX));
    yield;
    this.#seat(new Set(those));
    for (const id of those) {
      this.#show(id, readings.get(id) ?? null);
      yield;
    }
    const rows = those.map((id) => /** @type {RowTrace|undefined} */ (this.traces.get(id))?.row?.node).filter((node) => node !== undefined);
    order(this.body, rows);
    say(this.more, ids.length > rows.length ? `the first ${rows.length} of ${ids.length}` : '');
  }

  /** Of thousands, only those that are seen have elements. @param {Set<string>} those */
  #seat(those) {
    for (const trace of /** @type {Iterable<RowTrace>} */ (this.traces.values())) {
      if (!those.has(trace.series.id)) Object.assign(trace, { row: null, drawn: false });
      else if (!trace.row) {
        const row = new TableRow();
        Object.assign(trace, { row, path: row.spark.path, line: row.spark.line });
      }
    }
  }

  /** @param {import('../client/store.js').Series} series @param {Reading|null} reading */
  #weight(series, reading) {
    const { column } = this.sort;
    if (column === 'change') return changeOf(reading);
    if (column === 'min' || column === 'max') return extremes(series.ring, this.right - this.span, this.right)[column === 'min' ? 'low' : 'high'];
    return reading?.value ?? NaN;
  }

  /** @param {Map<string, number>} weights @returns {string[]} */
  #ordered(weights) {
    const { column, direction } = this.sort;
    if (column in FIGURES) return this.ranking.order(weights, this.right);
    const text = (/** @type {string} */ id) => this.#texts(/** @type {any} */ (this.traces.get(id)).series)[this.keys.indexOf(column)] ?? '';
    return [...weights.keys()].filter((id) => this.traces.has(id)).sort((a, b) => direction * collator.compare(text(a), text(b)) || collator.compare(a, b));
  }

  /** @param {import('../client/store.js').Series} series @returns {string[]} what tells it apart, by column */
  #texts(series) {
    return this.keys.map((key) => (key ? series.tags[key] ?? '–' : this.names.get(series.id) || 'value'));
  }

  /** @param {string} id @param {Reading|null} reading */
  #show(id, reading) {
    const trace = /** @type {RowTrace|undefined} */ (this.traces.get(id)); // it may have gone since
    if (!trace?.row) return;
    const left = this.right - this.span;
    const { series, row } = trace;
    const { low, high } = extremes(series.ring, left, this.right);
    row.show(this.#texts(series), reading, { unit: this.unitOf(series), low, high, limits: this.spec.thresholds });
    row.spark.draw(series.ring, left, this.right, SPARK.width, SPARK.height);
    trace.drawn = true;
  }

  /** Other series may differ in other tags. */
  #regroup() {
    this.regrouped = false;
    const those = [...this.traces.values()].map(({ series }) => series);
    this.names = namesOf(those);
    const metrics = new Set(those.map(({ metric }) => metric));
    const keys = (metrics.size === 1 && keysOf(those, KEYS_MAX)) || [''];
    if (this.heads.size && keys.join('\0') === this.keys.join('\0')) return;
    this.keys = keys;
    for (const trace of /** @type {Iterable<RowTrace>} */ (this.traces.values())) trace.row?.reset();
    const tags = keys.map((key) => /** @type {[string, string]} */ ([key, key || 'Series']));
    this.heads = new Map([...tags, ...Object.entries(FIGURES)].map(([column, label]) => [column, this.#head(column, label)]));
    this.head.replaceChildren(...this.heads.values());
    if (!this.heads.has(this.sort.column)) this.sort = { column: 'value', direction: -1 };
    this.#mark();
  }

  /** @param {string} column @param {string} label */
  #head(column, label) {
    const figure = column in FIGURES;
    const inside = column === 'trend' ? label : h('button', { class: 'rank-head', type: 'button', onclick: () => this.#sortBy(column) }, label);
    return h('th', { scope: 'col', class: figure ? `rank-${column}` : 'rank-key' }, inside);
  }

  /** The other way round if it is sorted by that already. @param {string} column */
  #sortBy(column) {
    const same = this.sort.column === column;
    this.sort = { column, direction: same ? -this.sort.direction : column in FIGURES ? -1 : 1 };
    this.ranking.restart(this.sort.direction);
    this.#mark();
    this.job = null;
    this.restUntil = -Infinity;
    this.dirty = true;
  }

  #mark() {
    for (const [column, head] of this.heads) {
      if (column === 'trend') continue;
      head.setAttribute('aria-sort', column !== this.sort.column ? 'none' : this.sort.direction < 0 ? 'descending' : 'ascending');
    }
  }
}
