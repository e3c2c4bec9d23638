/** Elements of the page as a part of an SVG, with the styles they have there: no style sheet reaches into a picture. */

import { svg } from './svg.js';

const STYLES = [
  'display', 'position', 'inset', 'box-sizing', 'width', 'height', 'min-width', 'min-height', 'margin', 'padding', 'border-top', 'border-right', 'border-bottom', 'border-left', 'border-radius',
  'border-collapse', 'border-spacing', 'outline', 'outline-offset', 'box-shadow', 'overflow', 'opacity', 'visibility', 'clip-path', 'transform', 'translate', 'z-index',
  'background-color', 'background-image', 'background-size', 'color', 'font-family', 'font-size', 'font-weight', 'font-style', 'line-height',
  'letter-spacing', 'text-align', 'text-overflow', 'white-space', 'vertical-align', 'list-style', 'caption-side', 'table-layout',
  'flex-direction', 'flex-grow', 'flex-shrink', 'flex-basis', 'flex-wrap', 'align-items', 'align-content', 'align-self', 'justify-content', 'order', 'gap',
  'grid-template-columns', 'grid-template-rows', 'grid-auto-rows', 'grid-column', 'grid-row', 'image-rendering',
  'fill', 'fill-opacity', 'stroke', 'stroke-opacity', 'stroke-width', 'stroke-dasharray', 'stroke-linecap', 'stroke-linejoin', 'paint-order', 'text-anchor',
];
const PSEUDO = /** @type {const} */ (['::before', '::after']);

/** @param {HTMLElement} source @returns {SVGElement} as large as it is on the page */
export function framed(source) {
  const { width, height } = source.getBoundingClientRect();
  const frame = svg('foreignObject', '');
  for (const [name, value] of Object.entries({ width, height })) frame.setAttribute(name, String(value));
  const copy = /** @type {HTMLElement} */ (copied(source));
  copy.setAttribute('xmlns', document.documentElement.namespaceURI ?? '');
  copy.style.position = 'relative'; // wherever it was
  copy.style.inset = 'auto';
  frame.append(copy);
  return frame;
}

/** @param {Element} original @returns {Element} */
function copied(original) {
  const style = getComputedStyle(original);
  const copy = original instanceof HTMLCanvasElement ? imageOf(original) : /** @type {Element} */ (original.cloneNode(false));
  for (const name of ['class', 'id', 'tabindex', 'title']) copy.removeAttribute(name);
  copy.setAttribute('style', textOf(style));
  const inside = original instanceof HTMLCanvasElement ? [] : [...original.childNodes].map((node) => (node instanceof Element ? seen(node) : node.cloneNode(true)));
  copy.append(...[pseudo(original, PSEUDO[0]), ...inside, pseudo(original, PSEUDO[1])].filter((node) => node !== null));
  if (original.scrollTop || original.scrollLeft) scrolled(copy, original);
  return copy;
}

/** @param {Element} node @returns {Element|null} */
const seen = (node) => (getComputedStyle(node).display === 'none' ? null : copied(node));

/** What cannot be scrolled in a picture is moved. @param {Element} copy @param {Element} original */
function scrolled(copy, original) {
  for (const child of copy.children) {
    if (child instanceof HTMLElement) child.style.translate = `${-original.scrollLeft}px ${-original.scrollTop}px`;
  }
}

/** @param {HTMLCanvasElement} canvas @returns {Element} */
function imageOf(canvas) {
  const image = document.createElement('img');
  image.src = canvas.toDataURL();
  return image;
}

/** What a style sheet puts before or after, as an element. @param {Element} original @param {'::before'|'::after'} which @returns {Element|null} */
function pseudo(original, which) {
  const style = getComputedStyle(original, which);
  const [, text] = /^"(.*)"$/.exec(style.content) ?? [];
  if (text === undefined || style.display === 'none') return null;
  const node = document.createElement('span');
  node.setAttribute('style', textOf(style));
  node.textContent = text.replaceAll('\\"', '"');
  return node;
}

/** @param {CSSStyleDeclaration} style @returns {string} */
function textOf(style) {
  return STYLES.map((name) => `${name}:${style.getPropertyValue(name)}`).join(';');
}
