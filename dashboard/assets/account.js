/** Who is signed in, in the header, and the way out. What the role may not do is not shown. */

import { h, say } from './html.js';
import { session } from './session.js';
import { svg } from './svg.js';

const GAP = 6;

/** A head and shoulders. */
function figure() {
  const icon = svg('svg', '');
  icon.setAttribute('viewBox', '0 0 24 24');
  icon.setAttribute('aria-hidden', 'true');
  const path = svg('path', '');
  path.setAttribute('d', 'M12 12.2a4.1 4.1 0 1 0 0-8.2 4.1 4.1 0 0 0 0 8.2zM4.5 20.5c.8-3.6 3.8-5.5 7.5-5.5s6.7 1.9 7.5 5.5');
  icon.append(path);
  return icon;
}

export class Account {
  /** @param {HTMLElement} before what it is put in front of */
  constructor(before) {
    this.name = h('p', { class: 'account-name' });
    this.role = h('p', { class: 'account-role' });
    this.out = /** @type {HTMLButtonElement} */ (h('button', { id: 'sign-out', class: 'button', type: 'button', onclick: () => this.#signOut() }, 'Sign out'));
    this.problem = h('p', { class: 'account-role', role: 'status', hidden: true }, 'The dashboard does not answer: you are still signed in.');
    this.node = h('div', { id: 'account', class: 'account', popover: 'auto', role: 'dialog', 'aria-label': 'Account' }, this.name, this.role, this.problem, this.out);
    this.button = /** @type {HTMLButtonElement} */ (h('button', { id: 'account-button', class: 'button icon account-button', type: 'button', 'aria-haspopup': 'dialog' }, figure()));
    this.button.popoverTargetElement = this.node;
    this.node.addEventListener('toggle', () => this.#place());
    before.before(this.button);
    document.body.append(this.node);
    document.documentElement.toggleAttribute('data-signed-in', true);
    session.onTold.push((told) => this.#show(told));
    if (session.told) this.#show(session.told);
  }

  /** @param {import('./session.js').Told} told */
  #show({ name, role, admin, sign_out }) {
    say(this.name, name);
    say(this.role, role);
    this.out.hidden = !sign_out;
    this.button.title = `Signed in as ${name}`;
    this.button.setAttribute('aria-label', `Account: ${name}, ${role}`);
    document.documentElement.toggleAttribute('data-may-admin', admin);
  }

  /** Under its button. */
  #place() {
    const { bottom, right } = this.button.getBoundingClientRect();
    const margin = document.documentElement.clientWidth - right;
    this.node.style.top = `${bottom + GAP}px`;
    this.node.style.right = `${Math.max(12, margin)}px`;
  }

  async #signOut() {
    this.out.disabled = true;
    try {
      await session.signOut();
    } catch {
      this.problem.hidden = false;
      this.out.disabled = false;
    }
  }
}
