/** What a panel's menu offers. */

import { saveCsv, savePng } from './exports.js';
import { isFull, toggleFull } from './full.js';
import { embedUrl, iframeOf } from './embed.js';
import { copy } from './menu.js';

/** @param {import('./panel.js').Panel} panel @returns {import('./menu.js').MenuItem[]} */
export function usualItems(panel) {
  const url = embedUrl(panel, new URL(location.href));
  const said = async (/** @type {string} */ text) => ((await copy(text)) ? 'Copied' : 'The browser refused');
  return [
    { label: isFull(panel) ? 'Leave full screen' : 'Full screen', act: () => toggleFull(panel) },
    { label: 'Export CSV', act: () => saveCsv(panel) },
    { label: 'Export PNG', act: () => savePng(panel) },
    ...(url ? [{ label: 'Copy link to this panel', act: () => said(url) }, { label: 'Copy embed code', act: () => said(iframeOf(panel, url)) }] : []),
  ];
}
