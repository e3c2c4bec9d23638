/** A tile for each series: its value large, how it changed, which threshold it has reached, a line over the window. */

import { formatValue } from '../format.js';
import { h, order, say } from '../html.js';
import { Kind } from './kind.js';
import { limitText, reached } from './limits.js';
import { namesOf } from './names.js';
import { ageText, changeText, extremes, read } from './reading.js';
import { Spark } from './spark.js';
import { tiling } from './tiling.js';

const TILES_MAX = 60; // nobody reads more, and each costs time
const INSET = 14; // of the panel, as its header has
const STEP_PX = 0.5; // a line this far behind is drawn again
const SPACIOUS_PX = 96; // a tile of this height has its line below its figures, a lower one beside them

/** @typedef {import('./kind.js').Trace & {tile: Tile|null, line?: import('../decimate.js').Line, drawn: boolean}} TileTrace without a tile while it has no place */

export class Stat extends Kind {
  /** @param {HTMLElement} div @param {import('../view.js').View} view @param {import('./kind.js').Spec} spec */
  constructor(div, view, spec) {
    super(div, view, spec);
    this.list = h('ul', { class: 'stat-tiles', role: 'list', 'aria-label': spec.title || spec.metric || 'values' });
    this.more = h('li', { class: 'kind-more' });
    div.append(this.list);
    /** @type {Map<string, string>} */
    this.names = new Map();
    this.layout = '';
  }

  /** @param {import('../client/store.js').Series} series */
  open(series) {
    return { ...super.open(series), tile: null, drawn: false };
  }

  *paint() {
    const most = Math.min(this.spec.top || TILES_MAX, TILES_MAX);
    const shown = /** @type {TileTrace[]} */ (this.shown);
    if (this.regrouped) this.names = namesOf([...this.traces.values()].map(({ series }) => series));
    this.regrouped = false;
    const byName = [...this.names.keys()].map((id) => /** @type {TileTrace} */ (this.traces.get(id))).filter((trace) => trace?.shown);
    const those = byName.slice(0, most);
    this.#seat(those);
    const box = tiling(those.length, this.width - 2 * INSET, this.height - 2 - (shown.length > most ? 20 : 0));
    this.#lay(those, shown.length - those.length, box);
    const width = box.width - 20;
    const spacious = box.height >= SPACIOUS_PX;
    const tall = Math.floor(spacious ? Math.max(18, box.height - 1.12 * figureOf(box) - 54) : box.height - 24); // what its figures leave
    this.tickS = Math.min(0.5, (this.span / width) * STEP_PX);
    for (const trace of those) {
      const { tile } = trace;
      if (!tile) continue;
      tile.show(trace.series, { name: this.names.get(trace.series.id) ?? '', unit: this.unitOf(trace.series), right: this.right, span: this.span, live: this.isLive, limits: this.spec.thresholds });
      tile.spark.draw(trace.series.ring, this.right - this.span, this.right, spacious ? width : Math.floor(width * 0.36), tall);
      trace.drawn = true;
      yield;
    }
  }

  /** Of thousands, only those that are seen have elements. @param {TileTrace[]} those */
  #seat(those) {
    const seated = new Set(those);
    for (const trace of /** @type {Iterable<TileTrace>} */ (this.traces.values())) {
      if (!seated.has(trace)) Object.assign(trace, { tile: null, drawn: false });
      else if (!trace.tile) {
        const tile = new Tile();
        Object.assign(trace, { tile, path: tile.spark.path, line: tile.spark.line });
      }
    }
  }

  /** @param {TileTrace[]} those @param {number} more @param {ReturnType<typeof tiling>} box */
  #lay(those, more, box) {
    say(this.more, `${more} more, not shown`);
    order(this.list, [...those.map(({ tile }) => /** @type {Tile} */ (tile).node), ...(more ? [this.more] : [])]);
    const layout = `${box.columns} ${box.width} ${box.height}`;
    if (layout === this.layout) return;
    this.layout = layout;
    for (const [name, value] of [['--columns', String(box.columns)], ['--tile', `${box.height}px`], ['--figure', `${figureOf(box).toFixed(1)}px`]]) this.list.style.setProperty(name, value);
    this.list.classList.toggle('spacious', box.height >= SPACIOUS_PX);
    this.list.classList.toggle('scrolls', Math.ceil(those.length / box.columns) * (box.height + box.gap) > this.height + box.gap);
    if (this.list.classList.contains('scrolls')) this.list.setAttribute('tabindex', '0'); // by keyboard too
    else this.list.removeAttribute('tabindex');
  }
}

class Tile {
  constructor() {
    this.spark = new Spark();
    this.name = h('div', { class: 'stat-name' });
    this.number = h('span', { class: 'stat-number' });
    this.unit = h('span', { class: 'stat-unit' });
    this.arrow = h('span', { class: 'stat-arrow', 'aria-hidden': 'true' });
    this.change = h('span');
    this.share = h('span', { class: 'stat-share' });
    this.moved = h('div', { class: 'stat-change' }, h('span', {}, this.arrow, this.change), this.share);
    this.level = h('span', { class: 'kind-level' });
    this.age = h('div', { class: 'stat-age' });
    this.value = h('div', { class: 'stat-value' }, this.number, this.unit);
    this.node = h('li', { class: 'stat-tile' }, h('div', { class: 'stat-head' }, this.name, this.level), h('div', { class: 'stat-body' }, h('div', { class: 'stat-figures' }, this.value, this.moved, this.age), this.spark.node));
  }

  /** @param {import('../client/store.js').Series} series @param {{name: string, unit: string|null, right: number, span: number, live: boolean, limits: import('./kind.js').Limit[]|undefined}} how */
  show(series, { name, unit, right, span, live, limits }) {
    const reading = read(/** @type {any} */ (series), right, span, live);
    const [number, suffix] = split(reading ? formatValue(reading.value, unit) : '–');
    say(this.name, name);
    if (this.name.title !== name) this.name.title = name;
    say(this.number, number);
    say(this.unit, suffix);
    const change = changeText(reading, unit);
    say(this.arrow, change?.arrow ?? '');
    say(this.change, change?.size ?? (reading ? '' : 'no sample yet'));
    say(this.share, change?.share ? `(${change.share})` : '');
    const limit = reading && reached(reading.value, limits);
    say(this.level, limit ? limit.level : '');
    const why = limit ? limitText(limit, unit) : '';
    if (this.level.title !== why) this.level.title = why;
    if ((this.node.dataset.level ?? '') !== (limit?.level ?? '')) this.node.dataset.level = limit?.level ?? '';
    say(this.age, ageText(reading));
    this.node.classList.toggle('stale', reading?.stale ?? false);
    this.node.classList.toggle('is-gap', !reading || Number.isNaN(reading.value));
    const { low, high } = extremes(series.ring, right - span, right);
    this.spark.describe(low, high, unit);
  }
}

/** @param {{width: number, height: number}} tile @returns {number} pixels of the value's letters */
const figureOf = ({ width, height }) => Math.max(20, Math.min(96, height * 0.3, width * 0.17));

/** @param {string} text @returns {[string, string]} the number, and its unit with the space between them */
function split(text) {
  const at = text.indexOf('\u202f');
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at)];
}
