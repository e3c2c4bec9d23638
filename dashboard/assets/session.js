/**
 * Who is signed in to the dashboard, and the tokens that the broadcaster is shown. Tokens are in this page's memory and
 * nowhere else. Without sign-in all of this is idle: nobody is asked, and everything may be done.
 */

import { h } from './html.js';

const PATH = '/api/token';
const KEPT = 0.4; // of the time that a token is good for, for requests beside the stream
const ASKED_MS = 60_000; // without tokens to renew, whether the session is still there
const PATIENCE_MS = 10_000;
const CHANNEL = 'streamgauge-session'; // signing out in one tab is heard in the others

/** @typedef {{name: string, role: string, edit: boolean, admin: boolean, sign_out: boolean, left_s: number, token: string|null, token_s: number|null}} Told */

/** There is no session any more: asking again would not help. */
export class Ended extends Error {
  retry = false;
}

export class Session {
  constructor() {
    this.asks = false;
    /** @type {Told|null} */
    this.told = null;
    this.toldAt = -Infinity;
    this.hasEnded = false;
    /** @type {BroadcastChannel|null} */
    this.channel = null;
    /** @type {((told: Told) => void)[]} */
    this.onTold = [];
    this.onEnded = () => {};
  }

  /** @param {boolean} asks whether the dashboard has sign-in */
  begin(asks) {
    this.asks = asks;
    if (!asks) return;
    this.channel = new BroadcastChannel(CHANNEL);
    this.channel.addEventListener('message', () => this.ended());
    setInterval(() => { if (!this.hasEnded && performance.now() - this.toldAt > ASKED_MS && !this.told?.token) void this.#ask().catch(() => {}); }, ASKED_MS / 4); // what went wrong is asked again
  }

  /** Whether alerts may be changed and connections be seen. */
  get mayAdmin() {
    return !this.asks || Boolean(this.told?.admin);
  }

  /** For `Feed`: none without sign-in. @returns {import('./client/credentials.js').GetToken|undefined} */
  get token() {
    return this.asks ? async ({ fresh }) => (await (fresh ? this.#ask() : this.#newest())).token : undefined;
  }

  /** With the token that the broadcaster's HTTP side wants. @param {RequestInit} [options] @returns {Promise<RequestInit>} */
  async authorized(options = {}) {
    if (!this.asks) return options;
    const { token } = await this.#newest();
    return token ? { ...options, headers: { ...options.headers, Authorization: `Bearer ${token}` } } : options;
  }

  /** @returns {Promise<Told>} */
  #newest() {
    const good = this.told && performance.now() - this.toldAt < (this.told.token_s ?? 0) * 1000 * KEPT;
    return good && this.told ? Promise.resolve(this.told) : this.#ask();
  }

  /** @returns {Promise<Told>} one question at a time */
  #ask() {
    this.asking ??= this.#answer().finally(() => { this.asking = undefined; });
    return this.asking;
  }

  /** @type {Promise<Told>|undefined} */
  asking;

  /** @returns {Promise<Told>} */
  async #answer() {
    if (this.hasEnded) throw new Ended('The session has ended.');
    const answer = await fetch(PATH, { method: 'POST', cache: 'no-store', redirect: 'error', signal: AbortSignal.timeout(PATIENCE_MS) });
    if (answer.status === 401) {
      this.ended();
      throw new Ended('The session has ended.');
    }
    if (!answer.ok) throw new Error(`no token: the dashboard answered ${answer.status}`);
    const told = /** @type {Told} */ (await answer.json());
    this.told = told;
    this.toldAt = performance.now();
    for (const listener of this.onTold) listener(told);
    return told;
  }

  /** Once. */
  ended() {
    if (!this.asks || this.hasEnded) return;
    this.hasEnded = true;
    this.told = null;
    this.onEnded();
  }

  async signOut() {
    await fetch('/signout', { method: 'POST', signal: AbortSignal.timeout(PATIENCE_MS) });
    this.channel?.postMessage('signed out');
    location.assign(signInUrl('out'));
  }
}

/** Where to sign in, and to come back from to what is seen now. @param {'out'|'ended'} why */
export function signInUrl(why) {
  return `/signin?why=${why}&next=${encodeURIComponent(location.pathname + location.search)}`;
}

/** It lies over the page, and does not go: only signing in helps. */
export function sayEnded() {
  const isFramed = window.top !== window;
  const link = h('a', { class: 'button primary signin-button', href: signInUrl('ended'), target: isFramed ? '_blank' : null, rel: 'noopener' }, 'Sign in');
  link.addEventListener('click', () => link.setAttribute('href', signInUrl('ended')));
  const dialog = /** @type {HTMLDialogElement} */ (h(
    'dialog',
    { id: 'session-ended', class: 'ended', role: 'alertdialog', 'aria-labelledby': 'ended-title', 'aria-describedby': 'ended-text' },
    h('h2', { id: 'ended-title' }, 'Your session has ended'),
    h('p', { id: 'ended-text' }, 'Nothing new arrives until you sign in again. You come back to exactly this view.'),
    link,
  ));
  dialog.addEventListener('cancel', (event) => event.preventDefault());
  document.body.append(dialog);
  document.documentElement.dataset.session = 'ended';
  for (const open of document.querySelectorAll(':popover-open')) /** @type {HTMLElement} */ (open).hidePopover();
  for (const open of document.querySelectorAll('dialog:modal')) /** @type {HTMLDialogElement} */ (open).close();
  dialog.showModal();
  link.focus();
}

/** Of this page; the modules that ask servers share it. */
export const session = new Session();
