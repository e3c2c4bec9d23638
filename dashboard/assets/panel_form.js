/** The dialog in which one panel is configured. */

import { selector } from './board_panels.js';
import { plain, tagsOf, tagsText } from './editing.js';
import { h, say } from './html.js';
import { CHOICES } from './kinds/index.js';
import { limitsOf, written } from './kinds/limits.js';

/** @typedef {import('./board_panels.js').Spec} Spec */

const TAGS = 'tags such as host=web-*, route=/checkout';
const LIMITS = 'thresholds such as above 90 bad, above 70 warn, below 5 warn';

export class PanelForm {
  /** @param {import('./client/store.js').Store} store */
  constructor(store) {
    this.store = store;
    /** @type {(spec: Spec) => void} */
    this.done = () => {};
    this.spec = plain('');
    const input = (/** @type {string} */ name, /** @type {object} */ more = {}) => /** @type {HTMLInputElement} */ (h('input', { name, autocomplete: 'off', spellcheck: 'false', oninput: () => this.#check(), ...more }));
    this.metric = input('metric', { list: 'known-metrics', required: true, maxlength: 255, placeholder: 'host.cpu.percent or host.*' });
    this.title = input('title', { maxlength: 120, placeholder: 'as the metric' });
    this.tags = input('tags', { placeholder: 'host=web-*, route=/checkout' });
    this.kind = /** @type {HTMLSelectElement} */ (h('select', { name: 'kind', class: 'button' }, ...CHOICES.map(([value, label]) => h('option', { value }, label))));
    this.limits = input('thresholds', { placeholder: 'above 90 bad, above 70 warn' });
    this.known = h('datalist', { id: 'known-metrics' });
    this.note = h('p', { class: 'form-note', role: 'status' });
    this.head = h('h2', {}, 'Panel');
    const field = (/** @type {string} */ label, /** @type {HTMLElement} */ control, /** @type {string} */ hint) => h('label', { class: 'field' }, h('span', {}, label), control, h('small', {}, hint));
    const form = h(
      'form',
      { method: 'dialog', onsubmit: () => this.#submit() },
      this.head,
      field('Metric', this.metric, 'a metric, or a glob: * is any run of characters, ? one'),
      field('Tags', this.tags, 'only series that have all of these; globs too'),
      field('Title', this.title, ''),
      field('Drawn as', this.kind, ''),
      field('Thresholds', this.limits, 'above or below, a value, warn or bad; none: leave empty'),
      this.known,
      this.note,
      h('div', { class: 'form-buttons' }, h('button', { class: 'button', type: 'button', onclick: () => this.dialog.close() }, 'Cancel'), h('button', { class: 'button primary' }, 'Apply')),
    );
    this.dialog = /** @type {HTMLDialogElement} */ (h('dialog', { class: 'panel-form', 'aria-label': 'Configure a panel' }, form));
    document.body.append(this.dialog);
  }

  /** @param {Spec} spec @param {string} head @param {(spec: Spec) => void} done */
  open(spec, head, done) {
    this.spec = spec;
    this.done = done;
    say(this.head, head);
    this.metric.value = spec.metric;
    this.title.value = spec.title;
    this.tags.value = tagsText(spec.tags);
    this.kind.value = spec.kind;
    this.limits.value = written(spec.thresholds);
    const metrics = [...new Set([...this.store.series.values()].filter(({ kind }) => kind !== 'event').map(({ metric }) => metric))].sort();
    this.known.replaceChildren(...metrics.map((metric) => h('option', { value: metric })));
    this.#check();
    this.dialog.showModal();
    this.metric.select();
  }

  /** @returns {Spec|null} */
  get entered() {
    const tags = tagsOf(this.tags.value);
    const thresholds = limitsOf(this.limits.value);
    return tags && thresholds && { ...this.spec, metric: this.metric.value.trim(), title: this.title.value.trim(), tags, kind: this.kind.value, thresholds };
  }

  #check() {
    const { entered } = this;
    const [tags, limits] = [tagsOf(this.tags.value), limitsOf(this.limits.value)];
    this.tags.setCustomValidity(tags ? '' : `expected ${TAGS}`);
    this.limits.setCustomValidity(limits ? '' : `expected ${LIMITS}`);
    this.metric.setCustomValidity(this.metric.value.trim() ? '' : 'expected a metric, or a glob such as host.*');
    if (!entered) return say(this.note, tags ? `Thresholds: expected ${LIMITS}` : `Tags: expected ${TAGS}`);
    const selects = selector(entered);
    const those = entered.metric ? [...this.store.series.values()].filter((series) => series.kind !== 'event' && selects(series)) : [];
    const metrics = new Set(those.map(({ metric }) => metric)).size;
    const count = `${those.length} series${metrics > 1 ? ` of ${metrics} metrics` : ''}`;
    return say(this.note, those.length ? `Now selects ${count}.` : entered.metric ? 'Selects nothing that is published now.' : '');
  }

  #submit() {
    const { entered } = this;
    if (entered) this.done(entered);
  }
}
