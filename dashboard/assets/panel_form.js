/** The dialog in which one panel is configured. */

import { selector } from './board_panels.js';
import { counted, wordsOf } from './derived.js';
import { plain } from './editing.js';
import { h, say } from './html.js';
import { isOfUse, panelFields } from './panel_fields.js';

const TOGETHER = [['aggregate', 'group_by'], ['rate', 'unit'], ['kind', 'title'], ['top', 'min', 'max']]; // in one row, where there is room
const KEYS_MAX = 200; // that are offered

/** @typedef {import('./board_panels.js').Spec} Spec */

export class PanelForm {
  /** @param {import('./client/store.js').Store} store */
  constructor(store) {
    this.store = store;
    /** @type {(spec: Spec) => void} */
    this.done = () => {};
    this.spec = plain('');
    this.fields = panelFields();
    this.metrics = h('datalist', { id: 'known-metrics' });
    this.keys = h('datalist', { id: 'known-keys' });
    this.note = h('p', { class: 'form-note', role: 'status' });
    this.head = h('h2', {}, 'Panel');
    const form = h(
      'form',
      { method: 'dialog', novalidate: true, oninput: () => this.#check(), onsubmit: (/** @type {Event} */ event) => this.#submit(event) },
      this.head,
      ...this.#rows(),
      this.metrics,
      this.keys,
      h('div', { class: 'form-end' }, this.note, h('div', { class: 'form-buttons' }, h('button', { class: 'button', type: 'button', onclick: () => this.dialog.close() }, 'Cancel'), h('button', { class: 'button primary' }, 'Apply'))),
    );
    this.dialog = /** @type {HTMLDialogElement} */ (h('dialog', { class: 'panel-form', 'aria-label': 'Configure a panel' }, form));
    document.body.append(this.dialog);
  }

  /** @returns {HTMLElement[]} */
  #rows() {
    const rows = [];
    for (const [key, { node }] of Object.entries(this.fields)) {
      const together = TOGETHER.find((keys) => keys.includes(key));
      if (!together) rows.push(node);
      else if (together[0] === key) rows.push(h('div', { class: 'field-row' }, ...together.map((each) => this.fields[each].node)));
    }
    return rows;
  }

  /** @param {Spec} spec @param {string} head @param {(spec: Spec) => void} done */
  open(spec, head, done) {
    this.spec = spec;
    this.done = done;
    say(this.head, head);
    for (const [key, field] of Object.entries(this.fields)) field.set(/** @type {any} */ (spec)[key]);
    const metrics = [...new Set(this.#published.map(({ metric }) => metric))].sort();
    this.metrics.replaceChildren(...metrics.map((metric) => h('option', { value: metric })));
    this.#check();
    this.dialog.showModal();
    /** @type {HTMLInputElement} */ (this.fields.metric.control).select();
  }

  get #published() {
    return [...this.store.series.values()].filter(({ kind }) => kind !== 'event');
  }

  /** @returns {Spec} with undefined for what is not as it should be */
  get entered() {
    const entered = Object.fromEntries(Object.entries(this.fields).map(([key, field]) => [key, field.value]));
    if (!entered.aggregate) entered.group_by = [];
    return { ...this.spec, .../** @type {any} */ (entered) };
  }

  /** @returns {boolean} whether all is as it should be */
  #check() {
    const { entered } = this;
    for (const [key, { node, control }] of Object.entries(this.fields)) {
      const useful = isOfUse(key, entered);
      node.hidden = !useful;
      control.disabled = !useful; // what is not seen holds nobody up
    }
    const problems = Object.values(this.fields).map((field) => (field.control.disabled ? '' : field.check())).filter(Boolean);
    const { min, max } = entered;
    if (!problems.length && isOfUse('max', entered) && min != null && max != null && min >= max) problems.push(this.#refuse('max', `expected more than ${min}`));
    say(this.note, entered.metric ? problems[0] ?? this.#told(entered) : '');
    return problems.length === 0;
  }

  /** @param {string} key @param {string} problem @returns {string} */
  #refuse(key, problem) {
    const { control, note, label } = this.fields[key];
    control.setCustomValidity(problem);
    control.setAttribute('aria-invalid', 'true');
    say(note, problem);
    return `${label}: ${problem}`;
  }

  /** @param {Spec} entered @returns {string} what it selects now */
  #told(entered) {
    const selects = selector(entered);
    const those = this.#published.filter(selects);
    const keys = [...new Set(those.flatMap(({ tags }) => Object.keys(tags)))].sort().slice(0, KEYS_MAX);
    if (keys.join() !== [...this.keys.children].map((each) => each.getAttribute('value')).join()) this.keys.replaceChildren(...keys.map((value) => h('option', { value })));
    if (!those.length) return 'Selects nothing that is published now.';
    const metrics = new Set(those.map(({ metric }) => metric)).size;
    const count = `${those.length} series${metrics > 1 ? ` of ${metrics} metrics` : ''}`;
    const words = wordsOf(entered, those);
    const shown = counted(entered, those);
    const unknown = (entered.group_by ?? []).filter((key) => !keys.includes(key));
    const lacking = unknown.length ? ` None has ${unknown.join(', ')}.` : '';
    return `Now selects ${count}.${words && ` Shows ${entered.aggregate ? `${shown === 1 ? 'one' : shown}: ${words}` : `them ${words}`}.`}${lacking}`;
  }

  /** @param {Event} event */
  #submit(event) {
    if (this.#check()) return this.done(this.entered);
    event.preventDefault();
    // What is wrong is said below the field; the browser's own bubble would lie over it.
    Object.values(this.fields).find(({ control }) => !control.disabled && control.ariaInvalid)?.control.focus();
    return undefined;
  }
}
