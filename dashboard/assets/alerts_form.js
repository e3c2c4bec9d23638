/** The dialog in which a person makes or changes an alert. The broadcaster checks it and keeps it: it fires with no page open. */

import { enteredOf, previewOf, suggestion, tableOf } from './alerts_rule.js';
import { selector } from './board_panels.js';
import { Refused } from './boards.js';
import { nameFor, tagsOf, tagsText } from './editing.js';
import { formatValue } from './format.js';
import { h, say } from './html.js';

const TAGS = 'tags such as host=web-*, route=/checkout';
const FIELDS = /** @type {Record<string, string>} */ ({ above: 'value', below: 'value', for: 'seconds', silent_for: 'seconds' }); // keys of the table, where the form calls them otherwise

/** @typedef {import('./alerts_rule.js').Entered} Entered @typedef {import('./alerts_state.js').Rule} Rule */
/** @typedef {(name: string, table: object, revision: string|null) => Promise<void>} Save */

export class AlertsForm {
  /** @param {import('./client/store.js').Store} store @param {import('./view.js').View} view @param {Save} save raises Refused */
  constructor(store, view, save) {
    this.store = store;
    this.view = view;
    this.save = save;
    /** @type {string|null} */
    this.revision = null;
    this.named = false; // a person gave it a name
    const input = (/** @type {string} */ name, /** @type {object} */ more = {}) => /** @type {HTMLInputElement} */ (h('input', { name, autocomplete: 'off', spellcheck: 'false', ...more }));
    this.metric = input('metric', { list: 'alert-metrics', required: true, maxlength: 256 });
    this.tags = input('tags', { placeholder: 'all; or host=web-*, route=/checkout' });
    this.when = select('when', { above: 'is above', below: 'is below', rises: 'rises above', silent: 'is silent' });
    this.value = input('value', { type: 'number', step: 'any', 'aria-label': 'Value' });
    this.unit = h('span', { class: 'alert-unit' });
    this.seconds = input('seconds', { type: 'number', min: 0, max: 2_592_000, step: 'any', 'aria-label': 'For seconds' });
    this.severity = select('severity', { warning: 'warning', critical: 'critical', info: 'info' });
    this.name = input('name', { required: true, maxlength: 64, oninput: () => { this.named = true; } });
    this.clear = input('clear', { type: 'number', step: 'any', placeholder: 'the same value' });
    this.message = input('message', { maxlength: 500, placeholder: '{host} is at {value}' });
    this.webhook = input('webhook', { type: 'url', maxlength: 1000, placeholder: 'https://…' });
    this.unhook = /** @type {HTMLInputElement} */ (h('input', { name: 'unhook', type: 'checkbox', onchange: () => { this.webhook.disabled = this.unhook.checked; } }));
    this.unhooking = h('label', { class: 'alert-unhook' }, this.unhook, ' Tell it no more');
    this.known = h('datalist', { id: 'alert-metrics' });
    this.preview = h('p', { class: 'form-note', role: 'status' });
    this.problem = h('p', { class: 'form-problem', role: 'alert' });
    this.head = h('h2', {}, 'Alert');
    this.more = h('details', { class: 'alert-more-fields' }, h('summary', {}, 'Message, webhook, when it ends'), field('Message', this.message, 'what is said; {value} and the name of any tag are filled in'), field('Webhook', this.webhook, 'a URL that is told when it begins and ends'), this.unhooking, field('Ends at', this.clear, 'what the value has to come back to'));
    this.valueRow = h('span', { class: 'alert-value-row' }, this.value, this.unit);
    this.form = /** @type {HTMLFormElement} */ (h(
      'form',
      { novalidate: true, oninput: () => this.#check(), onsubmit: (/** @type {Event} */ event) => { event.preventDefault(); void this.#submit(); } },
      this.head,
      field('Metric', this.metric, ''),
      field('Tags', this.tags, ''),
      h('fieldset', { class: 'alert-when' }, h('legend', {}, 'Fires when it'), this.when, this.valueRow, h('span', { class: 'alert-for' }, 'for', this.seconds, 's')),
      h('div', { class: 'alert-pair' }, field('Level', this.severity, ''), field('Name', this.name, '')),
      this.more,
      this.known,
      this.preview,
      this.problem,
      h('div', { class: 'form-buttons' }, h('button', { class: 'button', type: 'button', onclick: () => this.dialog.close() }, 'Cancel'), h('button', { class: 'button primary' }, 'Save')),
    ));
    this.dialog = /** @type {HTMLDialogElement} */ (h('dialog', { class: 'panel-form alert-form', 'aria-label': 'Alert' }, this.form));
    document.body.append(this.dialog);
  }

  /**
   * A new one.
   * @param {string} metric glob @param {Record<string, string>} tags globs
   * @param {import('./store.js').Series[]} [shown] by whose values a threshold is suggested @param {'above'|'rises'} [when]
   */
  create(metric, tags, shown = [], when = 'above') {
    const values = shown.flatMap(({ ring }) => this.#seen(/** @type {import('./client/rings.js').Ring} */ (ring)));
    const value = values.length ? String(suggestion(values, 'above')) : '';
    this.#open('New alert', { metric, tags, when, value, seconds: '5', clear: '', severity: 'warning', message: '', webhook: '' }, null, '');
    (metric ? this.value : this.metric).select();
  }

  /** @param {Rule} rule */
  edit(rule) {
    this.#open(`Alert ${rule.alert}`, enteredOf(rule), rule.revision ?? null, rule.alert);
    this.unhooking.hidden = !rule.webhooks?.length;
    if (rule.webhooks?.length) {
      this.webhook.placeholder = `kept: ${rule.webhooks.join(', ')}/…`;
      this.more.setAttribute('open', '');
    }
    this.value.select();
  }

  /** @param {string} head @param {Entered} entered @param {string|null} revision @param {string} name */
  #open(head, entered, revision, name) {
    this.revision = revision;
    this.named = Boolean(name);
    say(this.head, head);
    for (const key of /** @type {const} */ (['metric', 'when', 'value', 'seconds', 'clear', 'severity', 'message', 'webhook'])) this[key].value = entered[key];
    this.tags.value = tagsText(entered.tags);
    this.name.value = name;
    this.name.readOnly = revision !== null;
    this.webhook.placeholder = 'https://…';
    this.webhook.disabled = this.unhook.checked = false;
    this.unhooking.hidden = true;
    /** @type {HTMLDetailsElement} */ (this.more).open = Boolean(entered.message || entered.clear);
    const metrics = [...new Set([...this.store.series.values()].map(({ metric }) => metric))].sort();
    this.known.replaceChildren(...metrics.map((metric) => h('option', { value: metric })));
    this.#check();
    this.dialog.showModal();
  }

  /** @returns {Entered|null} */
  get entered() {
    const tags = tagsOf(this.tags.value);
    if (!tags) return null;
    const [value, seconds, clear, message, webhook] = [this.value, this.seconds, this.clear, this.message, this.webhook].map((each) => each.value);
    return { metric: this.metric.value.trim(), tags, when: /** @type {Entered['when']} */ (this.when.value), value, seconds, clear, severity: this.severity.value, message, webhook, unhook: this.unhook.checked };
  }

  /** @param {{metric: string, tags: Record<string, string>}} entered */
  #those(entered) {
    const selects = selector(/** @type {any} */ (entered));
    return entered.metric ? [...this.store.series.values()].filter((series) => series.kind !== 'event' && selects(series)) : [];
  }

  /** Values in the window that is shown. @param {import('./client/rings.js').Ring} ring @returns {number[]} */
  #seen(ring) {
    const end = ring.after(this.view.to);
    return Array.from(ring.values.subarray(Math.max(ring.start, ring.after(this.view.from)), end)).filter((each) => !Number.isNaN(each));
  }

  #check() {
    const { entered } = this;
    say(this.problem, '');
    for (const node of this.form.querySelectorAll('[aria-invalid]')) node.removeAttribute('aria-invalid');
    const silent = this.when.value === 'silent';
    this.valueRow.hidden = silent;
    this.clear.disabled = silent;
    if (!this.named && entered) this.name.value = entered.metric ? nameFor(`${entered.metric.split('.').pop()} ${silent ? 'silent' : entered.when === 'below' ? 'low' : 'high'}`) : '';
    if (!entered) return say(this.preview, '');
    const those = this.#those(entered);
    say(this.unit, entered.when === 'rises' ? `${those[0]?.unit || '1'}/s` : those[0]?.unit ?? '');
    return say(this.preview, this.#told(entered, those));
  }

  /** @param {Entered} entered @param {import('./client/store.js').Series[]} those */
  #told(entered, those) {
    if (!entered.metric) return '';
    if (!those.length) return 'Selects nothing that is published now.';
    const count = `Now ${those.length} series`;
    const values = those.map(({ ring }) => /** @type {import('./client/rings.js').Ring} */ (ring).lastValue).filter((each) => !Number.isNaN(each));
    if (!values.length || entered.when === 'rises') return `${count}.`;
    const { low, high, passing } = previewOf(values, entered);
    const [from, to] = [low, high].map((each) => formatValue(each, those[0].unit));
    return `${count}, ${from === to ? `at ${to}` : `from ${from} to ${to}`}${passing ? `: ${passing === values.length ? 'all' : passing} of them ${entered.when} it` : ''}.`;
  }

  /** @returns {[HTMLElement, string]|null} what is wrong, that the page can tell by itself */
  #wrong() {
    const { entered } = this;
    if (!entered) return [this.tags, `Tags: expected ${TAGS}`];
    if (!entered.metric) return [this.metric, 'Metric: expected a metric, or a glob such as host.*'];
    if (entered.when !== 'silent' && (entered.value.trim() === '' || !Number.isFinite(Number(entered.value)))) return [this.value, 'Value: expected a number'];
    if (entered.when === 'silent' && !(Number(entered.seconds) > 0)) return [this.seconds, 'Seconds: expected more than 0'];
    if (!(Number(entered.seconds) >= 0)) return [this.seconds, 'Seconds: expected 0 or more'];
    if (!nameOf(this.name.value)) return [this.name, 'Name: expected a name'];
    return null;
  }

  async #submit() {
    const wrong = this.#wrong();
    if (wrong) return this.#say(...wrong);
    const { entered } = this;
    try {
      await this.save(this.revision === null ? nameOf(this.name.value) : this.name.value, tableOf(/** @type {Entered} */ (entered)), this.revision);
      this.dialog.close();
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      const key = text.split(/[:. ]/, 1)[0];
      const named = /** @type {HTMLElement|null} */ (this.form.querySelector(`[name="${CSS.escape(FIELDS[key] ?? key)}"]`));
      const taken = error instanceof Refused && error.code === 'changed' && this.revision === null;
      this.#say(taken ? this.name : named, taken ? 'There is an alert of that name already: give it another.' : `Not saved: ${text}`);
    }
    return undefined;
  }

  /** @param {HTMLElement|null} where @param {string} text */
  #say(where, text) {
    say(this.problem, text);
    if (!where) return;
    where.closest('details')?.setAttribute('open', '');
    where.setAttribute('aria-invalid', 'true');
    where.focus();
  }
}

/** @param {string} text @returns {string} as the broadcaster has it; empty: none */
const nameOf = (text) => (text.trim() ? nameFor(text) : '');

/** @param {string} label @param {HTMLElement} control @param {string} hint */
const field = (label, control, hint) => h('label', { class: 'field' }, h('span', {}, label), control, hint ? h('small', {}, hint) : null);

/** @param {string} name @param {Record<string, string>} choices @returns {HTMLSelectElement} */
function select(name, choices) {
  return /** @type {HTMLSelectElement} */ (h('select', { name, class: 'button', 'aria-label': name }, ...Object.entries(choices).map(([value, text]) => h('option', { value }, text))));
}
