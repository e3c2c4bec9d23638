/** Edit mode: panels are added, moved, resized and configured; nothing is kept before it is saved. */

import { list, remove, save, Refused } from './boards.js';
import { changed, madeOf, moved, nameFor, PANELS_MAX, plain, resized } from './editing.js';
import { h, say } from './html.js';
import { PanelForm } from './panel_form.js';

const SURE_MS = 4000;

/** @typedef {import('./boards.js').Board} Board @typedef {import('./boards.js').Saved} Saved */

export class Editor {
  /**
   * @param {HTMLElement} slot of the button that begins
   * @param {{store: import('./client/store.js').Store, lay: (specs: import('./board_panels.js').Spec[]) => void, saved: () => Saved|null, done: (saved: Saved|null) => void}} parts
   *   `done` is told what is to be shown from now on; null: every metric
   */
  constructor(slot, { store, lay, saved, done }) {
    this.lay = lay;
    this.saved = saved;
    this.done = done;
    this.form = new PanelForm(store);
    /** @type {Board|null} */
    this.draft = null;
    this.began = '';
    /** @type {Saved|null} */
    this.before = null;
    this.button = h('button', { id: 'edit', class: 'button', onclick: () => this.begin() }, 'Edit');
    slot.append(this.button);
    this.title = /** @type {HTMLInputElement} */ (h('input', { class: 'board-title', maxlength: 120, placeholder: 'Title of the dashboard', 'aria-label': 'Title', oninput: () => this.#titled() }));
    this.adding = h('button', { class: 'button', id: 'add-panel', onclick: () => this.#add() }, 'Add a panel');
    this.note = h('p', { class: 'edit-note', role: 'status' });
    this.delete = h('button', { class: 'button quiet', onclick: () => this.#delete() }, 'Delete');
    this.over = h('button', { class: 'button', hidden: true, onclick: () => this.#saveOver() }, 'Save over it');
    this.keep = h('button', { class: 'button primary', onclick: () => this.#save() }, 'Save');
    this.bar = h(
      'section',
      { class: 'edit-bar', 'aria-label': 'Edit the dashboard', hidden: true },
      this.title,
      this.adding,
      this.note,
      this.delete,
      this.over,
      h('button', { class: 'button', onclick: () => this.cancel() }, 'Cancel'),
      this.keep,
    );
    document.body.append(this.bar);
    addEventListener('beforeunload', (event) => { if (this.dirty) event.preventDefault(); });
  }

  get editing() {
    return this.draft !== null;
  }

  get dirty() {
    return this.draft !== null && JSON.stringify(this.draft) !== this.began;
  }

  /** Of what is shown: a saved dashboard, or the panels that the filter left. */
  begin() {
    this.before = this.saved();
    const shown = /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll('#panels .panel:not([hidden])'));
    const metrics = [...shown].filter((node) => node.closest('.group:not([hidden])')).map((node) => node.dataset.metric ?? '');
    this.draft = this.before ? structuredClone(this.before.dashboard) : { title: '', window_s: null, panels: madeOf(metrics) };
    this.began = JSON.stringify(this.draft);
    this.title.value = this.draft.title;
    this.delete.hidden = !this.before;
    this.over.hidden = true;
    this.bar.hidden = false;
    this.button.setAttribute('aria-pressed', 'true');
    document.documentElement.toggleAttribute('data-editing', true);
    document.documentElement.toggleAttribute('data-board', true);
    this.#show();
    this.title.focus({ preventScroll: true });
  }

  /** @returns {boolean} whether edit mode has ended, or there was none */
  cancel() {
    if (this.dirty && !confirm('Discard the changes?')) return false;
    if (this.editing) this.#end(this.before);
    return true;
  }

  /** @param {Saved|null} saved */
  #end(saved) {
    this.draft = null;
    this.bar.hidden = true;
    this.button.removeAttribute('aria-pressed');
    document.documentElement.toggleAttribute('data-editing', false);
    this.done(saved);
    this.button.focus({ preventScroll: true });
  }

  #titled() {
    if (this.draft) this.draft.title = this.title.value.trim();
    this.#tell();
  }

  /** @param {import('./board_panels.js').Spec[]} panels @param {number} [at] the one that keeps the focus @param {string} [action] */
  #change(panels, at = -1, action = '') {
    if (!this.draft) return;
    this.draft.panels = panels;
    this.#show();
    const kept = /** @type {HTMLElement|null} */ (document.querySelector(`[data-panel="${at}"] [data-action="${action}"]:not([disabled])`) ?? document.querySelector(`[data-panel="${at}"] .panel-tools button`));
    kept?.focus({ preventScroll: true });
    kept?.closest('.panel')?.scrollIntoView({ block: 'nearest' });
  }

  #show() {
    const panels = this.draft?.panels ?? [];
    this.lay(panels);
    panels.forEach((panel, at) => document.querySelector(`#panels [data-panel="${at}"]`)?.prepend(this.#tools(panel, at)));
    this.#tell();
  }

  #tell() {
    const name = this.before?.name ?? nameFor(this.draft?.title ?? '');
    const fresh = this.draft?.panels.length ? 'a new dashboard of what was shown' : 'a new dashboard; nothing was shown that it could begin with';
    say(this.note, this.dirty ? `not saved yet · ${name}.toml` : this.before ? `${name}.toml` : fresh);
  }

  /** @param {import('./board_panels.js').Spec} panel @param {number} at */
  #tools(panel, at) {
    const panels = this.draft?.panels ?? [];
    const tool = (/** @type {string} */ action, /** @type {string} */ label, /** @type {string} */ sign, /** @type {boolean} */ can, /** @type {() => void} */ act) => h('button', { class: 'tool', type: 'button', 'data-action': action, title: label, 'aria-label': `${label}: ${panel.title || panel.metric}`, disabled: !can, onclick: act }, sign);
    const move = (/** @type {number} */ by, /** @type {string} */ action) => () => this.#change(moved(panels, at, by), at + by, action);
    const size = (/** @type {'width'|'height'} */ side, /** @type {number} */ by, /** @type {string} */ action) => () => this.#change(resized(panels, at, side, by), at, action);
    return h(
      'div',
      { class: 'panel-tools', role: 'toolbar', 'aria-label': `Panel ${at + 1}` },
      tool('earlier', 'Move earlier', '←', at > 0, move(-1, 'earlier')),
      tool('later', 'Move later', '→', at < panels.length - 1, move(1, 'later')),
      tool('narrower', 'Narrower', '−↔', panel.width > 1, size('width', -1, 'narrower')),
      tool('wider', 'Wider', '+↔', panel.width < 4, size('width', 1, 'wider')),
      tool('lower', 'Lower', '−↕', panel.height > 1, size('height', -1, 'lower')),
      tool('taller', 'Taller', '+↕', panel.height < 4, size('height', 1, 'taller')),
      h('span', { class: 'tool-label', title: 'columns × rows' }, `${panel.width}×${panel.height}`),
      h('button', { class: 'tool text', type: 'button', 'data-action': 'configure', onclick: () => this.form.open(panel, 'Configure the panel', (spec) => this.#change(changed(panels, at, spec), at, 'configure')) }, 'Configure'),
      tool('remove', 'Remove', '✕', true, () => this.#change(panels.filter((_, index) => index !== at), Math.min(at, panels.length - 2), 'remove')),
    );
  }

  #add() {
    const panels = this.draft?.panels ?? [];
    if (panels.length >= PANELS_MAX) return say(this.note, `at most ${PANELS_MAX} panels`);
    return this.form.open(plain(''), 'Add a panel', (spec) => this.#change([...panels, spec], panels.length, 'configure'));
  }

  async #save() {
    const { draft, before } = this;
    if (!draft) return;
    if (!draft.title && !before) {
      say(this.note, 'It needs a title: the file is named after it.');
      this.title.focus();
      return;
    }
    if (!draft.panels.length && !before) {
      say(this.note, 'It needs a panel: there would be nothing to see.');
      this.adding.focus();
      return;
    }
    try {
      this.#end(await save(before?.name ?? nameFor(draft.title), draft, before?.revision ?? null));
    } catch (error) {
      this.#refused(error);
    }
  }

  /** @param {unknown} error */
  #refused(error) {
    const meanwhile = error instanceof Refused && error.code === 'changed';
    this.over.hidden = !(meanwhile && this.before);
    const text = error instanceof Error ? error.message : String(error);
    say(this.note, meanwhile && !this.before ? `Not saved: there is a dashboard of that name already. Give it another title.` : `Not saved: ${text}`);
  }

  /** Somebody else saved meanwhile, and a person has said that this one is to be kept. */
  async #saveOver() {
    const { draft, before } = this;
    if (!draft || !before) return;
    try {
      const { dashboards } = await list();
      const theirs = dashboards.find(({ name }) => name === before.name);
      this.#end(await save(before.name, draft, theirs?.revision ?? null));
    } catch (error) {
      this.#refused(error);
    }
  }

  async #delete() {
    if (!this.delete.classList.contains('sure')) {
      this.delete.classList.add('sure');
      say(this.delete, 'Really delete?');
      setTimeout(() => { this.delete.classList.remove('sure'); say(this.delete, 'Delete'); }, SURE_MS);
      return;
    }
    try {
      if (this.before) await remove(this.before.name, this.before.revision);
      this.#end(null);
    } catch (error) {
      this.#refused(error);
    }
  }
}
