/** Notifications of the browser: asked for when a person wants them, remembered, one when an alert begins and one when it is over. */

import { changes } from './alerts_state.js';

const KEPT = 'streamgauge-notify';

/** @typedef {import('./alerts_state.js').Firing} Firing */

export class Notifier {
  constructor() {
    /** @type {Map<string, Firing>|null} null: what fires when the page comes is no news */
    this.before = null;
  }

  /** @returns {'off'|'on'|'denied'|'impossible'} */
  get state() {
    if (!('Notification' in window)) return 'impossible';
    if (Notification.permission === 'denied') return 'denied';
    return Notification.permission === 'granted' && wanted() ? 'on' : 'off';
  }

  /** On a person's click: browsers ask only then. */
  async toggle() {
    if (this.state === 'on') return want(false);
    if (this.state === 'off' && (await Notification.requestPermission()) === 'granted') want(true);
    return undefined;
  }

  /** @param {Firing[]} firing */
  take(firing) {
    const { before } = this;
    this.before = new Map(firing.map((each) => [each.alert, each]));
    if (!before || this.state !== 'on') return;
    const { began, ended } = changes(before, firing);
    for (const each of began) notify(`${each.severity}: ${each.alert}`, each.text, each.alert);
    for (const each of ended) notify(`${each.alert} is over`, each.text, each.alert);
  }
}

/** Of the same alert in several tabs only one is shown. @param {string} title @param {string} body @param {string} alert */
function notify(title, body, alert) {
  try {
    const shown = new Notification(title, { body, tag: `streamgauge-${alert}`, icon: '/assets/favicon.svg' });
    shown.addEventListener('click', () => { window.focus(); shown.close(); });
  } catch (error) {
    console.warn('notification:', error instanceof Error ? error.message : error); // some phones want a service worker for it
  }
}

function wanted() {
  try {
    return localStorage.getItem(KEPT) === 'on';
  } catch {
    return false;
  }
}

/** @param {boolean} on */
function want(on) {
  try {
    if (on) localStorage.setItem(KEPT, 'on');
    else localStorage.removeItem(KEPT);
  } catch {
    // A browser that keeps nothing is asked again.
  }
}
