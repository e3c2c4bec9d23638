/** Dark, light, or as the system: in the URL, and remembered by this browser for the next visit. */

import { h } from './html.js';
import { svg } from './svg.js';

const KEY = 'streamgauge-theme';
const NEXT = { '': 'dark', dark: 'light', light: '' };
const NAMES = { '': 'as the system', dark: 'dark', light: 'light' };
// A disc: half full, a crescent, a sun.
const SHAPES = {
  '': 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 5.5a6.5 6.5 0 0 1 0 13z',
  dark: 'M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z',
  light: 'M12 7.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM12 1.5v3M12 19.5v3M1.5 12h3M19.5 12h3M4.6 4.6l2.1 2.1M17.3 17.3l2.1 2.1M4.6 19.4l2.1-2.1M17.3 6.7l2.1-2.1',
};

/** @typedef {keyof typeof NEXT} Theme */

/** @returns {Theme} what this browser was told last; a browser may refuse to remember */
export function remembered() {
  try {
    const kept = localStorage.getItem(KEY);
    return kept === 'dark' || kept === 'light' ? kept : '';
  } catch {
    return '';
  }
}

/** @param {Theme} theme */
function remember(theme) {
  try {
    if (theme) localStorage.setItem(KEY, theme);
    else localStorage.removeItem(KEY);
  } catch {
    // It is in the URL all the same.
  }
}

export class Theme {
  /** @param {HTMLElement} button @param {(theme: Theme) => void} onChosen */
  constructor(button, onChosen) {
    this.button = button;
    this.theme = /** @type {Theme} */ ('');
    this.path = svg('path', '');
    const icon = svg('svg', 'theme-icon');
    icon.setAttribute('viewBox', '0 0 24 24');
    icon.setAttribute('aria-hidden', 'true');
    icon.append(this.path);
    button.replaceChildren(icon, h('span', { class: 'visually-hidden' }));
    button.addEventListener('click', () => {
      const next = /** @type {Theme} */ (NEXT[this.theme]);
      remember(next);
      onChosen(next);
    });
  }

  /** @param {string} theme of the URL; empty: as remembered */
  show(theme) {
    this.theme = /** @type {Theme} */ (theme || remembered());
    if (this.theme) document.documentElement.dataset.theme = this.theme;
    else delete document.documentElement.dataset.theme;
    this.path.setAttribute('d', SHAPES[this.theme]);
    this.button.dataset.theme = this.theme;
    const text = `Theme: ${NAMES[this.theme]}`;
    this.button.title = text;
    this.button.setAttribute('aria-label', text);
  }
}
