/** Saved dashboards: asked of the dashboard's server, chosen in the header. */

import { h, say } from './html.js';
import { session } from './session.js';

const PATH = '/api/dashboards';
const PATIENCE_MS = 10_000;

/**
 * @typedef {{title: string, window_s: number|null, panels: import('./board_panels.js').Spec[]}} Board
 * @typedef {{name: string, revision: string, dashboard: Board}} Saved
 * @typedef {{dashboards: Array<{name: string, title: string, panels: number, revision: string}>, problems: Array<{file: string, line: number|null, message: string}>, writable: boolean}} Listing
 */

export class Refused extends Error {
  /** @param {number} status @param {{code?: string, message?: string, line?: number|null}} body */
  constructor(status, body) {
    super(body.message ?? `the server answered ${status}`);
    this.code = body.code ?? '';
    this.line = body.line ?? null;
  }
}

/** @param {string} path @param {RequestInit} [options] @returns {Promise<any>} Raises Refused */
export async function ask(path, options) {
  const answer = await heard(fetch(path, { cache: 'no-store', signal: AbortSignal.timeout(PATIENCE_MS), ...options }));
  const body = answer.status === 204 ? null : await heard(answer.json()).catch((error) => unread(answer, error));
  if (body?.code === 'not_signed_in') session.ended();
  if (!answer.ok) throw new Refused(answer.status, body);
  return body;
}

/** @template T @param {Promise<T>} promised @returns {Promise<T>} in words for a person if it took too long */
const heard = (promised) => promised.catch((error) => {
  throw error.name === 'TimeoutError' ? new Refused(0, { code: 'no_answer', message: `the server did not answer within ${PATIENCE_MS / 1000} s` }) : error;
});

/** A proxy may refuse with a page; but what succeeded has something to say, and is not taken for empty if that was cut short. @param {Response} answer @param {unknown} error */
function unread(answer, error) {
  if (error instanceof Refused) throw error;
  if (answer.ok) throw new Refused(answer.status, { code: 'bad_answer', message: 'the server\'s answer was cut short' });
  return {};
}

/** @returns {Promise<Listing>} */
export const list = () => ask(PATH);

/** @param {string} name @returns {Promise<Saved>} */
export const load = (name) => ask(`${PATH}/${name}`);

/** @param {string} name @param {Board} board @param {string|null} revision that is replaced; null: there is none yet @returns {Promise<Saved>} */
export function save(name, board, revision) {
  const condition = revision === null ? { 'If-None-Match': '*' } : { 'If-Match': `"${revision}"` };
  return ask(`${PATH}/${name}`, { method: 'PUT', headers: { 'Content-Type': 'application/json', ...condition }, body: JSON.stringify(board) });
}

/** @param {string} name @param {string} revision @returns {Promise<null>} */
export const remove = (name, revision) => ask(`${PATH}/${name}`, { method: 'DELETE', headers: { 'If-Match': `"${revision}"` } });

export class Picker {
  /** @param {HTMLElement} root @param {(name: string) => void} onChosen */
  constructor(root, onChosen) {
    this.select = /** @type {HTMLSelectElement} */ (h('select', { id: 'board', class: 'button', 'aria-label': 'Dashboard', onchange: () => onChosen(this.select.value) }));
    this.summary = h('summary', { class: 'button' });
    this.problems = h('ul');
    this.broken = h('details', { class: 'broken', hidden: true }, this.summary, this.problems);
    /** @type {Listing} */
    this.listing = { dashboards: [], problems: [], writable: false };
    this.chosen = '';
    root.append(this.select, this.broken);
    this.#fill();
    this.select.addEventListener('focus', () => this.refresh());
    document.addEventListener('click', ({ target }) => { if (!this.broken.contains(/** @type {Node} */ (target))) this.broken.removeAttribute('open'); });
    document.addEventListener('keydown', ({ key }) => { if (key === 'Escape') this.broken.removeAttribute('open'); });
  }

  /** Asks what there is: a file may have been edited by hand. */
  async refresh() {
    try {
      this.listing = await list();
    } catch (error) {
      console.warn('dashboards:', error instanceof Error ? error.message : error);
    }
    this.#fill();
  }

  /** @param {string} name */
  show(name) {
    this.chosen = name;
    this.#fill();
  }

  #fill() {
    const { dashboards, problems } = this.listing;
    const known = dashboards.map(({ name, title }) => ({ value: name, text: title || name }));
    if (this.chosen && !known.some(({ value }) => value === this.chosen)) known.push({ value: this.chosen, text: this.chosen });
    const options = [{ value: '', text: 'All metrics' }, ...known];
    const key = JSON.stringify(options);
    if (this.select.dataset.key !== key) {
      this.select.dataset.key = key;
      this.select.replaceChildren(...options.map(({ value, text }) => h('option', { value }, text)));
    }
    this.select.value = this.chosen;
    this.select.parentElement?.toggleAttribute('data-single', options.length === 1);
    document.documentElement.toggleAttribute('data-writable', this.listing.writable);
    this.broken.hidden = !problems.length;
    say(this.summary, problems.length === 1 ? '1 unreadable' : `${problems.length} unreadable`);
    this.problems.replaceChildren(...problems.map(({ file, line, message }) => h('li', {}, h('b', {}, line ? `${file}, line ${line}` : file), h('span', {}, message))));
  }
}
