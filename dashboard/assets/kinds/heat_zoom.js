/** As on lines: a drag over a heat map zooms all panels to that part of time, a double click follows the newest samples again. */

import { h } from '../html.js';

const LEAST_PX = 5; // a shorter drag is a click

export class HeatZoom {
  /** @param {import('./heat.js').Heat} heat */
  constructor(heat) {
    this.heat = heat;
    /** @type {{x: number, time: number}|null} where the drag began */
    this.begin = null;
    this.box = h('div', { class: 'heat-zoom', hidden: true });
    const { plot } = heat;
    plot.append(this.box);
    plot.addEventListener('pointerdown', (event) => this.#start(event));
    plot.addEventListener('pointermove', (event) => this.#drag(event));
    plot.addEventListener('pointerup', (event) => this.#end(event));
    plot.addEventListener('pointercancel', () => this.#stop());
    plot.addEventListener('dblclick', () => heat.view.live());
  }

  /** @param {PointerEvent} event @returns {{x: number, time: number}} */
  #at(event) {
    const { heat } = this;
    const x = Math.max(0, Math.min(heat.plotWidth, event.clientX - heat.plot.getBoundingClientRect().left));
    return { x, time: heat.view.from + (x / heat.plotWidth) * heat.view.width };
  }

  /** @param {PointerEvent} event */
  #start(event) {
    if (event.button || event.pointerType === 'touch') return; // a finger scrolls the page
    this.begin = this.#at(event);
    this.heat.plot.setPointerCapture(event.pointerId);
  }

  /** @param {PointerEvent} event */
  #drag(event) {
    if (!this.begin) return;
    const { x } = this.#at(event);
    const width = Math.abs(x - this.begin.x);
    this.box.hidden = width < LEAST_PX;
    Object.assign(this.box.style, { left: `${Math.min(x, this.begin.x)}px`, width: `${width}px` });
  }

  /** @param {PointerEvent} event */
  #end(event) {
    if (!this.begin) return;
    const { begin } = this;
    const end = this.#at(event);
    this.#stop();
    if (Math.abs(end.x - begin.x) >= LEAST_PX) this.heat.view.zoomTo(Math.min(begin.time, end.time), Math.max(begin.time, end.time));
  }

  #stop() {
    this.begin = null;
    this.box.hidden = true;
  }
}
