/** A chart in which there is nothing to see says so, and why if that is known, and leads to what there is. */

import { formatAge } from './format.js';
import { h, say } from './html.js';

const SPARE = 0.05; // of what is shown, beyond the newest sample

/** @typedef {import('./panel.js').Panel} Panel */

/**
 * Pure.
 * @param {Iterable<{trace: {shown: boolean}, series: {ring: any}}>} entries @param {{from: number, to: number}} view
 * @returns {number|null} time of the newest sample of the lines that are shown, if none of theirs is in view
 */
export function outOfView(entries, { from, to }) {
  let newest = -Infinity;
  for (const { trace, series: { ring } } of entries) {
    if (!trace.shown || !ring.length) continue;
    if (ring.after(to) > ring.from(from)) return null;
    newest = Math.max(newest, ring.lastTime);
  }
  return Number.isFinite(newest) ? newest : null;
}

/** @param {number} lag seconds behind the broadcaster's clock; below 0: ahead; 0: it is right @returns {string} */
export function noteText(lag) {
  const why = lag && `: its samples are stamped ${formatAge(Math.abs(lag))} ${lag > 0 ? 'behind' : 'ahead of'} the broadcaster’s clock`;
  return `Nothing in this part of time${why || ''}.`;
}

export class PanelNote {
  /** @param {Panel} panel that has a chart of lines */
  constructor(panel) {
    this.panel = panel;
    this.newest = /** @type {number|null} */ (null);
    this.text = h('span', {});
    const look = h('button', { class: 'link', type: 'button', onclick: () => this.#look() }, 'Show the newest');
    this.node = h('div', { class: 'panel-note' }, this.text, ' ', look);
    this.node.hidden = true;
    panel.div.after(this.node);
  }

  /** A few times a second. @param {number} lag seconds, of a clock that is wrong */
  tick(lag) {
    const { panel } = this;
    this.newest = outOfView(panel.entries.values(), panel.view);
    this.node.hidden = this.newest === null;
    if (this.newest !== null) say(this.text, noteText(lag));
  }

  #look() {
    const { view } = this.panel;
    if (this.newest === null) return;
    const to = this.newest + SPARE * view.width;
    view.zoomTo(to - view.width, to);
  }
}
