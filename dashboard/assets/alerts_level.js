/** How grave an alert is, told by shape, word and colour. */

import { h } from './html.js';
import { svg } from './svg.js';

const SHAPES = /** @type {Record<string, string>} */ ({
  info: 'M8,1a7,7 0 1,1 0,14a7,7 0 1,1 0,-14zM7.2,6.8h1.6v4.6h-1.6zM7.2,4.2h1.6v1.6h-1.6z',
  warning: 'M8,1.2L15.4,14.6H0.6zM7.2,5.8v4.4h1.6v-4.4zM7.2,11.4v1.6h1.6v-1.6z',
  critical: 'M5.1,1h5.8L15,5.1v5.8L10.9,15H5.1L1,10.9V5.1zM7.2,4v5h1.6v-5zM7.2,10.6v1.6h1.6v-1.6z',
  bell: 'M8,1.2c-.7,0-1.2.5-1.2,1.1v.4C4.8,3.200 3.600,4.900 3.600,7v3L2.300,12v.8h11.4v-.8l-1.3-2V7c0-2.100-1.200-3.800-3.200-4.300v-.4c0-.6-.5-1.100-1.200-1.100zM6.500,13.600a1.500,1.500 0 0,0 3,0z',
});

/** @param {string} shape a severity, or `bell` @returns {SVGElement} */
export function icon(shape) {
  const node = svg('svg', 'level-icon');
  node.setAttribute('viewBox', '0 0 16 16');
  node.setAttribute('aria-hidden', 'true');
  const path = svg('path', '');
  path.setAttribute('d', SHAPES[shape] ?? SHAPES.warning);
  path.setAttribute('fill-rule', 'evenodd');
  node.append(path);
  return node;
}

/** @param {string} severity @returns {HTMLElement} */
export const level = (severity) => h('span', { class: 'level', 'data-level': severity }, icon(severity), h('span', {}, severity));
