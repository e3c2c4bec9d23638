/** The dialog of the keys, and of what is drawn in which way. */

import { h } from './html.js';

const SIGNS = { ' ': 'Space', Escape: 'Esc', ArrowLeft: '←', ArrowRight: '→', ArrowUp: '↑', ArrowDown: '↓' };
const DRAWN = /** @type {const} */ ([
  ['gap', 'a gap: nothing came for longer than usual, or the producer said that there is no value'],
  ['lost', 'hatched: samples were lost on their way to this page'],
  ['stale', 'faded, with an age: nothing has come for longer than usual'],
  ['event', 'dashed upright: an event'],
]);

export class Help {
  /** @param {import('./keys.js').Keys} keys */
  constructor(keys) {
    this.keys = keys;
    this.on = /** @type {HTMLInputElement} */ (h('input', { type: 'checkbox', onchange: () => keys.turn(this.on.checked) }));
    this.body = h('div', { class: 'help-groups' });
    const close = h('button', { class: 'button', type: 'button', onclick: () => this.dialog.close() }, 'Close');
    this.dialog = /** @type {HTMLDialogElement} */ (h(
      'dialog',
      { class: 'help', 'aria-labelledby': 'help-title', onclick: (/** @type {MouseEvent} */ event) => this.#outside(event) },
      h('header', { class: 'help-head' }, h('h2', { id: 'help-title' }, 'Help'), close),
      this.body,
      h('section', { class: 'help-drawn' }, h('h3', {}, 'What is drawn'), h('dl', {}, ...DRAWN.map(drawn))),
      h('label', { class: 'help-switch' }, this.on, ' Letters and signs act at once (Escape and arrows always do)'),
    ));
  }

  open() {
    if (!this.dialog.isConnected) document.body.append(this.dialog);
    this.on.checked = this.keys.lettersOn;
    this.body.replaceChildren(...[...this.keys.groups].map(([name, keys]) => h('section', {}, h('h3', {}, name), h('dl', {}, ...keys.map(line)))));
    this.dialog.showModal();
  }

  /** A click beside it closes it. @param {MouseEvent} event */
  #outside(event) {
    const { left, right, top, bottom } = this.dialog.getBoundingClientRect();
    const inside = event.clientX >= left && event.clientX <= right && event.clientY >= top && event.clientY <= bottom;
    if (event.target === this.dialog && !inside) this.dialog.close();
  }
}

/** @param {import('./keys.js').Key} key */
function line({ keys, shown, does }) {
  const signs = shown ? shown.split(' ') : keys.map((name) => SIGNS[/** @type {keyof typeof SIGNS} */ (name)] ?? name.toUpperCase());
  return h('div', {}, h('dt', {}, ...signs.flatMap((sign) => [sign === '…' ? '…' : h('kbd', {}, sign), ' '])), h('dd', {}, does));
}

/** @param {readonly [string, string]} what */
function drawn([name, text]) {
  return h('div', {}, h('dt', {}, h('span', { class: 'help-sample', 'data-drawn': name })), h('dd', {}, text));
}
