/** Live, paused or looking back: said in the bar that is always in sight, with the way back. */

import { formatClock } from './format.js';
import { h, say } from './html.js';

const FINE_S = 10; // a narrower view is told to the millisecond
const STEP = 0.5; // of what is shown

/** @param {number} time Unix seconds @param {number} now @param {boolean} fine @returns {string} with the day, if it is another */
export function dayClock(time, now, fine = false) {
  const [day, today] = [time, now].map((each) => new Date(each * 1000));
  if (Number.isNaN(day.getTime()) || day.toDateString() === today.toDateString()) return formatClock(time, fine);
  const two = (/** @type {number} */ part) => String(part).padStart(2, '0');
  return `${day.getFullYear()}-${two(day.getMonth() + 1)}-${two(day.getDate())} ${formatClock(time, fine)}`;
}

/** @param {import('./view.js').View} view @returns {string[]} what is seen, how, and of when */
function momentTexts(view) {
  const { state, from, to, width, right } = view;
  const now = view.now();
  if (state === 'live') return ['view ', 'live', ''];
  if (state === 'paused') return ['view ', 'paused ', dayClock(right, now)];
  return ['', 'looking back ', `${dayClock(from, now, width < FINE_S)}–${dayClock(to, from, width < FINE_S)}`];
}

/** @param {import('./view.js').View} view @returns {string} */
export const momentText = (view) => momentTexts(view).join('');

export class Moment {
  /** @param {HTMLElement} root @param {import('./view.js').View} view */
  constructor(root, view) {
    this.root = root;
    this.view = view;
    this.texts = [h('span', { class: 'moment-lead' }), h('span', { class: 'moment-what' }), h('span')];
    const step = (/** @type {string} */ sign, /** @type {string} */ title, /** @type {() => void} */ act) => h('button', { class: 'moment-step', title, 'aria-label': title, onclick: act }, sign);
    this.steps = [step('‹', 'Earlier', () => view.pan(-STEP)), step('›', 'Later', () => view.pan(STEP)), step('−', 'Zoom out', () => { view.zoomBy(2); })];
    this.back = h('button', { class: 'button small', id: 'back-to-live', onclick: () => view.live() }, 'Back to live');
    root.replaceChildren(h('span', { class: 'moment-text' }, ...this.texts), ...this.steps, this.back);
    this.render();
  }

  render() {
    const { state } = this.view;
    this.root.dataset.view = state;
    momentTexts(this.view).forEach((text, at) => say(this.texts[at], text));
    for (const each of [...this.steps, this.back]) each.hidden = state === 'live';
  }
}
