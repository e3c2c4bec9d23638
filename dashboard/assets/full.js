/** One panel over everything else: on the whole screen if the browser lets it, else on the whole page. */

import { h } from './html.js';

/** @type {{panel: import('./panel.js').Panel, close: HTMLElement}|null} */
let shown = null;

/** @param {import('./panel.js').Panel} panel @returns {boolean} */
export const isFull = (panel) => shown?.panel === panel;

/** @param {import('./panel.js').Panel} panel */
export function toggleFull(panel) {
  const again = isFull(panel);
  leaveFull();
  if (!again) enter(panel);
}

/** @param {import('./panel.js').Panel} panel */
function enter(panel) {
  const close = h('button', { class: 'panel-button panel-close', type: 'button', title: 'Leave full screen (Esc)', 'aria-label': 'Leave full screen', onclick: leaveFull }, '✕');
  shown = { panel, close };
  panel.node.classList.add('is-full');
  panel.node.querySelector('.panel-header')?.append(close);
  document.documentElement.toggleAttribute('data-full', true);
  panel.node.requestFullscreen?.().catch(() => {}); // refused: it covers the page all the same
  close.focus();
}

/** @returns {boolean} whether there was any */
export function leaveFull() {
  if (!shown) return false;
  const { panel, close } = shown;
  shown = null;
  close.remove();
  panel.node.classList.remove('is-full');
  document.documentElement.toggleAttribute('data-full', false);
  if (document.fullscreenElement) void document.exitFullscreen();
  panel.menuButton.focus();
  return true;
}

// The browser's own way out, and Esc where it has none.
document.addEventListener('fullscreenchange', () => { if (!document.fullscreenElement) leaveFull(); });
addEventListener('keydown', (event) => {
  if (event.key !== 'Escape' || event.defaultPrevented || !leaveFull()) return;
  event.preventDefault();
});
