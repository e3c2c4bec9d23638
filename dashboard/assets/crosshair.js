/** Where in time a person points: one for the page, so that every panel shows the same moment. Pure. */

const READ_MS = 80; // values that are read at the moment; rules follow at once

export class Crosshair {
  constructor() {
    /** @type {number|null} of the width of what is shown, from the left; while live the moment moves with it */
    this.share = null;
    /** @type {unknown} who is pointed at */
    this.source = null;
    /** @type {Set<() => void>} */
    this.listeners = new Set();
    this.readAt = -Infinity;
    this.unread = false;
  }

  get isOn() {
    return this.share !== null;
  }

  /** @param {() => void} listener @param {AbortSignal} signal */
  listen(listener, signal) {
    this.listeners.add(listener);
    signal.addEventListener('abort', () => this.listeners.delete(listener), { once: true });
  }

  /** @param {unknown} source @param {number} share */
  point(source, share) {
    if (this.source === source && this.share === share) return;
    this.source = source;
    this.#become(share);
  }

  /** @param {unknown} source only it can take its own moment away */
  leave(source) {
    if (this.source !== source || this.share === null) return;
    this.source = null;
    this.#become(null);
  }

  /** @param {number|null} share */
  #become(share) {
    this.share = share;
    this.unread = true;
    for (const listener of this.listeners) listener();
  }

  /** @param {number} now milliseconds @param {boolean} moving while live, the moment moves under a pointer that rests @returns {boolean} */
  due(now, moving) {
    if (!(this.unread || (moving && this.isOn)) || now < this.readAt + READ_MS) return false;
    this.readAt = now;
    this.unread = false;
    return true;
  }
}
