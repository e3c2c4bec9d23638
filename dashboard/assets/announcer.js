/**
 * What changes is said to those who listen instead of looking: in one place, seldom, the newest of each topic. What cannot wait
 * (the connection is lost) interrupts, and that seldom too.
 */

import { h, say } from './html.js';

const REST_MS = 4000; // from one announcement to the next
const ALARM_REST_MS = 15_000; // a connection that comes and goes is not worth an interruption each time
const KEPT_MS = 8000; // then it is out of date, for those who read the page line by line

export class Announcer {
  /** @param {() => number} clock milliseconds */
  constructor(clock = () => performance.now()) {
    this.clock = clock;
    /** @type {Map<string, string|(() => string)>} by topic */
    this.waiting = new Map();
    this.saidAt = -Infinity;
    this.alarmedAt = -Infinity;
    /** @type {Map<string, number>} when each topic interrupted last */
    this.alarms = new Map();
    this.polite = h('div', { class: 'visually-hidden', role: 'status', 'aria-live': 'polite', 'aria-atomic': 'true' });
    this.urgent = h('div', { class: 'visually-hidden', role: 'alert', 'aria-live': 'assertive', 'aria-atomic': 'true' });
  }

  /** Regions that are there from the beginning are the ones that are listened to. @param {HTMLElement} parent */
  begin(parent) {
    parent.append(this.polite, this.urgent);
  }

  /** @param {string} topic what was waiting of it is out of date @param {string|(() => string)} text asked for when its turn has come; empty: nothing */
  say(topic, text) {
    this.waiting.delete(topic);
    this.waiting.set(topic, text);
  }

  /** Now, unless the same topic was as urgent a moment ago: then in turn. @param {string} topic @param {string} text */
  alarm(topic, text) {
    const now = this.clock();
    if (now < (this.alarms.get(topic) ?? -Infinity) + ALARM_REST_MS) return this.say(topic, text);
    this.waiting.delete(topic);
    this.alarmedAt = now;
    this.alarms.set(topic, now);
    return say(this.urgent, text);
  }

  /** A few times a second. */
  tick() {
    const now = this.clock();
    if (now > this.alarmedAt + KEPT_MS) say(this.urgent, '');
    if (now > this.saidAt + KEPT_MS) say(this.polite, '');
    if (!this.waiting.size || now < this.saidAt + REST_MS) return;
    const texts = [...this.waiting.values()].map((text) => (typeof text === 'string' ? text : text())).filter(Boolean);
    this.waiting.clear();
    if (!texts.length) return;
    this.saidAt = now;
    say(this.polite, texts.join(' '));
  }
}

export const announcer = new Announcer();
