/** One row of a table of series. */

import { formatValue } from '../format.js';
import { h, say } from '../html.js';
import { limitText, reached } from './limits.js';
import { ageText, changeText } from './reading.js';
import { Spark } from './spark.js';

export class TableRow {
  constructor() {
    this.spark = new Spark();
    /** @type {HTMLElement[]} */
    this.keys = [];
    this.level = h('span', { class: 'kind-level' });
    this.number = h('span');
    this.age = h('span', { class: 'rank-age' });
    this.arrow = h('span', { class: 'stat-arrow', 'aria-hidden': 'true' });
    this.moved = h('span');
    this.share = h('span', { class: 'rank-share' });
    this.min = h('td', { class: 'rank-min' });
    this.max = h('td', { class: 'rank-max' });
    this.figures = [h('td', { class: 'rank-value' }, this.age, ' ', this.level, ' ', this.number), h('td', { class: 'rank-change' }, this.arrow, ' ', this.moved, this.share), this.min, this.max, h('td', { class: 'rank-trend' }, this.spark.node)];
    this.node = h('tr');
  }

  /** The columns before the figures are others. */
  reset() {
    this.keys = [];
  }

  /**
   * @param {string[]} texts @param {import('./reading.js').Reading|null} reading
   * @param {{unit: string|null, low: number, high: number, limits: import('./kind.js').Limit[]|undefined}} how
   */
  show(texts, reading, { unit, low, high, limits }) {
    if (this.keys.length !== texts.length) this.#head(texts.length);
    texts.forEach((text, at) => {
      say(this.keys[at], text);
      if (this.keys[at].title !== text) this.keys[at].title = text;
    });
    const limit = reading && reached(reading.value, limits);
    say(this.level, limit?.level ?? '');
    const why = limit ? limitText(limit, unit) : '';
    if (this.level.title !== why) this.level.title = why;
    if ((this.node.dataset.level ?? '') !== (limit?.level ?? '')) this.node.dataset.level = limit?.level ?? '';
    this.node.classList.toggle('stale', reading?.stale ?? false);
    const change = changeText(reading, unit);
    const texted = /** @type {Array<[HTMLElement, string]>} */ ([
      [this.age, ageText(reading)], [this.number, reading ? formatValue(reading.value, unit) : '–'], [this.arrow, change?.arrow ?? ''], [this.moved, change?.size ?? '–'], [this.share, change?.share ? ` (${change.share})` : ''],
      [this.min, Number.isNaN(low) ? '–' : formatValue(low, unit)], [this.max, Number.isNaN(high) ? '–' : formatValue(high, unit)],
    ]);
    for (const [node, text] of texted) say(node, text);
    this.spark.describe(low, high, unit);
  }

  /** @param {number} count of columns before the figures; the first names the row */
  #head(count) {
    this.keys = Array.from({ length: count }, (_, at) => h(at ? 'td' : 'th', { class: 'rank-key', ...(!at && { scope: 'row' }) }));
    this.node.replaceChildren(...this.keys, ...this.figures);
  }
}
