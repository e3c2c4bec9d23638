/** Event series drawn as annotations: a vertical line with its text, on every chart of the group. */

import { formatClock } from './format.js';
import { svg } from './svg.js';

const SHOWN = 60;
const LETTERS = 26;
const LETTER_PX = 6.4;
const ROWS = 4;

/**
 * @param {import('./store.js').Series[]} sources @param {number} from @param {number} to
 * @returns {Array<{time: number, text: string, series: import('./store.js').Series}>} the newest, in order of time
 */
export function eventsIn(sources, from, to) {
  return sources
    .flatMap((series) => /** @type {import('./rings.js').EventRing} */ (series.ring).events.map((each) => ({ ...each, series })))
    .filter((each) => each.time >= from && each.time <= to)
    .sort((a, b) => a.time - b.time)
    .slice(-SHOWN);
}

/**
 * @param {SVGElement} group @param {import('./store.js').Series[]} sources
 * @param {number} from @param {number} to times at the edges @param {number} width @param {number} height pixels
 */
export function drawEvents(group, sources, from, to, width, height) {
  const events = eventsIn(sources, from, to);
  while (group.childNodes.length > events.length) group.lastChild?.remove();
  while (group.childNodes.length < events.length) group.append(mark());
  const ends = new Array(ROWS).fill(-Infinity);
  events.forEach((event, index) => {
    const x = ((event.time - from) / (to - from)) * width;
    const text = event.text.length > LETTERS ? `${event.text.slice(0, LETTERS - 1)}…` : event.text;
    const length = text.length * LETTER_PX + 8;
    const onLeft = x + length > width;
    const begin = onLeft ? x - length : x;
    const row = ends.findIndex((end) => end <= begin);
    if (row >= 0) ends[row] = begin + length;
    place(/** @type {SVGElement} */ (group.childNodes[index]), event, text, x, onLeft, row, height);
  });
}

/** @returns {SVGElement} */
function mark() {
  const node = svg('g', 'sg-event');
  node.append(svg('line', ''), svg('text', ''), svg('title', ''));
  return node;
}

/**
 * @param {SVGElement} node @param {{time: number, text: string, series: import('./store.js').Series}} event @param {string} shown
 * @param {number} x @param {boolean} onLeft @param {number} row -1: no room for text @param {number} height
 */
function place(node, event, shown, x, onLeft, row, height) {
  const [line, text, title] = node.children;
  node.setAttribute('transform', `translate(${x.toFixed(1)},0)`);
  line.setAttribute('y2', String(height));
  text.setAttribute('x', onLeft ? '-4' : '4');
  text.setAttribute('y', String(10 + Math.max(0, row) * 13));
  text.setAttribute('text-anchor', onLeft ? 'end' : 'start');
  const label = row < 0 ? '' : shown;
  if (text.textContent !== label) text.textContent = label;
  const full = `${event.series.metric} ${formatClock(event.time)} ${event.text}`;
  if (title.textContent !== full) title.textContent = full;
}
