/** A menu that a button opens: one for the page, over everything, for pointer and keyboard. */

import { h, say } from './html.js';

const GAP_PX = 4;
const EDGE_PX = 8;
const SAID_MS = 900; // what came of an action is read, then the menu closes

/**
 * @typedef {object} MenuItem
 * @property {string} label
 * @property {() => (string|void|Promise<string|void>)} act what it returns is said in its place
 */

export class Menu {
  constructor() {
    this.node = h('div', { class: 'menu', role: 'menu', popover: 'auto' });
    /** @type {HTMLElement|null} */
    this.button = null;
    this.node.addEventListener('keydown', (event) => this.#key(event));
    this.node.addEventListener('toggle', (event) => this.#toggled(/** @type {ToggleEvent} */ (event).newState));
    for (const moved of ['scroll', 'resize']) addEventListener(moved, () => this.close(), { passive: true });
  }

  /** @param {HTMLElement} button @param {string} label @param {() => MenuItem[]} items asked for when it opens */
  attach(button, label, items) {
    button.setAttribute('aria-haspopup', 'menu');
    button.setAttribute('aria-expanded', 'false');
    // The popover closes before the click on its button arrives, which would open it again.
    let wasOpen = false;
    button.addEventListener('pointerdown', () => { wasOpen = this.button === button; });
    button.addEventListener('click', () => {
      if (!wasOpen) this.open(button, label, items());
      wasOpen = false;
    });
    button.addEventListener('keydown', (event) => {
      if (event.key !== 'ArrowDown') return;
      event.preventDefault();
      this.open(button, label, items());
    });
  }

  /** @param {HTMLElement} button @param {string} label @param {MenuItem[]} items */
  open(button, label, items) {
    if (!this.node.isConnected) (document.querySelector('main') ?? document.body).append(this.node);
    this.close();
    this.button?.setAttribute('aria-expanded', 'false');
    this.button = button;
    this.node.setAttribute('aria-label', label);
    this.node.replaceChildren(...items.map((item) => this.#item(item)));
    this.node.showPopover();
    this.#place(button.getBoundingClientRect());
    button.setAttribute('aria-expanded', 'true');
    this.#items[0]?.focus();
  }

  close() {
    if (this.node.matches(':popover-open')) this.node.hidePopover();
  }

  get #items() {
    return /** @type {HTMLElement[]} */ ([...this.node.children]);
  }

  /** @param {MenuItem} item */
  #item({ label, act }) {
    const node = h('button', { class: 'menu-item', role: 'menuitem', tabindex: '-1', type: 'button' }, label);
    node.addEventListener('click', async () => {
      const { button } = this;
      const said = act();
      if (said === undefined) return this.close();
      node.setAttribute('aria-live', 'polite');
      say(node, (await said) || label);
      return setTimeout(() => { if (this.button === button) this.close(); }, SAID_MS);
    });
    return node;
  }

  /** Under the button, or over it, inside the window. @param {DOMRect} from */
  #place(from) {
    const { offsetWidth, offsetHeight, style } = this.node;
    const left = Math.min(from.right - offsetWidth, innerWidth - offsetWidth - EDGE_PX);
    const below = from.bottom + GAP_PX;
    style.left = `${Math.max(EDGE_PX, left)}px`;
    style.top = `${Math.max(EDGE_PX, below + offsetHeight > innerHeight ? from.top - GAP_PX - offsetHeight : below)}px`;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const items = this.#items;
    const at = items.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const first = event.key.length === 1 ? items.findIndex((each, index) => index > at && each.textContent?.toLowerCase().startsWith(event.key.toLowerCase())) : -1;
    const to = { ArrowDown: (at + 1) % items.length, ArrowUp: (at - 1 + items.length) % items.length, Home: 0, End: items.length - 1 }[event.key] ?? first;
    if (event.key === 'Tab') this.close();
    event.stopPropagation(); // the page's keys are not meant
    if (to < 0) return;
    event.preventDefault();
    items[to].focus();
  }

  /** @param {string} state */
  #toggled(state) {
    if (state === 'open' || !this.button) return;
    this.button.setAttribute('aria-expanded', 'false');
    this.button = null;
  }
}

export const menu = new Menu();

/** @param {string} text @returns {Promise<boolean>} a browser may refuse, as it does beyond https and this machine */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copySelected(text);
  }
}

/** @param {string} text @returns {boolean} */
function copySelected(text) {
  const area = /** @type {HTMLTextAreaElement} */ (h('textarea', { class: 'visually-hidden' }));
  const focused = /** @type {HTMLElement|null} */ (document.activeElement);
  area.value = text;
  (focused?.parentElement ?? document.body).append(area); // a popover or a full screen lets nothing outside of it be focused
  area.select();
  const copied = document.execCommand('copy');
  area.remove();
  focused?.focus();
  return copied;
}
