/** Which lines a person hid, or wants to see alone, as short texts for the URL. Pure. */

const MARK = /^[0-9a-z]{1,7}$/;
const MARKS_MAX = 300; // of each kind: a URL is not endless

/** @param {string} text @returns {string} 32 bits of it (FNV-1a), in base 36 */
export function markOf(text) {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return (hash >>> 0).toString(36);
}

/** @param {string} text @returns {Set<string>} */
const setOf = (text) => new Set(text.split('.').filter((each) => MARK.test(each)).slice(-MARKS_MAX));

/**
 * A line has a mark, of its panel and its series. In a panel of which lines are wanted alone, all others are hidden, those too
 * that come later; in any other panel, those that were hidden.
 */
export class Choice {
  constructor() {
    /** @type {Set<string>} */
    this.hidden = new Set();
    /** @type {Set<string>} */
    this.alone = new Set();
    /** @type {(texts: {hide: string, only: string}) => void} a person chose */
    this.onChosen = () => {};
  }

  /** @returns {{hide: string, only: string}} */
  get texts() {
    const text = (/** @type {Set<string>} */ marks) => [...marks].slice(-MARKS_MAX).join('.');
    return { hide: text(this.hidden), only: text(this.alone) };
  }

  /** @param {{hide: string, only: string}} texts */
  read({ hide, only }) {
    this.hidden = setOf(hide);
    this.alone = setOf(only);
  }

  /** @param {string[]} marks of a panel @returns {(mark: string) => boolean} which of them are shown */
  shown(marks) {
    if (!this.hidden.size && !this.alone.size) return () => true;
    const alone = marks.some((mark) => this.alone.has(mark));
    return (mark) => (alone ? this.alone.has(mark) : !this.hidden.has(mark));
  }

  /** Hides a line that is shown, and shows one that is not. @param {string} mark @param {string[]} marks of its panel */
  toggle(mark, marks) {
    const alone = marks.some((each) => this.alone.has(each));
    flip(alone ? this.alone : this.hidden, mark);
    if (alone && marks.every((each) => this.alone.has(each))) this.#forget(marks);
    this.onChosen(this.texts);
  }

  /** This line alone; if it is alone already, all again. @param {string} mark @param {string[]} marks of its panel */
  isolate(mark, marks) {
    const shown = marks.filter(this.shown(marks));
    const already = marks.length > 1 && shown.length === 1 && shown[0] === mark;
    this.#forget(marks);
    if (!already) this.alone.add(mark);
    this.onChosen(this.texts);
  }

  /** @param {string[]} marks */
  #forget(marks) {
    for (const mark of marks) {
      this.hidden.delete(mark);
      this.alone.delete(mark);
    }
  }
}

/** @param {Set<string>} set @param {string} mark */
function flip(set, mark) {
  if (!set.delete(mark)) set.add(mark);
}
