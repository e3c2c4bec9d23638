/** What the page holds of a series. Pure. */

const LOSSES_TOLD = 100; // the newest; of older ones only the place is known
const LOST_BEFORE = 128; // flag of a point; the bits below are the generation it was last confirmed in

/**
 * The newest samples of one series in order of time, in typed arrays. A value of NaN is an explicit gap.
 *
 * The buffer is contiguous: dropping the oldest moves `start`, and when the end is reached what is left slides to the front,
 * so that appending is cheap and a range in view is a plain slice.
 */
export class Ring {
  /** @param {number} capacity samples kept @param {number} [room] for how many there is memory at first */
  constructor(capacity, room = 256) {
    this.capacity = capacity;
    this.start = 0;
    this.end = 0;
    this.received = 0;
    this.times = new Float64Array(room);
    this.values = new Float64Array(room);
    this.flags = new Uint8Array(room);
    this.generation = 0;
    this.aged = false; // whether points of an earlier generation are held
    this.broken = false; // samples were lost before the next one
    this.missing = 0; // so many, of all series together, as far as it was said
    /** @type {Array<{until: number, samples: number}>} with the time of the sample after each loss; 0: nobody said how many */
    this.losses = [];
  }

  get length() {
    return this.end - this.start;
  }

  /** @returns {number} NaN if empty */
  get lastTime() {
    return this.length ? this.times[this.end - 1] : NaN;
  }

  get lastValue() {
    return this.length ? this.values[this.end - 1] : NaN;
  }

  /** The whole history is about to come again: from now on a sample equal to a held one confirms that one. */
  age() {
    this.generation = (this.generation + 1) % LOST_BEFORE;
    this.aged = this.length > 0;
    this.broken = this.aged;
    this.missing = 0;
  }

  /** Samples were lost: the line breaks before the next one. @param {number} [samples] so many, of all series together; 0: unknown */
  breakLine(samples = 0) {
    this.missing = (this.broken ? this.missing : 0) + samples;
    this.broken = this.length > 0;
  }

  /**
   * @param {number} time @param {number|null} value
   * @returns {boolean} false if it confirmed a sample that was already held
   */
  push(time, value) {
    const number = value === null ? NaN : value;
    this.received++;
    if (this.aged && this.#confirm(time, number)) return false;
    this.#reserve();
    let at = this.end;
    if (at > this.start && this.times[at - 1] > time) at = this.#openAt(this.after(time), at);
    this.end++;
    this.times[at] = time;
    this.values[at] = number;
    this.flags[at] = this.generation | (this.broken ? LOST_BEFORE : 0);
    if (this.broken) this.#tell(time);
    this.broken = false;
    return true;
  }

  /** @param {number} until */
  #tell(until) {
    this.losses.push({ until, samples: this.missing });
    if (this.losses.length > LOSSES_TOLD) this.losses.shift();
  }

  /** @param {number} time @param {number} value */
  #confirm(time, value) {
    for (let at = this.from(time); at < this.end && this.times[at] === time; at++) {
      const current = (this.flags[at] & ~LOST_BEFORE) === this.generation;
      if (current || !Object.is(this.values[at] + 0, value + 0)) continue;
      this.flags[at] = (this.flags[at] & LOST_BEFORE) | this.generation;
      this.broken = false;
      return true;
    }
    return false;
  }

  /** @param {number} at @param {number} end the free place @returns {number} */
  #openAt(at, end) {
    this.times.copyWithin(at + 1, at, end);
    this.values.copyWithin(at + 1, at, end);
    this.flags.copyWithin(at + 1, at, end);
    return at;
  }

  #reserve() {
    if (this.length >= this.capacity) this.start++;
    if (this.end < this.times.length) return;
    const limit = Math.ceil(this.capacity * 1.25) + 1;
    const grown = this.start > this.times.length / 8 ? this.times.length : Math.min(limit, this.times.length * 2);
    const size = Math.max(grown, this.length + 1);
    this.times = moved(this.times, new Float64Array(size), this.start, this.end);
    this.values = moved(this.values, new Float64Array(size), this.start, this.end);
    this.flags = moved(this.flags, new Uint8Array(size), this.start, this.end);
    this.end -= this.start;
    this.start = 0;
  }

  /** @param {number} time @returns {number} index of the first sample at or after it */
  from(time) {
    return search(this.times, this.start, this.end, (held) => held >= time);
  }

  /** @param {number} time @returns {number} index of the first sample later than it */
  after(time) {
    return search(this.times, this.start, this.end, (held) => held > time);
  }

  /** @param {number} at @returns {boolean} whether samples were lost before this one */
  isBroken(at) {
    return (this.flags[at] & LOST_BEFORE) !== 0;
  }

  /** @returns {{times: number[], values: Array<number|null>, breaks: number[]}} a copy */
  contents() {
    const values = Array.from(this.values.subarray(this.start, this.end), (value) => (Number.isNaN(value) ? null : value));
    const breaks = [];
    for (let at = this.start; at < this.end; at++) if (this.isBroken(at)) breaks.push(at - this.start);
    return { times: Array.from(this.times.subarray(this.start, this.end)), values, breaks };
  }
}

/**
 * @template {Float64Array|Uint8Array} A
 * @param {A} source @param {A} target @param {number} start @param {number} end @returns {A}
 */
function moved(source, target, start, end) {
  target.set(/** @type {any} */ (source.subarray(start, end)));
  return target;
}

/** @param {Float64Array} times @param {number} low @param {number} high @param {(time: number) => boolean} found */
function search(times, low, high, found) {
  while (low < high) {
    const middle = (low + high) >> 1;
    if (found(times[middle])) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The newest events of one series: texts, few, so plain arrays do. Same manners as Ring. */
export class EventRing {
  /** @param {number} capacity */
  constructor(capacity) {
    this.capacity = capacity;
    this.received = 0;
    /** @type {Array<{time: number, text: string, generation: number}>} */
    this.events = [];
    this.generation = 0;
  }

  get length() {
    return this.events.length;
  }

  get lastTime() {
    return this.length ? this.events[this.length - 1].time : NaN;
  }

  age() {
    this.generation++;
  }

  breakLine() {
    // An event is no line.
  }

  /** @param {number} time @param {string|null} text @returns {boolean} */
  push(time, text) {
    this.received++;
    if (text === null) return true;
    const held = this.events.find((each) => each.time === time && each.text === text && each.generation !== this.generation);
    if (held) {
      held.generation = this.generation;
      return false;
    }
    let at = this.length;
    while (at > 0 && this.events[at - 1].time > time) at--;
    this.events.splice(at, 0, { time, text, generation: this.generation });
    if (this.length > this.capacity) this.events.shift();
    return true;
  }

  contents() {
    return { times: this.events.map((each) => each.time), values: this.events.map((each) => each.text), breaks: [] };
  }
}
