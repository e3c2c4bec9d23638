/** A panel as a PNG: its drawing with the styles it has on the page, its title, the time it shows, and its legend. */

import { h } from './html.js';
import { framed } from './html_picture.js';
import { svg } from './svg.js';

const SCALE = 2;
const PAD = 16;
const HEAD = 58;
const ROW = 20;
const SWATCH = 14;
const FONT = 'system-ui, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", "DejaVu Sans", sans-serif';
const STYLES = [
  'fill', 'fill-opacity', 'stroke', 'stroke-opacity', 'stroke-width', 'stroke-dasharray', 'stroke-linecap', 'stroke-linejoin',
  'opacity', 'font-family', 'font-size', 'font-weight', 'text-anchor', 'paint-order', 'dominant-baseline',
];

/** Of what was drawn last: a file says what was seen. @param {import('./panel.js').Panel} panel @returns {import('./view.js').Range} */
export function edgesOf({ chart, view }) {
  return chart ? { from: chart.right + chart.axes.from, to: chart.right + chart.axes.to } : { from: view.from, to: view.to };
}

/** @param {import('./panel.js').Panel} panel that has a chart @returns {Promise<Blob>} */
export async function pngOf(panel) {
  const picture = pictureOf(panel);
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(new XMLSerializer().serializeToString(picture))}`;
  await image.decode();
  const canvas = /** @type {HTMLCanvasElement} */ (h('canvas', { width: picture.getAttribute('width'), height: picture.getAttribute('height') }));
  canvas.getContext('2d')?.drawImage(image, 0, 0);
  return new Promise((resolve, reject) => { canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error('it is too large'))), 'image/png'); });
}

/** @param {import('./panel.js').Panel} panel @returns {SVGElement} */
function pictureOf(panel) {
  const chart = /** @type {import('./charts.js').Chart} */ (panel.chart);
  const axes = chart.div.querySelector('.main-svg'); // without: a kind, which is elements of the page
  const { width, height: tall } = axes ? { width: chart.outer, height: chart.tall } : chart.div.getBoundingClientRect();
  const { text, muted, card } = coloursOf(panel.node);
  const legend = axes ? legendOf(panel, width - 2 * PAD, muted, text) : { group: svg('g', ''), height: 0 };
  const height = HEAD + tall + legend.height + PAD;
  const drawing = axes ? styled(/** @type {SVGElement} */ (axes)) : framed(chart.div);
  set(drawing, { x: 0, y: HEAD, width, height: tall });
  legend.group.setAttribute('transform', `translate(${PAD},${HEAD + tall + 6})`);
  const title = words(panel.metric, PAD, 27, { size: 16, weight: 620, fill: text });
  const { from, to } = edgesOf(panel);
  const common = panel.common.textContent;
  const subtitle = words(rangeText(from, to) + (common ? ` · ${common}` : ''), PAD, 47, { size: 12, fill: muted });
  const ground = set(svg('rect', ''), { width, height, fill: card });
  const picture = set(svg('svg', ''), { width: width * SCALE, height: height * SCALE, viewBox: `0 0 ${width} ${height}`, 'font-family': FONT });
  picture.append(ground, title, subtitle, drawing, legend.group);
  return picture;
}

/** @param {Element} node @returns {{text: string, muted: string, card: string}} of the theme that is shown */
function coloursOf(node) {
  const age = /** @type {Element} */ (node.querySelector('.panel-tags'));
  return { text: getComputedStyle(node).color, muted: getComputedStyle(age).color, card: getComputedStyle(node).backgroundColor };
}

/** A copy that looks the same where no style sheet is. @param {SVGElement} source @returns {SVGElement} */
function styled(source) {
  const copy = /** @type {SVGElement} */ (source.cloneNode(true));
  const [originals, copies] = [source, copy].map((root) => [root, ...root.querySelectorAll('*')]);
  const unseen = /** @type {Element[]} */ ([]);
  originals.forEach((original, at) => {
    const made = copies[at];
    const style = getComputedStyle(original);
    if ((style.display === 'none' || style.visibility === 'hidden') && !original.closest('defs')) unseen.push(made);
    for (const name of ['style', 'class']) made.removeAttribute(name);
    for (const name of STYLES) made.setAttribute(name, style.getPropertyValue(name));
    if (style.transform !== 'none') made.setAttribute('transform', style.transform);
  });
  for (const each of unseen) each.remove();
  return copy;
}

/**
 * @param {import('./panel.js').Panel} panel @param {number} width pixels @param {string} muted colour @param {string} text colour
 * @returns {{group: SVGElement, height: number}}
 */
function legendOf(panel, width, muted, text) {
  const group = svg('g', '');
  const measure = /** @type {CanvasRenderingContext2D} */ (/** @type {HTMLCanvasElement} */ (h('canvas')).getContext('2d'));
  measure.font = `12px ${FONT}`;
  let [x, y] = [0, ROW];
  for (const { trace, label, value } of panel.sorted.filter(({ item, trace: { shown, over } }) => shown && !over && !item.hidden)) {
    const [name, number] = [label.textContent ?? '', value.textContent ?? ''];
    const nameWidth = Math.min(measure.measureText(name).width, width - 120);
    const whole = SWATCH + 6 + nameWidth + 8 + measure.measureText(number).width * 1.06 + 20;
    if (x > 0 && x + whole > width) [x, y] = [0, y + ROW];
    const style = getComputedStyle(trace.path);
    const line = set(svg('line', ''), { x1: x, x2: x + SWATCH, y1: y - 4, y2: y - 4, stroke: style.stroke, 'stroke-width': 3, 'stroke-dasharray': style.strokeDasharray });
    const room = Math.max(8, Math.floor((name.length * nameWidth) / (measure.measureText(name).width || 1)));
    const shown = name.length > room ? `${name.slice(0, room - 1)}…` : name;
    group.append(line, words(shown, x + SWATCH + 6, y, { size: 12, fill: muted }), words(number, x + SWATCH + 6 + nameWidth + 8, y, { size: 12, weight: 600, fill: text }));
    x += whole;
  }
  return { group, height: group.childNodes.length ? y + 6 : 0 };
}

/** @param {string} text @param {number} x @param {number} y @param {{size: number, fill: string, weight?: number}} look @returns {SVGElement} */
function words(text, x, y, { size, fill, weight = 400 }) {
  const node = set(svg('text', ''), { x, y, 'font-size': size, 'font-weight': weight, fill });
  node.textContent = text;
  return node;
}

/** @template {Element} E @param {E} node @param {Record<string, string|number>} attributes @returns {E} */
function set(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  return node;
}

/** @param {number} from @param {number} to Unix seconds @returns {string} with day and zone: a picture travels */
export function rangeText(from, to) {
  const [begin, end] = [from, to].map((time) => new Date(time * 1000));
  const two = (/** @type {number} */ part) => String(part).padStart(2, '0');
  const day = (/** @type {Date} */ date) => `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const clock = (/** @type {Date} */ date) => [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':');
  const offset = -begin.getTimezoneOffset();
  const zone = `UTC${offset ? `${offset < 0 ? '−' : '+'}${Math.floor(Math.abs(offset) / 60)}${offset % 60 ? `:${two(Math.abs(offset) % 60)}` : ''}` : ''}`;
  return `${day(begin)} ${clock(begin)} – ${day(end) === day(begin) ? '' : `${day(end)} `}${clock(end)} ${zone}`;
}
