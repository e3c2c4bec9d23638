/** The keys of the page: one list, which acts and which the help shows. Letters alone, so that no key of a browser or a screen reader is taken. */

/**
 * @typedef {object} Key
 * @property {string[]} keys as `KeyboardEvent.key` has them, letters small; any of them acts
 * @property {string} does in words, for the help
 * @property {string} group under which the help lists it
 * @property {(name: string) => (boolean|void)} act false: there was nothing to do, and the browser may have the key
 * @property {boolean} [repeats] acts again while it is held down
 * @property {string} [shown] instead of `keys`, in the help
 * @property {string} [control] id of the element that does the same
 */

const TYPED = 'textarea, select, [contenteditable=""], [contenteditable="true"], input:not([type="radio"], [type="checkbox"], [type="button"], [type="submit"], [type="reset"])';
const PRESSED = 'button, summary, input, [role="button"], [role="menuitem"], [role="option"]'; // what Space and Enter press
const STEPPED = 'input, table, [role="menu"], [role="toolbar"], [role="listbox"], [role="slider"]'; // what arrows move in
const KEPT = 'streamgauge-keys';

/** @param {KeyboardEvent} event @returns {string} empty: nothing that a list of keys can have */
export function nameOf({ key, ctrlKey, metaKey, altKey, shiftKey, isComposing, defaultPrevented }) {
  if (ctrlKey || metaKey || altKey || isComposing || defaultPrevented) return '';
  const sign = key.length === 1 && key !== ' ' && key.toLowerCase() === key.toUpperCase(); // needs Shift on some keyboards
  if (shiftKey && !sign) return '';
  return key.length === 1 ? key.toLowerCase() : key;
}

/** @param {string} name @param {Element|null} focused @returns {boolean} whether the focused element has a use for the key itself */
export function belongsTo(name, focused) {
  if (!focused) return false;
  if (focused.matches(TYPED)) return true;
  if (name === ' ' || name === 'Enter') return focused.closest(PRESSED) !== null;
  return name.startsWith('Arrow') && focused.closest(STEPPED) !== null;
}

export class Keys {
  constructor() {
    /** @type {Key[]} */
    this.list = [];
    /** @type {Map<string, Key>} */
    this.byName = new Map();
    this.lettersOn = remembered();
  }

  /** Letters and signs can be turned off: speech input types them by mistake (WCAG 2.1.4). @param {boolean} on */
  turn(on) {
    this.lettersOn = on;
    try {
      if (on) localStorage.removeItem(KEPT);
      else localStorage.setItem(KEPT, 'off');
    } catch {
      // A browser that does not remember is asked again.
    }
  }

  /** @param {...Key} keys Raises Error if one is taken: two meanings would be a bug */
  add(...keys) {
    for (const key of keys) {
      for (const name of key.keys) {
        if (this.byName.has(name)) throw new Error(`the key ${name} has a meaning already`);
        this.byName.set(name, key);
      }
      this.list.push(key);
      if (key.control) document.getElementById(key.control)?.setAttribute('aria-keyshortcuts', key.keys.map(spoken).join(' '));
    }
  }

  /** @returns {Map<string, Key[]>} in the order in which they were added */
  get groups() {
    const groups = /** @type {Map<string, Key[]>} */ (new Map());
    for (const key of this.list) groups.set(key.group, [...(groups.get(key.group) ?? []), key]);
    return groups;
  }

  listen() {
    document.addEventListener('keydown', (event) => this.press(event));
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    const name = nameOf(event);
    const key = this.byName.get(name);
    if (!key || (event.repeat && !key.repeats)) return;
    if (name.length === 1 && !this.lettersOn) return;
    if (belongsTo(name, document.activeElement) || document.querySelector('dialog:modal')) return;
    if (key.act(name) !== false) event.preventDefault();
  }
}

/** @param {string} name @returns {string} as `aria-keyshortcuts` has it */
const spoken = (name) => ({ ' ': 'Space', '+': 'Plus' })[name] ?? (name.length === 1 ? name.toUpperCase() : name);

/** @returns {boolean} */
function remembered() {
  try {
    return localStorage.getItem(KEPT) !== 'off';
  } catch {
    return true;
  }
}
