/** Elements in one expression. Texts are only ever texts: nothing here reads markup. */

/**
 * @param {string} name @param {Record<string, any>} [attributes] `on...` are listeners; null, undefined and false are left out
 * @param {...(Node|string|null|undefined)} children @returns {HTMLElement}
 */
export function h(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith('on')) node.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(key, value === true ? '' : String(value));
  }
  node.append(...children.filter((child) => child !== null && child !== undefined).map((child) => /** @type {Node|string} */ (child)));
  return node;
}

/** @param {Element} node @param {string} text only if it changed: writing is not free */
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** @param {HTMLElement} parent @param {HTMLElement[]} nodes in this order; focus stays where it is */
export function order(parent, nodes) {
  const wanted = new Set(/** @type {Element[]} */ (nodes));
  for (const child of [...parent.children]) if (!wanted.has(child)) child.remove();
  nodes.forEach((node, at) => {
    if (parent.children[at] === node) return;
    const focused = node.contains(document.activeElement) ? /** @type {HTMLElement} */ (document.activeElement) : null;
    parent.insertBefore(node, parent.children[at] ?? null);
    focused?.focus({ preventScroll: true });
  });
}
