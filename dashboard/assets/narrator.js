/** Tells the announcer what has changed: the connection, what was lost, what part of time is shown. */

import { momentText } from './moment.js';

const BROKEN = /** @type {Record<string, string>} */ ({
  reconnecting: 'Connection lost. Reconnecting.',
  'cannot connect': 'Cannot connect to the broadcaster. Trying again.',
  closed: 'The broadcaster closed the connection for good.',
});

export class Narrator {
  /** @param {import('./announcer.js').Announcer} announcer @param {import('./client/feed.js').Feed} feed @param {import('./view.js').View} view */
  constructor(announcer, feed, view) {
    this.announcer = announcer;
    this.feed = feed;
    this.view = view;
    this.broken = '';
    this.heard = false; // whether it was ever live
    this.moment = view.isLive;
    this.lost = { times: 0, samples: 0 };
  }

  /** A few times a second. */
  tick() {
    this.#connection();
    this.#losses();
    this.#moment();
    this.announcer.tick();
  }

  #connection() {
    const { state } = this.feed;
    const broken = BROKEN[state] ?? '';
    if (broken && broken !== this.broken) this.announcer.alarm('connection', broken);
    if (broken) this.broken = broken;
    if (state !== 'live' || (this.heard && !this.broken)) return;
    this.announcer.say('connection', this.heard ? 'Connected again, live.' : 'Connected, live.');
    this.heard = true;
    this.broken = '';
  }

  #losses() {
    const { gaps, chainBreaks, gapSamples } = this.feed.counters;
    if (gaps + chainBreaks === this.lost.times) return;
    const before = this.lost.samples;
    this.lost.times = gaps + chainBreaks;
    this.announcer.say('lost', () => {
      const samples = this.feed.counters.gapSamples - before;
      this.lost.samples = this.feed.counters.gapSamples;
      return samples ? `${samples} samples were lost on their way to this page.` : 'Samples were lost on their way to this page.';
    });
    if (gapSamples < before) this.lost.samples = gapSamples;
  }

  #moment() {
    const { isLive, state } = this.view;
    const now = isLive ? true : `${state} ${this.view.to}`;
    if (now === this.moment) return;
    this.moment = now;
    this.announcer.say('moment', () => (this.view.isLive ? 'View live.' : `${momentText(this.view)}.`));
  }
}
