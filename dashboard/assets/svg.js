const SVG = 'http://www.w3.org/2000/svg';

/** @param {string} name @param {string} className @returns {SVGElement} */
export function svg(name, className) {
  const node = document.createElementNS(SVG, name);
  node.setAttribute('class', className);
  return node;
}
