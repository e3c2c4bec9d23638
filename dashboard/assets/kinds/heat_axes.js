/** What is written around a heat map: values, times, and how many samples a colour stands for. */

import { formatValue, timeTicks } from '../format.js';
import { h } from '../html.js';
import { colourOf, legendOf, shareOf } from './ramp.js';
import { ticksOf } from './scales.js';

const TICK_PX = 70;
const CROWDED_PX = 13;

export class HeatAxes {
  constructor() {
    this.y = h('div', { class: 'heat-y', 'aria-hidden': 'true' });
    this.x = h('div', { class: 'heat-x', 'aria-hidden': 'true' });
    this.legend = h('div', { class: 'heat-legend' });
    this.drawn = { x: '', y: '', legend: '' };
  }

  /** Only what changed is written. @param {import('./heat.js').Heat} heat @param {import('./scales.js').Scale} scale */
  show(heat, scale) {
    const { plotWidth, plotHeight, span, right, isLive, most, ramp, unit } = heat;
    const y = `${scale.from} ${scale.to} ${scale.log} ${plotHeight} ${unit}`;
    if (y !== this.drawn.y) this.#values(scale, unit, plotHeight);
    const x = `${span} ${isLive || right} ${plotWidth}`;
    if (x !== this.drawn.x) this.#times(span, right, isLive, plotWidth);
    const legend = `${most} ${ramp[0]}`;
    if (legend !== this.drawn.legend) this.#legend(most, ramp);
    this.drawn = { x, y, legend };
  }

  /** @param {import('./scales.js').Scale} scale @param {string|null} unit @param {number} height */
  #values(scale, unit, height) {
    let free = Infinity;
    const ticks = ticksOf(scale, unit).filter(({ at }) => {
      const y = (1 - at) * height;
      if (at < -1e-6 || at > 1 + 1e-6 || free - y < CROWDED_PX) return false;
      free = y;
      return true;
    });
    this.y.replaceChildren(...ticks.map(({ at, text }) => {
      const node = h('span', {}, text);
      node.style.top = `${((1 - at) * 100).toFixed(2)}%`;
      return node;
    }));
  }

  /** @param {number} span @param {number} right @param {boolean} live @param {number} width */
  #times(span, right, live, width) {
    const { values, texts } = timeTicks(-span, 0, right, live, Math.max(2, Math.floor(width / TICK_PX)));
    this.x.replaceChildren(...values.map((value, at) => {
      const node = h('span', {}, texts[at]);
      node.style.left = `${(((value + span) / span) * 100).toFixed(2)}%`;
      return node;
    }));
  }

  /** @param {number} most @param {import('./ramp.js').Colour[]} ramp */
  #legend(most, ramp) {
    const steps = legendOf(most).map((count) => {
      const swatch = h('i', { class: 'heat-swatch' });
      swatch.style.background = `rgb(${colourOf(ramp, shareOf(count, most)).join(' ')})`;
      return h('span', { class: 'heat-step' }, swatch, formatValue(count, ''));
    });
    this.legend.replaceChildren(h('span', {}, 'samples a cell'), ...steps);
  }
}
