/** A labelled control of a form, which says itself what is wrong with it. */

import { h, say } from './html.js';

/** @typedef {HTMLInputElement|HTMLSelectElement} Control */

/** @param {string} name @param {object} [more] @returns {HTMLInputElement} */
export const input = (name, more = {}) => /** @type {HTMLInputElement} */ (h('input', { name, autocomplete: 'off', spellcheck: 'false', ...more }));

/** @param {string} name @param {ReadonlyArray<readonly [string, string]>} choices values and their words @returns {HTMLSelectElement} */
export const choice = (name, choices) => /** @type {HTMLSelectElement} */ (h('select', { name }, ...choices.map(([value, label]) => h('option', { value }, label))));

/** @template T */
export class Field {
  /**
   * @param {string} label @param {Control} control @param {string} hint
   * @param {{read: (text: string) => T|undefined, write: (value: any) => string, expected?: string}} how `read` has undefined for what it does not take
   */
  constructor(label, control, hint, { read, write, expected = '' }) {
    this.label = label;
    this.control = control;
    this.hint = hint;
    this.read = read;
    this.write = write;
    this.expected = expected;
    this.note = h('small', { id: `${control.name}-note` });
    control.setAttribute('aria-describedby', this.note.id);
    this.node = h('label', { class: 'field' }, h('span', {}, label), control, this.note);
    this.node.dataset.field = control.name;
  }

  /** @returns {T|undefined} */
  get value() {
    return this.read(this.control.value);
  }

  /** @param {T} value */
  set(value) {
    this.control.value = this.write(value);
  }

  /** @returns {string} what is wrong; empty: nothing */
  check() {
    const problem = this.value === undefined ? `expected ${this.expected}` : '';
    this.control.setCustomValidity(problem);
    if (problem) this.control.setAttribute('aria-invalid', 'true');
    else this.control.removeAttribute('aria-invalid');
    say(this.note, problem || this.hint);
    return problem && `${this.label}: ${problem}`;
  }
}

/** @param {(text: string) => any} read @returns {{read: (text: string) => any, write: (value: any) => string}} */
export const text = (read = (given) => given.trim()) => ({ read, write: (value) => value ?? '' });

/** A number, or nothing. @param {{whole?: boolean, least?: number, most?: number, expected: string}} how */
export function number({ whole = false, least = -1e300, most = 1e300, expected }) {
  const read = (/** @type {string} */ given) => {
    const value = Number(given.trim().replace('−', '-'));
    if (!given.trim()) return null;
    return value >= least && value <= most && (!whole || Number.isInteger(value)) ? value : undefined;
  };
  return { read, write: (/** @type {any} */ value) => (value === null || value === undefined ? '' : String(value)), expected };
}
