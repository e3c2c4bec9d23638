/** This tab's own connection: its states over time, and how late samples reach it. */

import { localNow } from './client/feed.js';
import { formatAge, formatClock, formatMs } from './format.js';
import { BOUNDS_MS, bucketLabel, Histogram } from './histogram.js';
import { h, order, say } from './html.js';
import { Recent } from './client/statistics.js';
import { Timeline } from './client/timeline.js';

const SPANS_S = [60, 120, 300, 600]; // the shortest that reaches back to the beginning, or else the longest
const CHANGES = 3;

export class TabHealth {
  /** Hears of everything from now on. @param {import('./client/feed.js').Feed} feed @param {import('./client/store.js').Store} store */
  constructor(feed, store) {
    this.feed = feed;
    this.timeline = new Timeline();
    this.histogram = new Histogram();
    this.recent = new Recent(60, 5000);
    const note = () => this.timeline.add(localNow(), feed.state, this.#why());
    feed.listeners.push(note);
    note();
    store.onLive = (time) => this.#received(time);
    this.strip = h('div', { class: 'strip', role: 'img' });
    this.scale = h('div', { class: 'strip-scale', 'aria-hidden': 'true' }, h('span'), h('span'), h('span', {}, 'now'));
    this.share = h('p', { class: 'card-note' });
    this.changes = h('ol', { class: 'changes' });
    this.bars = h('div', { class: 'histogram', role: 'img' }, ...Array.from({ length: BOUNDS_MS.length + 1 }, (_, index) => h('div', { class: 'bar', title: bucketLabel(index) }, h('span', {}))));
    this.late = h('p', { class: 'card-note' });
    const labels = h('div', { class: 'histogram-scale', 'aria-hidden': 'true' }, ...['1 ms', '10 ms', '100 ms', '1 s', 'more'].map((text) => h('span', {}, text)));
    this.node = h(
      'div',
      { class: 'pair' },
      h('section', { class: 'card', 'aria-label': 'This tab' }, h('header', {}, h('h2', {}, 'This tab'), this.share), this.strip, this.scale, this.changes),
      h('section', { class: 'card', 'aria-label': 'Sample to this tab' }, h('header', {}, h('h2', {}, 'Sample to this tab'), this.late), this.bars, labels),
    );
  }

  #why() {
    const { state, closeCode, closeReason } = this.feed;
    if (closeCode === null || !['reconnecting', 'cannot connect', 'closed'].includes(state)) return '';
    return `${closeCode}${closeReason ? `: ${closeReason}` : ''}`;
  }

  /** @param {number} time of a live sample */
  #received(time) {
    const { clock } = this.feed;
    if (!clock.known) return;
    const ms = Math.max(0, (clock.now() - time) * 1000);
    this.histogram.add(localNow(), ms);
    this.recent.add(localNow(), ms);
  }

  render() {
    const now = localNow();
    this.#renderStates(now);
    const counts = this.histogram.counts(now);
    const most = Math.max(1, ...counts);
    const total = counts.reduce((sum, count) => sum + count, 0);
    counts.forEach((count, index) => {
      const bar = /** @type {HTMLElement} */ (this.bars.children[index]);
      bar.style.setProperty('--share', String(count / most));
      bar.classList.toggle('some', count > 0);
      bar.title = `${bucketLabel(index)}: ${count} samples`;
    });
    const [p50, p99] = this.recent.quantiles(now, [0.5, 0.99]);
    const text = total ? `p50 ${formatMs(p50)} · p99 ${formatMs(p99)} · last minute` : 'no live sample in the last minute';
    say(this.late, text);
    this.bars.setAttribute('aria-label', `How late samples reach this tab: ${text}`);
  }

  /** @param {number} now */
  #renderStates(now) {
    const known = now - this.timeline.changes[0].at;
    const span = SPANS_S.find((each) => known <= each) ?? SPANS_S[SPANS_S.length - 1];
    const from = now - span;
    say(this.scale.children[0], `−${formatAge(span)}`);
    say(this.scale.children[1], `−${formatAge(span / 2)}`);
    const segments = this.timeline.segments(from, now);
    const parts = segments.map(({ state, from: begin, to: end }, index) => {
      const part = /** @type {HTMLElement} */ (this.strip.children[index] ?? this.strip.appendChild(h('span', {})));
      part.dataset.state = state;
      part.style.left = `${((begin - from) / span) * 100}%`;
      part.style.width = `${((end - begin) / span) * 100}%`;
      part.title = `${state} for ${formatAge(end - begin)}`;
      return part;
    });
    while (this.strip.children.length > parts.length) this.strip.lastChild?.remove();
    const share = this.timeline.liveShare(from, now);
    const text = share === null ? '' : `live ${share > 0.9995 ? '100' : (share * 100).toFixed(1)} % of the last ${formatAge(Math.min(span, known))}`;
    say(this.share, text);
    this.strip.setAttribute('aria-label', `Connection states: ${text}`);
    order(this.changes, this.timeline.newest(now, CHANGES).map((change, index) => this.#line(change, index)));
  }

  /** @param {import('./client/timeline.js').Change & {lastedS: number}} change @param {number} index */
  #line(change, index) {
    const line = /** @type {HTMLElement} */ (this.changes.children[index] ?? h('li', {}, h('time'), h('b'), h('span', { class: 'why' }), h('span', { class: 'lasted' })));
    const [time, state, why, lasted] = line.children;
    line.dataset.state = change.state;
    say(time, formatClock(change.at));
    say(state, change.state);
    say(why, change.why);
    say(lasted, formatAge(change.lastedS));
    return line;
  }
}
