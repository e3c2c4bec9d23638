/** What is in the cell under the pointer, or under the cursor that arrow keys move; and the moment that is pointed at in another panel. */

import { formatClock, formatValue } from '../format.js';
import { h, say } from '../html.js';
import { edgesOf } from './scales.js';

export const HEAT_LEFT = 68; // of the plot in its panel
const ARROWS = /** @type {Record<string, [number, number]>} */ ({ ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] });

export class HeatPointer {
  /** @param {import('./heat.js').Heat} heat */
  constructor(heat) {
    this.heat = heat;
    /** @type {{x: number, y: number}|null} pixels from the left and top of the plot */
    this.at = null;
    this.time = h('div', { class: 'tip-time' });
    this.range = h('span', { class: 'tip-label' });
    this.count = h('span', { class: 'tip-value' });
    this.box = h('div', { class: 'tip', hidden: true }, this.time, h('div', { class: 'tip-row' }, this.range, this.count));
    heat.div.append(this.box);
    const { plot } = heat;
    for (const kind of ['pointerdown', 'pointermove']) plot.addEventListener(kind, (event) => this.#move(/** @type {PointerEvent} */ (event))); // a finger only taps
    plot.addEventListener('pointerleave', () => this.#hide());
    heat.view.crosshair.listen(() => this.#rule(), heat.ended.signal);
    plot.addEventListener('blur', () => this.#hide());
    plot.addEventListener('keydown', (event) => this.#step(event));
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const { left, top } = this.heat.plot.getBoundingClientRect();
    this.box.removeAttribute('role');
    this.#point({ x: event.clientX - left, y: event.clientY - top });
  }

  /** @param {{x: number, y: number}} at pixels; every panel shows the same moment */
  #point(at) {
    this.at = at;
    this.heat.view.crosshair.point(this.heat, at.x / this.heat.plotWidth);
    this.show();
  }

  #rule() {
    const { heat } = this;
    const { share, source } = heat.view.crosshair;
    heat.rule.hidden = share === null || source === heat;
    if (share !== null) heat.rule.style.transform = `translateX(${(share * heat.plotWidth).toFixed(1)}px)`;
  }

  /** @param {KeyboardEvent} event */
  #step(event) {
    const { heat } = this;
    if (event.key === 'Escape') return this.#hide();
    const step = ARROWS[event.key];
    if (!step || !heat.grid || event.altKey || event.ctrlKey || event.metaKey) return undefined;
    event.preventDefault();
    this.box.setAttribute('role', 'status'); // read out
    const wide = heat.grid.stepS * (heat.plotWidth / heat.span);
    const high = heat.plotHeight / heat.grid.scale.rows;
    const { x, y } = this.at ?? { x: heat.plotWidth - wide / 2 - step[0] * wide, y: heat.plotHeight / 2 + high / 2 + step[1] * high };
    return this.#point({ x: clamp(x + step[0] * wide, heat.plotWidth), y: clamp(y - step[1] * high, heat.plotHeight) });
  }

  #hide() {
    this.at = null;
    this.heat.view.crosshair.leave(this.heat);
    this.box.hidden = true;
    this.heat.cursor.hidden = true;
  }

  /** The cell is another one when the picture moved on. */
  show() {
    const { heat, at } = this;
    const { grid } = heat;
    if (!at || !grid) return;
    const { rows } = grid.scale;
    const column = grid.columnOf(heat.right - heat.span + (at.x / heat.plotWidth) * heat.span);
    const row = Math.max(0, Math.min(rows - 1, Math.floor((1 - at.y / heat.plotHeight) * rows)));
    const fine = grid.stepS < 1;
    const [low, high] = edgesOf(grid.scale, row);
    const counts = grid.columns.get(column);
    say(this.time, `${formatClock(column * grid.stepS, fine)} – ${formatClock((column + 1) * grid.stepS, fine)}`);
    say(this.range, `${formatValue(low, heat.unit)} – ${formatValue(high, heat.unit)}`);
    say(this.count, counts ? `${counts[row]} ${counts[row] === 1 ? 'sample' : 'samples'}` : 'no samples at that time');
    this.#place(column, row);
  }

  /** @param {number} column @param {number} row */
  #place(column, row) {
    const { heat, box } = this;
    const { stepS, scale } = /** @type {import('./grid.js').Grid} */ (heat.grid);
    const { x } = /** @type {{x: number, y: number}} */ (this.at);
    const perSecond = heat.plotWidth / heat.span;
    const high = heat.plotHeight / scale.rows;
    const left = (column * stepS - heat.right + heat.span) * perSecond;
    Object.assign(heat.cursor.style, { width: `${stepS * perSecond}px`, height: `${high}px`, transform: `translate(${left.toFixed(2)}px, ${((scale.rows - 1 - row) * high).toFixed(2)}px)` });
    box.hidden = false;
    heat.cursor.hidden = false;
    const onLeft = x > heat.plotWidth / 2;
    box.style.left = onLeft ? '' : `${HEAT_LEFT + x + 14}px`;
    box.style.right = onLeft ? `${heat.width - HEAT_LEFT - x + 14}px` : '';
  }
}

/** @param {number} pixels @param {number} most */
const clamp = (pixels, most) => Math.max(0, Math.min(most - 1, pixels));
