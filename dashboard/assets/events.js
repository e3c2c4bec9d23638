/** Event series drawn as annotations: a vertical line with its text, on every chart of the group. */

import { formatClock } from './format.js';
import { svg } from './svg.js';

const SHOWN = 60;
const LETTERS = 26;
const LETTER_PX = 6.4;
const ROWS = 4;

/**
 * @param {import('./client/store.js').Series[]} sources @param {number} from @param {number} to @param {number} [most]
 * @returns {Array<{time: number, text: string, series: import('./client/store.js').Series}>} the newest, in order of time
 */
export function eventsIn(sources, from, to, most = SHOWN) {
  return sources
    .flatMap((series) => /** @type {import('./client/rings.js').EventRing} */ (series.ring).events.map((each) => ({ ...each, series })))
    .filter((each) => each.time >= from && each.time <= to)
    .sort((a, b) => a.time - b.time)
    .slice(-most);
}

/**
 * @param {SVGElement} group @param {import('./client/store.js').Series[]} sources
 * @param {number} from @param {number} to times at the edges @param {number} width @param {number} height pixels
 */
export function drawEvents(group, sources, from, to, width, height) {
  const events = eventsIn(sources, from, to);
  while (group.childNodes.length > 2 * events.length) {
    group.firstChild?.remove();
    group.lastChild?.remove();
  }
  while (group.childNodes.length < 2 * events.length) {
    group.prepend(mark('line')); // all lines come before all texts, so that none crosses a text
    group.append(mark('text'));
  }
  const ends = new Array(ROWS).fill(-Infinity);
  events.forEach((event, index) => {
    const x = ((event.time - from) / (to - from)) * width;
    const text = event.text.length > LETTERS ? `${event.text.slice(0, LETTERS - 1)}…` : event.text;
    const length = text.length * LETTER_PX + 8;
    const onLeft = x + length > width;
    const begin = onLeft ? x - length : x;
    const row = ends.findIndex((end) => end <= begin);
    if (row >= 0) ends[row] = begin + length;
    const [line, label] = [index, events.length + index].map((at) => /** @type {SVGElement} */ (group.childNodes[at]));
    place(line, event, x).setAttribute('y2', String(height));
    write(place(label, event, x), row < 0 ? '' : text, onLeft, Math.max(0, row));
  });
}

/** @param {'line'|'text'} what @returns {SVGElement} */
function mark(what) {
  const node = svg('g', `sg-event-${what}`);
  node.append(svg(what, ''), svg('title', ''));
  return node;
}

/**
 * @param {SVGElement} node @param {{time: number, text: string, series: import('./client/store.js').Series}} event @param {number} x
 * @returns {Element} the line or the text
 */
function place(node, event, x) {
  const [shown, title] = node.children;
  node.setAttribute('transform', `translate(${x.toFixed(1)},0)`);
  const full = `${event.series.metric} ${formatClock(event.time)} ${event.text}`;
  if (title.textContent !== full) title.textContent = full;
  return shown;
}

/** @param {Element} text @param {string} label empty: no room for it @param {boolean} onLeft @param {number} row */
function write(text, label, onLeft, row) {
  text.setAttribute('x', onLeft ? '-4' : '4');
  text.setAttribute('y', String(10 + row * 13));
  text.setAttribute('text-anchor', onLeft ? 'end' : 'start');
  if (text.textContent !== label) text.textContent = label;
}
