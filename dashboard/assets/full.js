/** One panel over everything else: on the whole screen if the browser lets it, else on the whole page. */

import { h, say } from './html.js';

const TOLD_MS = 250;

/** @type {{panel: import('./panel.js').Panel, parts: HTMLElement[], timer: number}|null} */
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
  const state = h('span', { class: 'full-state' }, h('span', { class: 'dot' }), h('span'));
  shown = { panel, parts: [state, close], timer: window.setInterval(() => tell(state), TOLD_MS) };
  panel.node.classList.add('is-full');
  panel.menuButton.before(state);
  panel.node.querySelector('.panel-header')?.append(close);
  tell(state);
  document.documentElement.toggleAttribute('data-full', true);
  panel.node.requestFullscreen?.().catch(() => {}); // refused: it covers the page all the same
  close.focus();
}

/** What the bar says that is covered now: whether all of this is live. @param {HTMLElement} state */
function tell(state) {
  const told = ['#state', '#moment .moment-text'].map((selector) => document.querySelector(selector)?.textContent ?? '');
  state.dataset.state = document.getElementById('health')?.dataset.state ?? '';
  say(/** @type {Element} */ (state.lastChild), told.filter(Boolean).join(' · '));
}

/** @returns {boolean} whether there was any */
export function leaveFull() {
  if (!shown) return false;
  const { panel, parts, timer } = shown;
  shown = null;
  clearInterval(timer);
  for (const each of parts) each.remove();
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
