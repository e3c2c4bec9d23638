/** What is seen, as a URL: a link reproduces it, back and forward work. */

/**
 * @typedef {object} Place
 * @property {'dashboard'|'connections'|'embed'} page
 * @property {string} dashboard name of a saved one; empty: every metric
 * @property {string} filter
 * @property {number|null} windowS 0: the whole history; null: as the dashboard says
 * @property {number|null} at paused, with this time (Unix seconds) at the right edge; null: live
 * @property {import('./view.js').Range|null} range looked back at
 * @property {string} hide marks of lines (see choice.js) @property {string} only of lines that are seen alone
 * @property {boolean} kiosk for a wall: panels, and whether they are live
 * @property {number|null} panel of the dashboard, and @property {string} metric glob without one: what is embedded
 * @property {string} theme `dark`, `light`, or empty: as the system
 * @property {string} sort of the connections @property {string} role shown of them; empty: all
 */

const PATHS = { dashboard: '/', connections: '/connections', embed: '/embed' };
const MARKS = /^[0-9a-z.]{1,3000}$/;

/** @param {string|null} text @param {number} least @returns {number|null} */
function number(text, least) {
  const value = text === null || text.trim() === '' ? NaN : Number(text);
  return Number.isFinite(value) && value >= least ? value : null;
}

/** @param {URLSearchParams} query @returns {import('./view.js').Range|null} */
function rangeOf(query) {
  const [from, to] = ['from', 'to'].map((name) => number(query.get(name), 1));
  return from !== null && to !== null && to > from ? { from, to } : null;
}

/** @param {{pathname: string, search: string}} url @returns {Place} whatever makes no sense is as if it were left out */
export function placeOf({ pathname, search }) {
  const query = new URLSearchParams(search);
  const one = (/** @type {string} */ name, /** @type {RegExp} */ pattern) => (pattern.test(query.get(name) ?? '') ? query.get(name) ?? '' : '');
  const range = rangeOf(query);
  const panel = number(query.get('panel'), 0);
  return {
    page: pathname === PATHS.connections ? 'connections' : pathname === PATHS.embed ? 'embed' : 'dashboard',
    dashboard: one('dashboard', /^[a-z0-9][a-z0-9_-]{0,63}$/),
    filter: (query.get('filter') ?? '').slice(0, 500),
    windowS: number(query.get('window'), 0),
    at: range ? null : number(query.get('at'), 1),
    range,
    hide: one('hide', MARKS),
    only: one('only', MARKS),
    kiosk: query.get('kiosk') === '1',
    panel: Number.isInteger(panel) ? panel : null,
    metric: (query.get('metric') ?? '').slice(0, 255),
    theme: one('theme', /^(dark|light)$/),
    sort: one('sort', /^-?[a-z]{1,20}$/),
    role: one('role', /^(producer|subscriber)$/),
  };
}

const thousandths = (/** @type {number|null|undefined} */ time) => (time === null || time === undefined ? null : Math.round(time * 1000) / 1000);

/** @param {Place} place @returns {string} path and query; what is as usual is left out */
export function urlOf({ page, dashboard, filter, windowS, at, range, hide, only, kiosk, theme, sort, role, panel, metric }) {
  const query = new URLSearchParams();
  const told = { dashboard, filter, window: windowS, at: thousandths(at), from: thousandths(range?.from), to: thousandths(range?.to), hide, only, kiosk: kiosk ? 1 : null, theme };
  const those = { ...told, ...(page === 'connections' && { sort, role }), ...(page === 'embed' && { panel, metric }) };
  for (const [name, value] of Object.entries(those)) if (value !== null && value !== '') query.set(name, String(value));
  const text = query.toString();
  return PATHS[page] + (text && `?${text}`);
}

export class Navigation {
  /** @param {(now: Place, before: Place) => void} onChange */
  constructor(onChange) {
    this.onChange = onChange;
    this.place = placeOf(location);
    /** @type {(next: Place, now: Place) => boolean} whether a person may leave */
    this.allows = () => true;
    addEventListener('popstate', () => this.#popped(placeOf(location)));
  }

  /** @param {Partial<Place>} change @param {boolean} [replace] instead of a step to go back from */
  go(change, replace = false) {
    const next = { ...this.place, ...change };
    if (urlOf(next) === urlOf(this.place) || !this.allows(next, this.place)) return;
    if (replace) history.replaceState(null, '', urlOf(next));
    else history.pushState(null, '', urlOf(next));
    this.#become(next);
  }

  /** @param {Place} next */
  #popped(next) {
    if (this.allows(next, this.place)) this.#become(next);
    else history.pushState(null, '', urlOf(this.place));
  }

  /** @param {Place} next */
  #become(next) {
    const before = this.place;
    this.place = next;
    this.onChange(next, before);
  }

  /** A link that stays in this page, unless a person wants another tab. @param {HTMLAnchorElement} anchor @param {() => Partial<Place>} change */
  link(anchor, change) {
    anchor.addEventListener('click', (event) => {
      if (event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
      event.preventDefault();
      this.go(change());
    });
  }
}
