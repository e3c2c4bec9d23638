/** One panel as a page of its own, for an iframe: `/embed?dashboard=NAME&panel=0` or `/embed?metric=GLOB`. */

import { placeOf, urlOf } from './navigation.js';

/** @typedef {import('./board_panels.js').Spec} Spec @typedef {import('./navigation.js').Place} Place */

/**
 * @param {Place} place @param {Spec[]|null} panels of its dashboard
 * @returns {Spec[]} the one that is wanted; empty: there is none
 */
export function embedded({ panel, metric }, panels) {
  const whole = { width: 4, height: 1 };
  if (panels) return panels.slice(panel ?? 0, (panel ?? 0) + 1).map((spec) => ({ ...spec, ...whole }));
  return metric ? [/** @type {Spec} */ ({ title: '', metric, tags: {}, kind: 'lines', ...whole })] : [];
}

/** @param {import('./panel.js').Panel} panel @param {URL} page that is shown @returns {string} empty: of a panel that is not saved */
export function embedUrl(panel, page) {
  const place = placeOf(page);
  const { panel: index } = panel.node.dataset;
  const which = place.page === 'embed' ? {} : index === undefined ? { dashboard: '', metric: panel.metric, panel: null } : { metric: '', panel: Number(index) };
  if (index !== undefined && place.page !== 'embed' && (!place.dashboard || document.documentElement.hasAttribute('data-editing'))) return '';
  return page.origin + urlOf({ ...place, ...which, page: 'embed', filter: '', kiosk: false });
}

/** @param {Place} place of the embedded panel @returns {string} where all of it is seen */
export function wholeUrl(place) {
  return urlOf({ ...place, page: 'dashboard', filter: place.metric, metric: '', panel: null });
}

/** @param {import('./panel.js').Panel} panel @param {string} url @returns {string} HTML */
export function iframeOf(panel, url) {
  const text = (/** @type {string} */ each) => each.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
  return `<iframe src="${text(url)}" title="${text(panel.metric)}" width="640" height="320" loading="lazy" style="border:0"></iframe>`;
}
