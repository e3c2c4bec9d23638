/** Where samples were lost: hatched, so that nobody takes it for silence. */

import { svg } from './svg.js';

const NARROWEST_PX = 4; // a loss is seen, however short
const STEP_PX = 6; // between strokes
const SPANS = 60;

/** @param {Array<{lost: number[]}>} lines @returns {Array<{from: number, to: number}>} in order, what overlaps as one; the newest */
export function spansOf(lines) {
  if (!lines.some(({ lost }) => lost.length)) return [];
  const all = lines.flatMap(({ lost }) => lost.flatMap((from, at) => (at % 2 ? [] : [{ from, to: lost[at + 1] }])));
  const spans = /** @type {Array<{from: number, to: number}>} */ ([]);
  for (const each of all.sort((a, b) => a.from - b.from)) {
    const last = spans[spans.length - 1];
    if (last && each.from <= last.to) last.to = Math.max(last.to, each.to);
    else spans.push(each);
  }
  return spans.slice(-SPANS);
}

/** Rising strokes inside a box that stands on `height`. @param {number} left @param {number} right @param {number} height @returns {string} path data */
export function hatch(left, right, height) {
  let path = '';
  for (let foot = left - height; foot < right; foot += STEP_PX) {
    const [begin, end] = [Math.max(foot, left), Math.min(foot + height, right)];
    if (end > begin) path += `M${tenths(begin)},${tenths(height - (begin - foot))}L${tenths(end)},${tenths(height - (end - foot))}`;
  }
  return path;
}

/** @param {number} pixels */
const tenths = (pixels) => Math.round(pixels * 10) / 10;

/**
 * @param {SVGElement} group @param {Array<{from: number, to: number}>} spans
 * @param {number} left time at pixel 0 @param {number} perSecond @param {number} height pixels
 */
export function drawLosses(group, spans, left, perSecond, height) {
  while (group.childNodes.length > spans.length) group.lastChild?.remove();
  while (group.childNodes.length < spans.length) {
    const node = svg('g', 'sg-loss');
    node.append(svg('rect', ''), svg('path', ''));
    group.append(node);
  }
  spans.forEach(({ from, to }, index) => {
    const [rect, strokes] = group.children[index].children;
    const begin = Math.max(-10, (from - left) * perSecond);
    const end = Math.max(begin + NARROWEST_PX, Math.min(1e4, (to - left) * perSecond));
    for (const [name, value] of /** @type {const} */ ([['x', begin], ['width', end - begin], ['height', height]])) rect.setAttribute(name, String(tenths(value)));
    strokes.setAttribute('d', hatch(begin, end, height));
  });
}

/**
 * @param {Array<import('./charts.js').Trace>} traces that are drawn @param {number} time @param {number} [spare] seconds beyond its edges
 * @returns {string} what is known of the loss at that time; empty: there was none
 */
export function lossAt(traces, time, spare = 0) {
  let found = false;
  let samples = 0;
  for (const { line, series } of traces) {
    for (let at = 0; at < line.lost.length; at += 2) {
      if (time < line.lost[at] - spare || time > line.lost[at + 1] + spare) continue;
      found = true;
      const known = /** @type {import('./client/rings.js').Ring} */ (series.ring).losses.find(({ until }) => until === line.lost[at + 1]);
      samples = Math.max(samples, known?.samples ?? 0); // announced for all series together, so no sum
    }
  }
  if (!found) return '';
  return samples ? `${samples} ${samples === 1 ? 'sample' : 'samples'} of all series` : 'how many is not known';
}
