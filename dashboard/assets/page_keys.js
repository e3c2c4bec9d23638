/** What each key of the page does. */

import { toggleFull } from './full.js';
import { byId } from './health.js';
import { Walk } from './walk.js';

const PAN = 0.25; // of what is shown
const TIME = 'Time';
const PANELS = 'Panels';
const PAGES = 'Pages';

/** @typedef {import('./keys.js').Key} Key */

/**
 * @param {{view: import('./view.js').View, pages: import('./pages.js').Pages, panels: () => import('./panels.js').Panels|null, help: () => void}} parts
 * @returns {Key[]}
 */
export function pageKeys({ view, pages, panels, help }) {
  const ofPages = placeKeys(pages);
  return [...timeKeys(view), ...panelKeys(new Walk(panels)), ...ofPages, { keys: ['?'], does: 'this list', group: PAGES, act: help, control: 'help' }];
}

/** @param {import('./view.js').View} view @returns {Key[]} */
function timeKeys(view) {
  const key = (/** @type {Omit<Key, 'group'>} */ one) => ({ ...one, group: TIME, act: (/** @type {string} */ name) => canSee('panels') && one.act(name) });
  return [
    key({ keys: [' '], shown: 'Space', does: 'pause, or back to live', control: 'pause', act: () => { if (view.isLive) byId('pause').click(); else view.live(); } }),
    key({ keys: ['l', 'Escape'], does: 'back to live', act: () => !isCovered() && !view.isLive && view.live() }),
    key({ keys: ['ArrowLeft'], shown: '←', does: 'look back, earlier', repeats: true, act: () => view.pan(-PAN) }),
    key({ keys: ['ArrowRight'], shown: '→', does: 'later', repeats: true, act: () => !view.isLive && view.pan(PAN) }),
    key({ keys: ['+', '='], shown: '+', does: 'zoom in', repeats: true, act: () => { view.zoomBy(0.5); } }),
    key({ keys: ['-'], shown: '−', does: 'zoom out', repeats: true, act: () => { view.zoomBy(2); } }),
    key({ keys: [...'123456789'], shown: '1 … 9', does: 'time window, the shortest first', act: (name) => press(document.querySelectorAll('#window input')[Number(name) - 1]) }),
  ];
}

/** @param {Walk} walk @returns {Key[]} */
function panelKeys(walk) {
  const key = (/** @type {Omit<Key, 'group'>} */ one) => ({ ...one, group: PANELS });
  return [
    key({ keys: ['/'], does: 'filter', control: 'filter', act: () => focus('filter') }),
    key({ keys: ['j'], does: 'next panel', repeats: true, act: () => walk.step(1) }),
    key({ keys: ['k'], does: 'panel before', repeats: true, act: () => walk.step(-1) }),
    key({ keys: ['ArrowDown', 'ArrowUp'], shown: '↓ ↑', does: 'panel below, above', repeats: true, act: (name) => walk.row(name === 'ArrowDown' ? 1 : -1) }),
    key({ keys: ['f'], does: 'full screen of the panel', act: () => { const { panel } = walk; return panel ? toggleFull(panel) : false; } }),
    key({ keys: ['m'], does: 'menu of the panel', act: () => press(walk.panel?.node.querySelector('[aria-haspopup="menu"]')) }),
    key({ keys: ['e'], does: 'edit the dashboard', control: 'edit', act: () => press(byId('edit')) }),
  ];
}

/** @param {import('./pages.js').Pages} pages @returns {Key[]} */
function placeKeys({ navigation }) {
  const key = (/** @type {Omit<Key, 'group'>} */ one) => ({ ...one, group: PAGES });
  return [
    key({ keys: ['d'], does: 'dashboard', control: 'to-dashboard', act: () => press(byId('to-dashboard')) }),
    key({ keys: ['c'], does: 'connections', control: 'to-connections', act: () => press(byId('to-connections')) }),
    key({ keys: ['a'], does: 'alerts', control: 'alerts-button', act: () => press(byId('alerts-button')) }),
    key({ keys: ['w'], does: 'wall: only panels, Escape ends it', act: () => canSee('panels') && navigation.go({ kiosk: !navigation.place.kiosk }) }),
    key({ keys: ['t'], does: 'theme: dark, light, as the system', control: 'theme', act: () => press(byId('theme')) }),
  ];
}

/** @param {string} id @returns {boolean} */
const canSee = (id) => byId(id)?.checkVisibility() ?? false;

/** @param {Element|null|undefined} control @returns {boolean} whether there is such a thing now */
function press(control) {
  const able = control?.closest('#app, .panel')?.checkVisibility() && !(/** @type {HTMLButtonElement} */ (control).disabled);
  if (able && control) /** @type {HTMLElement} */ (control).click();
  return Boolean(able);
}

/** @param {string} id @returns {boolean} */
function focus(id) {
  if (!canSee(id)) return false;
  const field = /** @type {HTMLInputElement} */ (byId(id));
  field.focus();
  field.select();
  return true;
}

/** Whether Escape has something nearer to end. */
const isCovered = () => document.documentElement.matches('[data-full], [data-kiosk]') || document.querySelector('details[open]') !== null;
