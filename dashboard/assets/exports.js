/** What a panel shows, as a file: every held sample of it as CSV, or its picture. */

import { Chart } from './charts.js';
import { columnName, csvLines } from './csv.js';
import { eventsIn } from './events.js';
import { h } from './html.js';
import { edgesOf, pngOf } from './picture.js';

const KEPT_MS = 60_000; // a browser may read it late

/** @param {import('./panel.js').Panel} panel @returns {Blob} */
export function csvOf(panel) {
  const { from, to } = edgesOf(panel);
  const most = panel.chart instanceof Chart; // a kind has no line beyond the most
  const shown = panel.sorted.filter(({ trace }) => trace.shown && !(most && trace.over));
  const columns = shown.map(({ series }) => {
    const ring = /** @type {import('./client/rings.js').Ring} */ (series.ring);
    const [first, end] = [ring.from(from), ring.after(to)];
    return { name: columnName(series.metric, series.tags, series.unit), times: ring.times.subarray(first, end), values: ring.values.subarray(first, end) };
  });
  const events = panel.events().map((series) => {
    const those = eventsIn([series], from, to, Infinity);
    return { name: columnName(series.metric, series.tags, null), times: those.map(({ time }) => time), values: those.map(({ text }) => text) };
  });
  return new Blob(csvLines([...columns, ...events.filter(({ times }) => times.length)]), { type: 'text/csv;charset=utf-8' });
}

/** @param {import('./panel.js').Panel} panel @param {string} ending @returns {string} */
export function fileName(panel, ending) {
  const { from, to } = edgesOf(panel);
  const stamp = (/** @type {number} */ time) => new Date(time * 1000).toISOString().replace(/\.\d+Z$/, 'Z').replaceAll(':', '');
  const title = panel.metric.replace(/[^A-Za-z0-9._-]+/g, '-').slice(0, 80) || 'panel';
  return `${title}_${stamp(from)}_${stamp(to)}.${ending}`;
}

/** @param {Blob} blob @param {string} name */
function download(blob, name) {
  const url = URL.createObjectURL(blob);
  h('a', { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), KEPT_MS);
}

/** @param {import('./panel.js').Panel} panel */
export function saveCsv(panel) {
  download(csvOf(panel), fileName(panel, 'csv'));
}

/** @param {import('./panel.js').Panel} panel @returns {Promise<string>} what came of it */
export async function savePng(panel) {
  const name = fileName(panel, 'png');
  try {
    download(await pngOf(panel), name);
    return 'Saved';
  } catch (error) {
    console.warn('picture:', error instanceof Error ? error.message : error);
    return 'The browser could not draw it';
  }
}
