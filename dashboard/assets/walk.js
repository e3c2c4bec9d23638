/** From panel to panel by keyboard: in the order in which they are read, or to the neighbour above or below. */

/** @typedef {import('./panel.js').Panel} Panel */

export class Walk {
  /** @param {() => import('./panels.js').Panels|null} panels */
  constructor(panels) {
    this.panels = panels;
    /** @type {HTMLElement|null} where the focus was last */
    this.last = null;
  }

  /** @returns {HTMLElement[]} in the order of the page */
  get nodes() {
    return [.../** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll('#panels .panel'))].filter((node) => node.checkVisibility());
  }

  /** @returns {HTMLElement|null} that has the focus, or something in it */
  get focused() {
    return /** @type {HTMLElement|null} */ (document.activeElement?.closest('#panels .panel') ?? null);
  }

  /** @returns {Panel|null} the one with the focus, else the one under the pointer, else the first in sight */
  get panel() {
    const { nodes } = this;
    const node = this.focused ?? nodes.find((each) => each.matches(':hover')) ?? nodes.find((each) => each.getBoundingClientRect().bottom > innerHeight / 3);
    return [...(this.panels()?.panels.values() ?? [])].find((each) => each.node === node) ?? null;
  }

  /** @param {number} by @returns {boolean} */
  step(by) {
    const { nodes } = this;
    const from = this.focused ?? (this.last && nodes.includes(this.last) ? this.last : null);
    const at = from ? nodes.indexOf(from) + (this.focused ? by : 0) : 0;
    return this.#go(nodes[Math.max(0, Math.min(nodes.length - 1, at))]);
  }

  /** Only from a panel itself: elsewhere up and down scroll the page. @param {number} by @returns {boolean} */
  row(by) {
    const from = this.focused;
    if (!from || document.activeElement !== from) return false;
    return this.#go(neighbour(from, this.nodes, by) ?? from);
  }

  /** @param {HTMLElement|undefined} node @returns {boolean} */
  #go(node) {
    if (!node) return false;
    this.last = node;
    node.tabIndex = -1;
    node.focus({ preventScroll: true });
    node.scrollIntoView({ block: 'nearest' });
    return true;
  }
}

/** The nearest row in that direction, and in it whoever begins nearest. @param {HTMLElement} from @param {HTMLElement[]} nodes @param {number} by */
function neighbour(from, nodes, by) {
  const here = from.getBoundingClientRect();
  const boxes = nodes.map((node) => ({ node, box: node.getBoundingClientRect() })).filter(({ box }) => (by > 0 ? box.top >= here.bottom : box.bottom <= here.top));
  const distance = (/** @type {DOMRect} */ box) => (by > 0 ? box.top - here.bottom : here.top - box.bottom) * 10 + Math.abs(box.left - here.left);
  return boxes.sort((a, b) => distance(a.box) - distance(b.box))[0]?.node ?? null;
}
