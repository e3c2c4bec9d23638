/**
 * What a panel shows, in words, for those who cannot see it. It is a text of the page that nobody is interrupted with: it is
 * renewed when the panel gets the focus, and now and then.
 */

import { formatAge, formatValue } from './format.js';
import { h, say } from './html.js';

const LINES = 6; // told one by one
const RENEWED_MS = 10_000;

let number = 0;

/** @typedef {import('./panel.js').Panel} Panel */

/** @param {Panel} panel @returns {string} */
export function summaryOf(panel) {
  const shown = [...panel.entries.values()].filter(({ trace, item }) => trace.shown && !item.hidden);
  if (!shown.length) return 'Nothing to show.';
  const lines = shown.slice(0, LINES).map((entry) => lineOf(entry, shown.length > 1));
  const more = shown.length > LINES ? [`${shown.length - LINES} more lines.`] : [];
  const stale = panel.node.classList.contains('is-stale') ? [`Silent: last sample ${panel.age.textContent}.`] : [];
  return [`${shown.length === 1 ? '1 line' : `${shown.length} lines`}, the last ${formatAge(panel.view.width)}.`, ...stale, ...lines, ...more].join(' ');
}

/** @param {import('./legend.js').Entry} entry @param {boolean} named */
function lineOf({ series, trace, label }, named) {
  const ring = /** @type {import('./client/rings.js').Ring} */ (series.ring);
  const { low, high } = /** @type {{low?: number, high?: number}} */ (trace.line ?? {});
  const told = (/** @type {number} */ value) => formatValue(value, series.unit);
  const range = low === undefined || high === undefined || Number.isNaN(low) || Number.isNaN(high) ? '' : `, from ${told(low)} to ${told(high)}`;
  return `${named ? `${label.textContent}: ` : ''}${ring.length ? told(ring.lastValue) : 'no sample'}${range}.`;
}

export class Summary {
  /** @param {Panel} panel */
  constructor(panel) {
    this.panel = panel;
    this.at = -Infinity;
    const id = `panel-${number++}`;
    this.node = h('p', { class: 'visually-hidden', id: `${id}-summary` });
    const title = panel.node.querySelector('.panel-title');
    title?.setAttribute('id', `${id}-title`);
    panel.node.setAttribute('aria-labelledby', `${id}-title`);
    panel.node.setAttribute('aria-describedby', `${id}-summary`);
    panel.node.append(this.node);
    panel.node.addEventListener('focusin', () => this.#renew(performance.now()));
  }

  /** Its parts (labels of axes, a box that follows the pointer) are of no use one by one. @param {HTMLElement} div */
  picture(div) {
    div.setAttribute('role', 'img');
    div.setAttribute('aria-labelledby', this.panel.node.getAttribute('aria-labelledby') ?? '');
    div.setAttribute('aria-describedby', this.node.id);
  }

  /** Now and then. */
  tick() {
    const now = performance.now();
    if (now > this.at + RENEWED_MS) this.#renew(now);
  }

  /** @param {number} now */
  #renew(now) {
    this.at = now;
    say(this.node, summaryOf(this.panel));
  }
}
