/** The newest value of each series as a bar, the greatest first. */

import { formatValue } from '../format.js';
import { h, order, say } from '../html.js';
import { Kind } from './kind.js';
import { limitText, reached } from './limits.js';
import { namesOf } from './names.js';
import { Ranking } from './ranking.js';
import { ageText, read } from './reading.js';
import { barRange } from './scales.js';

const ROW_PX = 21; // at least
const TALLEST_PX = 56;
const BARS_MAX = 200;
const EVERY = 50; // series between two looks at the clock

/** @typedef {import('./kind.js').Trace & {bar: Bar|null}} BarTrace without a bar while it has no place */
/** @typedef {import('./reading.js').Reading} Reading */

export class Bars extends Kind {
  /** @param {HTMLElement} div @param {import('../view.js').View} view @param {import('./kind.js').Spec} spec */
  constructor(div, view, spec) {
    super(div, view, spec);
    this.ranking = new Ranking();
    /** @type {{from: number, to: number}|null} */
    this.range = null;
    this.tickS = 1; // ages
    this.list = h('ul', { class: 'kind-bars', role: 'list', 'aria-label': spec.title || spec.metric || 'values' });
    this.more = h('li', { class: 'kind-more' });
    div.append(this.list);
    /** @type {Map<string, string>} */
    this.names = new Map();
    this.layout = '';
  }

  /** @param {import('../client/store.js').Series} series */
  open(series) {
    return { ...super.open(series), bar: null };
  }

  *paint() {
    if (this.regrouped) this.names = namesOf([...this.traces.values()].map(({ series }) => series));
    this.regrouped = false;
    /** @type {Map<string, Reading|null>} */
    const readings = new Map();
    for (const { series } of this.shown) {
      readings.set(series.id, read(/** @type {any} */ (series), this.right, this.span, this.isLive));
      if (readings.size % EVERY === 0) yield;
    }
    const ids = this.ranking.order(new Map([...readings].map(([id, reading]) => [id, reading?.value ?? NaN])), this.right);
    const those = ids.slice(0, Math.min(BARS_MAX, this.spec.top || Math.max(3, Math.floor((this.height - 18) / ROW_PX))));
    const values = those.map((id) => readings.get(id)?.value ?? NaN).filter(Number.isFinite);
    const unit = this.#unit(those);
    this.range = barRange(this.range, Math.min(...values, 0), Math.max(...values, 0), unit, this.spec);
    yield;
    this.#seat(new Set(those));
    this.#lay(those, ids.length);
    for (const id of those) this.#show(id, readings.get(id) ?? null);
  }

  /** Of thousands, only those that are seen have elements. @param {Set<string>} those */
  #seat(those) {
    for (const trace of /** @type {Iterable<BarTrace>} */ (this.traces.values())) {
      trace.bar = those.has(trace.series.id) ? trace.bar ?? new Bar() : null;
    }
  }

  /** @param {string[]} ids @returns {string|null} of the axis */
  #unit([id]) {
    const trace = this.traces.get(id);
    return trace ? this.unitOf(trace.series) : null;
  }

  /** @param {string} id @param {Reading|null} reading */
  #show(id, reading) {
    const trace = /** @type {BarTrace|undefined} */ (this.traces.get(id)); // it may have gone since
    const { from, to } = /** @type {{from: number, to: number}} */ (this.range);
    trace?.bar?.show(reading, { name: this.names.get(id) ?? '', unit: this.unitOf(trace.series), from, to, limits: this.spec.thresholds });
  }

  /** @param {string[]} those @param {number} all */
  #lay(those, all) {
    const more = all > those.length;
    say(this.more, more ? `the first ${those.length} of ${all}` : '');
    const rows = those.map((id) => /** @type {BarTrace|undefined} */ (this.traces.get(id))?.bar?.node).filter((node) => node !== undefined);
    order(this.list, more ? [...rows, this.more] : rows);
    const { from, to } = /** @type {{from: number, to: number}} */ (this.range);
    const high = Math.max(ROW_PX, Math.min(TALLEST_PX, (this.height - (more ? 18 : 0)) / Math.max(1, rows.length)));
    const layout = `${high} ${from} ${to} ${rows.length}`;
    if (layout === this.layout) return;
    this.layout = layout;
    this.list.style.setProperty('--row', `${high}px`);
    this.list.style.setProperty('--zero', `${(100 * share(0, from, to)).toFixed(2)}%`);
    this.list.classList.toggle('signed', from < 0 && to > 0);
    const scrolls = rows.length * high + (more ? 18 : 0) > this.height + 1;
    this.list.classList.toggle('scrolls', scrolls);
    if (scrolls) this.list.setAttribute('tabindex', '0');
    else this.list.removeAttribute('tabindex');
  }
}

class Bar {
  constructor() {
    this.name = h('span', { class: 'kind-bar-name' });
    this.age = h('span', { class: 'kind-bar-age' });
    this.fill = h('span', { class: 'kind-bar-fill' });
    this.level = h('span', { class: 'kind-level' });
    this.value = h('span', { class: 'kind-bar-value' });
    this.clip = '';
    this.node = h('li', { class: 'kind-bar' }, h('span', { class: 'kind-bar-label' }, this.name, this.age), h('span', { class: 'kind-bar-track' }, this.fill), h('span', { class: 'kind-bar-figure' }, this.level, this.value));
  }

  /** @param {Reading|null} reading @param {{name: string, unit: string|null, from: number, to: number, limits: import('./kind.js').Limit[]|undefined}} how */
  show(reading, { name, unit, from, to, limits }) {
    say(this.name, name || 'value');
    if (this.name.title !== name) this.name.title = name;
    say(this.age, ageText(reading));
    say(this.value, reading ? formatValue(reading.value, unit) : '–');
    const limit = reading && reached(reading.value, limits);
    say(this.level, limit?.level ?? '');
    const why = limit ? limitText(limit, unit) : '';
    if (this.level.title !== why) this.level.title = why;
    if ((this.node.dataset.level ?? '') !== (limit?.level ?? '')) this.node.dataset.level = limit?.level ?? '';
    this.node.classList.toggle('stale', reading?.stale ?? false);
    this.#fill(reading?.value ?? NaN, from, to);
  }

  /** A clip moves neither layout nor neighbours. @param {number} value @param {number} from @param {number} to */
  #fill(value, from, to) {
    const ends = Number.isNaN(value) ? [0, 0] : [share(Math.min(0, value), from, to), share(Math.max(0, value), from, to)];
    const [left, right] = [100 * ends[0], 100 - 100 * ends[1]].map((edge) => edge.toFixed(2));
    const clip = `inset(0 ${right}% 0 ${left}% round 3px)`;
    if (clip === this.clip) return;
    this.clip = clip;
    this.fill.style.clipPath = clip;
  }
}

/** @param {number} value @param {number} from @param {number} to @returns {number} 0 to 1 along the axis */
function share(value, from, to) {
  return to > from ? Math.max(0, Math.min(1, (value - from) / (to - from))) : 0;
}
